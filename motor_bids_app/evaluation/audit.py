"""Checks of splits and data for what would make an evaluation too good."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from motor_bids_app.evaluation.copies import check_copies
from motor_bids_app.evaluation.leakage import (
    Row,
    check_answers,
    check_near_duplicates,
    check_scores_of_scans,
    check_sessions_apart,
    check_sites,
)
from motor_bids_app.evaluation.splits import some

COLUMNS = ["name", "check", "state", "finding", "participants"]
PASSED, WARNING, FAILED = "passed", "warning", "failed"
MAX_GAP = 0.5  # difference in the share of known values between patients and controls


def audit(
    splits: pd.DataFrame,
    people: Sequence[str],
    digests: Mapping[tuple[str, str], Sequence[str]],
    n_repeats: int,
    known: pd.DataFrame,
    controls: "pd.Series[bool]",
    *,
    alike: tuple[pd.DataFrame, int] | None = None,
    predictors: pd.DataFrame | None = None,
    scores: "pd.Series[float] | None" = None,
    sites: "pd.Series[Any] | None" = None,
    truth: "pd.Series[float] | None" = None,
    own: pd.DataFrame | None = None,
    scans: pd.DataFrame | None = None,
    score: str = "",
) -> pd.DataFrame:
    """Run all checks.

    Parameters
    ----------
    splits : DataFrame
        Columns repeat, fold, participant_id.
    people : sequence of str
        Everyone in the experiment.
    digests : mapping of (map, hash of its values) to participant labels
        Of all maps that vary inside the brain.
    n_repeats : int
        Repeats that were asked for.
    known : DataFrame of bool, shape (n_people, n_columns)
        Whether each person has a value, by participant label and predictor.
    controls : Series of bool
        Whether a person is healthy, by participant label.
    alike : DataFrame and int, optional
        See `near_duplicates`.
    predictors, scores : DataFrame and Series, optional
        What models may see of patients, and their scores.
    own : DataFrame, optional
        See `check_copies`: some of the predictors.
    sites, truth : Series, optional
        Where everyone was imaged, and what is predicted of them.
    scans, score : DataFrame and str, optional
        See `check_scores_of_scans`.

    Returns
    -------
    DataFrame
        Columns name (for `--allow`), check, state ("passed", "warning", "failed" or "not
        checked"), finding and participants (comma-separated labels concerned, or missing).
    """
    rows = [
        _one_fold_each(splits),
        _known_people(splits, people),
        _everyone_tested(splits, people, n_repeats),
        _duplicates(digests),
        _gaps_of_controls(known, controls),
        check_sessions_apart(people),
    ]
    if scans is not None:
        rows.append(check_scores_of_scans(scans, score))
    if alike is not None:
        rows.append(check_near_duplicates(*alike))
    if predictors is not None and scores is not None:
        rows.append(check_answers(predictors, scores))
    if own is not None and scores is not None and truth is not None:
        rows.append(check_copies(own, scores, truth.reindex(scores.index)))
    if sites is not None and scores is not None and truth is not None:
        rows.append(check_sites(sites, scores, truth))
    return pd.DataFrame(rows, columns=COLUMNS)


def _one_fold_each(splits: pd.DataFrame) -> Row:
    name, check = "two-folds", "no person in two folds"
    counts = splits.groupby(["repeat", "participant_id"])["fold"].size()
    twice = sorted(set(counts[counts > 1].index.get_level_values("participant_id")))
    if twice:
        finding = f"{len(twice)} people are tested twice in a repeat: {some(twice)}."
        return name, check, FAILED, finding, ", ".join(twice)
    finding = "Every person is tested at most once per repeat, with all scans."
    return name, check, PASSED, finding, None


def _known_people(splits: pd.DataFrame, people: Sequence[str]) -> Row:
    name, check = "strangers", "splits name the people of the experiment"
    strangers = sorted(set(splits["participant_id"]) - set(people))
    if strangers:
        finding = (
            f"{len(strangers)} people of the splits are not in the experiment: {some(strangers)}."
        )
        return name, check, FAILED, finding, ", ".join(strangers)
    return name, check, PASSED, f"All {len(people)} people come from the cohort.", None


def _everyone_tested(splits: pd.DataFrame, people: Sequence[str], n_repeats: int) -> Row:
    name, check = "untested", "everyone is tested"
    never = sorted(set(people) - set(splits["participant_id"]))
    repeats = splits["repeat"].nunique()
    if never or repeats < n_repeats:
        finding = (
            f"{len(never)} of {len(people)} people are never tested in {repeats} repeats: "
            "the metrics say nothing about them."
        )
        return name, check, WARNING, finding, ", ".join(never) or None
    finding = f"All {len(people)} people are tested, over {repeats} repeats."
    return name, check, PASSED, finding, None


def _duplicates(
    digests: Mapping[tuple[str, str], Sequence[str]],
) -> Row:
    name, check = "duplicates", "no image or recording under two participants"
    shared = [
        (name, sorted(set(owners)))
        for (name, _), owners in sorted(digests.items())
        if len(set(owners)) > 1
    ]
    if shared:
        labels = sorted({label for _, owners in shared for label in owners})
        maps = sorted({name for name, _ in shared})
        finding = (
            f"{len(labels)} participants share identical data ({', '.join(maps)}), so that a test "
            "person's image or recording may be in the training set. Leave the copies out."
        )
        return name, check, FAILED, finding, ", ".join(labels)
    return name, check, PASSED, f"{len(digests)} images and recordings compared by content.", None


def _gaps_of_controls(known: pd.DataFrame, controls: "pd.Series[bool]") -> Row:
    name, check = "telling-gaps", "gaps in the data do not give controls away"
    if not controls.any() or controls.all():
        return name, check, PASSED, "There is only one group.", None
    healthy, patients = known[controls].mean(), known[~controls].mean()
    telling = sorted(known.columns[(healthy - patients).abs() > MAX_GAP])
    if telling:
        are = "is" if len(telling) == 1 else "are"
        finding = (
            f"{', '.join(telling).replace('_', ' ')} {are} known for "
            f"{_span(patients[telling])} of patients, but for {_span(healthy[telling])} of "
            "controls, so a model may recognise controls by missing values. Results for patients "
            "are not inflated by this."
        )
        return name, check, WARNING, finding, None
    return name, check, PASSED, "Missing values are similar in patients and controls.", None


def _span(shares: "pd.Series[float]") -> str:
    low, high = shares.min(), shares.max()
    return f"{low:.0%}" if low == high else f"{low:.0%} to {high:.0%}"
