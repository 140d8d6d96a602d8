import nibabel as nib
import numpy as np
from nibabel.affines import apply_affine, from_matvec, voxel_sizes
from scipy.spatial.transform import Rotation

from motor_bids_app.bids.files import load_image
from motor_bids_app.mri.anatomy import correct_bias, reorient
from motor_bids_app.mri.brain_mask import extract_brain
from motor_bids_app.mri.diffusion.mask import dwi_mask
from motor_bids_app.mri.registration import coregister
from motor_bids_app.mri.rigid import Coregistration


def test_a_head_with_and_without_intensity_correction_places_real_bold_alike(test_data):
    own = test_data / "dwi_ap_pa_b2500/sub-01"
    stored = load_image(own / "func/sub-01_task-fa_bold.nii.gz")
    values = np.asarray(stored.dataobj[..., :4], dtype=np.float32).mean(axis=3)
    rough = nib.Nifti1Image(dwi_mask(values, voxel_sizes(stored.affine)), stored.affine)
    bold = correct_bias(nib.Nifti1Image(values, stored.affine), rough)
    heads = [
        correct_bias(reorient(load_image(own / f"anat/sub-01_{name}.nii.gz")))
        for name in ("T1w", "rec-raw_T1w")
    ]
    brain = extract_brain(heads[0])  # both are made of one measurement

    one, other = (coregister(head, bold, brain) for head in heads)

    points = apply_affine(brain.affine, np.argwhere(np.asarray(brain.dataobj) > 0)[::97])
    apart = apply_affine(one.matrix, points) - apply_affine(other.matrix, points)
    moved = apply_affine(one.matrix, points) - points
    assert np.linalg.norm(apart, axis=1).mean() < 1.5
    assert np.linalg.norm(moved, axis=1).mean() < 4  # the headers are right within about 3 mm
    assert min(one.similarity, other.similarity) > 0.45


def test_wrong_headers_do_not_move_a_real_field_map_on_a_distorted_b0(test_data):
    own = test_data / "dwi_ap_pa_b2500/sub-01"
    series = load_image(own / "dwi/sub-01_dir-AP_dwi.nii.gz")
    values = np.asarray(series.dataobj[..., 0], dtype=np.float32)
    brain = nib.Nifti1Image(dwi_mask(values, voxel_sizes(series.affine)), series.affine)
    b0 = correct_bias(nib.Nifti1Image(values, series.affine), brain)
    magnitude = load_image(own / "fmap/sub-01_magnitude1.nii.gz")
    plain = coregister(b0, magnitude, brain)
    points = apply_affine(brain.affine, np.argwhere(np.asarray(brain.dataobj) > 0)[::97])

    for turns, shift in (((11, -14, 9), (15, -8, 18)), ((-15, 6, -12), (-20, 12, -9))):
        turn = Rotation.from_euler("xyz", turns, degrees=True).as_matrix()
        wrong = from_matvec(turn, shift)
        placed = nib.Nifti1Image(np.asarray(magnitude.dataobj), wrong @ magnitude.affine)
        found = np.linalg.inv(wrong) @ coregister(b0, placed, brain).matrix
        apart = apply_affine(found, points) - apply_affine(plain.matrix, points)
        assert np.linalg.norm(apart, axis=1).mean() < 1

    assert plain.doubt("magnitude") is None


def test_an_image_that_fits_elsewhere_nearly_as_well_is_doubted():
    sure, unsure = (Coregistration(np.eye(4), 0.5, lead) for lead in (0.03, 0.005))

    assert sure.doubt("bold") is None
    assert "nearly as well (0.495 against 0.500 of 1)" in str(unsure.doubt("bold"))
