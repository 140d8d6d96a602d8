"""Items of TRIPOD+AI on the evaluation of a model (Collins et al. 2024), with their numbers."""

from collections.abc import Callable

from motor_bids_app.reports.pages import Table
from motor_bids_app.reports.validation.content import ValidationReport

_Say = Callable[[ValidationReport], str]


def _people(report: ValidationReport) -> str:
    poor = "" if report.n_poor is None else f", {report.n_poor} with a poor outcome"
    return f"{report.n_people} patients{poor}."


def _flow(report: ValidationReport) -> str:
    reasons = report.left_out["reason"].value_counts()
    said = "; ".join(f"{reason} ({n})" for reason, n in reasons.items())
    return f"{len(report.left_out)} scans left out{': ' + said if said else ''}. {_people(report)}"


def _case_mix(report: ValidationReport) -> str:
    parts = [
        f"{row['quantity']} {row['mean']:.2f} here, {row['mean_training']:.2f} in training"
        for _, row in report.case_mix.iterrows()
    ]
    return "; ".join(parts) + "." if parts else ""


def _measures(report: ValidationReport) -> str:
    names = ", ".join(str(row[0]) for row in report.performance)
    return f"{names}; coverage of conformal sets or intervals; intervals of 95 %." if names else ""


def _performance(report: ValidationReport) -> str:
    return "; ".join(f"{name} {here}" for name, here, _ in report.performance)


def _updating(report: ValidationReport) -> str:
    if report.updates.empty:
        return "Not tried: too few people."
    return (
        "Intercept alone, and intercept and slope, each fitted to some people and judged on "
        f"others. {report.advice}"
    )


def _sites(report: ValidationReport) -> str:
    return "" if report.sites is None else f"{len(report.sites.rows) - 2} sites compared."


_ROWS: tuple[tuple[str, str, str, _Say | None], ...] = (
    ("1", "Title: evaluation, population, outcome", "Put it in the title of the paper.",
     lambda r: f"Evaluation of a model that predicts {r.target} in {r.n_people} patients."),
    ("5a", "Sources of data", "Design of the study, and why these data.",
     lambda r: f"Dataset {r.dataset}, not used to develop the model."),
    ("5b", "Dates", "Start and end of recruitment, end of follow-up.", None),
    ("6b", "Eligibility", "Criteria of the study.", _flow),
    ("8a", "Outcome", "When after stroke, by whom.", lambda r: f"{r.target}."),
    ("9b", "Predictors", "Scanners, sequences, raters of lesions.",
     lambda r: f"{r.model_label}, as recorded in its bundle."),
    ("10", "Sample size", "Whether it was planned, and why it is enough.", _people),
    ("12d", "Heterogeneity between clusters", "Whether and how sites were compared.", _sites),
    ("12e", "Measures of performance", "", _measures),
    ("12f", "Model updating", "State which model will be used from now on.", _updating),
    ("12g", "How predictions were calculated", "",
     lambda r: f"motor_bids_app {r.versions['motor_bids_app']} validate, from the bundle."),
    ("16", "Differences between development and evaluation data",
     "Differences in care, outcome and predictors.", _case_mix),
    ("20c", "Comparison with the development data", "", _case_mix),
    ("23a", "Performance with intervals", "", _performance),
    ("23b", "Heterogeneity of performance", "What explains it.", _sites),
    ("24", "Results of model updating", "", _updating),
    ("26", "Limitations", "Bias of the sample and of measurements.", None),
    ("27c", "Next steps, generalisability", "What else is needed before use.", None),
)  # fmt: skip


def checklist_table(report: ValidationReport) -> Table:
    """One row per item: what it asks, what this run says, and what is left to write."""
    rows = []
    for number, topic, left, say in _ROWS:
        said = "" if say is None else say(report)
        rows.append((number, topic, said, left or ("" if said else "Describe it.")))
    return Table(
        caption="Items of TRIPOD+AI (Collins et al. 2024, BMJ 385:e078378) that an evaluation in "
        "other people reports; the other items are about the paper or the development.",
        columns=("Item", "Asks for", "This run says", "For the authors"),
        rows=tuple(rows),
    )
