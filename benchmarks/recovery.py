"""From a baseline to a later score where the truth is known: what imaging adds, and coupling.

usage: python benchmarks/recovery.py [N_COHORTS]
Cohorts are drawn, tables only: a baseline of 5 to 45 points, and a bundle of which a lesion cuts a
share. The later score is baseline + s (66 - baseline) + noise. Where imaging helps, s falls with
the share that is cut; where it does not, the share is drawn anew. Ridge models of the baseline
alone and of both are compared on the same splits, as the group level does. The second table asks
whether recovery is proportional where it is, where later scores are unrelated to the baseline, and
where they are unrelated and crowd at the ceiling, and where all gain alike up to the ceiling: five
times as many cohorts, as they cost little.
"""

import sys

import numpy as np
import pandas as pd

from motor_bids_app.evaluation.comparisons import compare_pairs
from motor_bids_app.evaluation.crossvalidation import cross_validate
from motor_bids_app.evaluation.predictions import Predictions
from motor_bids_app.evaluation.recovery import coupling
from motor_bids_app.evaluation.splits import make_splits
from motor_bids_app.features.samples import Samples
from motor_bids_app.models.tables.classical import TableRegressor
from motor_bids_app.models.tables.columns import BASELINE

N_COHORTS, BEST, NOISE = 200, 66.0, 6.0  # points
KINDS = (
    "proportional",
    "unrelated",
    "unrelated, near the ceiling",
    "the same gain up to the ceiling",
)
CUT = "disconnection_corticospinal_tract_left"
MODELS = {"baseline": (BASELINE,), "both": (BASELINE, CUT)}


def draw(n: int, seed: int, *, helps: bool) -> tuple[Samples, np.ndarray]:
    """People with a baseline and a cut share, and their change."""
    rng = np.random.default_rng(seed)
    start, cut = rng.integers(5, 46, n).astype(float), rng.uniform(size=n)
    later = start + (0.85 - 0.4 * cut) * (BEST - start) + rng.normal(0, NOISE, n)
    later = np.rint(later).clip(0, BEST)
    seen = cut if helps else rng.uniform(size=n)
    table = pd.DataFrame({BASELINE: start, CUT: seen, "group": "patient"})
    table.insert(0, "participant_id", [f"sub-{k:03d}" for k in range(n)])
    return Samples(table), later - start


def added(n: int, seed: int, *, helps: bool) -> tuple[float, float, float]:
    """What imaging adds in R2, and the 95 % interval."""
    samples, change = draw(n, seed, helps=helps)
    people = samples.table["participant_id"]
    splits = make_splits(list(people), change, folds=5, repeats=5, seed=seed)
    truth = pd.Series(change, index=people.to_numpy(object))
    predictions = {
        name: Predictions.of(
            cross_validate([TableRegressor(columns=columns)], samples, change, splits), truth
        )
        for name, columns in MODELS.items()
    }
    row = compare_pairs(predictions, [("both", "baseline")], "regression", seed).iloc[0]
    return float(row["difference"]), float(row["low"]), float(row["high"])


def claimed(n: int, seed: int, kind: str) -> tuple[float, bool]:
    """Correlation of baseline and change, and whether proportional recovery is claimed."""
    rng = np.random.default_rng(seed)
    start = rng.integers(5, 46, n).astype(float)
    later = {
        "proportional": start + 0.7 * (BEST - start) + rng.normal(0, NOISE, n),
        "unrelated": rng.normal(40, 12, n),
        "unrelated, near the ceiling": rng.normal(60, 5, n),
        "the same gain up to the ceiling": start + 25 + rng.normal(0, NOISE, n),
    }[kind]
    found = coupling(start, np.rint(later).clip(0, BEST), BEST, seed, 1000)
    assert found is not None
    return found.r_change, found.proportional


def main() -> int:
    """Print both tables; 1 if a limit is missed."""
    n_cohorts = int(sys.argv[1]) if len(sys.argv) > 1 else N_COHORTS
    missed = []
    print(f"imaging beside the baseline, {n_cohorts} cohorts: R2 added, interval above 0, below 0")
    for helps in (True, False):
        for n in (60, 120):
            rows = np.array([added(n, seed, helps=helps) for seed in range(n_cohorts)])
            above, below = (rows[:, 1] > 0).mean(), (rows[:, 2] < 0).mean()
            print(
                f"  {'helps' if helps else 'does not'}, n = {n}: {rows[:, 0].mean():+.3f}, "
                f"{above:.1%}, {below:.1%}"
            )
            limit = 0.025 + 2 * np.sqrt(0.025 * 0.975 / n_cohorts)
            if (helps and n == 120 and above < 0.8) or (not helps and above > limit):
                missed.append(f"helps {helps}, n = {n}")
    n_cohorts *= 5
    print(f"proportional recovery, {n_cohorts} cohorts: mean r of baseline and change, claims at")
    print("n = 60, 120")
    for kind in KINDS:
        found = [np.array([claimed(n, seed, kind) for seed in range(n_cohorts)]) for n in (60, 120)]
        claims = [float(one[:, 1].mean()) for one in found]
        print(f"  {kind}: {found[0][:, 0].mean():+.2f}, " + ", ".join(f"{c:.1%}" for c in claims))
        limit = 0.05 + 2 * np.sqrt(0.05 * 0.95 / n_cohorts)
        if kind == "proportional" and min(claims) < 0.8:
            missed.append(kind)
        if kind != "proportional" and max(claims) > limit:
            missed.append(kind)
    print("all limits are met" if not missed else "missed: " + "; ".join(missed))
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
