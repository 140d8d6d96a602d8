from dataclasses import replace

import numpy as np
import pytest

from motor_bids_app.errors import DataError
from motor_bids_app.physiology.channels import bad_segments, find_bad
from motor_bids_app.physiology.filters import clean_band
from motor_bids_app.physiology.recording import Event, Recording, check_signals


def filtered(recording):
    band = (20.0, 0.45 * recording.rate) if "emg" in recording.kinds else (1.0, 45.0)
    return replace(recording, signals=clean_band(recording.signals, recording.rate, band, []))


def faults(recording):
    return find_bad(filtered(recording), recording.signals)


def test_good_recordings_have_no_bad_channel(person):
    eeg, emg, _ = person

    assert faults(eeg) == {}
    assert faults(emg) == {}


@pytest.mark.parametrize("seed", range(6))
def test_dead_channels_are_found_and_no_others(draw, seed):
    eeg, emg, truth = draw.any(seed)

    assert [*faults(eeg)] == truth["dead_channels"]["eeg"]
    assert [*faults(emg)] == truth["dead_channels"]["emg"]


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda x: 0 * x + 7, "flat"),
        (lambda x: np.clip(x, -3, 3), "clipped"),
        (lambda x: 60 * x, "far louder"),
        (lambda x: np.random.default_rng(0).permutation(x), "no other channel"),
    ],
)
def test_each_fault_of_a_channel_is_named(person, draw, spoil, reason):
    eeg = person[0]
    broken = draw.spoiled(eeg, "P4", spoil(eeg.signals[eeg.names.index("P4")]))

    assert reason in faults(broken)["P4"]
    assert len(faults(broken)) == 1


def test_channels_declared_bad_are_bad(person):
    assert faults(replace(person[0], bad=("F3",))) == {"F3": "declared bad"}


def test_a_movement_is_bad_and_the_rest_is_good(person):
    eeg = filtered(person[0])
    wild = eeg.signals.copy()
    start = round(30.2 * eeg.rate)
    wild[:, start : start + 100] += 2000 * np.hanning(100)

    flags = bad_segments(replace(eeg, signals=wild), set())

    assert flags[30]
    assert flags.sum() <= 2 + bad_segments(eeg, set()).sum()


def test_what_events_call_bad_is_bad(person):
    marked = replace(person[1], events=(Event(onset=3.5, duration=2, kind="BAD_move"),))

    assert np.flatnonzero(bad_segments(marked, set())).tolist() == [3, 4, 5]


def recording(signals, kind="eeg"):
    names = tuple(f"E{k}" for k in range(len(signals)))
    return Recording(signals=signals, rate=100.0, names=names, kinds=(kind,) * len(names))


NOISE = 10 * np.random.default_rng(0).standard_normal((4, 1000))


@pytest.mark.parametrize(
    ("signals", "message"),
    [
        (NOISE * 1e6, "microvolts are taken for volts"),
        (NOISE * 1e-6, "volts for microvolts"),
        (NOISE * [[1], [1], [1e6], [1]], "E2 .* units of V and uV seem mixed"),
        (NOISE * [[1], [1], [1e-6], [1]], "E2 .* units of V and uV seem mixed"),
        (NOISE[:, :50], "lasts 0.5 s"),
        (np.where(np.arange(1000) == 5, np.nan, NOISE), "no numbers"),
    ],
)
def test_signals_of_no_human_being_are_refused(signals, message):
    with pytest.raises(DataError, match=message):
        check_signals(recording(signals), "eeg")


def test_a_kind_that_is_not_there_is_named():
    with pytest.raises(DataError, match=r"no EMG channel .*known type: eeg"):
        recording(NOISE).pick("emg")


def test_millivolts_taken_for_volts_are_found_in_one_muscle_and_in_all(person):
    emg = person[1]
    one = np.where(np.array(emg.names)[:, None] == "FDS_R", 1000, 1) * emg.signals

    assert [*faults(replace(emg, signals=one))] == ["FDS_R"]
    assert "which no muscle gives" in faults(replace(emg, signals=one))["FDS_R"]
    assert len(faults(replace(emg, signals=1000 * emg.signals))) == len(emg.names)


def test_a_loud_rhythm_that_neighbours_share_is_the_brain(person):
    eeg = person[0]
    time = np.arange(eeg.signals.shape[1]) / eeg.rate
    rhythm = 8 * eeg.signals.std() * np.sin(2 * np.pi * 10 * time)
    loud, near = 0, 1
    signals = eeg.signals.copy()
    signals[loud] += rhythm
    signals[near] += 0.5 * rhythm

    assert eeg.names[loud] not in faults(replace(eeg, signals=signals))
