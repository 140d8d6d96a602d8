from dataclasses import replace

import numpy as np
import pytest

from motor_bids_app.errors import DataError
from motor_bids_app.physiology.cleaning import clean_eeg, clean_emg
from motor_bids_app.physiology.filters import clean_band
from motor_bids_app.physiology.windows import cut_windows
from motor_bids_app.settings import PhysiologySettings

SETTINGS = PhysiologySettings(eeg_rate=250)


@pytest.fixture(scope="module")
def cleaned(person):
    return clean_eeg(person[0], SETTINGS)


def test_blinks_go_and_the_back_of_the_head_stays(person, cleaned):
    eeg, _, truth = person
    at = [round((onset + 0.175) * eeg.rate) for onset in truth["blinks"]]
    front, back = eeg.names.index("Fp1"), eeg.names.index("O1")
    filtered = clean_band(eeg.signals, eeg.rate, cleaned.band, [50.0])
    filtered -= filtered.mean(axis=0)

    assert np.abs(filtered[front, at]).mean() > 60
    assert np.abs(cleaned.recording.signals[front, at]).mean() < 25
    # Blinks reach the back through the reference; between them it stays as it was.
    away = np.ones(eeg.signals.shape[1], dtype=bool)
    for onset in truth["blinks"]:
        away[round((onset - 0.2) * eeg.rate) : round((onset + 0.6) * eeg.rate)] = False
    pair = np.corrcoef(filtered[back, away], cleaned.recording.signals[back, away])
    assert pair[0, 1] > 0.9
    assert cleaned.components["eye"] >= 1


def test_rhythms_of_the_motor_cortex_stay(person, cleaned):
    eeg = person[0]
    band = clean_band(eeg.signals - eeg.signals.mean(axis=0), eeg.rate, (9, 12), [])
    after = clean_band(cleaned.recording.signals, eeg.rate, (9, 12), [])
    for name in ("C3", "C4"):
        k = eeg.names.index(name)
        assert np.corrcoef(band[k], after[k])[0, 1] > 0.9


def test_the_mains_goes(person, cleaned):
    def at_mains(signals):
        power = np.abs(np.fft.rfft(signals, axis=1)) ** 2
        frequencies = np.fft.rfftfreq(signals.shape[1], 1 / 250)
        near = (np.abs(frequencies - 50) < 5) & (np.abs(frequencies - 50) > 2)
        return power[:, np.abs(frequencies - 50) < 0.2].max(axis=1) / power[:, near].mean(axis=1)

    assert np.median(at_mains(person[0].signals)) > 30
    assert at_mains(cleaned.recording.signals).max() < 5
    assert cleaned.mains == 50


def test_the_reference_is_the_average(cleaned):
    np.testing.assert_allclose(cleaned.recording.signals.mean(axis=0), 0, atol=1e-9)


def test_a_dead_channel_is_made_from_its_neighbours(person, draw):
    eeg = person[0]
    own = clean_eeg(eeg, SETTINGS)
    broken = clean_eeg(draw.spoiled(eeg, "P3", 0 * eeg.signals[0]), SETTINGS)

    assert broken.interpolated == ("P3",)
    assert broken.recording.bad == ()
    k = eeg.names.index("P3")
    pair = np.corrcoef(own.recording.signals[k], broken.recording.signals[k])
    assert pair[0, 1] > 0.6


def test_without_places_a_dead_channel_stays_out(person, draw):
    eeg = draw.spoiled(person[0], "P3", 0 * person[0].signals[0])
    nowhere = replace(eeg, places=np.full((16, 3), np.nan))

    cleaned = clean_eeg(nowhere, SETTINGS)

    assert cleaned.recording.bad == ("P3",)
    assert "Places of electrodes are not known" in cleaned.notes[-1]


def test_few_channels_are_cleaned_without_components(person):
    eeg = person[0]
    few = replace(
        eeg,
        signals=eeg.signals[4:9],
        names=eeg.names[4:9],
        kinds=("eeg",) * 5,
        muscles=(),
        places=eeg.places[4:9],
    )

    cleaned = clean_eeg(few, SETTINGS)

    assert not cleaned.unmixed
    assert "too few" in cleaned.notes[0]


def test_a_cap_without_contact_is_refused(person):
    eeg = person[0]
    dead = replace(eeg, signals=np.where(np.arange(16)[:, None] < 12, 0, eeg.signals))

    with pytest.raises(DataError, match="12 of 16 EEG channels are bad"):
        clean_eeg(dead, SETTINGS)


def test_same_seed_gives_the_same_bytes(person, cleaned):
    again = clean_eeg(person[0], SETTINGS)

    assert again.recording.signals.tobytes() == cleaned.recording.signals.tobytes()


def test_emg_keeps_its_bursts_and_names_dead_channels(person, draw):
    emg = draw.spoiled(person[1], "BB_L", np.zeros(person[1].signals.shape[1]))

    cleaned = clean_emg(emg, SETTINGS)

    assert cleaned.bad == {"BB_L": "flat"}
    assert not cleaned.bad_segments.any()
    k = emg.names.index("FDS_R")
    work = np.abs(cleaned.recording.signals[k, (12 * 250) : (18 * 250)]).mean()
    rest = np.abs(cleaned.recording.signals[k, (2 * 250) : (8 * 250)]).mean()
    assert work > 10 * rest


def test_windows_are_those_without_artefacts(cleaned):
    flags = np.zeros(60, dtype=bool)
    flags[[31, 32, 45]] = True

    windows = cut_windows(cleaned.recording, flags, 10.0)

    assert windows.onsets.tolist() == [0, 10, 20, 40, 50]
    assert windows.n_rejected == 1
    assert windows.kinds == ("rest", "grip", "rest", "rest", "grip")
    start = round(40 * cleaned.recording.rate)
    np.testing.assert_array_equal(
        windows.signals[3], cleaned.recording.signals[:, start : start + 2500]
    )


@pytest.mark.parametrize(
    ("seconds", "bad", "message"), [(100, False, "less than a window"), (10, True, "None of the 6")]
)
def test_a_recording_without_a_window_is_refused(cleaned, seconds, bad, message):
    with pytest.raises(DataError, match=message):
        cut_windows(cleaned.recording, np.full(60, bad), seconds)
