"""Regions of labelled heads in the standard space: how well those of two people overlap.

usage: python benchmarks/overlap.py [DATA] [--ants]
DATA: the folder of real test data (default: MOTOR_BIDS_TEST_DATA, or ../shared/data), which has
T1w heads with the labels of DLMUSE (`nichart_heads`). The labels of each are brought to the
standard space by its warp, and compared between all pairs of people: Dice, mean of pairs and
regions. No label has a say in the warp. Outermost fluid is no region. With `--ants`, SyN of ANTs
(local correlation, 60, 40 and 15 iterations, affine before) does the same with the same images (3
CPU minutes a head; antspyx in .venv-peers, `make bench-preproc`).
1 if regions overlap less than 0.65, a warp folds, or one takes more than 20 CPU seconds.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, product
from pathlib import Path

import nibabel as nib
import numpy as np
from coregistration import head_of
from heads import ANTS_PYTHON
from nibabel.affines import apply_affine
from numpy.typing import NDArray

from motor_bids_app.levels.hardware import limit_threads
from motor_bids_app.mri.anatomy import reorient
from motor_bids_app.mri.registration import register_to_template
from motor_bids_app.spaces.grids import standard_grid
from motor_bids_app.spaces.templates import load_template
from motor_bids_app.spaces.transforms import Transform

HEADS = ("Subj3", "Subj5", "Subj7", "Subj19")
LEAST, LONGEST = 0.65, 20.0  # Dice; CPU seconds
OUTER_FLUID = 1
KINDS = {
    "nuclei": (23, 30, 31, 32, 36, 37, 47, 48, 55, 56, 57, 58, 59, 60),
    "ventricles": (4, 11, 49, 50, 51, 52),
    "cortex": tuple(range(100, 208)),
}  # numbers of DLMUSE


@dataclass(frozen=True, eq=False)
class LabelledHead:
    """A head as the app registers it, and its labels."""

    image: nib.Nifti1Image
    brain: nib.Nifti1Image
    labels: nib.Nifti1Image

    @classmethod
    def of(cls, data: Path, name: str) -> "LabelledHead":
        """Take the first steps of the app."""
        path = data / "nichart_heads" / f"{name}_T1.nii.gz"
        return cls(*head_of(path), reorient(nib.load(path.with_name(f"{name}_T1_DLMUSE.nii.gz"))))

    @cached_property
    def stripped(self) -> nib.Nifti1Image:
        """Brain on black."""
        inside = np.asarray(self.brain.dataobj) > 0
        return nib.Nifti1Image(np.asarray(self.image.dataobj) * inside, self.image.affine)

    def labels_at(self, points: NDArray[np.floating]) -> NDArray[np.int64]:
        """Label that most of the eight voxels around each point have, by trilinear weights.

        Takes points in mm, shape (n, 3).
        """
        values = np.asarray(self.labels.dataobj).astype(int)
        voxels = apply_affine(np.linalg.inv(self.labels.affine), points)
        low = np.floor(voxels).astype(int)
        found, weights = [], []
        for corner in product((0, 1), repeat=3):
            place = np.clip(low + corner, 0, np.array(values.shape) - 1)
            found.append(values[tuple(place.T)])
            weights.append(np.where(corner, voxels - low, 1 - voxels + low).prod(axis=1))
        labels = np.array(found)
        votes = [(np.array(weights) * (labels == one)).sum(axis=0) for one in labels]
        return labels[np.argmax(votes, axis=0), np.arange(len(points))]


def brain_points() -> NDArray[np.float64]:
    """Voxels of the template's brain, mm, shape (n, 3)."""
    inside = np.asarray(load_template("brain", 2).dataobj) > 0
    return np.asarray(apply_affine(standard_grid(2).affine, np.argwhere(inside)))


def least_jacobian(warp: Transform) -> float:
    """Least change of volume in the template's brain, by the displacement; negative in folds."""
    assert warp.displacement is not None
    step = np.moveaxis(warp.displacement / 2, -1, 0)
    slopes = (
        np.stack([np.stack(np.gradient(one)) for one in step]) + np.eye(3)[..., None, None, None]
    )
    inside = np.asarray(load_template("brain", 2).dataobj) > 0
    return float(np.linalg.det(slopes.transpose(2, 3, 4, 0, 1)[inside]).min())


def overlap(first: NDArray[np.int64], second: NDArray[np.int64]) -> dict[int, float]:
    """Dice of each region that either has."""
    regions = set(np.unique([first, second]).tolist()) - {0, OUTER_FLUID}
    return {
        one: float(2 * ((first == one) & (second == one)).sum())
        / float((first == one).sum() + (second == one).sum())
        for one in regions
    }


def means(labels: dict[str, NDArray[np.int64]]) -> dict[str, float]:
    """Mean Dice of all pairs, over all regions and those of each kind."""
    found = [overlap(labels[a], labels[b]) for a, b in combinations(labels, 2)]
    kinds = {"all": None, **KINDS}
    return {
        kind: float(
            np.mean([v for pair in found for k, v in pair.items() if not wanted or k in wanted])
        )
        for kind, wanted in kinds.items()
    }


def by_ants(head: LabelledHead, points: NDArray[np.float64]) -> tuple[NDArray[np.float32], float]:
    """Points of the head that ANTs finds, mm, and its CPU seconds."""
    with tempfile.TemporaryDirectory() as folder:
        empty = np.zeros(head.image.shape, dtype=np.float32)
        images = {
            "template": load_template("T1w", 2),
            "stripped": head.stripped,
            "lesion": nib.Nifti1Image(empty, head.image.affine),
        }
        for name, image in images.items():
            nib.save(image, Path(folder) / f"{name}.nii")
        np.save(Path(folder) / "points.npy", points)
        peers = Path(__file__).with_name("peers.py")
        used = os.times()
        subprocess.run(
            [ANTS_PYTHON, peers, "ants_syn", folder],
            check=True,
            stdout=subprocess.DEVNULL,
            env=os.environ | {"ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "1"},
        )
        seconds = os.times().children_user - used.children_user
        return np.load(Path(folder) / "ants_syn.npy"), seconds


def main(data: Path, *, ants: bool) -> int:
    """Print the table; 1 if a bar is missed."""
    limit_threads(1)
    points, ours, theirs = brain_points(), {}, {}
    seconds, ants_seconds, least = [], [], []
    for name in HEADS:
        head = LabelledHead.of(data, name)
        start = time.process_time()
        warp = register_to_template(head.image, head.brain).transform
        seconds.append(time.process_time() - start)
        ours[name] = head.labels_at(warp(points))
        least.append(least_jacobian(warp))
        if ants:
            moved, used = by_ants(head, points)
            theirs[name] = head.labels_at(moved)
            ants_seconds.append(used)
    print(f"\n| regions of {len(HEADS)} heads, pairs | all | {' | '.join(KINDS)} | CPU s a head |")
    print("| --- " * (len(KINDS) + 3) + "|")
    rows = {"ours": (ours, seconds)} | ({"ANTs SyN CC": (theirs, ants_seconds)} if ants else {})
    for program, (labels, used) in rows.items():
        cells = " | ".join(f"{value:.3f}" for value in means(labels).values())
        print(f"| {program} | {cells} | {np.mean(used):.1f} |", flush=True)
    print(f"least Jacobian {min(least):.2f}")
    bars = means(ours)["all"] >= LEAST, min(least) > 0, max(seconds) <= LONGEST
    return 0 if all(bars) else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="?", type=Path)
    parser.add_argument("--ants", action="store_true")
    arguments = parser.parse_args()
    default = os.environ.get("MOTOR_BIDS_TEST_DATA", "../shared/data")
    sys.exit(main(arguments.data or Path(default), ants=arguments.ants))
