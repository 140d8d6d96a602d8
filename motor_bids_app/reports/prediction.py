"""The page of a model applied to people: predictions, and how far to trust them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from motor_bids_app.reports.experiment.charts import METRICS
from motor_bids_app.reports.experiment.tables import POPULATIONS
from motor_bids_app.reports.pages import Table, format_number, render


@dataclass(frozen=True, kw_only=True)
class PredictionReport:
    """All that the page of one prediction run shows.

    Tables:

    - `predictions`: participant_id, session_id (or missing), predicted (probability of
      `positive`, or the score; missing if refused), predicted_class and conformal_set (text;
      classification), warning (text or missing), and optionally low, high (interval of
      `predicted`), answer ("given", "widened", "refused") and in_training ("yes", ...)
    - `performance`: metric, population, value, low, high, from cross-validation of the model
    - `skipped`: participant_id, reason
    """

    model: str  # name of the bundle
    model_label: str  # what kind of model it is
    task: Literal["classification", "regression", "ordinal"]
    target: str
    positive: str | None = None
    negative: str | None = None
    threshold: float = 0.5  # of the probability
    unit: str = ""  # of a predicted score
    predictions: pd.DataFrame
    skipped: pd.DataFrame
    performance: pd.DataFrame
    noise_floor: float | None = None
    provenance: Mapping[str, str | int | float]  # label -> value: experiment, people, space, hash
    warnings: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)


_WIDENED = (
    "Where a person is unlike the training people, the answer is widened or refused as asked for; "
    "the last column says in what, with the range of 99 of 100 people like those of training."
)


def render_prediction(report: PredictionReport) -> str:
    """Return the page of one prediction run as one self-contained HTML file."""
    classify = report.task == "classification"
    rows = [_person(report, row) for _, row in report.predictions.iterrows()]
    return render(
        "prediction.html",
        report=report,
        contents={"people": "People", "trust": "Trust", "provenance": "Provenance"},
        classify=classify,
        caution="These numbers describe groups of people like those the model was trained on. They "
        "are not a diagnosis or a prognosis, the model is not a medical device, and nothing here "
        "may guide the care of a patient.",
        summary=_summary(report),
        rows=rows,
        sessions=any(row["session"] for row in rows),
        possible=any(row["possible"] for row in rows),
        named=any(row["called"] for row in rows),
        heading=f"Probability of {report.positive}" if classify else f"Predicted {report.target}",
        caption=_caption(report),
        skipped=Table.of(
            report.skipped, "Who, and why.", {"participant_id": "Participant", "reason": "Reason"}
        ),
        trust=_trust(report),
        performance=_performance(report),
        provenance=Table(
            caption="As recorded when the model was trained.",
            columns=("Fact", "Value"),
            rows=tuple(report.provenance.items()),
        ),
        versions=report.versions,
    )


def _person(report: PredictionReport, row: "pd.Series[Any]") -> dict[str, Any]:
    """Texts and numbers of one row; low and high are None where there is no interval."""
    if pd.isna(row["predicted"]):
        return {
            "participant": row["participant_id"],
            "session": _text(row.get("session_id")),
            "predicted": None,
            "low": None,
            "high": None,
            "text": "refused",
            "called": "",
            "possible": "",
            "warning": _text(row.get("warning")),
        }
    low, high = (row.get(name) for name in ("low", "high"))
    known = low is not None and high is not None and not pd.isna(low) and not pd.isna(high)
    text = _number(report, row["predicted"])
    if known:
        text += f" ({_number(report, low)} to {_number(report, high)})"
    return {
        "participant": row["participant_id"],
        "session": _text(row.get("session_id")),
        "predicted": float(row["predicted"]),
        "low": float(low) if known and low is not None else None,
        "high": float(high) if known and high is not None else None,
        "text": f"{text} {report.unit}".strip(),
        "called": _text(row.get("predicted_class")),
        "possible": (
            _text(row.get("conformal_set"))
            + (" (widened)" if row.get("answer") == "widened" else "")
        ).strip(),
        "warning": _text(row.get("warning")),
    }


def _number(report: PredictionReport, value: Any) -> str:
    return f"{value:.2f}" if report.task == "classification" else format_number(value)


def _text(value: Any) -> str:
    return "" if value is None or pd.isna(value) else str(value)


def _summary(report: PredictionReport) -> dict[str, str | int]:
    people = report.predictions
    facts: dict[str, str | int] = {"Predicted": int(people["predicted"].notna().sum())}
    if report.task == "classification" and "predicted_class" in report.predictions:
        for name in (report.positive, report.negative):
            called = int((report.predictions["predicted_class"] == name).sum())
            facts[f"Called {name}"] = called
    for column, value, label in (
        ("answer", "refused", "Refused"),
        ("answer", "widened", "Widened"),
        ("in_training", "yes", "Were in training"),
    ):
        count = int((people[column] == value).sum()) if column in people else 0
        if count:
            facts[label] = count
    facts["Not predicted"] = len(report.skipped)
    return facts


def _caption(report: PredictionReport) -> str:
    if report.task == "ordinal":
        return (
            "One row per person and session: the expected number of the class, and the class "
            f"nearest to it. {_WIDENED}"
        )
    if report.task == "regression":
        return f"One row per person and session. {_WIDENED}"
    return (
        f"One row per person and session. The bar is the probability of {report.positive}; the "
        f"line at {report.threshold:g} divides the classes. Near the line a call means little: "
        f"the classes that remain possible are those in the next column. {_WIDENED}"
    )


def _trust(report: PredictionReport) -> str:
    text = (
        "In cross-validation, on people of the training cohort whom the model had not seen, it "
        "reached the values below. On other scanners and other patients expect less."
    )
    if report.noise_floor is not None and not pd.isna(report.noise_floor):
        text += (
            f" In a cohort of that size, a useless model strays up to {report.noise_floor:.2f} "
            "from chance in the main metric."
        )
    return text


def _known(text: str) -> str:
    """The text, or n/a where it holds no number: a constant prediction has no slope."""
    return "n/a" if "nan" in text else text


def _performance(report: PredictionReport) -> Table:
    rows = [
        (
            METRICS.get(row["metric"], row["metric"]),
            POPULATIONS.get(row["population"], row["population"]),
            _known(f"{row['value']:.2f}"),
            _known(f"{row['low']:.2f} to {row['high']:.2f}"),
        )
        for _, row in report.performance.iterrows()
    ]
    return Table(
        caption="Cross-validated performance of this kind of model.",
        columns=("Metric", "In", "Value", "95 % interval"),
        rows=tuple(rows),
        numeric=frozenset({2, 3}),
    )
