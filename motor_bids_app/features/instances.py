"""Many samples of one scan: windows of a series or slices, made when a model asks for them."""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

Indices = NDArray[np.intp]


class Source(Protocol):
    """Where instances come from. It knows how many there are, and makes those asked for."""

    @property
    def counts(self) -> Indices:
        """Instances of each scan, shape (n_scans,); 0 where a scan has none."""
        ...

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one instance."""
        ...

    def read(self, scan: int, numbers: Indices) -> NDArray[np.float32]:
        """Return some instances of one scan, shape (n, *shape), by their numbers, from 0."""
        ...


@dataclass(frozen=True, eq=False)
class Instances:
    """Some instances of the scans of some samples; rows are samples, as in a table.

    Attributes
    ----------
    source : Source
    scans, numbers : int array, shape (n_instances,)
        Which instance of which scan of the source.
    rows : int array, shape (n_instances,)
        Sample that each is of, in ascending order. A sample may have none.
    n_rows : int
        Samples.
    """

    source: Source
    scans: Indices
    numbers: Indices
    rows: Indices
    n_rows: int

    @classmethod
    def of(cls, source: Source) -> "Instances":
        """Return all instances of all scans of a source, one row per scan.

        >>> class Two:
        ...     counts, shape = np.array([1, 2]), (1,)
        >>> Instances.of(Two()).numbers.tolist()
        [0, 0, 1]
        """
        counts = np.asarray(source.counts, dtype=np.intp)
        scans = np.repeat(np.arange(len(counts)), counts)
        numbers = np.arange(len(scans)) - np.repeat(np.cumsum(counts) - counts, counts)
        return cls(source, scans, numbers, scans, len(counts))

    def __len__(self) -> int:
        return self.n_rows

    @property
    def size(self) -> int:
        """Instances in all."""
        return len(self.rows)

    @property
    def counts(self) -> Indices:
        """Instances of each row, shape (n_rows,)."""
        return np.bincount(self.rows, minlength=self.n_rows)

    def __getitem__(self, indices: ArrayLike | slice) -> "Instances":
        """Return the instances of some rows, which are numbered anew in the order asked for."""
        chosen = indices if isinstance(indices, slice) else np.atleast_1d(np.asarray(indices))
        old = np.arange(self.n_rows)[chosen]
        first = np.searchsorted(self.rows, np.arange(self.n_rows + 1))
        kept = [np.arange(first[row], first[row + 1]) for row in old]
        places = np.concatenate([*kept, np.arange(0)])
        rows = np.repeat(np.arange(len(old)), [len(part) for part in kept])
        return replace(
            self,
            scans=self.scans[places],
            numbers=self.numbers[places],
            rows=rows,
            n_rows=len(old),
        )

    def at_most(self, most: int) -> "Instances":
        """Return all instances of rows that have few, evenly spaced ones of the others; 0: all."""
        if most < 1:
            return self
        first = np.searchsorted(self.rows, np.arange(self.n_rows + 1))
        spaced = [
            np.linspace(start, stop - 1, min(most, stop - start)).round().astype(np.intp)
            for start, stop in pairwise(first)
        ]
        places = np.concatenate([*spaced, np.arange(0)])
        return replace(
            self, scans=self.scans[places], numbers=self.numbers[places], rows=self.rows[places]
        )

    def apart(self) -> "Instances":
        """Return the same instances, each as a row of its own."""
        return replace(self, rows=np.arange(self.size), n_rows=self.size)

    def read(self, chosen: ArrayLike | slice = slice(None)) -> NDArray[np.float32]:
        """Make instances, shape (n, *shape); `chosen` are positions among all, not rows."""
        places = chosen if isinstance(chosen, slice) else np.asarray(chosen)
        scans, numbers = self.scans[places], self.numbers[places]
        values = np.empty((len(scans), *self.source.shape), dtype=np.float32)
        for scan in np.unique(scans):
            own = np.flatnonzero(scans == scan)
            values[own] = self.source.read(int(scan), numbers[own])
        return values

    def mean(self, values: NDArray[Any], otherwise: ArrayLike) -> NDArray[np.float64]:
        """Mean of a value of each instance, (n_instances, ...), over each row; shape (n_rows, ...).

        `otherwise` is the value of rows without an instance.
        """
        total = np.zeros((self.n_rows, *values.shape[1:]))
        np.add.at(total, self.rows, values)
        counts = self.counts.reshape(-1, *[1] * (values.ndim - 1))
        return np.where(counts > 0, total / np.maximum(counts, 1), otherwise)
