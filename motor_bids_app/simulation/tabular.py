"""Tables of the cohort, and what is known about them: no image needed."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.simulation.ceiling import Ceiling, bayes_ceiling, best_auc
from motor_bids_app.simulation.impairment import POOR_BELOW, score_distribution
from motor_bids_app.simulation.people import Person, draw_cohort, draw_person

POPULATION = 800  # patients who stand for all patients in the ceiling
_POPULATION_SEED = 20_260_101


def simulate_table(
    n_patients: int,
    n_controls: int = 0,
    seed: int = 0,
    *,
    n_sites: int = 1,
    shuffle_scores: bool = False,
) -> pd.DataFrame:
    """Simulate what the images would be reduced to, for tests of statistics.

    Returns
    -------
    DataFrame
        One row per person: participant_id, group, age, sex, site, time_since_stroke (months),
        lesion_side, lesion_volume (ml), tract_load, tract_interruption, degeneration (0 to 1),
        fma_ue, and the truth: clean_score, poor_probability (of FMA-UE below 27; the best
        possible prediction).
    """
    people = draw_cohort(
        n_patients, n_controls, seed, n_sites=n_sites, shuffle_scores=shuffle_scores
    )
    table = features_table(people)
    distribution = distributions(people, session=0, shuffled=shuffle_scores)
    return table.assign(
        fma_ue=[person.scores[0] for person in people],
        clean_score=[person.clean[0] for person in people],
        poor_probability=distribution[:, :POOR_BELOW].sum(axis=1),
    )


def features_table(people: Sequence[Person]) -> pd.DataFrame:
    """One row per person: demographics and damage."""
    rows = [
        {
            "participant_id": f"sub-{person.label}",
            "group": person.group,
            "age": person.age,
            "sex": person.sex,
            "site": f"site{person.site + 1}",
            "time_since_stroke": person.months,
            "lesion_side": person.lesion_side,
            **asdict(person.damage),
        }
        for person in people
    ]
    return pd.DataFrame(rows).astype({"time_since_stroke": float})


def distributions(people: Sequence[Person], session: int, *, shuffled: bool) -> NDArray[np.float64]:
    """Probability of each score given all that can be known, shape (n_people, 67)."""
    clean = np.array([person.clean[session] for person in people])
    distribution = score_distribution(clean)
    if shuffled:  # then a patient's best prediction is that for any patient
        patients = ~np.isnan(clean)
        distribution[patients] = distribution[patients].mean(axis=0)
    return distribution


def population_truth(
    control_share: float,
    n_sessions: int = 1,
    *,
    shuffled: bool = False,
    size: int = POPULATION,
    physiology_share: float | None = None,
) -> dict[str, dict[str, float]]:
    """Ceilings over a large population with the cohort's share of controls.

    Returns
    -------
    dict
        By group of scans (patients, everyone, and per session where there are two): bayes_auc,
        bayes_r2, their standard errors (``_se``), poor_share, n_people; and the AUC that the
        ranking by tract load, lesion volume and age alone would reach.
    """
    people = _patients(size, n_sessions, physiology_share)
    n_controls = round(size * control_share / (1 - control_share)) if control_share < 1 else 0
    controls = [
        draw_person(size + number, "control", _POPULATION_SEED, n_sessions=n_sessions)
        for number in range(n_controls)
    ]
    truth = {}
    for name, members in (("patients", people), ("everyone", people + controls)):
        by_session = [
            distributions(members, session, shuffled=shuffled) for session in range(n_sessions)
        ]
        truth[name] = _truth(members * n_sessions, np.concatenate(by_session))
        if n_sessions > 1:
            for session, distribution in enumerate(by_session, start=1):
                truth[f"{name}_session{session}"] = _truth(members, distribution)
    return truth


@lru_cache(maxsize=2)
def _patients(size: int, n_sessions: int, physiology_share: float | None = None) -> list[Person]:
    return [
        draw_person(
            number,
            "patient",
            _POPULATION_SEED,
            n_sessions=n_sessions,
            physiology_share=physiology_share,
        )
        for number in range(size)
    ]


def _truth(people: Sequence[Person], distribution: NDArray[np.float64]) -> dict[str, float]:
    ceiling: Ceiling = bayes_ceiling(distribution, np.random.default_rng(_POPULATION_SEED))
    table = features_table(people)
    poor = distribution[:, :POOR_BELOW].sum(axis=1)
    alone = {
        f"auc_{name}": best_auc(poor, table[name].to_numpy())
        for name in ("tract_load", "tract_interruption", "lesion_volume", "age")
    }
    return {
        "bayes_auc": ceiling.auc,
        "bayes_auc_se": ceiling.auc_se,
        "bayes_r2": ceiling.r2,
        "bayes_r2_se": ceiling.r2_se,
        "poor_share": ceiling.poor,
        "n_people": ceiling.n_people,
        **alone,
    }
