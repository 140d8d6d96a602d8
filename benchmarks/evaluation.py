"""The promises of the evaluation, held against cohorts whose truth is known.

usage: python benchmarks/evaluation.py [N_COHORTS]
A population of 10,000 patients is simulated (tables only). Cohorts of 60 of them (200 by default),
each with scores drawn anew, are evaluated as `group` does, with the model of tract load and lesion
volume. The model trained on the whole cohort is then tried on all others, over every outcome that
they could have had, which leaves no chance in the truth. Shown are mean AUC in cross-validation
and its truth, how often 95 % intervals hold the truth, coverage of conformal sets, and p-values
of permutation tests where the scores are dealt out anew, so that there is nothing to find; and
how far flawed protocols are above the truth (`leaks.py`). Then intervals and tests over a grid of
cohorts (`grid.py`).
"""

import sys

import grid
import leaks
import numpy as np
import pandas as pd
from scipy import stats

from motor_bids_app.evaluation.conformal import conformal_limits
from motor_bids_app.evaluation.crossvalidation import cross_validate
from motor_bids_app.evaluation.permutation import permutation_test
from motor_bids_app.evaluation.predictions import Predictions
from motor_bids_app.evaluation.splits import make_splits
from motor_bids_app.evaluation.summary import metrics_table
from motor_bids_app.features.samples import Samples
from motor_bids_app.models.tables.classical import TableClassifier
from motor_bids_app.models.tables.products import linear_products
from motor_bids_app.simulation.ceiling import best_auc
from motor_bids_app.simulation.impairment import POOR_BELOW, draw_scores
from motor_bids_app.simulation.tabular import simulate_table

N_COHORTS, N_PEOPLE, N_POPULATION = 200, 60, 10_000
N_LEAKING = 40  # cohorts, at most, for flawed protocols
MIN_CLASS = 5
REPEATS, N_PERMUTATIONS = 5, 199
COLUMNS = ("tract_load", "lesion_volume")
RUNG = "lesion_volume"  # of the permutation tests


def one_cohort(samples: Samples, y: np.ndarray, others: Samples, seed: int) -> dict[str, float]:
    """Evaluate one cohort; return one row of the table."""
    labels = list(samples.participants)
    splits = make_splits(labels, y, repeats=REPEATS, seed=seed)
    model = TableClassifier(columns=COLUMNS)
    predictions = Predictions.of(
        cross_validate([model], samples, y, splits), pd.Series(y.astype(float), index=labels)
    )
    metrics = metrics_table(
        {"model": predictions}, "classification", seed, {"all": np.ones(len(y), dtype=bool)}
    )
    auc = metrics[metrics["metric"] == "roc_auc"].iloc[0]
    limits = conformal_limits(predictions, "classification")
    probability = model.fit(samples, y).predict_proba(others)[:, 1]
    poor = others.table["poor_probability"].to_numpy()
    held_poor = np.average(probability >= limits.poor, weights=poor)
    held_good = np.average(1 - probability >= limits.good, weights=1 - poor)
    return {
        "cv": auc["value"],
        "low": auc["low"],
        "high": auc["high"],
        "delong_low": auc["delong_low"],
        "delong_high": auc["delong_high"],
        "truth": best_auc(poor, probability),
        "covered": poor.mean() * held_poor + (1 - poor.mean()) * held_good,
        "covered_poor": held_poor,
        "covered_good": held_good,
        "p": null_p(samples, y, seed),
    }


def null_p(samples: Samples, y: np.ndarray, seed: int) -> float:
    """Return p of a permutation test where outcomes have nothing to do with people."""
    shuffled = np.random.default_rng(seed + 10**6).permutation(y).astype(np.float64)
    products, penalties = linear_products(RUNG, samples, list(samples.participants))
    return permutation_test(
        products,
        shuffled,
        task="classification",
        penalties=penalties,
        controls=np.zeros(len(y), dtype=bool),
        n_permutations=N_PERMUTATIONS,
        repeats=REPEATS,
        seed=seed,
    ).p_value


def main() -> int:
    """Print the table; 1 if a limit is missed."""
    n_cohorts = int(sys.argv[1]) if len(sys.argv) > 1 else N_COHORTS
    population = Samples(simulate_table(N_POPULATION, seed=1))
    rows = []
    for seed in range(n_cohorts):
        rng = np.random.default_rng(seed)
        own = np.zeros(N_POPULATION, dtype=bool)
        own[rng.choice(N_POPULATION, N_PEOPLE, replace=False)] = True
        samples = population[own]
        y = (draw_scores(samples.table["clean_score"].to_numpy(), rng) < POOR_BELOW).astype(int)
        if min(y.sum(), (1 - y).sum()) >= MIN_CLASS:
            rows.append(one_cohort(samples, y, population[~own], seed))
    healthy = simulate_table(0, leaks.N_CONTROLS, seed=2)
    above = leaks.compare(population.table, healthy, min(n_cohorts, N_LEAKING))
    missed = report(pd.DataFrame(rows), leaks.report(above))
    lost = grid.report(grid.run(n_cohorts, []))
    print("\n".join(["", "missed in the grid:", *lost] if lost else ["", "all of the grid is met"]))
    return int(missed or bool(lost))


def report(table: pd.DataFrame, missed: list[str]) -> int:
    """Compare with the limits; `missed` has those that flawed protocols missed."""
    inside = (table["low"] <= table["truth"]) & (table["truth"] <= table["high"])
    delong = (table["delong_low"] <= table["truth"]) & (table["truth"] <= table["delong_high"])
    ks = float(stats.kstest(table["p"], "uniform").pvalue)
    bias = float(table["cv"].mean() - table["truth"].mean())
    coverage = float(table["covered"].mean())
    print(f"{len(table)} cohorts of {N_PEOPLE} patients, {N_POPULATION - N_PEOPLE} others")
    print(f"AUC in cross-validation {table['cv'].mean():.3f}, truth {table['truth'].mean():.3f}")
    print(
        f"95 % intervals hold the truth in {inside.mean():.1%} (DeLong alone {delong.mean():.1%})"
    )
    rejected = (table["p"] < 0.05).mean()
    print(f"permutation p under the null: KS p {ks:.3f}, below 0.05 in {rejected:.1%}")
    by_class = table[["covered_poor", "covered_good"]].mean()
    print(
        f"conformal sets at 90 %: {coverage:.1%} of others, poor {by_class['covered_poor']:.1%}, "
        f"good {by_class['covered_good']:.1%}"
    )
    missed = missed + [
        name
        for name, met in {
            "bias of the AUC": abs(bias) <= 0.02,
            "coverage of intervals": 0.90 <= inside.mean() <= 0.98,
            "uniform p": ks > 0.01,
            "conformal coverage": 0.88 <= coverage <= 0.92,
        }.items()
        if not met
    ]
    print("all limits are met" if not missed else "missed: " + "; ".join(missed))
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
