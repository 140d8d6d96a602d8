"""Which variable a column is: by the user's word, its name, and its description."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from motor_bids_app.bids.tables.descriptions import another_thing, contradiction, is_handedness
from motor_bids_app.bids.tables.scores import AMBIGUOUS, DEMOGRAPHICS, SCORES, normalise, recognise
from motor_bids_app.bids.tables.scores_map import ScoresMap, line_to_add
from motor_bids_app.errors import ScoreError


def check_raw(name: str, column: str, declarations: ScoresMap) -> None:
    """Raise where the scores map takes what is called a share for the raw score."""
    part, score = another_thing(column), declarations.get(name).score
    if (
        part
        and score is not None
        and name in SCORES
        and score.range_text == SCORES[name].range_text
    ):
        mine = normalise(column)
        line = line_to_add(mine, column=column, minimum=0, maximum=100)
        raise ScoreError(
            f"{column} says {part!r} in its name, and {score.title} goes from {score.range_text}. "
            f"Declare a score of your own, with its limits, in --scores-map: {line}"
        )


def meaning_of(
    column: str, description: Mapping[str, Any], declarations: ScoresMap
) -> tuple[str | None, str]:
    """Registry name of a column, and a remark where it is not used."""
    if column in declarations.ignore:
        return None, "ignored, as the scores map says"
    for name, entry in declarations.declarations.items():
        if entry.column == column:
            return name, ""
    recognised = recognise(column)
    if recognised:
        other = declarations.get(recognised).column
        if other:
            return None, f"the scores map takes {other} instead"
        if recognised in SCORES and another_thing(column):
            return None, _suggestion(column)
        against = contradiction(recognised, description)
        if against:
            return None, (
                f"its description says {against}; if it is {recognised} all the same, add to the "
                f'scores map: {recognised} = "{column}"'
            )
        return recognised, ""
    if normalise(column) == "hand" and is_handedness(description):
        return "handedness", ""
    if normalise(column) in AMBIGUOUS:
        question, answer = AMBIGUOUS[normalise(column)]
        return None, f'{question} add to the scores map, for example: {answer} = "{column}"'
    return None, _suggestion(column)


def _suggestion(column: str) -> str:
    """What a column might be, as a line for the scores map; '' where nothing is near."""
    known = {normalise(name): name for name in (*SCORES, *DEMOGRAPHICS)}
    parts = [name for short, name in known.items() if len(short) > 3 and short in normalise(column)]
    parts = parts or [known[s] for s in get_close_matches(normalise(column), known, 1, 0.8)]
    if not parts:
        return ""
    other = another_thing(column)
    if other:
        return f"not taken for {parts[0]}: {other!r} in its name makes it another thing"
    return f'perhaps {parts[0]}? add to the scores map: {parts[0]} = "{column}"'
