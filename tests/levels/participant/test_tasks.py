"""What steps read, by which it is known whether they are to be repeated."""

import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.bids.bold import BoldFile
from motor_bids_app.bids.field_map import FieldMap
from motor_bids_app.bids.scan import Scan
from motor_bids_app.cli.parse import parse_settings
from motor_bids_app.levels.participant.outputs import Outputs
from motor_bids_app.levels.participant.tasks import TASKS


@pytest.fixture
def files(tmp_path):
    """Good images, and a link to what is not there."""
    names = ("T1w.nii", "FLAIR.nii", "dwi.nii", "phasediff.nii", "magnitude1.nii")
    paths = [tmp_path / f"sub-1_{name}" for name in names]
    for path in paths:
        nib.save(nib.Nifti1Image(np.ones((4, 4, 4), dtype=np.float32), np.eye(4)), path)
    return dict(zip(("t1w", "flair", "dwi", "phase", "magnitude"), paths, strict=True))


def lose(path):
    path.unlink()
    path.symlink_to("lost")


def task(name, scan, tmp_path):
    settings = parse_settings([str(tmp_path), str(tmp_path / "out"), "participant"])
    return TASKS[name](scan, Outputs(tmp_path / "out", "1", None), settings)


def test_a_flair_out_of_reach_does_not_stop_the_head_and_its_return_repeats_it(files, tmp_path):
    scan = Scan(participant="1", t1w=files["t1w"], flair=files["flair"])
    whole = task("anat", scan, tmp_path)
    lose(files["flair"])

    without = task("anat", scan, tmp_path)

    assert files["flair"] in whole.inputs.values()
    assert files["flair"] not in without.inputs.values()
    assert files["t1w"] in without.inputs.values()
    assert "datalad get" in without.said[0]
    assert whole.said == ()


def test_a_field_map_out_of_reach_does_not_stop_the_dwi(files, tmp_path):
    lose(files["phase"])
    field_map = FieldMap(
        kind="phasediff", images=(files["phase"],), sidecars=((),), magnitude=files["magnitude"]
    )

    without = task("dwi", Scan(participant="1", dwi=files["dwi"], field_map=field_map), tmp_path)

    assert files["phase"] not in without.inputs.values()
    assert len(without.said) == 1


def test_a_head_out_of_reach_is_still_asked_for(files, tmp_path):
    lose(files["t1w"])

    found = task("anat", Scan(participant="1", t1w=files["t1w"]), tmp_path)

    assert files["t1w"] in found.inputs.values()


def test_a_field_map_out_of_reach_does_not_stop_the_bold(files, tmp_path):
    lose(files["phase"])
    field_map = FieldMap(
        kind="phasediff", images=(files["phase"],), sidecars=((),), magnitude=files["magnitude"]
    )
    bold = BoldFile(path=files["dwi"], field_map=field_map)

    without = task("bold", Scan(participant="1", bold=bold), tmp_path)

    assert files["phase"] not in without.inputs.values()
    assert files["dwi"] in without.inputs.values()
    assert len(without.said) == 1
