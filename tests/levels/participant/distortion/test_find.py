"""A head whose field bends bold and a pair of spin echoes that are read at another speed."""

import json

import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.bids.field_map import FieldMap
from motor_bids_app.bids.reverse_phase import ReversePhase
from motor_bids_app.levels.participant.distortion.find import find_field
from motor_bids_app.levels.participant.distortion.images import read_distortion_images
from motor_bids_app.mri.distortion.susceptibility import unwarp
from motor_bids_app.spaces.templates import load_template

AXIS = 1
TEMPLATE = load_template("T1w", 4)
BRAIN = np.asarray(load_template("brain", 4).dataobj) > 0
ECHO = np.where(BRAIN, 1200 - 700 * np.asarray(TEMPLATE.dataobj), 0).astype(np.float32)
# The gradient echo has another contrast, and has lost its signal where the field changes most.
PLACES = np.moveaxis(np.indices(BRAIN.shape), 0, -1) - [23, 42, 20]
HERTZ = (40 * np.exp(-np.square(PLACES).sum(axis=-1) / (2 * 5**2))).astype(np.float32)
BOLD = np.where(BRAIN, 300 + 600 * np.asarray(TEMPLATE.dataobj), 0) * (1 - 0.012 * HERTZ)
READOUT = {"bold": 0.05, "epi": 0.03}  # s


def bent(signal, readout, sign=1):
    """Image of what lies in the field, by an image of this readout time."""
    return unwarp(signal.astype(np.float32), -sign * readout * HERTZ, AXIS)


@pytest.fixture
def write(tmp_path):
    """Write an image with its sidecar, and return what the index would say of it."""

    def write(name, signal, sidecar, **further):
        path = tmp_path / f"{name}.nii.gz"
        nib.save(nib.Nifti1Image(signal, TEMPLATE.affine), path)
        (tmp_path / f"{name}.json").write_text(json.dumps(sidecar))
        return ReversePhase(path=path, sidecars=(tmp_path / f"{name}.json",), **further)

    return write


def told(direction, readout):
    return {"PhaseEncodingDirection": direction, "TotalReadoutTime": readout}


def off(field):
    """Mean error of a field where it is strong, relative to the true one."""
    true = READOUT["bold"] * HERTZ
    strong = BRAIN & (true > 0.7)
    return np.abs(field - true)[strong].mean() / true[strong].mean()


def found(reverse, notes, field_map=None):
    series = nib.Nifti1Image(bent(BOLD, READOUT["bold"]), TEMPLATE.affine)
    own = told("j", READOUT["bold"])
    images = read_distortion_images(series, own, reverse, field_map)
    return find_field(series, own, images, notes)


@pytest.fixture
def pair(write):
    """Return a function that writes a pair of spin echoes of given readout times."""

    def pair(up, down):
        partner = write("up", bent(ECHO, 0.03), told("j", up))
        return write("down", bent(ECHO, 0.03, -1), told("j-", down), partner=partner)

    return pair


@pytest.fixture
def field_map(write):
    return FieldMap(
        kind="fieldmap",
        images=(write("map", HERTZ, {"Units": "Hz"}).path,),
        sidecars=(write("map", HERTZ, {"Units": "Hz"}).sidecars,),
        magnitude=write("magnitude", ECHO, {}).path,
    )


def test_a_pair_of_another_contrast_and_readout_gives_the_field_of_the_bold(pair):
    notes = []

    field = found(pair(0.03, 0.03), notes)

    assert (field.by, notes) == ("pair", [])
    assert off(field.field) < 0.25


def test_bold_of_the_other_phase_encoding_is_a_pair_with_the_bold_itself(write):
    readout, notes = READOUT["bold"], []
    series = np.repeat(bent(BOLD, readout, -1)[..., None], 25, axis=3)

    field = found(write("down", series, told("j-", readout)), notes)

    assert (field.by, notes) == ("pair", [])
    assert off(field.field) < 0.25


@pytest.mark.parametrize(
    ("up", "down", "words"),
    [
        (0.03, 0.05, "readout takes 0.05 s"),  # told when it is read
        (3.0, 3.0, "TotalReadoutTime of the series is 3"),  # and while it is computed
    ],
)
def test_instead_of_a_pair_that_cannot_be_used_the_field_map_is_and_the_pair_is_said(
    pair, field_map, up, down, words
):
    alone, beside = [], []

    assert found(pair(up, down), alone) is None
    field = found(pair(up, down), beside, field_map)

    assert [words in notes[0] for notes in (alone, beside)] == [True, True]
    assert beside[0].startswith("down.nii.gz was not used")
    assert field.by == "map"
    assert off(field.field) < 0.25


def test_a_field_map_that_is_broken_is_not_said_where_the_pair_served(pair, field_map):
    field_map.images[0].write_bytes(b"lost")
    notes = []

    field = found(pair(0.03, 0.03), notes, field_map)

    assert (field.by, notes) == ("pair", [])
