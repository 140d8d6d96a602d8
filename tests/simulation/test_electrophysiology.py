import numpy as np
import pytest
from scipy import signal

from motor_bids_app.simulation.electrophysiology import EEG_CHANNELS, EMG_CHANNELS, record

RATE, SECONDS = 500, 120


def recorded(capacity, lesion_side="left", seed=0):
    rng = np.random.default_rng(seed)
    return record(capacity, lesion_side, seconds=SECONDS, rate=RATE, rng=rng)


def gripping(recording):
    grip = np.zeros(recording.eeg.shape[1], dtype=bool)
    for onset, duration, kind in recording.events:
        if kind == "grip":
            grip[int((onset + 0.5) * RATE) : int((onset + duration - 0.5) * RATE)] = True
    return grip


def coherence(recording, place, muscle):
    """Largest coherence of EEG with rectified EMG from 17 to 25 Hz while gripping."""
    grip = gripping(recording)
    eeg = recording.eeg[EEG_CHANNELS.index(place)][grip]
    emg = np.abs(recording.emg[EMG_CHANNELS.index(muscle)][grip])
    frequencies, values = signal.coherence(eeg, emg, RATE, nperseg=RATE)
    return values[(frequencies >= 17) & (frequencies <= 25)].mean()


def mu_power(recording, place, grip):
    eeg = recording.eeg[EEG_CHANNELS.index(place)][grip]
    frequencies, power = signal.welch(eeg, RATE, nperseg=2 * RATE)
    return power[(frequencies >= 9) & (frequencies <= 12)].mean()


@pytest.mark.parametrize(("place", "muscle"), [("C3", "FDS_R"), ("C4", "FDS_L")])
def test_healthy_hands_go_with_the_opposite_cortex(place, muscle):
    recording = alive(1.0, None)
    same = {"C3": "C4", "C4": "C3"}[place]

    # As in people: about 0.02 to 0.3 in the beta band.
    assert 0.1 < coherence(recording, place, muscle) < 0.3
    assert coherence(recording, place, muscle) > 2 * coherence(recording, same, muscle)


def alive(capacity, side="left"):
    """The first recording without a dead channel: seeds differ in nothing else that matters."""
    for seed in range(50):
        recording = recorded(capacity, side, seed)
        if not any(recording.truth["dead_channels"].values()):
            return recording
    raise AssertionError("every recording has a dead channel")


def test_lost_capacity_shows_in_the_limb_opposite_to_the_lesion():
    good, poor = alive(0.95), alive(0.05)

    assert coherence(poor, "C3", "FDS_R") < 0.5 * coherence(good, "C3", "FDS_R")
    flexor = EMG_CHANNELS.index("FDS_R")
    force = [recording.emg[flexor][gripping(recording)].std() for recording in (good, poor)]
    assert force[1] < 0.6 * force[0]
    healthy = EMG_CHANNELS.index("FDS_L")
    force = [recording.emg[healthy][gripping(recording)].std() for recording in (good, poor)]
    assert force[1] == pytest.approx(force[0], rel=0.1)


def test_lost_capacity_lessens_mu_suppression_over_the_lesion():
    def suppression(recording, place):
        grip = gripping(recording)
        return 1 - mu_power(recording, place, grip) / mu_power(recording, place, ~grip)

    assert suppression(alive(0.95), "C3") > suppression(alive(0.05), "C3") + 0.15


def test_mains_is_where_the_truth_says():
    recording = alive(0.5)
    frequencies, power = signal.welch(recording.eeg, RATE, nperseg=2 * RATE)

    peaks = frequencies[35 * 2 :][power[:, 35 * 2 : 70 * 2].argmax(axis=1)]
    assert (np.abs(peaks - recording.truth["mains"]) < 1).mean() > 0.8


def test_dead_channels_are_those_of_the_truth():
    found = 0
    for seed in range(8):
        recording = recorded(0.5, seed=seed)
        still = np.array(EEG_CHANNELS)[recording.eeg.std(axis=1) < 1]
        assert list(still) == recording.truth["dead_channels"]["eeg"]
        found += len(still)
    assert 0 < found < 8


def test_blinks_are_large_in_front_and_small_behind():
    recording = alive(0.5)
    front, back = (recording.eeg[EEG_CHANNELS.index(name)] for name in ("Fp1", "O1"))
    at = [int((onset + 0.175) * RATE) for onset in recording.truth["blinks"]]

    assert np.median(front[at]) > 80
    assert abs(np.median(back[at])) < 20
