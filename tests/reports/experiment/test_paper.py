"""Tables in the form of the paper, and the picture of the layers."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from motor_bids_app.reports.experiment.paper import (
    PAPER_TEXT,
    PaperNumbers,
    embedding_figure,
    paper_tables,
)
from motor_bids_app.reports.experiment.paper_figures import paper_figures

MODELS = {"prevalence": "Share of poor outcomes", "kernel": "Kernel"}
METRICS = ("roc_auc", "specificity", "accuracy", "precision", "recall", "f1")
BESIDE = {
    "svm-flatten": "Support vector machine on joined features",
    "svm-dense1": "Support vector machine on first dense layer",
    "svm-dense2": "Support vector machine on second dense layer",
    "kernel-fa": "Network of FA alone",
    "kernel-motor": "Network in motor regions",
}


@pytest.fixture
def report(metrics):
    """The model `kernel` stands for the network; every number tells where it is from."""
    rows, numbers = [], iter(np.linspace(0.5, 0.6, 1000))
    for model in ("kernel", *BESIDE):
        for name in ("poor", "good", "overall"):
            rows += [
                (model, name, metric, *(next(numbers) for _ in range(6))) for metric in METRICS
            ]
    table = pd.DataFrame(
        rows,
        columns=[
            "model",
            "class",
            "metric",
            "mean",
            "min",
            "max",
            "mean_of_maxima",
            "maxima_min",
            "maxima_max",
        ],
    )
    table["n_test_sets"] = 10
    rng = np.random.default_rng(1)
    sets = [
        (model, repeat, 1, training, "overall", metric, rng.uniform(0.5, 1))
        for model in ("kernel", *BESIDE)
        for repeat in range(1, 11)
        for training in (1, 2)
        for metric in METRICS
    ]
    names = ["model", "repeat", "fold", "training", "class", "metric", "value"]
    sets = pd.DataFrame(sets, columns=names)
    more = [(name, "patients", "roc_auc", 0.61, 0.4, 0.8) for name in BESIDE]
    metrics = pd.concat([metrics, pd.DataFrame(more, columns=metrics.columns)])
    return PaperNumbers(
        printed=table,
        sets=sets,
        best=sets[sets["training"] == 1],
        metrics=metrics,
        models=MODELS,
        beside=BESIDE,
    )


def cell(report, model, positive, metric, name="mean"):
    table = report.printed
    chosen = (table["model"] == model) & (table["class"] == positive) & (table["metric"] == metric)
    return f"{table.loc[chosen, name].iloc[0]:.3f}"


def test_the_network_has_every_metric_by_class_twice(report):
    first = paper_tables(report)[0]
    assert first.columns == ("Metric", "Poor", "Good", "Overall")
    assert len(first.rows) == 2 * len(METRICS)
    assert first.rows[0][1].startswith(cell(report, "kernel", "poor", "roc_auc"))
    assert first.rows[-1][3].startswith(cell(report, "kernel", "overall", "f1", "mean_of_maxima"))


def test_each_layer_has_a_table_with_the_right_numbers_beside(report):
    layered = [t for t in paper_tables(report) if t.columns[0] == "Classifier"]
    assert len(layered) == 3
    row = dict(zip(layered[1].columns, layered[1].rows[0], strict=True))
    assert row["Classifier"] == "Support vector machine"
    assert row["F1"].startswith(cell(report, "svm-dense1", "poor", "f1"))
    assert row["Right: AUC in patients (95 % interval)"] == "0.61 (0.40 to 0.80)"
    assert row["AUC with controls, as in the paper"] == "n/a"
    assert layered[1].rows[-1][0] == "The network itself"


def test_single_maps_and_masks_have_rows_beside_the_network(report):
    variants = [t for t in paper_tables(report) if t.columns[0] == "Network"]
    names = [[row[0] for row in table.rows] for table in variants]
    assert names == [
        ["All maps, as in the experiment", "Network of FA alone"],
        ["All maps, as in the experiment", "Network in motor regions"],
    ]


def test_single_maps_masks_and_classifiers_have_their_box_plots(report):
    found = {figure.name: figure for figure in paper_figures(report)}
    assert list(found) == ["boxes-maps", "boxes-masks", "boxes-layers"]
    for metric in (b"Precision", b"Recall", b"F1"):
        assert metric in found["boxes-maps"].data
    median = report.sets[
        (report.sets["model"] == "kernel-fa") & (report.sets["metric"] == "precision")
    ]["value"].median()
    assert f"Network of FA alone {median:.2f}" in found["boxes-maps"].alt
    assert "chosen by test" in found["boxes-masks"].alt
    single = replace(report, sets=report.sets[report.sets["training"] == 1])
    assert "chosen by test" not in paper_figures(single)[1].alt


def test_the_text_says_that_maxima_are_optimistic_and_what_the_picture_is(predictions):
    people = sorted(set(predictions["participant_id"]))[:12]
    rng = np.random.default_rng(0)
    points = pd.concat(
        pd.DataFrame(
            {
                "layer": layer,
                "participant_id": people,
                "x": rng.normal(size=12),
                "y": rng.normal(size=12),
            }
        )
        for layer in ("flatten", "dense1", "dense2")
    )
    figure = embedding_figure(points, predictions)
    assert "the mean of maxima is optimistic" in PAPER_TEXT
    assert "an illustration, not evidence" in figure.caption
    assert figure.caption.startswith("The 12 people of the first test set")


def test_probabilities_beside_the_models_have_their_calibration(report):
    slopes = [
        ("svm-flatten", "patients", "roc_auc", 0.6, 0.4, 0.8),
        ("kernel-fa", "patients", "calibration_slope", 0.73, 0.2, 1.3),
    ]
    extra = pd.DataFrame(slopes, columns=["model", "population", "metric", "value", "low", "high"])
    table = paper_tables(replace(report, metrics=pd.concat([report.metrics, extra])))[-1]
    rows = {row[0]: row for row in table.rows}
    assert "0.73 (0.20 to 1.30)" in rows["Network of FA alone"]
