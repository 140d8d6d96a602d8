"""Eyes and muscles are found where they were put, and brains are left alone."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import signal

from motor_bids_app.physiology.cleaning import clean_eeg
from motor_bids_app.physiology.recording import Recording
from motor_bids_app.settings import PhysiologySettings
from motor_bids_app.simulation import electrophysiology

SETTINGS = PhysiologySettings(eeg_rate=250)
BESIDE_MAINS = (26.0, 46.0)  # Hz


@pytest.fixture(scope="module")
def pair():
    """The same person with jaw muscles, and without."""

    def made():
        return electrophysiology.record(
            0.8, None, seconds=60, rate=250, rng=np.random.default_rng(SEED)
        )

    chewing = made()
    with pytest.MonkeyPatch.context() as patch:
        silent = electrophysiology.bursts
        patch.setattr(electrophysiology, "bursts", lambda *given: 0 * silent(*given))
        still = made()
    return tuple(eeg_of(one) for one in (chewing, still))


SEED = 5  # without a dead channel, with chewing on both sides


def eeg_of(made):
    assert not made.truth["dead_channels"]["eeg"]
    return Recording(
        signals=made.eeg,
        rate=250,
        names=electrophysiology.EEG_CHANNELS,
        kinds=("eeg",) * 16,
        places=electrophysiology.places(),
        mains=electrophysiology.MAINS,
    )


def power(recording, name, band=BESIDE_MAINS):
    frequencies, density = signal.welch(
        recording.signals[recording.names.index(name)], recording.rate, nperseg=500
    )
    return density[(frequencies >= band[0]) & (frequencies <= band[1])].sum()


def test_jaw_muscles_are_recognised_and_taken_out(pair):
    chewing, still = pair
    cleaned = clean_eeg(chewing, SETTINGS)
    left_in = clean_eeg(chewing, replace(SETTINGS, ica=False)).recording
    true = clean_eeg(still, replace(SETTINGS, ica=False)).recording

    assert cleaned.components["muscle"] == 2
    for name in ("T7", "T8"):
        extra = power(left_in, name) - power(true, name)
        assert extra > 0.3 * power(true, name)
        assert power(cleaned.recording, name) - power(true, name) < 0.2 * extra


def test_a_brain_without_muscles_keeps_its_rhythms(pair):
    cleaned = clean_eeg(pair[1], SETTINGS)
    before = clean_eeg(pair[1], replace(SETTINGS, ica=False)).recording

    for name in ("C3", "C4"):
        for band in ((8, 13), (17, 25)):
            assert power(cleaned.recording, name, band) > 0.8 * power(before, name, band)


def test_muscles_are_found_beside_a_mains_that_was_taken_out(pair):
    # The notch lies within the spectra; a slope through it would hide every muscle.
    for mains in (50.0, 60.0):
        assert clean_eeg(replace(pair[0], mains=mains), SETTINGS).components["muscle"] >= 1


def test_a_flat_eog_channel_does_not_hide_the_blinks(pair):
    eeg = pair[0]
    eyes = np.vstack([eeg.signals[0] * 2, np.full(eeg.signals.shape[1], 5.0)])
    both = Recording(
        signals=np.vstack([eeg.signals, eyes]),
        rate=eeg.rate,
        names=(*eeg.names, "VEOG", "HEOG"),
        kinds=(*eeg.kinds, "eog", "eog"),
        places=np.vstack([eeg.places, np.full((2, 3), np.nan)]),
        mains=eeg.mains,
    )

    assert clean_eeg(both, SETTINGS).components["eye"] >= 1
