"""Judges of a preprocessing step's result, by the simulated truth."""

from dataclasses import dataclass

import numpy as np
from nibabel.affines import apply_affine
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from motor_bids_app.bids.files import load_image
from motor_bids_app.levels.simulate.dataset import TRUTH
from motor_bids_app.mri.diffusion.gradients import GradientTable
from motor_bids_app.mri.diffusion.tensor import fit_tensor
from motor_bids_app.mri.resampling import resample
from motor_bids_app.simulation.deformation import draw_shape, rigid
from motor_bids_app.simulation.diffusion import scan_dwi
from motor_bids_app.simulation.people import draw_cohort
from motor_bids_app.simulation.sampling import grid_points
from motor_bids_app.simulation.tensors import tensor_field
from motor_bids_app.spaces.grids import Grid
from motor_bids_app.spaces.templates import load_template

NEAR = 12.0  # mm from the lesion
PURE, WHITE_FA = 0.95, 0.35  # share of white matter, and true FA, from which a voxel is such
NOISE = 0.035  # relative to white matter, of the simulated series
MOVES = 5.0  # mm and degrees
NAMES = ("image", "b_values", "directions", "motion", "fa", "brain")
DWI_SHAPE = (112, 112, 60)  # of 2 mm, that the limits of time name
ABOVE = 3  # slices above the brain


def in_view(values, affine, brain):
    """A series or map as a scanner with the field of view `DWI_SHAPE` sees it, and its affine.

    It ends just above the brain, as scans do; where it is wider than what was simulated, the
    edge is mirrored.
    """
    first = np.array(
        [(size - wanted) // 2 for size, wanted in zip(brain.shape, DWI_SHAPE, strict=True)]
    )
    first[2] = max(0, np.flatnonzero(brain.any(axis=(0, 1))).max() + ABOVE - DWI_SHAPE[2])
    last = first + DWI_SHAPE
    wider = [
        (max(0, -low), max(0, high - size))
        for low, high, size in zip(first, last, brain.shape, strict=True)
    ]
    padded = np.pad(values, wider + [(0, 0)] * (values.ndim - 3), mode="symmetric")
    part = tuple(
        slice(max(0, low), max(0, low) + wanted)
        for low, wanted in zip(first, DWI_SHAPE, strict=True)
    )
    moved = np.array(affine)
    moved[:3, 3] += affine[:3, :3] @ first
    return np.ascontiguousarray(padded[part]), moved


@dataclass(frozen=True, eq=False)
class Anatomy:
    """Truth about a head: shares (CSF, GM, WM) and masks, and where template points are (mm)."""

    shares: NDArray[np.float32]
    brain: NDArray[np.bool_]
    lesion: NDArray[np.bool_]
    points: NDArray[np.float64]
    places: NDArray[np.float64]
    in_lesion: NDArray[np.bool_]

    @classmethod
    def load(cls, bids):
        """Read the truth of a dataset's only person."""
        stem = bids / TRUTH / "sub-001/anat"
        images = {
            name: load_image(stem / f"sub-001_{name}.nii.gz")
            for name in (
                "label-GM_probseg",
                "label-WM_probseg",
                "desc-brain_mask",
                "desc-lesion_mask",
                "space-MNI152NLin2009aSym_points",
            )
        }
        grey, white, brain, lesion, places = (
            np.asarray(image.dataobj, dtype=np.float32) for image in images.values()
        )
        grid = Grid.of(images["space-MNI152NLin2009aSym_points"])
        template = np.asarray(resample(load_template("brain", 2), grid, order=0).dataobj)
        counted = template.ravel() > 0
        places = places.reshape(-1, 3)[counted].astype(np.float64)
        to_voxels = np.linalg.inv(images["desc-lesion_mask"].affine)
        voxels = apply_affine(to_voxels, places).T
        in_lesion = ndimage.map_coordinates(lesion, voxels, order=0) > 0.5
        shares = np.stack([1 - grey - white, grey, white])
        points = grid_points(grid).reshape(-1, 3)[counted].astype(np.float64)
        return cls(shares, brain > 0.5, lesion > 0.5, points, places, in_lesion)

    def bias(self, values):
        """Spread of the brightness of white matter, noise included."""
        white = values[self.shares[2] > PURE]
        return {"WM variation %": float(100 * white.std() / white.mean())}

    def mask(self, found):
        """Overlap of a brain mask with the true one."""
        return {"Dice": dice(found, self.brain)}

    def registration(self, found):
        """How far from the truth template points were found, on average."""
        error = np.linalg.norm(found - self.places, axis=1)
        near = cKDTree(self.points[self.in_lesion]).query(self.points)[0] < NEAR
        parts = {"error": slice(None), "near lesion": near, "in lesion": self.in_lesion}
        return {f"{name} mm": float(error[part].mean()) for name, part in parts.items()}

    def tissue(self, shares):
        """Of shares (CSF, GM, WM), in the true brain outside the lesion."""
        where = self.brain & ~self.lesion
        true = self.shares[:, where].argmax(axis=0)
        found = np.where(shares[:, where].sum(axis=0) > 0, shares[:, where].argmax(axis=0), -1)
        names = {"GM": 1, "WM": 2}
        return {f"{name} Dice": dice(found == k, true == k) for name, k in names.items()}


@dataclass(frozen=True, eq=False)
class Series:
    """A simulated series as a peer would read it, and its truth."""

    image: NDArray[np.float32]
    affine: NDArray[np.float64]
    b_values: NDArray[np.float64]
    directions: NDArray[np.float64]
    motion: NDArray[np.float64]
    fa: NDArray[np.float32]
    brain: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Diffusion:
    """One head scanned lying still, without noise, and moving."""

    rest: Series
    clean: Series
    moved: Series

    @classmethod
    def load(cls, folder, voxel, n_directions, seed):
        """Simulate the three, unless they are in the folder."""
        n_volumes = n_directions + -(-n_directions // 9)
        still = np.stack([np.eye(4)] * n_volumes)
        draws = np.random.default_rng(seed).uniform(-MOVES, MOVES, (n_volumes, 2, 3))
        moving = np.stack([rigid(*draw) for draw in draws])
        moving[0] = np.eye(4)
        kinds = {"rest": (NOISE, still), "clean": (0.0, still), "moved": (NOISE, moving)}
        size = max(2.0, voxel)
        scans = {}
        for name, (noise, motion) in kinds.items():
            path = folder / f"{name}.npz"
            if not path.exists():
                scan = simulate(size, n_directions, seed, noise, motion)
                values, affine = {key: getattr(scan, key) for key in NAMES}, scan.grid.affine
                if voxel == 1:
                    for key in ("image", "fa", "brain"):
                        values[key], affine = in_view(
                            getattr(scan, key), scan.grid.affine, scan.brain
                        )
                np.savez(path, affine=affine, **values)
            with np.load(path) as saved:
                scans[name] = Series(**saved)
        return cls(**scans)

    @property
    def centre(self):
        """Of the brain, mm."""
        return apply_affine(self.rest.affine, np.argwhere(self.rest.brain).mean(axis=0))

    def denoising(self, found):
        """Where there are values, in the brain."""
        part = self.rest.brain & np.isfinite(found[..., 0])
        error = found[part] - self.clean.image[part].astype(np.float32)
        rest, white = self.rest, part & (self.rest.fa > WHITE_FA)
        table = GradientTable.from_world(rest.b_values, rest.directions, rest.affine)
        wrong = fit_tensor(found, table, white)["fa"][white] - rest.fa[white]
        return {
            "RMSE": float(np.sqrt(np.mean(np.square(error)))),
            "FA bias %": float(100 * wrong.mean() / rest.fa[white].mean()),
            "FA RMSE": float(np.sqrt(np.mean(np.square(wrong)))),
        }

    def motion(self, found):
        """Errors of matrices, shape (N, 4, 4), that may be NaN."""
        return rigid_error(found, self.moved.motion, self.centre)

    def tensor(self, fa):
        """Mean error of FA in white matter."""
        white = self.rest.brain & (self.rest.fa > WHITE_FA)
        return {"FA error": float(np.abs(fa - self.rest.fa)[white].mean())}


def simulate(voxel_size, n_directions, seed, noise, motion):
    """Scan the same head; the same directions and noise each time."""
    person = draw_cohort(1, 0, seed)[0]
    shape = draw_shape(np.random.default_rng([seed, 1]))
    field = tensor_field(person.lesion, person.damage, np.random.default_rng([seed, 2]))
    return scan_dwi(
        shape,
        field,
        noise=noise,
        voxel_size=voxel_size,
        n_directions=n_directions,
        rng=np.random.default_rng([seed, 3]),
        motion=motion,
    )


def motion_matrices(parameters, centre):
    """Shape (N, 4, 4), of translations (mm) and rotation vectors (degrees) about a point."""
    matrices = np.stack([np.eye(4)] * len(parameters))
    matrices[:, :3, :3] = Rotation.from_rotvec(parameters[:, 3:], degrees=True).as_matrix()
    matrices[:, :3, 3] = centre - matrices[:, :3, :3] @ centre + parameters[:, :3]
    return matrices


def rigid_error(found, true, centre):
    """Errors of rigid motions, shape (N, 4, 4), at a point; NaN is left out.

    The largest and mean of any axis' translation (mm) and of the angles (degrees).
    """
    true = np.broadcast_to(true, found.shape)
    known = np.isfinite(found[:, 0, 0])
    found, true = found[known].astype(np.float64), true[known]
    shifts = np.abs(
        [
            apply_affine(a, centre) - apply_affine(b, centre)
            for a, b in zip(found, true, strict=True)
        ]
    )
    left, _, right = np.linalg.svd(found[:, :3, :3])
    turns = Rotation.from_matrix(left @ right @ true[:, :3, :3].transpose(0, 2, 1))
    angles = np.degrees(turns.magnitude())
    return {
        "most mm": float(shifts.max()),
        "mean mm": float(shifts.mean()),
        "most degrees": float(angles.max()),
        "mean degrees": float(angles.mean()),
    }


def dice(one, other):
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))
