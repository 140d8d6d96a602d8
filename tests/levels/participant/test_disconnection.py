import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.bids.files import load_image, read_json
from motor_bids_app.bids.lesion_names import LesionFile
from motor_bids_app.bids.scan import Scan
from motor_bids_app.bids.tables.tsv import read_table
from motor_bids_app.errors import DataError, InputMissingError, UsageError
from motor_bids_app.features.disconnection_columns import disconnection_columns
from motor_bids_app.levels.participant.disconnection import (
    BUNDLES,
    PAIRS,
    REGIONS,
    disconnection_table,
)
from motor_bids_app.levels.participant.features import extract_features
from motor_bids_app.levels.participant.lesion import preprocess_standard_lesion
from motor_bids_app.levels.participant.outputs import Outputs
from motor_bids_app.levels.participant.tractogram import read_tractogram
from motor_bids_app.settings import ProcessingSettings
from motor_bids_app.spaces.grids import standard_grid

GRID = standard_grid(2)
NAME = "space-MNI152NLin2009aSym_tractogram"


@pytest.fixture
def outputs(tmp_path):
    """Outputs of a participant with a lesion in the left internal capsule."""
    values = np.zeros(GRID.shape, np.uint8)
    low = np.rint(np.linalg.inv(GRID.affine) @ (-34, -26, 4, 1)).astype(int)[:3]
    values[tuple(slice(start, start + 8) for start in low)] = 1
    path = tmp_path / "sub-1_space-MNI152NLin2009aSym_label-L_mask.nii.gz"
    nib.save(nib.Nifti1Image(values, GRID.affine), path)
    scan = Scan(
        participant="1",
        lesion=LesionFile(path=path, participant="1", image="standard", space="MNI152NLin2009aSym"),
    )
    made = Outputs(tmp_path / "out", "1", None, datasets={"raw": tmp_path})
    preprocess_standard_lesion(scan, made)
    return made


def saved(path, *streamlines, affine=None):
    """Save streamlines (mm) as TRK or TCK."""
    lines = [np.array(points, dtype=np.float32) for points in streamlines]
    tractogram = nib.streamlines.Tractogram(lines, affine_to_rasmm=np.eye(4))
    header = {"voxel_to_rasmm": GRID.affine, "dimensions": GRID.shape, "voxel_sizes": (2, 2, 2)}
    nib.streamlines.save(tractogram, path, header=header if path.suffix == ".trk" else None)
    return path


def test_tables_and_map_say_the_same_as_the_features(outputs):
    extract_features(outputs)

    features = read_table(outputs.features_table).iloc[0]
    bundles = read_table(disconnection_table(outputs, BUNDLES))
    own = bundles[bundles["bundle"] == "corticospinal_tract"].set_index("side")
    assert own.loc["left", "hemisphere"] == "ipsilesional"
    assert own.loc["right", "hemisphere"] == "contralesional"
    assert own.loc["left", "share"] == features["disconnection_corticospinal_tract_left"]
    assert float(own.loc["left", "share"]) > 0.5
    assert float(own.loc["right", "share"]) == 0
    assert {name for name, _ in disconnection_columns()} <= set(features.index)
    path = outputs.path("probseg", "anat", label="L", desc="disconnection", standard=True)
    density = np.asarray(load_image(path).dataobj)
    lesion = np.asarray(outputs.load("mask", "anat", label="L", standard=True).dataobj) > 0
    assert set(np.unique(density[lesion])) <= {0, 1}
    assert density[lesion].mean() > 0.9
    for name in (BUNDLES, REGIONS, PAIRS):
        table = disconnection_table(outputs, name)
        assert set(read_json(table.with_suffix(".json"))) == set(read_table(table))
    assert outputs.load_figure("lesion-disconnection") is not None
    assert "disconnection" in outputs.load_facts().methods


@pytest.mark.parametrize("ending", ["trk", "tck"])
def test_another_tractogram_is_measured_beside_the_bundles(outputs, tmp_path, ending):
    through, beside = [(-28, -60, 10), (-28, 60, 10)], [(-50, -60, 10), (-50, 60, 10)]
    given = saved(tmp_path / f"{NAME}.{ending}", through, through, beside)

    extract_features(outputs, given)

    pairs = read_table(disconnection_table(outputs, PAIRS))
    assert pairs["streamlines"].astype(int).sum() <= 6  # three and their mirror images
    density = outputs.load("probseg", "anat", label="L", desc="disconnection", standard=True)
    assert (np.asarray(density.dataobj) > 0).sum() == pytest.approx(60, abs=2)  # one line of 120 mm
    features = read_table(outputs.features_table).iloc[0]
    assert float(features["disconnection_corticospinal_tract_left"]) > 0.5
    assert any(given.name in note for note in outputs.load_facts().notes)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("space-MNI152NLin2009cAsym_tractogram.trx", r"only \.trk and \.tck are read"),
        ("tractogram.tck", "must say in which space it is"),
        ("space-T1w_tractogram.tck", "must say in which space it is"),
    ],
)
def test_a_tractogram_that_cannot_be_placed_is_refused(tmp_path, name, message):
    (tmp_path / name).write_bytes(b"x")

    with pytest.raises(UsageError, match=message):
        read_tractogram(tmp_path / name)


def test_a_tractogram_that_is_not_there_is_said_to_be_missing(tmp_path):
    with pytest.raises(InputMissingError, match="does not exist"):
        read_tractogram(tmp_path / f"{NAME}.tck")


@pytest.mark.parametrize(
    ("streamlines", "message"),
    [
        ([], "has 0 streamlines"),
        ([[(500, 0, 0), (600, 0, 0)]], "0 % of the points .* lie in the brain"),
        ([[(-28, 0, 10), (np.nan, 0, 0)]], "not finite"),
    ],
)
def test_streamlines_that_cannot_be_those_of_a_brain_are_refused(tmp_path, streamlines, message):
    path = tmp_path / f"{NAME}.trk"
    saved(path, *streamlines)

    with pytest.raises(DataError, match=message):
        read_tractogram(path)


@pytest.mark.parametrize("ending", ["trk", "tck"])
def test_a_file_that_holds_something_else_is_refused(tmp_path, ending):
    path = tmp_path / f"{NAME}.{ending}"
    path.write_bytes(b"no streamlines" * 100)

    with pytest.raises(DataError, match="cannot be read as streamlines"):
        read_tractogram(path)


def test_another_tractogram_repeats_the_features_alone(tmp_path):
    usual, other = ProcessingSettings(), ProcessingSettings(tractogram=tmp_path / "other.trk")

    assert usual.digest != other.of_step("features").digest
    for step in ("anat", "dwi", "bold", "eeg", "emg"):
        assert usual.of_step(step) == other.of_step(step)
