"""Distortion of bold: a simulated series in a known field, and a real one with its field map.

usage: python benchmarks/distortion.py [DATA]
DATA: the folder of real test data (default: MOTOR_BIDS_TEST_DATA; without it, simulated bold
alone). Prints how far the brain lies off before and after the correction by a field map and by a
pair, the likeness to the head (share of its edges that are met) with the correction, without it and
with one the wrong way, and CPU seconds of finding the field; 1 where a limit is missed.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

import nibabel as nib
import numpy as np
from coregistration import head_of
from nibabel.affines import apply_affine

from motor_bids_app.bids.files import load_image, read_json
from motor_bids_app.bids.index import index_dataset
from motor_bids_app.levels.hardware import limit_threads
from motor_bids_app.levels.participant.distortion.find import find_field
from motor_bids_app.levels.participant.distortion.images import (
    DistortionImages,
    FieldImages,
    phase_axis,
    read_distortion_images,
)
from motor_bids_app.levels.participant.functional.read import read_series
from motor_bids_app.levels.simulate import level as simulate
from motor_bids_app.levels.simulate.dataset import TRUTH, SimulationSettings
from motor_bids_app.mri.anatomy import correct_bias
from motor_bids_app.mri.diffusion.mask import dwi_mask
from motor_bids_app.mri.distortion.susceptibility import unwarp
from motor_bids_app.mri.functional.motion import estimate_motion, mean_volume
from motor_bids_app.mri.registration import coregister, refit
from motor_bids_app.settings import BoldSettings, Selection
from motor_bids_app.spaces.grids import Grid, image_like

READOUT = 0.035  # s
# Centre (mm of the head), strength (Hz) and width (mm) of what bends the field: sinuses and ears.
SOURCES = (((0, 58, -12), 110, 14), ((45, -5, -30), -75, 12), ((-45, -5, -30), -65, 12))
OWN = {"PhaseEncodingDirection": "j", "TotalReadoutTime": READOUT}
LIMITS = {"map": 0.35, "pair": 0.35}  # of the displacement of before that may be left


def simulated(folder):
    """Head, brain, mean bold, true field in Hz on its grid, and the true way to the head."""
    simulate.run(
        SimulationSettings(
            output_dir=folder, n_participants=1, n_controls=0, voxel_size=3.0, n_volumes=12,
            seed=11, modalities=("anat", "bold"),
        )
    )  # fmt: skip
    head, brain = head_of(folder / "sub-001/anat/sub-001_T1w.nii.gz")
    stem = "sub-001/func/sub-001_task-rest"
    image = load_image(folder / f"{stem}_bold.nii.gz")
    mean = image_like(np.asarray(image.dataobj[..., 2], dtype=np.float32), image)
    told = read_json(folder / TRUTH / f"{stem}_motion.json")
    to_head = np.array(told["BoldToT1w"]) @ np.linalg.inv(np.array(told["Volumes"])[2])
    places = apply_affine(to_head @ image.affine, np.moveaxis(np.indices(mean.shape), 0, -1))
    hertz = np.zeros(mean.shape)
    for centre, strength, width in SOURCES:
        away = np.square(places - centre).sum(axis=-1)
        hertz += strength * np.exp(-away / (2 * width**2))
    return head, brain, mean, hertz.astype(np.float32), np.linalg.inv(to_head)


def judge_simulated(folder):
    """Print a row for each way to the field; return how many limits were missed."""
    head, brain, mean, hertz, from_head = simulated(folder)
    true, missed = READOUT * hertz, 0
    still = np.asarray(mean.dataobj)
    series = image_like(unwarp(still, -true, 1), mean)
    inside = dwi_mask(still, Grid.of(mean).voxel_sizes) > 0
    shown = {
        "map": DistortionImages(
            field_images=FieldImages(
                "fieldmap", (image_like(hertz, mean),), ({"Units": "Hz"},), mean, "field map"
            )
        ),
        "pair": DistortionImages(reverse=image_like(unwarp(still, true, 1), mean)),
    }
    size = Grid.of(mean).voxel_sizes[1]
    before = size * np.abs(true[inside]).mean()
    points = apply_affine(brain.affine, np.argwhere(np.asarray(brain.dataobj) > 0)[::997])
    for name, images in shown.items():
        field, seconds = timed(find_field, series, OWN, images, [])
        after = size * np.abs(field.field - true)[inside].mean()
        strong = inside & (np.abs(true) > 1)
        worst = size * np.abs(field.field - true)[strong].mean()
        text, matrix = likeness(head, brain, series, field.field, 1)
        gone = np.linalg.norm(
            apply_affine(matrix, points) - apply_affine(from_head, points), axis=1
        )
        print(
            f"simulated, {name:5} {before:.2f} mm -> {after:.2f} mm off (strongly bent: "
            f"{size * np.abs(true[strong]).mean():.2f} -> {worst:.2f})  {text}  placed "
            f"{gone.mean():.2f} mm off  {seconds:.1f} CPU s"
        )
        missed += after > LIMITS[name] * before
    return missed


def timed(work, *arguments):
    """Result, and CPU seconds."""
    start = time.process_time()
    return work(*arguments), time.process_time() - start


def likeness(head, brain, series, field, axis):
    """Likeness to the head in words, and the place of the corrected series."""
    values = np.asarray(series.dataobj)
    right, wrong = (image_like(unwarp(values, way * field, axis), series) for way in (1, -1))
    found = coregister(head, right, brain)
    plain, turned = (refit(head, one, brain, found.matrix) for one in (series, wrong))
    text = f"likeness {plain.similarity:.3f} -> {found.similarity:.3f} ({turned.similarity:.3f})"
    return text, found.matrix


def judge_real(data):
    """Print the row of the real series; 1 where its likeness to the head does not rise."""
    (scan,) = index_dataset(data, Selection())
    head, brain = head_of(scan.t1w)
    series = read_series(scan.bold, BoldSettings(dummy_scans=0))
    grid = Grid.of(series.image)
    rough = dwi_mask(series.data.mean(axis=3), grid.voxel_sizes)
    motion = estimate_motion(series.data, grid.affine, rough, series.reference)
    raw = image_like(mean_volume(series.data, motion.matrices), series.image)
    mean = correct_bias(raw, nib.Nifti1Image(rough, grid.affine))
    bold, axis = scan.bold, phase_axis(series.sidecar)
    images = read_distortion_images(raw, series.sidecar, bold.reverse_phase, bold.field_map)
    found, seconds = timed(find_field, raw, series.sidecar, images, [])
    moved = grid.voxel_sizes[axis] * np.abs(found.field[rough > 0]).mean()
    text, _ = likeness(head, brain, mean, found.field, axis)
    print(f"Prisma, {found.by:5} {moved:.2f} mm moved  {text}  {seconds:.1f} CPU s")
    before, after = (float(word) for word in text.split()[1:4:2])
    return int(after <= before)


def main() -> int:
    """Judge both; 1 if a limit was missed."""
    limit_threads(1)
    data = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("MOTOR_BIDS_TEST_DATA")
    with tempfile.TemporaryDirectory() as scratch:
        missed = judge_simulated(Path(scratch) / "bids")
    if data:
        missed += judge_real(Path(data) / "dwi_ap_pa_b2500")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
