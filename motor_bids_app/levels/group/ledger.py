"""The ledger of all evaluations: how often these people were already used to judge models."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from motor_bids_app import __version__
from motor_bids_app.bids.dataset import locked
from motor_bids_app.bids.files import write_table
from motor_bids_app.bids.paths import own_folder
from motor_bids_app.bids.tables.tsv import read_table
from motor_bids_app.errors import TableError
from motor_bids_app.evaluation.crossvalidation import average_trainings, primary_metric
from motor_bids_app.evaluation.predictions import Predictions
from motor_bids_app.evaluation.selection import corrected_best
from motor_bids_app.experiments.reading import to_toml
from motor_bids_app.levels.cohort.scoring import PATIENTS
from motor_bids_app.levels.group.evaluation import Evaluation
from motor_bids_app.reports.experiment.answer import METRIC_NAMES

LEDGER, TESTED = "ledger.tsv", "ledger_predictions.tsv"
SHARED = 0.5  # of the people, from which on they are called the same
COLUMNS = {
    "evaluation": {"Description": "Name of the evaluation: a hash of all that it depends on"},
    "experiment": {"Description": "Name of the experiment"},
    "people": {"Description": "Hash of who was tested"},
    "n_people": {"Description": "Patients tested"},
    "target": {"Description": "What is predicted"},
    "task": {"Description": "Kind of the outcome"},
    "model": {"Description": "Final model, as the experiment names it"},
    "settings": {"Description": "Hash of the experiment, its splits, inputs and seed"},
    "version": {"Description": "Version of motor_bids_app; another one is another evaluation"},
    "metric": {"Description": "Main metric"},
    "value": {"Description": "Its value in the patients tested"},
    "low": {"Description": "Lower limit of its 95 % interval"},
    "high": {"Description": "Upper limit of that interval"},
}
PREDICTED = {
    "evaluation": COLUMNS["evaluation"],
    "participant_id": {"Description": "Participant"},
    "repeat": {"Description": "Repetition of the whole validation, from 1"},
    "fold": {"Description": "Test set within the repetition, from 1"},
    "true": {"Description": "Class (1 poor, 0 good, or its number) or score"},
    "prediction": {"Description": "Out-of-fold prediction of the final model"},
}

_NUMBERS = ("repeat", "fold", "true", "prediction")


def enter(output_dir: Path, evaluation: Evaluation) -> tuple[str, ...]:
    """Enter an evaluation in the ledger, unless it stands there, and say how many there were.

    An evaluation that is made again, with the same people, inputs, settings and seed, is the same
    one: it adds no row, and the sentences are those of the first time.

    Returns
    -------
    tuple of str
        Sentences for readers.

    Raises
    ------
    TryAgainError
        Another run keeps the output locked.
    TableError
        Somebody changed the ledger, so that it cannot be read.
    """
    folder = own_folder(output_dir, "experiments")
    folder.mkdir(parents=True, exist_ok=True)
    own, tested = _row(evaluation), _tested(evaluation)
    with locked(output_dir):
        rows = _read(folder / LEDGER, tuple(COLUMNS))
        predictions = _read(folder / TESTED, tuple(PREDICTED))
        if own["evaluation"] not in set(predictions["evaluation"]):
            tested.insert(0, "evaluation", str(own["evaluation"]))
            predictions = pd.concat([predictions, tested], ignore_index=True)
            write_table(folder / TESTED, predictions, PREDICTED)
        if own["evaluation"] not in set(rows["evaluation"]):
            rows = pd.concat([rows, pd.DataFrame([own])], ignore_index=True)
            write_table(folder / LEDGER, rows, COLUMNS)
        # As a later run reads them, so that it says the same to the last digit.
        rows = _read(folder / LEDGER, tuple(COLUMNS))
        predictions = _read(folder / TESTED, tuple(PREDICTED))
    place = int(np.flatnonzero(rows["evaluation"] == own["evaluation"])[0])
    seed = evaluation.builder.seed
    return _sentences(rows.iloc[: place + 1], predictions, evaluation.task, seed)


def _row(evaluation: Evaluation) -> dict[str, object]:
    """What the ledger says of an evaluation."""
    metrics, task = evaluation.scores.metrics, evaluation.task
    found = metrics[
        (metrics["model"] == evaluation.final)
        & (metrics["population"] == PATIENTS)
        & (metrics["metric"] == primary_metric(task))
    ].iloc[0]
    people = _digest(sorted(set(_tested(evaluation)["participant_id"])))
    told = {
        "people": people,
        "n_people": int(found["n_people"]),
        "target": evaluation.cohort.outcome.text,
        "task": task,
        "model": evaluation.final,
        "settings": _settings(evaluation),
        "version": __version__,
    }
    return {
        "evaluation": _digest([str(value) for value in told.values()]),
        "experiment": evaluation.experiment.name,
        **told,
        "metric": str(found["metric"]),
        **{name: float(found[name]) for name in ("value", "low", "high")},
    }


def _settings(evaluation: Evaluation) -> str:
    """Hash of all that the result follows from; names and words of an experiment do not count."""
    plain = replace(evaluation.experiment, name="same", description="", reference="")
    cohort = evaluation.cohort
    return _digest(
        [
            to_toml(plain),
            str(evaluation.builder.seed),
            evaluation.setup.splits.to_csv(index=False),
            cohort.samples.table.to_csv(index=False),
            *(f"{name} {digest}" for name, digest in sorted(cohort.digests)),
        ]
    )


def _digest(texts: Sequence[str]) -> str:
    return hashlib.sha256(json.dumps(list(texts)).encode()).hexdigest()[:16]


def _tested(evaluation: Evaluation) -> pd.DataFrame:
    """Out-of-fold predictions of patients: participant_id, repeat, fold, true and prediction."""
    cohort = evaluation.cohort
    table = average_trainings(evaluation.tables[evaluation.final])
    table = table[table["participant_id"].isin(cohort.controls.index[cohort.patients])]
    table = table.assign(true=cohort.labels.truth[table["participant_id"]].to_numpy())
    names = [name for name in PREDICTED if name != "evaluation"]
    return table[names].reset_index(drop=True)


def _read(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    """Rows of a table of ours; none where there is no file."""
    if not path.is_file():
        return pd.DataFrame(columns=list(columns))
    table = read_table(path)
    if tuple(table.columns) != columns:
        raise TableError(
            f"{path} has not the columns of a ledger ({', '.join(columns)}): it is written by the "
            "app alone. Put it back, or move it away to begin another."
        )
    for name in columns:
        if name in (*_NUMBERS, "n_people", "value", "low", "high"):
            table[name] = pd.to_numeric(table[name], errors="coerce")
        if name in _NUMBERS and table[name].isna().any():
            raise TableError(
                f"{path} has cells that are no numbers in {name}: it is written by the app alone. "
                "Put it back, or move it and ledger.tsv away to begin others."
            )
    return table.reset_index(drop=True)


def _sentences(
    rows: pd.DataFrame, predictions: pd.DataFrame, task: str, seed: int
) -> tuple[str, ...]:
    """Say which evaluation on these people the last row is, and correct the best of them."""
    own = rows.iloc[-1]
    people = predictions.groupby("evaluation")["participant_id"].agg(set)
    ours = people[own["evaluation"]]
    same = [
        one["metric"] == own["metric"]
        and len(people.get(one["evaluation"], set()) & ours) >= SHARED * len(ours)
        for one in rows.to_dict("records")
    ]
    again = rows[np.array(same, dtype=bool)].reset_index(drop=True)
    if len(again) == 1:
        return ("This is the first evaluation on these people in this folder.",)
    count = f"This is evaluation {len(again)} on these people in this folder (ledger.tsv)."
    found = [
        _arranged(predictions[predictions["evaluation"] == name]) for name in again["evaluation"]
    ]
    best = corrected_best(found, task, seed)
    if best is None:
        return (f"{count} How much the best of them benefits from selection cannot be estimated.",)
    metric = METRIC_NAMES.get(own["metric"], str(own["metric"]).replace("_", " "))
    article = "an" if metric[0] in "AR" else "a"
    which = f"The best of the {len(again)} ({again['experiment'].iloc[best.best]})"
    return (
        f"{count} {which} has {article} {metric} of {best.value:.2f}; corrected for "
        f"having been chosen, {best.corrected:.2f} (95 % interval {best.low:.2f} to "
        f"{best.high:.2f}; bootstrap bias-corrected cross-validation, Tsamardinos et al. 2018).",
    )


def _arranged(table: pd.DataFrame) -> Predictions:
    truth = table.groupby("participant_id")["true"].first()
    return Predictions.of(table.astype({"repeat": int, "fold": int}), truth)
