import re

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_curve

from motor_bids_app.evaluation.metrics import classification_metrics
from motor_bids_app.evaluation.predictions import Predictions
from motor_bids_app.evaluation.splits import make_splits
from motor_bids_app.reports.experiment import roc

MODELS = {"prevalence": "Share", "tract_load": "Tract load", "kernel": "Kernel"}


def test_roc_points_are_those_of_scikit_learn(predictions):
    one = predictions[predictions["model"] == "kernel"]

    false, true = roc._roc(one["true"].to_numpy(), one["predicted"].to_numpy())

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

    false, true = roc.mean_roc(tested)

    area = np.trapezoid(true, false)
    assert area == pytest.approx(float(classification_metrics(found)["roc_auc"][0]))


def test_the_roc_says_each_auc_with_its_interval(predictions, metrics):
    tested = predictions.assign(repeat=1, fold=1)
    figure = roc.roc_curves(tested, metrics, MODELS)

    assert "Kernel 0.80 (0.70 to 0.88)" in figure.alt
    assert b"0.80 (0.70" in figure.data


@pytest.mark.parametrize(
    "label", ["All voxels of the maps, age, sex and time (linear kernel machine)"]
)
def test_a_long_legend_does_not_push_the_label_off_the_sheet(predictions, metrics, label):
    tested = predictions.assign(repeat=1, fold=1)
    figure = roc.roc_curves(tested, metrics, {**MODELS, "kernel": label})

    text = next(line for line in figure.data.decode().splitlines() if "Sensitivity" in line)
    size, x = (
        float(re.search(what, text)[1]) for what in ("font-size: ([0-9.]+)px", ' x="([-0-9.]+)"')
    )
    assert x > size  # upright letters end at x, and begin their height to the left of it
