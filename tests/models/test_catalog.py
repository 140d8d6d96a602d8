"""Every name builds a model that fits, and says what it needs."""

import numpy as np
import pytest
from sklearn.base import clone

from motor_bids_app.errors import UsageError
from motor_bids_app.features.samples import Samples
from motor_bids_app.models.catalog import MODELS, TASKS, build_model, needs

from .conftest import seen_by, tiny


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", MODELS)
def test_every_model_works_with_what_it_says_it_needs(name, task, samples, outcome, predictions):
    """Other columns, and volumes if not named, are taken away."""
    need, samples = needs(name), seen_by(name, samples)
    kept = [c for c in samples.table if c in need.columns or (need.pattern and "_" in c)]
    bare = Samples(
        samples.table[list({"participant_id", "group", *kept})],
        samples.volumes if need.volumes else None,
        {kind: samples.instances[kind] for kind in need.instances},
    )
    params = {
        key: [*value] if isinstance(value, tuple) else value for key, value in tiny(name).items()
    }  # as TOML has them

    model = build_model(name, task=task, params=params, n_classes=3).fit(bare, outcome(task))

    assert need.unmet(bare.table) == []
    assert np.isfinite(predictions(model, bare)).all()


@pytest.mark.parametrize("name", MODELS)
def test_every_model_keeps_to_the_range_of_the_score(name, samples, make_samples, predictions):
    """Scores are at either end, and new people have five times the damage."""
    y = np.where(np.arange(36) % 3 == 0, 0.0, 66.0)
    params = {
        key: [*value] if isinstance(value, tuple) else value for key, value in tiny(name).items()
    }
    samples, others = seen_by(name, samples), seen_by(name, make_samples(damage=1.5))
    model = build_model(name, task="regression", params=params, bounds=(0, 66)).fit(samples, y)
    if name == "lesion_gp":
        others = samples  # it never leaves its experiment
    given = predictions(model, others)
    assert given.min() >= 0
    assert given.max() <= 66
    if name in ("kernel", "tract_load"):
        free = predictions(build_model(name, task="regression").fit(samples, y), others)
        assert free.min() < 0 or free.max() > 66


@pytest.mark.parametrize("name", MODELS)
def test_every_model_can_be_cloned(name):
    model = build_model(name, task="classification", random_state=3)
    assert clone(model).get_params() == model.get_params()


def test_unmet_needs_are_named(samples):
    bare = samples.table[["participant_id", "age"]].assign(sex=np.nan)
    assert needs("demographics").unmet(bare) == ["sex", "time_since_stroke"]
    assert needs("regional").unmet(bare) == ["regional features"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("svm", "classification", {}), "Unknown model 'svm'"),
        (("kernel", "ranking", {}), "Unknown task 'ranking'"),
        (("karakis2023", "regression", {"depth": 3}), "no setting 'depth'"),
        (("kernel", "regression", {"mask": 3}), "no setting 'mask'"),
    ],
)
def test_unknown_names_are_explained(arguments, message):
    name, task, params = arguments
    with pytest.raises(UsageError, match=message):
        build_model(name, task=task, params=params)


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        ("karakis2023", {"widths": (1,) * 6}, "10 x 12 x 10 voxels can be halved 3 times"),
        ("cbam2025", {"widths": (1,) * 6}, "use at most 5 widths"),
        ("gao2025", {"widths": (2,) * 4, "convolutions": (1,) * 4}, "too small for 4 poolings"),
        ("gao2025", {"widths": (2, 2), "convolutions": (1,)}, "names 2 blocks and convolutions 1"),
        ("signals", {"step": 1.5}, "1 steps of 1.5 s"),
        ("shi2025", {"hidden": ()}, "at least one LSTM layer"),
    ],
)
def test_what_leaves_nothing_to_learn_from_is_refused_before_training(
    name, params, message, samples
):
    with pytest.raises(UsageError, match=message):
        build_model(name, task="regression", params=params).check_inputs(samples)
