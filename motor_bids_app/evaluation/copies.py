"""Signs that a predictor of the user's own is the outcome itself."""

import numpy as np
import pandas as pd

from motor_bids_app.evaluation.leakage import MIN_PEOPLE, Row
from motor_bids_app.evaluation.splits import some

# Scores, people of a class, and people of a range, that are not told by chance.
MIN_VALUES, MIN_CLASS, MIN_BIN, MIN_IN_BINS = 5, 10, 3, 12
MIN_BINNED = 0.8  # share of the people who are in ranges of as many


def check_copies(own: pd.DataFrame, outcome: "pd.Series[float]", truth: "pd.Series[float]") -> Row:
    """Check that no predictor of the user's own is the outcome itself, in other units or words.

    It is where it is a straight line of the score; where each of its values, five at least, is
    that of one score, in the same or the opposite order; where it says of everybody who is in a
    class of ten people or more; or where its values that three people or more have, three at least
    and of most people, are each of a range of scores of its own.

    Parameters
    ----------
    own : DataFrame of float, shape (n_people, n_columns)
        Of patients; NaN where unknown.
    outcome, truth : Series, shape (n_people,)
        Their score, and what is predicted: class or score.
    """
    name, check = "copied-outcome", "no predictor is the outcome itself"
    copies = [str(name) for name, values in own.items() if _is_copy(values, outcome, truth)]
    if copies:
        finding = (
            f"{some(copies)} is the predicted outcome in other units or words. Remove it from "
            "[inputs] columns."
        )
        return name, check, "failed", finding, None
    return name, check, "passed", f"{own.shape[1]} predictors compared with the outcome.", None


def _is_copy(
    values: "pd.Series[float]", outcome: "pd.Series[float]", truth: "pd.Series[float]"
) -> bool:
    known = values.notna() & outcome.notna()
    ours, theirs, classes = values[known], outcome[known], truth[known]
    if known.sum() < MIN_PEOPLE or ours.nunique() < 2 or theirs.nunique() < 2:
        return False
    if theirs.nunique() > 2 and abs(float(np.corrcoef(ours, theirs)[0, 1])) > 1 - 1e-9:
        return True
    ranks = [one.rank(method="dense").to_numpy() for one in (ours, theirs)]
    one_to_one = np.array_equal(ranks[0], ranks[1]) or np.array_equal(
        ranks[0], ranks[1].max() + 1 - ranks[1]
    )
    if one_to_one and theirs.nunique() >= MIN_VALUES:
        return True
    if ours.nunique() > 2:
        return _is_binned(ours, theirs)
    yes = (ours == ours.max()).to_numpy()
    of_class = [(classes == one).to_numpy() for one in classes.unique()]
    return any(
        min(one.sum(), (~one).sum()) >= MIN_CLASS
        and (np.array_equal(one, yes) or np.array_equal(one, ~yes))
        for one in of_class
    )


def _is_binned(ours: "pd.Series[float]", theirs: "pd.Series[float]") -> bool:
    """Whether values stand for ranges of the score that do not overlap."""
    ranges = theirs.groupby(ours.to_numpy()).agg(["min", "max", "size"]).sort_values("min")
    kept = ranges[ranges["size"] >= MIN_BIN]
    if len(kept) < 3 or kept["size"].sum() < max(MIN_BINNED * len(ours), MIN_IN_BINS):
        return False
    ends, starts = kept["max"].to_numpy()[:-1], kept["min"].to_numpy()[1:]
    return bool((ends < starts).all())
