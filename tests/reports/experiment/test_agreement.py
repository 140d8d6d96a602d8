import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix

from motor_bids_app.reports.experiment import agreement


@pytest.mark.parametrize(("k", "n"), [(0, 8), (3, 10), (10, 10), (40, 90)])
def test_intervals_of_shares_are_wilsons(k, n):
    low, high = agreement._wilson(k / n, n)

    expected = binomtest(k, n).proportion_ci(method="wilson")
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-4)


def test_counts_are_those_of_scikit_learn(predictions):
    one = predictions[predictions["model"] == "kernel"]

    figure = agreement.confusion_matrices(
        predictions, {"kernel": "Kernel"}, positive="poor", negative="good"
    )

    right = confusion_matrix(one["true"], one["predicted"] >= 0.5)
    assert f"Kernel: {right[1, 1]} of 10 poor and {right[0, 0]} of 20 good right" in figure.alt


@pytest.mark.parametrize(("n", "groups"), [(6, 1), (20, 2), (200, 5)])
def test_calibration_groups_hold_enough_people(n, groups):
    people = pd.DataFrame({"predicted": np.linspace(0, 1, n), "true": np.arange(n) % 2})

    figure = agreement.calibration_curve(people, "Kernel", positive="poor")

    assert f"{groups} group" in figure.alt


def test_a_scatter_names_what_is_predicted():
    people = pd.DataFrame({"predicted": [10.0, 20, 30], "true": [5.0, 25, 40]})
    people["participant_id"] = ["sub-1", "sub-2", "sub-3"]

    figure = agreement.score_scatter(people, "Kernel", target="FMA-UE (points)")

    assert b"True FMA-UE (points)" in figure.data
