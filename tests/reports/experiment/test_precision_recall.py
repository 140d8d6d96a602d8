import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score

from motor_bids_app.reports.experiment import precision_recall


def sample(n, seed, fold=1):
    rng = np.random.default_rng(seed)
    truth = (np.arange(n) % 4 == 0).astype(float)
    return pd.DataFrame(
        {
            "participant_id": [f"sub-{fold}x{k}" for k in range(n)],
            "repeat": 1,
            "fold": fold,
            "true": truth,
            "predicted": np.round(truth + rng.normal(0, 1, n), 1),  # with ties
            "model": "kernel",
        }
    )


@pytest.mark.parametrize("seed", range(5))
def test_the_area_of_a_test_set_is_its_average_precision(seed):
    one = sample(23, seed)

    recall, precision = precision_recall.mean_precision(one)

    area = (np.diff(recall) * precision[1:]).sum()
    assert area == pytest.approx(average_precision_score(one["true"], one["predicted"]))


def test_test_sets_count_by_their_poor_people():
    parts = [sample(12, 0), sample(40, 1, fold=2)]
    areas = [average_precision_score(one["true"], one["predicted"]) for one in parts]

    recall, precision = precision_recall.mean_precision(pd.concat(parts))

    expected = np.average(areas, weights=[3, 10])
    assert (np.diff(recall) * precision[1:]).sum() == pytest.approx(expected)


def test_test_sets_of_one_class_leave_the_share():
    one = sample(8, 0).assign(fold=np.arange(8))

    _, precision = precision_recall.mean_precision(one)

    np.testing.assert_array_equal(precision, 0.25)


def test_the_chart_says_what_guessing_reaches():
    figure = precision_recall.precision_recall_curves(sample(40, 3), {"kernel": "Kernel"})

    assert "guessing reaches 0.25" in figure.alt
    assert b"Kernel" in figure.data
