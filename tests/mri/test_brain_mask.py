import os
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from motor_bids_app.errors import EmptyRegionError
from motor_bids_app.mri import brain_mask
from motor_bids_app.mri.brain_mask import extract_brain
from motor_bids_app.spaces.templates import load_template


def dice(one, other):
    return 2 * (one & other).sum() / (one.sum() + other.sum())


@pytest.fixture(scope="module")
def truth():
    return np.asarray(load_template("brain", 3).dataobj) > 0


@pytest.fixture(scope="module")
def stripped(truth):
    """The template's brain on exact zeros."""
    brain = load_template("T1w", 3)
    values = np.where(truth, 600 * np.asarray(brain.dataobj) + 30, 0)
    return nib.Nifti1Image(values.astype(np.float32), brain.affine)


@pytest.fixture(scope="module")
def head(stripped, truth):
    """The same brain in dark bone and bright scalp, with noise in the air."""
    away = ndimage.distance_transform_edt(~truth, sampling=3.0)
    shell = np.select([away == 0, away < 4, away < 9, away < 15], [0, 150, 40, 500], 5)
    values = np.asarray(stripped.dataobj) + shell
    noisy = np.abs(values + np.random.default_rng(0).normal(0, 12, values.shape))
    return nib.Nifti1Image(noisy.astype(np.float32), stripped.affine)


@pytest.fixture
def no_network(monkeypatch):
    monkeypatch.setattr(brain_mask, "segment_brain", lambda values: np.zeros(values.shape, bool))


def test_a_stripped_image_keeps_its_support(stripped, truth, no_network):
    found = np.asarray(extract_brain(stripped).dataobj) > 0

    np.testing.assert_array_equal(found, truth)


def test_dark_fluid_inside_a_stripped_brain_belongs_to_it(stripped, truth, no_network):
    values = np.array(stripped.dataobj)
    values[28:33, 36:40, 26:30] = 0

    found = extract_brain(nib.Nifti1Image(values, stripped.affine))

    np.testing.assert_array_equal(np.asarray(found.dataobj) > 0, truth)


@pytest.mark.parametrize("axes", ["LAS", "PSR", "SLP"])
def test_the_mask_is_on_the_grid_of_the_image(stripped, truth, axes, no_network):
    turn = nib.orientations.ornt_transform(
        nib.io_orientation(stripped.affine), nib.orientations.axcodes2ornt(axes)
    )
    expected = nib.Nifti1Image(truth.astype(np.uint8), stripped.affine).as_reoriented(turn)

    found = extract_brain(stripped.as_reoriented(turn))

    np.testing.assert_array_equal(found.affine, expected.affine)
    np.testing.assert_array_equal(found.dataobj, expected.dataobj)


def test_a_head_on_exact_zeros_is_not_taken_for_a_stripped_brain(head, truth, monkeypatch):
    values = np.asarray(head.dataobj).copy()
    away = ndimage.distance_transform_edt(~truth, sampling=3.0)
    values[away >= 15] = 0
    asked = []
    monkeypatch.setattr(brain_mask, "segment_brain", lambda v: asked.append(1) or truth)

    extract_brain(nib.Nifti1Image(values, head.affine))

    assert asked


def test_the_template_helps_out_where_the_network_sees_no_brain(head, truth, no_network):
    found = np.asarray(extract_brain(head).dataobj) > 0

    assert dice(found, truth) > 0.85


def test_an_image_without_brain_is_refused(no_network):
    values = np.random.default_rng(0).random((30, 30, 30)).astype(np.float32)

    with pytest.raises(EmptyRegionError, match="No brain was found"):
        extract_brain(nib.Nifti1Image(values, np.eye(4)))


@pytest.mark.slow
def test_the_network_finds_the_brain_of_a_real_head(test_data):
    head = nib.load(test_data / "t1head_2mm" / "T1_head_2mm.nii.gz")

    found = np.asarray(extract_brain(head).dataobj) > 0

    litres = found.sum() * 8 / 1e6
    assert litres == pytest.approx(1.55, abs=0.1)  # judged by eye
    assert ndimage.label(found)[1] == 1
    inside = np.asarray(head.dataobj)[ndimage.binary_erosion(found, iterations=3)]
    assert (inside > 0.2 * np.percentile(inside, 90)).mean() > 0.97  # no bone, no air


@pytest.mark.slow
def test_the_network_needs_no_writable_home_and_no_torchvision(tmp_path):
    program = (
        "import sys; sys.modules['torchvision'] = None\n"
        "import numpy as np\n"
        "from motor_bids_app.mri.brain_network import segment_brain\n"
        "print(segment_brain(np.ones((32, 32, 32), np.float32)).any())\n"
    )
    environment = {**os.environ, "HOME": "/nonexistent", "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-B", "-c", program], env=environment, capture_output=True, text=True
    )

    assert done.stdout.strip() == "False", done.stderr
    assert not list(tmp_path.iterdir())
