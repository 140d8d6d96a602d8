import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.features.seeds import LEFT_M1, sphere
from motor_bids_app.reports.participant import bold_checks
from motor_bids_app.spaces.grids import standard_grid
from motor_bids_app.spaces.templates import load_template

GRID = standard_grid(4)


@pytest.fixture
def image():
    values = np.random.default_rng(0).normal(size=GRID.shape).astype(np.float32)
    return nib.Nifti1Image(values, GRID.affine)


def test_chart_of_the_coupling_says_its_mean_and_range():
    figure = bold_checks.coupling(np.arange(5.0), np.array([0.1, 0.5, 0.3, 0.2, 0.4]))

    assert "over 5 windows: mean 0.30, from 0.10 to 0.50" in figure.alt


def test_motion_of_dwi_and_bold_can_be_on_one_page():
    figure = bold_checks.motion(np.zeros((4, 6)), np.array([0, 0.6, 0.1, 0.1]), limit=0.5)

    assert figure.name == "bold-motion"
    assert "1 of 4" in figure.caption


def test_connectivity_is_drawn_with_its_seed(image):
    seed = nib.Nifti1Image(sphere(GRID, LEFT_M1, 8).astype(np.uint8), GRID.affine)
    brain, template = (load_template(kind, 4) for kind in ("brain", "T1w"))
    maps = {"mean": image, "SD": image}

    drawn = bold_checks.connectivity(maps, template, seed, brain, "left")
    without = nib.Nifti1Image(np.zeros(GRID.shape, dtype=np.uint8), GRID.affine)
    bare = bold_checks.connectivity(maps, template, without, brain, "left")

    assert "left M1" in drawn.title
    assert drawn.data != bare.data
