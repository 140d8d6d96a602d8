"""Recordings as they come: real ones, and spoiled ones."""

import json
import shutil

import edfio
import mne
import numpy as np
import pandas as pd
import pytest

from motor_bids_app.bids.edf import write_edf
from motor_bids_app.bids.index import index_dataset
from motor_bids_app.bids.tables.scores_map import load_scores_map
from motor_bids_app.errors import DataError, MotorBidsAppError, ReadWriteError
from motor_bids_app.levels.participant.physiology.read import read_recording
from motor_bids_app.physiology.cleaning import clean_eeg, clean_emg
from motor_bids_app.physiology.muscles import envelope, periods
from motor_bids_app.physiology.recording import Recording
from motor_bids_app.settings import PhysiologySettings, Selection

RATE = 200
NAMES = ("Fp1", "Fp2", "C3", "C4", "O1", "O2")


def describe(root):
    root.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"Name": "x", "BIDSVersion": "1.11.0"})
    (root / "dataset_description.json").write_text(text)


def noise(n_channels, seconds=4, seed=0):
    rng = np.random.default_rng(seed)
    return 10 * rng.standard_normal((n_channels, RATE * seconds)) + 3 * np.sin(
        np.arange(RATE * seconds) / 9
    )


@pytest.fixture
def root(tmp_path):
    describe(tmp_path)
    return tmp_path


def write(root, names=NAMES, channels=None, sidecar=None, kind="eeg", signals=None, events=None):
    """One recording of participant 1; `channels` are the columns of channels.tsv."""
    home = root / "sub-1" / kind
    home.mkdir(parents=True, exist_ok=True)
    signals = noise(len(names)) if signals is None else signals
    write_edf(home / f"sub-1_task-hold_{kind}.edf", signals, names, RATE)
    if channels is not None:
        table = pd.DataFrame({"name": names, "type": kind.upper(), "units": "uV", **channels})
        table.to_csv(home / "sub-1_task-hold_channels.tsv", sep="\t", index=False)
    if sidecar is not None:
        (home / f"sub-1_task-hold_{kind}.json").write_text(json.dumps(sidecar))
    if events is not None:
        pd.DataFrame(events, columns=["onset", "duration", "trial_type"]).to_csv(
            home / "sub-1_task-hold_events.tsv", sep="\t", index=False
        )
    return file_of(root, kind)


def file_of(root, kind="eeg"):
    (scan,) = index_dataset(root, Selection())
    return getattr(scan, kind)


def test_signals_come_back_in_microvolts(root):
    recording, notes = read_recording(write(root, channels={}))

    np.testing.assert_allclose(recording.signals, noise(6), atol=0.01)
    assert recording.names == NAMES
    assert recording.rate == RATE
    assert recording.located.all()
    assert notes == ()


def test_what_the_dataset_says_is_taken(root):
    file = write(
        root,
        channels={"status": ["good"] * 5 + ["bad"]},
        sidecar={"PowerLineFrequency": 60},
        events=[(0.5, 2, "grip")],
    )

    recording, _ = read_recording(file)

    assert recording.mains == 60
    assert recording.bad == ("O2",)
    assert [(e.onset, e.duration, e.kind) for e in recording.events] == [(0.5, 2, "grip")]
    assert "sub-1_task-hold_channels.tsv" in {path.name for path in file.files.values()}


def test_the_mains_is_inherited(root):
    (root / "eeg.json").write_text(json.dumps({"PowerLineFrequency": 60}))

    assert read_recording(write(root, sidecar={"TaskName": "hold"}))[0].mains == 60
    assert read_recording(write(root, sidecar={"PowerLineFrequency": "n/a"}))[0].mains is None


@pytest.mark.parametrize(("rate", "said"), [(RATE, False), (2 * RATE, True), ("n/a", False)])
def test_a_sidecar_that_tells_another_rate_than_the_recording_is_said(root, rate, said):
    recording, notes = read_recording(write(root, sidecar={"SamplingFrequency": rate}))

    assert recording.rate == RATE
    assert any("says 400 samples per second, and the recording itself 200" in n for n in notes) == (
        said
    )


def test_types_come_from_the_table(root):
    names = ("C3", "C4", "E1", "H1", "X")
    file = write(root, names, channels={"type": ["EEG", "EEG", "EMG", "VEOG", "TRIG"]})

    recording, _ = read_recording(file)

    assert recording.kinds == ("eeg", "eeg", "emg", "eog")
    emg = file_of(root, "emg")
    assert emg.path == file.path
    assert read_recording(emg)[0].pick("emg").names == ("E1",)


def test_unknown_types_are_left_out_and_named(root):
    file = write(root, channels={"type": ["EEG"] * 4 + ["BRAIN"] * 2})

    recording, notes = read_recording(file)

    assert recording.names == NAMES[:4]
    assert "O1, O2 BRAIN, a type that BIDS does not have" in notes[0]


def test_no_usable_channel_is_an_error(root):
    with pytest.raises(DataError, match="no channel of type EEG, EMG or EOG"):
        read_recording(write(root, channels={"type": "MISC"}))


def test_a_file_without_a_table_is_read_by_names_and_folder(root):
    recording, _ = read_recording(write(root, ("C3", "C4", "EOG1", "EMG arm")))
    assert recording.kinds == ("eeg", "eeg", "eog", "emg")

    recording, _ = read_recording(write(root, ("arm", "leg"), kind="emg"))
    assert recording.kinds == ("emg", "emg")


def test_another_unit_in_the_table_is_noted(root):
    recording, notes = read_recording(write(root, channels={"units": ["uV"] * 5 + ["V"]}))

    assert "another unit than the recording for O2" in notes[0]
    np.testing.assert_allclose(recording.signals, noise(6), atol=0.01)


def test_mixed_units_are_refused_by_the_cleaning(root):
    signals = noise(6) * [[1], [1], [1], [1], [1], [1e5]]
    recording, _ = read_recording(write(root, channels={}, signals=signals))

    with pytest.raises(DataError, match=r"O2 are more than .* units of V and uV seem mixed"):
        clean_eeg(recording, PhysiologySettings())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace(b"\n", b"\t\n").replace(b"units\t", b"units"), "a tab too many"),
        (lambda text: text.replace(b"uV", b"\xb5V"), "line 2 holds the byte 0xB5.*UTF-8"),
        (lambda text: text.replace(b"type", b"name"), "the column name twice"),
        (lambda text: text.replace(b"name", b"label"), "no column name"),
        (lambda text: text.replace(b"C4", b"C3").replace(b"C3\tEEG", b"C3\tEOG", 1), "C3 twice"),
        (lambda text: text.decode().encode("utf-16"), "Save it as UTF-8"),
    ],
)
def test_a_faulty_table_of_channels_is_named(root, change, message):
    file = write(root, channels={})
    path = file.table("channels")
    path.write_bytes(change(path.read_bytes()))

    with pytest.raises(MotorBidsAppError, match=rf"channels\.tsv.*{message}"):
        read_recording(file)


def test_a_table_of_events_without_times_is_named(root):
    file = write(root, channels={}, events=[(0, 2, "rest")])
    path = file.table("events")
    path.write_text(path.read_text().replace("onset", "time"))

    with pytest.raises(
        MotorBidsAppError, match=r"events\.tsv needs the columns onset and duration"
    ):
        read_recording(file)


@pytest.mark.parametrize("key", ["PowerLineFrequency", "SamplingFrequency"])
def test_a_frequency_that_is_no_number_is_named(root, key):
    with pytest.raises(DataError, match=f"{key} = '50', which is not a number"):
        read_recording(write(root, sidecar={key: "50"}))


@pytest.mark.parametrize("onset", ["1,5", "early", "1.5 s"])
def test_an_event_without_a_number_for_its_onset_is_named(root, onset):
    file = write(root, channels={}, events=[("n/a", 2, "rest"), (onset, 2, "grip")])
    with pytest.raises(
        MotorBidsAppError, match=rf"events\.tsv, line 3: onset is '{onset}', which is no"
    ):
        read_recording(file)


def test_a_table_of_other_channels_is_refused(root):
    file = write(root, channels={"name": ["A", "B", "C", "D", "E", "F"]})

    with pytest.raises(ReadWriteError, match=r"correct its channels\.tsv"):
        read_recording(file)


def test_a_damaged_file_is_named(root):
    file = write(root, channels={})
    file.path.write_bytes(file.path.read_bytes()[:300])

    with pytest.raises(ReadWriteError, match=r"sub-1_task-hold_eeg\.edf cannot be read"):
        read_recording(file)


@pytest.mark.parametrize("extension", [".fif", ".set"])
def test_other_formats_hold_the_same(root, extension, tmp_path):
    home = root / "sub-1" / "eeg"
    home.mkdir(parents=True)
    path = home / f"sub-1_task-hold_eeg{extension}"
    info = mne.create_info([*NAMES], RATE, "eeg", verbose="ERROR")
    if extension == ".fif":
        raw = mne.io.RawArray(1e-6 * noise(6), info, verbose="ERROR")
        raw.save(path, verbose="ERROR", fmt="double")
    else:
        from scipy.io import savemat

        places = [{"labels": name, "type": "EEG"} for name in NAMES]
        content = {
            "data": noise(6),
            "srate": RATE,
            "nbchan": 6,
            "pnts": RATE * 4,
            "trials": 1,
            "chanlocs": places,
            "event": [],
            "setname": "x",
            "xmin": 0,
            "xmax": 4,
            "icaact": [],
            "comments": "",
            "ref": "common",
            "epoch": [],
        }
        savemat(path, {"EEG": content})

    recording, _ = read_recording(file_of(root))

    np.testing.assert_allclose(recording.signals, noise(6), atol=0.01)
    assert recording.names == NAMES


def test_the_small_bids_dataset_is_read_and_cleaned(test_data):
    (scan,) = index_dataset(test_data / "eeg_tiny_bids", Selection())

    recording, _ = read_recording(scan.eeg)
    cleaned = clean_eeg(recording, PhysiologySettings())

    assert recording.kinds.count("eeg") == 64
    assert recording.mains == 60
    assert recording.located[:64].all()
    assert len(recording.events) == 2
    assert cleaned.recording.rate == 500
    assert cleaned.recording.seconds == pytest.approx(recording.seconds, abs=0.01)


@pytest.mark.parametrize(
    ("name", "n_channels", "seconds"),
    [("test.edf", 139, 6), ("test.bdf", 72, 1), ("test.vhdr", 32, 7.9)],
)
def test_samples_of_three_formats_are_read(root, test_data, name, n_channels, seconds):
    home = root / "sub-1" / "eeg"
    home.mkdir(parents=True)
    source = test_data / "eeg_mne_samples" / name
    if source.suffix == ".vhdr":  # it names its parts
        text = source.read_text(encoding="utf-8").replace("test.", "sub-1_task-hold_eeg.")
        (home / "sub-1_task-hold_eeg.vhdr").write_text(text, encoding="utf-8")
        for part in (".eeg", ".vmrk"):
            shutil.copy(source.with_suffix(part), home / f"sub-1_task-hold_eeg{part}")
    else:
        shutil.copy(source, home / f"sub-1_task-hold_eeg{source.suffix}")

    recording, _ = read_recording(file_of(root))

    assert recording.seconds == pytest.approx(seconds, rel=0.05)
    assert len(recording.names) <= n_channels
    cleaned = clean_eeg(recording, PhysiologySettings())
    assert np.isfinite(cleaned.recording.signals).all()


def test_real_emg_keeps_its_bursts(test_data):
    counts = np.loadtxt(test_data / "eeg_emg_biosppy" / "emg_1.txt", comments="#")
    emg = Recording(signals=counts[None], rate=1000.0, names=("EMG",), kinds=("emg",))

    cleaned = clean_emg(emg, PhysiologySettings())

    amplitude = envelope(cleaned.recording.signals, 1000)
    assert abs(cleaned.recording.signals.mean()) < 0.1
    assert np.percentile(amplitude, 99) > 10 * np.median(amplitude)


def test_events_of_a_recording_whose_start_was_cut_off_keep_their_time(root):
    info = mne.create_info([*NAMES], RATE, "eeg", verbose="ERROR")
    raw = mne.io.RawArray(1e-6 * noise(6, seconds=30), info, verbose="ERROR")
    raw.set_meas_date(1_577_836_800)
    raw.set_annotations(mne.Annotations([12.0], [5.0], ["grip"], orig_time=raw.info["meas_date"]))
    home = root / "sub-1" / "eeg"
    home.mkdir(parents=True)
    raw.crop(10).save(home / "sub-1_task-hold_eeg.fif", verbose="ERROR")

    recording, _ = read_recording(file_of(root))

    assert [(event.onset, event.kind) for event in recording.events] == [(2.0, "grip")]


EVENTS = ((0.0, 2.0, "rest"), (2.0, 2.0, "grip"))


@pytest.mark.parametrize(("factor", "unit"), [(1000, "milliseconds"), (RATE, "samples")])
def test_events_in_another_unit_are_left_out_and_the_unit_is_named(root, factor, unit):
    late = [(factor * onset, factor * duration, kind) for onset, duration, kind in EVENTS]

    recording, notes = read_recording(write(root, channels={}, events=late))

    assert recording.events == ()
    assert any(unit in note for note in notes)


def test_an_event_that_lasts_a_little_longer_than_the_recording_spoils_no_others(root):
    events = [*EVENTS, (3.5, 20.0, "grip")]

    recording, notes = read_recording(write(root, channels={}, events=events))

    assert [event.kind for event in recording.events][:2] == ["rest", "grip"]
    assert any("1 of 3 events" in note for note in notes)


def test_codes_without_meaning_are_named_and_tell_no_work(root):
    events = [(0, 2, "T0"), (2, 2, "T1")]

    recording, notes = read_recording(write(root, channels={}, events=events))

    assert periods(recording.events, RATE, 4 * RATE) == (None, None)
    assert any("T0, T1" in note and "trial_type" in note for note in notes)


@pytest.mark.parametrize(
    ("rest", "said"), [("rest", False), ("Ruhe", False), ("no movement", False), ("Leerlauf", True)]
)
def test_names_that_all_count_as_work_are_said(root, rest, said):
    events = [(0, 2, rest), (2, 2, "grip")]

    recording, notes = read_recording(write(root, channels={}, events=events))

    assert (periods(recording.events, RATE, 4 * RATE)[1] is None) == said
    assert any("Leerlauf, grip all count as work" in note for note in notes) == said


def test_a_muscle_keeps_the_side_that_would_be_a_reference_of_an_electrode(root):
    recording, _ = read_recording(write(root, ("Bizeps li", "Bizeps re"), kind="emg"))

    assert recording.names == ("Bizeps li", "Bizeps re")


@pytest.mark.parametrize(("told", "mains"), [(50, 50), (60, 60), (500, None), (0, None)])
def test_a_mains_of_no_country_is_not_believed(root, told, mains):
    assert read_recording(write(root, sidecar={"PowerLineFrequency": told}))[0].mains == mains


def test_codes_are_named_by_the_line_that_the_message_offers(root, tmp_path):
    file = write(root, channels={}, events=[(0, 2, "T0"), (2, 2, "T1")])
    _, (note,) = read_recording(file)
    offered = note.partition("--scores-map: ")[2].partition(", where")[0]
    path = tmp_path / "map.toml"
    path.write_text(offered.replace("...", "rest", 1).replace("...", "grip"))

    recording, notes = read_recording(file, load_scores_map(path).events)

    assert [event.kind for event in recording.events] == ["rest", "grip"]
    assert any("T0 is rest, T1 is grip" in note for note in notes)
    assert not any("trial_type" in note for note in notes)


def test_codes_in_the_annotations_of_edf_plus_are_named(root):
    home = root / "sub-1" / "eeg"
    home.mkdir(parents=True)
    signals = [
        edfio.EdfSignal(row, RATE, label=name, physical_dimension="uV")
        for name, row in zip(NAMES, noise(6), strict=True)
    ]
    annotations = [edfio.EdfAnnotation(0, 2, "T0"), edfio.EdfAnnotation(2, 2, "T1")]
    edfio.Edf(signals, annotations=annotations).write(home / "sub-1_task-hold_eeg.edf")

    recording, _ = read_recording(file_of(root), [("", "T0", "rest"), ("hold", "T1", "grip")])

    assert [event.kind for event in recording.events] == ["rest", "grip"]


def test_what_is_said_of_the_task_counts_before_what_is_said_of_all(root):
    file = write(root, channels={}, events=[(0, 2, "1"), (2, 2, "2")])
    names = [("", "1", "rest"), ("hold", "1", "grip"), ("other", "2", "rest")]

    recording, notes = read_recording(file, names)

    assert [event.kind for event in recording.events] == ["grip", "2"]
    assert any('events.hold = { "2" = "..." }' in note for note in notes)


def test_channels_are_matched_by_name_in_whatever_order_they_are_listed(root):
    file = write(root, signals=noise(6))
    table = pd.DataFrame({"name": NAMES, "type": "EEG", "units": "uV", "status": "good"})
    table.loc[table["name"] == "C3", "status"] = "bad"
    path = file.path.parent / "sub-1_task-hold_channels.tsv"
    table[::-1].to_csv(path, sep="\t", index=False)

    recording, notes = read_recording(file_of(root))

    np.testing.assert_allclose(recording.signals, noise(6), atol=0.01)
    assert recording.bad == ("C3",)
    assert notes == ()
