"""Signs in the data that a test set is not new, or that something else gives the answer away."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]
ALIKE = 0.95  # correlation of two people's deviations from the cohort's mean image
MIN_PEOPLE = 8  # with fewer, deviations from the mean correlate by themselves
TELLING = 0.98  # rank correlation of a predictor with the outcome
SITE_P = 0.001
_SESSION = re.compile(  # sub-07pre, sub-12T1, sub-12ses2, sub-103followup
    r"(.*\d[a-z]*?)(?:pre|post|baseline|followup|bl|fu|(?:ses|visit|t|v|m)\d{1,2})", re.IGNORECASE
)
Row = tuple[str, str, str, str, str | None]


def near_duplicates(
    grams: Floats, present: NDArray[np.bool_], participants: Sequence[str], maps: Sequence[str]
) -> tuple[pd.DataFrame, int]:
    """Find images of different people that are too alike to be of different people.

    Parameters
    ----------
    grams : array, shape (n_maps, n_scans, n_scans)
        Inner products of the maps, the cohort's mean taken out of every voxel: what all brains
        have in common does not count.
    present : bool array, shape (n_scans, n_maps)
    participants : sequence of str, shape (n_scans,)
    maps : sequence of str, shape (n_maps,)

    Returns
    -------
    DataFrame
        Columns map, first, second (participant labels) and correlation, above `ALIKE`.
    int
        Maps that were compared: those of 8 people or more.
    """
    labels = np.asarray(participants, dtype=str)
    rows: list[tuple[str, str, str, float]] = []
    n_compared = 0
    for k, name in enumerate(maps):
        has = np.flatnonzero(present[:, k])
        if len(set(labels[has])) < MIN_PEOPLE:
            continue
        n_compared += 1
        length = np.sqrt(np.maximum(np.diag(grams[k]), 1e-30))
        correlation = np.triu(grams[k] / length / length[:, None], 1)
        for i, j in np.argwhere(correlation > ALIKE):
            if labels[i] != labels[j] and {i, j} <= set(has):
                rows.append((name, labels[i], labels[j], float(correlation[i, j])))
    return pd.DataFrame(rows, columns=["map", "first", "second", "correlation"]), n_compared


def check_near_duplicates(pairs: pd.DataFrame, n_compared: int) -> Row:
    """Check that nobody's image is a changed copy of another's; see `near_duplicates`."""
    name, check = "near-duplicates", "no two participants have nearly the same image"
    if not n_compared:
        finding = f"Nearly equal images were not looked for: no map of {MIN_PEOPLE} people or more."
        return name, check, "not checked", finding, None
    if pairs.empty:
        return name, check, "passed", f"No correlation of deviations above {ALIKE}.", None
    labels = sorted(set(pairs["first"]) | set(pairs["second"]))
    finding = (
        f"{len(labels)} participants have nearly the same {', '.join(sorted(set(pairs['map'])))} "
        f"maps (correlation of deviations from the mean up to {pairs['correlation'].max():.3f}): "
        "one person under two names, or a copy. Leave one out."
    )
    return name, check, "failed", finding, ", ".join(labels)


def check_answers(predictors: pd.DataFrame, outcome: "pd.Series[float]") -> Row:
    """Check that no single column orders people just as the outcome does.

    Parameters
    ----------
    predictors : DataFrame of float, shape (n_people, n_columns)
        What models may see, of patients; NaN where unknown.
    outcome : Series, shape (n_people,)
        Score of the same people; NaN where unknown.
    """
    name, check = "answer-columns", "no column gives the answer away"
    telling = []
    for column, values in predictors.items():
        known = values.notna() & outcome.notna()
        ours, theirs = values[known], outcome[known]
        if known.sum() < MIN_PEOPLE or ours.nunique() < 3 or theirs.nunique() < 3:
            continue
        if abs(float(stats.spearmanr(ours, theirs).statistic)) > TELLING:
            telling.append(str(column))
    if telling:
        finding = (
            f"{', '.join(telling)} orders the patients almost exactly as the outcome does (rank "
            f"correlation above {TELLING}): was it made from the score, or measured after it?"
        )
        return name, check, "warning", finding, None
    return name, check, "passed", f"{predictors.shape[1]} columns compared with the outcome.", None


def check_sites(
    sites: "pd.Series[Any]", scores: "pd.Series[float]", truth: "pd.Series[float]"
) -> Row:
    """Check that the site alone does not tell the outcome (Kruskal-Wallis tests).

    Parameters
    ----------
    sites : Series, shape (n_people,)
        Of everyone, by participant label.
    scores : Series, shape (n_patients,)
        Of patients.
    truth : Series, shape (n_people,)
        What is predicted of everyone: sites of controls alone give their class away.
    """
    name, check = "site", "the site alone does not predict the outcome"
    found = {
        "outcome of patients": _between_sites(sites, scores),
        "outcome of everyone": _between_sites(sites, truth),
    }
    p = {whose: value for whose, value in found.items() if value is not None}
    if not p:
        return name, check, "passed", "There is one site, or none is named.", None
    worst = min(p, key=p.__getitem__)
    n_sites = sites.nunique()
    if p[worst] < SITE_P:
        finding = (
            f"The {worst} differs between the {n_sites} sites (Kruskal-Wallis p {p[worst]:.1g}): a "
            "model that recognises the scanner beats chance. Test on sites left out."
        )
        return name, check, "warning", finding, None
    return name, check, "passed", f"{n_sites} sites, Kruskal-Wallis p {p[worst]:.2f}.", None


def _between_sites(sites: "pd.Series[Any]", outcome: "pd.Series[float]") -> float | None:
    """P that an outcome differs between sites by chance; None where it cannot be tested."""
    values = outcome.dropna()
    there = sites.reindex(values.index)
    groups = [part.to_numpy() for _, part in values.groupby(there)]
    if len(groups) < 2 or len(np.unique(np.concatenate(groups))) < 2:
        return None
    return float(stats.kruskal(*groups).pvalue)


def check_sessions_apart(participants: Sequence[str]) -> Row:
    """Check that no two participants look like sessions of one person.

    Folds keep the scans of a participant together, but cannot know that sub-07pre and sub-07post
    are the same person.
    """
    name, check = "split-sessions", "no person has a name per session"
    stems: dict[str, list[str]] = {}
    for label in sorted(set(participants)):
        found = _SESSION.fullmatch(label)
        if found:
            stems.setdefault(found[1].lower(), []).append(label)
    twins = [label for labels in stems.values() if len(labels) > 1 for label in labels]
    if twins:
        finding = (
            f"{len(twins)} participants have names that differ only in a session ("
            f"{', '.join(twins[:2])}, ...). If they are the same people, a test person is in the "
            "training set: make them sessions of one participant."
        )
        return name, check, "warning", finding, ", ".join(twins)
    return name, check, "passed", "No two names differ only in a session.", None


def check_scores_of_scans(scans: pd.DataFrame, score: str) -> Row:
    """Check that the scans of a person were not all given one score, measured once.

    Parameters
    ----------
    scans : DataFrame
        One row per scan: participant_id, session_id, time_since_stroke and the score.
    score : str
        Column of the score.
    """
    name, check = "post-outcome", "no scan was made after its score"
    patients = scans[scans["time_since_stroke"].notna() & scans[score].notna()]
    sessions, times, scores = (
        patients.drop_duplicates(["participant_id", column]).groupby("participant_id").size()
        for column in ("session_id", "time_since_stroke", score)
    )
    shared = sorted(sessions.index[(sessions > 1) & (times == 1) & (scores == 1)])
    if shared:
        finding = (
            f"{len(shared)} people have several sessions, but one score and one time since stroke "
            "for all of them, so that a scan may be of after the score, when treatment or time "
            "had changed the brain. Give scores by session, or leave later sessions out."
        )
        return name, check, "warning", finding, ", ".join(shared)
    return name, check, "passed", "Nobody has one score for scans of several sessions.", None
