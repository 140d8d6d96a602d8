import numpy as np
import pytest

from motor_bids_app.features.samples import Samples
from motor_bids_app.models.catalog import build_model
from motor_bids_app.models.tables.products import linear_products

from ..conftest import seen_by


def with_own(samples):
    """Samples with a predictor that some people lack, and a block of three."""
    rng = np.random.default_rng(0)
    own = {f"own_x*: x{k}": rng.normal(k, 1, len(samples)) for k in range(3)}
    score = np.where(np.arange(len(samples)) % 7 == 0, np.nan, rng.normal(size=len(samples)))
    table = samples.table.assign(own_score=score, **own)
    return Samples(table, samples.volumes, samples.instances)


@pytest.mark.parametrize(
    "name",
    [
        "tract_load", "combined", "disconnection", "lesion_map", "kernel", "kernel_demographics",
        "own", "own_lesion", "own_regional", "own_kernel", "own_lesion_map",
    ],
)  # fmt: skip
def test_ridge_on_the_products_predicts_as_the_model_does(name, samples, outcome):
    score = outcome("regression")
    fit, judged = np.arange(24), np.arange(24, 36)
    samples = with_own(seen_by(name, samples))
    model = build_model(name, task="regression", maps=("fa", "gm")).fit(samples[fit], score[fit])

    products, _ = linear_products(name, samples, samples.participants, ("fa", "gm"))
    within, across = products(fit, judged)
    penalty = getattr(model, "penalty_", 1.0)
    if name == "disconnection":  # products are of people at a mean square distance of 1
        penalty = model.pipeline_[-1].alpha / model.pipeline_[-1].n_features_in_
    mean = score[fit].mean()
    dual = np.linalg.solve(within + penalty * np.eye(24), score[fit] - mean)
    assert across @ dual + mean == pytest.approx(model.predict(samples[judged]), rel=1e-4)


def test_scans_of_a_person_are_averaged(samples):
    twice = samples[np.r_[np.arange(12), 0]]
    people = list(samples.participants[:12])
    everyone = np.arange(12)
    for name in ("tract_load", "regional", "kernel"):
        once = linear_products(name, samples[everyone], people)[0](everyone, everyone)
        again = linear_products(name, twice, people)[0](everyone, everyone)
        assert again[1] == pytest.approx(once[1], rel=1e-3, abs=1e-4)


@pytest.mark.parametrize(
    "name", ["prevalence", "nuisance", "rbf", "boosting", "lesion_gp", "karakis2023"]
)
def test_a_model_without_linear_inputs_has_no_products(name, samples):
    assert linear_products(name, samples, list(samples.participants)) is None
