"""One row per test set, in the form of table 3 of gao2025."""

import pandas as pd

from motor_bids_app.evaluation.by_fold import PRINTED
from motor_bids_app.reports.experiment.answer import format_p
from motor_bids_app.reports.experiment.charts import METRICS
from motor_bids_app.reports.pages import Table

_CAPTION = (
    "Each test set separately, with people as units (published: windows, with windows of the same "
    "people in training). A person's class is that of the mean over their windows, and trainings "
    "are averaged. p is an exact permutation p: the share of all assignments of the labels to the "
    "people of the test set that give at least this accuracy. The last column is the smallest p a "
    "perfect fold can reach: if it is above 0.05, no fold of this size can be significant by "
    "itself, and only the test of the whole cross-validation counts. Folds share training people, "
    "so their SD is not a standard error."
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
            "Smallest possible p",
        ),
        rows=tuple(rows),
        numeric=frozenset(range(1, 11)),
    )


def _share(value: float) -> str:
    return "n/a" if pd.isna(value) else f"{value:.3f}"
