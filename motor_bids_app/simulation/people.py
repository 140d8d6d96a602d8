"""The people of a cohort: who they are, what their stroke destroyed, and their scores."""

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from motor_bids_app.simulation.damage import Damage, assess
from motor_bids_app.simulation.impairment import clean_score, draw_scores
from motor_bids_app.simulation.lesions import Lesion, draw_lesion

Group = Literal["patient", "control"]
SESSIONS = ("pre", "post")
REHABILITATION = 3.0  # months between the two sessions
_PERSON, _SHUFFLE = 1, 2  # streams of random numbers


@dataclass(frozen=True, kw_only=True)
class Person:
    """One participant before any scan.

    Parameters
    ----------
    label : str
        Participant label, without ``sub-``.
    number : int
        Place in the cohort, from 0; part of the seed of this person's scans.
    age : float
        Years.
    sex : str
        M or F.
    months : float or None
        Since the stroke, at the first session; None for a control.
    lesion, damage
        None, and none, for a control.
    clean : tuple of float
        Score without noise in each session; NaN for a control.
    scores : tuple of int
        FMA-UE, 0 to 66, in each session.
    """

    label: str
    number: int
    group: Group
    age: float
    sex: Literal["F", "M"]
    site: int
    months: float | None = None
    lesion: Lesion | None = None
    damage: Damage = field(default_factory=Damage)
    clean: tuple[float, ...] = ()
    scores: tuple[int, ...] = ()

    @property
    def lesion_side(self) -> str | None:
        """Hemisphere of the lesion."""
        return None if self.lesion is None else self.lesion.side


def draw_person(
    number: int, group: Group, seed: int, n_sites: int = 1, n_sessions: int = 1
) -> Person:
    """Draw one person; the same number, group and seed give the same person."""
    rng = np.random.default_rng([seed, _PERSON, number])
    age = float(np.clip(rng.normal(63 if group == "patient" else 60, 12), 25, 88).round(1))
    sex: Literal["F", "M"] = "F" if rng.random() < 0.45 else "M"
    site = int(rng.integers(n_sites))
    months, lesion, damage = None, None, Damage()
    clean = [np.nan] * n_sessions
    if group == "patient":
        months = float(np.clip(12 * np.exp(0.8 * rng.standard_normal()), 3, 120).round(1))
        lesion = draw_lesion(rng)
        damage = assess(lesion, rng)
        clean = [clean_score(damage, age, recovered=session > 0) for session in range(n_sessions)]
    return Person(
        label=f"{number + 1:03d}", number=number, group=group, age=age, sex=sex, site=site,
        months=months, lesion=lesion, damage=damage, clean=tuple(clean),
        scores=tuple(int(score) for score in draw_scores(np.array(clean), rng)),
    )  # fmt: skip


def draw_cohort(
    n_patients: int, n_controls: int, seed: int, *, n_sites: int = 1, n_sessions: int = 1,
    shuffle_scores: bool = False,
) -> list[Person]:  # fmt: skip
    """Draw patients, then controls.

    With `shuffle_scores`, patients swap their scores (all sessions together), so that
    nothing about a patient tells the score; `clean` then says nothing either.
    """
    patients: list[Group] = ["patient"] * n_patients
    controls: list[Group] = ["control"] * n_controls
    people = [
        draw_person(number, group, seed, n_sites, n_sessions)
        for number, group in enumerate(patients + controls)
    ]
    if not shuffle_scores:
        return people
    order = np.random.default_rng([seed, _SHUFFLE]).permutation(n_patients)
    swapped = [replace(person, scores=people[other].scores)
               for person, other in zip(people, order, strict=False)]  # fmt: skip
    return swapped + people[n_patients:]
