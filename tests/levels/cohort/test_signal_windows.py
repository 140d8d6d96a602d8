import numpy as np
import pytest

from motor_bids_app.bids.derived import index_derivatives
from motor_bids_app.errors import DataError
from motor_bids_app.levels.cohort.signal_windows import (
    SignalPlan,
    plan_signals,
    read_windows,
    signal_instances,
)

from ..fusion_cohort import EEG, EMG, N_WINDOWS, RATE, SECONDS, write_epochs

pytest.importorskip("mne")
BOTH = ("eeg", "emg")


def scans_of(folder, *people):
    """Write the epochs of people, given as keywords of `write_epochs`, and list them."""
    for number, settings in enumerate(people):
        rng = np.random.default_rng(number)
        write_epochs(folder / f"sub-{number}", f"sub-{number}", 1.0, rng, **settings)
    return index_derivatives(folder)


def plan(scans, which="common", paired=False, rate=250.0):
    found, notes = plan_signals(scans, BOTH, which, rate, paired=paired)
    return found, " ".join(notes)


def test_windows_are_those_of_the_file_at_zero_mean_and_unit_variance(tmp_path):
    import mne

    scans = scans_of(tmp_path, {})
    found, _ = plan(scans)
    windows = read_windows(scans[0], found, flip=False)

    assert found.channels == (*(f"eeg {n}" for n in EEG), *(f"emg {n}" for n in EMG))
    raw = mne.read_epochs(scans[0].recordings["eeg"], verbose="error").get_data()
    assert windows.shape == (N_WINDOWS, 5, round(RATE * SECONDS))
    assert np.corrcoef(windows[1, 0].astype(float), raw[1, 0])[0, 1] > 0.999


def test_channels_that_someone_lacks_are_left_out_and_told(tmp_path):
    scans = scans_of(tmp_path, {}, {"names": {"eeg": ("C3", "Cz")}})
    found, notes = plan(scans)

    assert "eeg C4" not in found.channels
    assert "4 of 5 EEG and EMG channels are used" in notes


def test_a_mirrored_cohort_keeps_pairs_of_electrodes_only(tmp_path):
    scans = scans_of(tmp_path, {}, {"names": {"eeg": ("C3", "Cz")}})
    found, _ = plan(scans, paired=True)

    assert found.channels == ("eeg Cz", "emg soleus_L", "emg soleus_R")


def test_differing_channels_can_be_refused(tmp_path):
    scans = scans_of(tmp_path, {}, {"names": {"eeg": ("C3", "Cz")}})

    with pytest.raises(DataError, match=r"sub-0 and sub-1 differ in the channels eeg C4"):
        plan(scans, which="same")


def test_no_common_channel_is_explained(tmp_path):
    scans = scans_of(
        tmp_path, {"kinds": ("eeg",)}, {"kinds": ("eeg",), "names": {"eeg": ("P3", "P4")}}
    )

    with pytest.raises(DataError, match="No channel is common to all recordings"):
        plan(scans)


def test_people_who_lack_the_emg_of_the_others_are_told(tmp_path):
    scans = scans_of(tmp_path, {}, {}, {"kinds": ("eeg",)})
    found, notes = plan(scans)

    assert "1 of 3 scans with recordings lack EEG or EMG" in notes
    assert len(read_windows(scans[2], found, flip=False)) == 0


def test_mirroring_exchanges_hemispheres_and_legs(tmp_path):
    scans = scans_of(tmp_path, {})
    found, _ = plan(scans)
    straight, mirrored = (
        read_windows(scans[0], found, flip=flip).astype(float) for flip in (False, True)
    )

    np.testing.assert_allclose(mirrored[:, [1, 0, 2, 4, 3]], straight)


def test_rates_are_brought_to_the_lowest(tmp_path):
    scans = scans_of(tmp_path, {}, {"rate": 200.0})
    found, _ = plan(scans)

    assert found.rate == RATE
    assert read_windows(scans[1], found, flip=False).shape[2] == round(RATE * SECONDS)


def test_windows_that_only_one_kind_has_are_left_out(tmp_path):
    import mne

    scans = scans_of(tmp_path, {})
    path = scans[0].recordings["emg"]
    mne.read_epochs(path, verbose="error")[[0, 2]].save(path, overwrite=True, verbose="error")
    found, _ = plan(scans)

    assert len(read_windows(scans[0], found, flip=False)) == N_WINDOWS - 1


def test_a_scan_that_lacks_a_channel_of_the_model_is_refused(tmp_path):
    scans = scans_of(tmp_path, {})
    wanted = SignalPlan(channels=("eeg C3", "eeg P7"), rate=RATE, n_samples=200)

    with pytest.raises(DataError, match="sub-0 has no good eeg P7"):
        read_windows(scans[0], wanted, flip=False)


def test_shorter_windows_are_refused(tmp_path):
    scans = scans_of(tmp_path, {})
    wanted = SignalPlan(channels=("eeg C3",), rate=RATE, n_samples=1000)

    with pytest.raises(DataError, match=r"Windows last 2 s, less than the 10 s"):
        read_windows(scans[0], wanted, flip=False)


def test_nobody_with_recordings_is_no_plan(tmp_path):
    (tmp_path / "sub-0").mkdir()
    (tmp_path / "sub-0" / "sub-0_desc-features.tsv").write_text("lesion_volume\n1\n")

    assert plan(index_derivatives(tmp_path)) == (None, "")


def test_eeg_and_emg_of_different_tasks_are_not_joined(tmp_path):
    scans_of(tmp_path, {}, {}, {})
    for path in (tmp_path / "sub-1" / "emg").iterdir():
        path.rename(path.with_name(path.name.replace("task-grip", "task-walk")))
    scans = index_derivatives(tmp_path)

    found, notes = plan(scans)

    assert found.kinds == BOTH
    assert len(read_windows(scans[0], found, flip=False)) == N_WINDOWS
    assert len(read_windows(scans[1], found, flip=False)) == 0
    assert "1 of 3 scans with recordings lack EEG or EMG of the same time" in notes


def test_the_emg_of_the_same_run_is_taken(tmp_path):
    scans_of(tmp_path, {})
    home = tmp_path / "sub-0"
    for kind, runs in {"eeg": ("2",), "emg": ("1", "2")}.items():
        (path,) = (home / kind).iterdir()
        for run in runs:
            other = path.name.replace("task-grip", f"task-grip_run-{run}")
            path.with_name(other).write_bytes(path.read_bytes())
        path.unlink()

    (scan,) = index_derivatives(tmp_path)

    assert "run-2" in scan.recordings["eeg"].name
    assert "run-2" in scan.recordings["emg"].name


def test_who_lacks_a_channel_is_as_without_recordings(tmp_path):
    scans = scans_of(tmp_path, {}, {"names": {"eeg": ("C3", "Cz")}})
    wanted = SignalPlan(channels=("eeg C3", "eeg C4"), rate=RATE, n_samples=200)

    instances = signal_instances(scans, np.zeros(2, dtype=bool), wanted, tmp_path)

    assert instances.counts.tolist() == [N_WINDOWS, 0]
