"""Tables of the page of an experiment, from tidy tables.

Columns are those of the TSV files of the same name.
"""

from collections.abc import Hashable, Mapping

import numpy as np
import pandas as pd

from motor_bids_app.reports.experiment.answer import format_p
from motor_bids_app.reports.experiment.charts import METRICS
from motor_bids_app.reports.pages import Table

_SHOWN = {  # metrics of the main table, by task
    "classification": ("roc_auc", "balanced_accuracy_own", "sensitivity", "specificity", "brier"),
    "calibration": ("brier", "calibration_slope", "calibration_intercept", "ece"),
    "regression": ("r2", "r", "mae", "rmse"),
    "ordinal": ("quadratic_kappa", "mae", "accuracy"),
}
_MEASURED = {
    "elsewhere": "in people not used to develop the model",
    "nested": "in patients used neither for the models nor for the limits",
    "not nested": "by split-conformal limits calibrated on all other patients, which reach the "
    "target by construction: nested calibration of this model is too costly",
}
POPULATIONS = {"patients": "patients", "all": "patients and healthy controls together"}


def models_table(
    metrics: pd.DataFrame,
    models: Mapping[str, str],
    task: str,
    population: str,
    marked: str | None = None,
) -> Table:
    """One row per model, one column per metric with its interval.

    `task` chooses the metrics, and may be "calibration"; `marked` is the label of a model.
    """
    metrics = metrics[metrics["population"] == population]
    present = set(metrics["metric"])
    shown = [name for name in _SHOWN[task] if name in present]
    rows = []
    for model, label in models.items():
        one = metrics[metrics["model"] == model].drop_duplicates("metric").set_index("metric")
        if not one.empty:
            rows.append(
                (label, *(metric_cell(row.to_dict()) for _, row in one.reindex(shown).iterrows()))
            )
    caption = f"Out-of-fold performance in {POPULATIONS[population]}, with 95 % intervals."
    if "balanced_accuracy_own" in shown:
        caption += (
            " Balanced accuracy uses the threshold that was best for the people outside each test "
            "set, because models are trained with different class balances, and compares both "
            "classes within the same models; sensitivity and specificity use a threshold of 0.5 "
            "and pool all people."
        )
    if population == "all":
        caption += (
            " In addition to the table above, not instead of it: controls are easy to tell from "
            "patients, so these numbers are too optimistic for the question asked."
        )
    if task == "calibration":
        caption = (
            f"Calibration of probabilities, in {POPULATIONS[population]}: ideal are a slope of 1 "
            "(below: predictions too extreme), an intercept of 0 (above: poor is more frequent "
            "than predicted), and an expected calibration error (ECE) near 0, which is above 0 by "
            "chance alone (no interval). Intervals of slope and intercept are jackknife intervals "
            "over patients, widened because tested patients are also used for training. The "
            "interval of a slope has no upper end where some of the models predict nearly the same "
            "for everyone."
        )
    return Table(
        caption=caption,
        columns=("Model", *(METRICS.get(name, name) for name in shown)),
        rows=tuple(rows),
        numeric=frozenset(range(1, len(shown) + 1)),
        marked=marked,
    )


def metric_cell(row: Mapping[Hashable, float]) -> str:
    """Value of a metric with its interval, where it has one; rows as of `metrics.tsv`.

    >>> metric_cell({"value": 0.1, "low": float("nan"), "high": float("nan")})
    '0.10'
    """
    if pd.isna(row["value"]):
        return "n/a"
    if pd.isna(row["low"]):
        return f"{row['value']:.2f}"
    digits = 2 if abs(row["value"]) < 10 else 1
    above = "no upper end" if np.isinf(row["high"]) else f"{row['high']:.{digits}f}"
    interval = f"{row['low']:.{digits}f} to {above}"
    return f"{row['value']:.{digits}f} ({interval})"


def comparison_table(comparisons: pd.DataFrame, models: Mapping[str, str]) -> Table:
    """One row per model, against the best of the simpler ones."""
    return Table(
        caption="Each model compared with the best simpler one, on the same splits: difference "
        "in patients with its 95 % interval, p (the larger of the corrected resampled t-test over "
        "splits and a test over people), and p corrected for the number of models (Holm).",
        columns=("Model", "Best simpler model", "Metric", "Difference", "p", "p (Holm)"),
        rows=_compared(comparisons, models),
        numeric=frozenset({3, 4, 5}),
    )


def nuisance_table(comparisons: pd.DataFrame, models: Mapping[str, str]) -> Table:
    """One row per model, against missing values, image quality and site alone."""
    return Table(
        caption="Each model compared with one that sees only missing values, image quality and "
        "site. A model that is no better may have learned nothing else.",
        columns=("Model", "Compared with", "Metric", "Difference", "p", "p (Holm)"),
        rows=_compared(comparisons, models),
        numeric=frozenset({3, 4, 5}),
    )


def _compared(
    comparisons: pd.DataFrame, models: Mapping[str, str]
) -> tuple[tuple[object, ...], ...]:
    return tuple(
        (
            models.get(row["model"], row["model"]),
            models.get(row["reference"], row["reference"]),
            METRICS.get(row["metric"], row["metric"]),
            f"{row['difference']:+.2f} ({row['low']:+.2f} to {row['high']:+.2f})",
            *(
                "n/a" if pd.isna(row[name]) else format_p(row[name]).removeprefix("= ")
                for name in ("p_value", "p_holm")
            ),
        )
        for _, row in comparisons.iterrows()
    )


def coverage_table(coverage: pd.DataFrame, task: str) -> Table:
    """One row per group of people: how often the conformal set or interval holds the truth."""
    classify = task == "classification"
    rows = [
        (
            row["group"],
            int(row["n_people"]),
            f"{row['coverage']:.0%} ({row['low']:.0%} to {row['high']:.0%})",
            f"{row['size']:.2f}" if classify else f"{row['size']:.1f}",
            *([f"{row['single']:.0%}"] if classify else []),
        )
        for _, row in coverage.iterrows()
    ]
    what = ("sets of classes", "Classes in the set") if classify else ("intervals", "Width")
    return Table(
        caption=f"Conformal {what[0]} of the final model that should contain the truth for "
        f"{coverage['level'].iloc[0]:.0%} of patients: observed coverage (95 % binomial interval, "
        f"Wilson), {_MEASURED[coverage['measured'].iloc[0]]}."
        + (
            " Where the set holds both classes, the model gives no usable prediction."
            if classify
            else ""
        )
        + "".join(
            f" {row['group'].capitalize()}: {row['remark']}."
            for _, row in coverage.reindex(columns=["group", "remark"]).dropna().iterrows()
        ),
        columns=(
            "True group",
            "Patients",
            "Coverage",
            what[1],
            *(["One class"] if classify else []),
        ),
        rows=tuple(rows),
        numeric=frozenset({1, 2, 3, 4} if classify else {1, 2, 3}),
    )


def subgroup_table(groups: pd.DataFrame, label: str) -> Table:
    """One row per part of the cohort: the final model's main metric there."""
    metric = METRICS.get(groups["metric"].iloc[0], groups["metric"].iloc[0])
    classify = bool(groups["n_poor"].notna().any())
    rows = [
        (
            row["characteristic"],
            row["group"],
            int(row["n_people"]),
            *([int(row["n_poor"])] if classify else []),
            row["remark"] if isinstance(row["remark"], str) else metric_cell(row.to_dict()),
        )
        for _, row in groups.iterrows()
    ]
    return Table(
        caption=f"{label} in subgroups, with 95 % intervals; all rows are patients only, except "
        "one that includes controls, where there are some. Overlapping intervals do not show "
        "equality: subgroups are small, and many comparisons produce differences by chance.",
        columns=("By", "Group", "People", *(["Poor"] if classify else []), metric),
        rows=tuple(rows),
        numeric=frozenset({2, 3, 4} if classify else {2, 3}),
    )


def left_out_table(sites: pd.DataFrame, label: str) -> Table:
    """One row per site that was left out, of their mean and of a new site."""
    metric = METRICS.get(sites["metric"].iloc[0], sites["metric"].iloc[0])
    classify = bool(sites["n_poor"].notna().any())
    rows = [
        (
            row["site"],
            int(row["n_people"]),
            *([int(row["n_poor"])] if classify else []),
            metric_cell(row.to_dict()),
        )
        for _, row in sites.iterrows()
    ]
    return Table(
        caption=f"{label} at sites it was not trained on, with 95 % intervals. The mean treats "
        "sites as a sample of many (random effects: DerSimonian and Laird 1986, Hartung and Knapp "
        "2001), and its interval is that of the mean; the last row is the prediction interval for "
        "a new site. All intervals on this page are for models trained without one site; the "
        "final model is trained on all sites and, where they are few, may be better than the "
        "intervals suggest.",
        columns=("Site", "Patients", *(["Poor"] if classify else []), metric),
        rows=tuple(rows),
        numeric=frozenset({1, 2, 3} if classify else {1, 2}),
    )


def missing_table(missing: pd.DataFrame) -> Table:
    """One row per input of the models: who lacks it, and what is done about it."""
    rows = [
        (
            row["what"],
            f"{row['n_missing']} of {row['n_people']}",
            row["n_patients"],
            row["n_controls"],
            row["rule"],
        )
        for _, row in missing.iterrows()
    ]
    return Table(
        caption="Missing data, and how models handle it within each training fold.",
        columns=("Input", "Lacked by", "Patients", "Controls", "Rule"),
        rows=tuple(rows),
        numeric=frozenset({1, 2, 3}),
    )


def recalibration_table(table: pd.DataFrame, label: str) -> Table:
    """One row before and one after recalibration."""
    shown = list(dict.fromkeys(table["metric"]))
    rows = []
    for state, part in table.groupby("probabilities", sort=False):
        by_metric = part.set_index("metric")
        rows.append((state, *(metric_cell(by_metric.loc[name].to_dict()) for name in shown)))
    return Table(
        caption=f"Recalibration of {label}, learned within each training fold: ideal are a slope "
        "of 1, an intercept of 0, and a Brier score and calibration error (ECE) near 0. All other "
        "results are after recalibration.",
        columns=("Probabilities", *(METRICS.get(name, name) for name in shown)),
        rows=tuple(rows),
        numeric=frozenset(range(1, len(shown) + 1)),
    )


def size_table(sizes: pd.DataFrame, models: Mapping[str, str]) -> Table:
    """One row per model of few columns."""
    shown = sizes.assign(model=sizes["model"].map(lambda name: models.get(name, name)))
    return Table.of(
        shown,
        "Patients needed to develop a model with this many parameters, so that shrinkage in new "
        "people is at most 10 % (Riley et al. 2020). Models of thousands of voxels have no such "
        "number: they rely on regularisation.",
        {
            "model": "Model",
            "n_parameters": "Weights",
            "n_people": "Patients here",
            "n_needed": "Patients needed",
        },
    )
