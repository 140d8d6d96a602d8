"""Maps of all scans of an experiment on one grid, in half precision, read by rows.

The array behind a store may be a memory map: nothing here reads more than a block of it
at a time, so memory grows with the batch and not with the cohort.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import nibabel as nib
import numpy as np
from numpy.typing import ArrayLike, NDArray

from motor_bids_app.errors import DataError
from motor_bids_app.features.averaging import average_onto
from motor_bids_app.features.fingerprints import content_hash
from motor_bids_app.features.masks import mask_voxels
from motor_bids_app.spaces.grids import Grid

# Factors from derivative units to stored units: mm2/s become um2/ms, because half
# precision holds values near 1 to three digits, but values below 6e-5 ever more coarsely.
STORED_UNITS = {"md": 1e3, "rd": 1e3, "ad": 1e3}
_BLOCK = 1 << 24  # values in memory at once, 64 MiB in float32


@dataclass(eq=False)
class VolumeStore:
    """Maps of all scans of an experiment.

    Attributes
    ----------
    data : float16 array or memory map, shape (n_scans, n_maps, X, Y, Z)
        In stored units (`STORED_UNITS`); 0 where a map is missing.
    maps : tuple of str
        Names of the maps, such as "fa".
    grid : Grid
        Of every volume.
    present : bool array, shape (n_scans, n_maps)
        False where a scan lacks the map.
    sources : dict
        `content_hash` of each image that was put and varies, by row and map: of its own voxels,
        which do not depend on the grid, the side or the processor.
    """

    data: NDArray[np.float16]
    maps: tuple[str, ...]
    grid: Grid
    present: NDArray[np.bool_]
    sources: dict[tuple[int, str], str] = field(default_factory=dict, repr=False)
    _grams: dict[str, NDArray[np.float64]] = field(default_factory=dict, repr=False)
    _made: dict[str, "VolumeStore"] = field(default_factory=dict, repr=False)

    @classmethod
    def empty(
        cls,
        n_scans: int,
        maps: tuple[str, ...],
        grid: Grid,
        data: NDArray[np.float16] | None = None,
    ) -> "VolumeStore":
        """Return a store without maps, over `data` (such as a memory map) where given."""
        shape = (n_scans, len(maps), *grid.shape)
        if data is None:
            data = np.zeros(shape, dtype=np.float16)
        if data.shape != shape or data.dtype != np.float16:
            raise ValueError(
                f"data must be float16 of shape {shape}, got {data.dtype} {data.shape}"
            )
        return cls(data, tuple(maps), grid, np.zeros((n_scans, len(maps)), dtype=bool))

    def __len__(self) -> int:
        return len(self.data)

    def put(self, row: int, name: str, image: nib.Nifti1Image) -> None:
        """Average the image of one map of one scan onto the grid, and keep it.

        Parameters
        ----------
        row : int
            Scan.
        name : str
            One of `maps`.
        image : Nifti1Image, shape (X, Y, Z)
            In the standard space; diffusivities in mm2/s.

        Raises
        ------
        DataError
            The values are not finite, or too large for half precision.
        """
        values = average_onto(image, self.grid) * np.float32(STORED_UNITS.get(name, 1))
        if np.abs(values).max() > np.finfo(np.float16).max:
            raise DataError(
                f"The {name} map reaches {np.abs(values).max():.3g}: more than 65504 cannot be "
                "stored. Check its units (diffusivities are in mm2/s)."
            )
        column = self.maps.index(name)
        self.data[row, column] = values
        self.present[row, column] = True
        digest = content_hash(np.asarray(image.dataobj, dtype=np.float32))
        if digest is not None:
            self.sources[row, name] = digest
        self._grams.clear()
        self._made.clear()

    def made(self, name: str, make: Callable[["VolumeStore"], "VolumeStore"]) -> "VolumeStore":
        """Return what `make` makes of these maps, which is made once."""
        if name not in self._made:
            self._made[name] = make(self)
        return self._made[name]

    def volumes(self) -> "Volumes":
        """Return all scans."""
        return Volumes(self, np.arange(len(self)))

    def gram(self, mask: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
        """Return inner products of all pairs of scans, one matrix per map; computed once.

        The cohort's mean is taken out of every voxel first. That is a rounding matter:
        whoever centres these matrices on a training fold (as they must) gets the same
        result as without, but with the digits that a large common part would cost.

        Parameters
        ----------
        mask : bool array, shape (X, Y, Z), optional
            Voxels to use; all by default.

        Returns
        -------
        float64 array, shape (n_maps, n_scans, n_scans)
            Rows and columns of scans that lack a map are 0.
        """
        key = "all" if mask is None else hashlib.sha256(np.packbits(mask).tobytes()).hexdigest()
        if key not in self._grams:
            columns = range(len(self.maps))
            everyone = self.volumes()
            self._grams[key] = np.stack([everyone.gram_of_map(k, mask) for k in columns])
        return self._grams[key]


@dataclass(frozen=True, eq=False)
class Volumes:
    """Some scans of a store, in any order, without a copy.

    Attributes
    ----------
    store : VolumeStore
    rows : int array, shape (n_scans,)
        Rows of the store.
    """

    store: VolumeStore
    rows: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, indices: ArrayLike | slice) -> "Volumes":
        chosen = indices if isinstance(indices, slice) else np.asarray(indices)
        return replace(self, rows=np.atleast_1d(self.rows[chosen]))

    @property
    def maps(self) -> tuple[str, ...]:
        """Names of the maps."""
        return self.store.maps

    @property
    def grid(self) -> Grid:
        """Grid of every volume."""
        return self.store.grid

    @property
    def present(self) -> NDArray[np.bool_]:
        """False where a scan lacks a map, shape (n_scans, n_maps)."""
        return self.store.present[self.rows]

    @property
    def images(self) -> list[tuple[str, str]]:
        """Map and `content_hash` of each image of these scans."""
        rows = set(self.rows.tolist())
        return [(name, digest) for (row, name), digest in self.store.sources.items() if row in rows]

    def read(
        self, indices: ArrayLike | slice = slice(None), columns: Sequence[int] | None = None
    ) -> NDArray[np.float32]:
        """Return maps of some scans in memory, shape (n, n_maps, X, Y, Z), in stored units.

        With `columns` only those maps, in that order; no other is read.
        """
        rows = self[indices].rows
        if columns is None:
            return self.store.data[rows].astype(np.float32)
        return self.store.data[rows[:, None], list(columns)].astype(np.float32)

    def gram(self, mask: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
        """Return inner products of the scans, (n_maps, n_scans, n_scans); see `VolumeStore`."""
        return self.store.gram(mask)[:, self.rows[:, None], self.rows]

    def across(
        self, others: "Volumes", mask: NDArray[np.bool_] | None = None
    ) -> NDArray[np.float64] | None:
        """Return inner products with other scans of the store, (n_maps, n, n_others).

        None where the others are of another store, whose products are not known.
        """
        if others.store is not self.store:
            return None
        return self.store.gram(mask)[:, self.rows[:, None], others.rows]

    def gram_of_map(
        self, column: int, mask: NDArray[np.bool_] | None = None
    ) -> NDArray[np.float64]:
        """Compute inner products of one map of the scans, (n_scans, n_scans), mean taken out."""
        products = np.zeros((len(self), len(self)))
        has = self.present[:, column]
        if not has.any():
            return products
        for _, block in self.blocks(column, mask):
            block -= block[has].mean(axis=0)
            block[~has] = 0
            products += block @ block.T
        return products

    def blocks(
        self, column: int, mask: NDArray[np.bool_] | None = None
    ) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """Yield one map of all scans in blocks of voxels that fit in memory.

        Parameters
        ----------
        column : int
            Position of the map.
        mask : bool array, shape (X, Y, Z), optional
            Voxels to read; all by default.

        Yields
        ------
        slice
            Which of the voxels inside the mask.
        float32 array, shape (n_scans, n_voxels_in_block)
            Stored units; 0 where the map is missing.
        """
        voxels = mask_voxels(mask, self.grid)
        flat = self.store.data.reshape(len(self.store), len(self.maps), -1)
        size = max(1, _BLOCK // max(1, len(self)))
        for start in range(0, voxels.size, size):
            part = slice(start, min(start + size, voxels.size))
            yield part, flat[self.rows[:, None], column, voxels[part]].astype(np.float32)

    def mean(self, columns: Sequence[int] | None = None) -> NDArray[np.float32]:
        """Return each map's mean over the scans that have it, (n_maps, X, Y, Z); 0 if none.

        With `columns` of those maps alone.
        """
        chosen = self._columns(columns)
        total = np.zeros((len(chosen), *self.grid.shape))
        for rows in self._blocks(len(chosen)):
            total += self.read(rows, columns).sum(axis=0, dtype=np.float64)  # missing maps are 0
        count = np.maximum(self.present[:, chosen].sum(axis=0), 1)
        return (total / count[:, None, None, None]).astype(np.float32)

    def spread(
        self,
        mean: NDArray[np.float32],
        mask: NDArray[np.bool_] | None = None,
        columns: Sequence[int] | None = None,
    ) -> NDArray[np.float32]:
        """Return the root mean square distance of each map from `mean`, shape (n_maps,).

        Taken over the voxels in `mask` and the scans that have the map; 1 where that is 0,
        so that dividing by it is safe. With `columns` of those maps alone.
        """
        voxels, chosen = mask_voxels(mask, self.grid), self._columns(columns)
        squares, present = np.zeros(len(chosen)), self.present[:, chosen]
        for rows in self._blocks(len(chosen)):
            distance = self.read(rows, columns) - mean
            distance = distance.reshape(len(rows), len(chosen), -1)[..., voxels]
            distance[~present[rows]] = 0
            squares += np.square(distance, out=distance).sum(axis=(0, 2), dtype=np.float64)
        count = np.maximum(present.sum(axis=0), 1) * voxels.size
        spread = np.sqrt(squares / count)
        return np.where(spread > 0, spread, 1).astype(np.float32)

    def _columns(self, columns: Sequence[int] | None) -> list[int]:
        return list(range(len(self.maps)) if columns is None else columns)

    def _blocks(self, n_maps: int) -> list[NDArray[np.intp]]:
        """Positions of the scans, in groups whose maps fit in memory."""
        per_scan = n_maps * int(np.prod(self.grid.shape))
        size = max(1, _BLOCK // per_scan)
        positions = np.arange(len(self))
        return [positions[start : start + size] for start in range(0, len(self), size)]
