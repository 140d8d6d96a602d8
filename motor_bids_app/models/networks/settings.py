"""Settings of networks as estimators."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from motor_bids_app.models.networks.networks import (
    KARAKIS_RESIDUALS,
    KARAKIS_WIDTHS,
)
from motor_bids_app.models.training.settings import TrainingSettings


class Beginning(Protocol):
    """Weights that networks begin with, see `transfer.Start`."""

    name: str

    def give(self, network: Any, maps: tuple[str, ...]) -> tuple[int, int]:
        """Put what fits into a network."""
        ...


@dataclass(kw_only=True, eq=False, repr=False)
class NetworkSettings(TrainingSettings):
    """How a network of maps is built; how it is trained, see `TrainingSettings`.

    Parameters
    ----------
    maps : tuple of str
        Maps to use, one branch each; all if empty.
    mask : bool array, shape of the volumes, optional
        Where the network sees anything; everywhere by default.
    widths : tuple of int
        Channels along a branch, see `ResidualBranch`.
    n_residuals, hidden, dropout, attention
        See `MultiBranchNetwork`.
    n_classes : int
        Ordered classes; of those only.
    deterministic : bool
        Whether the same seed gives the same weights on a GPU too, at the price of time.
    start : Start, optional
        Weights to begin with, of people who are in no fold.
    harmonise : str
        "combat": sites are made alike in every voxel, see `MapComBat`. "none": maps are taken as
        they are.
    """

    maps: tuple[str, ...] = ()
    mask: NDArray[np.bool_] | None = None
    widths: tuple[int, ...] = KARAKIS_WIDTHS
    n_residuals: int = KARAKIS_RESIDUALS
    hidden: int = 256
    dropout: float = 0.3
    attention: bool = False
    n_classes: int = 2
    deterministic: bool = False
    start: Beginning | None = None
    harmonise: str = "none"
