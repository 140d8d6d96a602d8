"""How often what images add is found when it is there, and when it is not.

Simulated people with one clinical score, age, sex and time, and maps of 512 voxels. The outcome
depends on the score, and on the maps or not. `added` is the difference between the joint model
(`own_kernel`) and the columns alone (`own`), as in added.tsv; the truth is the mean difference of
the same fitted models in 2,000 other people.

usage: python benchmarks/added.py [N_COHORTS]
Ends with 1 if images that add nothing are found to add something in more than 2.5 % of cohorts, or
intervals hold the truth in less than 93 %, each but for chance among so many cohorts.
"""

import sys

import numpy as np
import pandas as pd

from motor_bids_app.evaluation.comparisons import compare_pairs
from motor_bids_app.evaluation.crossvalidation import (
    cross_validate,
    metrics_for,
    predict_scans,
    primary_metric,
)
from motor_bids_app.evaluation.external import single_test_set
from motor_bids_app.evaluation.predictions import Predictions
from motor_bids_app.evaluation.splits import make_splits
from motor_bids_app.features.samples import Samples
from motor_bids_app.features.volumes import VolumeStore
from motor_bids_app.models.catalog import build_model
from motor_bids_app.models.tables.columns import DEMOGRAPHICS
from motor_bids_app.spaces.grids import Grid

PEOPLE, OTHERS, REPEATS = 80, 2000, 2
GRID = Grid((8, 8, 8), np.diag([4.0, 4, 4, 1]))
SCENARIOS = {  # weight of the maps, and of the clinical score in the maps
    "nothing": (0.0, 0.0),
    "nothing, maps know the score": (0.0, 1.0),
    "something": (0.8, 0.0),
}


def draw(rng, n, adds, shared):
    """People and their outcome: score, and damage that maps show."""
    score, damage = rng.normal(size=(2, n))
    store = VolumeStore.empty(n, ("fa",), GRID)
    store.present[:] = True
    shown = damage if not shared else shared * score
    noise = rng.normal(size=(n, *GRID.shape))
    pattern = np.zeros(GRID.shape)
    pattern[2:5, 2:5, 2:5] = 1
    store.data[:, 0] = 0.4 + 0.05 * (noise + shown[:, None, None, None] * pattern)
    table = pd.DataFrame({"participant_id": [f"sub-{k:04d}" for k in range(n)], "own_x": score})
    table = table.assign(**{name: rng.normal(size=n) for name in DEMOGRAPHICS})
    return Samples(table, store.volumes()), score + adds * damage + rng.normal(size=n)


def once(seed, task, adds, shared):
    """The row of added.tsv for one cohort, and the difference in other people."""
    rng = np.random.default_rng(seed)
    people, y = draw(rng, PEOPLE, adds, shared)
    others, theirs = draw(rng, OTHERS, adds, shared)
    if task == "classification":
        y, theirs = (y > 0).astype(int), (theirs > 0).astype(int)
    truth = pd.Series(np.asarray(y, float), index=people.table["participant_id"])
    splits = make_splits(list(truth.index), y, repeats=REPEATS, seed=seed)
    metric, compute = primary_metric(task), metrics_for(task)
    found, elsewhere = {}, {}
    known = pd.Series(np.asarray(theirs, float), index=others.table["participant_id"])
    for name in ("own", "own_kernel"):
        values = []

        def watch(model, *_, values=values):
            told = single_test_set(predict_scans(model, others), known)
            values.append(float(compute(told)[metric][0]))

        model = build_model(name, task=task)
        table = cross_validate([model], people, y, splits, watch=watch)
        found[name], elsewhere[name] = Predictions.of(table, truth), np.mean(values)
    row = compare_pairs(found, [("own_kernel", "own")], task, seed).iloc[0]
    return row, elsewhere["own_kernel"] - elsewhere["own"]


def main():
    """Print the table; 1 if a limit is missed."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    missed = []
    print("| task | images add | truth | found (low > 0) | interval holds the truth | width |")
    print("| --- | --- | --- | --- | --- | --- |")
    for task in ("regression", "classification"):
        for name, (adds, shared) in SCENARIOS.items():
            rows, truths = zip(*(once(s, task, adds, shared) for s in range(n)), strict=True)
            table, truth = pd.DataFrame(rows), float(np.mean(truths))
            holds = ((table["low"] <= truth) & (truth <= table["high"])).mean()
            width = (table["high"] - table["low"]).mean()
            found = (table["low"] > 0).mean()
            if name.startswith("nothing") and found > 0.025 + 2 * np.sqrt(0.025 * 0.975 / n):
                missed.append(f"{task}, {name}: found")
            if holds < 0.93 - 2 * np.sqrt(0.93 * 0.07 / n):
                missed.append(f"{task}, {name}: interval")
            print(
                f"| {task} | {name} | {truth:+.3f} | {found:.1%} | {holds:.1%} | {width:.2f} |",
                flush=True,
            )
    print("all limits are met" if not missed else "missed: " + "; ".join(missed))
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
