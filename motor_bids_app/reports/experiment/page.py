"""The page of one experiment, and the page that compares several."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from motor_bids_app.reports.experiment import agreement, charts, evidence, ladder, paper
from motor_bids_app.reports.experiment.answer import (
    Answer,
    chance_test,
    comparison,
    headline,
    meaning,
    noise_floor,
)
from motor_bids_app.reports.experiment.content import ExperimentReport
from motor_bids_app.reports.experiment.tables import (
    POPULATIONS,
    chosen_table,
    comparison_table,
    coverage_table,
    missing_table,
    models_table,
    recalibration_table,
    size_table,
    subgroup_table,
    subset_table,
)
from motor_bids_app.reports.pages import Figure, Table, render

_EXCLUDED = ("Left out.", {"participant_id": "Participant", "reason": "Reason"})
_AUDIT = (
    "Checks for what would make the evaluation too good.",
    {"check": "Check", "state": "Result", "finding": "Finding"},
)
_LIMITS = (
    "The numbers hold for people like these, imaged like these. Elsewhere a model usually does "
    "worse: try it on people of another site before relying on it.",
    "A model that predicts is not an explanation: what it uses need not cause the impairment.",
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
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CohortImages:
    """What the comparison says of the images of all people."""

    n_people: int
    n_with_lesion_mask: int
    n_outliers: int = 0  # scans
    quality: Table | None = None
    overlap: Figure | None = None

    @property
    def sentences(self) -> tuple[str, ...]:
        """Counts in words."""
        intact = self.n_people - self.n_with_lesion_mask
        said = [f"{self.n_with_lesion_mask} of {self.n_people} people have a lesion mask."]
        if intact:
            said.append(f"{intact} without one were processed as if the brain were intact.")
        if self.quality:
            said.append(f"{self.n_outliers} scans are outliers in some measure of quality.")
        return tuple(said)


@dataclass(frozen=True, kw_only=True)
class GroupReport:
    """All that the page comparing experiments shows."""

    dataset: str
    experiments: tuple[ExperimentLink, ...]
    failed: Mapping[str, str] = field(default_factory=dict)  # experiment -> what went wrong
    images: CohortImages | None = None
    notes: tuple[str, ...] = ()  # who was left out by rating, what the tables leave open
    versions: Mapping[str, str] = field(default_factory=dict)


def render_experiment(report: ExperimentReport) -> str:
    """Return the page of one experiment as one self-contained HTML file."""
    answer, label = report.answer, report.models[report.answer.model]
    sentences = [meaning(answer), chance_test(answer), noise_floor(answer)]
    if answer.best_baseline is not None:
        baseline = report.models[answer.best_baseline]
        sentences.insert(1, comparison(answer, baseline=baseline))
    if report.ceiling is not None:
        sentences.append(
            f"These data are simulated: no model can do better than {answer.metric_name} "
            f"{report.ceiling:.2f} in the long run."
        )
    by_population = [
        models_table(report.metrics, report.models, report.task, population)
        for population in POPULATIONS
    ]
    if report.task == "classification":
        by_population.insert(
            1, models_table(report.metrics, report.models, "calibration", "patients")
        )
    contents = {
        "cohort": "People",
        "models": "Models",
        "figures": "Figures",
        **({"explanation": "Explanation"} if report.explanation else {}),
        **({"states": "States"} if report.states else {}),
        "splits": "Splits",
        "audit": "Audit",
        "size": "Sample size",
        "limits": "Limits",
        **({"checklists": "Checklists"} if report.checklists else {}),
        "settings": "Settings",
        "references": "References",
    }
    return render(
        "experiment.html",
        report=report,
        headline=headline(
            answer,
            label=label,
            target=f"{report.positive} outcome" if report.positive else report.target,
        ),
        sentences=[sentence for sentence in sentences if sentence],
        contents=contents,
        label=label,
        cohort=Table.of(report.cohort, "Who was studied: median (least to greatest), or counts."),
        excluded=Table.of(report.excluded, *_EXCLUDED),
        models=[table for table in by_population if table.rows],
        comparisons=comparison_table(report.comparisons, report.models),
        paper_tables=paper.paper_tables(report),
        ladder=ladder.ladder_table(report.ladder, label),
        ladder_figure=ladder.ladder_chart(report.ladder, label),
        ladder_reasons=ladder.ladder_reasons(report.ladder),
        figures=[*_figures(report), *report.figures],
        audit=Table.of(report.audit, *_AUDIT),
        coverage=coverage_table(report.coverage, report.task),
        subgroups=subgroup_table(report.subgroups, label),
        missing=missing_table(report.missing),
        recalibration=recalibration_table(report.recalibration, label),
        chosen_maps=chosen_table(report.chosen_maps),
        map_subsets=subset_table(report.map_subsets, report.answer.metric),
        sample_size=size_table(report.sample_size, report.models),
        limits=(*_LIMITS, *report.limits),
        versions=report.versions,
    )


def _figures(report: ExperimentReport) -> list[Figure]:
    """Charts of patients that belong to the task, the answer's metric first."""
    answer, models, everyone = report.answer, report.models, report.predictions
    people = everyone[everyone["group"] == "patient"]
    final = people[people["model"] == answer.model]
    label = models[answer.model]
    drawn = [
        charts.metric_forest(
            report.metrics,
            models,
            metric=answer.metric,
            chance=answer.chance,
            noise_floor=answer.noise_floor,
            ceiling=report.ceiling,
        )
    ]
    if report.null is not None and report.null_value is not None:
        drawn.append(
            evidence.null_histogram(
                report.null,
                report.null_value,
                label,
                metric=answer.metric,
                stand_in=answer.stand_in,
            )
        )
    if report.task == "classification":
        names = {
            "positive": report.positive or "positive",
            "negative": report.negative or "negative",
        }
        drawn += [
            charts.roc_curves(people, report.metrics, models),
            charts.probability_strips(people, models, **names),
            agreement.confusion_matrices(people, models, **names),
            agreement.calibration_curve(final, label, positive=names["positive"]),
        ]
        if report.abstention is not None:
            drawn.append(agreement.abstention_chart(report.abstention, label))
        if report.decisions is not None:
            drawn.append(
                agreement.decision_curve(
                    report.decisions, answer.model, label, positive=names["positive"]
                )
            )
    elif report.task == "ordinal":
        drawn.append(agreement.ordered_matrix(final, label, report.classes))
    else:
        drawn.append(agreement.score_scatter(final, label, target=report.target))
    if report.learning is not None and len(report.learning) > 1:
        drawn.append(evidence.learning_chart(report.learning, label, chance=answer.chance))
    drawn.append(
        charts.split_spread(report.fold_metrics, models, metric=answer.metric, chance=answer.chance)
    )
    if report.embedding is not None:
        drawn.append(paper.embedding_figure(report.embedding, everyone))
    return drawn


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
        headlines={
            link.name: headline(link.answer, label=link.model_label, target="the outcome")
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
            charts.metric_forest(
                table,
                {link.name: link.name for link in some},
                metric=metric,
                chance=some[0].answer.chance,
                noise_floor=max(link.answer.noise_floor for link in some),
                what="experiment",
            )
        )
    return figures
