"""A small cohort whose outcome is known to depend on one corner of one map."""

import numpy as np
import pandas as pd
import pytest

from motor_bids_app.features.connectivity import sliding_windows
from motor_bids_app.features.instances import Instances
from motor_bids_app.features.recordings import SIGNALS, RecordedWindows, normalised_windows
from motor_bids_app.features.samples import Samples
from motor_bids_app.features.series import WINDOWS, SeriesWindows
from motor_bids_app.features.slices import SLICES, VolumeSlices
from motor_bids_app.features.volumes import Volumes, VolumeStore
from motor_bids_app.models.catalog import FUSION, NETWORKS, needs
from motor_bids_app.spaces.grids import Grid

SHAPE = (10, 12, 10)
CORNER = (0, slice(2, 5), slice(2, 5), slice(2, 5))  # of the first map
DAMAGE = 0.3
N_PEOPLE = 36


def _make_samples(seed: int = 0, damage: float = DAMAGE) -> Samples:
    """36 people, 12 of them poor: FA falls in a corner, lesions load the tract."""
    random = np.random.default_rng(seed)
    poor = np.arange(N_PEOPLE) % 3 == 0
    store = VolumeStore.empty(N_PEOPLE, ("fa", "gm"), Grid(SHAPE, np.diag([4.0, 4, 4, 1])))
    store.data[:] = 0.4 + 0.1 * random.standard_normal(store.data.shape)
    store.data[(poor, *CORNER)] -= np.float16(damage)
    store.present[:] = True
    load = 4 * poor + random.exponential(2, N_PEOPLE)
    control = (np.arange(N_PEOPLE) % 6 == 1) & ~poor
    table = pd.DataFrame(
        {
            "participant_id": [f"sub-{k:02d}" for k in range(N_PEOPLE)],
            "group": np.where(control, "control", "patient"),
            "age": random.normal(60, 10, N_PEOPLE),
            "sex": random.choice(["female", "male"], N_PEOPLE),
            "time_since_stroke": np.where(control, np.nan, random.uniform(3, 60, N_PEOPLE)),
            "lesion_volume": np.where(control, np.nan, 10 * load),
            "baseline_score": np.where(control, np.nan, 50 - 5 * load),
            "tract_load": np.where(control, np.nan, load),
            "tract_load_weighted": np.where(control, np.nan, load / 10),
            "fa_thalamus_left": random.normal(0.4, 0.1, N_PEOPLE) - 0.1 * poor,
            "fa_thalamus_right": random.normal(0.4, 0.1, N_PEOPLE),
            "gm_putamen_asymmetry": random.normal(0, 0.1, N_PEOPLE),
            "eeg_mu_motor_asymmetry": 0.1 * (np.arange(N_PEOPLE) % 5) - 0.1 * poor,
        }
    )
    apart = np.random.default_rng(seed + 1)  # so that what is above stays what it was
    for bundle in ("corticospinal_tract_left", "corticospinal_tract_right", "vermis"):
        share = np.clip(load / 20 + apart.uniform(0, 0.2, N_PEOPLE), 0, 1)
        table[f"disconnection_{bundle}"] = np.where(control, np.nan, share)
    others, _ = _make_instances(N_PEOPLE, n_windows=1, n_slices=1)
    instances = {WINDOWS: Instances.of(_make_windows(random, poor)), **others.instances}
    return Samples(table, store.volumes(), instances)


def _make_windows(random, poor) -> SeriesWindows:
    """Series of 12 volumes on the grid of the maps, in which a corner follows the seed."""
    grid, inside = Grid(SHAPE, np.diag([4.0, 4, 4, 1])), np.ones(SHAPE, dtype=bool)
    seeds = random.standard_normal((N_PEOPLE, 12))
    series = random.standard_normal((N_PEOPLE, 12, *SHAPE)).astype(np.float16)
    series[(poor, slice(None), *CORNER[1:])] += 2 * seeds[poor][..., None, None, None]
    weights = [sliding_windows(12, 8)] * N_PEOPLE
    signals = list(series.reshape(N_PEOPLE, 12, -1))
    return SeriesWindows(signals, list(seeds), weights, [2.0] * N_PEOPLE, inside, grid)


def seen_by(name: str, samples: Samples) -> Samples:
    """The samples, with lesion maps where a model reads them."""
    if not needs(name).maps:
        return samples
    store = samples.volumes.store.made("with lesions", _with_lesions)
    return Samples(samples.table, Volumes(store, samples.volumes.rows), samples.instances)


def _with_lesions(store: VolumeStore) -> VolumeStore:
    """The maps, and lesions in one corner of the poor and at random of the others; 5 have none."""
    made = VolumeStore.empty(len(store), (*store.maps, "lesion"), store.grid)
    made.data[:, :-1], made.present[:, :-1] = store.data, store.present
    random = np.random.default_rng(2)
    for row in range(5, len(store)):
        low = (2, 2, 2) if row % 3 == 0 else random.integers(0, 6, 3)
        made.data[(row, -1, *(slice(start, start + 3) for start in low))] = 1
    made.present[5:, -1] = True
    return made


def tiny(name: str) -> dict[str, object]:
    """Settings of a network that is trained in no time; none for other models."""
    if name in FUSION:
        return {
            "hidden": (4, 4),
            "step": 0.5,
            "size": 32,
            "inner_folds": 2,
            "epochs": 1,
            "stop_after": 0,
            "validation_share": 0.5,
            "slice_batch_size": 36,
        }
    if name not in NETWORKS:
        return {}
    common = {"hidden": 4, "epochs": 1, "validation_share": 0.5}
    if name == "gao2025":
        return common | {"widths": (2, 2), "convolutions": (1, 1)}
    return common | {"widths": (2, 2, 2, 2), "n_residuals": 1}


def _outcome(task: str, seed: int = 0) -> np.ndarray:
    """Class per scan, one of three ordered classes, or a score; lower for the poor."""
    poor = np.arange(N_PEOPLE) % 3 == 0
    if task == "classification":
        return poor.astype(int)
    if task == "ordinal":
        return np.where(poor, 0.0, 1.0 + np.arange(N_PEOPLE) % 2)
    return 50 - 30 * poor + np.random.default_rng(seed).normal(0, 3, N_PEOPLE)


def _predictions(model, samples) -> np.ndarray:
    """Probability of a poor outcome, or score."""
    if hasattr(model, "predict_proba"):
        return model.predict_proba(samples)[:, 1]
    return model.predict(samples)


@pytest.fixture(scope="session")
def make_samples():
    """Function that makes the cohort anew."""
    return _make_samples


@pytest.fixture(scope="session")
def outcome():
    """Function that gives classes or scores, by task."""
    return _outcome


@pytest.fixture(scope="session")
def predictions():
    """Function that gives probabilities or scores, by model."""
    return _predictions


@pytest.fixture(scope="session")
def samples() -> Samples:
    """The cohort, to read only."""
    return _make_samples()


def _make_instances(n=40, seed=0, signal=1.0, picture=1.0, n_windows=4, n_slices=3):
    """People whose score is half in the EEG (C3 stronger) and half in the bold (a bright spot).

    Returns samples and scores; the better half of the score is not poor.
    """
    random = np.random.default_rng(seed)
    heard, seen = random.normal(size=(2, n))
    windows, slices = [], []
    for k in range(n):
        data = random.normal(size=(n_windows, 4, 128))
        data[:, 0] *= np.exp(0.5 * signal * heard[k])
        windows.append(normalised_windows(data, CHANNELS))
        image = 1 + 0.1 * random.normal(size=(n_slices, 12, 16))
        image[:, 2:7, 4:10] += 0.3 * picture * seen[k]
        slices.append(image.astype(np.float16))
    places = [np.arange(4, 4 + n_slices)] * n
    grid = Grid((12, 16, 10), np.diag([3.0, 3, 3, 1]))
    instances = {
        SIGNALS: Instances.of(RecordedWindows(windows, CHANNELS, 64.0)),
        SLICES: Instances.of(VolumeSlices(slices, places, grid)),
    }
    table = pd.DataFrame({"participant_id": [f"sub-{k:03d}" for k in range(n)]})
    return Samples(table, None, instances), heard + seen


CHANNELS = ("eeg C3", "eeg C4", "emg soleus_L", "emg soleus_R")


@pytest.fixture(scope="session")
def make_instances():
    """Function that makes people with windows and slices, and their scores."""
    return _make_instances
