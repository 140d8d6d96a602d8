import base64
import zlib

import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.levels.participant.outputs import RESOLUTION, Outputs
from motor_bids_app.levels.participant.viewed import viewed
from motor_bids_app.spaces.grids import standard_grid


@pytest.fixture
def outputs(tmp_path):
    return Outputs(tmp_path, "01", None)


def save(outputs, value, suffix, datatype, **entities):
    grid = standard_grid(RESOLUTION)
    image = nib.Nifti1Image(np.full(grid.shape, value, np.float32), grid.affine)
    path = outputs.path(suffix, datatype, standard=True, **entities)
    outputs.save(image, path, [])


def shown(outputs):
    return [(one.role, one.label) for one in viewed(outputs).maps]


def test_a_person_without_images_has_no_viewer(outputs):
    assert viewed(outputs) is None


def test_maps_without_a_head_lie_on_the_template(outputs):
    save(outputs, 0.4, "dwimap", "dwi", model="tensor", param="fa")

    assert shown(outputs) == [("image", "Template (T1w)"), ("overlay", "FA")]


def test_the_head_that_was_registered_comes_first(outputs):
    for contrast in ("T1w", "FLAIR"):
        save(outputs, 100, contrast, "anat", desc="preproc")
    outputs.path("FLAIR", "anat", desc="preproc").touch()  # the head on its own grid

    assert shown(outputs) == [("image", "FLAIR"), ("image", "T1w")]


def test_a_lesion_alone_is_outlined_with_what_it_cuts(outputs):
    save(outputs, 1, "mask", "anat", label="L")
    save(outputs, 0.5, "probseg", "anat", label="L", desc="disconnection")

    assert [role for role, _ in shown(outputs)] == ["image", "lesion", "overlay"]


def test_diffusivities_are_told_in_their_unit(outputs):
    save(outputs, 0.0009, "dwimap", "dwi", model="trace", param="md")
    mean = viewed(outputs).maps[1]

    codes = np.frombuffer(zlib.decompress(base64.b64decode(mean.data)), np.uint8)
    assert mean.unit == "µm²/ms"
    assert np.median(codes) * mean.top / 255 == pytest.approx(0.9, abs=mean.top / 510)
