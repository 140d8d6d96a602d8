"""The page of one experiment, and the page that compares several."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from motor_bids_app.reports.experiment.answer import (
    Answer,
    chance_test,
    comparison,
    headline,
    meaning,
    noise_floor,
)
from motor_bids_app.reports.experiment.charts import metric_forest
from motor_bids_app.reports.experiment.content import ExperimentReport
from motor_bids_app.reports.pages import Figure, PersonPages, Table, render

_EXCLUDED = ("Left out.", {"participant_id": "Participant", "reason": "Reason"})
_OPTIONAL = {"explanation": "What the model responds to", "states": "States of connectivity"}
_LIMITS = (
    "The results apply to similar people scanned in a similar way. Models usually perform worse "
    "elsewhere: validate this one at another site before relying on it.",
    "Prediction is not explanation: what the model uses need not cause the impairment.",
    "Predictions are for research only, and must not guide the care of a patient.",
)


@dataclass(frozen=True, kw_only=True)
class ExperimentLink:
    """One line of the comparison: an experiment, its answer, and where its report is."""

    name: str
    href: str  # relative, as "experiments/baselines/report.html"
    question: str
    answer: Answer
    model_label: str
    baseline_label: str = ""  # of the best simpler model
    warnings: tuple[str, ...] = ()
    joint: str = ""  # the page of all scores, where the experiment is of one of several


@dataclass(frozen=True, kw_only=True)
class CohortImages:
    """What the comparison says of the images of all people."""

    n_people: int
    n_with_lesion_mask: int
    n_outliers: int = 0  # scans
    quality: Table | None = None
    strips: Figure | None = None  # of the table of quality
    overlap: Figure | None = None

    @property
    def sentences(self) -> tuple[str, ...]:
        """Counts in words."""
        intact = self.n_people - self.n_with_lesion_mask
        said = [f"{self.n_with_lesion_mask} of {self.n_people} people have a lesion mask."]
        if intact:
            said.append(f"{intact} without one were processed as if there were no lesion.")
        if self.quality:
            said.append(f"{self.n_outliers} scans are outliers in at least one quality measure.")
        return tuple(said)


@dataclass(frozen=True, kw_only=True)
class GroupReport:
    """All that the page comparing experiments shows."""

    dataset: str
    experiments: tuple[ExperimentLink, ...]
    failed: Mapping[str, str] = field(default_factory=dict)  # experiment -> what went wrong
    images: CohortImages | None = None
    notes: tuple[str, ...] = ()  # who was left out by rating, what the tables leave open
    person_pages: PersonPages = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)


def render_experiment(report: ExperimentReport) -> str:
    """Return the page of one experiment as one self-contained HTML file."""
    return render(
        "experiment.html",
        report=report,
        headline=headline(
            report.answer,
            label=report.models[report.answer.model],
            target=report.target,
            baseline=report.models.get(report.answer.best_baseline or "", ""),
        ),
        sentences=_sentences(report),
        contents=_contents(report),
        cohort=Table.of(
            report.cohort, "Sample characteristics: median (minimum to maximum), or counts."
        ),
        excluded=Table.of(report.excluded, *_EXCLUDED),
        optional=_OPTIONAL,
        limits=_LIMITS,
        pages=report.person_pages,
        versions=report.versions,
    )


def _sentences(report: ExperimentReport) -> list[str]:
    """What stands below the headline."""
    answer, compared = report.answer, None
    if answer.best_baseline is not None:
        compared = comparison(answer, baseline=report.models[answer.best_baseline])
    sentences = [
        meaning(answer),
        compared,
        chance_test(answer),
        noise_floor(answer),
        *report.history,
    ]
    if report.ceiling is not None:
        sentences.append(
            f"Simulated data: no model can do better than {answer.metric_name} "
            f"{report.ceiling:.2f} in the long run."
        )
    return [sentence for sentence in sentences if sentence]


def _contents(report: ExperimentReport) -> dict[str, str]:
    """Sections of the page, by the name of their place."""
    return {
        "cohort": "People",
        "models": "Models",
        "figures": "Figures",
        **({"explanation": "Explanation"} if report.at("explanation") else {}),
        **({"states": "States"} if report.at("states") else {}),
        "splits": "Splits",
        "audit": "Audit",
        "size": "Sample size",
        "limits": "Limits",
        **({"checklists": "Checklists"} if report.checklists else {}),
        "settings": "Settings",
        "references": "References",
    }


def render_comparison(report: GroupReport) -> str:
    """Return the page that compares experiments, with links to theirs."""
    contents = {"experiments": "Experiments"}
    if report.images:
        contents["images"] = "Images"
    if report.failed:
        contents["failed"] = "Failed"
    return render(
        "group.html",
        report=report,
        contents=contents,
        figures=_answers(report.experiments),
        pages=report.person_pages,
        headlines={
            link.name: headline(
                link.answer,
                label=link.model_label,
                target="the outcome",
                baseline=link.baseline_label,
            )
            for link in report.experiments
        },
        versions=report.versions,
    )


def _answers(links: tuple[ExperimentLink, ...]) -> list[Figure]:
    """One forest per metric: all experiments that answer in it."""
    figures = []
    for metric in dict.fromkeys(link.answer.metric for link in links):
        some = [link for link in links if link.answer.metric == metric]
        rows = [
            (link.name, "patients", metric, link.answer.value, link.answer.low, link.answer.high)
            for link in some
        ]
        table = pd.DataFrame(
            rows, columns=["model", "population", "metric", "value", "low", "high"]
        )
        figures.append(
            metric_forest(
                table,
                {link.name: link.name for link in some},
                metric=metric,
                chance=some[0].answer.chance,
                noise_floors={link.name: link.answer.noise_floor for link in some},
                what="experiment",
            )
        )
    return figures
