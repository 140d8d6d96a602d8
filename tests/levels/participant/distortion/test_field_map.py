import json
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.bids.field_map import FieldMap
from motor_bids_app.errors import DataError
from motor_bids_app.levels.participant.distortion.field_map import field_by_map
from motor_bids_app.levels.participant.distortion.images import read_field_map
from motor_bids_app.mri.distortion.susceptibility import unwarp
from motor_bids_app.spaces.templates import load_template

READOUT, ECHOES = 0.008, 2.46e-3  # s
AXIS, PEAK = 1, 2.0  # voxels; 250 Hz at this readout, while phase wraps at 203 Hz
TURN = nib.affines.from_matvec(
    [[np.cos(0.1), -np.sin(0.1), 0], [np.sin(0.1), np.cos(0.1), 0], [0, 0, 1]], [4.0, -6, 3]
)


@pytest.fixture(scope="module")
def brain():
    return np.asarray(load_template("brain", 4).dataobj) > 0


@pytest.fixture(scope="module")
def bend(brain):
    """Displacement in voxels: strong in the forehead, smooth elsewhere."""
    places = np.moveaxis(np.indices(brain.shape), 0, -1) - [23, 42, 20]
    return (PEAK * np.exp(-np.square(places).sum(axis=-1) / (2 * 5**2))).astype(np.float32)


@pytest.fixture
def scan(tmp_path, brain, bend):
    """Return a function that writes the map of a field, and gives b0 image, map and sidecar."""

    def scan(kind="phasediff", direction="j", own=None, sidecar=None):
        template = load_template("T1w", 4)
        signal = np.where(brain, 1200 - 700 * np.asarray(template.dataobj), 0)
        b0 = nib.Nifti1Image(unwarp(signal.astype(np.float32), -bend, AXIS), template.affine)
        hertz = bend / READOUT * (-1 if direction == "j-" else 1)
        rng = np.random.default_rng(0)
        real, imaginary = rng.normal(0, 8, (2, *brain.shape))
        turned = signal * np.exp(2j * np.pi * hertz * ECHOES)
        phase = np.angle(turned + real + 1j * imaginary)
        values = {"phasediff": np.round(phase * 2048 / np.pi + 2047.5), "fieldmap": hertz}[kind]
        metadata = {
            "phasediff": {"EchoTime1": 4.92e-3, "EchoTime2": 4.92e-3 + ECHOES},
            "fieldmap": {"Units": "Hz"},
        }[kind]
        affine = TURN @ template.affine  # the head lay otherwise
        paths = [tmp_path / f"{name}.nii.gz" for name in (kind, "magnitude")]
        for path, image in zip(paths, (values, signal), strict=True):
            nib.save(nib.Nifti1Image(image.astype(np.float32), affine), path)
        own = own or {"PhaseEncodingDirection": direction, "TotalReadoutTime": READOUT}
        written = metadata if sidecar is None else sidecar
        (tmp_path / f"{kind}.json").write_text(json.dumps(written))
        field_map = FieldMap(
            kind=kind,
            images=(paths[0],),
            sidecars=((tmp_path / f"{kind}.json",),),
            magnitude=paths[1],
        )
        return b0, field_map, own

    return scan


@pytest.mark.parametrize("direction", ["j", "j-"])
def test_phase_beyond_the_wraps_gives_the_displacement(scan, brain, bend, direction):
    field = field_by_map(*_arguments(scan(direction=direction)))

    strong = brain & (bend > 0.5)
    assert np.abs(field - bend)[strong].mean() < 0.15 * bend[strong].mean()
    assert field[strong].max() > 0.8 * PEAK
    assert np.abs(field - bend)[brain].mean() < 0.15


def test_a_field_in_hertz_gives_the_displacement(scan, brain, bend):
    field = field_by_map(*_arguments(scan("fieldmap")))

    strong = brain & (bend > 0.5)
    assert np.abs(field - bend)[strong].mean() < 0.15 * bend[strong].mean()


def test_the_echo_spacing_stands_in_for_the_readout_time(scan, brain, bend):
    lines = brain.shape[AXIS]
    own = {"PhaseEncodingDirection": "j", "EffectiveEchoSpacing": READOUT / (lines - 1)}

    field = field_by_map(*_arguments(scan("fieldmap", own=own)))

    assert field[brain].max() == pytest.approx(PEAK, rel=0.2)


@pytest.mark.parametrize(
    ("kind", "changes", "words"),
    [
        ("fieldmap", {"sidecar": {}}, "no Units"),
        ("phasediff", {"sidecar": {"EchoTime1": 0.005}}, "times of both echoes"),
        ("phasediff", {"sidecar": {"EchoTime1": 4.92, "EchoTime2": 7.38}}, "2.46 s between"),
        ("fieldmap", {"own": {"TotalReadoutTime": 0.05}}, "PhaseEncodingDirection"),
        ("fieldmap", {"own": {"PhaseEncodingDirection": "j"}}, "TotalReadoutTime .* not known"),
        ("fieldmap", {"own": {"PhaseEncodingDirection": "j", "TotalReadoutTime": 50}}, "is 50"),
    ],
)
def test_what_is_missing_is_said(scan, kind, changes, words):
    with pytest.raises(DataError, match=words):
        field_by_map(*_arguments(scan(kind, **changes)))


def test_a_magnitude_of_another_shape_is_refused(scan, tmp_path):
    _, found, _ = scan("fieldmap")
    other = tmp_path / "other.nii.gz"
    nib.save(nib.Nifti1Image(np.ones((9, 9, 9), np.float32), np.eye(4)), other)

    with pytest.raises(DataError, match="another shape"):
        read_field_map(replace(found, magnitude=other))


def test_a_magnitude_that_shows_nothing_of_the_series_is_refused_in_words_of_its_own(scan):
    _, found, _ = written = scan("fieldmap")
    image = nib.load(found.magnitude)
    noise = np.random.default_rng(0).normal(1000, 200, image.shape).astype(np.float32)
    nib.save(nib.Nifti1Image(noise, image.affine), found.magnitude)

    with pytest.raises(DataError, match="hardly fit those of the series") as told:
        field_by_map(*_arguments(written))

    assert "head image" not in str(told.value)


def _arguments(written):
    b0, field_map, own = written
    return b0, AXIS, read_field_map(field_map), own
