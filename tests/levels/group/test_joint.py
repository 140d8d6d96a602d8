"""Several scores in one experiment: the same people and splits, and tests corrected for all."""

import json

import numpy as np
import pandas as pd
import pytest

from motor_bids_app.errors import UsageError
from motor_bids_app.evaluation.statistics import holm
from motor_bids_app.experiments.reading import parse_experiment, to_toml
from motor_bids_app.levels.cohort.cohort import build_cohort
from motor_bids_app.levels.cohort.maps import map_library
from motor_bids_app.levels.cohort.participants import gather_participants
from motor_bids_app.levels.group import level as group
from motor_bids_app.levels.group.splitting import deal_once
from motor_bids_app.levels.predict import level as predict

from ..conftest import make_cohort

ARM = """
name = "arm"
[target]
scores = ["fma_ue", "arat", "barthel"]
task = "TASK"
controls = "exclude"
[model]
rungs = ["prevalence", "tract_load"]
[validation]
folds = 3
repeats = 1
permutations = 100
"""
SCORES = ("fma_ue", "arat", "barthel")
LACKING = {"sub-03": "arat", "sub-07": "barthel"}


def read(folder, name):
    return pd.read_csv(folder / f"{name}.tsv", sep="\t")


def make_scores(folder):
    """ARAT goes with damage as the FMA-UE does, and Barthel with nothing; two people lack one."""
    cohort = make_cohort(folder, maps=())
    rng = np.random.default_rng(5)
    path = cohort.raw / "participants.tsv"
    table = pd.read_csv(path, sep="\t")
    table["arat"] = (table["fma_ue"] * 57 / 66 + rng.normal(0, 3, len(table))).round().clip(0, 57)
    table["barthel"] = rng.integers(5, 100, len(table)).astype(float)
    for person, score in LACKING.items():
        table.loc[table["participant_id"] == person, score] = np.nan
    table.to_csv(path, sep="\t", index=False, na_rep="n/a")
    return cohort


def run(cohort, folder, text=ARM, task="regression", **changes):
    path = folder / "arm.toml"
    path.write_text(text.replace("TASK", task))
    return group.run(cohort.settings("group", experiments=(str(path),), **changes))


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    home = tmp_path_factory.mktemp("joint")
    cohort = make_scores(home)
    results = run(cohort, home)
    return cohort, cohort.output / "experiments", results


def test_who_lacks_a_score_is_left_out_of_all_with_the_reason(done):
    for score in SCORES:
        folder = done[1] / f"arm-{score}"
        assert not set(LACKING) & set(read(folder, "predictions")["participant_id"])
        reasons = read(folder, "excluded").set_index("participant_id")["reason"]
        for person, lacked in LACKING.items():
            assert f"no {lacked}" in reasons[person]
    page = (done[1] / "arm" / "report.html").read_text()
    assert "no arat (arat is predicted too)" in page
    assert "a control, whom the experiment leaves out</th>" in page


def test_every_score_is_tested_on_the_same_splits(done):
    splits = [read(done[1] / f"arm-{score}", "splits") for score in SCORES]
    splits.append(read(done[1] / "arm", "splits"))

    assert len(splits[0]) == 18
    for other in splits[1:]:
        pd.testing.assert_frame_equal(splits[0], other)


def test_p_values_are_corrected_over_scores_and_verdicts_obey(done):
    table = read(done[1] / "arm", "scores").set_index("score")

    assert list(table.index) == list(SCORES)
    for name in ("chance_p", "difference_p"):
        assert table[f"{name}_holm"].to_numpy() == pytest.approx(
            holm(table[name].to_numpy()), rel=1e-4
        )
    assert (table["chance_p_holm"][["fma_ue", "arat"]] < 0.05).all()
    assert table["verdict"]["barthel"] == "no evidence that it is better than chance"
    for score in SCORES:
        page = (done[1] / f"arm-{score}" / "report.html").read_text()
        assert "corrected for the 3 scores" in page
        assert table["verdict"][score].capitalize()[:12] in page


def test_scores_and_errors_are_correlated_pair_by_pair(done):
    table = read(done[1] / "arm", "score_correlations").set_index(["score", "other"])
    people = read(done[1] / "arm-arat", "predictions")
    people = people[people["model"] == "tract_load"].set_index("participant_id")
    others = read(done[1] / "arm-fma_ue", "predictions")
    others = others[others["model"] == "tract_load"].set_index("participant_id")

    found = table.loc["fma_ue", "arat"]
    assert found["n_people"] == 18
    assert found["r_scores"] == pytest.approx(people["true"].corr(others["true"]), abs=1e-4)
    errors = [(one["predicted"] - one["true"]) for one in (people, others)]
    assert found["r_errors"] == pytest.approx(errors[0].corr(errors[1]), abs=1e-4)
    assert len(table) == 3


def test_the_page_that_compares_experiments_leads_to_scores_and_to_all_of_them(done):
    page = (done[0].output / "group.html").read_text()

    assert 'href="experiments/arm-arat/report.html"' in page
    assert 'href="experiments/arm/report.html"' in page
    assert {one.experiment for one in done[2]} == {f"arm-{score}" for score in SCORES}


def test_each_score_has_a_bundle_that_predicts_it(done):
    cohort, folder, _ = done
    bundles = tuple(folder / f"arm-{score}" / "model" for score in ("fma_ue", "arat"))
    told = [predict.run(cohort.settings("predict", models=(one,))) for one in bundles]

    targets = [
        json.loads((bundle / "model.json").read_text())["metadata"]["target"]["score"]
        for bundle in bundles
    ]
    assert targets == ["fma_ue", "arat"]
    assert [len(one) for one in told] == [26, 26]


@pytest.mark.parametrize("name", ["arm", "arm-arat"])
def test_the_experiment_that_is_saved_is_read_back_as_it_was(done, name):
    text = (done[1] / name / "experiment.toml").read_text()
    experiment = parse_experiment(text, "saved")

    assert to_toml(experiment) == text
    assert experiment.target.scores == SCORES
    assert experiment.target.score == ("auto" if name == "arm" else "arat")


def test_a_saved_score_is_evaluated_alone_as_it_was_with_its_p_times_the_number(done, tmp_path):
    cohort, folder, _ = done
    before = read(folder / "arm-arat", "predictions"), read(folder / "arm-arat", "splits")
    joint = read(folder / "arm", "scores").set_index("score")
    run(cohort, tmp_path, (folder / "arm-arat" / "experiment.toml").read_text())

    for name, table in zip(("predictions", "splits"), before, strict=True):
        pd.testing.assert_frame_equal(read(folder / "arm-arat", name), table)
    p = joint["chance_p"]["arat"]
    page = (folder / "arm-arat" / "report.html").read_text()
    assert f"corrected for the 3 scores = {3 * p:.3f}" in page


def test_classes_of_all_scores_are_spread_over_the_folds(tmp_path):
    people = gather_participants(make_scores(tmp_path).settings("group"))
    experiment = parse_experiment(ARM.replace("TASK", "classification"), "here")
    with map_library(people.scans, people.table, None) as library:
        cohorts = [build_cohort(people, one, library) for one in experiment.of_each_score]
    splits, _ = deal_once(cohorts, experiment, 0)

    assert len({tuple(one.labels.truth) for one in cohorts}) > 1
    for one in cohorts:
        poor = splits["participant_id"].map(one.labels.truth)
        counts = poor.groupby(splits["fold"]).agg(["min", "max"])
        assert counts.to_numpy().tolist() == [[0, 1]] * 3


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ('scores = ["fma_ue"]', "two scores or more"),
        ('scores = ["fma_ue", "arat"]\nthreshold = 20', "are of one score"),
        ('scores = ["fma_ue", "arat"]\nscore = "nihss"', "is not among scores"),
    ],
)
def test_scores_that_cannot_be_are_refused(given, message):
    with pytest.raises(UsageError, match=message):
        parse_experiment(f'name = "a"\n[target]\n{given}\n', "here")
