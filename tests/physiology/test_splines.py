import mne
import numpy as np
import pytest

from motor_bids_app.physiology.montage import on_sphere, plain_name, template_places
from motor_bids_app.physiology.splines import spline_weights

NAMES = mne.channels.make_standard_montage("biosemi32").ch_names


@pytest.fixture(scope="module")
def theirs():
    """A smooth field on 32 electrodes of a sphere, of which MNE has interpolated two."""
    montage = mne.channels.make_standard_montage("biosemi32")
    points = np.array([montage.get_positions()["ch_pos"][name] for name in NAMES])
    rng = np.random.default_rng(0)
    places = points / np.linalg.norm(points, axis=1, keepdims=True)
    field = places @ rng.standard_normal((3, 50)) + (places**2) @ rng.standard_normal((3, 50))
    info = mne.create_info(NAMES, 100.0, "eeg", verbose="ERROR").set_montage(montage)
    info["bads"] = ["C3", "O1"]
    raw = mne.io.RawArray(field, info, verbose="ERROR")
    raw.interpolate_bads(verbose="ERROR")
    return places, field, raw.get_data()


def test_interpolation_agrees_with_mne(theirs):
    places, field, expected = theirs
    bad = [NAMES.index(name) for name in ("C3", "O1")]
    good = [k for k in range(32) if k not in bad]

    own = spline_weights(places[good], places[bad]) @ field[good]

    np.testing.assert_allclose(own, expected[bad], atol=0.02 * field.std())


def test_a_constant_and_known_places_are_kept(theirs):
    places, field, _ = theirs

    weights = spline_weights(places, places[:3])

    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-9)
    np.testing.assert_allclose(weights @ field, field[:3], atol=0.05 * field.std())


def test_places_by_name_are_where_the_system_has_them():
    left, right, front, vertex, unknown = template_places(["C3", "EEG C4-Ref", "Fpz", "CZ", "X7"])

    assert left[0] < -0.4 < 0.4 < right[0]
    assert front[1] > 0.8
    assert vertex[2] > 0.95
    assert np.isnan(unknown).all()


@pytest.mark.parametrize(
    ("name", "plain"), [("EEG Fp1-LE", "Fp1"), ("Cz..", "Cz"), ("T7", "T7"), ("REF", "REF")]
)
def test_what_exporters_add_to_names_is_taken_away(name, plain):
    assert plain_name(name) == plain


def test_a_shifted_head_gives_the_same_directions():
    places = template_places(NAMES)

    np.testing.assert_allclose(on_sphere(0.09 * places + [0.01, 0.02, 0.04]), places, atol=1e-6)
