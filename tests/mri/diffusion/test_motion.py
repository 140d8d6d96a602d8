import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.errors import EmptyRegionError, GradientTableError
from motor_bids_app.mri.diffusion.gradients import GradientTable, parse_gradients
from motor_bids_app.mri.diffusion.mask import dwi_mask
from motor_bids_app.mri.diffusion.motion import correct_motion, framewise_displacement
from motor_bids_app.mri.diffusion.tensor import fit_tensor


@pytest.fixture(scope="module")
def gradients(phantom):
    return phantom.gradients(8)


@pytest.fixture(scope="module")
def motions(phantom, gradients):
    return phantom.draw_motion(gradients, mm=5, degrees=5, eddy=0.01)


@pytest.fixture(scope="module")
def moved(phantom, gradients, motions):
    return phantom.with_noise(phantom.series(gradients, motions), 15)


@pytest.fixture(scope="module")
def corrected(phantom, gradients, moved):
    return correct_motion(moved, phantom.affine, gradients, phantom.mask)


def test_motion_is_found(corrected, motions):
    truth = np.stack([motion.parameters for motion in motions])

    assert np.abs(corrected.parameters - truth).max() < 0.3  # mm and degrees
    assert np.abs(corrected.parameters - truth).mean() < 0.1


def test_eddy_currents_are_found(corrected, motions, gradients):
    truth = np.stack([motion.eddy for motion in motions])

    assert np.abs(corrected.eddy - truth).mean() < 0.4 * np.abs(truth).mean()
    assert np.abs(corrected.eddy[gradients.is_b0]).max() < 1e-9


def test_correction_restores_the_tensor(phantom, gradients, moved, corrected):
    clean = fit_tensor(phantom.series(gradients), gradients, phantom.mask)

    before = fit_tensor(moved, gradients, phantom.mask)
    after = fit_tensor(corrected.data, corrected.gradients, phantom.mask)

    for name in ("fa", "md"):
        errors = [np.abs(maps[name] - clean[name])[phantom.mask].mean() for maps in (before, after)]
        assert errors[1] < 0.6 * errors[0], name


def test_gradients_turn_against_the_head(phantom, corrected, gradients, motions):
    before = gradients.world_directions(phantom.affine)
    expected = np.stack([m.rotation.T @ g for m, g in zip(motions, before, strict=True)])

    after = corrected.gradients.world_directions(phantom.affine)

    cosines = np.abs((after * expected).sum(axis=1))[~gradients.is_b0]
    assert np.rad2deg(np.arccos(np.minimum(cosines, 1))).max() < 0.5


def test_storage_order_does_not_matter(phantom, gradients, moved, corrected):
    flipped = nib.Nifti1Image(moved, phantom.affine).as_reoriented([[0, -1], [1, 1], [2, -1]])
    mask = phantom.mask[::-1, :, ::-1]
    world = gradients.world_directions(phantom.affine)
    table = GradientTable.from_world(gradients.bvals, world, flipped.affine)

    result = correct_motion(np.asarray(flipped.dataobj), flipped.affine, table, mask)

    assert result.parameters == pytest.approx(corrected.parameters, abs=0.05)  # mm, degrees
    assert result.gradients.world_directions(flipped.affine) == pytest.approx(
        corrected.gradients.world_directions(phantom.affine), abs=2e-3
    )


def test_still_head_stays_still(phantom, gradients):
    still = phantom.with_noise(phantom.series(gradients), 15)

    result = correct_motion(still, phantom.affine, gradients, phantom.mask)

    assert np.abs(result.parameters).max() < 0.15
    assert result.framewise_displacement.mean() < 0.25
    assert np.array_equal(result.data[..., 0], still[..., 0])


def test_displacement_is_between_neighbours():
    parameters = np.array([[0, 0, 0, 0, 0, 0], [0, 2, 0, 0, 0, 1.0], [0, 2, 0, 0, 0, 1.0]])

    assert framewise_displacement(parameters) == pytest.approx([0, 2 + np.pi * 50 / 180, 0])


def test_empty_mask_and_wrong_table_are_explained(phantom, gradients, moved):
    with pytest.raises(EmptyRegionError, match="mask of the diffusion series is empty"):
        correct_motion(moved, phantom.affine, gradients, np.zeros_like(phantom.mask))
    with pytest.raises(GradientTableError, match=r"9 volumes.*describe 10"):
        correct_motion(moved[..., :9], phantom.affine, gradients, phantom.mask)


@pytest.mark.slow
def test_change_of_contrast_is_not_taken_for_motion(test_data):
    # This head drifts by 0.05 mm per volume. Matching the surface too, where fluid is bright in
    # b0 only, makes it seem to jump by more than 1 mm after the b0 volume.
    name = test_data / "dwi_trio_20dir" / "sub-01" / "dwi" / "sub-01_dwi"
    image = nib.load(name.with_suffix(".nii.gz"))
    series = np.asarray(image.dataobj[..., :6], dtype=np.float32)
    table = parse_gradients(
        name.with_suffix(".bval").read_text(), name.with_suffix(".bvec").read_text()
    ).select(np.arange(21) < 6)
    mask = dwi_mask(series[..., 0], np.full(3, 2.0))

    result = correct_motion(series, image.affine, table, mask)

    assert np.linalg.norm(result.parameters[1, :3]) < 0.6
