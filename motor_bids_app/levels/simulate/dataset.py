"""Files of a simulated dataset that are about all participants."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from motor_bids_app import __version__
from motor_bids_app.bids.files import write_json, write_table, write_text
from motor_bids_app.bids.paths import TRUTH
from motor_bids_app.simulation.ceiling import best_auc
from motor_bids_app.simulation.impairment import COEFFICIENTS, LATER_NOISE, NOISE, POOR_BELOW
from motor_bids_app.simulation.people import COURSE, SESSIONS, Person
from motor_bids_app.simulation.scores import make_dirty
from motor_bids_app.simulation.tabular import distributions, features_table, population_truth

_DIRT = 21  # stream of random numbers
_BIDS_VERSION = "1.11.0"  # the first with the datatype emg
_README = """\
# Synthetic stroke cohort

Made by `motor_bids_simulate` {version} with seed {seed}. No real person is in it: every head is
a warped copy of the MNI152NLin2009aSym template in a synthetic skull, every lesion a formula.

- Lesion masks: `derivatives/lesions`.
- Truth (deformations, tissue, tensors, motion, expected scores, the best AUC and R2 that any
  model can reach): `sourcedata/truth`.
- FMA-UE falls with the damage to the corticospinal tract, lesion volume and age, plus noise;
  the coefficients are in `sourcedata/truth/truth.json`.
{recovery}\
- EEG and EMG, where there are some: 10 s of rest, 10 s of gripping with both hands, and so on.
"""
_RECOVERY = """\
- Sessions are baseline (3 to 14 days after the stroke) and 3month. Recovery is proportional: of the
  points lost at baseline everybody wins back {share:g}, plus noise, whatever the damage.
"""
_MAIN = ("bayes_auc", "bayes_auc_se", "bayes_r2", "bayes_r2_se")
_COLUMNS: dict[str, dict[str, Any]] = {
    "participant_id": {"Description": "Participant"},
    "group": {
        "Description": "Group",
        "Levels": {"patient": "after a stroke", "control": "healthy volunteer"},
    },
    "age": {"Description": "Age", "Units": "years"},
    "sex": {"Description": "Sex", "Levels": {"F": "female", "M": "male"}},
    "site": {"Description": "Site, each with its own scanner"},
    "lesion_side": {
        "Description": "Hemisphere of the lesion",
        "Levels": {"left": "left hemisphere", "right": "right hemisphere"},
    },
    "session_id": {
        "Description": "Session",
        "Levels": {
            "ses-pre": "before rehabilitation",
            "ses-post": "after it",
            "ses-baseline": "days after the stroke",
            "ses-3month": "about three months later",
        },
    },
    "time_since_stroke": {"Description": "Time since the stroke", "Units": "months"},
    "fma_ue": {
        "Description": "Fugl-Meyer Assessment, upper extremity, 0 to 66; higher is better",
        "Units": "points",
    },
    "fma_le": {
        "Description": "Fugl-Meyer Assessment, lower extremity, 0 to 34; higher is better",
        "Units": "points",
    },
}


@dataclass(frozen=True, kw_only=True)
class SimulationSettings:
    """What to simulate, and where to write it.

    `voxel_size` is that of the T1w image, mm; dwi has the same, but at least 2 mm, and bold
    3.4 x 3.4 x 4.8 mm, or as many times more as that of the T1w image is above 3 mm.
    `physiology_share` and `recovery` are explained at `simulation.people.draw_person`.
    """

    output_dir: Path
    n_participants: int = 20
    n_controls: int = 5
    n_sites: int = 1
    n_sessions: int = 1
    modalities: tuple[str, ...] = ("anat", "dwi")
    voxel_size: float = 1.0
    n_directions: int = 30
    n_volumes: int = 240
    signal_seconds: int = 120
    signal_rate: int = 500  # Hz
    physiology_share: float | None = None
    recovery: float | None = None
    seed: int = 0
    n_procs: int = 1
    shuffle_scores: bool = False
    dirty_scores: bool = False

    @property
    def signals(self) -> tuple[str, ...]:
        """Which of EEG and EMG are recorded."""
        return tuple(name for name in ("eeg", "emg") if name in self.modalities)

    @property
    def sessions(self) -> tuple[str, ...]:
        """Labels of the sessions; one that is empty where there is one."""
        if self.n_sessions == 1:
            return ("",)
        return SESSIONS if self.recovery is None else COURSE


def write_dataset_files(people: Sequence[Person], settings: SimulationSettings) -> None:
    """Write descriptions, tables and the truth about the scores."""
    output = settings.output_dir
    course = "" if settings.recovery is None else _RECOVERY.format(share=settings.recovery)
    readme = _README.format(version=__version__, seed=settings.seed, recovery=course)
    write_text(output / "README.md", readme)
    generator = {"Name": "motor_bids_simulate", "Version": __version__}
    common = {"BIDSVersion": _BIDS_VERSION, "GeneratedBy": [generator]}
    write_json(
        output / "dataset_description.json",
        {
            "Name": f"Synthetic stroke cohort, seed {settings.seed}",
            "DatasetType": "raw",
            **common,
            "License": "CC0",
            "Authors": ["motor_bids_app"],
        },
    )
    if "anat" in settings.modalities:
        write_json(
            output / "derivatives" / "lesions" / "dataset_description.json",
            {
                "Name": "Lesion masks of the synthetic cohort",
                "DatasetType": "derivative",
                **common,
                "DatasetLinks": {"raw": "../.."},
            },
        )
    _write_tables(people, settings)
    write_json(output / TRUTH / "truth.json", _truth(people, settings))


def _write_tables(people: Sequence[Person], settings: SimulationSettings) -> None:
    names = ["participant_id", "group", "age", "sex", "site", "lesion_side"]
    table = features_table(people)[[*names, "time_since_stroke"]]
    rng = np.random.default_rng([settings.seed, _DIRT])
    if settings.n_sessions == 1:
        table["fma_ue"] = [person.scores[0] for person in people]
        if settings.signals:  # which are about legs as often as about arms
            table["fma_le"] = [person.leg_scores[0] for person in people]
        table, dictionary = _worded(table, settings, rng)
        write_table(settings.output_dir / "participants.tsv", table, dictionary)
        return
    table, dictionary = _worded(table[names], settings, rng)
    write_table(settings.output_dir / "participants.tsv", table, dictionary)
    for person in people:
        months = np.nan if person.months is None else person.months
        sessions = pd.DataFrame(
            {
                "session_id": [f"ses-{name}" for name in settings.sessions],
                "time_since_stroke": [months, months + person.gap],
                "fma_ue": person.scores,
                **({"fma_le": person.leg_scores} if settings.signals else {}),
            }
        )
        sessions, dictionary = _worded(sessions, settings, rng)
        name = f"sub-{person.label}"
        write_table(settings.output_dir / name / f"{name}_sessions.tsv", sessions)
    # One dictionary at the top holds for all participants (inheritance).
    write_json(settings.output_dir / "sessions.json", dictionary)


def _worded(
    table: pd.DataFrame, settings: SimulationSettings, rng: np.random.Generator
) -> tuple[pd.DataFrame, dict[str, dict[str, Any]]]:
    """Return a table, dirty if that is asked for, and its data dictionary."""
    dictionary: dict[str, dict[str, Any]] = {}
    if settings.dirty_scores:
        table, dictionary = make_dirty(table, rng)
    known = {name: _COLUMNS[name] for name in table.columns if name in _COLUMNS}
    return table, known | dictionary


def _truth(people: Sequence[Person], settings: SimulationSettings) -> dict[str, Any]:
    """Return what is known about scores: the model, its ceiling, and each person.

    There is no ceiling of a recovery, where one score is told from the other.
    """
    if settings.recovery is not None:
        return {
            "description": "A later score is the earlier one, and of what is lost the same share "
            "for all: recovery * (66 - score), plus noise.",
            "recovery": settings.recovery,
            "later_noise_sd": LATER_NOISE,
            **_model(people, settings),
        }
    share = settings.n_controls / max(len(people), 1)
    shuffled = settings.shuffle_scores
    ceiling = population_truth(
        share, settings.n_sessions, shuffled=shuffled, physiology_share=settings.physiology_share
    )
    return {
        "description": "The best AUC (of FMA-UE below the cutoff) and R2 that any model can reach "
        "over the population: first for everyone, then also for patients alone; "
        "oracle_auc is what the true probabilities reach on the very scores of this cohort.",
        "cutoff": POOR_BELOW,
        **{key: ceiling["everyone"][key] for key in _MAIN},
        "ceiling": ceiling,
        "oracle_auc": _oracle(people, settings),
        **_model(people, settings),
    }


def _model(people: Sequence[Person], settings: SimulationSettings) -> dict[str, Any]:
    """Return how scores come about, and what is known of each person."""
    return {
        "coefficients": COEFFICIENTS,
        "noise_sd": NOISE,
        "settings": _recorded(settings),
        "participants": _known_people(people, settings),
    }


def _recorded(settings: SimulationSettings) -> dict[str, Any]:
    """Return what decides about the bytes of the dataset: not where and how it was made."""
    return {k: v for k, v in asdict(settings).items() if k not in ("output_dir", "n_procs")}


def _oracle(people: Sequence[Person], settings: SimulationSettings) -> dict[str, float | None]:
    result = {}
    patients = [person for person in people if person.lesion is not None]
    for name, members in {"patients": patients, "everyone": people}.items():
        probabilities, poor = [], []
        for session in range(settings.n_sessions):
            known = distributions(members, session, shuffled=settings.shuffle_scores)
            probabilities.append(known[:, :POOR_BELOW].sum(axis=1))
            poor.append([person.scores[session] < POOR_BELOW for person in members])
        outcome = np.concatenate(poor).astype(np.float64)
        both = 0 < outcome.sum() < len(outcome)
        result[name] = best_auc(outcome, np.concatenate(probabilities)) if both else None
    return result


def _known_people(people: Sequence[Person], settings: SimulationSettings) -> list[dict[str, Any]]:
    return [
        {
            "participant_id": f"sub-{person.label}",
            "lesion_kind": None if person.lesion is None else person.lesion.kind,
            "lesion_side": person.lesion_side,
            **asdict(person.damage),
            "sessions": [
                {
                    "session": name,
                    "clean_score": None if np.isnan(clean) else clean,
                    "score": score,
                    "capacity": capacity,
                }
                for name, clean, score, capacity in zip(
                    settings.sessions, person.clean, person.scores, person.capacity, strict=True
                )
            ],
        }
        for person in people
    ]
