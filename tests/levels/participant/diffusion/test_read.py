import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.bids.field_map import FieldMap
from motor_bids_app.bids.reverse_phase import ReversePhase
from motor_bids_app.bids.scan import Scan
from motor_bids_app.levels.participant.diffusion import susceptibility
from motor_bids_app.levels.participant.diffusion.read import read_series
from motor_bids_app.levels.participant.outputs import Outputs
from motor_bids_app.settings import ProcessingSettings


@pytest.fixture
def read(tmp_path):
    """Read a series whose pair with opposite phase encoding has the b-values given."""
    paths = {name: tmp_path / f"sub-1_{name}" for name in ("dwi.nii", "dwi.bval", "dwi.bvec")}
    pair = tmp_path / "sub-1_dir-PA_epi.nii"
    for path in (paths["dwi.nii"], pair):
        nib.save(nib.Nifti1Image(np.ones((4, 4, 4, 2), dtype=np.float32), np.eye(4)), path)
    paths["dwi.bval"].write_text("0 1000")
    paths["dwi.bvec"].write_text("0 1\n0 0\n0 0")

    def read(bvals, **fields):
        bval = pair.with_suffix(".bval")
        bval.write_text(bvals or "")
        dwi, table, directions = paths.values()
        if bvals is not None:
            fields |= {"reverse_phase": ReversePhase(path=pair, bval=bval)}
        scan = Scan(participant="1", dwi=dwi, bval=table, bvec=directions, **fields)
        return read_series(scan, Outputs(tmp_path / "out", "1", None), ProcessingSettings())

    return read


@pytest.mark.parametrize("bvals", ["0 n/a", "0 0 0", "0", ""])
def test_a_pair_whose_b_values_do_not_fit_is_left_out_and_said(read, bvals):
    series = read(bvals)

    assert series.distortion.reverse is None
    assert "one number for each of its volumes" in series.distortion.failed["pair"]


def test_of_a_pair_the_volumes_without_weighting_count(read):
    assert read("1000 0").distortion.reverse.shape == (4, 4, 4)


@pytest.mark.parametrize("content", ["<html>sorry</html>", "/annex/objects/MD5E-s1--0.nii\n", None])
def test_a_pair_that_cannot_be_read_is_left_out_and_said(read, tmp_path, content):
    pair = tmp_path / "sub-1_dir-PA_epi.nii"
    pair.unlink()
    if content is None:
        pair.symlink_to("lost")
    else:
        pair.write_text(content)

    images = read("0 0").distortion

    assert images.reverse is None
    assert images.failed["pair"].startswith("sub-1_dir-PA_epi.nii was not used")


def test_a_field_map_that_cannot_be_read_is_left_out_and_said(read, tmp_path):
    phase, magnitude = tmp_path / "sub-1_phasediff.nii", tmp_path / "sub-1_magnitude1.nii"
    phase.write_text("<html>sorry</html>")
    nib.save(nib.Nifti1Image(np.ones((4, 4, 4), dtype=np.float32), np.eye(4)), magnitude)
    files = FieldMap(kind="phasediff", images=(phase,), sidecars=((),), magnitude=magnitude)

    images = read(None, field_map=files).distortion

    assert images.field_images is None
    assert "sub-1_phasediff.nii was not used" in images.failed["map"]


def test_what_was_done_instead_of_a_field_map_is_a_warning(read):
    series = read("0 n/a")
    b0 = nib.Nifti1Image(np.ones((4, 4, 4), dtype=np.float32), np.eye(4))

    found = susceptibility._find(b0, series, ProcessingSettings())

    (warning,) = found.facts.warnings
    assert "sub-1_dir-PA_epi.nii was not used" in warning
    assert "Distortion was not corrected" in warning
