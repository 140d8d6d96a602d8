"""What images add to predictors of the user's own, as a table and in words."""

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from motor_bids_app.reports.experiment.answer import format_p
from motor_bids_app.reports.experiment.charts import METRICS
from motor_bids_app.reports.pages import Table


def added_table(added: pd.DataFrame, models: Mapping[str, str]) -> Table:
    """One row per comparison of a joint model with a part of it; columns as of `added.tsv`."""
    rows = tuple(
        (
            models.get(row["model"], row["model"]),
            models.get(row["reference"], row["reference"]),
            METRICS.get(row["metric"], row["metric"]),
            _difference(row),
            *(
                "n/a" if pd.isna(row[name]) else format_p(row[name]).removeprefix("= ")
                for name in ("p_value", "p_holm")
            ),
        )
        for row in added.to_dict("records")
    )
    return Table(
        caption="Models that use both images and your predictors, compared with models that use "
        "only one of the two, on the same splits: difference in patients with its 95 % interval, "
        "p as for all comparisons, and p corrected for the number of rows in this table (Holm).",
        columns=("Both", "One of them", "Metric", "Difference", "p", "p (Holm)"),
        rows=rows,
        numeric=frozenset({3, 4, 5}),
    )


def added_sentences(added: pd.DataFrame, models: Mapping[str, str]) -> tuple[str, ...]:
    """Say for each joint model whether images add to the predictors."""
    return tuple(
        f"{models.get(row['model'], row['model'])}: {_verdict(row)} "
        f"({METRICS.get(row['metric'], row['metric'])} {_difference(row)})."
        for row in added[added["added"] == "images"].to_dict("records")
    )


def _verdict(row: Mapping[Hashable, Any]) -> str:
    if row["low"] > 0:
        return "images add to your predictors"
    if row["high"] < 0:
        return "images make the prediction worse than your predictors alone"
    return "no clear evidence in this sample on whether images add to your predictors"


def _difference(row: Mapping[Hashable, Any]) -> str:
    return f"{row['difference']:+.2f} ({row['low']:+.2f} to {row['high']:+.2f})"
