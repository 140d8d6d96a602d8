"""Which way places of electrodes are turned, judged by the standard caps of MNE."""

import mne
import numpy as np
import pytest

from motor_bids_app.physiology.montage import template_places
from motor_bids_app.physiology.placement import declared_axes, names_that_fit, place_electrodes

NAMES = ("Fp1", "Fp2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2", "T7", "T8", "Cz", "Pz", "Fz")
TURNS = {
    "nose along x": np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1]]),
    "nose along -y": np.diag([-1, -1, 1]),
    "up along y": np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]]),
}


def cap(kind="colin27_1005", names=None):
    points = mne.channels.make_standard_montage(kind).get_positions()["ch_pos"]
    chosen = names or list(points)
    return chosen, np.array([points[name] for name in chosen])


def degrees(places, others):
    return np.degrees(np.arccos(np.clip((places * others).sum(axis=1), -1, 1)))


@pytest.mark.parametrize("turn", TURNS.values(), ids=TURNS.keys())
@pytest.mark.parametrize("axes", [None, "RAS"])
def test_names_tell_how_places_are_turned_whatever_is_declared(turn, axes):
    names, points = cap(names=NAMES)

    placed = place_electrodes(points @ turn.T, names, axes)

    assert degrees(placed.places, template_places(names)).max() < 25
    assert "turned" in placed.note


def test_places_as_they_should_be_are_left_alone_and_nothing_is_said():
    names, points = cap(names=NAMES)

    placed = place_electrodes(points, names, "RAS")

    assert placed.note is None
    assert degrees(placed.places, template_places(names)).max() < 25


def test_mirrored_places_are_left_out_for_names():
    names, points = cap(names=NAMES)

    placed = place_electrodes(points * [-1, 1, 1], names, "RAS")

    assert "mirror" in placed.note
    assert placed.places[names.index("C3")][0] < 0


@pytest.mark.parametrize("turn", TURNS.values(), ids=TURNS.keys())
def test_fiducials_tell_where_names_are_of_another_system(turn):
    names, points = cap("GSN-HydroCel-64_1.0")
    ears = {"NAS": (0, 0.1, 0), "LPA": (-0.08, 0, 0), "RPA": (0.08, 0, 0)}
    landmarks = {name: turn @ np.array(place) for name, place in ears.items()}

    placed = place_electrodes(points @ turn.T, names, None, landmarks)

    expected = place_electrodes(points, names, "RAS").places
    assert degrees(placed.places, expected).max() < 20


def test_electrodes_at_the_eyes_tell_where_nothing_else_does():
    names, points = cap("GSN-HydroCel-64_1.0")
    names, points = [*names, "eye"], np.vstack([points, [0.01, 0.09, -0.01]])
    turn = TURNS["nose along x"]

    placed = place_electrodes(points @ turn.T, names, None, eyes=[len(names) - 1])

    expected = place_electrodes(points, names, "RAS").places
    assert degrees(placed.places, expected).max() < 1


def test_places_that_nothing_tells_are_left_out_and_it_is_said():
    names, points = cap("GSN-HydroCel-64_1.0")

    placed = place_electrodes(points, names, None)

    assert np.isnan(placed.places).all()
    assert "EEGCoordinateSystem" in placed.note


def test_a_declared_system_turns_places_without_names():
    names, points = cap("GSN-HydroCel-64_1.0")
    turned = points[:, [1, 0, 2]] * [1, -1, 1]  # x to the nose, y to the left ear

    placed = place_electrodes(turned, names, declared_axes("EEGLAB", ""))

    expected = place_electrodes(points, names, "RAS").places
    assert degrees(placed.places, expected).max() < 1


@pytest.mark.parametrize(
    ("system", "text", "axes"),
    [
        ("CapTrak", "", "RAS"),
        ("EEGLAB", "", "ALS"),
        ("MNI152NLin2009cAsym", "", "RAS"),
        ("Other", "digitised in RAS, metres", "RAS"),
        ("Other", "RAS of the head or LPS of the scanner", None),
        ("Other", "as exported", None),
        ("", "", None),
    ],
)
def test_axes_are_those_that_are_declared(system, text, axes):
    assert declared_axes(system, text) == axes


def test_names_of_another_system_are_not_believed():
    names, points = cap("biosemi128")  # its C3 lies right of the middle, in front
    places = place_electrodes(points, names, "RAS").places

    fits = dict(zip(names, names_that_fit(names, places), strict=True))

    assert not fits["C3"]
    assert not fits["C4"]


def test_names_of_a_measured_cap_are_believed():
    names, points = cap(names=NAMES)
    noisy = points + 0.005 * np.random.default_rng(0).standard_normal(points.shape)

    places = place_electrodes(noisy, names, "RAS").places

    assert names_that_fit(names, places).all()
    assert names_that_fit(names, np.full((len(names), 3), np.nan)).all()
