"""Recordings of known content."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from motor_bids_app.physiology.recording import Event, Recording
from motor_bids_app.simulation.electrophysiology import (
    EEG_CHANNELS,
    EMG_CHANNELS,
    MAINS,
    places,
    record,
)

RATE, SECONDS = 250, 60


def simulated(seed=0, capacity=0.8, lesion_side=None, rate=RATE, seconds=SECONDS):
    """EEG, EMG and truth of a simulated person."""
    made = record(
        capacity, lesion_side, seconds=seconds, rate=rate, rng=np.random.default_rng(seed)
    )
    events = tuple(Event(onset=o, duration=d, kind=k) for o, d, k in made.events)
    eeg = Recording(
        signals=made.eeg,
        rate=rate,
        names=EEG_CHANNELS,
        kinds=("eeg",) * 16,
        places=places(),
        events=events,
        mains=MAINS,
    )
    emg = Recording(
        signals=made.emg,
        rate=rate,
        names=EMG_CHANNELS,
        kinds=("emg",) * 6,
        events=events,
        mains=MAINS,
    )
    return eeg, emg, made.truth


def alive(**choices):
    """The first simulated person without a dead channel or a movement."""
    for seed in range(60):
        eeg, emg, truth = simulated(seed, **choices)
        if not any(truth["dead_channels"].values()) and not truth["movements"]:
            return eeg, emg, truth
    raise AssertionError("every recording has a fault")


def spoiled(recording, name, signal):
    """The recording with another signal in one channel."""
    signals = recording.signals.copy()
    signals[recording.names.index(name)] = signal
    return replace(recording, signals=signals)


@pytest.fixture(scope="session")
def person():
    """EEG, EMG and truth of one simulated person, without a fault of the recording."""
    return alive()


@pytest.fixture(scope="session")
def draw():
    """Functions that simulate: any person, one without faults; and one that spoils a channel."""
    return SimpleNamespace(any=simulated, alive=alive, spoiled=spoiled)
