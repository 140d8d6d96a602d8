import json

import pytest

from motor_bids_app.bids.search import read_sidecars
from motor_bids_app.errors import DataError


@pytest.fixture
def told(tmp_path):
    """Read one sidecar with this phase encoding."""

    def told(direction):
        path = tmp_path / "sub-1_dwi.json"
        path.write_text(json.dumps({"PhaseEncodingDirection": direction}))
        return read_sidecars([path])["PhaseEncodingDirection"]

    return told


@pytest.mark.parametrize(
    ("written", "meant"),
    [("j-", "j-"), ("-j", "j-"), ("j+", "j"), ("+J ", "j"), ("y-", "j-"), ("x", "i"), ("k", "k")],
)
def test_directions_of_other_tools_are_those_of_bids(told, written, meant):
    assert told(written) == meant


@pytest.mark.parametrize("written", ["AP", "A>>P", "COL", "-j-", "2", ["j"], 1, "ij"])
def test_a_direction_that_is_no_voxel_axis_is_refused(told, written):
    with pytest.raises(DataError, match=r"sub-1_dwi\.json has PhaseEncodingDirection = .*no axis"):
        told(written)
