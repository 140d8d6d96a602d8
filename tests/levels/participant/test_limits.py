"""Every limit of plausibility is broken by a small image, and kept by the one that is whole."""

import ast
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from motor_bids_app.features.plausibility import LIMITS, NAMES, doubts
from motor_bids_app.levels.participant.diffusion.clean import _judge_shells
from motor_bids_app.levels.participant.facts import Facts
from motor_bids_app.levels.participant.features import _coverage
from motor_bids_app.mri.diffusion.denoise import denoise_mppca
from motor_bids_app.mri.diffusion.gradients import GradientTable
from motor_bids_app.mri.diffusion.motion import MotionCorrection, correct_motion
from motor_bids_app.mri.diffusion.tensor import fit_tensor
from motor_bids_app.mri.functional.confounds import dvars, temporal_snr
from motor_bids_app.mri.functional.motion import estimate_motion
from motor_bids_app.mri.functional.placing import place_series
from motor_bids_app.mri.quality import (
    bold_quality,
    diffusion_quality,
    motion_summary,
    registration_quality,
)
from motor_bids_app.mri.registration import coregister
from motor_bids_app.mri.volumes import tissue_volumes, white_matter_medians
from motor_bids_app.spaces.grids import standard_grid
from motor_bids_app.spaces.templates import load_template
from motor_bids_app.spaces.transforms import Transform

RNG = np.random.default_rng(0)
T1W, BRAIN, GREY, WHITE = (load_template(kind, 4) for kind in ("T1w", "brain", "GM", "WM"))
HERE = Path(__file__).parent
ELSEWHERE = {  # measures whose images are broken by the tests of the steps that warn of them
    "dwi_coregistration_similarity": (
        "diffusion/test_place.py",
        "test_a_series_that_shows_nothing_of_the_head_is_doubted",
    ),
    "bold_coregistration_similarity": (
        "functional/test_preprocess.py",
        "test_bold_that_shows_nothing_of_the_head_is_doubted",
    ),
}


def like(values, image=BRAIN):
    return nib.Nifti1Image(np.asarray(values, dtype=np.float32), image.affine)


def share(image):
    return np.asarray(image.dataobj, dtype=np.float32)


def tissue(missed=0.0):
    """Volumes of maps in which a part of the white matter was taken for grey."""
    white = share(WHITE) * (1 - missed)
    return tissue_volumes({"GM": like(share(GREY) + share(WHITE) - white), "WM": like(white)})


def registered(moved=0, lost=0):
    """Quality of a template that was laid on itself, or some voxels aside, or that was cut off."""
    head, brain = share(T1W) + RNG.normal(0, 0.02, T1W.shape), share(BRAIN).copy()
    brain[..., :lost] = 0
    head, brain = (np.roll(values, moved, axis=0) for values in (head, brain))
    return registration_quality(like(head), like(brain), T1W, BRAIN)


def directions(n):
    index = np.arange(n) + 0.5
    polar, azimuth = np.arccos(1 - 2 * index / n), np.pi * (1 + 5**0.5) * index
    vectors = [np.cos(azimuth) * np.sin(polar), np.sin(azimuth) * np.sin(polar), np.cos(polar)]
    return np.concatenate([np.zeros((2, 3)), np.stack(vectors, axis=1)])


TABLE = GradientTable(np.r_[0.0, 0.0, np.full(12, 1000.0)], directions(12))


def diffusion(noise=10.0, voxel=1):
    """Series of the template at 4 mm or a multiple of it, with fibres along the first axis."""
    blurred = [
        ndimage.uniform_filter(share(one), voxel)[::voxel, ::voxel, ::voxel]
        for one in (BRAIN, WHITE)
    ]
    brain, white = blurred
    along = TABLE.bvecs[:, 0] ** 2
    exponent = np.where(TABLE.bvals > 0, 0.45 + 0.75 * along, 0) * white[..., None]
    exponent = exponent + np.where(TABLE.bvals > 0, 0.8, 0) * (1 - white)[..., None]
    signal = 800 * (brain * (1.3 - 0.5 * white))[..., None] * np.exp(-exponent)
    real = signal + RNG.normal(0, noise, signal.shape)
    return np.hypot(real, RNG.normal(0, noise, signal.shape)).astype(np.float32), brain > 0.5


def medians(spoil=lambda data: data, scale=1.0):
    """Medians of white matter by a table whose b-values are wrong by a factor."""
    data, mask = diffusion()
    fitted = fit_tensor(spoil(data), GradientTable(TABLE.bvals * scale, TABLE.bvecs), mask)
    return white_matter_medians({name: like(fitted[name]) for name in ("fa", "md")}, WHITE)


def without_directions(data):
    """As a scanner's trace volume in the place of each direction."""
    data[..., 2:] = data[..., 2:].mean(axis=3, keepdims=True)
    return data


def signal_to_noise(noise=10.0):
    data, mask = diffusion(noise)
    denoised, sigma = denoise_mppca(data, mask)
    return diffusion_quality(denoised, sigma, TABLE, mask)


def moved(data, shifts):
    """Volumes whose head is some voxels to the side."""
    rolled = [np.roll(data[..., t], shift, axis=0) for t, shift in enumerate(shifts)]
    return np.stack(rolled, axis=-1)


def dwi_motion(shifts):
    data, mask = diffusion(voxel=2)  # 8 mm
    affine = np.diag([8.0, 8, 8, 1])
    found = correct_motion(moved(data, shifts), affine, TABLE, mask)
    return motion_summary(found.parameters, found.framewise_displacement)


def shell_jump(shift):
    """Weighted volumes that all lie some mm aside."""
    parameters = np.zeros((14, 6))
    parameters[2:, 0] = shift
    facts = Facts()
    nothing = np.zeros(0)
    found = MotionCorrection(
        nothing.astype(np.float32), TABLE, parameters, nothing, nothing, nothing, nothing
    )
    _judge_shells(found, TABLE, facts)
    return facts.quality


def coverage(share_of_slices):
    brain = load_template("brain", 2)
    seen = np.asarray(brain.dataobj, dtype=np.float32).copy()
    seen[..., round(share_of_slices * seen.shape[2]) :] = 0
    return _coverage(like(seen, brain)).quality


def bold_cover(signals):
    """Of a series in the standard space, some of whose voxels have lost their signal."""
    grid, inside = standard_grid(3), np.asarray(load_template("brain", 3).dataobj) > 0
    data = np.where(inside, 1000.0, 0.0)[..., None] * np.array([1.0, 1.01, 0.99, 1.0])
    data[..., round(signals * data.shape[2]) :, :] = 0
    placed = place_series(
        data.astype(np.float32),
        grid.affine,
        np.tile(np.eye(4), (4, 1, 1)),
        grid,
        inside,
        Transform(),
    )
    return {"bold_coverage": float(placed.inside.sum() / inside.sum())}


def bold(shifts=(0,) * 12, noise=8.0):
    brain, white = (share(one)[::2, ::2, ::2] for one in (BRAIN, WHITE))
    still = ndimage.gaussian_filter(700 * brain - 200 * white, 0.7)[..., None]
    data = moved(still + np.zeros(len(shifts)), shifts)
    data = (data + RNG.normal(0, noise, data.shape)).astype(np.float32)
    mask, affine = brain > 0, np.diag([8.0, 8, 8, 1])
    found = estimate_motion(data, affine, mask, 6)
    signals = data[mask].T
    return bold_quality(
        found.parameters,
        found.framewise_displacement,
        temporal_snr(signals),
        dvars(signals)[1],
        coverage=1.0,
    )


def lesion_place(image):
    return {"lesion_coregistration_similarity": coregister(T1W, image, BRAIN).similarity}


BROKEN = {  # by measure: what a whole image gives, and what a broken one
    "gm_wm_ratio": (tissue, lambda: tissue(missed=0.6)),
    "white_matter_fa": (medians, lambda: medians(without_directions)),
    "white_matter_md": (medians, lambda: medians(scale=3.0)),
    "snr_b0": (signal_to_noise, lambda: signal_to_noise(noise=0.3)),
    "template_correlation": (registered, lambda: registered(moved=3)),
    "brain_dice": (registered, lambda: registered(lost=20)),
    "lesion_coregistration_similarity": (
        lambda: lesion_place(like(share(BRAIN) * 900 - 500 * share(WHITE))),
        lambda: lesion_place(like(RNG.normal(1000, 200, BRAIN.shape))),
    ),
    "motion_mean_fd": (lambda: dwi_motion((0,) * 14), lambda: dwi_motion((0, 1) * 7)),
    "motion_max_translation": (
        lambda: dwi_motion((0,) * 14),
        lambda: dwi_motion((0, 0, *([0] * 6), *([3] * 6))),
    ),
    "dwi_shell_jump": (lambda: shell_jump(1.0), lambda: shell_jump(21.0)),
    "dwi_coverage": (lambda: coverage(1.0), lambda: coverage(0.3)),
    "bold_coverage": (lambda: bold_cover(1.0), lambda: bold_cover(0.3)),
    "bold_mean_fd": (bold, lambda: bold((0, 1) * 6)),
    "bold_tsnr": (bold, lambda: bold(noise=200.0)),
}


SLOW = ("lesion_coregistration_similarity",)


@pytest.mark.parametrize(
    "measure",
    [pytest.param(one, marks=[pytest.mark.slow] * (one in SLOW)) for one in BROKEN],
)
def test_an_image_that_was_broken_is_doubted_and_a_whole_one_is_not(measure):
    whole, broken = (measured() for measured in BROKEN[measure])

    assert doubts(whole) == []
    found = {limit.measure: limit.sentence(value) for limit, value in doubts(broken)}
    assert measure in found
    words = next(limit.words for limit in LIMITS if limit.measure == measure)
    assert found[measure].startswith(words)


def test_every_limit_is_broken_once():
    assert sorted([*BROKEN, *ELSEWHERE]) == sorted(NAMES)
    for name, (path, test) in ELSEWHERE.items():
        tree = ast.parse((HERE / path).read_text())
        assert test in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert next(limit for limit in LIMITS if limit.measure == name).said
