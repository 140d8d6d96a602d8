"""The experiment on slices, EEG and EMG, from derivatives to report and prediction."""

import json
import shutil
from dataclasses import replace

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from motor_bids_app.cli.parse import parse_settings
from motor_bids_app.errors import IncompleteRunError, UsageError
from motor_bids_app.levels.group import level as group
from motor_bids_app.levels.predict import level as predict
from motor_bids_app.levels.run import run_level
from motor_bids_app.levels.simulate import level as simulate
from motor_bids_app.levels.simulate.dataset import SimulationSettings
from motor_bids_app.spaces.grids import standard_grid

from ..conftest import check_on_two_processes
from ..fusion_cohort import EEG, EMG, make_fusion_cohort, write_bold

pytest.importorskip("mne")
pytest.importorskip("pytorchcv")
pytestmark = pytest.mark.slow

SMALL = """
base = "shi2025"
name = "small"
[inputs]
signal_rate = 50.0
[model]
rungs = ["prevalence", "physiology", "signals", "slices"]
lstm = [8, 8, 4]
step = 0.25
size = 32
inner_folds = 2
[training]
epochs = 1
stop_after = 0
validation_share = 0.4
slice_batch_size = 64
[validation]
folds = 2
repeats = 1
permutations = 50
[comparisons]
backbones = ["regnet"]
[as_published]
protocols = []
"""
N_PEOPLE, NO_BOLD, NO_SIGNALS = 24, (3,), (6,)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fusion")
    return make_fusion_cohort(folder, N_PEOPLE, no_bold=NO_BOLD, no_signals=NO_SIGNALS)


def run_group(cohort, path, text=SMALL):
    path.write_text(text)
    return group.run(cohort.settings("group", experiments=(str(path),)))


@pytest.fixture(scope="module")
def done(cohort, tmp_path_factory):
    results = run_group(cohort, tmp_path_factory.mktemp("experiment") / "small.toml")
    return results, cohort.output / "experiments" / "small"


def test_fusion_is_evaluated_beside_each_modality_and_the_ladder(done):
    results, folder = done

    assert [one.model for one in results] == [
        "prevalence",
        "nuisance",
        "physiology",
        "signals",
        "slices",
        "shi2025",
    ]
    table = pd.read_csv(folder / "predictions.tsv", sep="\t")
    assert "shi2025-regnet" not in [one.model for one in results]
    assert table.groupby("model")["participant_id"].nunique().unique().tolist() == [N_PEOPLE]


def test_other_backbones_stand_in_the_tables_of_the_paper_and_not_among_the_rungs(done):
    folder = done[1]
    table = pd.read_csv(folder / "backbones.tsv", sep="\t")
    assert set(table["model"]) == {
        "signals",
        "slices",
        "slices-regnet",
        "shi2025",
        "shi2025-regnet",
    }
    named = table.drop_duplicates("model").set_index("model")["backbone"]
    assert named["shi2025-regnet"] == named["slices-regnet"] == "regnet"
    assert named["shi2025"] == "shufflenet"
    compared = pd.read_csv(folder / "comparisons.tsv", sep="\t").set_index("model")["reference"]
    assert compared["slices-regnet"] == "slices"
    assert compared["shi2025-regnet"] == "shi2025"
    page = (folder / "report.html").read_text()
    assert "RegNet + LSTM" in page
    assert "In the form of Karakis" not in page
    losses = pd.read_csv(folder / "losses.tsv", sep="\t")
    assert {"signals", "slices"} == set(losses.loc[losses["model"] == "shi2025", "network"])


def test_on_two_processes_the_experiment_is_the_same(done, cohort, tmp_path, monkeypatch):
    check_on_two_processes(cohort, SMALL, done[1], tmp_path, monkeypatch)


def test_weights_are_told_for_every_fold(done):
    weights = pd.read_csv(done[1] / "fusion_weights.tsv", sep="\t")

    totals = weights.groupby(["repeat", "fold"])["weight"].sum()
    assert totals.to_list() == pytest.approx([1.0, 1.0])
    assert set(weights["modality"]) == {"signals", "slices"}
    assert "What the fusion relies on" in (done[1] / "report.html").read_text()


def test_maps_of_slices_lie_in_the_standard_space_where_the_brain_is(done):
    image = nib.load(done[1] / "maps" / "group_desc-gradcam_bold.nii.gz")

    np.testing.assert_allclose(image.affine, standard_grid(3).affine)
    assert image.shape == standard_grid(3).shape
    people = {path.name[:6] for path in (done[1] / "maps").glob("sub-*.nii.gz")}
    assert len(people) == N_PEOPLE - len(NO_BOLD)


def test_the_report_says_that_weights_are_random(done):
    assert "starts from random weights" in (done[1] / "report.html").read_text()


def test_the_model_is_saved_and_predicts_people_with_one_modality(cohort, done):
    settings = cohort.settings("predict", models=(done[1] / "model",))
    predictions = predict.run(settings)

    assert len(predictions) == N_PEOPLE
    notes = {one.participant: " ".join(one.notes) for one in predictions}
    assert "no bold: predicted from EEG and EMG alone" in notes["sub-04"]
    assert "no EEG and EMG: predicted from bold alone" in notes["sub-07"]
    assert "alone" not in notes["sub-01"]


def test_saved_predictions_are_those_of_the_fitted_model(cohort, done):
    settings = cohort.settings("predict", models=(done[1] / "model",))
    once, again = ([one.value for one in predict.run(settings)] for _ in range(2))

    assert once == again
    assert len(set(once)) > N_PEOPLE / 2


def test_a_bundle_names_channels_and_no_person(done):
    metadata = json.loads((done[1] / "model" / "model.json").read_text())["metadata"]

    assert metadata["inputs"]["signals"]["channels"] == [
        *(f"eeg {name}" for name in EEG),
        *(f"emg {name}" for name in EMG),
    ]
    assert "sub-01" not in json.dumps(metadata)


def test_training_people_are_recognised_by_their_recordings(cohort, done, tmp_path):
    settings = cohort.settings("predict", models=(done[1] / "model",))
    others = make_fusion_cohort(tmp_path, 2, seed=5).settings(
        "predict", models=(done[1] / "model",)
    )

    assert {one.in_training for one in predict.run(settings)} == {True}
    assert True not in {one.in_training for one in predict.run(others)}


def test_people_without_either_modality_are_not_predicted(cohort, done, tmp_path):
    other = make_fusion_cohort(tmp_path, 2, no_bold=(0,), no_signals=(0,))
    settings = replace(other.settings("predict", models=(done[1] / "model",)))

    with pytest.raises(IncompleteRunError, match="reads bold and EEG and EMG, and this scan has"):
        predict.run(settings)


def test_scores_are_predicted_too(cohort, tmp_path):
    text = SMALL.replace('name = "small"', 'name = "scores"\n[target]\ntask = "regression"')
    text = text.replace('"physiology", ', "")
    results = run_group(cohort, tmp_path / "scores.toml", text)

    assert {one.metric for one in results} == {"r2"}


def test_determinism_is_refused_instead_of_ignored(cohort, tmp_path):
    text = SMALL.replace("[training]\n", "[training]\ndeterministic = true\n")
    with pytest.raises(UsageError, match="deterministic = True has no effect here"):
        run_group(cohort, tmp_path / "same.toml", text)


@pytest.mark.parametrize(
    ("missing", "left", "reason"),
    [
        ("no_bold", "signals", "slices of the bold, which nobody has"),
        ("no_signals", "slices", "windows of EEG or EMG, which nobody has"),
    ],
)
def test_a_modality_that_nobody_has_leaves_the_other(tmp_path, missing, left, reason):
    cohort = make_fusion_cohort(tmp_path, 12, **{missing: range(12)})
    results = run_group(cohort, tmp_path / "small.toml")

    assert results[-1].model == left
    assert reason in (cohort.output / "experiments" / "small" / "report.html").read_text()


FROM_RECORDINGS = """
base = "shi2025"
name = "recorded"
[model]
rungs = ["prevalence", "physiology", "signals", "slices"]
lstm = [8, 4]
step = 0.5
size = 32
inner_folds = 2
[training]
epochs = 1
schedule = "constant"
stop_after = 0
validation_share = 0.0
slice_batch_size = 64
[validation]
folds = 2
repeats = 1
permutations = 20
[as_published]
protocols = []
"""


def test_from_recordings_to_the_prediction_of_people_with_one_modality(tmp_path):
    # EEG and EMG go all the way from raw files; the bold, which takes minutes, is made as it ends.
    raw, output = tmp_path / "raw", tmp_path / "derivatives"
    simulate.run(
        SimulationSettings(
            output_dir=raw,
            n_participants=10,
            n_controls=0,
            modalities=("eeg", "emg"),
            signal_seconds=20,
            signal_rate=100,
            seed=3,
        )
    )
    words = ["--skip-bids-validation", "--nprocs", "1", "--signal-window", "5", "--no-ica"]
    run_level(parse_settings([str(raw), str(output), "participant", *words]))
    for number in range(1, 11):
        home = output / f"sub-{number:03d}"
        write_bold(home, home.name, 0.0, np.random.default_rng(number))
    experiment = tmp_path / "recorded.toml"
    experiment.write_text(FROM_RECORDINGS)

    run_level(parse_settings([str(raw), str(output), "group", "--experiment", str(experiment)]))

    folder = output / "experiments" / "recorded"
    metrics = pd.read_csv(folder / "metrics.tsv", sep="\t")
    assert {"physiology", "signals", "slices", "shi2025"} <= set(metrics["model"])
    signals = json.loads((folder / "model" / "model.json").read_text())["metadata"]["inputs"]
    assert {"eeg C3", "eeg C4", "emg FDS_L", "emg FDS_R"} & set(signals["signals"]["channels"])
    shutil.rmtree(output / "sub-002" / "func")
    shutil.rmtree(output / "sub-003" / "eeg")
    run_level(
        parse_settings(
            [
                str(raw),
                str(output),
                "predict",
                "--model",
                str(folder / "model"),
                "--participant-label",
                "001",
                "002",
                "003",
            ]
        )
    )
    table = pd.read_csv(
        output / "predictions" / "recorded" / "predictions.tsv", sep="\t", index_col=0
    )
    assert table.filter(like="predicted").notna().all(axis=None)
    assert "predicted from EEG and EMG alone" in table.loc["sub-002", "notes"]
    assert "predicted from bold alone" in table.loc["sub-003", "notes"]
