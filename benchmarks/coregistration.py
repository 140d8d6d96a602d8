"""Coregistration of one person's images under wrong headers and other orders of storage.

usage: python benchmarks/coregistration.py [DATA] [-n OFFSETS]
DATA: the folder of real test data (default: MOTOR_BIDS_TEST_DATA; without it, simulated pairs
alone). Headers are turned by up to 15 degrees about each axis and moved by up to 20 mm along it,
images stored in four orders in turn. Prints for each pair the largest distance from the answer
under its own header (mean over the brain), the simulator's truth where there is one, and CPU
seconds of one registration; 1 if an answer is off by more than 1 mm or 1 degree.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.affines import apply_affine, from_matvec, voxel_sizes
from scipy.spatial.transform import Rotation

from motor_bids_app.bids.files import load_image, read_json
from motor_bids_app.levels.hardware import limit_threads
from motor_bids_app.levels.simulate import level as simulate
from motor_bids_app.levels.simulate.dataset import TRUTH, SimulationSettings
from motor_bids_app.mri.anatomy import correct_bias, denoise, reorient
from motor_bids_app.mri.brain_mask import extract_brain
from motor_bids_app.mri.diffusion.mask import dwi_mask
from motor_bids_app.mri.registration import coregister

TURN, SHIFT, LIMIT = 15.0, 20.0, 1.0  # degrees, mm, mm and degrees
ORDERS = (
    ((0, 1), (1, 1), (2, 1)),
    ((0, -1), (1, 1), (2, 1)),
    ((1, -1), (2, 1), (0, 1)),
    ((2, -1), (1, -1), (0, -1)),
)


def rough_brain(image):
    """Mask of the brain on an echo-planar image."""
    mask = dwi_mask(np.asarray(image.dataobj), voxel_sizes(image.affine))
    return nib.Nifti1Image(mask, image.affine)


def volume(path, number=None):
    """One volume of a series, or its mean, without the bias of the coil."""
    series = load_image(path)
    values = np.asarray(series.dataobj, dtype=np.float32)
    values = values.mean(axis=3) if number is None else values[..., number]
    image = nib.Nifti1Image(values, series.affine)
    return correct_bias(image, rough_brain(image))


def head_of(path):
    """Head as the app makes it, and its brain."""
    head = correct_bias(denoise(reorient(load_image(path))))
    return head, extract_brain(head)


def simulated(folder) -> Iterator:
    """Diffusion and bold of a simulated person, with the truth."""
    settings = SimulationSettings(
        output_dir=folder,
        n_participants=1,
        n_controls=0,
        voxel_size=3.0,
        n_volumes=20,
        seed=11,
        modalities=("anat", "dwi", "bold"),
    )
    simulate.run(settings)
    own, truth = folder / "sub-001", folder / TRUTH / "sub-001"
    head, brain = head_of(own / "anat/sub-001_T1w.nii.gz")
    for kind, name, key in (
        ("dwi", "dwi/sub-001_{}", "DwiToT1w"),
        ("bold", "func/sub-001_task-rest_{}", "BoldToT1w"),
    ):
        told = read_json(truth / f"{name.format('motion')}.json")
        true = np.array(told["Volumes"])[2 * (kind == "bold")] @ np.linalg.inv(np.array(told[key]))
        image = volume(own / f"{name.format(kind)}.nii.gz", 2 * (kind == "bold"))
        yield f"simulated {kind}", head, image, brain, true


def real(data) -> Iterator:
    """Pairs of three real datasets."""
    own = data / "dwi_ap_pa_b2500/sub-01"
    head, brain = head_of(own / "anat/sub-01_T1w.nii.gz")
    b0 = volume(own / "dwi/sub-01_dir-AP_dwi.nii.gz", 0)
    magnitude = load_image(own / "fmap/sub-01_magnitude1.nii.gz")
    yield "Prisma b0 AP", head, b0, brain, None
    yield "Prisma b0 PA", head, volume(own / "dwi/sub-01_dir-PA_dwi.nii.gz", 0), brain, None
    yield "Prisma bold", head, volume(own / "func/sub-01_task-fa_bold.nii.gz"), brain, None
    yield "Prisma magnitude", head, magnitude, brain, None
    yield "Prisma b0, magnitude", b0, magnitude, rough_brain(b0), None
    own = data / "studyforrest/sub-02"
    head, brain = head_of(own / "anat/sub-02_T1w.nii.gz")
    bold = volume(own / "func/sub-02_task-oneback_run-1_bold.nii.gz")
    yield "studyforrest bold", head, bold, brain, None
    for label in ("ms01", "ms12"):
        stem = data / f"ms_heads_t1_t2_flair/sub-{label}/anat/sub-{label}"
        head, brain = head_of(Path(f"{stem}_T1w.nii.gz"))
        for kind in ("FLAIR", "T2w"):
            image = correct_bias(reorient(load_image(Path(f"{stem}_{kind}.nii.gz"))), mask=None)
            yield f"{label} {kind}", head, image, brain, None


def distance(one, other, points):
    """Mean mm between where two matrices take points, and degrees between their turns."""
    apart = np.linalg.norm(apply_affine(one, points) - apply_affine(other, points), axis=1).mean()
    turn = Rotation.from_matrix((one @ np.linalg.inv(other))[:3, :3]).magnitude()
    return float(apart), float(np.rad2deg(turn))


def judge(name, head, image, brain, true, n_offsets):
    """Print one row; return how many answers were off."""
    points = apply_affine(brain.affine, np.argwhere(np.asarray(brain.dataobj) > 0)[::97])
    start = time.process_time()
    plain = coregister(head, image, brain)
    seconds, rng, apart = time.process_time() - start, np.random.default_rng(3), []
    for number in range(n_offsets):
        turn = Rotation.from_euler("xyz", rng.uniform(-TURN, TURN, 3), degrees=True).as_matrix()
        wrong = from_matvec(turn, rng.uniform(-SHIFT, SHIFT, 3))
        placed = nib.Nifti1Image(np.asarray(image.dataobj), wrong @ image.affine)
        placed = placed.as_reoriented(np.array(ORDERS[number % len(ORDERS)]))
        found = np.linalg.inv(wrong) @ coregister(head, placed, brain).matrix
        apart.append(distance(found, plain.matrix, points))
    lost = sum(max(pair) > LIMIT for pair in apart)
    worst = np.max(apart, axis=0) if apart else np.zeros(2)
    moved = distance(plain.matrix, np.eye(4), points)
    error = (
        ""
        if true is None
        else "  off the truth {:.2f} mm {:.2f} deg".format(*distance(plain.matrix, true, points))
    )
    print(
        f"{name:22} n {n_offsets:3}  worst {worst[0]:6.2f} mm {worst[1]:6.2f} deg  lost {lost:2}  "
        f"similarity {plain.similarity:.2f}  moved {moved[0]:5.2f} mm {moved[1]:5.2f} deg  "
        f"{seconds:5.2f} CPU s{error}",
        flush=True,
    )
    return lost


def main() -> int:
    """Judge all pairs; 1 if one was lost."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "data", nargs="?", type=Path, default=os.environ.get("MOTOR_BIDS_TEST_DATA")
    )
    parser.add_argument("-n", "--offsets", type=int, default=8)
    options = parser.parse_args()
    limit_threads(1)
    lost = 0
    with tempfile.TemporaryDirectory() as scratch:
        for pair in simulated(Path(scratch) / "bids"):
            lost += judge(*pair, options.offsets)
        for pair in real(Path(options.data)) if options.data else ():
            lost += judge(*pair, options.offsets)
    return int(lost > 0)


if __name__ == "__main__":
    sys.exit(main())
