"""What compares the scores of one experiment: tables and a page."""

import logging
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from motor_bids_app import __version__
from motor_bids_app.bids.files import write_text
from motor_bids_app.bids.paths import own_folder
from motor_bids_app.evaluation.pairs import pair_correlations
from motor_bids_app.experiments.reading import to_toml
from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.levels.cohort.scoring import of_patients
from motor_bids_app.levels.group.evaluation import Evaluation
from motor_bids_app.levels.group.report import splits_facts
from motor_bids_app.levels.group.results import JOINT_COLUMNS, write_described
from motor_bids_app.reports.experiment.joint import JointReport, render_joint
from motor_bids_app.reports.experiment.page import ExperimentLink
from motor_bids_app.settings import Settings

log = logging.getLogger(__name__)


def write_joint(
    settings: Settings,
    experiment: Experiment,
    evaluations: Sequence[Evaluation],
    links: Sequence[ExperimentLink],
) -> None:
    """Write what compares the scores: experiment, splits, two tables and a page."""
    folder = own_folder(settings.output_dir, "experiments", experiment.name)
    first = evaluations[0]
    target = replace(first.experiment.target, score="auto")
    whole = to_toml(replace(first.experiment, name=experiment.name, target=target))
    tables = {
        "splits": first.setup.splits,
        "scores": _scores_table(evaluations, links),
        "score_correlations": _correlations(evaluations),
    }
    expected = {"report.html", "experiment.toml", *_files(tables)}
    there = folder.iterdir() if folder.is_dir() else ()
    leftovers = sorted(path.name for path in there if path.name not in expected)
    write_text(folder / "experiment.toml", whole)
    for name, table in tables.items():
        write_described(folder, name, table, JOINT_COLUMNS)
    excluded = first.cohort.excluded.drop_duplicates(["participant_id", "reason"])
    report = JointReport(
        name=experiment.name,
        description=experiment.description,
        links=tuple(replace(link, href=f"../{link.name}/report.html") for link in links),
        scores=tables["scores"],
        correlations=tables["score_correlations"],
        classify=first.cohort.outcome.cutoff is not None,
        n_patients=int(first.cohort.patients.sum()),
        n_controls=int(first.cohort.controls.sum()),
        excluded=excluded.groupby("reason")["participant_id"].nunique().reset_index(name="people"),
        splits=splits_facts(first.experiment, first.setup.splits),
        leftovers=tuple(leftovers),
        configuration=whole,
        versions={"motor_bids_app": __version__},
    )
    write_text(folder / "report.html", render_joint(report))
    log.info("%s: saved %s", experiment.name, folder / "report.html")


def _files(tables: dict[str, pd.DataFrame]) -> set[str]:
    return {f"{name}.{ending}" for name in tables for ending in ("tsv", "json")}


def _scores_table(
    evaluations: Sequence[Evaluation], links: Sequence[ExperimentLink]
) -> pd.DataFrame:
    """One row per score: how well it is predicted, with corrected tests and the verdict."""
    rows = []
    for evaluation, link in zip(evaluations, links, strict=True):
        found = link.answer
        rows.append(
            {
                "score": evaluation.experiment.target.score,
                "target": evaluation.cohort.outcome.text,
                "experiment": link.name,
                "model": found.model,
                "n_people": found.n_people,
                "metric": found.metric,
                "value": found.value,
                "low": found.low,
                "high": found.high,
                "chance_p": found.chance_p,
                "chance_p_holm": found.chance_p_scores,
                "reference": found.best_baseline,
                "difference": found.difference,
                "difference_low": found.difference_low,
                "difference_high": found.difference_high,
                "difference_p": found.p_value if found.p_holm is None else found.p_holm,
                "difference_p_holm": found.difference_p_scores,
                "verdict": found.verdict,
            }
        )
    table = pd.DataFrame(rows)
    texts = ("score", "target", "experiment", "model", "metric", "reference", "verdict")
    return table.astype({name: float for name in table if name not in (*texts, "n_people")})


def _correlations(evaluations: Sequence[Evaluation]) -> pd.DataFrame:
    """Correlations of the scores, and of the errors of their final models, in patients."""
    truth, errors = dict[str, "pd.Series[float]"](), dict[str, "pd.Series[float]"]()
    for evaluation in evaluations:
        cohort, final, name = (
            evaluation.cohort,
            evaluation.final,
            evaluation.experiment.target.score,
        )
        found = of_patients({final: evaluation.tables[final]}, cohort)[final]
        tested = found.folds > 0
        told = np.where(tested, found.values, 0).sum(axis=0) / tested.sum(axis=0)
        truth[name] = pd.Series(found.truth, index=found.people)
        errors[name] = pd.Series(told - found.truth, index=found.people)
    return pair_correlations(pd.DataFrame(truth), pd.DataFrame(errors))
