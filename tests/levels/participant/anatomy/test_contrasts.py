import nibabel as nib
import numpy as np
import pytest
from nibabel.affines import apply_affine, from_matvec
from scipy.spatial.transform import Rotation

from motor_bids_app.bids.files import load_image
from motor_bids_app.bids.scan import Scan
from motor_bids_app.levels.participant.anatomy.files import save_contrasts
from motor_bids_app.levels.participant.anatomy.preprocess import place_contrasts
from motor_bids_app.levels.participant.outputs import Outputs
from motor_bids_app.mri.anatomy import reorient
from motor_bids_app.mri.resampling import resample
from motor_bids_app.spaces.grids import Grid
from motor_bids_app.spaces.templates import load_template
from motor_bids_app.spaces.transforms import Transform

MOVE = from_matvec(Rotation.from_euler("x", 8, degrees=True).as_matrix(), [4, -6, 3])


@pytest.fixture(scope="module")
def head():
    template = load_template("T1w", 3)
    return nib.Nifti1Image(900 * np.asarray(template.dataobj), template.affine)


@pytest.fixture(scope="module")
def brain():
    return load_template("brain", 3)


@pytest.fixture(scope="module")
def scan(head, brain, tmp_path_factory):
    """T1w, and a T2w in which point x of the T1w lies at MOVE x."""
    folder = tmp_path_factory.mktemp("raw")
    inside = np.asarray(brain.dataobj) > 0
    dark = np.where(inside, 1000 - np.asarray(head.dataobj), 0).astype(np.float32)
    grid = Grid((50, 60, 40), from_matvec(np.diag([4.0, 4, 5]), [-100, -135, -80]))
    back = Transform(matrix=np.linalg.inv(MOVE))
    nib.save(resample(nib.Nifti1Image(dark, head.affine), grid, back), folder / "T2w.nii.gz")
    nib.save(head, folder / "T1w.nii.gz")
    return Scan(participant="1", t1w=folder / "T1w.nii.gz", t2w=folder / "T2w.nii.gz")


def test_another_contrast_is_placed_on_the_head(scan, head, brain):
    placed, _ = place_contrasts({"T2w": reorient(load_image(scan.t2w))}, head, brain, sloppy=True)

    points = apply_affine(brain.affine, np.argwhere(np.asarray(brain.dataobj)))
    error = apply_affine(placed["T2w"].matrix, points) - apply_affine(MOVE, points)
    assert list(placed) == ["T2w"]
    assert np.linalg.norm(error, axis=1).mean() < 1


def test_it_is_saved_in_both_spaces(scan, head, brain, tmp_path):
    outputs = Outputs(tmp_path, "1", None, datasets={"raw": scan.t2w.parent})

    placed, _ = place_contrasts({"T2w": reorient(load_image(scan.t2w))}, head, brain, sloppy=True)
    save_contrasts(placed, scan, head, Transform(), outputs)

    native = load_image(tmp_path / "sub-1/anat/sub-1_space-T1w_desc-preproc_T2w.nii.gz")
    standard = outputs.load("T2w", "anat", desc="preproc", standard=True)
    inside = np.asarray(brain.dataobj) > 0
    for image, reference in ((native, head), (standard, load_template("T1w", 2))):
        assert image.shape == reference.shape
    asis = resample(load_image(scan.t2w), Grid.of(head))
    likeness = [
        np.corrcoef(np.asarray(image.dataobj)[inside], np.asarray(head.dataobj)[inside])[0, 1]
        for image in (native, asis)
    ]
    assert likeness[0] < -0.6  # the voxels of the T2w are coarse, and its contrast is inverted
    assert likeness[0] < likeness[1] - 0.2


def test_another_contrast_that_hardly_fits_the_head_is_doubted(head, brain):
    rng = np.random.default_rng(0)
    noise = nib.Nifti1Image(rng.random((40, 50, 40), dtype=np.float32), np.diag([4.0, 4, 4, 1]))

    placed, facts = place_contrasts({"T2w": noise}, head, brain, sloppy=True)

    assert placed["T2w"].place.similarity < 0.4
    assert any("edges of the T2w hardly fit" in warning for warning in facts.warnings)
