import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_curve

from motor_bids_app.evaluation.metrics import Predictions, classification_metrics
from motor_bids_app.evaluation.splits import make_splits
from motor_bids_app.reports.experiment import charts

MODELS = {"prevalence": "Share", "tract_load": "Tract load", "kernel": "Kernel"}


def test_roc_points_are_those_of_scikit_learn(predictions):
    one = predictions[predictions["model"] == "kernel"]

    false, true = charts._roc(one["true"].to_numpy(), one["predicted"].to_numpy())

    expected_false, expected_true, _ = roc_curve(
        one["true"], one["predicted"], drop_intermediate=False
    )
    np.testing.assert_allclose(false, expected_false)
    np.testing.assert_allclose(true, expected_true)


def test_the_area_under_the_drawn_curve_is_the_auc_of_the_table():
    rng = np.random.default_rng(0)
    people = [f"sub-{i:02d}" for i in range(23)]
    truth = pd.Series(np.arange(23) % 3 == 0, index=people).astype(float)
    tested = make_splits(people, truth.astype(int), folds=5, repeats=3, seed=1)
    own = truth[tested["participant_id"]].to_numpy()
    tested = tested.assign(true=own, predicted=np.round(own + rng.normal(0, 1.5, len(own)), 1))
    found = Predictions.of(tested.rename(columns={"predicted": "prediction"}), truth)

    false, true = charts.mean_roc(tested)

    area = np.trapezoid(true, false)
    assert area == pytest.approx(float(classification_metrics(found)["roc_auc"][0]))


def test_the_roc_says_each_auc_with_its_interval(predictions, metrics):
    tested = predictions.assign(repeat=1, fold=1)
    figure = charts.roc_curves(tested, metrics, MODELS)

    assert "Kernel 0.80 (0.70 to 0.88)" in figure.alt
    assert b"0.80 (0.70" in figure.data


def test_the_forest_has_a_ceiling_only_where_one_is_known(metrics):
    limits = {"metric": "roc_auc", "chance": 0.5, "noise_floors": dict.fromkeys(MODELS, 0.15)}

    without = charts.metric_forest(metrics, MODELS, **limits)
    with_ceiling = charts.metric_forest(metrics, MODELS, **limits, ceiling=0.9)

    assert b">ceiling<" not in without.data
    assert b">ceiling<" in with_ceiling.data
    assert "simulated" in with_ceiling.caption


def test_the_forest_skips_a_population_without_values(metrics):
    everyone = metrics[metrics["population"] == "all"]

    figure = charts.metric_forest(everyone, MODELS, metric="roc_auc", chance=0.5, noise_floors={})

    assert b">patients<" not in figure.data


def test_every_person_is_a_mark(predictions):
    few = predictions[predictions["model"] == "kernel"]

    figure = charts.probability_strips(few, {"kernel": "K"}, positive="poor", negative="good")

    marks = figure.data.count(b"<use xlink:href") - figure.data.count(b'stroke-width: 0.8"/>')
    assert marks >= len(few)


@pytest.mark.parametrize("missing", ["kernel", "tract_load"])
def test_a_model_without_test_sets_leaves_its_row_empty(missing):
    some = pd.DataFrame(
        [(m, r, f, "roc_auc", 0.5) for m in MODELS if m != missing for r in (1, 2) for f in (1, 2)],
        columns=["model", "repeat", "fold", "metric", "value"],
    )

    figure = charts.split_spread(some, MODELS, metric="roc_auc", chance=0.5)

    assert figure.data.count(b"<svg") == 1
