"""Files of a simulated EEG and EMG recording."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from motor_bids_app.bids.edf import write_edf
from motor_bids_app.bids.files import write_json, write_table
from motor_bids_app.bids.paths import TRUTH
from motor_bids_app.levels.simulate.dataset import SimulationSettings
from motor_bids_app.simulation.electrophysiology import (
    EEG_CHANNELS,
    EMG_CHANNELS,
    MAINS,
    MUSCLES,
    Recording,
)

TASK = "grip"
_LIMIT = 3276.7  # µV: steps of 0.1 µV in 16 bits
_SIDES = {"L": "left", "R": "right"}
_EVENTS: dict[str, dict[str, Any]] = {
    "onset": {"Description": "Start, since that of the recording", "Units": "s"},
    "duration": {"Description": "Length", "Units": "s"},
    "trial_type": {
        "Description": "What was to be done",
        "Levels": {"rest": "nothing", "grip": "grip with both hands, steadily"},
    },
}
_OF_KIND: dict[str, dict[str, Any]] = {
    "eeg": {
        "EEGReference": "linked mastoids",
        "EEGPlacementScheme": "10-20",
        "EEGChannelCount": len(EEG_CHANNELS),
    },
    "emg": {
        "EMGReference": "bipolar",
        "EMGPlacementScheme": "Other",
        "EMGPlacementSchemeDescription": "over the belly of each muscle",
        "EMGChannelCount": len(EMG_CHANNELS),
    },
}


def write_recording(
    recording: Recording, settings: SimulationSettings, place: Callable[..., Path]
) -> None:
    """Write the signals that were asked for, what describes them, and the truth.

    `place` gives the path of a file from its folder, datatype, suffix, extension and task.
    """
    for kind in settings.signals:
        _write_kind(kind, recording, settings, place)
    path = place(TRUTH, settings.signals[0], "recording", ".json", task=TASK)
    write_json(
        path,
        {
            "Description": "What EEG and EMG were made from. Suppression: share of the amplitude "
            "of mu and beta that gripping takes, by hemisphere. Limbs: amplitude (uV), modulation "
            "by the beta of the other hemisphere, and antagonist over agonist. Onsets in s",
            **recording.truth,
        },
    )


def _write_kind(
    kind: str, recording: Recording, settings: SimulationSettings, place: Callable[..., Path]
) -> None:
    signals = recording.eeg if kind == "eeg" else recording.emg
    names = EEG_CHANNELS if kind == "eeg" else EMG_CHANNELS
    path = place("", kind, kind, ".edf", task=TASK)
    write_edf(path, signals, names, settings.signal_rate, limit=_LIMIT)
    write_json(
        path.with_suffix(".json"),
        {
            "TaskName": TASK,
            "SamplingFrequency": settings.signal_rate,
            "PowerLineFrequency": MAINS,
            "SoftwareFilters": "n/a",
            "RecordingType": "continuous",
            "RecordingDuration": settings.signal_seconds,
            **_OF_KIND[kind],
        },
    )
    channels = pd.DataFrame({"name": names, "type": kind.upper(), "units": "uV"})
    if kind == "emg":
        parts = [name.split("_") for name in names]
        channels["reference"] = "bipolar"
        channels["target_muscle"] = [f"{_SIDES[side]} {MUSCLES[muscle]}" for muscle, side in parts]
    write_table(place("", kind, "channels", ".tsv", task=TASK), channels)
    events = pd.DataFrame(recording.events, columns=list(_EVENTS))
    write_table(place("", kind, "events", ".tsv", task=TASK), events, _EVENTS)
