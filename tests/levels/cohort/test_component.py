"""A target made of several scores, with numbers that come with the experiment."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from motor_bids_app.bids.tables.scores import SCORES
from motor_bids_app.errors import DataError, UsageError
from motor_bids_app.experiments.component import Component
from motor_bids_app.experiments.reading import parse_experiment, to_toml
from motor_bids_app.experiments.sections import Target
from motor_bids_app.levels.cohort.component import with_component
from motor_bids_app.levels.cohort.outcome import choose_outcome
from motor_bids_app.levels.cohort.participants import Participants
from motor_bids_app.levels.cohort.targets import label
from motor_bids_app.levels.group import level as group

TESTS = ("bbt", "nhpt", "grip")


def draw(n, seed):
    """Blocks, seconds and kilograms of people whose arm is good to a varying degree."""
    random = np.random.default_rng(seed)
    arm = random.normal(size=n)
    blocks = 40 + 12 * arm + random.normal(0, 5, n)
    seconds = 60 - 15 * arm + random.normal(0, 8, n)
    return np.column_stack([blocks, seconds, 25 + 6 * arm + random.normal(0, 4, n)])


def make_people(values):
    table = pd.DataFrame(values, columns=list(TESTS))
    table["participant_id"] = [f"sub-{k:02d}" for k in range(len(values))]
    table["session_id"], table["group"] = None, "patient"
    scores = {name: SCORES[name] for name in TESTS}
    return Participants(scans=(), table=table, scores=scores, excluded=pd.DataFrame())


@pytest.fixture(scope="module")
def reference():
    """What scikit-learn learns from other people, and the component that says the same."""
    values = draw(200, seed=0)
    scaler = StandardScaler().fit(values)
    pca = PCA(1).fit(scaler.transform(values))
    sign = np.sign(pca.components_[0, 0])
    numbers = (scaler.mean_, scaler.scale_, sign * pca.components_[0])
    means, sds, weights = (tuple(map(float, one)) for one in numbers)
    component = Component(columns=TESTS, means=means, sds=sds, weights=weights)
    return component, lambda new: sign * pca.transform(scaler.transform(new))[:, 0]


def test_a_component_is_the_first_principal_component_that_others_gave(reference):
    component, project = reference
    new = draw(30, seed=1)

    people = with_component(make_people(new), component)

    np.testing.assert_allclose(people.table["component"], project(new), rtol=1e-6)


def test_people_at_0_or_below_are_poor(reference):
    component, project = reference
    new = draw(30, seed=1)
    people = with_component(make_people(new), component)

    outcome = choose_outcome(people, Target(score="component"))

    assert outcome.text == "Component of BBT, NHPT and Grip strength <= 0"
    assert label(people, outcome, "good").y.tolist() == (project(new) <= 0).astype(int).tolist()


def test_whoever_lacks_a_part_has_no_component_and_is_left_out(reference):
    component, _ = reference
    new = draw(30, seed=1)
    new[4, 1] = np.nan
    people = with_component(make_people(new), component)

    labels = label(people, choose_outcome(people, Target(score="component")), "good")

    assert labels.excluded["participant_id"].tolist() == ["sub-04"]
    assert labels.excluded["reason"].tolist() == ["no component"]


def test_its_range_is_that_of_the_scores(reference):
    component, project = reference
    people = with_component(make_people(draw(3, seed=1)), component)

    worst = np.array([[SCORES["bbt"].minimum, SCORES["nhpt"].maximum, SCORES["grip"].minimum]])
    best = np.array([[SCORES["bbt"].maximum, SCORES["nhpt"].minimum, SCORES["grip"].maximum]])
    made = people.scores["component"]
    assert made.minimum == pytest.approx(float(project(worst)[0]))
    assert made.maximum == pytest.approx(float(project(best)[0]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weights": (0.6, 0.5, 0.6)}, "nhpt is better when lower, .* give it a weight below 0"),
        ({"weights": (-0.6, -0.5, 0.6)}, "bbt is better when higher, .* a weight above 0"),
        ({"columns": ("bbt", "nhpt", "arat")}, "score arat is not in the tables; .* bbt, nhpt"),
    ],
)
def test_weights_of_the_wrong_sign_and_unknown_scores_are_explained(changes, message):
    given = {"columns": TESTS, "means": (40.0,) * 3, "sds": (9.0,) * 3, "weights": (1.0, -1.0, 1.0)}

    with pytest.raises(DataError, match=message):
        with_component(make_people(draw(3, seed=1)), Component(**given | changes))


ARM = """
base = "baselines"
name = "arm"
[target]
score = "component"
[component]
columns = ["bbt", "nhpt"]
means = [40.0, 60.0]
sds = [20.0, 30.0]
weights = [0.7, -0.7]
[model]
rungs = ["prevalence", "tract_load"]
[validation]
folds = 3
repeats = 1
permutations = 0
"""


def test_an_experiment_with_a_component_is_read_as_it_was_written():
    experiment = parse_experiment(ARM, "arm.toml")
    assert parse_experiment(to_toml(experiment), "again") == experiment


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('score = "component"', 'score = "bbt"', "give both or neither"),
        ("sds = [20.0, 30.0]", "sds = [20.0]", "as many means, sds and weights"),
        ("sds = [20.0, 30.0]", "sds = [20.0, 0.0]", "sds must be above 0"),
        ("[model]", '[inputs]\nbaseline_score = "bbt"\n[model]', "it is not made of"),
    ],
)
def test_impossible_components_are_explained(old, new, message):
    with pytest.raises(UsageError, match=message):
        parse_experiment(ARM.replace(old, new), "arm.toml")


def test_a_component_is_predicted_and_its_numbers_go_with_the_model(fake_cohort, tmp_path):
    """It is made of the FMA-UE here, which the load of the tract tells."""
    cohort = replace(fake_cohort, raw=tmp_path / "raw", output=tmp_path / "derivatives")
    shutil.copytree(fake_cohort.raw, cohort.raw)
    shutil.copytree(fake_cohort.output, cohort.output, ignore=lambda *_: ["anat", "dwi"])
    path = cohort.raw / "participants.tsv"
    table = pd.read_csv(path, sep="\t", keep_default_na=False)
    arm = pd.to_numeric(table["fma_ue"])
    table.assign(bbt=arm, nhpt=150 - 2 * arm).to_csv(path, sep="\t", index=False)
    units = {"time_since_stroke": {"Units": "months"}, "nhpt": {"Units": "s"}}
    path.with_suffix(".json").write_text(json.dumps(units))
    (tmp_path / "arm.toml").write_text(ARM)

    results = group.run(cohort.settings("group", experiments=(str(tmp_path / "arm.toml"),)))

    assert {r.model: r.value for r in results}["tract_load"] > 0.9
    folder = cohort.output / "experiments" / "arm"
    assert "Component of BBT and NHPT" in (folder / "report.html").read_text()
    target = json.loads((folder / "model" / "model.json").read_text())["metadata"]["target"]
    assert target["component"]["weights"] == [0.7, -0.7]
