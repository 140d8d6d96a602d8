"""Time and quality of the cleaning of EEG and EMG: 9 min of 16 + 6 channels at 1 kHz.

Usage: python benchmarks/physiology.py. The limit: 20 s for both together on two cores, with
independent components. Quality is against the truth of the simulation.
"""

import os
import sys
import time

os.environ.setdefault("OMP_NUM_THREADS", "2")

import numpy as np

from motor_bids_app.features.signals import eeg_features, emg_features, muscle_coherence
from motor_bids_app.physiology.channels import samples_of
from motor_bids_app.physiology.cleaning import Cleaned, clean_eeg, clean_emg
from motor_bids_app.physiology.filters import clean_band
from motor_bids_app.physiology.recording import Array, Event, Recording
from motor_bids_app.physiology.windows import cut_windows
from motor_bids_app.settings import PhysiologySettings
from motor_bids_app.simulation.electrophysiology import (
    EEG_CHANNELS,
    EMG_CHANNELS,
    MAINS,
    places,
    record,
)

RATE, SECONDS, LIMIT = 1000, 540, 20.0
SETTINGS = PhysiologySettings()


def recordings(seed: int) -> tuple[Recording, Recording, dict]:
    """EEG, EMG and truth of one person."""
    made = record(0.6, "left", seconds=SECONDS, rate=RATE, rng=np.random.default_rng(seed))
    events = tuple(Event(onset=o, duration=d, kind=k) for o, d, k in made.events)
    common = {"rate": RATE, "events": events, "mains": MAINS}
    eeg = Recording(
        signals=made.eeg, names=EEG_CHANNELS, kinds=("eeg",) * 16, places=places(), **common
    )
    emg = Recording(signals=made.emg, names=EMG_CHANNELS, kinds=("emg",) * 6, **common)
    return eeg, emg, made.truth


def blink_size(signals: Array, rate: float, onsets: list[float]) -> float:
    """Mean size of the frontal channel in the middle of blinks, µV."""
    at = [round((onset + 0.175) * rate) for onset in onsets]
    return float(np.abs(signals[EEG_CHANNELS.index("Fp1"), at]).mean())


def report(eeg: Recording, cleaned: Cleaned, truth: dict) -> None:
    filtered = clean_band(eeg.signals, eeg.rate, cleaned.band, [50.0, 100.0])
    before = blink_size(filtered - filtered.mean(axis=0), eeg.rate, truth["blinks"])
    after = blink_size(cleaned.recording.signals, cleaned.recording.rate, truth["blinks"])
    print(f"  dead {truth['dead_channels']['eeg']} found {cleaned.bad}")
    print(f"  components {cleaned.components}; blinks {before:.0f} -> {after:.0f} uV")
    print(f"  bad seconds {cleaned.bad_segments.sum()}, movements {truth['movements']}")


def main() -> int:
    took = []
    for seed in range(3):
        eeg, emg, truth = recordings(seed)
        start = time.perf_counter()
        brain = clean_eeg(eeg, SETTINGS)
        middle = time.perf_counter()
        muscles = clean_emg(emg, SETTINGS)
        windows = [cut_windows(part.recording, part.bad_segments, 10) for part in (brain, muscles)]
        end = time.perf_counter()
        usable = [
            ~samples_of(part.bad_segments, part.recording.rate, part.recording.signals.shape[1])
            for part in (brain, muscles)
        ]
        features = eeg_features(brain.recording, usable[0])
        features |= emg_features(muscles.recording, usable[1])
        features |= muscle_coherence(brain.recording, muscles.recording, *usable)[0]
        measured = time.perf_counter() - end
        took.append(end - start)
        print(f"seed {seed}: EEG {middle - start:.1f} s, EMG and windows {end - middle:.1f} s")
        print(f"  features {measured:.1f} s; windows {[len(part.onsets) for part in windows]}")
        report(eeg, brain, truth)
    print(f"median {np.median(took):.1f} s, limit {LIMIT:g} s")
    return int(np.median(took) > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
