import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.bids.files import read_json
from motor_bids_app.bids.lesion_names import LesionFile
from motor_bids_app.bids.scan import Scan
from motor_bids_app.bids.tables.tsv import read_table
from motor_bids_app.errors import DataError, GridMismatchError
from motor_bids_app.levels.participant.anatomy.lesion import (
    GivenLesion,
    Lesion,
    check_place,
    drawn_lesion,
    lesion_in_head,
)
from motor_bids_app.levels.participant.anatomy.read import read_lesion
from motor_bids_app.levels.participant.features import extract_features
from motor_bids_app.levels.participant.lesion import lesion_sidecar, preprocess_standard_lesion
from motor_bids_app.levels.participant.outputs import Outputs
from motor_bids_app.mri.resampling import invert, resample
from motor_bids_app.settings import STANDARD_SPACE
from motor_bids_app.spaces.atlases import load_cerebra
from motor_bids_app.spaces.grids import Grid, standard_grid
from motor_bids_app.spaces.mni import to_mni_space
from motor_bids_app.spaces.templates import load_template
from motor_bids_app.spaces.transforms import Transform


@pytest.fixture
def save(tmp_path):
    """Save a mask of a box in mm on a grid; return the scan whose lesion it is."""

    def save(low, high, grid, image="T1w", space=None):
        places = np.moveaxis(np.indices(grid.shape), 0, -1)
        points = nib.affines.apply_affine(grid.affine, places)
        inside = ((points >= low) & (points < high)).all(axis=-1)
        path = tmp_path / "sub-1_label-L_mask.nii.gz"
        nib.save(nib.Nifti1Image(inside.astype(np.uint8), grid.affine), path)
        lesion = LesionFile(path=path, participant="1", image=image, space=space)
        return Scan(participant="1", t1w=tmp_path / "sub-1_T1w.nii.gz", lesion=lesion)

    return save


def read(scan):
    """Read the mask of a scan whose T1w is on its grid."""
    return read_lesion(scan, {scan.t1w: Grid.of(nib.load(scan.lesion.path))})


def test_the_volume_is_that_of_the_mask_as_it_was_given(save, tmp_path):
    grid = standard_grid(1)
    scan = save((-40, -30, 10), (-33, -19, 23), grid)

    lesion = drawn_lesion(read(scan), load_template("T1w", 4), np.eye(4))

    _, facts = lesion.join(load_template("brain", 4))
    assert facts.quality["lesion_volume_ml"] == pytest.approx(7 * 11 * 13 / 1000)
    assert facts.quality["lesion_in_brain"] == 1
    assert facts.notes == []


def test_of_a_mask_in_the_standard_space_it_is_that_in_the_head(save):
    scan = save((-40, -30, 10), (-20, -10, 30), standard_grid(2), "standard", "MNI152NLin2009aSym")
    half = Transform(matrix=np.diag([2.0, 2, 2, 1]))  # a head of half the size

    given = read(scan)
    lesion = lesion_in_head(given.on_standard_grid(), given.name, load_template("T1w", 1), half)

    assert lesion.volume_ml == pytest.approx(20**3 / 8 / 1000, rel=0.05)
    assert np.asarray(lesion.in_template(half).dataobj).sum() * 8 == 20**3


def test_a_mask_half_outside_the_brain_is_in_the_headline(save):
    edge = np.argwhere(np.asarray(load_template("brain", 2).dataobj)[:, 54, 45])[-1, 0] * 2 - 90
    scan = save((edge - 10, -22, 14), (edge + 12, -14, 22), standard_grid(2))

    lesion = drawn_lesion(read(scan), load_template("T1w", 2), np.eye(4))

    _, facts = lesion.join(load_template("brain", 2))
    (doubt,) = facts.warnings
    assert doubt.startswith("The brain mask had left out 45 % of the lesion mask")


def test_what_the_brain_mask_leaves_out_is_said_once_with_what_became_of_it(save):
    """A surface cavity of which the mask lacks a third, and a speck far from the brain."""
    places = np.moveaxis(np.indices((40, 40, 40)), 0, -1)
    lesion = (np.abs(places - [20, 20, 20]) < [9, 4, 4]).all(axis=-1)
    brain = (places[..., 0] >= 2) & (places[..., 0] < 23)
    speck = (np.abs(places - [36, 36, 36]) < 2.5).all(axis=-1)
    shares = {}
    for name, mask in {"cavity": lesion, "both": lesion | speck}.items():
        native = nib.Nifti1Image(mask.astype(np.uint8), np.eye(4))
        image = nib.Nifti1Image(brain.astype(np.uint8), np.eye(4))

        whole, facts = Lesion(native, None, 1.0, "mask.nii.gz").join(image)

        (text,) = facts.notes + facts.warnings
        outside = (mask & ~brain).sum() / mask.sum()
        left = (mask & ~(np.asarray(whole.dataobj) > 0)).sum() / mask.sum()
        assert f"had left out {100 * outside:.0f} % of the lesion mask" in text
        assert ("is left outside" in text) == (name == "both")
        if left:
            assert f"{100 * left:.0f} % is left outside" in text
        shares[name] = left
    assert shares["cavity"] == 0 < shares["both"]


def test_a_mask_whose_header_is_wrong_is_refused(save):
    scan = save((-85, -120, -70), (-70, -110, -60), standard_grid(2))  # a corner of the picture

    lesion = drawn_lesion(read(scan), load_template("T1w", 2), np.eye(4))

    with pytest.raises(DataError, match=r"sub-1_label-L_mask\.nii\.gz: .* its header may be wrong"):
        lesion.join(load_template("brain", 2))


@pytest.mark.parametrize("space", ["MNI152NLin6Asym", "MNI152NLin2009cAsym"])
@pytest.mark.parametrize("first_axis", [1, -1])
def test_a_mask_of_another_mni_space_is_moved_and_not_relabelled(tmp_path, space, first_axis):
    struck = load_cerebra(2).mask("Putamen_L") | load_cerebra(2).mask("Precentral_L")
    ours = nib.Nifti1Image(struck.astype(np.float32), standard_grid(2).affine)
    there = Grid((182, 218, 182), np.diag([-first_axis, 1, 1, 1.0]))
    there.affine[:3, 3] = (90 * first_axis, -126, -72)
    moved = resample(ours, there, invert(to_mni_space(space), there))
    path = tmp_path / "sub-1_label-L_mask.nii.gz"
    inside = (np.asarray(moved.dataobj) > 0.5).astype(np.uint8)
    nib.save(nib.Nifti1Image(inside, there.affine), path)
    lesion = LesionFile(path=path, participant="1", image="standard", space=space)

    back = read_lesion(Scan(participant="1", lesion=lesion), {}).on_standard_grid()
    relabelled = GivenLesion(nib.load(path), str(path), "standard").on_standard_grid()

    def alike(mask):
        found = np.asarray(mask.dataobj) > 0
        return 2 * (found & struck).sum() / (found.sum() + struck.sum())

    np.testing.assert_allclose(back.affine, ours.affine)
    assert alike(back) > 0.93
    assert alike(relabelled) < 0.88
    assert space in str(lesion_sidecar(lesion)["Description"])


def test_a_mask_in_our_space_is_not_said_to_be_moved(save):
    scan = save((-40, -30, 10), (-20, -10, 30), standard_grid(2), "standard", "MNI152NLin2009aSym")

    assert lesion_sidecar(scan.lesion) == {"Type": "Lesion"}


def test_an_empty_mask_of_another_mni_space_is_called_empty(tmp_path):
    empty = nib.Nifti1Image(np.zeros((9, 9, 9), np.uint8), np.eye(4))

    with pytest.raises(DataError, match=r"raw/m\.nii: The lesion mask is empty"):
        GivenLesion(empty, "raw/m.nii", "standard", space="MNI152NLin6Asym").on_standard_grid()


def test_the_overlap_with_all_regions_is_saved(save, tmp_path):
    scan = save((-30, -8, -4), (-20, 6, 10), standard_grid(2), "standard", "MNI152NLin2009aSym")
    outputs = Outputs(tmp_path / "out", "1", None, datasets={"raw": tmp_path})

    preprocess_standard_lesion(scan, outputs)
    extract_features(outputs)

    table = read_table(outputs.overlap_table)
    assert len(table) == len(load_cerebra(2).names) + 1
    assert set(read_json(outputs.overlap_table.with_suffix(".json"))) == set(table)
    numbers = table.set_index("region")[["lesioned_ml", "share_of_lesion"]].astype(float)
    assert numbers["lesioned_ml"].sum() == pytest.approx(10 * 14 * 14 / 1000)
    assert numbers["share_of_lesion"].idxmax() in ("Putamen_L", "outside")
    features = read_table(outputs.features_table).iloc[0]
    share = table.set_index("region").loc["Putamen_L", "share_of_region"]
    assert float(features["lesion_putamen_left"]) == pytest.approx(float(share), rel=1e-4)


def given(mask, image, **fields):
    return GivenLesion(mask, "raw/sub-1_label-L_mask.nii.gz", "T1w", image_grid=image, **fields)


def test_a_mask_that_lost_its_place_is_refused_with_the_reading_that_fits(save):
    scan = save((-40, -30, 10), (-20, -10, 30), standard_grid(2))
    brain = load_template("brain", 2)
    lost = np.asarray(nib.load(scan.lesion.path).dataobj)

    with pytest.raises(GridMismatchError, match=r"100 % .* by its voxels, 0 % by that"):
        check_place(given(nib.Nifti1Image(lost, np.diag([2.0, 2, 2, 1])), Grid.of(brain)), brain)


def test_a_mask_whose_voxels_run_the_other_way_is_placed_by_its_header_and_said(save):
    mask = nib.load(save((-40, -30, 10), (-20, -10, 30), standard_grid(2)).lesion.path)
    reversed_mask = mask.as_reoriented([[0, -1], [1, 1], [2, 1]])

    (doubt,) = check_place(given(reversed_mask, standard_grid(2))).warnings

    assert "sub-1_label-L_mask" in doubt
    assert "side" in doubt
    assert check_place(given(mask, standard_grid(2))).warnings == []


def test_a_mask_on_another_grid_is_placed_by_its_header_and_said(save):
    mask = nib.load(save((-40, -30, 10), (-20, -10, 30), standard_grid(1)).lesion.path)

    facts = check_place(given(mask, standard_grid(2)))

    assert "placed by its header" in facts.notes[0]
    assert facts.warnings == []


def test_a_mask_in_the_standard_space_that_covers_the_brain_is_refused(save, tmp_path):
    scan = save((-90, -126, -72), (95, 95, 112), standard_grid(2), "standard", STANDARD_SPACE)

    with pytest.raises(DataError, match=r"sub-1_label-L_mask.*no lesion"):
        preprocess_standard_lesion(scan, Outputs(tmp_path / "out", "1", None))
