"""Mini-batches of standardised maps, read from the store as they are needed."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from torch.utils.data import Dataset

from motor_bids_app.errors import DataError
from motor_bids_app.models.networks.inputs import Maps, map_columns

SHARPENING = (0.5, 1.5)  # how much of the fine detail is added, drawn per copy
_DETAIL = 1.0  # voxels; what a Gaussian of this width removes is fine detail


@dataclass(frozen=True, eq=False)
class Standardiser:
    """Maps as deviations from a training fold, in units of each map's spread.

    Attributes
    ----------
    maps : tuple of str
        Maps to read.
    mean : float32 array, shape (n_maps, X, Y, Z)
        Voxelwise mean of the training fold, stored units.
    spread : float32 array, shape (n_maps,)
        Root mean square deviation of each map; infinite where no training scan has it, so that a
        branch which learned nothing sees nothing.
    mask : bool array, shape (X, Y, Z), optional
        Where the network sees anything.
    """

    maps: tuple[str, ...]
    mean: NDArray[np.float32]
    spread: NDArray[np.float32]
    mask: NDArray[np.bool_] | None = None

    @classmethod
    def fit(
        cls, volumes: Maps, maps: tuple[str, ...], mask: NDArray[np.bool_] | None
    ) -> "Standardiser":
        """Learn mean and spread from a training fold."""
        columns = map_columns(volumes, maps)
        mean = volumes.mean(columns)
        for name, values in zip(maps, mean, strict=True):
            if not np.isfinite(values).all():
                raise DataError(
                    f"The {name} map of a training scan has values that are not numbers. Check "
                    "the maps, or leave this one out of [inputs] maps."
                )
        known = volumes.present[:, columns].any(axis=0)
        spread = np.where(known, volumes.spread(mean, mask, columns), np.float32(np.inf))
        return cls(maps, mean, spread, mask)

    def __call__(
        self, volumes: Maps, sharpening: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """Return the maps of scans, shape (n, n_maps, X, Y, Z); 0 where a map is missing.

        Parameters
        ----------
        volumes : Maps
        sharpening : float32 array, shape (n,), optional
            How much of the fine detail of each scan to add.
        """
        columns = map_columns(volumes, self.maps)
        maps = volumes.read(columns=columns)
        if sharpening is not None:
            for k in np.flatnonzero(sharpening):
                maps[k] = sharpen(maps[k], float(sharpening[k]))
        maps -= self.mean
        maps /= self.spread[:, None, None, None]
        maps *= volumes.present[:, columns, None, None, None]
        return maps if self.mask is None else maps * self.mask


def sharpen(maps: NDArray[np.float32], amount: float) -> NDArray[np.float32]:
    """Add `amount` times the fine detail of maps of shape (n_maps, X, Y, Z) (unsharp mask)."""
    blurred = gaussian_filter(maps, (0, _DETAIL, _DETAIL, _DETAIL))
    return maps + np.float32(amount) * (maps - blurred)


def balanced_rows(labels: NDArray[np.int64]) -> NDArray[np.intp]:
    """Return positions of all scans, then of scans of the rarer class until classes are equal.

    Every scan of the rarer class is repeated equally often, give or take one.

    >>> balanced_rows(np.array([0, 1, 0, 0, 0])).tolist()
    [0, 1, 2, 3, 4, 1, 1, 1]
    """
    counts = np.bincount(labels, minlength=2)
    rarer = np.flatnonzero(labels == counts.argmin())
    return np.concatenate([np.arange(len(labels)), np.resize(rarer, abs(counts[0] - counts[1]))])


class TrainingSet(Protocol):
    """What a network learns from, or is stopped by."""

    def __len__(self) -> int:
        """Items."""
        ...

    def batch(
        self, items: NDArray[np.intp], random: np.random.Generator
    ) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        """Return network inputs, by the names of its arguments, and targets of some items."""
        ...


class ScanDataset(Dataset[Any]):
    """Training scans by position, read when asked for; copies beyond the first are sharpened.

    Parameters
    ----------
    volumes : Maps
    demographics : float32 array, shape (n_scans, n_demographics)
    targets : array, shape (n_scans,)
    standardise : Standardiser
    rows : int array, shape (n,)
        Which scan each item is; items from `n_scans` on are sharpened copies.
    """

    def __init__(
        self,
        volumes: Maps,
        demographics: NDArray[np.float32],
        targets: NDArray[Any],
        standardise: Standardiser,
        rows: NDArray[np.intp],
    ) -> None:
        self.volumes = volumes
        self.demographics = demographics
        self.targets = targets
        self.standardise = standardise
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def batch(
        self, items: NDArray[np.intp], random: np.random.Generator
    ) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        """Return network inputs and targets of some items."""
        rows = self.rows[items]
        strength = random.uniform(*SHARPENING, size=len(items)).astype(np.float32)
        copies = items >= len(self.volumes)
        maps = self.standardise(self.volumes[rows], np.where(copies, strength, 0))
        inputs = {
            "maps": torch.from_numpy(maps),
            "demographics": torch.from_numpy(self.demographics[rows]),
        }
        return inputs, torch.from_numpy(self.targets[rows])


def count_batches(n_items: int, batch_size: int) -> int:
    """Return the steps of an epoch: batches of 2 or more.

    >>> count_batches(17, 8), count_batches(3, 2)
    (3, 1)
    """
    return max(1, min(-(-n_items // batch_size), n_items // 2))


class Batches:
    """All items once per iteration, in a new random order, in batches of nearly equal size.

    Equal sizes, because a batch of one scan cannot be batch-normalised.

    Parameters
    ----------
    dataset : TrainingSet
    batch_size : int
        At most, or 3 of an odd number of items in pairs; 2 or more.
    seed : int
        Of the order and of the sharpening.
    """

    def __init__(self, dataset: TrainingSet, batch_size: int, seed: int) -> None:
        self.dataset = dataset
        self.n_batches = count_batches(len(dataset), batch_size)
        self.random = np.random.default_rng(seed)

    def __len__(self) -> int:
        return self.n_batches

    def __iter__(self) -> Iterator[tuple[dict[str, torch.Tensor], torch.Tensor]]:
        order = self.random.permutation(len(self.dataset))
        for items in np.array_split(order, self.n_batches):
            yield self.dataset.batch(items, self.random)
