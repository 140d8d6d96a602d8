"""The outcome under another name is no predictor."""

import numpy as np
import pandas as pd

from motor_bids_app.evaluation.copies import check_copies


def _copied(column, score, truth=None):
    people = [f"sub-{n}" for n in range(len(score))]
    outcome = pd.Series(np.asarray(score, float), index=people)
    truth = outcome if truth is None else pd.Series(np.asarray(truth, float), index=people)
    own = pd.DataFrame({"own_x": np.asarray(column, float)}, index=people)
    return check_copies(own, outcome, truth)[2]


def test_the_outcome_in_other_units_order_or_words_is_a_copy():
    score = np.random.default_rng(0).permutation(40)
    poor = score < 15

    assert _copied(100 - score / 0.4, score) == "failed"
    assert _copied(np.exp(score / 10), score) == "failed"
    assert _copied(np.where(score % 7 == 0, np.nan, score), score) == "failed"
    assert _copied(poor, score, poor) == "failed"
    assert _copied(~poor, score, poor) == "failed"
    assert _copied(np.digitize(score, [10, 20, 30]), score) == "failed"
    assert _copied(3 - np.digitize(score, [10, 20]), score) == "failed"


def test_a_good_predictor_is_no_copy():
    rng = np.random.default_rng(0)
    score = rng.permutation(40)
    poor = score < 15
    almost = poor.copy()
    almost[0] = not almost[0]

    assert _copied(score + rng.normal(0, 1, 40), score) == "passed"
    assert _copied(almost, score, poor) == "passed"
    assert _copied(score > 20, score) == "passed"
    assert _copied(np.digitize(score + rng.normal(0, 3, 40), [10, 20]), score) == "passed"
    assert _copied(score[:7], score[:7]) == "passed"  # too few to tell
