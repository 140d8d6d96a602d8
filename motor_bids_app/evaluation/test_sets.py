"""Whether given test sets allow to learn, and to judge what was learned."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.errors import DataError
from motor_bids_app.evaluation.splits import MIN_CLASS, some

MIN_TESTED = 3  # people with a score, so that a correlation is defined


def check_test_sets(
    splits: pd.DataFrame,
    truth: "pd.Series[float]",
    task: str,
    names: Sequence[str] = (),
    counted: NDArray[np.bool_] | None = None,
) -> tuple[str, ...]:
    """Check test sets that need not hold everyone evenly: holdouts, by site, or by the user.

    Parameters
    ----------
    splits : DataFrame
        Columns repeat, fold, participant_id.
    truth : Series
        1 poor and 0 good, or the score, by participant_id.
    task : str
        "classification" or "regression".
    names : sequence of str
        What the folds from 1 on are called in messages; "fold 1 of repeat 1" by default.
    counted : bool array, shape (n_people,), optional
        Whose predictions are judged, in the order of `truth`: patients. The others only train.
        By default all.

    Returns
    -------
    tuple of str
        Remarks on test sets that some metrics cannot count.

    Raises
    ------
    DataError
        Models could not be trained, or their metrics would not be defined.
    """
    judged = np.ones(len(truth), dtype=bool) if counted is None else counted
    whom = "people" if judged.all() else "patients"
    tested = truth[truth.index.isin(splits["participant_id"]) & judged]
    if task != "classification":
        _check_scores(tested, whom)
        return ()
    single = _of_one_class(splits, truth, names, judged)
    n_sets = len(splits[["repeat", "fold"]].drop_duplicates())
    counts = [int((tested == value).sum()) for value in (1, 0)]
    if min(counts) < MIN_CLASS:
        raise DataError(
            f"The splits test {counts[0]} poor and {counts[1]} good {whom}: metrics need at least "
            f"{MIN_CLASS} of each. Test more {whom}, such as with [validation] scheme = "
            '"repeated_kfold", a larger test_fraction or more repeats.'
        )
    if len(single) == n_sets:
        raise DataError(
            f"The splits test {counts[0]} poor and {counts[1]} good {whom}, and "
            f"{n_sets - len(single)} of {n_sets} test sets hold both classes: an AUC, which "
            "compares people predicted by the same model, is not defined. Use other splits, such "
            'as [validation] scheme = "repeated_kfold".'
        )
    if not single:
        return ()
    return (
        f"{len(single)} of {n_sets} test sets hold {whom} of one class only ({some(single)}), "
        "or none: they have no AUC of their own and do not count in the AUC, but in all other "
        "metrics.",
    )


def _check_scores(tested: "pd.Series[float]", whom: str) -> None:
    """Raise DataError unless there are enough tested scores, and they differ."""
    if len(tested) < MIN_TESTED or tested.nunique() < 2:
        raise DataError(
            f"The splits test {len(tested)} {whom} with {tested.nunique()} different scores: "
            f"test at least {MIN_TESTED} {whom} whose scores differ, such as with [validation] "
            'scheme = "repeated_kfold".'
        )


def _of_one_class(
    splits: pd.DataFrame,
    truth: "pd.Series[float]",
    names: Sequence[str],
    judged: NDArray[np.bool_],
) -> list[str]:
    """Name the test sets whose judged people are of one class.

    Raises
    ------
    DataError
        All people outside a test set are of one class.
    """
    single: list[str] = []
    for repeat, fold in splits[["repeat", "fold"]].drop_duplicates().to_numpy(np.int64):
        name = names[fold - 1] if names else f"fold {fold} of repeat {repeat}"
        together = (splits["repeat"] == repeat) & (splits["fold"] == fold)
        inside = truth.index.isin(splits.loc[together, "participant_id"])
        if truth[~inside].nunique() < 2:
            raise DataError(
                f"Without the people of {name}, all {int((~inside).sum())} others are of one "
                "class: nothing can be learned from them. Use other splits or another threshold."
            )
        if truth[inside & judged].nunique() < 2:
            single.append(name)
    return single
