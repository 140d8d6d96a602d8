"""How far each flawed protocol is above the truth, on simulated cohorts; used by evaluation.py.

Patients of the simulated population have 18 columns more that say nothing of the outcome and are
the same in all their scans, as anatomy is. Each flaw meets cohorts in which it can be made: with
two scans, three windows, or healthy people. Truth is the AUC of the model trained on the whole
cohort, on all other patients, over every outcome that they could have had.
"""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import RandomForestClassifier

from motor_bids_app.evaluation.crossvalidation import predict_scans
from motor_bids_app.evaluation.flawed import FLAWS
from motor_bids_app.evaluation.metrics import classification_metrics
from motor_bids_app.evaluation.protocols import Fits, Plan, out_of_fold
from motor_bids_app.evaluation.splits import make_splits
from motor_bids_app.features.samples import Samples
from motor_bids_app.models.tables.classical import TableClassifier
from motor_bids_app.simulation.ceiling import best_auc
from motor_bids_app.simulation.impairment import POOR_BELOW, draw_scores

N_PEOPLE, N_CONTROLS, N_NOISE, MIN_CLASS = 40, 30, 18, 8
COLUMNS = ("tract_load", "lesion_volume", *(f"noise{i}" for i in range(N_NOISE)))
FEW = COLUMNS[:3]
SCAN_NOISE = 0.3  # of what a scan measures again, in standard deviations over people
SCENES: dict[str, dict[str, Any]] = {
    "scan-folds": {"sessions": 2},
    "window-folds": {"windows": 3},
    "best-of-trainings": {"forest": True},
    "controls-included": {"controls": N_CONTROLS},
    "control-time-zero": {"controls": N_CONTROLS, "columns": (*FEW, "time_since_stroke")},
    "choice-on-test": {"columns": COLUMNS[:6]},
}


class Forest(ClassifierMixin, BaseEstimator):
    """Some trees, which differ with the seed."""

    def __init__(self, columns: tuple[str, ...] = COLUMNS, random_state: int = 0) -> None:
        self.columns = columns
        self.random_state = random_state

    def fit(self, X: Samples, y: np.ndarray) -> "Forest":
        """Fit to classes."""
        trees = RandomForestClassifier(10, max_depth=3, random_state=self.random_state)
        self.trees_ = trees.fit(X.table[list(self.columns)], y)
        return self

    def predict_proba(self, X: Samples) -> np.ndarray:
        """Return the probability of each class."""
        return self.trees_.predict_proba(X.table[list(self.columns)])


def deal(truth: "pd.Series[float]", controls: "pd.Series[bool]") -> pd.DataFrame:
    """Split in 5 folds, once."""
    labels, strata = truth.to_numpy().astype(int), controls.to_numpy(dtype=bool)
    return make_splits(list(truth.index), labels, repeats=1, strata=strata)


def widen(table: pd.DataFrame) -> pd.DataFrame:
    """Add the columns that say nothing, the same for a person every time."""
    noise = np.random.default_rng(5).normal(size=(len(table), N_NOISE))
    return table.assign(**{f"noise{i}": noise[:, i] for i in range(N_NOISE)})


def make_plan(
    patients: pd.DataFrame,
    healthy: pd.DataFrame,
    rng: np.random.Generator,
    *,
    sessions: int = 1,
    windows: int = 1,
    controls: int = 0,
    columns: tuple[str, ...] = COLUMNS,
    forest: bool = False,
) -> Plan:
    """Draw outcomes and scans of one cohort, and plan the right evaluation."""
    poor = draw_scores(patients["clean_score"].to_numpy(), rng) < POOR_BELOW
    people = pd.concat([patients, healthy[:controls]], ignore_index=True)
    y = np.concatenate([poor, np.zeros(controls)]).astype(int)
    row = np.repeat(np.arange(len(people)), sessions * windows)
    table = people.iloc[row].reset_index(drop=True)
    if len(row) > len(people):
        spread = people[list(columns)].std().to_numpy()
        table[list(columns)] += SCAN_NOISE * spread * rng.normal(size=(len(row), len(columns)))
        table["lesion_volume"] = table["lesion_volume"].clip(lower=0)
    table["session_id"] = np.tile(np.repeat(np.arange(sessions), windows), len(people)).astype(str)
    truth = pd.Series(y.astype(float), index=people["participant_id"].tolist()).sort_index()
    group = people.set_index("participant_id")["group"].reindex(truth.index)
    model = Forest() if forest else TableClassifier(columns=columns)
    return Plan(
        samples=Samples(table),
        y=y[row],
        truth=truth,
        splits=deal(truth, group == "control"),
        deal=deal,
        variants=(((model,),),),
        task="classification",
        columns=columns,
    )


def auc(plan: Plan) -> float:
    """AUC in cross-validation, as the plan says."""
    predictions = out_of_fold(plan, Fits(), "roc_auc")
    return float(classification_metrics(predictions)["roc_auc"][0])


def true_auc(plan: Plan, others: pd.DataFrame) -> float:
    """AUC that the models of the folds have in other patients, mean over folds."""
    poor, found = others["poor_probability"].to_numpy(), []
    for _, test in plan.splits.groupby("fold"):
        fit = ~np.isin(plan.samples.participants, test["participant_id"].to_numpy(dtype=str))
        model = clone(plan.models[0]).fit(plan.samples[fit], plan.y[fit])
        found.append(best_auc(poor, predict_scans(model, Samples(others))))
    return float(np.mean(found))


def compare(population: pd.DataFrame, healthy: pd.DataFrame, n_cohorts: int) -> pd.DataFrame:
    """Columns protocol, right, flawed, truth; one row per flaw and cohort."""
    population, healthy = widen(population), widen(healthy)
    healthy["participant_id"] = "healthy-" + healthy["participant_id"]
    rows = []
    for seed in range(n_cohorts):
        own = np.random.default_rng(seed).choice(len(population), N_PEOPLE, replace=False)
        patients = population.iloc[np.sort(own)].reset_index(drop=True)
        others = population.drop(population.index[own])
        for name, flaw in FLAWS.items():
            rng = np.random.default_rng([seed, 1])
            plan = make_plan(patients, healthy, rng, **SCENES.get(name, {}))
            if min(plan.truth.sum(), N_PEOPLE - plan.truth.sum()) < MIN_CLASS:
                continue
            changed = flaw(plan)
            if isinstance(changed, str):  # such as classes that happen to be balanced
                continue
            rows.append((name, auc(plan), auc(changed), true_auc(plan, others)))
    return pd.DataFrame(rows, columns=["protocol", "right", "flawed", "truth"])


def report(table: pd.DataFrame) -> list[str]:
    """Print means over cohorts; return the protocols that are not clearly above the truth."""
    excess = (table["flawed"] - table["truth"]).groupby(table["protocol"], sort=False)
    means = table.groupby("protocol", sort=False).mean()
    means["flawed - truth"], means["error"] = excess.mean(), excess.sem()
    print(f"\nflawed protocols, AUC, mean of {excess.size().max()} cohorts of {N_PEOPLE} patients")
    print(means.round(3).to_string())
    strong = means.index[means["flawed - truth"] > 2 * means["error"]]
    return [f"{name} is not above the truth" for name in FLAWS if name not in strong]
