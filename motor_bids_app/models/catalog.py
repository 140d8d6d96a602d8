"""Names of the models, what each needs, and how to build it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from motor_bids_app.errors import UsageError
from motor_bids_app.features.columns import REGIONAL
from motor_bids_app.features.disconnection_columns import DISCONNECTION
from motor_bids_app.features.lesion_views import LESION
from motor_bids_app.features.recordings import SIGNALS
from motor_bids_app.features.samples import Samples
from motor_bids_app.features.series import WINDOWS
from motor_bids_app.features.signal_columns import PHYSIOLOGY
from motor_bids_app.features.slices import SLICES
from motor_bids_app.models.kinds import NETWORK_KINDS, kind_of
from motor_bids_app.models.networks.transfer import Start
from motor_bids_app.models.state import State
from motor_bids_app.models.tables.columns import BASELINE, DEMOGRAPHICS, OWN
from motor_bids_app.models.tables.ordinal import CumulativeModel
from motor_bids_app.models.training.snapshots import Checkpoints

LADDER = (
    "prevalence", "nuisance", "demographics", "persistence", "own", "lesion_volume", "tract_load",
    "combined", "disconnection", "own_lesion", "regional", "own_regional", "rbf", "boosting",
    "lesion_map", "own_lesion_map", "lesion_gp", "kernel_demographics", "kernel", "own_kernel",
)  # fmt: skip
# Not persistence, which needs a baseline score, nor what `full_ladder` adds, nor models of lesions
# and of own predictors.
USUAL = (
    "prevalence", "demographics", "lesion_volume", "tract_load", "combined", "regional", "rbf",
    "boosting", "kernel",
)  # fmt: skip
# Rungs to be beaten: what they learned is no model of anything, or holds training people.
COMPARED_ONLY = frozenset({"nuisance", "rbf", "boosting", "lesion_gp", "kernel_demographics"})
NETWORKS = ("karakis2023", "cbam2025", "gao2025", "shi2025")
OWN_RUNGS = ("own", "own_lesion", "own_regional")  # ridges on blocks of columns
JOINT = {  # own predictors and what images say: of each model of the latter alone, both together
    "disconnection": "own_lesion",
    "regional": "own_regional",
    "lesion_map": "own_lesion_map",
    "kernel": "own_kernel",
}
# Rungs that only some experiments ask for: a table of EEG and EMG, and either half of shi2025.
MODALITY_RUNGS = ("physiology", "signals", "slices")
FUSION = {"signals": (SIGNALS,), "slices": (SLICES,), "shi2025": (SIGNALS, SLICES)}
MODELS = (*LADDER, *MODALITY_RUNGS, *NETWORKS)
TASKS = ("classification", "regression", "ordinal")
_WORDS = {
    REGIONAL: "regional features",
    PHYSIOLOGY: "features of EEG or EMG",
    DISCONNECTION: "shares of bundles that a lesion cuts",
    OWN: "predictors of your own, which [inputs] columns or baseline_score name",
    f"{OWN}|{DISCONNECTION}": "predictors of your own and shares of bundles",
    f"{OWN}|{REGIONAL}": "predictors of your own and regional features",
}


class Model(Protocol):
    """Estimator on samples; what is in `COMPARED_ONLY` has no state.

    Classifiers add ``predict_proba(samples)``, shape (n, 2): probability of class 0 and of
    class 1 (poor). Others add ``predict(samples)``, shape (n,), in units of the score.
    """

    def fit(self, X: Samples, y: ArrayLike) -> Self:
        """Fit on scans, with a class (0 or 1) or a score per scan."""
        ...

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Settings, as given."""
        ...

    def get_state(self) -> State:
        """What was learned, without a training scan."""
        ...


@dataclass(frozen=True)
class Needs:
    """What a model reads from samples.

    Attributes
    ----------
    columns : tuple of str
        Columns of the table; missing values are allowed, missing columns are not.
    pattern : str
        Regular expression; every column that matches in full is used, and at least one
        must. Empty if there is none.
    volumes : bool
        Whether it reads maps.
    maps : tuple of str
        Maps that it cannot do without.
    instances : tuple of str
        Kinds of the instances of scans that it learns from (`Samples.instances`).
    """

    columns: tuple[str, ...] = ()
    pattern: str = ""
    volumes: bool = False
    maps: tuple[str, ...] = ()
    instances: tuple[str, ...] = ()

    def unmet(self, table: pd.DataFrame) -> list[str]:
        """Return what `table` lacks or has without any value, in words; empty if nothing."""
        filled = [str(name) for name in table.columns[table.notna().any()]]
        lacking = [name for name in self.columns if name not in filled]
        if self.pattern and not any(re.fullmatch(self.pattern, name) for name in filled):
            lacking.append(_WORDS[self.pattern])
        return lacking

    def chosen(self, table: pd.DataFrame) -> tuple[str, ...]:
        """Return the columns used: those named, and those with a value that match."""
        filled = [str(name) for name in table.columns[table.notna().any()]]
        matching = [name for name in filled if re.fullmatch(self.pattern, name)]
        return tuple(dict.fromkeys([*self.columns, *matching]))


COMBINED = (*DEMOGRAPHICS, "lesion_volume", "tract_load")
_SIZE = (*DEMOGRAPHICS, "lesion_volume")
_NEEDS = {
    "prevalence": Needs(),
    "demographics": Needs(columns=DEMOGRAPHICS),
    "persistence": Needs(columns=(BASELINE,)),
    "lesion_volume": Needs(columns=("lesion_volume",)),
    "tract_load": Needs(columns=("tract_load", "tract_load_weighted")),
    "nuisance": Needs(),
    "own": Needs(columns=DEMOGRAPHICS, pattern=OWN),
    "combined": Needs(columns=COMBINED),
    "disconnection": Needs(columns=_SIZE, pattern=DISCONNECTION),
    "own_lesion": Needs(columns=_SIZE, pattern=f"{OWN}|{DISCONNECTION}"),
    "regional": Needs(pattern=REGIONAL),
    "own_regional": Needs(columns=DEMOGRAPHICS, pattern=f"{OWN}|{REGIONAL}"),
    "rbf": Needs(columns=COMBINED, pattern=REGIONAL),
    "boosting": Needs(columns=COMBINED, pattern=REGIONAL),
    "lesion_map": Needs(columns=_SIZE, volumes=True, maps=(LESION,)),
    "own_lesion_map": Needs(columns=_SIZE, pattern=OWN, volumes=True, maps=(LESION,)),
    "lesion_gp": Needs(columns=_SIZE, pattern=DISCONNECTION, volumes=True, maps=(LESION,)),
    "kernel": Needs(volumes=True),
    "kernel_demographics": Needs(columns=DEMOGRAPHICS, volumes=True),
    "own_kernel": Needs(columns=DEMOGRAPHICS, pattern=OWN, volumes=True),
    "karakis2023": Needs(columns=DEMOGRAPHICS, volumes=True),
    "cbam2025": Needs(columns=DEMOGRAPHICS, volumes=True),
    "gao2025": Needs(instances=(WINDOWS,)),
    "physiology": Needs(pattern=PHYSIOLOGY),
    **{name: Needs(instances=kinds) for name, kinds in FUSION.items()},
}
# Of columns that scanners or amplifiers measured, which sites shift: no age, and no drawn lesion.
MEASURED = frozenset({REGIONAL, PHYSIOLOGY, f"{OWN}|{REGIONAL}"})
PATTERNS = frozenset(need.pattern for need in _NEEDS.values())


def needs(name: str) -> Needs:
    """Return what a model reads; raises UsageError for an unknown name."""
    _check(name, MODELS, "model")
    return _NEEDS[name]


def full_ladder(names: tuple[str, ...], persistence: bool, own: bool = False) -> tuple[str, ...]:
    """Add the rungs that no ladder goes without to those of an experiment, simplest first.

    These are what is no biology, what a baseline score says, and, for a network that is told
    demographics, a kernel machine that is told the same: a network that is better only because it
    knows the age is then not better. Where there are `own` predictors (a baseline score is one),
    these alone, and beside the last model of images (`JOINT`), so that it is known what either
    adds. Networks that are told demographics are told these too.

    >>> full_ladder(("prevalence", "tract_load", "karakis2023"), persistence=True)
    ('prevalence', 'nuisance', 'persistence', 'tract_load', 'kernel_demographics', 'karakis2023')
    >>> full_ladder(("prevalence", "kernel"), persistence=False, own=True)
    ('prevalence', 'nuisance', 'own', 'kernel', 'own_kernel')
    """
    first, rest = (names[:1], names[1:]) if names[0] == "prevalence" else ((), names)
    added = ("nuisance", *(["persistence"] if persistence else []), *(["own"] if own else []))
    ladder = (*first, *(name for name in added if name not in names), *rest)
    if reads_own(names[-1]):
        beside = ("kernel", "own_kernel") if own else ("kernel_demographics",)
        return (*ladder[:-1], *(name for name in beside if name not in names), ladder[-1])
    last = next((name for name in reversed(names) if name in JOINT), None)
    if own and last and JOINT[last] not in names:
        place = ladder.index(last) + 1
        ladder = (*ladder[:place], JOINT[last], *ladder[place:])
    return ladder


def can_harmonise(name: str) -> bool:
    """Whether a model reads what sites shift and ComBat can make alike: maps, or their columns.

    Raises UsageError for an unknown name.

    >>> [can_harmonise(name) for name in ("regional", "karakis2023", "lesion_map", "gao2025")]
    [True, True, False, False]
    """
    needed = needs(name)
    return needed.pattern in MEASURED or (needed.volumes and LESION not in needed.maps)


def reads_own(name: str) -> bool:
    """Whether a model is a network that is told demographics and own predictors beside its maps."""
    return name in NETWORKS and bool(_NEEDS[name].columns)


def build_model(
    name: str,
    *,
    task: str,
    maps: tuple[str, ...] = (),
    mask: NDArray[np.bool_] | None = None,
    params: dict[str, Any] | None = None,
    random_state: int = 0,
    device: str = "cpu",
    checkpoints: Checkpoints | None = None,
    bounds: tuple[float, float] | None = None,
    n_classes: int = 2,
    start: Start | None = None,
) -> Model:
    """Return an estimator that is not fitted.

    Parameters
    ----------
    name : str
        One of `MODELS`.
    task : str
        One of `TASKS`. Ordered classes are given by classifiers, one for each threshold, or by
        a network with such outputs.
    maps : tuple of str
        Maps to use, among those of the volumes the model will see; all if empty.
    mask : bool array on the grid of the volumes, optional
        Voxels to use; all by default.
    params : dict
        Settings of this kind of model, from the experiment file.
    random_state : int
        Seed of everything random.
    device : str
        "cpu", "cuda" or "cuda:i"; used by networks.
    checkpoints : Checkpoints, optional
        Where networks leave what they need to go on after a stop.
    bounds : (float, float), optional
        Range of the score, which all models stay within; of a regression only.
    n_classes : int
        Of an ordinal task.
    start : Start, optional
        Weights that networks begin with.

    Raises
    ------
    UsageError
        Unknown model or task, or a setting that this model does not have.
    """
    _check(name, MODELS, "model")
    _check(task, TASKS, "task")
    given = {
        "maps": maps,
        "mask": mask,
        "random_state": random_state,
        "device": device,
        "checkpoints": checkpoints,
        "bounds": bounds if task == "regression" else None,
        "n_classes": n_classes,
        "start": start,
    }
    if task == "ordinal" and name not in NETWORK_KINDS:
        return CumulativeModel(_build(name, "classification", given, params), n_classes)
    return _build(name, task, given, params)


def _build(name: str, task: str, given: dict[str, Any], params: Mapping[str, Any] | None) -> Model:
    """Return an estimator with what it knows of `given`, and with its settings."""
    kind, needed = kind_of(name, task), _NEEDS[name]
    known = kind().get_params()
    given = given | {
        "modalities": needed.instances,
        "columns": needed.columns,
        "pattern": needed.pattern,
        "select": name in ("regional", "physiology", "rbf", "disconnection"),
    }
    fixed = {key: value for key, value in given.items() if key in known}
    free = sorted(set(known) - set(fixed))
    chosen = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in (params or {}).items()
    }
    unknown = [key for key in chosen if key not in free]
    if unknown:
        raise UsageError(
            f"Model {name!r} has no setting {unknown[0]!r}; it has: {', '.join(free) or 'none'}."
        )
    model: Model = kind(**fixed, **chosen)
    return model


def _check(value: str, known: tuple[str, ...], what: str) -> None:
    if value not in known:
        raise UsageError(f"Unknown {what} {value!r}: use one of {', '.join(known)}.")
