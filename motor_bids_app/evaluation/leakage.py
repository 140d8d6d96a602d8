"""Signs in the data that a test set is not new, or that something else gives the answer away."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from motor_bids_app.evaluation.splits import some

Floats = NDArray[np.float64]
ALIKE = 0.5  # least correlation of the deviations of two scans of one person
STRANGERS = 0.2  # greatest correlation of the deviations of two people in some map
MARGIN, OUTLYING = 0.25, 4.0  # to the next most alike, in Fisher's z and in its robust deviations
COPIES = 4  # of one person's scans, at most, that are looked for
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

    How alike two brains are depends on the map, its resolution and the cohort, so that no fixed
    limit will do. Scans of one person are instead outliers: each is nearest to the other, and far
    nearer than to whoever comes next. Brains that are all alike, as those of a simulation or of
    one template, have no such gap.

    Parameters
    ----------
    grams : array, shape (n_maps, n_scans, n_scans)
        Inner products of the maps, the cohort's mean taken out: see `features.likeness`.
    present : bool array, shape (n_scans, n_maps)
    participants : sequence of str, shape (n_scans,)
    maps : sequence of str, shape (n_maps,)

    Returns
    -------
    DataFrame
        Columns map, first, second (participant labels), correlation, and next: the correlation
        with the next most alike person, of the one who is more alike.
    int
        Maps that were compared: those of 8 people or more.
    """
    labels = np.asarray(participants, dtype=str)
    rows: list[tuple[str, str, str, float, float]] = []
    n_compared = 0
    unlike = _unlike(grams, present)
    for k, name in enumerate(maps):
        has = np.flatnonzero(present[:, k] & (np.diag(grams[k]) > 0))
        own = labels[has]
        if len(set(own)) < MIN_PEOPLE:
            continue
        n_compared += 1
        length = np.sqrt(np.diag(grams[k])[has])
        correlation = grams[k][np.ix_(has, has)] / length / length[:, None]
        found = [_copies(row, own != label) for row, label in zip(correlation, own, strict=True)]
        for i, (copies, after) in enumerate(found):
            for j in copies[copies > i]:
                if i in found[j][0] and not unlike[has[i], has[j]]:
                    following = max(after, found[j][1])
                    rows.append((name, own[i], own[j], float(correlation[i, j]), following))
    columns = ["map", "first", "second", "correlation", "next"]
    return pd.DataFrame(rows, columns=columns), n_compared


def _unlike(grams: Floats, present: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pairs of scans whose brains differ in some map, shape (n_scans, n_scans).

    What failed alike in two people, a segmentation say, makes one map alike; one brain is alike in
    all of them.
    """
    unlike = np.zeros(grams.shape[1:], dtype=bool)
    for gram, has in zip(grams, present.T, strict=True):
        length = np.sqrt(np.maximum(np.diag(gram), 0))
        scale = np.outer(length, length)
        correlation = np.divide(gram, scale, out=np.ones_like(gram), where=scale > 0)
        unlike |= np.outer(has, has) & (correlation < STRANGERS)
    return unlike


def _copies(row: Floats, others: NDArray[np.bool_]) -> tuple[NDArray[np.intp], float]:
    """Positions that stand out of the correlations of a scan, and the greatest of the others.

    Parameters
    ----------
    row : array, shape (n_scans,)
    others : bool array, shape (n_scans,)
        Scans of other people.
    """
    order = np.flatnonzero(others)[np.argsort(-row[others])]
    z = np.arctanh(np.clip(row[order], -1 + 1e-9, 1 - 1e-9))
    usual = 1.4826 * float(np.median(np.abs(z - np.median(z))))
    gaps = z[:COPIES] - z[1 : COPIES + 1]
    widest = int(np.argmax(gaps))
    if gaps[widest] < max(MARGIN, OUTLYING * usual) or row[order[widest]] < ALIKE:
        return order[:0], float(row[order[0]])
    return order[: widest + 1], float(row[order[widest + 1]])


def check_near_duplicates(pairs: pd.DataFrame, n_compared: int) -> Row:
    """Check that nobody's image is a changed copy of another's; see `near_duplicates`."""
    name, check = "near-duplicates", "no two participants have nearly the same image"
    if not n_compared:
        finding = f"Nearly equal images were not looked for: no map of {MIN_PEOPLE} people or more."
        return name, check, "not checked", finding, None
    if pairs.empty:
        finding = f"No two people have conspicuously similar maps (maps compared: {n_compared})."
        return name, check, "passed", finding, None
    labels = sorted(set(pairs["first"]) | set(pairs["second"]))
    both = pairs.drop_duplicates(["first", "second"])
    named = [f"{a} and {b}" for a, b in zip(both["first"], both["second"], strict=True)]
    finding = (
        f"{len(labels)} participants have nearly the same {', '.join(sorted(set(pairs['map'])))} "
        f"maps: {some(named)}. Deviations from the cohort's mean correlate by up to "
        f"{pairs['correlation'].max():.2f}, with the next most alike person by "
        f"{pairs['next'].max():.2f} at most: one person under two names, or a copy. Leave one out."
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
        if abs(float(stats.spearmanr(ours, theirs).statistic)) > TELLING or (
            abs(float(np.corrcoef(ours, theirs)[0, 1])) > TELLING
        ):
            telling.append(str(column))
    if telling:
        are = "is" if len(telling) == 1 else "are"
        finding = (
            f"{some(telling)} {are} almost the outcome in patients (correlation, or rank "
            f"correlation, above {TELLING}): was it made from the score, or measured after it?"
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
