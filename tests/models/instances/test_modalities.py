import numpy as np
import pytest

from motor_bids_app.errors import IncompatibleModelError, UsageError
from motor_bids_app.features.instances import Instances
from motor_bids_app.features.recordings import SIGNALS, RecordedWindows
from motor_bids_app.models.instances.modalities import SignalModality, SliceModality, pictures

STILL, UPRIGHT = np.zeros(1), np.ones(1)


def blob(shape=(20, 30), centre=(5, 20)):
    x, y = np.indices(shape)
    return np.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / 8)[None].astype(np.float32)


def middle(picture):
    """Centre of mass in pixels."""
    weight = picture / picture.sum()
    return [float((weight * place).sum()) for place in np.indices(picture.shape)]


def test_a_picture_is_square_and_keeps_proportions():
    picture = pictures(blob(), 60, STILL, UPRIGHT)[0].numpy()

    # The 30 voxels fill 60 pixels; the 20 lie in the middle of them.
    assert picture.shape == (60, 60)
    np.testing.assert_allclose(middle(picture), [(5.5 + 5) * 2 - 0.5, 20.5 * 2 - 0.5], atol=0.1)


def test_a_slice_in_its_own_size_is_not_changed():
    square = blob((30, 30))

    np.testing.assert_allclose(pictures(square, 30, STILL, UPRIGHT), square, atol=1e-5)


def test_a_quarter_turn_is_a_quarter_turn():
    square = blob((30, 30))

    turned = pictures(square, 30, np.array([np.pi / 2]), UPRIGHT)[0].numpy()

    np.testing.assert_allclose(np.sort(turned.ravel()), np.sort(square.ravel()), atol=1e-4)
    assert np.abs(turned - np.rot90(square[0])).max() < 1e-3 or (
        np.abs(turned - np.rot90(square[0], -1)).max() < 1e-3
    )


def test_mirroring_reverses_left_and_right_alone():
    mirrored = pictures(blob(), 60, STILL, -UPRIGHT)[0]

    np.testing.assert_allclose(
        mirrored, pictures(blob()[:, ::-1], 60, STILL, UPRIGHT)[0], atol=1e-5
    )


def test_training_slices_are_not_mirrored_unless_asked_for():
    many = np.repeat(blob(), 40, axis=0)
    still = {"size": 30, "rotation": 0.0, "brightness": 0.0}

    def sides(**changes):
        random = np.random.default_rng(0)
        prepared = SliceModality(**still, **changes).prepare(many, random).numpy()
        return {round(middle(picture)[0]) for picture in prepared}

    assert len(sides()) == 1
    assert len(sides(flip=True)) == 2


def test_rotation_and_brightness_stay_within_their_limits():
    square = np.repeat(blob((31, 31), (15, 25)), 200, axis=0)
    prepared = SliceModality(size=31).prepare(square, np.random.default_rng(0)).numpy()

    places = np.array([middle(picture) for picture in prepared]) - 15
    angles = np.rad2deg(np.arctan2(places[:, 0], places[:, 1]))
    assert 10 < np.abs(angles).max() < 15.5
    sums = prepared.sum(axis=(1, 2)) / square[0].sum()
    assert 0.79 < sums.min() < 0.85 < 1.15 < sums.max() < 1.21


def test_slices_to_predict_are_not_changed():
    still = SliceModality(size=30).prepare(blob((30, 30)), None)

    np.testing.assert_allclose(still, blob((30, 30)), atol=1e-5)


@pytest.mark.parametrize(
    ("channels", "rate", "message"),
    [
        (("eeg C3",), 64.0, "these lack eeg C4"),
        (("eeg C3", "eeg C4", "emg M"), 64.0, "these have others too"),
        (("eeg C3", "eeg C4"), 32.0, "at 32 Hz"),
    ],
)
def test_windows_that_differ_from_those_learned_from_are_refused(channels, rate, message):
    def instances(names, hertz):
        windows = [np.zeros((1, len(names), 128), np.float16)]
        return Instances.of(RecordedWindows(windows, names, hertz))

    modality = SignalModality()
    facts = modality.facts(instances(("eeg C3", "eeg C4"), 64.0))

    with pytest.raises(IncompatibleModelError, match=message):
        modality.check(instances(channels, rate), facts)


def test_a_step_longer_than_the_window_is_explained():
    with pytest.raises(UsageError, match="2 s has 0 steps of 4 s"):
        SignalModality(step=4).network({"channels": ["a"], "rate": 64.0, "n_samples": 128}, 2)


def test_the_names_of_modalities_are_those_of_instances():
    assert SignalModality.name == SIGNALS
