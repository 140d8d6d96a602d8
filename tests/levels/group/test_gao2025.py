"""The experiment on dynamic connectivity, from clean series to report and prediction."""

import json
from dataclasses import replace

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from motor_bids_app.errors import DataError, IncompatibleModelError, IncompleteRunError
from motor_bids_app.experiments.reading import load_preset
from motor_bids_app.levels.cohort.maps import MapLibrary, brain_grid
from motor_bids_app.levels.cohort.participants import gather_participants
from motor_bids_app.levels.cohort.windows import experiment_instances
from motor_bids_app.levels.group import level as group
from motor_bids_app.levels.predict import level as predict
from motor_bids_app.settings import BoldSettings, ProcessingSettings, Selection

from ..bold_cohort import VOLUMES, WINDOW, make_bold_cohort
from ..conftest import check_on_two_processes, record_processing

pytestmark = pytest.mark.slow
SMALL = """
base = "gao2025"
name = "small"
[inputs]
resolution = 4
[model]
rungs = ["prevalence", "kernel"]
widths = [2, 2, 4, 4]
convolutions = [1, 1, 1, 1]
hidden = 8
dropout = 0.0
[training]
windows = 4
epochs = 2
batch_size = 8
learning_rate = 5e-3
[validation]
folds = 2
permutations = 100
refits = 1
[states]
numbers = [2, 3]
permutations = 20
"""
NOTHING = """
base = "gao2025"
name = "network"
[inputs]
resolution = 4
[model]
rungs = ["prevalence"]
widths = [2, 4, 8, 8]
convolutions = [1, 1, 1, 1]
hidden = 16
dropout = 0.0
[training]
windows = 4
epochs = 8
batch_size = 4
learning_rate = 5e-3
[validation]
folds = 2
permutations = 0
[explanation]
people_per_test = 1
[states]
find = false
"""
N_PEOPLE, WITHOUT = 16, (6,)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bold")
    return make_bold_cohort(folder, N_PEOPLE, effect=1.5, without=WITHOUT)


@pytest.fixture(scope="module")
def done(cohort, tmp_path_factory):
    path = tmp_path_factory.mktemp("experiment") / "small.toml"
    path.write_text(SMALL)
    results = group.run(cohort.settings("group", experiments=(str(path),)))
    return results, cohort.output / "experiments" / "small"


def read(folder, name):
    return pd.read_csv(folder / f"{name}.tsv", sep="\t")


def test_static_connectivity_tells_who_is_severe(done):
    auc = {result.model: result.value for result in done[0]}

    assert auc["kernel"] > 0.8
    assert auc["prevalence"] == 0.5
    assert "gao2025" in auc


def test_people_without_connectivity_are_left_out_and_counted(done):
    excluded = read(done[1], "excluded")

    assert excluded["participant_id"].tolist() == ["sub-07"]
    assert "lacks fc map" in excluded["reason"][0]


def test_every_person_is_scored_once_however_many_windows(done):
    found = read(done[1], "predictions")
    found = found[found["model"] == "gao2025"]

    assert len(found) == found["participant_id"].nunique() == N_PEOPLE - len(WITHOUT)


def test_the_network_has_a_table_by_fold_as_published_and_none_of_another_paper(done):
    folds = read(done[1], "folds")

    assert folds["fold"].tolist() == [1, 2]
    assert folds["n_people"].sum() == N_PEOPLE - len(WITHOUT)
    assert folds["training_accuracy"].between(0, 1).all()
    assert (folds["p_value"] >= folds["least_p"] - 1e-12).all()
    page = (done[1] / "report.html").read_text()
    assert "Fold by fold, as the paper reports it" in page
    assert "Poor and good outcomes" in page
    assert "In the form of Karakis" not in page


def test_the_ladder_counts_windows_where_they_were_split(done):
    ladder = read(done[1], "leakage_ladder").set_index(["protocol", "metric"])

    assert ladder.loc[("right", "roc_auc"), "n_counted"] == 15
    assert ladder.loc[("window-folds", "roc_auc"), "n_counted"] == 15 * 4
    assert ladder.loc[("published", "accuracy"), "value"] == 0.998
    page = (done[1] / "report.html").read_text()
    assert "need only recognise the person" in page


def test_where_there_is_nothing_to_find_window_folds_alone_find_it_and_the_page_says_why(tmp_path):
    """The kernel machine, which is cheap, through the code path of the level."""
    nothing = make_bold_cohort(tmp_path / "nothing", 24, effect=0.0, seed=2)
    path = tmp_path / "nothing.toml"
    changes = {
        'name = "small"': 'name = "nothing"',
        "epochs = 2": "epochs = 1",
        "windows = 4": "windows = 2",
        "refits = 1": "refits = 0",
        "folds = 2": "folds = 3",
        "[model]": '[model]\nfinal = "kernel"',
        "[states]": "[states]\nfind = false",
    }
    text = SMALL
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)

    group.run(nothing.settings("group", experiments=(str(path),)))

    folder = nothing.output / "experiments" / "nothing"
    ladder = read(folder, "leakage_ladder").set_index(["protocol", "metric"])
    by_person = ladder.loc[("right", "roc_auc")]
    by_window = ladder.loc[("window-folds", "roc_auc")]
    assert 0.2 < by_person["value"] < 0.8  # 24 people: the 95 % interval of chance is 0.26 to 0.74
    assert by_window["value"] > 0.9
    assert (by_person["n_counted"], by_window["n_counted"]) == (24, 24 * (VOLUMES - WINDOW + 1))
    assert by_person["low"] < 0.5 < by_person["high"]
    page = (folder / "report.html").read_text()
    assert "A model tested on windows of people it was trained on need only" in page


def test_the_network_too_recognises_people_by_their_windows_and_tells_nothing_of_new_ones(tmp_path):
    nothing = make_bold_cohort(tmp_path / "nothing", 16, effect=0.0, seed=3, apart=2.0)
    path = tmp_path / "network.toml"
    path.write_text(NOTHING)

    group.run(nothing.settings("group", experiments=(str(path),)))

    ladder = read(nothing.output / "experiments" / "network", "leakage_ladder")
    ladder = ladder.set_index(["protocol", "metric"])
    by_person, by_window = (ladder.loc[(name, "roc_auc")] for name in ("right", "window-folds"))
    assert (by_person["n_counted"], by_window["n_counted"]) == (16, 16 * 4)
    assert by_window["value"] > 0.8
    assert by_window["low"] > 0.5
    assert 0.18 < by_person["value"] < 0.82  # 16 people: the 95 % interval of chance
    assert by_person["low"] < 0.5 < by_person["high"]


def test_every_person_has_a_map_of_what_the_network_looked_at(done, cohort):
    maps = sorted((done[1] / "maps").glob("sub-*_desc-gradcam.nii.gz"))

    assert len(maps) == N_PEOPLE - len(WITHOUT)
    image = nib.load(maps[0])
    assert image.shape == brain_grid(4).shape
    np.testing.assert_allclose(image.affine, brain_grid(4).affine)
    checks = read(done[1], "explanation").set_index(["check", "region"])
    assert checks.loc[("randomised", np.nan), "n"] == 8  # four of each of two test sets
    assert checks.loc[("deletion", np.nan), "n"] == 4
    assert "Grad-CAM of the network of windows" in (done[1] / "report.html").read_text()


def test_on_two_processes_the_experiment_is_the_same(done, cohort, tmp_path, monkeypatch):
    check_on_two_processes(cohort, SMALL, done[1], tmp_path, monkeypatch)


def test_the_network_is_tested_against_permuted_labels_too(done):
    table = read(done[1], "permutation").set_index("model")

    assert table.loc["gao2025", "n_permutations"] == 1
    assert table.loc["kernel", "n_permutations"] == 100


def test_states_are_described_for_each_person(done):
    people = read(done[1] / "states", "people")
    shares = people.filter(regex="occupancy").sum(axis=1)
    moves = people.filter(regex="transitions").sum(axis=1)

    np.testing.assert_allclose(shares, 1, atol=1e-5)
    assert (moves == people["changes_of_state"]).all()
    assert len(people) == N_PEOPLE - len(WITHOUT)
    described = json.loads((done[1] / "states" / "people.json").read_text())
    assert list(described) == list(people)


def test_the_planted_difference_is_a_cluster_in_right_m1(done):
    clusters = read(done[1] / "states", "clusters")
    best = clusters.loc[clusters["peak_t"].idxmax()]

    assert (best["higher_in"], best["region"]) == ("poor", "Precentral_R")
    assert np.linalg.norm(best[["x", "y", "z"]].to_numpy(float) - [38, -22, 56]) < 25
    assert best["p_uncorrected"] < best["p_corrected"] == clusters["p_corrected"].min()


def test_the_page_shows_states_and_both_kinds_of_p(done):
    page = (done[1] / "report.html").read_text()

    assert "States of connectivity" in page
    assert "p of the cluster, corrected" in page
    assert "mean participation decided among them (it would be" in page  # as in the paper


def test_series_with_a_seed_on_the_right_are_mirrored(cohort, tmp_path):
    people = gather_participants(cohort.settings("group"))
    library = MapLibrary(people.scans, people.table, tmp_path)
    instances = experiment_instances(load_preset("gao2025"), library)["windows"]
    half = instances.source.grid.shape[0] // 2
    number = VOLUMES - WINDOW + 1
    assert instances.counts.tolist() == [0 if k in WITHOUT else number for k in range(N_PEOPLE)]

    for row in (0, 2):  # seed on the left and on the right
        z = instances[[row]].read(np.arange(5)).mean(axis=0)
        x, _, _ = np.unravel_index(z.argmax(), z.shape)
        assert x < half


def test_a_saved_model_predicts_from_bold_what_it_said_in_the_group(done, cohort, tmp_path):
    output = tmp_path / "out"
    output.symlink_to(cohort.output)
    settings = replace(cohort, output=output).settings("predict", models=(done[1] / "model",))

    with pytest.raises(IncompleteRunError, match="no connectivity of M1"):  # sub-07
        predict.run(settings)

    table = pd.read_csv(next(output.rglob("predictions.tsv")), sep="\t")
    assert len(table) >= N_PEOPLE - len(WITHOUT)


def test_series_of_training_people_are_recognised_and_those_of_others_are_not(
    done, cohort, tmp_path
):
    trained = Selection(participants=("01", "02"))
    others = make_bold_cohort(tmp_path, 2, effect=0, seed=5)

    known, new = (
        predict.run(each.settings("predict", models=(done[1] / "model",), selection=selection))
        for each, selection in ((cohort, trained), (others, Selection()))
    )

    assert [one.in_training for one in known] == [True, True]
    assert [one.in_training for one in new] == [False, False]


def test_connectivity_of_the_healthy_side_is_not_predicted_from(done, tmp_path):
    others = make_bold_cohort(tmp_path, 2, effect=0, seed=5)
    table = others.output / "sub-01" / "sub-01_desc-features.tsv"
    table.write_text(table.read_text().replace("left", "right"))  # the seed stays where it was

    with pytest.raises(IncompleteRunError, match=r"1 of 2.*Lesion on the right, but connectivity"):
        predict.run(others.settings("predict", models=(done[1] / "model",)))


def test_bold_that_was_processed_differently_is_refused(done, cohort, tmp_path):
    other = tmp_path / "out"
    make_bold_cohort(tmp_path / "new", 2, effect=0)
    other = tmp_path / "new" / "derivatives"
    record_processing(other, bold=BoldSettings(smoothing=4.0))
    settings = replace(cohort, raw=tmp_path / "new" / "raw", output=other).settings(
        "predict",
        models=(done[1] / "model",),
        processing=ProcessingSettings(bold=BoldSettings(smoothing=4.0)),
    )

    with pytest.raises(IncompatibleModelError, match=r"bold smoothing is 4\.0 here and was 6\.0"):
        predict.run(settings)


def test_motion_limits_do_not_matter_to_a_model(done, cohort, tmp_path):
    make_bold_cohort(tmp_path / "new", 2, effect=0)
    other = tmp_path / "new" / "derivatives"
    record_processing(other, bold=BoldSettings(motion_limit=1.0, save_windows=True))
    settings = replace(cohort, raw=tmp_path / "new" / "raw", output=other)

    found = predict.run(settings.settings("predict", models=(done[1] / "model",)))

    assert len(found) == 2


def test_a_cohort_without_bold_says_so(fake_cohort):
    settings = fake_cohort.settings("group", experiments=("gao2025",))
    with pytest.raises(DataError, match=r"No scan has the maps fc.*on resting-state bold"):
        group.run(settings)
