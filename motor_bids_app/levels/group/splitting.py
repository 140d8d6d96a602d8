"""Who is tested when in an experiment: by a scheme, by site, or as a file says."""

from collections.abc import Sequence
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.bids.tables.identifiers import participant_id
from motor_bids_app.bids.tables.tsv import PLAIN_MISSING, read_table
from motor_bids_app.errors import DataError
from motor_bids_app.evaluation.splits import (
    COLUMNS,
    feasible_folds,
    make_splits,
    splits_by_site,
)
from motor_bids_app.evaluation.test_sets import check_test_sets
from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.levels.cohort.cohort import Cohort
from motor_bids_app.levels.cohort.outcome import Outcome

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
        There are too few patients, overall or in a class, or too few people at other sites.
    """
    truth, task = cohort.labels.truth, cohort.outcome.task
    _check_numbers(cohort)
    if given is not None:
        return given, check_test_sets(given, truth, task, counted=cohort.patients)
    return deal_once([cohort], experiment, seed)


def deal_once(cohorts: Sequence[Cohort], experiment: Experiment, seed: int) -> _Plan:
    """Make the splits of the same people for one score or several, as `plan_splits` does.

    Classes of each score are spread over the folds, and of scores the mean of their ranks.

    Raises
    ------
    DataError
        As of `plan_splits`, for any of the scores.
    """
    for cohort in cohorts:
        _check_numbers(cohort)
    if experiment.validation.scheme == "leave_one_site_out":
        return _by_site(cohorts[0])
    return _by_scheme(cohorts, experiment, seed)


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
        There is no such file, or it cannot be read.
    DataError
        It is no tab-separated table, a column is missing, or a cell is not what it should be.
    """
    table = read_table(path, missing=PLAIN_MISSING)
    absent = [name for name in COLUMNS if name not in table]
    if absent:
        raise DataError(
            f"{path} has no column {absent[0]}: splits need {', '.join(COLUMNS)}, one row for each "
            "tested person."
        )
    if table.empty:
        raise DataError(f"{path} has no rows: nobody would be tested.")
    table["participant_id"] = table["participant_id"].map(participant_id, na_action="ignore")
    for name in COLUMNS:
        cells = table[name].fillna("n/a")
        allowed = r"sub-[0-9a-zA-Z+]+" if name == "participant_id" else r"[1-9][0-9]{0,5}"
        wrong = np.flatnonzero(~cells.str.fullmatch(allowed))
        if wrong.size:
            kind = "a label such as sub-01" if name == "participant_id" else "a number from 1 on"
            line, cell = table.index[wrong[0]], cells.iloc[wrong[0]]
            raise DataError(f"{path}, line {line}: {name} is {cell!r}, not {kind}.")
    return table[COLUMNS].reset_index(drop=True).astype({"repeat": np.int64, "fold": np.int64})


def _check_numbers(cohort: Cohort) -> None:
    """Raise unless the patients, who alone are scored, are enough and differ."""
    truth, outcome = cohort.labels.truth[cohort.patients], cohort.outcome
    n_controls = int(cohort.controls.sum())
    if len(truth) == 0:
        raise DataError(
            f"All {n_controls} people who can take part are healthy controls: impairment after "
            "stroke is predicted of patients. Add patients, or check the column group."
        )
    if outcome.task != "classification" and len(truth) < MIN_SCORED:
        raise DataError(
            f"Only {len(truth)} patients have {outcome.score.name}: at least {MIN_SCORED} "
            "are needed to learn from and test on."
        )
    if truth.nunique() < 2:
        what, other = _only(outcome, float(truth.iloc[0])), ""
        if n_controls:
            other = f" The {n_controls} controls do not count: they are too easy to distinguish."
        raise DataError(
            f"All {len(truth)} patients {what}: there is nothing to classify.{other} Set another "
            "[target] threshold, or add participants."
        )


def _only(outcome: Outcome, value: float) -> str:
    """What all people have in common, in words."""
    if outcome.cutoff is not None:
        return f"are {'poor' if value == 1 else 'good'} by {outcome.text}"
    if outcome.thresholds:
        return f"are in the class {outcome.classes[int(value)]} of {outcome.score.name}"
    return f"have the same {outcome.score.name}"


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
    notes = check_test_sets(
        splits, cohort.labels.truth, cohort.outcome.task, names, cohort.patients
    )
    return splits, notes


def _by_scheme(cohorts: Sequence[Cohort], experiment: Experiment, seed: int) -> _Plan:
    cohort, validation = cohorts[0], experiment.validation
    truth = cohort.labels.truth
    wanted = validation.folds if validation.scheme == "repeated_kfold" else 2
    if cohort.outcome.task == "classification":
        spread, folds, note = _spread_classes(cohorts, wanted)
    else:
        spread, n = _spread_scores(cohorts), int(cohort.patients.sum())
        folds = min(wanted, n)
        note = (
            f"{folds} folds are used, limited by the number of patients."
            if folds < wanted
            else None
        )
    splits = make_splits(
        list(truth.index),
        spread,
        scheme=validation.scheme,
        folds=folds,
        repeats=validation.repeats,
        seed=seed,
        strata=cohort.controls.to_numpy(dtype=bool),
        test_fraction=validation.test_fraction,
        balanced_test=validation.balanced_test,
    )
    if validation.scheme == "repeated_holdout":  # few people, tested once: too few to judge
        check_test_sets(splits, truth, cohort.outcome.task, counted=cohort.patients)
    notes: tuple[str, ...] = (note,) if note else ()
    balanced = validation.balanced_test and validation.scheme == "repeated_holdout"
    if balanced and cohort.outcome.task == "classification":
        notes += (_balanced_note(splits, cohort),)
    return splits, notes


def _spread_classes(cohorts: Sequence[Cohort], wanted: int) -> tuple[NDArray[Any], int, str | None]:
    """Class of each person, of all scores in one word; and the folds that the rarest allows."""
    cohort = cohorts[0]
    whom = "people" if cohort.patients.all() else "patients"
    classes = [np.where(one.labels.truth == 1, "poor", "good") for one in cohorts]
    plans = [feasible_folds(one[cohort.patients], wanted, whom) for one in classes]
    folds, note = min(plans, key=lambda plan: plan[0])
    return reduce(np.char.add, classes), folds, note


def _spread_scores(cohorts: Sequence[Cohort]) -> NDArray[np.float64]:
    """Score of each person, or the mean rank of several, each with the better ones above."""
    scores = [one.labels.truth for one in cohorts]
    if len(cohorts) > 1:
        signs = [1 if one.outcome.score.higher_is_better else -1 for one in cohorts]
        scores = [sign * score.rank() for sign, score in zip(signs, scores, strict=True)]
    return np.asarray(sum(scores) / len(scores), dtype=np.float64)


def _balanced_note(splits: pd.DataFrame, cohort: Cohort) -> str:
    tested = splits[splits["participant_id"].isin(cohort.controls.index[cohort.patients])]
    truth = cohort.labels.truth
    share = float(truth.loc[tested["participant_id"]].mean())
    everywhere = float(truth[cohort.patients].mean())
    return (
        "Test sets are drawn with equally many people of each class ([validation] balanced_test): "
        f"{share:.0%} of the tested patients are poor, and {everywhere:.0%} of all patients. "
        "Accuracy, precision, F1, Brier score, calibration and net benefit depend on this share, "
        "and hold for it alone; AUC, sensitivity and specificity do not."
    )
