import numpy as np
import pytest

from motor_bids_app.mri.functional.confounds import (
    dvars,
    mean_signals,
    motion_terms,
    temporal_snr,
    tissue_masks,
)


def test_motion_has_24_terms_by_the_names_of_fmriprep():
    parameters = np.random.default_rng(0).normal(size=(20, 6))

    terms = motion_terms(parameters)

    assert len(terms) == 24
    assert {"trans_x", "rot_z_derivative1", "trans_y_power2", "rot_x_derivative1_power2"} <= {
        *terms
    }
    turn = np.deg2rad(parameters[:, 5])
    np.testing.assert_allclose(terms["rot_z"], turn)
    np.testing.assert_allclose(terms["rot_z_derivative1_power2"][1:], np.diff(turn) ** 2)


@pytest.mark.parametrize("memory", [0.0, 0.5])
def test_standardised_dvars_of_quiet_data_is_one_whatever_their_autocorrelation(memory):
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(400, 300))
    for volume in range(1, len(noise)):
        noise[volume] += memory * noise[volume - 1]

    _, standard = dvars(1000 + 5 * noise)

    assert np.isnan(standard[0])
    assert np.nanmean(standard) == pytest.approx(1, abs=0.03)


def test_dvars_of_a_jump_stands_out_and_does_not_depend_on_the_scale():
    data = 1000 + np.random.default_rng(0).normal(size=(50, 200))
    data[45:] += 30

    plain, standard = dvars(data)

    assert np.nanargmax(plain) == 45
    assert standard[45] > 10
    np.testing.assert_allclose(dvars(7 * data)[0][1:], plain[1:], rtol=1e-3)


def test_temporal_snr_is_that_of_the_data_without_their_trend():
    rng = np.random.default_rng(0)
    data = 800 + 10 * rng.normal(size=(500, 100)) + np.linspace(0, 300, 500)[:, None]

    found = temporal_snr(data.astype(np.float32))

    assert np.median(found) == pytest.approx((800 + 150) / 10, rel=0.05)


@pytest.fixture
def tissue():
    """A white core in grey matter, a ventricle in it, and the mask around all."""
    shape = (24, 24, 24)
    distance = np.linalg.norm(np.indices(shape).T - 11.5, axis=-1).T
    fluid = (distance < 3.2).astype(float)
    white = (distance < 8).astype(float) - fluid
    usable = distance < 11
    return usable - white - fluid, white, fluid, usable


def test_nuisance_tissue_is_pure_and_away_from_grey_matter(tissue):
    grey, white, fluid, usable = tissue

    masks = tissue_masks(grey, white, fluid, usable)

    for name, share in (("white_matter", white), ("csf", fluid)):
        assert share[masks[name]].min() == 1
        shifted = [np.roll(masks[name], step, axis) for axis in range(3) for step in (-1, 1)]
        assert not any((grey[mask] > 0).any() for mask in shifted)


def test_the_lesion_and_its_neighbours_are_no_nuisance_tissue(tissue):
    grey, white, fluid, usable = tissue
    lesion = np.zeros(usable.shape, dtype=bool)
    lesion[4:9, 9:15, 9:15] = True

    masks = tissue_masks(grey, white, fluid + lesion, usable, lesion)

    wider = lesion | np.roll(lesion, 1, 0) | np.roll(lesion, -1, 0)
    assert not any((mask & wider).any() for mask in masks.values())


def test_tissue_of_a_few_voxels_is_not_trusted(tissue):
    grey, white, fluid, usable = tissue

    assert "csf" not in tissue_masks(grey, white, 0 * fluid, usable)


def test_mean_signal_is_that_of_the_voxels_of_the_mask():
    inside = np.zeros((2, 2, 2), dtype=bool)
    inside[0], mask = True, np.zeros((2, 2, 2), dtype=bool)
    mask[0, 0] = True
    signals = np.arange(12.0).reshape(3, 4)

    found = mean_signals(signals, {"csf": mask}, inside)["csf"]

    np.testing.assert_array_equal(found, signals[:, :2].mean(axis=1))
