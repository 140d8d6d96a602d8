"""What a saved fusion is given of one scan."""

import numpy as np
import pytest

from motor_bids_app.bids.derived import index_derivatives
from motor_bids_app.errors import DataError
from motor_bids_app.features.recordings import SIGNALS
from motor_bids_app.features.slices import SLICES
from motor_bids_app.levels.cohort.instances import instance_digests, instances_of_scan
from motor_bids_app.levels.cohort.signal_windows import SignalPlan, signal_instances

from ..fusion_cohort import RATE, write_bold, write_epochs

pytest.importorskip("mne")
NOT_FLIPPED = np.zeros(1, dtype=bool)


def given(folder, channels, *, bold):
    """Instances of one scan for a model of some channels, and what it is told to lack."""
    home, rng = folder / "sub-01", np.random.default_rng(0)
    write_epochs(home, "sub-01", 0.0, rng)
    if bold:
        write_bold(home, "sub-01", 0.0, rng)
    (scan,) = index_derivatives(folder)
    plan = SignalPlan(channels=channels, rate=RATE, n_samples=200)
    return instances_of_scan({SIGNALS: plan.to_json()}, (SIGNALS, SLICES), scan, NOT_FLIPPED)


def test_recordings_that_lack_a_channel_count_as_none_beside_bold(tmp_path):
    instances, said = given(tmp_path, ("eeg C3", "eeg P7"), bold=True)

    assert instances[SIGNALS].size == 0
    assert instances[SLICES].size > 0
    assert "sub-01 has no good eeg P7" in said[0]
    assert said[1] == "no EEG and EMG: predicted from bold alone"


def test_without_bold_a_lacking_channel_is_an_error(tmp_path):
    with pytest.raises(DataError, match="sub-01 has no good eeg P7"):
        given(tmp_path, ("eeg C3", "eeg P7"), bold=False)


def test_whole_recordings_are_given_as_they_are(tmp_path):
    instances, said = given(tmp_path, ("eeg C3", "emg soleus_L"), bold=True)

    assert instances[SIGNALS].read().shape[1:] == (2, 200)
    assert said == ()


def test_a_recording_under_two_names_is_recognised(tmp_path):
    plan = SignalPlan(channels=("eeg C3", "eeg C4"), rate=RATE, n_samples=200)
    for number, seed in enumerate((0, 1, 0)):
        write_epochs(tmp_path / f"sub-{number}", f"sub-{number}", 0.0, np.random.default_rng(seed))
    scans = index_derivatives(tmp_path)
    instances = {
        SIGNALS: signal_instances(scans, np.zeros(3, dtype=bool), plan, tmp_path)[[2, 1, 0]]
    }

    owners = instance_digests(instances, ["third", "second", "first"])

    assert sorted(owners.values()) == [["second"], ["third", "first"]]
