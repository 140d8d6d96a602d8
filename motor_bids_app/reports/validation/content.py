"""What the page of one validated model shows."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from motor_bids_app.reports.experiment.gate import Verdict
from motor_bids_app.reports.pages import Figure, Table


@dataclass(frozen=True, kw_only=True)
class ValidationReport:
    """All that the page of one validated model shows.

    Parameters
    ----------
    name, model_label, target, dataset : str
        Of the model; what kind it is; what it predicts, as 'FMA-UE < 27'; where it was tried.
    verdict : Verdict
    headline : str
        The main result, beside that of development.
    n_people : int
        Patients who count; `n_poor` of them are poor, None for a score.
    left_out : DataFrame
        Columns participant_id, reason.
    performance : tuple of (str, str, str)
        Name of a metric, its value here, and in development, each with the interval.
    figures : tuple of Figure
    updates, case_mix : DataFrame
        See `updates_table` and `case_mix`; may be empty.
    advice : str
        Which update is advised, in a sentence; empty without updates.
    coverage, subgroups, sites : Table or None
    notes : tuple of str
    provenance : mapping of str to str, int or float
    versions : mapping of str to str
    """

    name: str
    model_label: str
    target: str
    dataset: str
    verdict: Verdict
    headline: str
    n_people: int
    n_poor: int | None
    left_out: pd.DataFrame
    performance: tuple[tuple[str, str, str], ...]
    figures: tuple[Figure, ...]
    updates: pd.DataFrame
    advice: str
    case_mix: pd.DataFrame
    coverage: Table | None
    subgroups: Table | None
    sites: Table | None
    notes: tuple[str, ...]
    provenance: Mapping[str, str | int | float]
    versions: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class ModelLink:
    """One model on the page that puts several side by side."""

    name: str
    label: str
    href: str
    target: str
    n_people: int
    result: str
    verdict: Verdict
