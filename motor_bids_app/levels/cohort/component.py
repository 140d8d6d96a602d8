"""The component of several scores, as one more score of people."""

from dataclasses import replace

import numpy as np

from motor_bids_app.bids.tables.scores import Cutoff, Score
from motor_bids_app.errors import DataError
from motor_bids_app.experiments.component import COMPONENT, Component
from motor_bids_app.levels.cohort.participants import Participants

_POOR = Cutoff("<=", 0, "Karakis et al. 2023, of a first principal component")


def with_component(people: Participants, component: Component) -> Participants:
    """Return people with the component among their scores; missing where a part of it is.

    Raises
    ------
    DataError
        A score is in no table, or its weight has the wrong sign.
    """
    if not component.columns:
        return people
    parts = [_part(people, name) for name in component.columns]
    values, low, high = np.zeros(len(people.table)), 0.0, 0.0
    for score, mean, sd, weight in zip(
        parts, component.means, component.sds, component.weights, strict=True
    ):
        if (weight > 0) != score.higher_is_better:
            better, side = ("higher", "above") if weight < 0 else ("lower", "below")
            raise DataError(
                f"[component] {score.name} is better when {better}, and a higher component is to "
                f"be better: give it a weight {side} 0 (turn the sign of all where needed)."
            )
        given = people.table[score.name].to_numpy(dtype=np.float64, na_value=np.nan)
        values += weight * (given - mean) / sd
        ends = sorted(weight * (end - mean) / sd for end in (score.minimum, score.maximum))
        low, high = low + ends[0], high + ends[1]
    labels = [score.label for score in parts]
    made = Score(
        name=COMPONENT,
        title=f"Component of {', '.join(labels[:-1])} and {labels[-1]}",
        minimum=low,
        maximum=high,
        unit="weighted SD",
        poor=_POOR,
    )
    return replace(
        people,
        table=people.table.assign(**{COMPONENT: values}),
        scores={**people.scores, COMPONENT: made},
    )


def _part(people: Participants, name: str) -> Score:
    if name not in people.scores or name not in people.table:
        found = ", ".join(people.scores) or "none"
        raise DataError(
            f"[component] columns: the score {name} is not in the tables; scores found: {found}. "
            "Choose among them, or name its column with --scores-map."
        )
    return people.scores[name]
