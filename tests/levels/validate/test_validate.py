import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from motor_bids_app.errors import (
    DataError,
    IncompatibleModelError,
    IncompleteRunError,
    UsageError,
)
from motor_bids_app.levels.group import level as group
from motor_bids_app.levels.predict import level as predict
from motor_bids_app.levels.validate import level as validate

from ..conftest import make_cohort

QUICK = """
base = "baselines"
name = "{name}"
[target]
task = "{task}"
[inputs]
maps = ["fa", "gm"]
[model]
rungs = ["prevalence", "{final}"]
[validation]
folds = 3
repeats = 2
"""


@pytest.fixture(scope="module")
def trained(fake_cohort, tmp_path_factory):
    """The fake cohort, and folders of models trained on it, by name."""
    folder = tmp_path_factory.mktemp("validate")
    shutil.copytree(fake_cohort.output, folder / "derivatives")
    cohort = replace(fake_cohort, output=folder / "derivatives")
    files = []
    for name, task, final in (
        ("maps", "classification", "kernel"),
        ("load", "classification", "tract_load"),
        ("score", "regression", "tract_load"),
        ("bands", "ordinal", "tract_load"),
    ):
        files.append(str(folder / f"{name}.toml"))
        (folder / f"{name}.toml").write_text(QUICK.format(name=name, task=task, final=final))
    group.run(cohort.settings("group", experiments=tuple(files)))
    names = ("maps", "load", "score", "bands")
    return cohort, {name: cohort.output / "experiments" / name / "model" for name in names}


@pytest.fixture
def elsewhere(tmp_path):
    """20 other patients and 6 controls, made in the same way."""
    return make_cohort(tmp_path, seed=7, maps=("fa", "gm"))


def run(cohort, *models, **changes):
    return validate.run(cohort.settings("validate", models=models, **changes))


def written(cohort, name, table):
    return pd.read_csv(cohort.output / "validations" / name / f"{table}.tsv", sep="\t")


def rewrite_scores(cohort, change):
    path = cohort.raw / "participants.tsv"
    table = pd.read_csv(path, sep="\t")
    table["fma_ue"] = change(table["fma_ue"].to_numpy()).round().astype(int)
    table.to_csv(path, sep="\t", index=False, na_rep="n/a")


def test_a_model_of_maps_is_judged_on_the_patients_of_elsewhere(trained, elsewhere):
    (found,) = run(elsewhere, trained[1]["maps"])

    auc = found.metrics.set_index("metric").loc["roc_auc"]
    assert auc["value"] > 0.9
    assert auc["n_people"] == 20  # controls are left out
    reasons = written(elsewhere, "maps", "left_out")["reason"]
    assert (reasons == "a control, whom the experiment leaves out").sum() == 6
    assert (elsewhere.output / "validations" / "maps" / "report.html").exists()


def test_predictions_are_those_of_the_predict_level(trained, elsewhere):
    run(elsewhere, trained[1]["maps"])
    told = {
        one.participant: one.value
        for one in predict.run(elsewhere.settings("predict", models=(trained[1]["maps"],)))
    }

    table = written(elsewhere, "maps", "predictions")
    assert len(table) == 20
    expected = [told[person] for person in table["participant_id"]]
    assert np.allclose(table["probability"], expected, atol=1e-5)


def test_people_whom_the_model_knows_do_not_count(trained, tmp_path):
    cohort = trained[0]
    with pytest.raises(DataError, match="used to train the model"):
        run(replace(cohort, output=cohort.output), trained[1]["maps"])


def test_one_known_person_among_others_is_set_aside(trained, elsewhere):
    home = elsewhere.output / "sub-05"
    shutil.rmtree(home)
    shutil.copytree(trained[0].output / "sub-05", home)
    (found,) = run(elsewhere, trained[1]["maps"])

    assert "sub-05" not in found.scored.predictions.people
    assert len(found.scored.predictions.people) == 19
    assert "on scans of 1 of these people, who were left out" in found.notes[0]


def test_scores_are_validated_as_numbers(trained, elsewhere):
    (found,) = run(elsewhere, trained[1]["score"])

    table = found.metrics.set_index("metric")
    assert table.loc["r2", "value"] > 0.5
    assert {"calibration_slope", "calibration_intercept", "mae"} <= set(table.index)
    assert set(found.updates["update"]) == {"as it is", "intercept", "intercept and slope", "refit"}


def test_ordered_classes_are_validated_with_the_thresholds_of_the_bundle(trained, elsewhere):
    (found,) = run(elsewhere, trained[1]["bands"])

    assert found.metrics.set_index("metric").loc["quadratic_kappa", "value"] > 0.3


def test_a_shift_of_scores_shows_in_calibration_and_is_mended_by_an_intercept(trained, elsewhere):
    rewrite_scores(elsewhere, lambda scores: np.where(scores == 66, 66, scores / 2))
    (found,) = run(elsewhere, trained[1]["score"])

    intercept = found.metrics.set_index("metric").loc["calibration_intercept"]
    assert intercept["high"] < 0
    page = (elsewhere.output / "validations" / "score" / "report.html").read_text()
    assert "Tells people apart here, but needs updating" in page
    assert "should be updated (closed test, 5 %)" in page


def test_shuffled_scores_are_no_evidence(trained, elsewhere):
    rng = np.random.default_rng(3)
    rewrite_scores(
        elsewhere, lambda scores: np.concatenate([rng.permutation(scores[:20]), scores[20:]])
    )
    run(elsewhere, trained[1]["load"])

    page = (elsewhere.output / "validations" / "load" / "report.html").read_text()
    assert "No evidence that it works here" in page


def test_several_models_stand_side_by_side_on_the_same_people(trained, elsewhere):
    run(elsewhere, trained[1]["load"], trained[1]["maps"], trained[1]["score"])

    table = pd.read_csv(elsewhere.output / "validations" / "comparisons.tsv", sep="\t")
    assert table[["model", "reference"]].to_numpy().tolist() == [["maps", "load"]]
    page = (elsewhere.output / "validations" / "report.html").read_text()
    assert page.count("report.html") == 3


def test_a_person_without_what_the_model_needs_is_named_and_the_others_judged(trained, elsewhere):
    for path in (elsewhere.output / "sub-03" / "anat").iterdir():
        path.unlink()
    with pytest.raises(IncompleteRunError, match="1 scans have no prediction"):
        run(elsewhere, trained[1]["maps"])

    assert len(written(elsewhere, "maps", "predictions")) == 19


def test_a_cohort_of_good_outcomes_alone_has_no_discrimination(trained, elsewhere):
    rewrite_scores(elsewhere, lambda scores: np.full(len(scores), 60))
    (found,) = run(elsewhere, trained[1]["load"])

    assert found.metrics.empty
    page = (elsewhere.output / "validations" / "load" / "report.html").read_text()
    assert "Too few people to tell" in page


def test_a_score_that_the_tables_lack_is_named(trained, elsewhere):
    path = elsewhere.raw / "participants.tsv"
    table = pd.read_csv(path, sep="\t").rename(columns={"fma_ue": "arat"})
    table["arat"] = table["arat"].clip(upper=57)
    table.to_csv(path, sep="\t", index=False, na_rep="n/a")
    with pytest.raises(DataError, match=r"fma_ue.*scores found: arat"):
        run(elsewhere, trained[1]["load"])


def test_a_bundle_without_its_cutoff_is_refused(trained, elsewhere, tmp_path):
    bundle = tmp_path / "bundle"
    shutil.copytree(trained[1]["load"], bundle)
    content = json.loads((bundle / "model.json").read_text())
    content["metadata"]["target"]["threshold"] = None
    (bundle / "model.json").write_text(json.dumps(content))
    with pytest.raises(IncompatibleModelError, match="from which score on an outcome is poor"):
        run(elsewhere, bundle)


def test_the_same_model_twice_is_refused(trained, elsewhere, tmp_path):
    twin = tmp_path / "twin"
    shutil.copytree(trained[1]["load"], twin)
    for other in (twin, trained[1]["load"]):
        with pytest.raises(UsageError, match="same model twice"):
            run(elsewhere, trained[1]["load"], other)


def test_tables_of_an_earlier_run_do_not_stay(trained, elsewhere):
    run(elsewhere, trained[1]["score"])
    assert (elsewhere.output / "validations" / "score" / "updates.tsv").exists()
    path = elsewhere.raw / "participants.tsv"
    pd.read_csv(path, sep="\t").head(8).to_csv(path, sep="\t", index=False, na_rep="n/a")
    run(elsewhere, trained[1]["score"])

    assert not (elsewhere.output / "validations" / "score" / "updates.tsv").exists()


def test_the_same_run_gives_the_same_tables(trained, elsewhere):
    run(elsewhere, trained[1]["load"])
    folder = elsewhere.output / "validations" / "load"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    run(elsewhere, trained[1]["load"])

    assert before == {path.name: path.read_bytes() for path in folder.iterdir()}


def test_every_column_has_an_entry_in_the_dictionary(trained, elsewhere):
    run(elsewhere, trained[1]["load"])

    for path in (elsewhere.output / "validations" / "load").glob("*.tsv"):
        told = json.loads(path.with_suffix(".json").read_text())
        assert set(pd.read_csv(path, sep="\t").columns) == set(told), path.name
