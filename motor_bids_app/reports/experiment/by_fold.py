"""One row per test set, in the form of table 3 of gao2025."""

import pandas as pd

from motor_bids_app.evaluation.by_fold import PRINTED
from motor_bids_app.reports.experiment.answer import format_p
from motor_bids_app.reports.experiment.charts import METRICS
from motor_bids_app.reports.pages import Table

_CAPTION = (
    "Each test set by itself, of people (published: of windows, where windows of the same people "
    "were learned from). The class of a person is that of the mean over the own windows, and "
    "trainings are averaged. p is the share of all ways to deal the labels out among the people of "
    "the test set that give as high an accuracy; the last column is what a faultless fold reaches: "
    "where that is above 0.05, no fold of this size can be significant by itself, and the test of "
    "the whole cross-validation counts. Folds share training people: their SD is no standard error."
)


def fold_table(folds: pd.DataFrame) -> Table:
    """Show every test set, then mean and SD over them.

    Parameters
    ----------
    folds : DataFrame
        Columns as of `evaluation.by_fold`, and training_accuracy.
    """
    repeats = (folds["repeat"] != folds["repeat"].iloc[0]).any()
    metrics = ("training_accuracy", *PRINTED)
    rows = [
        (
            f"{row['repeat']:.0f}.{row['fold']:.0f}" if repeats else f"{row['fold']:.0f}",
            f"{row['n_people']:.0f} ({row['n_poor']:.0f})",
            *(_share(row[name]) for name in metrics),
            format_p(float(row["p_value"])).removeprefix("= "),
            format_p(float(row["least_p"])).removeprefix("= "),
        )
        for _, row in folds.iterrows()
    ]
    whole = [f"{folds[name].mean():.3f} ± {folds[name].std(ddof=1):.3f}" for name in metrics]
    shown = ["n/a" if "nan" in cell else cell for cell in whole]
    rows.append(("Mean ± SD", f"{folds['n_people'].mean():.1f}", *shown, "", ""))
    return Table(
        caption=_CAPTION,
        columns=(
            "Repeat and fold" if repeats else "Fold",
            "People (poor)",
            "Accuracy in training",
            *(METRICS[name] for name in PRINTED),
            "p",
            "Least p possible",
        ),
        rows=tuple(rows),
        numeric=frozenset(range(1, 11)),
    )


def _share(value: float) -> str:
    return "n/a" if pd.isna(value) else f"{value:.3f}"
