import numpy as np
import pandas as pd
import pytest

from motor_bids_app.features.columns import dictionary_for
from motor_bids_app.features.signals import affected, eeg_features, emg_features, muscle_coherence
from motor_bids_app.levels.cohort.maps import mirror_features
from motor_bids_app.physiology.recording import Event, Recording
from motor_bids_app.simulation.electrophysiology import (
    EEG_CHANNELS,
    EMG_CHANNELS,
    places,
    record,
)

RATE, SECONDS = 300, 120


def measured(capacity, lesion_side, seed=11, seconds=SECONDS):
    """Features of clean sources: no blinks, no mains."""
    rng = np.random.default_rng(seed)
    made = record(capacity, lesion_side, seconds=seconds, rate=RATE, rng=rng)
    events = tuple(Event(onset=o, duration=d, kind=k) for o, d, k in made.events)
    eeg = Recording(
        signals=made.eeg,
        rate=RATE,
        names=EEG_CHANNELS,
        kinds=("eeg",) * 16,
        places=places(),
        events=events,
    )
    emg = Recording(
        signals=made.emg, rate=RATE, names=EMG_CHANNELS, kinds=("emg",) * 6, events=events
    )
    usable = np.ones(eeg.signals.shape[1], dtype=bool)
    coherences, _ = muscle_coherence(eeg, emg, usable, usable)
    return eeg_features(eeg, usable) | emg_features(emg, usable) | coherences


@pytest.fixture(scope="module")
def good():
    return measured(0.95, "left")


@pytest.fixture(scope="module")
def poor():
    return measured(0.05, "left")


def test_poor_capacity_shows_where_it_should(good, poor):
    assert poor["cmc_beta_right"] < 0.6 * good["cmc_beta_right"]
    assert poor["emg_envelope_right"] < 0.6 * good["emg_envelope_right"]
    assert poor["emg_cocontraction_right"] > good["emg_cocontraction_right"] + 0.1
    assert poor["eeg_mu_suppression_left"] < good["eeg_mu_suppression_left"] - 0.15
    assert poor["cmc_beta_left"] == pytest.approx(good["cmc_beta_left"], rel=0.35)
    assert 0.02 < good["cmc_beta_right"] < 0.2


def test_suppression_is_that_of_the_simulation(good):
    lost = 0.15 + 0.6 * 0.95  # of the amplitude of mu; the rest of the band stays
    assert 0.4 < good["eeg_mu_suppression_left"] < 1 - (1 - lost) ** 2


def test_affected_limbs_are_opposite_to_the_lesion(poor):
    left = affected(poor, "left")

    assert left["cmc_beta_affected"] == poor["cmc_beta_right"]
    assert left["emg_envelope_affected"] == poor["emg_envelope_right"]
    assert left["eeg_mu_suppression_affected"] == poor["eeg_mu_suppression_left"]
    assert affected(poor, "bilateral") == {}


def test_mirroring_makes_of_a_left_lesion_a_right_one(poor):
    table = mirror_features(pd.DataFrame([poor]), np.array([True]))

    assert table.loc[0, "cmc_beta_left"] == poor["cmc_beta_right"]
    assert table.loc[0, "cmc_beta_asymmetry"] == -poor["cmc_beta_asymmetry"]
    assert table.loc[0, "eeg_mu_motor_left"] == poor["eeg_mu_motor_right"]
    assert table.loc[0, "eeg_symmetry_index"] == poor["eeg_symmetry_index"]


def test_every_number_has_a_description(poor):
    columns = [*poor, *affected(poor, "left")]

    assert [*dictionary_for(columns)] == columns
    assert all(np.isfinite(value) for value in poor.values())


def test_symmetry_index_is_zero_for_mirrored_hemispheres():
    noise = np.random.default_rng(0).standard_normal((8, 6000))
    signals = np.empty((16, 6000))
    lateral = places()[:, 0]
    signals[np.flatnonzero(lateral < 0)] = noise
    pairs = {
        "Fp1": "Fp2",
        "F7": "F8",
        "F3": "F4",
        "T7": "T8",
        "C3": "C4",
        "P7": "P8",
        "P3": "P4",
        "O1": "O2",
    }
    for left, right in pairs.items():
        signals[EEG_CHANNELS.index(right)] = signals[EEG_CHANNELS.index(left)]
    eeg = Recording(
        signals=signals, rate=200.0, names=EEG_CHANNELS, kinds=("eeg",) * 16, places=places()
    )

    features = eeg_features(eeg, np.ones(6000, dtype=bool))

    assert features["eeg_symmetry_index"] == pytest.approx(0, abs=1e-12)
    assert features["eeg_mu_motor_asymmetry"] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("seconds", [24, 60, 120])
def test_without_relation_coherence_is_none_however_short_the_recording(seconds):
    def one(seed):
        rng = np.random.default_rng(seed)
        signals = rng.standard_normal((3, seconds * RATE))
        usable = np.ones(seconds * RATE, dtype=bool)
        eeg = Recording(signals=signals[:2], rate=RATE, names=("C3", "C4"), kinds=("eeg",) * 2)
        emg = Recording(signals=signals[2:], rate=RATE, names=("FDS_L",), kinds=("emg",))
        return muscle_coherence(eeg, emg, usable, usable)[0]["cmc_beta_left"]

    # Plain coherence would be 1 / 24 in the mean.
    assert abs(np.mean([one(seed) for seed in range(20)])) < 0.008


def test_dead_seconds_of_the_emg_do_not_count_for_the_coherence():
    rng = np.random.default_rng(0)
    signals = rng.standard_normal((3, 60 * RATE))
    eeg = Recording(signals=signals[:2], rate=RATE, names=("C3", "C4"), kinds=("eeg",) * 2)
    emg = Recording(signals=signals[2:], rate=RATE, names=("FDS_L",), kinds=("emg",))
    usable, half = np.ones(60 * RATE, dtype=bool), np.arange(60 * RATE) < 30 * RATE

    _, found = muscle_coherence(eeg, emg, usable, half)

    assert found.n_segments["left"] <= 30


def test_muscles_whose_side_is_not_told_are_not_measured():
    signals = np.random.default_rng(0).standard_normal((2, 6000))
    emg = Recording(signals=signals, rate=200.0, names=("EMG1", "EMG2"), kinds=("emg", "emg"))

    assert emg_features(emg, np.ones(6000, dtype=bool)) == {}


def test_a_cap_with_other_names_is_measured_by_its_places(good):
    rng = np.random.default_rng(11)
    made = record(0.95, "left", seconds=SECONDS, rate=RATE, rng=rng)
    events = tuple(Event(onset=o, duration=d, kind=k) for o, d, k in made.events)
    names = tuple(f"E{k}" for k in range(16))
    eeg = Recording(
        signals=made.eeg,
        rate=RATE,
        names=names,
        kinds=("eeg",) * 16,
        places=places(),
        events=events,
    )

    features = eeg_features(eeg, np.ones(eeg.signals.shape[1], dtype=bool))

    own = {name: value for name, value in good.items() if name.startswith("eeg_")}
    assert features == pytest.approx(own)  # C3 and C4 are the only ones near the hand areas


def test_work_told_by_the_eeg_is_work_of_muscles_whose_file_tells_of_faults_alone():
    rng = np.random.default_rng(0)
    signals = rng.standard_normal((3, 120 * RATE))
    grips = tuple(Event(onset=o, duration=10, kind="grip") for o in (10, 50, 90))
    fault = (Event(onset=0, duration=5, kind="BAD_artefact"),)
    eeg = Recording(
        signals=signals[:2], rate=RATE, names=("C3", "C4"), kinds=("eeg",) * 2, events=grips
    )
    emg = Recording(signals=signals[2:], rate=RATE, names=("FDS_L",), kinds=("emg",), events=fault)
    usable = np.ones(signals.shape[1], dtype=bool)

    _, found = muscle_coherence(eeg, emg, usable, usable)

    assert found.n_segments["left"] == 30
