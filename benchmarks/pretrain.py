"""Does a network gain from a start on simulated people? Small network, 8 mm, simulated targets.

usage: python benchmarks/pretrain.py [--rounds 6]
Lesions, tract damage and scores come from `simulation`; a map of anisotropy falls in the lesion
and along the tract that degenerates. The cohort to pretrain on is large; the cohort to predict is
small, and of another scanner: more noise, coarser noise, another contrast. Three starts, tested on
the same 100 others of the second scanner: at random; on the simulated cohort; and, as a control, on
the same cohort with its classes dealt out anew, which teaches nothing about damage.
"""

import argparse
import sys
import time

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter
from sklearn.metrics import roc_auc_score

from motor_bids_app.features.samples import Samples
from motor_bids_app.features.volumes import VolumeStore
from motor_bids_app.models.networks.deep import NetworkClassifier
from motor_bids_app.models.networks.transfer import start_from
from motor_bids_app.simulation.damage import assess, load_tract
from motor_bids_app.simulation.head import load_brain
from motor_bids_app.simulation.impairment import POOR_BELOW, clean_score, draw_scores
from motor_bids_app.simulation.lesions import draw_lesion
from motor_bids_app.simulation.sampling import grid_points, move, sample
from motor_bids_app.spaces.grids import Grid

N_SOURCE, N_TRAIN, N_TEST = 200, 40, 100
NETWORK = {
    "widths": (4, 8, 8, 8),
    "n_residuals": 1,
    "hidden": 8,
    "batch_size": 8,
    "dropout": 0.2,
    "learning_rate": 0.01,
}
SOURCE_EPOCHS, EPOCHS = 15, 15
GRID = Grid(
    (20, 24, 20), np.array([[8.0, 0, 0, -76], [0, 8, 0, -108], [0, 0, 8, -70], [0, 0, 0, 1]])
)
SCANNERS = {  # gain of anisotropy, noise, its width in voxels
    "source": (1.0, 0.04, 0.6),
    "target": (0.85, 0.06, 1.0),
}


def simulate(n_people: int, scanner: str, seed: int) -> tuple[Samples, np.ndarray]:
    """Return patients, lesions mirrored to the right, and who is poor."""
    rng = np.random.default_rng(seed)
    gain, noise, width = SCANNERS[scanner]
    points = grid_points(GRID)
    brain, right = load_brain(4), load_tract("right")
    anisotropy = 0.5 * sample(brain.white[None], brain.grid, points)[0].reshape(GRID.shape)
    voxels = np.rint(move(np.linalg.inv(GRID.affine), right.points[right.probability > 0.25]))
    tract = np.zeros(GRID.shape, dtype=bool)
    tract[tuple(voxels.astype(int).T)] = True
    store = VolumeStore.empty(n_people, ("fa",), GRID)
    ages, clean = rng.normal(62, 12, n_people), np.empty(n_people)
    for person in range(n_people):
        lesion = draw_lesion(rng)
        while lesion.side != "right":
            lesion = draw_lesion(rng)
        damage = assess(lesion, rng)
        clean[person] = clean_score(damage, ages[person])
        fa = anisotropy * np.where(tract, 1 - 0.6 * damage.degeneration, 1)
        fa[lesion.covers(points).reshape(GRID.shape)] *= 0.3
        grain = gaussian_filter(rng.normal(size=GRID.shape), width)
        store.data[person, 0] = (gain * fa + noise * grain / grain.std()) * (anisotropy > 0.01)
    store.present[:] = True
    table = pd.DataFrame({"participant_id": [f"sub-{k:03d}" for k in range(n_people)]})
    table["age"], table["sex"], table["time_since_stroke"] = ages, 0.0, 12.0
    poor = (draw_scores(clean, rng) < POOR_BELOW).astype(int)
    return Samples(table, store.volumes()), poor


def starts(seed: int) -> dict[str, NetworkClassifier]:
    """Return networks that learned from the simulated cohort, and from dealt out classes."""
    samples, poor = simulate(N_SOURCE, "source", seed)
    dealt = np.random.default_rng(seed).permutation(poor)
    return {
        name: NetworkClassifier(**NETWORK, epochs=SOURCE_EPOCHS, random_state=seed).fit(samples, y)
        for name, y in (("simulated cohort", poor), ("classes dealt out anew", dealt))
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=6)
    rounds = parser.parse_args().rounds
    begin = time.perf_counter()
    learned = starts(seed=1)
    print(f"pretrained on {N_SOURCE} people in {time.perf_counter() - begin:.0f} s", flush=True)
    found: dict[str, list[float]] = {}
    for seed in range(100, 100 + rounds):
        samples, poor = simulate(N_TRAIN + N_TEST, "target", seed)
        training, tested = samples[:N_TRAIN], samples[N_TRAIN:]
        for name in ("at random", *learned):
            start = start_from(learned[name], name) if name in learned else None
            model = NetworkClassifier(**NETWORK, epochs=EPOCHS, random_state=seed, start=start)
            model.fit(training, poor[:N_TRAIN])
            score = model.predict_proba(tested)[:, 1]
            found.setdefault(name, []).append(float(roc_auc_score(poor[N_TRAIN:], score)))
    untouched = [
        roc_auc_score(poor[N_TRAIN:], model.predict_proba(tested)[:, 1])
        for model in learned.values()
    ]
    base = np.array(found["at random"])
    for name, values in found.items():
        gain = np.array(values) - base
        error = gain.std(ddof=1) / np.sqrt(rounds)
        print(f"start {name}: AUC {np.mean(values):.3f}, gain {gain.mean():+.3f} (SE {error:.3f})")
    print(f"not trained further, last round: {', '.join(f'{value:.3f}' for value in untouched)}")
    print(
        f"{rounds} cohorts of {N_TRAIN} to learn from, {time.perf_counter() - begin:.0f} s in all"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
