"""What other tools have finished is judged as what the app makes."""

import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.errors import DataError
from motor_bids_app.levels.participant.diffusion.finished.preprocess import fit_series, place_maps
from motor_bids_app.levels.participant.diffusion.finished.read import (
    FinishedMaps,
    FinishedSeries,
    HeadOfTool,
)
from motor_bids_app.levels.participant.diffusion.read import Head
from motor_bids_app.mri.diffusion.gradients import GradientTable
from motor_bids_app.spaces.templates import load_template
from motor_bids_app.spaces.transforms import Transform


@pytest.fixture(scope="module")
def head():
    image, brain, white = (load_template(kind, 4) for kind in ("T1w", "brain", "WM"))
    return Head(image, brain, white, Transform())


def series(head, spoil, *, is_ours=True):
    """Isotropic diffusion in the brain of the template, in 3 + 24 volumes."""
    rng = np.random.default_rng(0)
    bvals = np.r_[np.zeros(3), np.full(24, 1000.0)]
    directions = rng.normal(size=(27, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    directions[:3] = 0
    inside = np.asarray(head.brain.dataobj) > 0
    signal = inside * (500 + 500 * np.asarray(head.image.dataobj))
    data = signal[..., None] * np.exp(-bvals * 8e-4)
    data = np.abs(data + rng.normal(0, 5, data.shape)).astype(np.float32)
    return FinishedSeries(
        image=nib.Nifti1Image(spoil(data), head.image.affine),
        gradients=GradientTable(bvals, directions),
        brain=head.brain,
        head=HeadOfTool(head, is_ours=is_ours, image=None),
        displacement=None,
        dataset="qsiprep",
    )


def lose_a_volume(data):
    data[..., 10] = 0
    return data


def test_a_finished_series_that_is_as_it_should_be_raises_no_doubt(head):
    placed = fit_series(series(head, lambda data: data))

    assert placed.facts.warnings == []


def test_a_volume_of_a_finished_series_that_is_not_what_it_is_called_is_left_out(head):
    placed = fit_series(series(head, lose_a_volume))

    assert any("volume 10" in warning for warning in placed.facts.warnings)
    inside = np.asarray(placed.brain.dataobj) > 0
    assert np.median(np.asarray(placed.maps["md"].dataobj)[inside]) == pytest.approx(8e-4, rel=0.05)


@pytest.mark.parametrize("scale", [100, 1000])
def test_a_finished_fa_in_another_unit_is_refused(head, scale):
    fa = nib.Nifti1Image(0.4 * scale * np.asarray(head.brain.dataobj), head.brain.affine)

    with pytest.raises(DataError, match="share from 0 to 1"):
        place_maps(FinishedMaps({"fa": fa}, None, "qsirecon", ()))
