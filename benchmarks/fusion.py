"""Speed of the networks of shi2025, and whether their fusion finds what is in the data.

`--speed`: an epoch of the LSTM over 60 people with 54 windows of 22 channels, and of the network
of slices. `--fusion`: people whose outcome is half in the EEG and half in the bold; both networks
and their fusion, and its weights with either half removed. As many people as it takes: of cohorts
of 80 in one repeat of 5 folds, none of 8 showed a significant gain even to perfect readers.
"""

import argparse
import time

import numpy as np
import pandas as pd
import torch

from motor_bids_app.evaluation.comparisons import compare_models
from motor_bids_app.evaluation.crossvalidation import average_trainings, cross_validate
from motor_bids_app.evaluation.predictions import Predictions
from motor_bids_app.evaluation.splits import make_splits
from motor_bids_app.evaluation.summary import metrics_table
from motor_bids_app.features.instances import Instances
from motor_bids_app.features.recordings import SIGNALS, RecordedWindows, normalised_windows
from motor_bids_app.features.samples import Samples
from motor_bids_app.features.slices import SLICES, VolumeSlices
from motor_bids_app.models.instances.fusion import FusionClassifier
from motor_bids_app.spaces.grids import Grid

LIMIT = 30.0  # s, of an epoch of the LSTM
MODELS = {"signals": (SIGNALS,), "slices": (SLICES,), "both": (SIGNALS, SLICES)}


def cohort(
    n, n_windows, channels, n_samples, rate, n_slices, shape, seed=0, signal=1.0, picture=1.0
):
    """People, and classes that depend on the first channel and on a spot in the slices."""
    random = np.random.default_rng(seed)
    heard, seen = random.normal(size=(2, n))
    windows, slices = [], []
    names = tuple(f"{'eeg' if k < 0.7 * channels else 'emg'} {k}" for k in range(channels))
    for k in range(n):
        data = random.normal(size=(n_windows, channels, n_samples)).astype(np.float32)
        data[:, 0] *= np.exp(0.5 * signal * heard[k])
        windows.append(normalised_windows(data, names))
        image = 1 + 0.1 * random.normal(size=(n_slices, *shape))
        x, y = shape[0] // 4, shape[1] // 3
        image[:, x : 2 * x, y : 2 * y] += 0.3 * picture * seen[k]
        slices.append(image.astype(np.float16))
    grid = Grid((*shape, 61), np.diag([3.0, 3, 3, 1]))
    instances = {
        SIGNALS: Instances.of(RecordedWindows(windows, names, rate)),
        SLICES: Instances.of(VolumeSlices(slices, [np.arange(n_slices)] * n, grid)),
    }
    table = pd.DataFrame({"participant_id": [f"sub-{k:03d}" for k in range(n)]})
    scores = heard + seen
    return Samples(table, None, instances), (scores < np.median(scores)).astype(int)


def timed(model, samples, y):
    """Fit, and tell the seconds: those of the clock, and of the processors, which others share."""
    start, used = time.perf_counter(), time.process_time()
    model.fit(samples, y)
    return f"{time.perf_counter() - start:.1f} s ({time.process_time() - used:.1f} s of processor)"


def speed(rates):
    """Print seconds of one epoch."""
    for rate in rates:
        samples, y = cohort(60, 54, 22, int(10 * rate), rate, 1, (61, 73))
        model = FusionClassifier(
            (SIGNALS,), epochs=1, stop_after=0, schedule="constant", validation_share=0.0
        )
        print(
            f"LSTM, 60 people x 54 windows of 22 channels at {rate:g} Hz: "
            f"{timed(model, samples, y)} an epoch (limit {LIMIT:g} s)",
            flush=True,
        )
    samples, y = cohort(8, 1, 2, 100, 50.0, 40, (61, 73))
    for size in (224, 96):
        model = FusionClassifier(
            (SLICES,), size=size, epochs=1, stop_after=0, schedule="constant", validation_share=0.0
        )
        print(
            f"shufflenet, 320 slices of {size} pixels: {timed(model, samples, y)} an epoch",
            flush=True,
        )


class Kept(dict):
    """Trainings that are done: the fusion takes the networks of either half as they are."""

    def load(self, name):
        """Return a training, or None."""
        return self.get(name)

    def save(self, name, content):
        """Keep a training."""
        self[name] = content


def people(n, **removed):
    """Small cohort, quickly learned: perfect readers of a half have an AUC of 0.83."""
    return cohort(n, 2, 4, 128, 64.0, 1, (20, 24), **removed)


def small(modalities, checkpoints=None):
    """Networks of shi2025 as they are, with fewer units and pixels, and a short training."""
    return FusionClassifier(
        modalities,
        hidden=(16, 16, 8),
        step=0.25,
        size=32,
        rotation=5.0,
        brightness=0.0,
        epochs=5,
        learning_rate=5e-3,
        schedule="cosine",
        stop_after=0,
        validation_share=0.0,
        slice_batch_size=32,
        checkpoints=checkpoints,
    )


def halves(n):
    """Print how both networks and their fusion do where each knows a half."""
    used = time.process_time()
    samples, y = people(n)
    names = samples.participants.tolist()
    truth = pd.Series(y.astype(float), index=names)
    splits = make_splits(names, y, folds=5, repeats=1)
    found, weights, done = {}, [], Kept()

    def watch(model, *_):
        weights.append(model.weights_[SIGNALS])

    for name, modalities in MODELS.items():
        table = cross_validate(
            [small(modalities, done)], samples, y, splits, watch=watch if name == "both" else None
        )
        found[name] = Predictions.of(average_trainings(table), truth)
    metrics = metrics_table(found, "classification", 0, {"all": np.ones(n, bool)})
    auc = metrics[metrics["metric"] == "roc_auc"].set_index("model")["value"]
    said = [f"AUC {name} {auc[name]:.2f}" for name in MODELS]
    for alone in ("signals", "slices"):
        pair = {name: found[name] for name in (alone, "both")}
        row = compare_models(pair, list(pair), "classification", 0).iloc[0]
        said.append(f"both minus {alone} {row['difference']:+.2f}, p = {row['p_value']:.4f}")
    tell("both halves", n, said, weights, used)


def one_half(n, title, **removed):
    """Print what weights two of five test sets leave, where one half is noise."""
    used = time.process_time()
    samples, y = people(n, **removed)
    splits = make_splits(samples.participants.tolist(), y, folds=5, repeats=1)
    folds = sorted(splits["fold"].unique())[:2]
    weights = []
    cross_validate(
        [small((SIGNALS, SLICES))],
        samples,
        y,
        splits[splits["fold"].isin(folds)],
        watch=lambda model, *_: weights.append(model.weights_[SIGNALS]),
    )
    tell(title, n, [], weights, used)


def tell(title, n, said, weights, used):
    """Print one scenario."""
    shown = ", ".join(f"{weight:.2f}" for weight in weights)
    said = [*said, f"weights of EEG {shown}"]
    seconds = time.process_time() - used
    print(f"{title}, {n} people: {'; '.join(said)}; {seconds:.0f} s of processor", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--fusion", action="store_true")
    parser.add_argument("--rates", type=float, nargs="+", default=[250.0, 500.0], help="Hz")
    parser.add_argument("--people", type=int, default=400)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    if given.speed:
        speed(given.rates)
    if given.fusion:
        halves(given.people)
        one_half(given.people // 2, "no signal in EEG", signal=0.0)
        one_half(given.people // 2, "no signal in bold", picture=0.0)
