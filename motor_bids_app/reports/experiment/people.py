"""What the final model said of each patient, the worst misses first."""

import pandas as pd

from motor_bids_app.reports.pages import Table

_CLASSES = {1.0: "poor", 0.0: "good"}


def people_table(predictions: pd.DataFrame, label: str, task: str) -> Table:
    """List patients with truth and out-of-fold prediction.

    Parameters
    ----------
    predictions : DataFrame
        One row for each patient: participant_id, true, predicted, predicted_sd.
    label : str
        The model, as readers know it.
    task : str
        "classification" shows classes in words.
    """
    off = (predictions["predicted"] - predictions["true"]).abs()
    shown = predictions.assign(off=off).sort_values("off", ascending=False, kind="stable")
    classify = task == "classification"
    truth = shown["true"].astype(float)
    rows = zip(
        shown["participant_id"],
        truth.map(_CLASSES) if classify else truth,
        (f"{value:.2f}" for value in shown["predicted"]),
        ("n/a" if pd.isna(value) else f"{value:.2f}" for value in shown["predicted_sd"]),
        (f"{value:.2f}" for value in shown["off"]),
        strict=True,
    )
    what = "probability of a poor outcome" if classify else "score"
    return Table(
        caption=f"Out-of-fold prediction of “{label}” for each patient, largest errors first: "
        f"{what}, its standard deviation over repeats, and how far off it was.",
        columns=("Participant", "True", "Predicted", "SD", "Off by"),
        rows=tuple(rows),
        numeric=frozenset({2, 3, 4} if classify else {1, 2, 3, 4}),
    )
