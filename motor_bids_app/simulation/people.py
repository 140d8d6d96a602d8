"""The people of a cohort: who they are, what their stroke destroyed, and their scores."""

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from motor_bids_app.simulation.damage import Damage, assess
from motor_bids_app.simulation.impairment import (
    CLEAN_MEAN,
    CLEAN_SPREAD,
    HIGHEST,
    LATER_NOISE,
    capacity,
    clean_score,
    draw_scores,
    leg_scores,
    mixed_score,
    won_back,
)
from motor_bids_app.simulation.lesions import Lesion, draw_lesion

Group = Literal["patient", "control"]
SESSIONS = ("pre", "post")
COURSE = ("baseline", "3month")  # of a recovery that begins with the stroke
REHABILITATION = 3.0  # months between the two sessions
_BASELINE, _GAP = (3, 14), (91, 15)  # days: least and most; mean and standard deviation
_DAYS_PER_MONTH = 365.25 / 12
_PERSON, _SHUFFLE, _RESERVE, _COURSE = 1, 2, 3, 4  # streams of random numbers


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
    gap : float
        Months between two sessions.
    lesion, damage
        None, and none, for a control.
    clean : tuple of float
        Score without noise in each session; NaN for a control.
    scores, leg_scores : tuple of int
        FMA-UE, 0 to 66, and FMA-LE, 0 to 34, in each session.
    capacity : tuple of float
        What EEG and EMG show, 0 to 1, in each session.
    """

    label: str
    number: int
    group: Group
    age: float
    sex: Literal["F", "M"]
    site: int
    months: float | None = None
    gap: float = REHABILITATION
    lesion: Lesion | None = None
    damage: Damage = field(default_factory=Damage)
    clean: tuple[float, ...] = ()
    scores: tuple[int, ...] = ()
    leg_scores: tuple[int, ...] = ()
    capacity: tuple[float, ...] = ()

    @property
    def lesion_side(self) -> str | None:
        """Hemisphere of the lesion."""
        return None if self.lesion is None else self.lesion.side


def draw_person(
    number: int,
    group: Group,
    seed: int,
    n_sites: int = 1,
    n_sessions: int = 1,
    physiology_share: float | None = None,
    recovery: float | None = None,
) -> Person:
    """Draw one person; the same number, group and seed give the same person.

    With `recovery` the two sessions are days and about three months after the stroke, and this
    share of the lost points is what everybody wins back; see `won_back`.

    EEG and EMG show what the damage does to the score, as images do. With `physiology_share` they
    show a reserve instead, independent of the damage, that decides this share of the variance of
    clean scores; the damage, and with it the images, the rest.
    """
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
    own = np.random.default_rng([seed, _RESERVE, number])
    clean, shown = _shown(clean, clean_score(damage, age), physiology_share, own)
    person = Person(
        label=f"{number + 1:03d}",
        number=number,
        group=group,
        age=age,
        sex=sex,
        site=site,
        months=months,
        lesion=lesion,
        damage=damage,
        clean=tuple(clean),
        capacity=shown,
        scores=tuple(int(score) for score in draw_scores(np.array(clean), rng)),
        leg_scores=tuple(int(score) for score in leg_scores(np.array(clean), own)),
    )
    if recovery is None or group == "control":
        return person
    return _recovering(person, recovery, np.random.default_rng([seed, _COURSE, number]))


def _recovering(person: Person, share: float, rng: np.random.Generator) -> Person:
    """The same patient with a second score that grows out of the first."""
    first = person.scores[0]
    expected = won_back(first, share)
    later = int(np.clip(np.rint(rng.normal(expected, LATER_NOISE)), 0, HIGHEST))
    return replace(
        person,
        months=round(float(rng.uniform(*_BASELINE)) / _DAYS_PER_MONTH, 2),
        gap=round(float(max(rng.normal(*_GAP), 30)) / _DAYS_PER_MONTH, 2),
        clean=(person.clean[0], expected),
        scores=(first, later),
    )


def _shown(
    clean: list[float], first: float, share: float | None, rng: np.random.Generator
) -> tuple[list[float], tuple[float, ...]]:
    """Clean scores, and what EEG and EMG show, in each session.

    `first` is the score that the damage lets expect in the first session, also of a control.
    """
    gains = [0.0 if np.isnan(score) else score - first for score in clean]
    latent = (first - CLEAN_MEAN) / CLEAN_SPREAD
    reserve = float(rng.standard_normal())
    if share is not None and np.isnan(clean[0]):
        latent += 0.5 * reserve  # healthy people differ too
    elif share is not None:
        latent = reserve
        clean = [mixed_score(first, reserve, share) + gain for gain in gains]
    return clean, tuple(capacity(latent + gain / CLEAN_SPREAD) for gain in gains)


def draw_cohort(
    n_patients: int,
    n_controls: int,
    seed: int,
    *,
    n_sites: int = 1,
    n_sessions: int = 1,
    shuffle_scores: bool = False,
    physiology_share: float | None = None,
    recovery: float | None = None,
) -> list[Person]:
    """Draw patients, then controls.

    With `shuffle_scores`, patients swap their scores (all sessions together), so that
    nothing about a patient tells the score; `clean` then says nothing either. For
    `physiology_share` and `recovery` see `draw_person`.
    """
    patients: list[Group] = ["patient"] * n_patients
    controls: list[Group] = ["control"] * n_controls
    people = [
        draw_person(number, group, seed, n_sites, n_sessions, physiology_share, recovery)
        for number, group in enumerate(patients + controls)
    ]
    if not shuffle_scores:
        return people
    order = np.random.default_rng([seed, _SHUFFLE]).permutation(n_patients)
    swapped = [
        replace(person, scores=people[other].scores, leg_scores=people[other].leg_scores)
        for person, other in zip(people, order, strict=False)
    ]
    return swapped + people[n_patients:]
