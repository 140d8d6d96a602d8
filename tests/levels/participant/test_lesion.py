import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.bids.files import read_json
from motor_bids_app.bids.lesion_names import LesionFile
from motor_bids_app.bids.scan import Scan
from motor_bids_app.bids.tsv import read_table
from motor_bids_app.errors import DataError
from motor_bids_app.levels.participant.anatomy.lesion import drawn_lesion, lesion_in_head
from motor_bids_app.levels.participant.anatomy.read import read_lesion
from motor_bids_app.levels.participant.features import extract_features
from motor_bids_app.levels.participant.lesion import lesion_sidecar, preprocess_standard_lesion
from motor_bids_app.levels.participant.outputs import Outputs
from motor_bids_app.spaces.atlases import load_aal
from motor_bids_app.spaces.grids import standard_grid
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


def test_the_volume_is_that_of_the_mask_as_it_was_given(save, tmp_path):
    grid = standard_grid(1)
    scan = save((-40, -30, 10), (-33, -19, 23), grid)

    lesion = drawn_lesion(read_lesion(scan), load_template("T1w", 4), {})

    facts = lesion.measure(load_template("brain", 4))
    assert facts.quality["lesion_volume_ml"] == pytest.approx(7 * 11 * 13 / 1000)
    assert facts.quality["lesion_in_brain"] == 1
    assert facts.notes == []


def test_of_a_mask_in_the_standard_space_it_is_that_in_the_head(save):
    scan = save((-40, -30, 10), (-20, -10, 30), standard_grid(2), "standard", "MNI152NLin2009aSym")
    half = Transform(matrix=np.diag([2.0, 2, 2, 1]))  # a head of half the size

    given = read_lesion(scan)
    lesion = lesion_in_head(given.on_standard_grid(), given.name, load_template("T1w", 1), half)

    assert lesion.volume_ml == pytest.approx(20**3 / 8 / 1000, rel=0.05)
    assert np.asarray(lesion.in_template(half).dataobj).sum() * 8 == 20**3


def test_a_mask_half_outside_the_brain_is_noted(save):
    edge = np.argwhere(np.asarray(load_template("brain", 2).dataobj)[:, 54, 45])[-1, 0] * 2 - 90
    scan = save((edge - 10, -22, 14), (edge + 12, -14, 22), standard_grid(2))

    lesion = drawn_lesion(read_lesion(scan), load_template("T1w", 2), {})

    (note,) = lesion.measure(load_template("brain", 2)).notes
    assert "of the lesion mask lies in the brain mask" in note


def test_a_mask_whose_header_is_wrong_is_refused(save):
    scan = save((-85, -120, -70), (-70, -110, -60), standard_grid(2))  # a corner of the picture

    lesion = drawn_lesion(read_lesion(scan), load_template("T1w", 2), {})

    with pytest.raises(DataError, match=r"sub-1_label-L_mask\.nii\.gz: .* its header may be wrong"):
        lesion.measure(load_template("brain", 2))


@pytest.mark.parametrize(
    ("space", "approximate"), [("MNI152NLin6Asym", 1), ("MNI152NLin2009aSym", 0)]
)
def test_the_sidecar_says_where_the_place_is_approximate(save, space, approximate):
    scan = save((-40, -30, 10), (-20, -10, 30), standard_grid(2), "standard", space)

    text = str(lesion_sidecar(scan.lesion).get("Description", ""))

    assert text.count(space) == approximate


def test_the_overlap_with_all_regions_is_saved(save, tmp_path):
    scan = save((-30, -8, -4), (-20, 6, 10), standard_grid(2), "standard", "MNI152NLin2009aSym")
    outputs = Outputs(tmp_path / "out", "1", None, datasets={"raw": tmp_path})

    preprocess_standard_lesion(scan, outputs)
    extract_features(outputs)

    table = read_table(outputs.overlap_table)
    assert len(table) == len(load_aal(2).names) + 1
    assert set(read_json(outputs.overlap_table.with_suffix(".json"))) == set(table)
    numbers = table.set_index("region")[["lesioned_ml", "share_of_lesion"]].astype(float)
    assert numbers["lesioned_ml"].sum() == pytest.approx(10 * 14 * 14 / 1000)
    assert numbers["share_of_lesion"].idxmax() in ("Putamen_L", "outside")
    features = read_table(outputs.features_table).iloc[0]
    share = table.set_index("region").loc["Putamen_L", "share_of_region"]
    assert float(features["lesion_putamen_left"]) == pytest.approx(float(share), rel=1e-4)
