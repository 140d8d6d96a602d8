"""Tables of an experiment as files, each with its data dictionary."""

from pathlib import Path
from typing import Any

import pandas as pd

from motor_bids_app.bids.files import write_table, write_text
from motor_bids_app.evaluation.crossvalidation import average_trainings
from motor_bids_app.experiments.reading import to_toml
from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.levels.cohort.cohort import Cohort
from motor_bids_app.levels.group.chance import chance_table
from motor_bids_app.levels.group.evaluation import Evaluation
from motor_bids_app.levels.group.sample_size import sample_size_table

_WIDENED = (
    "; of a metric: bootstrap over people, at least as wide as the corrected resampled interval "
    "(Nadeau and Bengio 2003) and that of one test of as many people; of calibration slope and "
    "intercept: bootstrap over people alone, which leaves out how models vary with the training"
)
_COLUMNS: dict[str, dict[str, Any]] = {
    "participant_id": {"Description": "Participant"},
    "session_id": {"Description": "Session; n/a where there are no sessions"},
    "model": {"Description": "Name of the model"},
    "tested": {
        "Description": "What was fitted anew for every permutation",
        "Levels": {
            "model": "the model itself",
            "ridge": "a ridge regression on the same inputs, in the place of a logistic regression "
            "or an elastic net: p is its p, not that of the model",
        },
    },
    "map": {"Description": "Map that the networks saw"},
    "maps": {"Description": "Maps whose predictions are averaged"},
    "n_maps": {"Description": "Number of these maps"},
    "chosen": {"Description": "Whether the fitted model averages this map, by its training people"},
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
            "all": "patients and healthy controls together: too "
            "good for the question asked, since controls are easy to tell apart",
        },
    },
    "metric": {
        "Description": "Name of the metric; quadratic_kappa and mae of ordered classes are "
        "of the class nearest to the expected one"
    },
    "value": {
        "Description": "Metric expected of one fitted model, averaged over repeats; AUC and "
        "correlation are taken among people predicted by the same fitted model"
    },
    "low": {"Description": f"Lower limit of the 95 % interval{_WIDENED}"},
    "high": {"Description": f"Upper limit of the 95 % interval{_WIDENED}"},
    "delong_low": {"Description": "Lower limit of the 95 % interval by DeLong, of the AUC"},
    "delong_high": {"Description": "Upper limit of that interval"},
    "noise_floor": {
        "Description": "Half-width of the interval that this number of people allows: "
        "binomial, Hanley-McNeil (AUC), Fisher (r) or Olkin-Finn (R2)"
    },
    "repeat_sd": {"Description": "Standard deviation of the metric over repeats"},
    "repeat_min": {"Description": "Least value over repeats"},
    "repeat_max": {"Description": "Greatest value over repeats"},
    "n_people": {"Description": "People the metric is about"},
    "n_poor": {"Description": "Those of them in the poor class"},
    "reference": {
        "Description": "What the model is compared with: the best of the simpler models, "
        "or the network, for what is evaluated beside it"
    },
    "difference": {"Description": "Metric of the model minus that of the reference"},
    "t": {"Description": "Statistic of the corrected resampled t-test (Nadeau and Bengio 2003)"},
    "p_value": {"Description": "Two-sided p of that test, not corrected for several comparisons"},
    "p_holm": {"Description": "That p, corrected by Holm for the number of models compared"},
    "level": {"Description": "Share of people whose set or interval should hold the truth"},
    "coverage": {"Description": "Share whose does, with limits calibrated on all other people"},
    "size": {"Description": "Mean number of classes in the set, or width of the interval"},
    "single": {"Description": "Share of people with one class in the set"},
    "n_training": {"Description": "People learned from, on average over test sets"},
    "share_answered": {"Description": "Share of people answered: those furthest from 0.5"},
    "accuracy": {"Description": "Accuracy among them"},
    "threshold": {"Description": "Probability at which one would act"},
    "net_benefit": {
        "Description": "Share of true positives, minus that of false positives times "
        "the odds of the threshold (Vickers and Elkin 2006); doing nothing has 0"
    },
    "n_parameters": {"Description": "Weights that the model learns"},
    "n_needed": {"Description": "People that developing such a model takes (Riley et al. 2019)"},
    "null_mean": {"Description": "Mean over permutations"},
    "null_high": {"Description": "Value that 95 of 100 permutations stay below"},
    "n_permutations": {"Description": "Permutations of the labels among patients"},
    "n_splits": {"Description": "Splits compared"},
    "name": {"Description": "Name of the check, for --allow"},
    "check": {"Description": "What was checked"},
    "state": {
        "Description": "Outcome",
        "Levels": {
            "passed": "nothing found",
            "warning": "read the finding",
            "failed": "results are void",
            "not checked": "the finding says why",
        },
    },
    "finding": {"Description": "What was found"},
    "participants": {"Description": "Participants concerned"},
    "reason": {"Description": "Why the scan takes no part"},
    "class": {
        "Description": "Class taken as positive; overall: mean of both. Controls count as "
        "good, as in the paper"
    },
    "mean": {"Description": "Mean over test sets and trainings"},
    "min": {"Description": "Least test set, mean over trainings"},
    "max": {"Description": "Greatest test set, mean over trainings"},
    "mean_of_maxima": {
        "Description": "Mean over test sets of the training with the best accuracy there (then "
        "AUC): what the paper reports, and an upper bound, since nobody can pick that training"
    },
    "n_test_sets": {"Description": "Test sets with both classes: each fold of each repeat"},
    "maxima_min": {"Description": "Least best training over test sets"},
    "maxima_max": {"Description": "Greatest best training over test sets"},
    "characteristic": {"Description": "What patients are divided by"},
    "remark": {"Description": "Why there is no value"},
    "what": {"Description": "What models may see"},
    "n_missing": {"Description": "People who lack it in every scan"},
    "n_patients": {"Description": "Patients among them"},
    "n_controls": {"Description": "Healthy controls among them"},
    "rule": {"Description": "What models do about it, within each training fold"},
    "probabilities": {
        "Description": "Of the final model",
        "Levels": {
            "before": "as the model gives them",
            "after": "recalibrated within the training fold",
        },
    },
    "predicted_sd": {"Description": "Standard deviation of the prediction over repeats"},
    "protocol": {
        "Description": "How the final model was evaluated; all-of-these: every flaw that "
        "could be made, on top of each other; published: what the paper reports"
    },
    "n_counted": {"Description": "Units counted: people, scans, windows or copies"},
    "layer": {
        "Description": "Layer of the network",
        "Levels": {
            "flatten": "joined features of all maps, and the unit of demographics",
            "dense1": "first dense layer",
            "dense2": "second dense layer",
        },
    },
    "x": {"Description": "Place in the plane (t-SNE); without unit or meaning of its own"},
    "y": {"Description": "Place in the plane (t-SNE); without unit or meaning of its own"},
    "n_predictions": {"Description": "Times the person was tested"},
}
_PERMUTED = (
    "One-sided p of a permutation test, (b + 1) / (m + 1): labels are dealt out anew among "
    "patients, and the cross-validation is done again. Where the column tested of permutation.tsv "
    "says ridge, it is the p of a ridge regression on the same inputs, which stands in for the "
    "logistic regression or elastic net. n/a for models that are costly to refit"
)
_OF_TABLE: dict[str, dict[str, dict[str, Any]]] = {  # columns that mean something else there
    "decision_curve": {
        "model": {"Description": "Name of the model, or everyone: acting on all"},
        "low": {
            "Description": "Lower limit of the 95 % interval: bootstrap over people, at least "
            "as wide as the corrected resampled interval (Nadeau and Bengio 2003)"
        },
        "high": {"Description": "Upper limit of that interval"},
    },
    "learning_curve": {
        "value": {"Description": "Metric of the final model, in the first repeats"},
        "low": {"Description": f"Lower limit of the 95 % interval{_WIDENED}"},
        "high": {"Description": "Upper limit of that interval"},
    },
    "conformal": {
        "group": {
            "Description": "Whom the row is about: all, a true class, or a third of the true score"
        },
        "low": {"Description": "Lower limit of the 95 % interval of the coverage (Wilson)"},
        "high": {"Description": "Upper limit of that interval"},
        "n_people": {"Description": "People in the group"},
    },
    "leakage_ladder": {
        "state": {
            "Description": "Whether the value can be believed",
            "Levels": {
                "right": "by person, everything learned in the training fold",
                "optimistic": "a flawed protocol, which makes the model look better than it is",
                "published": "figure of a paper",
                "not applicable": "see the reason",
            },
        },
        "value": {
            "Description": "Metric under this protocol, of patients alone unless controls "
            "count in it"
        },
        "difference": {"Description": "The value minus that of the right protocol"},
        "reason": {"Description": "Why the flaw cannot be made with this model and these data"},
    },
    "subgroups": {
        "group": {
            "Description": "Group of patients, tested by the same models as all; the last "
            "row counts controls too, where there are some"
        },
        "metric": {"Description": "Main metric, of the final model"},
    },
    "missing": {"n_people": {"Description": "People in the experiment"}},
    "abstention": {"n_people": {"Description": "People answered, on average over repeats"}},
    "sample_size": {"n_people": {"Description": "Patients there are"}},
    "map_subsets": {
        "value": {
            "Description": "Metric of the mean prediction over the maps, out of fold, mean "
            "over repeats; to look at: the best of many subsets is best by luck too"
        },
    },
    "metrics": {"p_value": {"Description": f"{_PERMUTED}, and for all metrics but the main one"}},
    "permutation": {
        "p_value": {"Description": _PERMUTED},
        "value": {
            "Description": "Metric of what was tested, cross-validated in test sets that "
            "were drawn without a look at the labels, or are the sites"
        },
    },
}

_SOMETIMES = (  # tables that not every experiment has
    "permutation", "learning_curve", "abstention", "decision_curve", "recalibration",
    "sample_size", "out_of_fold_maps", "map_subsets", "as_paper",
    "leakage_ladder", "chosen_maps", "layers_tsne",
)  # fmt: skip


def person_predictions(cohort: Cohort, evaluation: Evaluation) -> pd.DataFrame:
    """One row per person and model: the out-of-fold prediction, averaged over repeats.

    Returns
    -------
    DataFrame
        Columns participant_id, model, group, true (1 poor and 0 good, or the score), predicted
        (probability of poor, or score), predicted_sd and n_predictions.
    """
    truth, controls = cohort.labels.truth, cohort.controls
    parts = []
    for model in (*evaluation.models, *evaluation.beside):
        table = evaluation.out_of_fold[evaluation.out_of_fold["model"] == model]
        grouped = average_trainings(table).groupby("participant_id")["prediction"]
        part = grouped.agg(predicted="mean", predicted_sd="std", n_predictions="size").reset_index()
        part.insert(1, "model", model)
        group = controls[part["participant_id"]].map({True: "control", False: "patient"})
        part.insert(2, "group", group.to_numpy())
        part.insert(3, "true", truth[part["participant_id"]].to_numpy())
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def write_results(
    folder: Path, experiment: Experiment, cohort: Cohort, evaluation: Evaluation
) -> None:
    """Write the experiment and all its tables, each with a data dictionary.

    Tables of an earlier run that this one does not make are deleted.
    """
    write_text(folder / "experiment.toml", to_toml(experiment))
    tables = _tables(cohort, evaluation)
    for name, table in tables.items():
        _write(folder, name, table, _units(cohort))
    for name in set(_SOMETIMES) - set(tables):  # of an earlier run with other settings
        for ending in ("tsv", "json"):
            (folder / f"{name}.{ending}").unlink(missing_ok=True)


def _tables(cohort: Cohort, evaluation: Evaluation) -> dict[str, pd.DataFrame]:
    """All tables there are, by the name of their file."""
    sizes, chance = sample_size_table(cohort, evaluation), evaluation.chance
    tables = {
        "predictions": person_predictions(cohort, evaluation),
        "out_of_fold": evaluation.out_of_fold,
        "metrics": evaluation.metrics,
        "comparisons": evaluation.comparisons,
        "splits": evaluation.splits,
        "audit": evaluation.audit,
        "excluded": cohort.excluded,
        "permutation": chance_table(chance, cohort.outcome.task) if chance else None,
        "learning_curve": evaluation.learning,
        "conformal": evaluation.coverage,
        "abstention": evaluation.abstention,
        "decision_curve": evaluation.decisions,
        "subgroups": evaluation.subgroups,
        "missing": evaluation.missing,
        "recalibration": evaluation.recalibration,
        "sample_size": sizes if len(sizes) else None,
        "out_of_fold_maps": evaluation.by_map,
        "map_subsets": evaluation.map_subsets,
        "chosen_maps": evaluation.chosen,
        "as_paper": evaluation.as_paper,
        "layers_tsne": evaluation.embedding,
        "leakage_ladder": evaluation.ladder,
    }
    return {name: table for name, table in tables.items() if table is not None}


def write_audit(folder: Path, checks: pd.DataFrame) -> None:
    """Write the audit alone, of an experiment that it stopped."""
    _write(folder, "audit", checks, {})


def _write(folder: Path, name: str, table: pd.DataFrame, units: dict[str, dict[str, Any]]) -> None:
    known = _COLUMNS | units | _OF_TABLE.get(name, {})
    dictionary = {str(column): known[str(column)] for column in table.columns}
    write_table(folder / f"{name}.tsv", table, dictionary)


def _units(cohort: Cohort) -> dict[str, dict[str, Any]]:
    """Dictionary of the columns whose meaning depends on the target."""
    outcome = cohort.outcome
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
