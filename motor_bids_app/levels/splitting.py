"""Who is tested when in an experiment: by a scheme, by site, or as a file says."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.bids.files import read_table
from motor_bids_app.errors import DataError
from motor_bids_app.evaluation.splits import (
    COLUMNS,
    check_test_sets,
    feasible_folds,
    make_splits,
    splits_by_site,
)
from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.levels.cohort import Cohort

MIN_SCORED = 6  # people, to learn a score from and test on
_Plan = tuple[pd.DataFrame, tuple[str, ...]]


def plan_splits(
    cohort: Cohort, experiment: Experiment, seed: int, given: pd.DataFrame | None = None
) -> _Plan:
    """Make the splits of an experiment, with fewer folds where people are few.

    Parameters
    ----------
    given : DataFrame, optional
        Splits of the user, which are taken as they are.

    Returns
    -------
    DataFrame
        Columns repeat, fold, participant_id.
    tuple of str
        Remarks, one sentence each.

    Raises
    ------
    DataError
        There are too few people, overall, in a class or at other sites.
    """
    truth, task = cohort.labels.truth, cohort.outcome.task
    _check_numbers(cohort)
    if given is not None:
        return given, check_test_sets(given, truth, task)
    if experiment.validation.scheme == "leave_one_site_out":
        return _by_site(cohort)
    return _by_scheme(cohort, experiment, seed)


def planned_repeats(experiment: Experiment) -> int:
    """Return how often everyone should be tested, at the least."""
    validation = experiment.validation
    once = validation.splits is not None or validation.scheme == "leave_one_site_out"
    return 1 if once else validation.repeats


def folds_like(splits: pd.DataFrame, n_people: int) -> int:
    """Number of folds, 2 or more, whose test sets are as large as those of `splits`.

    Examples
    --------
    >>> holdouts = {"repeat": [3, 3], "fold": 7, "participant_id": ["a", "b"]}
    >>> folds_like(pd.DataFrame(holdouts), n_people=10)
    5
    """
    return max(2, round(n_people / float(splits.groupby(["repeat", "fold"]).size().mean())))


def usable_splits(splits: pd.DataFrame, people: list[str]) -> pd.DataFrame:
    """Return splits that can be computed, where the audit was told to let faults pass.

    People outside the experiment are dropped. Where somebody is tested twice in a repeat, every
    test set counts as a repeat of its own.
    """
    known = splits[splits["participant_id"].isin(people)].drop_duplicates()
    if not known.duplicated(["repeat", "participant_id"]).any():
        return known
    return known.assign(repeat=known.groupby(["repeat", "fold"]).ngroup() + 1)


def read_splits(path: Path) -> pd.DataFrame:
    """Read a table of the form of our own splits.tsv.

    Raises
    ------
    InputMissingError, ReadWriteError
        There is no such file, or it is not a table.
    DataError
        A column is missing, or a cell is not what it should be.
    """
    table = read_table(path)
    absent = [name for name in COLUMNS if name not in table]
    if absent:
        raise DataError(
            f"{path} has no column {absent[0]}: splits need {', '.join(COLUMNS)}, one row for each "
            "tested person."
        )
    if table.empty:
        raise DataError(f"{path} has no rows: nobody would be tested.")
    for name in COLUMNS:
        cells = table[name].fillna("n/a")
        allowed = r"sub-[0-9a-zA-Z+]+" if name == "participant_id" else r"[1-9][0-9]{0,5}"
        wrong = np.flatnonzero(~cells.str.fullmatch(allowed))
        if wrong.size:
            kind = "a label such as sub-01" if name == "participant_id" else "a number from 1 on"
            raise DataError(
                f"{path}, line {wrong[0] + 2}: {name} is {cells.iloc[wrong[0]]!r}, not {kind}."
            )
    return table[COLUMNS].astype({"repeat": np.int64, "fold": np.int64})


def _check_numbers(cohort: Cohort) -> None:
    truth, outcome = cohort.labels.truth, cohort.outcome
    if outcome.task != "classification":
        if len(truth) < MIN_SCORED:
            raise DataError(
                f"Only {len(truth)} people have {outcome.score.name}: at least {MIN_SCORED} "
                "are needed to learn from and test on."
            )
    elif truth.nunique() < 2:
        named = "poor" if truth.iloc[0] == 1 else "good"
        raise DataError(
            f"All {len(truth)} people are {named} by {outcome.text}: nothing can be told apart. "
            "Set another [target] threshold, or add participants."
        )


def _by_site(cohort: Cohort) -> _Plan:
    table, sites = cohort.samples.table, cohort.sites
    if "site" in table:
        several = table.groupby("participant_id")["site"].nunique()
        moved = sorted(several.index[several > 1])
        if moved:
            raise DataError(
                f"{moved[0]} was examined at several sites, and would train at one and be tested "
                f"at the other; people like this: {len(moved)}. Leave them out with "
                "--exclude-participant-label."
            )
    splits = splits_by_site(sites)
    names = [f"site {name}" for name in sorted(set(sites.astype(str)))]
    return splits, check_test_sets(splits, cohort.labels.truth, cohort.outcome.task, names)


def _by_scheme(cohort: Cohort, experiment: Experiment, seed: int) -> _Plan:
    validation, truth = experiment.validation, cohort.labels.truth
    wanted = validation.folds if validation.scheme == "repeated_kfold" else 2
    spread: NDArray[Any]
    if cohort.outcome.task == "classification":
        spread = np.where(truth == 1, "poor", "good")
        folds, note = feasible_folds(spread, wanted)
    else:
        spread = truth.to_numpy(np.float64)
        folds = min(wanted, len(truth))
        note = f"{folds} folds are used: there are no more people." if folds < wanted else None
    splits = make_splits(
        list(truth.index), spread, scheme=validation.scheme, folds=folds,
        repeats=validation.repeats, seed=seed, strata=cohort.controls.to_numpy(dtype=bool),
        test_fraction=validation.test_fraction, balanced_test=validation.balanced_test,
    )  # fmt: skip
    if validation.scheme == "repeated_holdout":  # few people, tested once: too few to judge
        check_test_sets(splits, truth, cohort.outcome.task)
    return splits, (note,) if note else ()
