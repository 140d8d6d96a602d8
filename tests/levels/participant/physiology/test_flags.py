"""A recording that is broken on purpose is flagged, and the whole one is not."""

from dataclasses import replace

import numpy as np
import pytest

from motor_bids_app.levels.participant.physiology.preprocess import preprocess_eeg, preprocess_emg
from motor_bids_app.physiology.recording import Event, Recording
from motor_bids_app.settings import PhysiologySettings, ProcessingSettings
from motor_bids_app.simulation.electrophysiology import (
    EEG_CHANNELS,
    EMG_CHANNELS,
    MAINS,
    places,
    record,
)

SETTINGS = ProcessingSettings(physiology=PhysiologySettings(ica=False))
RATE = 250


@pytest.fixture(scope="module")
def whole():
    """EEG and EMG of the first simulated person without a dead channel or a movement."""
    for seed in range(60):
        made = record(0.8, None, seconds=30, rate=RATE, rng=np.random.default_rng(seed))
        if not any(made.truth["dead_channels"].values()) and not made.truth["movements"]:
            break
    events = tuple(Event(onset=o, duration=d, kind=k) for o, d, k in made.events)
    common = {"rate": RATE, "events": events, "mains": MAINS}
    return {
        "eeg": Recording(
            signals=made.eeg, names=EEG_CHANNELS, kinds=("eeg",) * 16, places=places(), **common
        ),
        "emg": Recording(signals=made.emg, names=EMG_CHANNELS, kinds=("emg",) * 6, **common),
    }


def processed(kind, recording):
    return {"eeg": preprocess_eeg, "emg": preprocess_emg}[kind](recording, SETTINGS)


def dead(recording, row=2):
    signals = recording.signals.copy()
    signals[row] = 0
    return replace(recording, signals=signals)


def moved(recording):
    """A jerk that all channels share."""
    signals = recording.signals.copy()
    start, stop = 10 * RATE, 11 * RATE
    signals[:, start:stop] += 3000 * np.sin(np.linspace(0, 20, stop - start))
    return replace(recording, signals=signals)


def without_events(recording):
    return replace(recording, events=())


def without_places(recording):
    return replace(dead(recording), places=np.full((16, 3), np.nan))


NOTES = [
    ("eeg", dead, f"Bad EEG channels ({EEG_CHANNELS[2]}: flat)"),
    ("emg", dead, f"Bad EMG channels ({EMG_CHANNELS[2]}: flat)"),
    ("eeg", without_events, "The EEG has no events"),
    ("emg", without_events, "The EMG has no events"),
    ("eeg", without_places, "Places of electrodes are not known"),
]


@pytest.mark.parametrize(("kind", "spoil", "said"), NOTES)
def test_a_broken_recording_is_noted_and_a_whole_one_is_not(whole, kind, spoil, said):
    found, broken = (processed(kind, one) for one in (whole[kind], spoil(whole[kind])))

    assert not any(said in note for note in found.notes)
    assert any(said in note for note in broken.notes)


MEASURES = [
    ("eeg", dead, "bad_channels"),
    ("emg", dead, "bad_channels"),
    ("eeg", dead, "interpolated"),
    ("eeg", moved, "bad_share"),
    ("eeg", moved, "rejected"),
]


@pytest.mark.parametrize(("kind", "spoil", "measure"), MEASURES)
def test_a_measure_of_faults_rises_with_the_fault(whole, kind, spoil, measure):
    found, broken = (processed(kind, one) for one in (whole[kind], spoil(whole[kind])))
    (name,) = (name for name in found.quality if name.endswith(f"{kind}_{measure}"))

    assert found.quality[name] == 0
    assert broken.quality[name] > 0
