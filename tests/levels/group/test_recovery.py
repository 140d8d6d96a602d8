"""From the images of one session to the score of a later one: the whole way, and back."""

import json

import numpy as np
import pandas as pd
import pytest

from motor_bids_app.errors import DataError
from motor_bids_app.levels.group import level as group
from motor_bids_app.levels.predict import level as predict
from motor_bids_app.levels.simulate import level as simulate
from motor_bids_app.levels.simulate.dataset import SimulationSettings
from motor_bids_app.levels.validate import level as validate

from ..conftest import FakeCohort, describe, record_processing

COURSE = """
name = "{outcome}"
[target]
score = "fma_ue"
task = "regression"
session = "3month"
outcome = "{outcome}"
controls = "exclude"
[inputs]
session = "baseline"
baseline_score = "earlier_session"
[model]
rungs = ["prevalence", "own", "disconnection", "own_lesion"]
final = "own_lesion"
[validation]
folds = 3
repeats = 2
permutations = 0
"""
TRACT = "disconnection_corticospinal_tract_left"


def make_course(folder, seed, n=24):
    """People of whom a bundle decides which share of the lost points they win back."""
    rng = np.random.default_rng(seed)
    raw, output = folder / "raw", folder / "derivatives"
    describe(raw)
    record_processing(output)
    (raw / "phenotype").mkdir()
    rows, people = [], []
    for number in range(n):
        who, cut = f"sub-{seed}{number:02d}", rng.uniform()
        start = int(rng.integers(5, 45))
        later = round(start + (0.9 - 0.8 * cut**0.5) * (66 - start) + rng.normal(0, 1))
        people.append(
            {"participant_id": who, "age": int(rng.integers(40, 80)), "sex": "FM"[number % 2]}
        )
        rows += [(who, "ses-baseline", start), (who, "ses-3month", later)]
        for session in ("baseline", "3month") if number == 0 else ("baseline",):
            home = output / who / f"ses-{session}"
            home.mkdir(parents=True)
            features = {
                "lesion_volume": rng.uniform(1, 50),
                TRACT: cut,
                TRACT.replace("left", "right"): 0.0,
            }
            pd.DataFrame([features]).to_csv(
                home / f"{who}_ses-{session}_desc-features.tsv", sep="\t", index=False
            )
    pd.DataFrame(people).to_csv(raw / "participants.tsv", sep="\t", index=False)
    table = pd.DataFrame(rows, columns=["participant_id", "session_id", "fma_ue"])
    table.to_csv(raw / "phenotype" / "fma.tsv", sep="\t", index=False)
    return FakeCohort(raw, output)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    home = tmp_path_factory.mktemp("course")
    cohort = make_course(home, 1)
    files = []
    for outcome in ("score", "recovered"):
        files.append(str(home / f"{outcome}.toml"))
        (home / f"{outcome}.toml").write_text(COURSE.format(outcome=outcome))
    results = group.run(cohort.settings("group", experiments=tuple(files)))
    return cohort, {(one.experiment, one.model): one.value for one in results}


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """Tables of the simulator, with its own truth in the place of measured images."""
    home = tmp_path_factory.mktemp("simulated")
    raw, output = home / "raw", home / "derivatives"
    settings = SimulationSettings(
        output_dir=raw, n_participants=40, n_controls=0, modalities=(), n_sessions=2, recovery=0.7
    )
    simulate.run(settings)
    record_processing(output)
    known = json.loads((raw / "sourcedata" / "truth" / "truth.json").read_text())["participants"]
    for person in known:
        who = person["participant_id"]
        folder = output / who / "ses-baseline"
        folder.mkdir(parents=True)
        features = {"lesion_volume": person["lesion_volume"], TRACT: person["degeneration"] ** 2}
        pd.DataFrame([features | {TRACT.replace("left", "right"): 0.0}]).to_csv(
            folder / f"{who}_ses-baseline_desc-features.tsv", sep="\t", index=False
        )
    cohort = FakeCohort(raw, output)
    (home / "change.toml").write_text(COURSE.format(outcome="change"))
    group.run(cohort.settings("group", experiments=(str(home / "change.toml"),)))
    return output / "experiments" / "change"


def test_a_simulated_proportional_recovery_is_found_and_images_add_nothing_to_it(simulated):
    table = pd.read_csv(simulated / "recovery.tsv", sep="\t").iloc[0]
    added = pd.read_csv(simulated / "added_to_baseline.tsv", sep="\t").iloc[0]

    assert table["share_low"] < 0.7 < table["share_high"]
    assert table["proportional"]
    assert added["low"] < 0
    assert added["difference"] < 0.02
    # What is known of the best R2 is of images alone, without the baseline.
    assert "Simulated data" not in (simulated / "report.html").read_text()


@pytest.fixture
def elsewhere(tmp_path):
    return make_course(tmp_path, 2)


def model(trained, name):
    return trained[0].output / "experiments" / name / "model"


def phenotype(cohort, change):
    path = cohort.raw / "phenotype" / "fma.tsv"
    change(pd.read_csv(path, sep="\t")).to_csv(path, sep="\t", index=False)


@pytest.mark.parametrize("name", ["score", "recovered"])
def test_images_add_to_the_baseline_where_a_bundle_decides_the_recovery(trained, name):
    results = trained[1]

    assert results[name, "own_lesion"] > results[name, "persistence"] + 0.1
    page = (trained[0].output / "experiments" / name / "report.html").read_text()
    assert "at ses-3month" in page


@pytest.mark.parametrize("name", ["score", "recovered"])
def test_new_people_are_predicted_from_the_first_session_alone(trained, elsewhere, name):
    later = {}

    def cut(table):
        then = table["session_id"] == "ses-3month"
        later.update(table[then].set_index("participant_id")["fma_ue"])
        later["start"] = table[~then].set_index("participant_id")["fma_ue"]
        return table[~then]

    phenotype(elsewhere, cut)
    told = predict.run(elsewhere.settings("predict", models=(model(trained, name),)))

    start = later.pop("start")
    given = pd.Series({one.participant: one.value for one in told})
    given.index = [f"sub-{who.removeprefix('sub-')}" for who in given.index]
    truth = pd.Series(later)
    if name == "recovered":
        truth = (truth - start) / (66 - start)
    assert sorted(given.index) == sorted(truth.index)
    assert np.corrcoef(given[truth.index], truth)[0, 1] > 0.8


@pytest.mark.parametrize("name", ["score", "recovered"])
def test_validation_needs_both_sessions(trained, elsewhere, name):
    (found,) = validate.run(elsewhere.settings("validate", models=(model(trained, name),)))

    metrics = found.metrics.set_index("metric")["value"]
    assert metrics["r"] > 0.8

    phenotype(elsewhere, lambda table: table[table["session_id"] == "ses-baseline"])
    with pytest.raises(DataError, match="no table gives a score for ses-3month"):
        validate.run(elsewhere.settings("validate", models=(model(trained, name),)))


def test_the_bundle_says_which_session_is_seen_and_which_is_predicted(trained):
    told = json.loads((model(trained, "recovered") / "model.json").read_text())["metadata"]

    assert told["inputs"]["session"] == "baseline"
    assert told["target"]["session"] == "ses-3month"
    assert told["target"]["outcome"]["score"] == "fma_ue"


def test_the_report_tells_coupling_and_the_later_score_in_its_own_units(trained):
    folder = trained[0].output / "experiments" / "recovered"
    table = pd.read_csv(folder / "recovery.tsv", sep="\t").iloc[0]
    later = pd.read_csv(folder / "metrics_later.tsv", sep="\t").set_index(["model", "metric"])
    added = pd.read_csv(folder / "added_to_baseline.tsv", sep="\t").iloc[0]

    assert table["null_low"] < table["null_r"] < table["null_high"] < 0
    assert 0 < later.loc[("own_lesion", "mae"), "value"] < 10
    assert added["reference"] == "persistence"
    assert added["difference"] > 0.1
    page = (folder / "report.html").read_text()
    assert "Is recovery proportional?" in page
    assert "In units of the later score" in page
