"""External validation of models where the truth is known: what it finds, and what updating mends.

usage: python benchmarks/external.py [N_COHORTS]
Two sites are simulated (tables only). Models learn at site A, from 120 patients, and are judged by
cross-validation there and by external validation on 80 patients of site B. In "another site",
lesions of B are drawn by another rater (volumes 1.6 times as large, tract load with more noise) and
patients are seen later, so that scores are 6 points better; in "same site", B is like A. The truth
is what the model does in 5,000 other patients of B. Shown are means over cohorts, how often 95 %
intervals hold the truth, how often an update is advised, and the Brier score of the model and of
the advised update in the other patients.
"""

import sys

import numpy as np
import pandas as pd

from motor_bids_app.evaluation.calibration import calibration_metrics
from motor_bids_app.evaluation.crossvalidation import average_trainings, cross_validate
from motor_bids_app.evaluation.external import external_metrics, single_test_set
from motor_bids_app.evaluation.metrics import classification_metrics
from motor_bids_app.evaluation.predictions import Predictions
from motor_bids_app.evaluation.splits import make_splits
from motor_bids_app.evaluation.summary import metric_interval
from motor_bids_app.evaluation.updating import (
    AS_IT_IS,
    BOTH,
    advised,
    cross_updated,
    fit_update,
    update_splits,
    updates_table,
)
from motor_bids_app.features.samples import Samples
from motor_bids_app.models.tables.classical import TableClassifier
from motor_bids_app.simulation.impairment import POOR_BELOW, draw_scores
from motor_bids_app.simulation.tabular import simulate_table

N_COHORTS, N_A, N_B, N_OTHERS = 200, 120, 80, 5_000
TASK = "classification"
MEASURES = ("roc_auc", "calibration_slope", "calibration_intercept")


def at_other_site(table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The same people as another site would have measured and seen them."""
    load = table["tract_load"] + rng.normal(0, 0.12, len(table))
    return table.assign(
        lesion_volume=1.6 * table["lesion_volume"],
        tract_load=load.clip(0, 1),
        clean_score=table["clean_score"] + 6,
    )


def poor(table: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """Draw who has a poor outcome."""
    return (draw_scores(table["clean_score"].to_numpy(), rng) < POOR_BELOW).astype(int)


def told(model: TableClassifier, table: pd.DataFrame, y: np.ndarray) -> Predictions:
    """Predictions of a model for people of elsewhere."""
    truth = pd.Series(y.astype(float), index=table["participant_id"].to_numpy(object))
    return single_test_set(model.predict_proba(Samples(table))[:, 1], truth)


def one_cohort(people: pd.DataFrame, seed: int, *, other: bool) -> dict[str, object]:
    """Train at A, judge at B; return one row of the table."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(people))
    a, b, rest = (
        people.iloc[part].reset_index(drop=True)
        for part in (order[:N_A], order[N_A : N_A + N_B], order[-N_OTHERS:])
    )
    if other:
        b, rest = at_other_site(b, rng), at_other_site(rest, rng)
    y = [poor(part, rng) for part in (a, b, rest)]
    model = TableClassifier(columns=("tract_load", "lesion_volume"))
    splits = make_splits(list(a["participant_id"]), y[0], seed=seed)
    inner = average_trainings(cross_validate([model], Samples(a), y[0], splits))
    internal = Predictions.of(inner, pd.Series(y[0].astype(float), index=a["participant_id"]))
    model.fit(Samples(a), y[0])
    found, truth = told(model, b, y[1]), told(model, rest, y[2])
    here = external_metrics(found, TASK, seed).set_index("metric")
    there = {**classification_metrics(truth), **calibration_metrics(truth)}
    again = update_splits(found, TASK, seed)
    advice = advised(found, updates_table(found, {}, TASK, again), TASK)
    update = fit_update(advice, found.values[0], found.truth, TASK)
    after = external_metrics(cross_updated(found, BOTH, TASK, again), TASK, seed)
    row: dict[str, object] = {
        "internal": metric_interval(internal, "roc_auc", TASK, seed)[0],
        "advised": advice != AS_IT_IS,
        "brier": float(np.square(truth.values - truth.truth).mean()),
        "updated": float(np.square(update.apply(truth.values, TASK) - truth.truth).mean()),
        "slope after": after.set_index("metric").loc["calibration_slope", "value"],
    }
    for name in MEASURES:
        value, low, high = here.loc[name, ["value", "low", "high"]]
        true = float(there[name][0])
        row |= {name: value, f"true {name}": true, f"held {name}": low <= true <= high}
    return row


def main() -> int:
    """Print the table; 1 if a limit is missed."""
    n_cohorts = int(sys.argv[1]) if len(sys.argv) > 1 else N_COHORTS
    people = simulate_table(N_A + N_B + N_OTHERS, seed=1)
    missed = []
    for name, other in (("another site", True), ("same site", False)):
        table = pd.DataFrame([one_cohort(people, s, other=other) for s in range(n_cohorts)])
        means = table.mean(numeric_only=False).astype(float)
        print(f"{name}: {n_cohorts} cohorts, {N_A} patients at A, {N_B} at B")
        print(
            f"  AUC: internal {means['internal']:.3f}, external {means['roc_auc']:.3f}, "
            f"truth at B {means['true roc_auc']:.3f}"
        )
        print(
            f"  calibration slope {means['calibration_slope']:.2f} "
            f"(truth {means['true calibration_slope']:.2f}), after an update "
            f"{means['slope after']:.2f}; intercept {means['calibration_intercept']:+.2f} "
            f"(truth {means['true calibration_intercept']:+.2f})"
        )
        held = {each: means[f"held {each}"] for each in MEASURES}
        print("  intervals hold the truth: " + ", ".join(f"{k} {v:.1%}" for k, v in held.items()))
        better = float((table["updated"] < table["brier"])[table["advised"]].mean())
        print(
            f"  an update is advised in {means['advised']:.1%}; Brier score in other patients "
            f"{means['brier']:.4f}, updated {means['updated']:.4f}"
            + (f" (lower in {better:.1%} of those)" if table["advised"].any() else "")
        )
        missed += [f"{name}, {each}" for each, share in held.items() if not 0.92 <= share <= 0.98]
        if other and (means["internal"] - means["roc_auc"] < 0.01 or better < 0.9):
            missed.append(f"{name}: optimism is not shown, or updating does not repair")
        if not other and means["updated"] > means["brier"] + 0.001:
            missed.append(f"{name}: the advice does harm where the sites are alike")
    print("all limits are met" if not missed else "missed: " + "; ".join(missed))
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
