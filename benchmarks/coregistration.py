"""Coregistration of one person's images under wrong headers and other orders of storage.

usage: python benchmarks/coregistration.py [DATA] [-n OFFSETS] [--only WORD ...]
DATA: the folder of real test data (default: MOTOR_BIDS_TEST_DATA; without it, simulated pairs
alone). Headers are turned by up to 15 degrees about each axis and moved by up to 20 mm along it,
each stored in four orders. Prints a row for each pair: trials; worst and median distance from the
answer under its own header (mean over the brain, and turn); trials that were off without a doubt
being raised (lost), and with one (doubted); CPU seconds of one placement; and how far the answer
under its own header is off the truth or a published answer, where there is one. 1 if a trial is
off by more than 1 mm or 1 degree, or an answer by more than its pair allows.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
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
from motor_bids_app.mri.resampling import resample
from motor_bids_app.spaces.grids import Grid
from motor_bids_app.spaces.transforms import Transform

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


@dataclass(frozen=True, eq=False)
class Pair:
    """Two images of a person, the mask of the first, and what is known of their places."""

    name: str
    head: nib.Nifti1Image
    image: nib.Nifti1Image
    brain: nib.Nifti1Image
    known: np.ndarray | None = None
    within: float = 1.0  # mm of the known place


def simulated(folder) -> Iterator[Pair]:
    """Diffusion, bold and field maps of four simulated people, with the truth."""
    settings = SimulationSettings(
        output_dir=folder,
        n_participants=4,
        n_controls=0,
        voxel_size=2.5,
        n_volumes=6,
        seed=11,
        modalities=("anat", "dwi", "bold"),
    )
    simulate.run(settings)
    for label in [f"sub-{number:03}" for number in range(1, 5)]:
        own, truth = folder / label, folder / TRUTH / label
        head, brain = head_of(own / f"anat/{label}_T1w.nii.gz")
        for kind, name, key in (
            ("dwi", f"dwi/{label}_{{}}", "DwiToT1w"),
            ("bold", f"func/{label}_task-rest_{{}}", "BoldToT1w"),
        ):
            told, first = read_json(truth / f"{name.format('motion')}.json"), 2 * (kind == "bold")
            true = np.array(told["Volumes"])[first] @ np.linalg.inv(np.array(told[key]))
            image = volume(own / f"{name.format(kind)}.nii.gz", first)
            yield Pair(f"{label} {kind}", head, image, brain, true)
        yield Pair(f"{label} magnitude", head, *magnitude(head, brain, truth, label))


def magnitude(head, brain, truth, label):
    """Gradient-echo image of a field map, flat and of long voxels, the brain and where it lies."""
    chance = np.random.default_rng(int(label[-3:]))
    tissue = [
        np.asarray(load_image(truth / f"anat/{label}_label-{one}_probseg.nii.gz").dataobj)
        for one in ("GM", "WM")
    ]
    values = np.asarray(head.dataobj)
    inside = np.asarray(brain.dataobj) > 0
    scalp = 0.4 * (values > 0.25 * np.median(values[inside])) * ~inside
    signal = np.where(inside, 1 - 0.15 * tissue[0] - 0.3 * tissue[1], scalp)
    turn = Rotation.from_euler("xyz", chance.uniform(-5, 5, 3), degrees=True).as_matrix()
    true = from_matvec(turn, chance.uniform(-5, 5, 3))
    middle = apply_affine(true @ head.affine, np.argwhere(inside).mean(0))
    grid = Grid((64, 64, 40), from_matvec(3.4 * np.eye(3), middle - 1.7 * np.array([63, 63, 39])))
    made = nib.Nifti1Image(signal.astype(np.float32), head.affine)
    seen = np.asarray(resample(made, grid, Transform(matrix=np.linalg.inv(true))).dataobj)
    noisy = np.hypot(seen + chance.normal(0, 0.03, grid.shape), chance.normal(0, 0.03, grid.shape))
    return nib.Nifti1Image(noisy.astype(np.float32), grid.affine), brain, true


def real(data) -> Iterator[Pair]:
    """Pairs of all real datasets that are there."""
    for dataset, pairs in (
        ("dwi_ap_pa_b2500", prisma),
        ("studyforrest", studyforrest),
        ("ms_heads_t1_t2_flair", ms_heads),
        ("nichart_subj1", old_heads),
        ("nichart_heads", old_heads),
        ("isles22_case0009", isles),
    ):
        if (data / dataset).is_dir():
            yield from pairs(data / dataset)


def prisma(data):
    """Bold, b0 and field map, which their headers already place within some mm."""
    own, near = data / "sub-01", {"known": np.eye(4), "within": 6.0}
    b0, reverse = (volume(own / f"dwi/sub-01_dir-{one}_dwi.nii.gz", 0) for one in ("AP", "PA"))
    bold = volume(own / "func/sub-01_task-fa_bold.nii.gz")
    field_map = load_image(own / "fmap/sub-01_magnitude1.nii.gz")
    head, brain = head_of(own / "anat/sub-01_T1w.nii.gz")
    yield Pair("Prisma b0 AP", head, b0, brain, **near)
    yield Pair("Prisma b0 PA", head, reverse, brain, **near)
    yield Pair("Prisma bold", head, bold, brain, **near)
    yield Pair("Prisma magnitude", head, field_map, brain, **near)
    yield Pair("Prisma b0, magnitude", b0, field_map, rough_brain(b0), **near)
    yield Pair("Prisma bold, magnitude", bold, field_map, rough_brain(bold), **near)
    head, brain = head_of(own / "anat/sub-01_rec-raw_T1w.nii.gz")
    yield Pair("Prisma b0 AP, raw head", head, b0, brain, **near)
    yield Pair("Prisma bold, raw head", head, bold, brain, **near)


def studyforrest(data):
    """Bold of another session."""
    head, brain = head_of(data / "sub-02/anat/sub-02_T1w.nii.gz")
    bold = volume(data / "sub-02/func/sub-02_task-oneback_run-1_bold.nii.gz")
    yield Pair("studyforrest bold", head, bold, brain)


def ms_heads(data):
    """FLAIR and T2w on T1w, with the authors' transforms."""
    for label in ("sub-ms01", "sub-ms12"):
        told = read_json(data / f"derivatives/reference/{label}/anat/{label}_transforms.json")
        from_t1w = np.linalg.inv(np.array(told["FLAIR_to_T1w"]))
        known = {"FLAIR": from_t1w, "T2w": np.array(told["FLAIR_to_T2w"]) @ from_t1w}
        head, brain = head_of(data / f"{label}/anat/{label}_T1w.nii.gz")
        for kind, matrix in known.items():
            yield Pair(
                f"{label} {kind}",
                head,
                other(data / f"{label}/anat/{label}_{kind}.nii.gz"),
                brain,
                matrix,
            )


def old_heads(data):
    """FLAIR on T1w of people of 69 to 96 years."""
    for path in sorted(data.glob("*_T1.nii.gz")):
        head, brain = head_of(path)
        flair = path.with_name(path.name.replace("_T1", "_FL"))
        yield Pair(f"{path.name.split('_')[0]} FLAIR", head, other(flair), brain)


def isles(data):
    """Trace and ADC on FLAIR, without skull."""
    stem = next(data.glob("rawdata/*/*/*_flair.nii.gz"))
    head = reorient(load_image(stem))
    brain = nib.Nifti1Image((np.asarray(head.dataobj) > 0).astype(np.uint8), head.affine)
    for kind in ("dwi", "adc"):
        image = load_image(stem.with_name(stem.name.replace("flair", kind)))
        yield Pair(f"ISLES {kind}", correct_bias(head, brain), image, brain)


def other(path):
    """Image of another contrast as the app makes it."""
    return correct_bias(reorient(load_image(path)), mask=None)


def distance(one, other, points):
    """Mean mm between where two matrices take points, and degrees between their turns."""
    apart = np.linalg.norm(apply_affine(one, points) - apply_affine(other, points), axis=1).mean()
    turn = Rotation.from_matrix((one @ np.linalg.inv(other))[:3, :3]).magnitude()
    return float(apart), float(np.rad2deg(turn))


def judge(pair: Pair, n_offsets: int) -> bool:
    """Print one row; return whether all answers were right."""
    points = apply_affine(pair.brain.affine, np.argwhere(np.asarray(pair.brain.dataobj) > 0)[::97])
    start = time.process_time()
    plain = coregister(pair.head, pair.image, pair.brain)
    rng, apart, doubted = np.random.default_rng(3), [], []
    for _ in range(n_offsets):
        turn = Rotation.from_euler("xyz", rng.uniform(-TURN, TURN, 3), degrees=True).as_matrix()
        wrong = from_matvec(turn, rng.uniform(-SHIFT, SHIFT, 3))
        placed = nib.Nifti1Image(np.asarray(pair.image.dataobj), wrong @ pair.image.affine)
        for order in ORDERS:
            found = coregister(pair.head, placed.as_reoriented(np.array(order)), pair.brain)
            apart.append(distance(np.linalg.inv(wrong) @ found.matrix, plain.matrix, points))
            doubted.append(found.doubt("image") is not None)
    seconds = (time.process_time() - start) / (1 + len(apart))
    off, refused = np.max(apart, axis=1) > LIMIT, np.array(doubted)
    known = "" if pair.known is None else distance(plain.matrix, pair.known, points)
    worst, usual = np.max(apart, axis=0), np.median(apart, axis=0)
    print(
        f"{pair.name:24} {len(apart):6} {worst[0]:8.2f} {worst[1]:5.2f} {usual[0]:8.2f} "
        f"{usual[1]:5.2f} {(off & ~refused).sum():5} {(off & refused).sum():8} {seconds:6.2f}"
        f" {plain.similarity:11.2f}  "
        + (f"{known[0]:.2f} mm {known[1]:.2f} deg, {pair.within:g} mm allowed" if known else ""),
        flush=True,
    )
    return not off.any() and (not known or known[0] <= pair.within)


def main() -> int:
    """Judge all pairs; 1 if one was lost."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "data", nargs="?", type=Path, default=os.environ.get("MOTOR_BIDS_TEST_DATA")
    )
    parser.add_argument("-n", "--offsets", type=int, default=2)
    parser.add_argument("--only", nargs="+", default=[""], help="pairs whose names have a word")
    options = parser.parse_args()
    limit_threads(1)
    print(
        f"{'pair':24} trials worst mm   deg usual mm   deg  lost  doubted  CPU s  similarity  "
        "from the known place"
    )
    with tempfile.TemporaryDirectory() as scratch:
        pairs = [
            simulated(Path(scratch) / "bids"),
            real(Path(options.data)) if options.data else (),
        ]
        right = [
            judge(pair, options.offsets)
            for pair in chain.from_iterable(pairs)
            if any(word in pair.name for word in options.only)
        ]
    return int(not all(right))


if __name__ == "__main__":
    sys.exit(main())
