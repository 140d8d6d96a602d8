"""Which streamlines of healthy people a lesion cuts: shares of bundles, regions and pairs of them.

A streamline is cut if it enters a voxel of the lesion. What is measured is where white matter
runs in other people, so that a mask is all that a person must have.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import nibabel as nib
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import csr_array

from motor_bids_app.mri.lesion_values import lesion_voxels
from motor_bids_app.mri.resampling import invert
from motor_bids_app.spaces.atlases import Atlas
from motor_bids_app.spaces.grids import Grid, check_same_grid, standard_grid
from motor_bids_app.spaces.mni import to_mni_space
from motor_bids_app.spaces.tractograms import Tractogram, other_side

REACH = 4.0  # mm from the end of a streamline to a region, at most (as of MRtrix3's tck2connectome)
_FIELD = 4  # mm, of displacements between MNI spaces, as they are kept
_FINEST = 0.5  # of a voxel's edge: between points farther apart, others are put
_FLUID = "Ventricle"  # in the names of regions where no streamline ends


@dataclass(frozen=True, eq=False)
class Connectome:
    """Where the streamlines of a tractogram run on a grid of the standard space.

    It equals its mirror image: beside every streamline is its mirrored one, so that mirroring a
    lesion exchanges left and right of all that is measured.

    Parameters
    ----------
    grid : Grid
    visits : sparse float32 array, shape (n_streamlines, n_voxels)
        1 where a streamline enters a voxel.
    bundle : int array, shape (n_streamlines,)
        Position in `names`.
    names : tuple of str
        Bundles; paired ones end in ``_left`` and ``_right``.
    ends : int array, shape (n_streamlines, 2)
        Numbers of the regions that a streamline ends in; 0: in none.
    regions : dict of str
        Name of each number.
    """

    grid: Grid
    visits: csr_array
    bundle: NDArray[np.int64]
    names: tuple[str, ...]
    ends: NDArray[np.int64]
    regions: Mapping[int, str]

    def cut_by(self, lesion: nib.Nifti1Image) -> NDArray[np.bool_]:
        """Which streamlines enter a lesion, shape (n_streamlines,).

        Raises
        ------
        GridMismatchError
            The lesion is on another grid.
        """
        check_same_grid(lesion, connectome=_blank(self.grid))
        return np.asarray(self.visits @ lesion_voxels(lesion).ravel().astype(np.float32) > 0)


def trace(tractogram: Tractogram, atlas: Atlas) -> Connectome:
    """Find the voxels that streamlines enter, and the regions that they end in.

    An end belongs to the region whose voxel is nearest, within `REACH`; ventricles are none.

    Parameters
    ----------
    tractogram : Tractogram
        In any of `settings.MNI_SPACES`.
    atlas : Atlas
        Regions on a grid of the standard space that equal their mirror images.
    """
    grid = Grid.of(atlas.labels)
    moved = _in_standard_space(tractogram)
    voxels, owner = _entered(moved, grid)
    n, size = len(moved.lengths), int(np.prod(grid.shape))
    entered = [np.ravel_multi_index(each.T, grid.shape) for each in (voxels, _turned(voxels, grid))]
    pairs = np.concatenate([owner, owner + n]), np.concatenate(entered)
    visits = csr_array((np.ones(len(pairs[0]), np.float32), pairs), shape=(2 * n, size))
    visits.data[:] = 1  # entered twice is entered
    names, twins = _with_mirrored(moved.names)
    return Connectome(
        grid=grid,
        visits=visits,
        bundle=np.concatenate([moved.bundle, twins[moved.bundle]]),
        names=names,
        ends=np.concatenate(_end_regions(moved, atlas)),
        regions=dict(atlas.names),
    )


def bundle_shares(connectome: Connectome, cut: NDArray[np.bool_]) -> pd.DataFrame:
    """Count streamlines of each bundle, and those that are cut.

    Returns
    -------
    DataFrame
        One row per bundle: bundle, streamlines, cut and share (0 to 1).
    """
    count = len(connectome.names)
    return _shares(
        {"bundle": list(connectome.names)},
        np.bincount(connectome.bundle, minlength=count),
        np.bincount(connectome.bundle[cut], minlength=count),
    )


def region_shares(connectome: Connectome, cut: NDArray[np.bool_]) -> pd.DataFrame:
    """Count streamlines that end in each region, and those of them that are cut.

    Returns
    -------
    DataFrame
        One row per region in which some end: index, region, streamlines, cut and share.
    """
    numbers = np.array(sorted(connectome.regions))
    here = (connectome.ends[:, :, None] == numbers).any(axis=1)
    whole, lost = here.sum(axis=0), here[cut].sum(axis=0)
    met = whole > 0
    names = [connectome.regions[number] for number in numbers[met]]
    return _shares({"index": numbers[met], "region": names}, whole[met], lost[met])


def pair_shares(connectome: Connectome, cut: NDArray[np.bool_]) -> pd.DataFrame:
    """Count streamlines between each two regions, or within one, and those that are cut.

    Returns
    -------
    DataFrame
        One row per pair that some join: region, other_region, streamlines, cut and share.
    """
    low, high = np.sort(connectome.ends, axis=1).T
    joined = low > 0
    step = max(connectome.regions) + 1
    pairs, place = np.unique((low * step + high)[joined], return_inverse=True)
    first, second = ([connectome.regions[int(k)] for k in part] for part in divmod(pairs, step))
    return _shares(
        {"region": first, "other_region": second},
        np.bincount(place, minlength=len(pairs)),
        np.bincount(place[cut[joined]], minlength=len(pairs)),
    )


def lost_density(connectome: Connectome, cut: NDArray[np.bool_]) -> nib.Nifti1Image:
    """Share of the streamlines through each voxel that are cut anywhere on their way.

    Returns
    -------
    Nifti1Image, on the grid of the connectome, float32
        0 to 1; 0 too where no streamline runs.
    """
    whole = connectome.visits.T @ np.ones(len(cut), np.float32)
    lost = connectome.visits.T @ cut.astype(np.float32)
    share = np.divide(lost, whole, out=np.zeros_like(whole), where=whole > 0)
    return nib.Nifti1Image(share.reshape(connectome.grid.shape), connectome.grid.affine)


def _shares(
    names: Mapping[str, object], whole: NDArray[np.int64], lost: NDArray[np.int64]
) -> pd.DataFrame:
    share = lost / np.maximum(whole, 1)
    return pd.DataFrame({**names, "streamlines": whole, "cut": lost, "share": share})


def _in_standard_space(tractogram: Tractogram) -> Tractogram:
    there = to_mni_space(tractogram.space)
    if there.displacement is None:
        return tractogram
    back = invert(there, standard_grid(_FIELD))
    parts = np.array_split(tractogram.points, 1 + len(tractogram.points) // 200_000)  # for memory
    moved = np.concatenate([back(part).astype(np.float32) for part in parts])
    return replace(tractogram, points=moved)


def _entered(tractogram: Tractogram, grid: Grid) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Voxels (n, 3) that streamlines enter, one after the other, and whose each is.

    Points farther apart than half a voxel have others put between them, so that no streamline
    steps over a voxel.
    """
    voxels = _voxels(tractogram.points, grid)
    owner = np.repeat(np.arange(len(tractogram.lengths)), tractogram.lengths)
    gaps = np.diff(voxels, axis=0)
    parts = np.ceil(np.abs(gaps).max(axis=1) / _FINEST).astype(np.int64)
    far = np.flatnonzero((parts > 1) & (owner[1:] == owner[:-1]))
    more = parts[far] - 1  # points to put in each of these gaps
    gap = np.repeat(far, more)
    rank = np.arange(len(gap)) - np.repeat(np.cumsum(more) - more, more) + 1
    between = voxels[gap] + (rank / parts[gap])[:, None] * gaps[gap]
    nearest = np.rint(np.concatenate([voxels, between])).astype(np.int64)
    whose = np.concatenate([owner, owner[gap]])
    new = ((nearest >= 0) & (nearest < grid.shape)).all(axis=1)
    same = (nearest[1:] == nearest[:-1]).all(axis=1) & (whose[1:] == whose[:-1])
    new[1:] &= ~same  # the next in the same voxel adds nothing
    return nearest[new], whose[new]


def _voxels(points: NDArray[np.float32], grid: Grid) -> NDArray[np.float32]:
    """Coordinates of points in voxels of a grid."""
    back = np.linalg.inv(grid.affine).astype(np.float32)
    return np.asarray(points @ back[:3, :3].T + back[:3, 3])


def _turned(voxels: NDArray[np.int64], grid: Grid) -> NDArray[np.int64]:
    """Mirror images of voxels of a grid that is symmetric about x = 0."""
    return np.column_stack([grid.shape[0] - 1 - voxels[:, 0], voxels[:, 1:]])


def _with_mirrored(names: tuple[str, ...]) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Names with those of all mirror images, and the position of the mirror image of each."""
    both = tuple(dict.fromkeys([*names, *map(other_side, names)]))
    return both, np.array([both.index(other_side(name)) for name in names])


def _end_regions(tractogram: Tractogram, atlas: Atlas) -> list[NDArray[np.int64]]:
    """Number of the region at both ends of each streamline (n, 2), and of its mirror image."""
    grid = Grid.of(atlas.labels)
    labels = np.asarray(atlas.labels.dataobj, dtype=np.int64)
    fluid = [number for number, name in atlas.names.items() if _FLUID in name]
    labels = np.where(np.isin(labels, fluid), 0, labels)
    away, nearest = ndimage.distance_transform_edt(
        labels == 0, sampling=grid.voxel_sizes, return_indices=True
    )
    claimed = np.where(away <= REACH, labels[tuple(nearest)], 0)
    last = np.cumsum(tractogram.lengths) - 1
    ends = tractogram.points[np.column_stack([last - tractogram.lengths + 1, last])]
    voxels = np.rint(_voxels(ends.reshape(-1, 3), grid)).astype(np.int64)
    inside = np.asarray(((voxels >= 0) & (voxels < grid.shape)).all(axis=1))
    voxels = np.where(inside[:, None], voxels, 0)
    found = [claimed[tuple(each.T)] * inside for each in (voxels, _turned(voxels, grid))]
    return [each.reshape(-1, 2) for each in found]


def _blank(grid: Grid) -> nib.Nifti1Image:
    return nib.Nifti1Image(np.broadcast_to(np.uint8(0), grid.shape), grid.affine)
