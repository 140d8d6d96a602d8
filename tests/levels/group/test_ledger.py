"""The ledger: what counts as another evaluation on the same people, and what readers are told."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import motor_bids_app
from motor_bids_app.bids.tables.tsv import read_table
from motor_bids_app.errors import TableError
from motor_bids_app.evaluation.splits import make_splits
from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.experiments.sections import Model, Validation
from motor_bids_app.levels.group import ledger
from motor_bids_app.levels.group.ledger import enter

PEOPLE = [f"sub-{i:02d}" for i in range(20)]


def evaluation(name="first", penalty=1, people=PEOPLE, seed=0):
    """One of the final model tract_load, on some people."""
    rng = np.random.default_rng(penalty)
    truth = pd.Series(np.arange(len(people)) % 2, index=people, dtype=float)
    splits = make_splits(people, truth.astype(int), folds=2, repeats=1, seed=seed)
    table = splits.assign(training=1, prediction=rng.uniform(size=len(people)))
    metrics = pd.DataFrame(
        [("tract_load", "patients", "roc_auc", 0.6, 0.4, 0.8, len(people))],
        columns=["model", "population", "metric", "value", "low", "high", "n_people"],
    )
    cohort = SimpleNamespace(
        samples=SimpleNamespace(table=pd.DataFrame({"participant_id": people})),
        labels=SimpleNamespace(truth=truth),
        controls=pd.Series(False, index=people),
        patients=np.ones(len(people), dtype=bool),
        outcome=SimpleNamespace(text="FMA-UE below 27"),
        digests={},
    )
    model = Model(rungs=("prevalence", "tract_load"))
    return SimpleNamespace(
        cohort=cohort,
        experiment=Experiment(name=name, model=model, validation=Validation(permutations=penalty)),
        builder=SimpleNamespace(seed=seed),
        setup=SimpleNamespace(splits=splits),
        scores=SimpleNamespace(metrics=metrics),
        tables={"tract_load": table},
        final="tract_load",
        task="classification",
    )


def rows(folder):
    return read_table(folder / "experiments" / "ledger.tsv")


def test_every_evaluation_with_other_settings_is_counted(tmp_path):
    assert "first evaluation on these people" in enter(tmp_path, evaluation())[0]

    (second,) = enter(tmp_path, evaluation("other", penalty=2))
    (third,) = enter(tmp_path, evaluation("third", seed=1))

    assert "evaluation 2 on these people" in second
    assert "corrected for having been chosen" in second
    assert "evaluation 3 on these people" in third
    assert rows(tmp_path)["experiment"].tolist() == ["first", "other", "third"]


def test_the_same_evaluation_again_adds_no_row_and_says_the_same(tmp_path):
    enter(tmp_path, evaluation())
    second = enter(tmp_path, evaluation("other", penalty=2))
    before = (tmp_path / "experiments" / "ledger_predictions.tsv").read_bytes()

    assert enter(tmp_path, evaluation("renamed")) == (
        "This is the first evaluation on these people in this folder.",
    )
    assert enter(tmp_path, evaluation("other", penalty=2)) == second
    assert len(rows(tmp_path)) == 2
    assert (tmp_path / "experiments" / "ledger_predictions.tsv").read_bytes() == before


def test_leaving_a_few_people_out_makes_them_no_other_people(tmp_path):
    enter(tmp_path, evaluation())
    (some,) = enter(tmp_path, evaluation("some", people=PEOPLE[4:]))
    (others,) = enter(tmp_path, evaluation("others", people=[f"{label}b" for label in PEOPLE]))

    assert "evaluation 2" in some
    assert "first evaluation" in others


def test_another_target_is_another_evaluation(tmp_path):
    one = evaluation()
    enter(tmp_path, one)
    one.cohort.outcome = SimpleNamespace(text="FMA-UE below 50")

    assert "evaluation 2" in enter(tmp_path, one)[0]


def test_words_of_an_experiment_do_not_make_another_evaluation(tmp_path):
    one = evaluation()
    enter(tmp_path, one)
    one.experiment = replace(one.experiment, description="Now better.", reference="me")
    enter(tmp_path, one)

    assert len(rows(tmp_path)) == 1


def test_a_ledger_that_somebody_changed_is_refused(tmp_path):
    enter(tmp_path, evaluation())
    path = tmp_path / "experiments" / "ledger.tsv"
    path.write_text(path.read_text().replace("evaluation\t", "name\t", 1))

    with pytest.raises(TableError, match="not the columns of a ledger"):
        enter(tmp_path, evaluation())


def test_predictions_that_were_lost_are_entered_again(tmp_path):
    first = enter(tmp_path, evaluation())
    (tmp_path / "experiments" / "ledger_predictions.tsv").unlink()

    assert enter(tmp_path, evaluation()) == first
    assert len(rows(tmp_path)) == 1
    assert len(read_table(tmp_path / "experiments" / "ledger_predictions.tsv")) == len(PEOPLE)


def test_a_prediction_that_is_no_number_is_refused(tmp_path):
    enter(tmp_path, evaluation())
    path = tmp_path / "experiments" / "ledger_predictions.tsv"
    table = read_table(path)
    path.write_text(path.read_text().replace(table["prediction"].iloc[0], "high", 1))

    with pytest.raises(TableError, match="no numbers in prediction"):
        enter(tmp_path, evaluation("other", penalty=2))


def test_kappa_is_named_in_plain_english(tmp_path):
    for penalty in (1, 2):
        one = evaluation(penalty=penalty)
        one.task = "ordinal"
        one.scores.metrics["metric"] = "quadratic_kappa"
        (said,) = enter(tmp_path, one)

    assert "has a quadratic kappa of" in said


def test_another_version_of_the_app_is_another_evaluation_and_is_recorded(tmp_path, monkeypatch):
    enter(tmp_path, evaluation())
    monkeypatch.setattr(ledger, "__version__", "9.9.9")

    assert "evaluation 2" in enter(tmp_path, evaluation())[0]
    assert rows(tmp_path)["version"].tolist() == [motor_bids_app.__version__, "9.9.9"]
