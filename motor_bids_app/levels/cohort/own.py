"""Predictors of the user's own: scores of the tables that an experiment names."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from motor_bids_app.errors import DataError
from motor_bids_app.levels.cohort.outcome import Outcome
from motor_bids_app.levels.cohort.participants import Participants
from motor_bids_app.models.tables.columns import own_column


def with_own(
    people: Participants, outcome: Outcome, wanted: Sequence[str]
) -> tuple[Participants, tuple[str, ...]]:
    """Add a column for each score that models are to predict from.

    Parameters
    ----------
    people : Participants
    outcome : Outcome
        What is predicted, which no predictor can be.
    wanted : sequence of str
        Scores of the tables, those of the registry and those that `--scores-map` declares.

    Returns
    -------
    Participants
        With the columns.
    tuple of str
        Remarks.

    Raises
    ------
    DataError
        A score is what is predicted, or nobody has it.
    """
    if not wanted:
        return people, ()
    for name in wanted:
        if name == outcome.score.name:
            raise DataError(f"[inputs] columns: {name} is what is predicted. Leave it out.")
        if name not in people.scores or people.table[name].isna().all():
            others = [other for other in people.scores if other != outcome.score.name]
            raise DataError(
                f"[inputs] columns: {name} is not known for anybody with derivatives; other scores "
                f"are {', '.join(others) or 'none'}. Name its column with --scores-map."
            )
    labels = ", ".join(people.scores[name].label for name in wanted)
    note = (
        f"Models may predict from {labels}, which the experiment says are known before "
        f"{outcome.score.label}. If they are not, the results are void."
    )
    return with_known_own(people, wanted), (note,)


def with_known_own(people: Participants, wanted: Sequence[str]) -> Participants:
    """Add the same columns to people who are to be predicted, missing where nothing is known."""
    known = {
        own_column(name): people.table[name].to_numpy(dtype=float, na_value=np.nan)
        if name in people.table
        else np.full(len(people.table), np.nan)
        for name in wanted
    }
    return replace(people, table=people.table.assign(**known)) if known else people
