"""Parts of a result: what they write, and whom their figures are about."""

from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from motor_bids_app.levels.group.experiment import PARTS
from motor_bids_app.levels.group.parts.part import Page
from motor_bids_app.levels.group.parts.predictions import PersonPredictions
from motor_bids_app.levels.group.results import write_results
from motor_bids_app.reports.experiment.answer import Answer

MODELS = {"prevalence": "Share of poor outcomes", "kernel": "Kernel"}


@pytest.fixture
def page():
    """Of a classification whose final model is the kernel."""
    answer = Answer(
        model="kernel",
        metric="roc_auc",
        n_people=30,
        value=0.8,
        low=0.7,
        high=0.9,
        chance=0.5,
        noise_floor=0.2,
    )
    outcome = SimpleNamespace(task="classification", text="FMA-UE < 27", classes=())
    return Page(models=MODELS, answer=answer, outcome=outcome)


@pytest.fixture
def part():
    """Predictions of 30 patients by two models."""
    rng = np.random.default_rng(0)
    people = [f"sub-{number:02d}" for number in range(30)]
    predictions = pd.concat(
        pd.DataFrame(
            {
                "participant_id": people,
                "model": model,
                "group": "patient",
                "true": np.arange(30) % 3 == 0,
                "predicted": rng.uniform(size=30),
                "predicted_sd": 0.1,
            }
        ).astype({"true": int})
        for model in MODELS
    )
    metrics = pd.DataFrame(
        [(model, "patients", "roc_auc", 0.8, 0.7, 0.9) for model in MODELS],
        columns=["model", "population", "metric", "value", "low", "high"],
    )
    nothing = pd.DataFrame()
    tested = predictions.rename(columns={"predicted": "prediction"}).assign(repeat=1, fold=1)
    return PersonPredictions(
        predictions=predictions, out_of_fold=tested, splits=nothing, metrics=metrics
    )


def figures(part, page):
    return [figure for block in part.blocks(page) for figure in block.figures]


def test_no_two_parts_write_the_same_file():
    written = Counter(name for kind in PARTS for name in kind.names)
    assert max(written.values()) == 1


def test_controls_are_in_no_figure(part, page):
    healthy = part.predictions.assign(group="control", true=0, predicted=0.99)
    healthy["participant_id"] += "c"
    tested = healthy.rename(columns={"predicted": "prediction"}).assign(repeat=1, fold=1)
    both = replace(
        part,
        predictions=pd.concat([part.predictions, healthy], ignore_index=True),
        out_of_fold=pd.concat([part.out_of_fold, tested], ignore_index=True),
    )

    drawn = [[figure.data for figure in figures(one, page)] for one in (part, both)]

    assert len(drawn[0]) == 5
    assert drawn[0] == drawn[1]


def test_a_regression_has_a_scatter_instead_of_a_roc(part, page):
    outcome = SimpleNamespace(task="regression", text="FMA-UE (points)", classes=())
    names = [figure.name for figure in figures(part, replace(page, outcome=outcome))]
    assert names == ["scatter"]


def test_tables_of_a_part_that_is_no_longer_asked_for_are_removed(tmp_path, monkeypatch):
    for name in ("leakage_ladder.tsv", "leakage_ladder.json", "mine.tsv"):
        (tmp_path / name).write_text("old")
    monkeypatch.setattr("motor_bids_app.levels.group.results.to_toml", lambda _: "")
    outcome = SimpleNamespace(
        thresholds=(), cutoff=None, score=SimpleNamespace(title="FMA-UE", unit="points")
    )
    evaluation = SimpleNamespace(experiment=None, cohort=SimpleNamespace(outcome=outcome), parts=())

    write_results(tmp_path, evaluation, PARTS)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["experiment.toml", "mine.tsv"]
