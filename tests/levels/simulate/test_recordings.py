import json

import mne
import numpy as np
import pandas as pd
import pytest

from motor_bids_app.bids.tables.columns import resolve_columns
from motor_bids_app.bids.validation import run_validator
from motor_bids_app.levels.simulate.dataset import SimulationSettings
from motor_bids_app.levels.simulate.level import run
from motor_bids_app.simulation.electrophysiology import EEG_CHANNELS, EMG_CHANNELS

SMALL = {
    "n_participants": 2,
    "n_controls": 1,
    "seed": 3,
    "modalities": ("eeg", "emg"),
    "signal_seconds": 20,
    "signal_rate": 200,
}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    output = tmp_path_factory.mktemp("signals") / "bids"
    run(SimulationSettings(output_dir=output, n_sessions=2, **SMALL))
    return output


def test_validator_accepts_the_recordings(dataset):
    errors = [i for i in run_validator(dataset)["issues"] if i["severity"] == "error"]

    assert errors == []


@pytest.mark.parametrize(("kind", "names"), [("eeg", EEG_CHANNELS), ("emg", EMG_CHANNELS)])
def test_mne_reads_what_was_asked_for(dataset, kind, names):
    path = dataset / f"sub-001/ses-pre/{kind}/sub-001_ses-pre_task-grip_{kind}.edf"

    raw = mne.io.read_raw_edf(path, verbose="ERROR")

    assert raw.ch_names == list(names)
    assert raw.info["sfreq"] == 200
    assert raw.n_times == 4000
    sizes = raw.get_data().std(axis=1) * 1e6
    assert 1 < np.median(sizes) < 300  # µV


def test_eeg_and_emg_are_asked_for_apart(tmp_path):
    run(SimulationSettings(output_dir=tmp_path, **SMALL | {"modalities": ("emg",)}))

    assert not list(tmp_path.glob("sub-*/eeg"))
    assert len(list(tmp_path.glob("sub-*/emg/*_emg.edf"))) == 3


def test_same_settings_give_the_same_bytes(tmp_path, dataset):
    run(SimulationSettings(output_dir=tmp_path, n_sessions=2, n_procs=2, **SMALL))

    for path in sorted(dataset.rglob("*.edf")):
        assert (tmp_path / path.relative_to(dataset)).read_bytes() == path.read_bytes()


def test_truth_has_what_the_recording_was_made_from(dataset):
    truth = json.loads((dataset / "sourcedata/truth/truth.json").read_text())
    path = dataset / "sourcedata/truth/sub-002/ses-post/eeg/"
    own = json.loads((path / "sub-002_ses-post_task-grip_recording.json").read_text())

    known = next(p for p in truth["participants"] if p["participant_id"] == "sub-002")
    assert own["capacity"] == known["sessions"][1]["capacity"]
    assert set(own["dead_channels"]) == {"eeg", "emg"}


def test_score_of_the_leg_is_there_and_understood(tmp_path):
    run(SimulationSettings(output_dir=tmp_path, **SMALL))

    resolved = resolve_columns(tmp_path)
    written = pd.read_csv(tmp_path / "participants.tsv", sep="\t")["fma_le"]
    assert resolved.table["fma_le"].tolist() == written.tolist()
