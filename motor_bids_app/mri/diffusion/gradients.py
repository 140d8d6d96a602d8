"""Diffusion gradients: b-values and directions, their frames, and what they allow."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motor_bids_app.errors import GradientTableError

_OTHER_UNITS = (  # name, factor to s/mm2, range of the highest b-value of a series
    ("ms/um2", 1e3, (0.2, 20.0)),
    ("s/m2", 1e-6, (5e4, np.inf)),
)
B0_LIMIT = 100.0  # s/mm2; scanners write 0, 5 or 50 for "no weighting"
TENSOR_LIMIT = 1300.0  # s/mm2; beyond it the signal of tissue is no longer Gaussian
MIN_DIRECTIONS = 6  # unknowns of a diffusion tensor
_SAME_DIRECTION = np.cos(np.deg2rad(3.0))
_SHELL_WIDTH = 100.0  # s/mm2


@dataclass(frozen=True, eq=False)
class GradientTable:
    """Gradients of a diffusion series, in the frame of its bval and bvec files.

    `bvecs` are kept as FSL and BIDS define them: along the voxel axes of the image,
    with the first component reversed where the affine has a positive determinant.
    They are not world directions: `world_directions` converts them, and whoever
    reorients the voxels of the series must build a new table with `from_world`.

    Parameters
    ----------
    bvals : array, shape (N,)
        Diffusion weighting in s/mm2.
    bvecs : array, shape (N, 3)
        Unit vectors, or zeros where there is no direction: b0 and trace volumes.

    Raises
    ------
    GradientTableError
        Counts differ, a number is missing or negative, or a direction is not of unit length.
    """

    bvals: NDArray[np.float64]
    bvecs: NDArray[np.float64]

    def __post_init__(self) -> None:
        bvals = np.asarray(self.bvals, dtype=np.float64)
        bvecs = np.asarray(self.bvecs, dtype=np.float64)
        if bvals.ndim != 1 or bvecs.shape != (len(bvals), 3):
            raise GradientTableError(
                f"There are {bvals.size} b-values, but {bvecs.shape[0]} directions. "
                "The bval and bvec files do not belong together."
            )
        if not (np.isfinite(bvals).all() and (bvals >= 0).all()):
            raise GradientTableError(
                "A b-value is negative or not a number. Correct the bval file."
            )
        object.__setattr__(self, "bvals", bvals)
        object.__setattr__(self, "bvecs", _unit(np.where(np.isnan(bvecs), 0, bvecs), bvals))

    @classmethod
    def from_world(
        cls,
        bvals: NDArray[np.floating],
        directions: NDArray[np.floating],
        affine: NDArray[np.floating],
    ) -> "GradientTable":
        """Make a table from directions in mm RAS, for an image with this affine."""
        return cls(np.asarray(bvals, dtype=np.float64), directions @ _fsl_to_world(affine))

    def __len__(self) -> int:
        return len(self.bvals)

    @property
    def is_b0(self) -> NDArray[np.bool_]:
        """Volumes without diffusion weighting, shape (N,)."""
        return self.bvals < B0_LIMIT

    @property
    def has_direction(self) -> NDArray[np.bool_]:
        """Weighted volumes with a direction, shape (N,); a trace volume has none."""
        return ~self.is_b0 & (np.abs(self.bvecs).sum(axis=1) > 0)

    @property
    def tensor_limit(self) -> float:
        """Greatest b-value that counts: 1300, or the lowest shell where all are beyond it."""
        lowest = float(self.bvals[~self.is_b0].min(initial=np.inf))
        return lowest + _SHELL_WIDTH if TENSOR_LIMIT < lowest < np.inf else TENSOR_LIMIT

    @property
    def fits_tensor(self) -> NDArray[np.bool_]:
        """Volumes for a tensor: b0, and directions up to `tensor_limit`; shape (N,)."""
        return self.is_b0 | (self.has_direction & (self.bvals <= self.tensor_limit))

    @property
    def shells(self) -> NDArray[np.int_]:
        """Number of the shell of each volume, shape (N,); 0 is b0, then by rising b-value."""
        order = np.argsort(self.bvals, kind="stable")
        weighted = order[~self.is_b0[order]]
        shells = np.zeros(len(self), dtype=np.int_)
        if len(weighted):
            jumps = np.diff(self.bvals[weighted]) > _SHELL_WIDTH
            shells[weighted] = 1 + np.concatenate([[0], np.cumsum(jumps)])
        return shells

    @property
    def n_directions(self) -> int:
        """How many different directions the tensor volumes have; opposite ones are the same."""
        unique: list[NDArray[np.float64]] = []
        for direction in self.bvecs[self.fits_tensor & self.has_direction]:
            if all(abs(direction @ other) < _SAME_DIRECTION for other in unique):
                unique.append(direction)
        return len(unique)

    def world_directions(self, affine: NDArray[np.floating]) -> NDArray[np.float64]:
        """Directions in mm RAS, shape (N, 3), for the image with this affine."""
        return self.bvecs @ self.frame(affine).T

    @staticmethod
    def frame(affine: NDArray[np.floating]) -> NDArray[np.float64]:
        """Matrix, shape (3, 3), from the frame of the bvec file to mm RAS."""
        return _fsl_to_world(affine)

    def rotated(
        self, rotations: NDArray[np.floating], affine: NDArray[np.floating]
    ) -> "GradientTable":
        """Turn each direction by its own rotation of the world, shape (N, 3, 3)."""
        directions = np.einsum("nij,nj->ni", rotations, self.world_directions(affine))
        return GradientTable.from_world(self.bvals, directions, affine)

    def select(self, volumes: NDArray[np.bool_]) -> "GradientTable":
        """Keep some volumes."""
        return GradientTable(self.bvals[volumes], self.bvecs[volumes])

    def with_axes(self, matrix: NDArray[np.floating]) -> "GradientTable":
        """Exchange and reverse the axes of the table: directions as rows times the matrix."""
        return GradientTable(self.bvals, self.bvecs @ matrix)

    def check(self, n_volumes: int) -> None:
        """Raise GradientTableError unless the table belongs to a usable series of `n_volumes`."""
        if len(self) != n_volumes:
            raise GradientTableError(
                f"The series has {n_volumes} volumes, but bval and bvec describe {len(self)}. "
                "Pass the bval and bvec files that were made with this series."
            )
        self._check_unit()
        if not self.is_b0.any():
            raise GradientTableError(
                f"No volume is without diffusion weighting: the lowest b-value is "
                f"{self.bvals.min():.0f}, and b < {B0_LIMIT:.0f} is needed as the reference. "
                "Add the b0 image to the series, or leave this participant's dwi out."
            )
        if self.is_b0.all():
            raise GradientTableError(
                f"All {n_volumes} volumes are b0 (b < {B0_LIMIT:.0f}): nothing here measures "
                "diffusion. Check that the bval file is the right one."
            )

    def _check_unit(self) -> None:
        """Raise GradientTableError where b-values look like another unit than s/mm2."""
        highest = float(self.bvals.max(initial=0))
        for unit, factor, (low, high) in _OTHER_UNITS:
            if low <= highest <= high:
                raise GradientTableError(
                    f"The highest b-value is {highest:g}, which is no b-value in s/mm2 but may be "
                    f"one in {unit}: multiply the values of the bval file by {factor:g} if so."
                )

    def check_tensor(self) -> None:
        """Raise GradientTableError unless these directions determine a tensor."""
        usable = self.fits_tensor & self.has_direction
        needed = f"b of {B0_LIMIT:.0f} to {self.tensor_limit:.0f}"
        if self.n_directions < MIN_DIRECTIONS:
            raise GradientTableError(
                f"A tensor needs {MIN_DIRECTIONS} different directions with {needed}, and there "
                f"are {self.n_directions}: only a trace (mean diffusivity) can be had."
            )
        outer = np.einsum("ni,nj->nij", self.bvecs[usable], self.bvecs[usable]).reshape(-1, 9)
        if np.linalg.matrix_rank(outer, tol=0.05) < MIN_DIRECTIONS:
            raise GradientTableError(
                f"The {self.n_directions} directions with {needed} lie on a plane or cone and do "
                "not determine a tensor: only a trace (mean diffusivity) can be had."
            )

    def to_text(self) -> tuple[str, str]:
        r"""Text of the bval and bvec files.

        >>> GradientTable([0, 1000], [[0, 0, 0], [0, 1, 0]]).to_text()
        ('0 1000\n', '0.000000 0.000000\n0.000000 1.000000\n0.000000 0.000000\n')
        """
        bval_text = " ".join(f"{bval:g}" for bval in self.bvals) + "\n"
        rows = (" ".join(f"{value:.6f}" for value in row) for row in self.bvecs.T + 0.0)
        return bval_text, "\n".join(rows) + "\n"


def parse_gradients(bval_text: str, bvec_text: str) -> GradientTable:
    r"""Read the texts of a bval and a bvec file.

    Both may be written in rows, as BIDS asks, or in columns.

    Raises
    ------
    GradientTableError
        A text is not a table of numbers, or the two do not make a valid table.

    Examples
    --------
    >>> parse_gradients("0 1000", "0 0\n0 1\n0 0").bvecs.tolist()
    [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """
    bvals = [value for row in _numbers(bval_text, "bval") for value in row]
    rows = _numbers(bvec_text, "bvec")
    widths = {len(row) for row in rows}
    if len(rows) == 3 and len(widths) == 1:
        return GradientTable(np.array(bvals), np.array(rows).T)
    if widths == {3}:
        return GradientTable(np.array(bvals), np.array(rows))
    raise GradientTableError(
        f"The bvec file has {len(rows)} rows with {', '.join(map(str, sorted(widths)))} numbers. "
        f"It must have 3 rows with one number for each of the {len(bvals)} volumes."
    )


def _numbers(text: str, name: str) -> list[list[float]]:
    rows = [line.replace(",", " ").split() for line in text.splitlines()]
    try:
        numbers = [[float(word) for word in row] for row in rows if row]
    except ValueError as error:
        raise GradientTableError(
            f"The {name} file holds something else than numbers: {error}."
        ) from None
    if not numbers:
        raise GradientTableError(f"The {name} file is empty.")
    return numbers


def _unit(bvecs: NDArray[np.float64], bvals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Directions of exactly unit length; zero stays zero, and files' rounding is forgiven."""
    length = np.linalg.norm(bvecs, axis=1)
    usable = np.abs(length - 1) < 0.05
    wrong = np.flatnonzero(~usable & (length > 1e-6) & (bvals >= B0_LIMIT))
    if len(wrong):
        raise GradientTableError(
            f"The direction of volume {wrong[0]} has length {length[wrong[0]]:.3g} instead of 1. "
            "If b-values are meant to be scaled by it, write the scaled b-values and unit vectors."
        )
    return np.where(usable[:, None], bvecs / np.where(usable, length, 1)[:, None], 0)


def _fsl_to_world(affine: NDArray[np.floating]) -> NDArray[np.float64]:
    """Matrix that takes bvec-file directions to mm RAS; orthogonal.

    An affine with shear has no exact answer; its nearest rotation is taken.
    """
    axes = np.asarray(affine, dtype=np.float64)[:3, :3]
    left, _, right = np.linalg.svd(axes / np.linalg.norm(axes, axis=0))
    flip = -1.0 if np.linalg.det(axes) > 0 else 1.0
    return (left @ right) * np.array([flip, 1, 1])
