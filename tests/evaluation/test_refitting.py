import numpy as np
import pandas as pd

from motor_bids_app.evaluation.refitting import refitting_test
from motor_bids_app.features.samples import Samples
from motor_bids_app.models.classical import TableClassifier


def test_more_folds_than_people_leave_two_to_be_compared_in_each_test_set():
    rng = np.random.default_rng(0)
    people = [f"sub-{i:02d}" for i in range(20)]
    poor = np.arange(20) % 2
    samples = Samples(pd.DataFrame({"participant_id": people, "a": poor + rng.normal(0, 0.1, 20)}))
    test = refitting_test(
        TableClassifier(columns=("a",)), samples, pd.Series(poor, index=people, dtype=float),
        task="classification", controls=np.zeros(20, dtype=bool), n_permutations=9, folds=60,
        seed=0,
    )  # fmt: skip

    assert test.value == 1
    assert np.isfinite(test.null).all()
