"""Tables of an experiment as files, each with its data dictionary."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from motor_bids_app.bids.files import write_table, write_text
from motor_bids_app.experiments.reading import to_toml
from motor_bids_app.levels.cohort.outcome import Outcome
from motor_bids_app.levels.group.evaluation import Evaluation
from motor_bids_app.levels.group.parts.audit import Audit
from motor_bids_app.levels.group.parts.part import WIDENED, Columns, Part

COLUMNS: Columns = {  # that several parts have
    "participant_id": {"Description": "Participant"},
    "session_id": {"Description": "Session; n/a where there are no sessions"},
    "model": {"Description": "Name of the model"},
    "group": {
        "Description": "Whether the person had a stroke",
        "Levels": {"patient": "after stroke", "control": "healthy"},
    },
    "repeat": {"Description": "Repetition of the whole validation, from 1"},
    "fold": {"Description": "Test set within the repetition, from 1; all other people train"},
    "training": {"Description": "Training of the same model with another seed, from 1"},
    "population": {
        "Description": "Whom the metric is about; all other tables of results are about patients",
        "Levels": {
            "patients": "people after stroke",
            "all": "patients and healthy controls together: too optimistic for the question "
            "asked, as controls are easy to distinguish",
        },
    },
    "metric": {
        "Description": "Name of the metric; quadratic_kappa and mae of ordered classes are "
        "of the class nearest to the expected one. Classes are called at a probability of 0.5, but "
        "for balanced_accuracy_own at the one that was best for people outside each test set. ece "
        "is the mean distance between share and mean probability over fifths of the predictions, "
        "equal ones in the same fifth. Balanced accuracies are of the same models on either class: "
        "test sets count by poor times good people over all, those of one class not at all"
    },
    "value": {
        "Description": "Metric expected of one fitted model, averaged over repeats; AUC and "
        "correlation are taken among people predicted by the same fitted model"
    },
    "low": {"Description": f"Lower limit of the 95 % interval{WIDENED}"},
    "high": {
        "Description": f"Upper limit of the 95 % interval{WIDENED}; inf for a calibration slope "
        "without an upper end, where some of the models tested say nearly the same of everybody"
    },
    "n_people": {"Description": "People the metric is about"},
    "n_poor": {"Description": "Those of them in the poor class"},
}

JOINT_NAMES = ("scores", "score_correlations")  # of an experiment that predicts several scores
JOINT_COLUMNS: Columns = {
    **{name: COLUMNS[name] for name in ("participant_id", "repeat", "fold", "value")},
    "low": COLUMNS["low"],
    "high": COLUMNS["high"],
    "score": {"Description": "Score that is predicted"},
    "other": {"Description": "Score that it is correlated with"},
    "target": {"Description": "What is predicted, with unit or threshold"},
    "experiment": {"Description": "Folder of the score, beside this one"},
    "model": {"Description": "Final model"},
    "n_people": {"Description": "Patients tested"},
    "metric": {"Description": "Main metric"},
    "chance_p": {"Description": "p of the permutation test"},
    "chance_p_holm": {"Description": "The same, corrected by Holm for the number of scores"},
    "reference": {"Description": "Best of the simpler models"},
    "difference": {"Description": "Metric of the model minus that of the reference"},
    "difference_low": {"Description": "Lower limit of its 95 % interval"},
    "difference_high": {"Description": "Upper limit of that interval"},
    "difference_p": {"Description": "p of the difference, corrected for the number of models"},
    "difference_p_holm": {
        "Description": "The same, corrected by Holm for the number of scores too"
    },
    "verdict": {"Description": "What may be said, by the corrected p"},
    "r_scores": {"Description": "Correlation (Pearson) of the scores, or of their classes"},
    "r_scores_low": {"Description": "Lower limit of its 95 % interval (Fisher)"},
    "r_scores_high": {"Description": "Upper limit of that interval"},
    "r_errors": {"Description": "Correlation of the errors: mean out-of-fold prediction - truth"},
    "r_errors_low": {"Description": "Lower limit of its 95 % interval (Fisher)"},
    "r_errors_high": {"Description": "Upper limit of that interval"},
}


def write_results(folder: Path, evaluation: Evaluation, kinds: Iterable[type[Part]]) -> None:
    """Write the experiment and the tables of its parts, each with a data dictionary.

    Tables of an earlier run that this one does not make are deleted.

    Parameters
    ----------
    kinds : iterable of Part
        All parts that an experiment may have.
    """
    write_text(folder / "experiment.toml", to_toml(evaluation.experiment))
    units, written = _units(evaluation.cohort.outcome), set()
    for part in evaluation.parts:
        for name, table in part.tables.items():
            write_described(folder, name, table, {**COLUMNS, **units, **part.columns})
            written.add(name)
    for name in {*JOINT_NAMES, *(name for kind in kinds for name in kind.names)} - written:
        for ending in ("tsv", "json"):
            (folder / f"{name}.{ending}").unlink(missing_ok=True)


def write_audit(folder: Path, checks: pd.DataFrame) -> None:
    """Write the audit alone, of an experiment that it stopped."""
    write_described(folder, "audit", checks, Audit.columns)


def write_described(
    folder: Path, name: str, table: pd.DataFrame, known: Mapping[str, Mapping[str, Any]]
) -> None:
    """Write a table with its data dictionary, taken from `known`."""
    dictionary = {str(column): dict(known[str(column)]) for column in table.columns}
    write_table(folder / f"{name}.tsv", table, dictionary)


def _units(outcome: Outcome) -> dict[str, dict[str, Any]]:
    """Dictionary of the columns whose meaning depends on the target."""
    true: dict[str, Any]
    if outcome.thresholds:
        levels = {str(k): f"{outcome.score.title} {name}" for k, name in enumerate(outcome.classes)}
        predicted = {
            "Description": f"Expected class number of {outcome.score.title}",
            "Units": "classes",
        }
        true = {"Description": "Number of the class", "Levels": levels}
    elif outcome.cutoff is None:
        predicted = {"Description": f"Predicted {outcome.score.title}", "Units": outcome.score.unit}
        true = {"Description": outcome.score.title, "Units": outcome.score.unit}
    else:
        predicted = {"Description": f"Probability of {outcome.text}"}
        true = {"Description": "Class", "Levels": {"1": f"poor: {outcome.text}", "0": "good"}}
    out_of_fold = "by a model that did not learn from the person"
    mean = f"{predicted['Description']}, {out_of_fold}; mean over repeats"
    return {
        "true": true,
        "prediction": {**predicted, "Description": f"{predicted['Description']}, {out_of_fold}"},
        "predicted": {**predicted, "Description": mean},
    }
