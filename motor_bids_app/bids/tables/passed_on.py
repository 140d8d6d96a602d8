"""What of participants.tsv is passed on to derivatives: variables that the app knows, as read."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from motor_bids_app.bids.files import read_json
from motor_bids_app.bids.tables.cells import read_variable
from motor_bids_app.bids.tables.column import Column
from motor_bids_app.bids.tables.scores import DEMOGRAPHICS, SCORES, recognise
from motor_bids_app.bids.tables.scores_map import ScoresMap
from motor_bids_app.bids.tables.sources import participants_table
from motor_bids_app.errors import ScoreError
from motor_bids_app.privacy import OLDEST, shown_age

_SEX = {0.0: "female", 1.0: "male"}
_DESCRIPTIONS: dict[str, dict[str, Any]] = {
    "age": {"Description": f"Age; {OLDEST}+ for everybody who is older", "Units": "years"},
    "sex": {"Description": "Sex", "Levels": {"female": "female", "male": "male"}},
    "time_since_stroke": {"Description": "Time since the stroke", "Units": "months"},
    "handedness": {"Description": "Hand that is preferred"},
    "lesion_side": {"Description": "Side of the brain that is damaged"},
    "paretic_side": {"Description": "Side of the body that is weak"},
    "site": {"Description": "Where the data were acquired"},
    "group": {"Description": "Patient or control"},
}


@dataclass(frozen=True)
class Variable:
    """One variable of all participants.

    Parameters
    ----------
    name : str
        As in the registry: 'age', 'fma_ue' ...
    values : dict
        By participant, 'sub-01'; ages above 89 as '89+'.
    description : dict
        Its entry in a data dictionary.
    """

    name: str
    values: Mapping[str, Any]
    description: Mapping[str, Any]


def known_variables(dataset: Path) -> list[Variable]:
    """Variables of participants.tsv that are known and can be read; none if there is no table.

    Raises
    ------
    ReadWriteError
        The table or its dictionary cannot be read.
    """
    table = participants_table(dataset)
    if table is None:
        return []
    table = table.set_axis(table["participant_id"], axis=0)
    table = table[~table.index.duplicated()]
    sidecar = dataset / "participants.json"
    dictionary = read_json(sidecar) if sidecar.exists() else {}
    found: dict[str, Variable] = {}
    for column in map(str, table.columns):
        name = recognise(column)
        if name is None or name in found:
            continue
        entry = dictionary.get(column)
        entry = entry if isinstance(entry, dict) else {}
        cells = Column.described("participants.tsv", column, table[column], entry)
        try:
            values = read_variable(name, cells, ScoresMap().get(name)).series.dropna()
        except ScoreError:
            continue
        found[name] = Variable(name, _shown(name, values, table[column]), _description(name))
    return [found[name] for name in (*DEMOGRAPHICS, *SCORES) if name in found]


def _shown(name: str, values: "pd.Series[Any]", cells: "pd.Series[str]") -> dict[str, Any]:
    if name == "age":  # one that is top-coded already stays so
        shown = {who: shown_age(years).rstrip("+") for who, years in values.items()}
        told = {who: str(cell) for who, cell in cells.items()}
        plus = {who for who, years in values.items() if years > OLDEST or "+" in told[who]}
        return {str(who): age + ("+" if who in plus else "") for who, age in shown.items()}
    if name == "sex":
        return {str(who): _SEX[code] for who, code in values.items()}
    return {str(who): value for who, value in values.items()}


def _description(name: str) -> dict[str, Any]:
    if name in _DESCRIPTIONS:
        return _DESCRIPTIONS[name]
    return {"Description": SCORES[name].title, "Units": SCORES[name].unit}
