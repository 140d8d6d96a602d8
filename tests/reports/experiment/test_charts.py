import pandas as pd
import pytest

from motor_bids_app.reports.experiment import charts

MODELS = {"prevalence": "Share", "tract_load": "Tract load", "kernel": "Kernel"}


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
