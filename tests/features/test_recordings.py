import numpy as np
import pytest

from motor_bids_app.features.instances import Instances
from motor_bids_app.features.recordings import RecordedWindows, mirrored_name, normalised_windows

CHANNELS = ("eeg C3", "eeg C4", "emg soleus_L")


def windows(seed=0, scale=1.0):
    return scale * np.random.default_rng(seed).normal(3, 2, size=(5, 3, 200))


def test_windows_have_zero_mean_and_unit_variance_by_kind():
    normed = normalised_windows(windows(), CHANNELS).astype(float)

    np.testing.assert_allclose(normed.mean(axis=2), 0, atol=1e-3)
    np.testing.assert_allclose(normed[:, :2].std(axis=(1, 2)), 1, atol=1e-3)
    np.testing.assert_allclose(normed[:, 2].std(axis=1), 1, atol=1e-3)


def test_units_do_not_matter():
    volts = windows() * np.array([1e-6, 1e-6, 1e-3])[:, None]

    np.testing.assert_allclose(
        normalised_windows(volts, CHANNELS), normalised_windows(windows(), CHANNELS), atol=2e-3
    )


def test_which_hemisphere_is_stronger_is_kept():
    data = windows()
    data[:, 0] *= 3

    normed = normalised_windows(data, CHANNELS).astype(float)

    ratio = normed[:, 0].std(axis=1) / normed[:, 1].std(axis=1)
    np.testing.assert_allclose(ratio, data[:, 0].std(axis=1) / data[:, 1].std(axis=1), rtol=1e-2)


def test_a_kind_without_any_signal_is_0_and_not_nan():
    data = windows()
    data[:, 2] = 7

    assert not normalised_windows(data, CHANNELS)[:, 2].any()


@pytest.mark.parametrize("name", ["eeg C3", "eeg FC6", "eeg CP1", "eeg Cz", "emg tibialis_L"])
def test_mirroring_a_name_twice_gives_it_back(name):
    assert mirrored_name(mirrored_name(name)) == name


def test_scans_without_windows_have_no_instances():
    found = [normalised_windows(windows(), CHANNELS), np.zeros((0, 3, 200), np.float16)]

    instances = Instances.of(RecordedWindows(found, CHANNELS, 100.0))

    assert instances.counts.tolist() == [5, 0]
    np.testing.assert_array_equal(instances.read([4])[0], found[0][4].astype(np.float32))
