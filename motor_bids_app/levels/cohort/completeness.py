"""What is missing, whom that leaves out, and what models do about it."""

import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.bids.derived import DerivedScan
from motor_bids_app.errors import DataError
from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.features.connectivity import CONNECTIVITY
from motor_bids_app.features.recordings import SIGNALS
from motor_bids_app.features.series import WINDOWS
from motor_bids_app.features.slices import SLICES
from motor_bids_app.levels.cohort.maps import available_maps, seed_is_opposite
from motor_bids_app.levels.cohort.participants import Participants
from motor_bids_app.models.catalog import needs
from motor_bids_app.models.tables.columns import BASELINE, DEMOGRAPHICS, MEMBER, OWN, own_column

Flags = NDArray[np.bool_]
NAMES = {
    "age": "age",
    "sex": "sex",
    "time_since_stroke": "time since stroke",
    BASELINE: "baseline score",
    "site": "site",
}
MISSING_COLUMNS = ["what", "n_missing", "n_patients", "n_controls", "n_people", "rule"]
_FILLED = (
    "filled with the median of the training fold, and a column says where (the same for people "
    "to be predicted)"
)
_AS_THE_MEAN = (
    "imputed with the mean of the training fold (networks: the median); no model is told that it "
    "is missing, except the one of non-biological variables"
)
_WITHOUT_PIECES = (
    "the network learns from the others, and gives these people what it gives an average map"
)
_BY_THE_OTHER = (
    "networks learn from the others; predicted by the other modality, or by the mean of the "
    "training fold where there is none"
)
_PIECES = {
    SIGNALS: ("windows of EEG and EMG", _BY_THE_OTHER),
    SLICES: ("slices of the bold", _BY_THE_OTHER),
}


def incomplete(
    people: Participants,
    rows: NDArray[np.intp],
    exclusions: NDArray[np.object_],
    wanted: str | tuple[str, ...],
) -> NDArray[np.object_]:
    """Bar scans that lack a demographic or a map that the experiment uses.

    The time since stroke and the lesion map of a control are not missing: there is none. What
    nobody has is no reason to leave everyone out.

    Parameters
    ----------
    people : People
    rows : int array, shape (n_taking_part,)
        Scans that take part so far.
    exclusions : array of str, shape (n_scans,)
        Why others do not.
    wanted : "auto" or tuple of str
        Maps, as in the experiment.

    Returns
    -------
    array of str, shape (n_scans,)
        With the reasons of those who lack something.
    """
    controls = (people.table["group"] == "control").to_numpy(dtype=bool)
    maps = available_maps([people.scans[row] for row in rows], controls[rows], wanted)
    table = people.table.iloc[rows]
    used = {
        _in_words(name): [name]
        for name in DEMOGRAPHICS
        if name in table and table[name].notna().any()
    } | own_groups(table)
    gaps = {what: people.table[names].isna().any(axis=1) for what, names in used.items()}
    reasons = exclusions.copy()
    for row in rows:
        lacking = [
            what
            for what, gap in gaps.items()
            if gap.iloc[row] and not (controls[row] and what == NAMES["time_since_stroke"])
        ]
        lacking += [
            f"{name} map"
            for name in maps
            if name not in people.scans[row].maps and not (controls[row] and name == "lesion")
        ]
        if lacking:
            reasons[row] = f"lacks {', '.join(lacking)}, and the experiment leaves such scans out"
    return reasons


def own_groups(table: pd.DataFrame) -> dict[str, list[str]]:
    """Columns of predictors that the experiment names, by what it names; a baseline score too."""
    found: dict[str, list[str]] = {}
    for name in map(str, table.columns):
        if re.fullmatch(OWN, name):
            found.setdefault(_in_words(name.partition(MEMBER)[0]), []).append(name)
    return found


def _in_words(name: str) -> str:
    return NAMES.get(name, name.removeprefix(own_column("")))


def wrong_seeds(
    people: Participants,
    rows: NDArray[np.intp],
    exclusions: NDArray[np.object_],
    experiment: Experiment,
) -> NDArray[np.object_]:
    """Bar scans whose connectivity is of M1 of the healthy side, where an experiment reads it.

    So it is where tables alone know of a lesion on the right: without its mask, the participant
    level takes left M1.

    Parameters
    ----------
    people, rows, barred
        As of `incomplete`.

    Returns
    -------
    array of str, shape (n_scans,)
        With the reasons of these.
    """
    inputs, reasons = experiment.inputs, exclusions.copy()
    reads = WINDOWS in {kind for name in experiment.models for kind in needs(name).instances}
    if "lesion_side" not in people.table or not (reads or set(CONNECTIVITY) & set(inputs.maps)):
        return reasons
    sides = people.table["lesion_side"].tolist()
    for row in rows:
        reasons[row] = wrong_seed(people.scans[row], sides[row]) or reasons[row]
    return reasons


def wrong_seed(scan: DerivedScan, side: object) -> str:
    """Why connectivity of a scan, if it has any, is not that of the lesioned `side`, or ""."""
    found = [scan.maps.get(name) for name in CONNECTIVITY]
    paths = [path for path in (scan.seed, *found) if path is not None]
    if paths and side in ("left", "right") and seed_is_opposite(paths[0], str(side)):
        return (
            f"lesion on the {side}, but connectivity of M1 of the other side: process the bold "
            "again, with a lesion mask"
        )
    return ""


def missing_table(
    table: pd.DataFrame,
    present: Flags | None,
    maps: Sequence[str],
    regional: Sequence[str],
    instances: Mapping[str, Flags] | None = None,
) -> pd.DataFrame:
    """Count people without a value in any scan, and say which rule applies within the folds.

    Parameters
    ----------
    table : DataFrame
        One row per scan: participant_id, group, demographics and features.
    present : bool array, shape (n_scans, n_maps), or None
        Which scan has which map.
    maps : sequence of str, shape (n_maps,)
    regional : sequence of str
        Columns of regional features that a model uses.
    instances : mapping of str to bool array, shape (n_scans,), optional
        Which scan has instances (windows, slices) of each kind.

    Returns
    -------
    DataFrame
        Columns `MISSING_COLUMNS`: n_missing of n_people lack it, n_patients and n_controls of
        those. A row is there for all that models may see, also if nobody lacks it.
    """
    people = table["participant_id"].to_numpy(dtype=object)
    controls = (table["group"] == "control").to_numpy(dtype=bool)
    rows = []
    for what, known, rule in _seen(table, present, maps, regional, instances or {}):
        by_person = pd.DataFrame({"known": known, "control": controls}, index=people)
        by_person = by_person.groupby(level=0).any()
        lost = ~by_person["known"]
        n, healthy = int(lost.sum()), int((lost & by_person["control"]).sum())
        rows.append((what, n, n - healthy, healthy, len(lost), rule if n else "complete"))
    return pd.DataFrame(rows, columns=MISSING_COLUMNS)


def _seen(
    table: pd.DataFrame,
    present: Flags | None,
    maps: Sequence[str],
    regional: Sequence[str],
    instances: Mapping[str, Flags],
) -> Iterator[tuple[str, Flags, str]]:
    """What models may see, which scans have it, and the rule for those without."""

    def known(name: str) -> Flags:
        if name not in table:
            return np.zeros(len(table), dtype=bool)
        return table[name].notna().to_numpy(dtype=bool)

    for name in DEMOGRAPHICS:
        nobody = "nobody has it: models do without"
        yield NAMES[name], known(name), _FILLED if known(name).any() else nobody
    for what, names in own_groups(table).items():
        yield what, table[names].notna().all(axis=1).to_numpy(dtype=bool), _AS_THE_MEAN
    if "lesion_volume" in table:
        rule = "0 for controls; of patients, " + _FILLED
        yield "lesion mask (volume and tract load)", known("lesion_volume"), rule
    if regional:
        whole = table[list(regional)].notna().all(axis=1).to_numpy(dtype=bool)
        yield "a regional feature", whole, _FILLED
    if present is not None:
        for k, name in enumerate(maps):
            yield f"{name} map", present[:, k], "replaced by the mean map of the training fold"
    for kind, has in instances.items():
        what, rule = _PIECES.get(kind, (kind, _WITHOUT_PIECES))
        yield what, has, rule


def harmonisation_notes(table: pd.DataFrame, harmonise: str) -> tuple[str, ...]:
    """Say what was made alike across sites, and what was not.

    Raises
    ------
    DataError
        ComBat was asked for where there are no two sites.
    """
    if harmonise == "none":
        return ()
    sites = table["site"].dropna().astype(str) if "site" in table else pd.Series(dtype=str)
    if sites.nunique() < 2:
        raise DataError(
            f'[inputs] harmonise = "combat" needs two sites or more, and there is '
            f"{'one, ' + sites.iloc[0] if len(sites) else 'none named'}. Complete the column site "
            'of participants.tsv, or set harmonise = "none".'
        )
    unnamed = len(table) - len(sites)
    more = f" {unnamed} scans have no site, and were left as they are." if unnamed else ""
    return (
        f"Measured maps and features of {sites.nunique()} sites were harmonised by ComBat (Johnson "
        "et al. 2007; maps voxel by voxel, Fortin et al. 2017), learned in each training fold with "
        "age and sex kept and without the outcome. Scans of a site that the fold does not have, or "
        "has fewer than 3 of, were left as they are, because its location and scale are unknown. "
        f"Lesion masks and what is measured on them were not harmonised.{more}",
    )
