"""The sections of an experiment file: keys, their values and their defaults."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from motor_bids_app.errors import UsageError
from motor_bids_app.evaluation.splits import SCHEMES
from motor_bids_app.experiments.beside import (
    MASKS,
    SWITCH,
)
from motor_bids_app.experiments.rules import (
    ASCENDING,
    HEADINGS,
    Rule,
    Section,
    list_of,
    number,
    one_of,
    setting,
    whole,
    wholes,
)
from motor_bids_app.explanation.states import DECIDING
from motor_bids_app.features.connectivity import CONNECTIVITY
from motor_bids_app.models.catalog import (
    LADDER,
    MODALITY_RUNGS,
    NETWORKS,
    TASKS,
    USUAL,
)
from motor_bids_app.models.networks.backbones import BACKBONES
from motor_bids_app.models.tables.transformed import TRANSFORMS
from motor_bids_app.models.training.course import OPTIMIZERS, PRECISIONS, SCHEDULES

MAPS = ("fa", "md", "rd", "ad", "gm", "wm", "lesion", *CONNECTIVITY)
KINDS = ("ladder", *NETWORKS)

_BASELINE = Rule(
    lambda value: isinstance(value, str) and re.fullmatch("[a-z][a-z0-9_]*", value) is not None,
    '"none", "earlier_session", or a score measured before the target, such as "nihss"',
)
TEXT = Rule(lambda value: isinstance(value, str), "text")
NAME = Rule(  # it becomes a folder
    lambda value: (
        isinstance(value, str) and re.fullmatch("[A-Za-z0-9][A-Za-z0-9_-]{0,63}", value) is not None
    ),
    "up to 64 letters, digits, - and _",
)
_WORD = Rule(
    lambda value: isinstance(value, str) and re.fullmatch("[a-z][a-z0-9_]*", value) is not None,
    'a score such as "fma_ue" (lower-case letters, digits and _), or "auto"',
)
_SEVERAL = Rule(
    lambda value: (
        isinstance(value, tuple)
        and all(isinstance(one, str) and re.fullmatch("[a-z][a-z0-9_]*", one) for one in value)
        and len(set(value)) == len(value) != 1
    ),
    'a list without repeats of two scores or more, such as ["fma_ue", "arat"]',
)
_TABLE = Rule(
    lambda value: isinstance(value, str) and value.endswith(".tsv"),
    "the name of a .tsv file, relative to that of the experiment",
)
_LIMIT = number(-1e6, 1e6)
SESSION = Rule(
    lambda value: isinstance(value, str) and bool(re.fullmatch(r"(ses-)?[0-9a-zA-Z+]+", value)),
    'the label of a session, such as "3month"',
)
DAYS = Rule(
    lambda value: (
        isinstance(value, tuple)
        and (value == () or len(value) == 2)
        and all(type(day) in (int, float) and 0 <= day <= 36525 for day in value)
        and list(value) == sorted(set(value))
    ),
    "the first and the last day since the stroke, such as [75, 120]",
)
OUTCOMES = ("score", "change", "recovered")


@dataclass(frozen=True, kw_only=True)
class Target(Section):
    """What is predicted."""

    score: str = setting("auto", _WORD)  # "auto": the first of the registry that most people have
    scores: tuple[str, ...] = setting((), _SEVERAL)  # each predicted, of people who have all
    task: str = setting("classification", one_of(*TASKS))
    threshold: float | None = setting(None, _LIMIT)  # default: the usual one of the score
    poor_when: str = setting("auto", one_of("auto", "<", "<=", ">", ">="))  # compared to threshold
    thresholds: tuple[float, ...] = setting((), ASCENDING)  # of an ordinal task: lowest values
    transform: str = setting("none", one_of(*TRANSFORMS))  # of scores: what a regression learns
    controls: str = setting("good", one_of("good", "exclude"))
    session: str | None = setting(None, SESSION)  # that the score is of; default: of the images
    within: tuple[float, ...] = setting((), DAYS)  # since the stroke, when that score was taken
    outcome: str = setting("score", one_of(*OUTCOMES))  # of the score, since the baseline score

    def __post_init__(self) -> None:
        if self.scores:
            self._check_scores()
        if self.thresholds and self.task != "ordinal":
            raise UsageError(
                '[target] thresholds divide ordered classes: set task = "ordinal", or use '
                "threshold for two classes."
            )
        if self.transform != "none" and self.task != "regression":
            raise UsageError('[target] transform is of scores: set task = "regression".')
        if self.outcome != "score" and (self.task, self.transform) != ("regression", "none"):
            raise UsageError(
                f'[target] outcome = "{self.outcome}" is a number that may be below 0: set task = '
                '"regression", without a transform.'
            )

    def _check_scores(self) -> None:
        if self.score not in ("auto", *self.scores):
            raise UsageError(
                f'[target] score = "{self.score}" is not among scores: leave it out to predict '
                "each of them."
            )
        if self.threshold is not None or self.thresholds or self.poor_when != "auto":
            raise UsageError(
                "[target] threshold, thresholds and poor_when are of one score, and scores names "
                "several: leave them out, so that each has its usual ones, or write an experiment "
                "for each score."
            )


@dataclass(frozen=True, kw_only=True)
class Inputs(Section):
    """What models see."""

    maps: str | tuple[str, ...] = setting("auto", list_of(*MAPS, or_else="auto"))
    mask: str = setting("brain", one_of(*MASKS))
    resolution: int = setting(2, whole(1, 4))  # mm
    mirror_lesion_to: str = setting("none", one_of("none", "left", "right"))
    session: str | None = setting(None, SESSION)  # whose images are seen; default: all
    baseline_score: str = setting("none", _BASELINE)  # what persistence predicts from
    columns: tuple[str, ...] = setting((), HEADINGS)  # of the tables: predictors of your own
    table: str | None = setting(None, _TABLE)  # that has some of them, beside those of the dataset
    harmonise: str = setting("none", one_of("none", "combat"))  # sites
    recordings: tuple[str, ...] = setting(("eeg", "emg"), list_of("eeg", "emg"))
    channels: str = setting("common", one_of("common", "same"))  # of the recordings of all people
    signal_rate: float = setting(250.0, number(20, 10_000))  # Hz at most, of windows
    missing: str = setting("impute", one_of("impute", "leave_out"))  # scans that lack something


@dataclass(frozen=True, kw_only=True)
class Model(Section):
    """Which models are evaluated on the same splits, and the one that becomes the bundle."""

    kind: str = setting("ladder", one_of(*KINDS))
    rungs: tuple[str, ...] = setting(USUAL, list_of(*LADDER, *MODALITY_RUNGS))  # simplest first
    final: str = setting("auto", one_of("auto", *LADDER, *MODALITY_RUNGS, *KINDS[1:]))
    recalibrate: str = setting("none", one_of("none", "logistic"))  # probabilities, in the fold
    widths: tuple[int, ...] = setting((32, 16, 16, 64, 128, 256, 512), wholes(1, 4096, 4))
    n_residuals: int = setting(5, whole(0, 20))
    hidden: int = setting(256, whole(2, 4096))
    dropout: float = setting(0.3, number(0, 0.95))
    convolutions: tuple[int, ...] = setting((2, 2, 3, 3, 3), wholes(1, 10, 4))  # of gao2025
    lstm: tuple[int, ...] = setting((128, 64, 32), wholes(1, 4096))  # units of each layer
    step: float = setting(0.1, number(0.001, 60))  # s of a window that are one step of the LSTM
    backbone: str = setting("shufflenet", one_of(*BACKBONES))  # of slices
    size: int = setting(224, whole(32, 1024))  # pixels along a slice
    inner_folds: int = setting(3, whole(2, 20))  # shi2025: to find the weights of the fusion

    @property
    def names(self) -> tuple[str, ...]:
        """All models, simplest first."""
        return (*self.rungs, self.kind) if self.kind != "ladder" else self.rungs

    @property
    def final_name(self) -> str:
        """Model that is trained on everyone: by default the last, most complex one."""
        return self.names[-1] if self.final == "auto" else self.final


@dataclass(frozen=True, kw_only=True)
class Training(Section):
    """How networks are trained."""

    epochs: int = setting(50, whole(1, 10_000))
    batch_size: int = setting(8, whole(2, 1024))
    slice_batch_size: int = setting(16, whole(2, 1024))
    parts: int = setting(1, whole(1, 512))  # of a batch, one after the other, to save memory
    optimizer: str = setting("sgd", one_of(*OPTIMIZERS))
    learning_rate: float = setting(1e-4, number(1e-8, 10))
    momentum: float = setting(0.9, number(0, 0.999))
    weight_decay: float = setting(5e-3, number(0, 1))
    schedule: str = setting("constant", one_of(*SCHEDULES))
    halve_after: int = setting(20, whole(1, 10_000))  # epochs: "steps"; without gain: "plateau"
    stop_after: int = setting(0, whole(0, 10_000))  # epochs without gain; 0: never
    validation_share: float = setting(0.0, number(0, 0.5))  # of the training people, to stop by
    precision: str = setting("float32", one_of(*PRECISIONS))
    balance: str = setting("sharpen", one_of("sharpen", "weights", "none"))
    windows: int = setting(0, whole(0, 100_000))  # of each scan at most, evenly spaced; 0: all
    epsilon: float = setting(1e-3, number(0, 1))  # of "adam"; gao2025 only
    deterministic: bool = setting(False, SWITCH)  # on a GPU; on the CPU training always is
    trainings: int = setting(1, whole(1, 100))  # per split, with other seeds; predictions averaged


@dataclass(frozen=True, kw_only=True)
class Validation(Section):
    """Who is tested when."""

    scheme: str = setting("repeated_kfold", one_of(*SCHEMES))
    folds: int = setting(5, whole(2, 1000))
    repeats: int = setting(10, whole(1, 1000))
    test_fraction: float = setting(0.2, number(0.01, 0.9))  # holdout only
    balanced_test: bool = setting(False, SWITCH)  # holdout only
    splits: str | None = setting(None, _TABLE)  # who is tested when, instead of a scheme
    permutations: int = setting(1000, whole(0, 100_000))  # of labels, to test against chance
    refits: int = setting(0, whole(0, 100_000))  # the same for the network, trained each time
    group_by: str = setting(
        "participant",
        Rule(
            lambda value: value == "participant",
            '"participant": all scans of a person stay on one side of every split',
        ),
    )

    @classmethod
    def read(cls, table: Any, place: str) -> Self:
        """Build from a TOML table, where ``leave_out = "site"`` is another name of the scheme."""
        if isinstance(table, Mapping) and "leave_out" in table:
            table = {**table, "scheme": "leave_one_site_out"}
            if (left_out := table.pop("leave_out")) != "site":
                raise UsageError(f'{place} leave_out = {left_out!r}: use "site".')
        return super().read(table, place)


@dataclass(frozen=True, kw_only=True)
class States(Section):
    """States of connectivity among sliding windows (gao2025)."""

    find: bool = setting(True, SWITCH)
    numbers: tuple[int, ...] = setting((2, 3, 4, 5, 6, 7, 8), wholes(2, 20))  # of states, to try
    decides: str = setting("silhouette", one_of(*DECIDING))  # on how many of them
    permutations: int = setting(1000, whole(1, 100_000))  # of people, for the largest cluster
