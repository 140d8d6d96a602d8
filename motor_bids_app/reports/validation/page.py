"""The page of one validated model, and the one that puts several side by side."""

from collections.abc import Mapping, Sequence

import pandas as pd

from motor_bids_app.reports.experiment.answer import format_p
from motor_bids_app.reports.experiment.charts import METRICS
from motor_bids_app.reports.pages import Table, render
from motor_bids_app.reports.validation.checklist import checklist_table
from motor_bids_app.reports.validation.content import ModelLink, ValidationReport

_LOSSES = {"brier": "Brier score", "mse": "Mean squared error"}
_CAUTION = (
    "A model that performs well in one cohort may not do so in the next, and nothing here may "
    "guide patient care."
)


def render_validation(report: ValidationReport) -> str:
    """Return the page of one validated model as one self-contained HTML file."""
    facts: dict[str, str | int] = {"Patients": report.n_people}
    if report.n_poor is not None:
        facts["Poor outcome"] = report.n_poor
    facts["Left out"] = len(report.left_out)
    return render(
        "validation.html",
        report=report,
        caution=_CAUTION,
        facts=facts,
        contents={
            "performance": "Performance",
            "updating": "Updating",
            "people": "People",
            "reporting": "For a paper",
            "provenance": "Provenance",
        },
        performance=_performance(report),
        updates=_updates(report.updates),
        case_mix=_case_mix(report.case_mix),
        left_out=Table.of(
            report.left_out, "Who, and why.", {"participant_id": "Participant", "reason": "Reason"}
        ),
        checklist=checklist_table(report),
        provenance=Table(
            caption="As recorded at training.",
            columns=("Fact", "Value"),
            rows=tuple(report.provenance.items()),
        ),
        versions=report.versions,
    )


def render_side_by_side(
    links: Sequence[ModelLink],
    comparisons: Mapping[str, pd.DataFrame],
    failed: Mapping[str, str],
    dataset: str,
    versions: Mapping[str, str],
) -> str:
    """Return the page of several models on the same people.

    Parameters
    ----------
    comparisons : mapping of str to DataFrame
        By what is predicted; see `compare_external`.
    failed : mapping of str to str
        Models that could not be judged, and why.
    """
    labels = {link.name: f"{link.name}: {link.label}" for link in links}
    return render(
        "validations.html",
        links=links,
        dataset=dataset,
        caution=_CAUTION,
        tables=[_compared(target, table, labels) for target, table in comparisons.items()],
        failed=failed,
        contents={"models": "Models", "differences": "Differences"},
        versions=versions,
    )


def _performance(report: ValidationReport) -> Table:
    return Table(
        caption="Here: in these patients, who were not used to develop the model. In development: "
        "in its cross-validation. Both with 95 % intervals.",
        columns=("Metric", "Here", "In development"),
        rows=report.performance,
        numeric=frozenset({1, 2}),
    )


def _updates(updates: pd.DataFrame) -> Table:
    rows = [
        (
            row["update"],
            _two_digits(row["intercept"]),
            _two_digits(row["slope"]),
            f"{row['value']:.3g}",
            "reference"
            if pd.isna(row["gain"])
            else f"{row['gain']:+.3g} ({row['low']:+.3g} to {row['high']:+.3g})",
        )
        for _, row in updates.iterrows()
    ]
    loss = _LOSSES[updates["loss"].iloc[0]] if len(updates) else "Loss"
    return Table(
        caption="The model as it is, and after updates fitted to some of these people and "
        "evaluated on the others (five folds, ten times). Intercept and slope are fitted to "
        "everyone, on log odds for classes. Gain: reduction in loss compared with the model as it "
        "is (95 % interval, paired over people).",
        columns=("Update", "Intercept", "Slope", loss, "Gain"),
        rows=tuple(rows),
        numeric=frozenset({1, 2, 3, 4}),
    )


def _two_digits(value: float) -> str:
    return "n/a" if pd.isna(value) else f"{value:.2f}"


def _case_mix(table: pd.DataFrame) -> Table:
    rows = [
        (
            row["quantity"].replace("_", " "),
            f"{row['mean']:.2f} (SD {row['sd']:.2f}), n = {row['n_people']}",
            f"{row['mean_training']:.2f} (SD {row['sd_training']:.2f}), n = {row['n_training']}",
            f"{row['difference']:+.2f}",
            f"{row['outside']:.0%}",
        )
        for _, row in table.iterrows()
    ]
    skewed = " ln(1 + ...): compared on a logarithmic scale, because the amounts are skewed."
    return Table(
        caption="These people compared with the training people. Difference: in standard "
        "deviations of the training people. Outside: share of people outside the range of 99 of "
        "100 training-like people. A more homogeneous sample than in training is harder to "
        "discriminate." + (skewed if any(row[0].startswith("ln(") for row in rows) else ""),
        columns=("Quantity", "Here", "In training", "Difference", "Outside"),
        rows=tuple(rows),
        numeric=frozenset({1, 2, 3, 4}),
    )


def _compared(target: str, table: pd.DataFrame, labels: Mapping[str, str]) -> Table:
    rows = [
        (
            labels[row["model"]],
            labels[row["reference"]],
            METRICS.get(row["metric"], row["metric"]),
            f"{row['difference']:+.2f} ({row['low']:+.2f} to {row['high']:+.2f})",
            "n/a" if pd.isna(row["p_value"]) else format_p(row["p_value"]).removeprefix("= "),
        )
        for _, row in table.iterrows()
    ]
    return Table(
        caption=f"{target}: each model minus the first, on the people predicted by all models, "
        "with 95 % interval and p (two-sided, not corrected for the number of models).",
        columns=("Model", "Against", "Metric", "Difference", "p"),
        rows=tuple(rows),
        numeric=frozenset({3, 4}),
    )
