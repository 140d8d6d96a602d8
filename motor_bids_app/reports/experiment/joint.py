"""The page of an experiment that predicts several scores of the same people."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

import pandas as pd

from motor_bids_app.reports.experiment.answer import format_p
from motor_bids_app.reports.experiment.charts import metric_forest
from motor_bids_app.reports.experiment.gate import ALONE, BETTER, SIMPLER
from motor_bids_app.reports.experiment.page import ExperimentLink
from motor_bids_app.reports.pages import Figure, Reference, Table, render

REFERENCES = (
    Reference(
        key="Holm 1979",
        citation="Holm S. A simple sequentially rejective multiple test procedure. Scandinavian "
        "Journal of Statistics 6:65-70, 1979.",
    ),
)


@dataclass(frozen=True, kw_only=True)
class JointReport:
    """All that the page shows.

    `scores` and `correlations` are the tables scores.tsv and score_correlations.tsv; `links` has
    the scores in the order of the former. `excluded` has the columns reason and people.
    """

    name: str
    description: str
    links: tuple[ExperimentLink, ...]
    scores: pd.DataFrame
    correlations: pd.DataFrame
    classify: bool  # whether classes are predicted
    n_patients: int
    n_controls: int
    excluded: pd.DataFrame
    splits: Mapping[str, str | int | float]
    leftovers: tuple[str, ...] = ()  # files of an earlier run in the same folder
    configuration: str = ""  # the experiment, as TOML
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def headline(self) -> str:
        """How many scores are predicted, in one sentence."""
        good = sum(link.answer.decision in (ALONE, BETTER, SIMPLER) for link in self.links)
        verb = "is" if good == 1 else "are"
        return (
            f"{good or 'None'} of {len(self.links)} scores {verb} predicted better than chance, "
            "with tests corrected for the number of scores."
        )

    @property
    def state(self) -> str:
        """Colour of the headline: that of the best verdict."""
        states = {link.answer.state for link in self.links}
        return next(one for one in ("good", "warn", "plain", "bad") if one in states)


def render_joint(report: JointReport) -> str:
    """Return the page as one self-contained HTML file."""
    return render(
        "joint.html",
        report=report,
        rows=[
            {
                "link": link,
                "target": row["target"],
                "chance": _p(row["chance_p_holm"]),
                "simpler": _p(row["difference_p_holm"]),
            }
            for link, row in zip(report.links, report.scores.to_dict("records"), strict=True)
        ],
        figure=_forest(report),
        correlations=_correlations(report),
        excluded=Table.of(
            report.excluded,
            "People or scans left out of all scores. Their labels are in excluded.tsv of each "
            "score.",
            {"reason": "Reason", "people": "People"},
        ),
        references=REFERENCES,
        contents={
            "scores": "Scores",
            "correlations": "Correlations",
            "cohort": "People",
            "splits": "Splits",
            "settings": "Settings",
            "references": "References",
        },
        versions=report.versions,
    )


def _p(value: float) -> str:
    return "n/a" if pd.isna(value) else format_p(value).removeprefix("= ")


def _forest(report: JointReport) -> Figure:
    """The main metric of every score with its interval."""
    answers = {link.name: link.answer for link in report.links}
    rows = [
        (name, "patients", one.metric, one.value, one.low, one.high)
        for name, one in answers.items()
    ]
    columns = ["model", "population", "metric", "value", "low", "high"]
    first = report.links[0].answer
    return metric_forest(
        pd.DataFrame(rows, columns=columns),
        dict(zip(answers, report.scores["target"], strict=True)),
        metric=first.metric,
        chance=first.chance,
        noise_floors={name: one.noise_floor for name, one in answers.items()},
        what="score",
    )


def _correlations(report: JointReport) -> Table:
    """Correlation of each pair of scores, and of what is missed of them."""
    names = dict(zip(report.scores["score"], report.scores["target"], strict=True))
    rows = tuple(
        (
            f"{names[row['score']]} and {names[row['other']]}",
            row["n_people"],
            *(_interval(row, name) for name in ("r_scores", "r_errors")),
        )
        for row in report.correlations.to_dict("records")
    )
    what = "classes" if report.classify else "scores"
    return Table(
        caption=f"Correlations (95 % intervals by Fisher) of the {what}, and of the errors of "
        "their out-of-fold predictions, in patients. If errors correlate, the models fail in the "
        "same people.",
        columns=("Pair", "Patients", f"r of the {what}", "r of the errors"),
        rows=rows,
        numeric=frozenset({1, 2, 3}),
    )


def _interval(row: Mapping[Hashable, float], name: str) -> str:
    if pd.isna(row[name]):
        return "n/a"
    return f"{row[name]:.2f} ({row[f'{name}_low']:.2f} to {row[f'{name}_high']:.2f})"
