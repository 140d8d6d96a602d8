"""From simulated recordings to derivatives, and again."""

import shutil
from dataclasses import replace

import mne
import numpy as np
import pytest

from motor_bids_app.bids.edf import write_edf
from motor_bids_app.bids.files import read_json
from motor_bids_app.bids.index import index_dataset
from motor_bids_app.bids.recordings import RecordingFile
from motor_bids_app.bids.status import read_status
from motor_bids_app.bids.tables.tsv import read_table
from motor_bids_app.bids.validation import run_validator
from motor_bids_app.cli.parse import parse_settings
from motor_bids_app.errors import EmptySelectionError, IncompleteRunError
from motor_bids_app.levels.participant.outputs import Outputs
from motor_bids_app.levels.participant.physiology.files import (
    load_cleaned,
    save_recording,
    save_windows,
)
from motor_bids_app.levels.run import run_level
from motor_bids_app.levels.simulate import level as simulate
from motor_bids_app.levels.simulate.dataset import SimulationSettings
from motor_bids_app.physiology.cleaning import Cleaned
from motor_bids_app.physiology.recording import Recording
from motor_bids_app.physiology.windows import cut_windows

STEM = "sub-001_task-grip"


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    folder = tmp_path_factory.mktemp("raw") / "bids"
    simulate.run(
        SimulationSettings(
            output_dir=folder,
            n_participants=1,
            n_controls=0,
            modalities=("eeg", "emg"),
            signal_seconds=60,
            signal_rate=250,
            seed=8,
        )
    )
    return folder


def settings(raw, output, *words):
    return parse_settings(
        [str(raw), str(output), "participant", "--skip-bids-validation", "--nprocs", "1", *words]
    )


@pytest.fixture(scope="module")
def output(raw, tmp_path_factory):
    folder = tmp_path_factory.mktemp("out") / "derivatives"
    run_level(settings(raw, folder))
    return folder


def states(output):
    status = read_status(output)
    return dict(zip(status["modality"], status["state"], strict=True))


def test_all_derivatives_are_there(output):
    names = {path.name for path in (output / "sub-001").rglob("*") if path.is_file()}

    for kind in ("eeg", "emg"):
        assert f"{STEM}_desc-preproc_{kind}.edf" in names
        assert f"{STEM}_desc-preproc_{kind}.json" in names
        assert f"{STEM}_desc-windows_epo.fif" in names
    assert f"{STEM}_desc-preproc_channels.tsv" in names
    assert set(states(output).values()) == {"done"}


def test_validator_accepts_the_derivatives(output):
    errors = [i for i in run_validator(output)["issues"] if i["severity"] == "error"]

    assert errors == []


def test_mne_reads_the_windows(output):
    path = output / "sub-001/eeg" / f"{STEM}_desc-windows_epo.fif"

    epochs = mne.read_epochs(path, verbose="ERROR")

    assert epochs.get_data().shape[1:] == (16, 2500)
    assert set(epochs.event_id) <= {"rest", "grip", "none"}
    assert 1 < epochs.get_data().std() * 1e6 < 50
    assert epochs.get_montage() is not None


def test_windows_are_stretches_of_the_saved_recording(output):
    recording, _ = load_cleaned(Outputs(output, "001", None), "emg")
    path = output / "sub-001/emg" / f"{STEM}_desc-windows_epo.fif"
    epochs = mne.read_epochs(path, verbose="ERROR")

    for window, start in zip(epochs.get_data(), epochs.events[:, 0], strict=True):
        expected = recording.signals[:, start : start + window.shape[1]]
        np.testing.assert_allclose(1e6 * window, expected, atol=0.05)  # EDF has 16 bits


def test_features_are_in_the_table_with_their_meaning(output):
    table = output / "sub-001" / "sub-001_desc-features.tsv"
    row, dictionary = read_table(table).iloc[0], read_json(table.with_suffix(".json"))

    for name in (
        "cmc_beta_left",
        "emg_envelope_right",
        "eeg_mu_suppression_asymmetry",
        "emg_cocontraction_left",
        "eeg_symmetry_index",
    ):
        assert np.isfinite(float(row[name]))
        assert dictionary[name]["Units"]


def test_report_shows_eeg_and_emg(output):
    page = (output / "sub-001.html").read_text()

    for words in (
        "Spectra of the EEG",
        "Spectra of the EMG",
        "Electrodes",
        "Corticomuscular coherence",
        "FastICA",
    ):
        assert words in page


def test_a_second_run_keeps_all_and_other_windows_repeat_signals_alone(raw, output, tmp_path):
    copy = tmp_path / "derivatives"
    shutil.copytree(output, copy)

    run_level(settings(raw, copy))
    assert set(states(copy).values()) == {"kept"}

    run_level(settings(raw, copy, "--signal-window", "5"))
    assert states(copy)["eeg"] == "done"
    epochs = mne.read_epochs(copy / f"sub-001/eeg/{STEM}_desc-windows_epo.fif", verbose="ERROR")
    assert epochs.get_data().shape[2] == 1250


def test_a_lost_file_is_made_again_with_the_same_bytes(raw, output, tmp_path):
    copy = tmp_path / "derivatives"
    shutil.copytree(output, copy)
    lost = copy / f"sub-001/eeg/{STEM}_desc-windows_epo.fif"
    before = lost.read_bytes()
    lost.unlink()

    run_level(settings(raw, copy))

    # What was made again is the same, so that what follows from it need not be.
    assert states(copy) == {"eeg": "done", "emg": "kept", "features": "kept", "report": "done"}
    assert lost.read_bytes() == before


def test_one_kind_alone_is_enough(raw, tmp_path):
    run_level(settings(raw, tmp_path, "--modalities", "emg"))

    assert states(tmp_path) == {"emg": "done", "features": "done", "report": "done"}
    row = read_table(tmp_path / "sub-001/sub-001_desc-features.tsv").iloc[0]
    assert "cmc_beta_left" not in row
    assert float(row["emg_envelope_left"]) > 0


def test_a_recording_shorter_than_a_window_fails_with_a_sentence(raw, tmp_path):
    with pytest.raises(IncompleteRunError):
        run_level(settings(raw, tmp_path, "--signal-window", "100"))

    status = read_status(tmp_path).set_index("modality")
    assert "less than a window of 100 s" in status.loc["eeg", "reason"]
    assert "task-grip_eeg.edf" in status.loc["eeg", "reason"]


def test_tasks_choose_the_recordings(raw):
    selection = settings(raw, raw.parent / "x").selection
    (scan,) = index_dataset(raw, replace(selection, tasks=("grip",)))

    assert (scan.eeg.task, scan.emg.task) == ("grip", "grip")
    with pytest.raises(EmptySelectionError, match="'rest'"):
        index_dataset(raw, replace(selection, tasks=("rest",)))


def test_muscles_without_a_side_fail_nothing(tmp_path):
    raw = tmp_path / "bids"
    home = raw / "sub-1" / "emg"
    home.mkdir(parents=True)
    (raw / "dataset_description.json").write_text('{"Name": "x", "BIDSVersion": "1.11.0"}')
    signals = 50 * np.random.default_rng(0).standard_normal((1, 6000))
    write_edf(home / "sub-1_task-hold_emg.edf", signals, ["EMG"], 200)

    run_level(settings(raw, tmp_path / "out"))

    assert set(states(tmp_path / "out").values()) == {"done"}
    assert "tells its side" in (tmp_path / "out" / "sub-1.html").read_text()


def test_eeg_and_emg_of_different_tasks_are_not_set_in_relation(raw, tmp_path):
    copy = tmp_path / "bids"
    shutil.copytree(raw, copy)
    for path in [*(copy / "sub-001" / "emg").iterdir()]:
        path.rename(path.with_name(path.name.replace("task-grip", "task-walk")))

    run_level(settings(copy, tmp_path / "out"))

    row = read_table(tmp_path / "out/sub-001/sub-001_desc-features.tsv").iloc[0]
    assert "emg_envelope_left" in row
    assert "cmc_beta_left" not in row
    assert "not recorded at the same time" in (tmp_path / "out" / "sub-001.html").read_text()


def test_measured_places_come_back_though_names_do_not_tell_them(tmp_path):
    rng = np.random.default_rng(0)
    directions = rng.standard_normal((5, 3))
    measured = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    measured[3] = np.nan
    recording = Recording(
        signals=rng.normal(0, 10, (5, 2000)),
        rate=200.0,
        names=tuple(f"E{k}" for k in range(5)),
        kinds=("eeg",) * 5,
        places=measured,
    )
    cleaned = Cleaned(
        recording=recording,
        bad={},
        bad_segments=np.zeros(10, dtype=bool),
        band=(0.5, 80.0),
        mains=None,
        found=False,
        before=recording,
    )
    file = RecordingFile(path=tmp_path / "raw.edf", root=tmp_path, kind="eeg", task="grip")
    outputs = Outputs(tmp_path / "out", "01", None)
    save_recording(cleaned, file, outputs)
    save_windows(cut_windows(recording, cleaned.bad_segments, 2.0), cleaned, file, outputs)

    back, _ = load_cleaned(outputs, "eeg")

    np.testing.assert_allclose(back.places, measured, atol=1e-6)
