"""Which estimator stands behind the name of a model, for each task."""

from collections.abc import Callable
from typing import Any

from motor_bids_app.models.instances.fusion import FusionClassifier, FusionRegressor
from motor_bids_app.models.instances.windowed import WindowClassifier, WindowRegressor
from motor_bids_app.models.networks.deep import NetworkClassifier, NetworkRegressor
from motor_bids_app.models.networks.ensemble import (
    MapEnsembleClassifier,
    MapEnsembleOrdinal,
    MapEnsembleRegressor,
)
from motor_bids_app.models.tables.classical import (
    ConstantClassifier,
    ConstantRegressor,
    TableClassifier,
    TableRegressor,
)
from motor_bids_app.models.tables.disconnection import (
    DisconnectionClassifier,
    DisconnectionRegressor,
)
from motor_bids_app.models.tables.kernel import KernelClassifier, KernelRegressor
from motor_bids_app.models.tables.kernel_columns import (
    KernelColumnsClassifier,
    KernelColumnsRegressor,
)
from motor_bids_app.models.tables.lesion_gp import LesionGpClassifier, LesionGpRegressor
from motor_bids_app.models.tables.lesion_maps import LesionMapClassifier, LesionMapRegressor
from motor_bids_app.models.tables.nonlinear import (
    BoostingClassifier,
    BoostingRegressor,
    RbfClassifier,
    RbfRegressor,
)
from motor_bids_app.models.tables.nuisance import NuisanceClassifier, NuisanceRegressor
from motor_bids_app.models.tables.ordinal import NetworkOrdinal
from motor_bids_app.models.tables.own import BlockClassifier, BlockRegressor

Kind = Callable[..., Any]
NETWORK_KINDS: dict[str, dict[str, Kind]] = {
    "karakis2023": {
        "classification": NetworkClassifier,
        "regression": NetworkRegressor,
        "ordinal": NetworkOrdinal,
    },
    "cbam2025": {
        "classification": MapEnsembleClassifier,
        "regression": MapEnsembleRegressor,
        "ordinal": MapEnsembleOrdinal,
    },
}
_PAIRS: dict[str, tuple[Kind, Kind]] = {
    "prevalence": (ConstantClassifier, ConstantRegressor),
    "nuisance": (NuisanceClassifier, NuisanceRegressor),
    "disconnection": (DisconnectionClassifier, DisconnectionRegressor),
    **dict.fromkeys(("own", "own_lesion", "own_regional"), (BlockClassifier, BlockRegressor)),
    "rbf": (RbfClassifier, RbfRegressor),
    "boosting": (BoostingClassifier, BoostingRegressor),
    "lesion_map": (LesionMapClassifier, LesionMapRegressor),
    "lesion_gp": (LesionGpClassifier, LesionGpRegressor),
    "kernel": (KernelClassifier, KernelRegressor),
    "own_lesion_map": (LesionMapClassifier, LesionMapRegressor),
    "kernel_demographics": (KernelColumnsClassifier, KernelColumnsRegressor),
    "own_kernel": (KernelColumnsClassifier, KernelColumnsRegressor),
    "gao2025": (WindowClassifier, WindowRegressor),
    **dict.fromkeys(("signals", "slices", "shi2025"), (FusionClassifier, FusionRegressor)),
}


def kind_of(name: str, task: str) -> Kind:
    """Return the estimator of a model for a task; classifiers stand in for ordered classes."""
    if name in NETWORK_KINDS:
        return NETWORK_KINDS[name][task]
    classifier, regressor = _PAIRS.get(name, (TableClassifier, TableRegressor))
    return regressor if task == "regression" else classifier
