import json
import shutil
from dataclasses import replace

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from motor_bids_app.errors import (
    IncompatibleModelError,
    IncompleteRunError,
    InputMissingError,
    UsageError,
)
from motor_bids_app.levels.group import level as group
from motor_bids_app.levels.predict import level as predict
from motor_bids_app.settings import Selection

from ..conftest import describe, record_processing, write_scan

QUICK = """
base = "baselines"
name = "quick"
[inputs]
maps = ["fa", "gm"]
[model]
rungs = ["prevalence", "kernel"]
[validation]
folds = 3
repeats = 2
"""


@pytest.fixture(scope="module")
def trained(fake_cohort, tmp_path_factory):
    """The fake cohort, and the folder of a model trained on it."""
    folder = tmp_path_factory.mktemp("predict")
    shutil.copytree(fake_cohort.output, folder / "derivatives")
    cohort = replace(fake_cohort, output=folder / "derivatives")
    (folder / "quick.toml").write_text(QUICK)
    group.run(cohort.settings("group", experiments=(str(folder / "quick.toml"),)))
    return cohort, cohort.output / "experiments" / "quick" / "model"


@pytest.fixture
def newcomers(trained, tmp_path):
    """Two new people, one with much damage, one with little."""
    cohort = replace(trained[0], raw=tmp_path / "raw", output=tmp_path / "out")
    describe(cohort.raw)
    record_processing(cohort.output)
    rng = np.random.default_rng(99)
    write_scan(cohort.output, "bad", 0.95, rng)
    write_scan(cohort.output, "fine", 0.05, rng)
    table = "participant_id\tage\tsex\nsub-bad\t70\tF\nsub-fine\t60\tM\n"
    (cohort.raw / "participants.tsv").write_text(table)
    return cohort


def read(cohort):
    return pd.read_csv(cohort.output / "predictions" / "quick" / "predictions.tsv", sep="\t")


def test_damage_is_predicted_for_new_people(trained, newcomers):
    predictions = predict.run(newcomers.settings("predict", models=(trained[1],)))

    value = {p.participant: p.value for p in predictions}
    assert value["sub-bad"] > 0.9
    assert value["sub-fine"] < 0.1
    assert read(newcomers)["class"].tolist() == ["poor", "good"]


def test_the_set_of_classes_is_that_of_models_that_people_were_left_out_of(trained, newcomers):
    predict.run(newcomers.settings("predict", models=(trained[1],)))
    kept = json.loads((trained[1] / "model.json").read_text())["metadata"]["cv_plus"]

    assert sorted(path.name for path in (trained[1] / "folds").iterdir()) == [
        f"{k + 1:02d}" for k in sorted(set(kept["folds"]))
    ]
    assert len(kept["errors"]) == len(kept["poor"]) == len(kept["folds"]) == 20  # patients
    assert read(newcomers)["conformal_set"].tolist() == ["poor", "good"]
    described = json.loads(
        (newcomers.output / "predictions" / "quick" / "predictions.json").read_text()
    )
    assert "CV+" in described["conformal_set"]["Description"]


def test_a_bundle_without_a_model_that_its_limits_need_is_refused(trained, newcomers, tmp_path):
    shutil.copytree(trained[1], tmp_path / "model")
    shutil.rmtree(tmp_path / "model" / "folds" / "02")

    with pytest.raises(InputMissingError, match="02"):
        predict.run(newcomers.settings("predict", models=(tmp_path / "model",)))


def test_predictions_say_where_they_come_from(trained, newcomers):
    predict.run(newcomers.settings("predict", models=(trained[1],)))
    row = read(newcomers).iloc[0]

    metrics = pd.read_csv(trained[1].parent / "metrics.tsv", sep="\t")
    metrics = metrics.set_index(["model", "population", "metric"]).loc[
        "kernel", "patients", "roc_auc"
    ]
    assert row["model"] == "quick/kernel"
    assert row["n_training_people"] == 26
    assert [row["cv_value"], row["cv_low"], row["cv_high"]] == pytest.approx(
        metrics[["value", "low", "high"]].tolist(), abs=1e-5
    )
    described = newcomers.output / "predictions" / "quick" / "predictions.json"
    assert list(json.loads(described.read_text())) == list(read(newcomers).columns)


def test_the_final_model_predicts_its_own_training_people_better_than_unseen_ones(trained):
    cohort, model = trained
    predictions = predict.run(cohort.settings("predict", models=(model,)))

    value = pd.Series({p.participant: p.value for p in predictions})
    table = pd.read_csv(model.parent / "predictions.tsv", sep="\t")
    table = table[table["model"] == "kernel"].set_index("participant_id")
    truth = table["true"]
    assert ((value - truth) ** 2).mean() < ((table["predicted"] - truth) ** 2).mean()


def test_people_without_a_map_are_named_and_the_others_predicted(trained, newcomers):
    (newcomers.output / "sub-bad" / "dwi").rename(newcomers.output / "sub-bad" / "nothing")

    with pytest.raises(IncompleteRunError, match=r"sub-bad: .* lacks fa"):
        predict.run(newcomers.settings("predict", models=(trained[1],)))
    assert read(newcomers)["participant_id"].tolist() == ["sub-fine"]
    skipped = newcomers.output / "predictions" / "quick" / "skipped.tsv"
    assert "sub-bad" in skipped.read_text()


def test_one_damaged_map_does_not_stop_the_others(trained, newcomers):
    (fa,) = (newcomers.output / "sub-bad" / "dwi").glob("*fa*.nii.gz")
    fa.write_bytes(fa.read_bytes()[:200])

    with pytest.raises(IncompleteRunError, match=r"sub-bad: .*cannot be read"):
        predict.run(newcomers.settings("predict", models=(trained[1],)))
    assert read(newcomers)["participant_id"].tolist() == ["sub-fine"]


def test_derivatives_made_with_other_settings_are_refused(trained, newcomers):
    record_processing(newcomers.output, sloppy=True)

    with pytest.raises(IncompatibleModelError, match="sloppy is True here and was False"):
        predict.run(newcomers.settings("predict", models=(trained[1],)))


def test_settings_that_hardly_matter_are_only_mentioned(trained, newcomers):
    record_processing(newcomers.output, omp_nthreads=4)
    predict.run(newcomers.settings("predict", models=(trained[1],)))

    report = (newcomers.output / "predictions" / "quick" / "report.html").read_text()
    assert "omp_nthreads" in report


def test_a_damaged_record_of_settings_is_no_crash(trained, newcomers):
    (newcomers.output / "dataset_description.json").write_text("{")
    predict.run(newcomers.settings("predict", models=(trained[1],)))

    report = (newcomers.output / "predictions" / "quick" / "report.html").read_text()
    assert "does not record how it was processed" in report


def test_derivatives_of_other_tools_are_used_with_a_warning(trained, newcomers, tmp_path):
    foreign = tmp_path / "foreign"
    newcomers.output.rename(foreign)
    describe(foreign, DatasetType="derivative")
    newcomers.output.mkdir()
    settings = newcomers.settings("predict", models=(trained[1],), derivatives={"other": foreign})

    assert len(predict.run(settings)) == 2
    report = (newcomers.output / "predictions" / "quick" / "report.html").read_text()
    assert "foreign does not record how it was processed" in report


def test_no_tables_are_needed_for_a_model_on_maps(trained, newcomers):
    (newcomers.raw / "participants.tsv").unlink()

    assert len(predict.run(newcomers.settings("predict", models=(trained[1],)))) == 2


def with_age_19(cohort):
    table = cohort.raw / "participants.tsv"
    table.write_text(table.read_text().replace("70", "19"))


def test_someone_outside_the_domain_gets_a_wider_set_and_the_reason(trained, newcomers):
    with_age_19(newcomers)
    by_name = {
        p.participant: p for p in predict.run(newcomers.settings("predict", models=(trained[1],)))
    }

    assert (by_name["sub-bad"].answer, by_name["sub-fine"].answer) == ("widened", "given")
    assert by_name["sub-bad"].classes == ("poor", "good")  # 10 people cannot bound 97.5 %
    row = read(newcomers).set_index("participant_id").loc["sub-bad"]
    assert "age 19 (training: " in row["outside"]
    assert row["distance"] > 1


def test_someone_outside_the_domain_gets_no_number_if_so_asked(trained, newcomers):
    with_age_19(newcomers)
    predict.run(newcomers.settings("predict", models=(trained[1],), outside="refuse"))

    table = read(newcomers).set_index("participant_id")
    assert table.loc["sub-bad", ["probability", "class", "conformal_set"]].isna().all()
    assert table.loc["sub-bad", "answer"] == "refused"
    assert "age 19" in table.loc["sub-bad", "outside"]
    assert table.loc["sub-fine", "probability"] < 0.1


def test_the_domain_can_be_ignored_but_is_told(trained, newcomers):
    before = predict.run(newcomers.settings("predict", models=(trained[1],)))
    with_age_19(newcomers)
    after = predict.run(newcomers.settings("predict", models=(trained[1],), outside="ignore"))

    assert [p.classes for p in after] == [p.classes for p in before]
    assert "age 19" in read(newcomers).set_index("participant_id").loc["sub-bad", "outside"]


def test_maps_of_another_contrast_are_outside(trained, newcomers):
    """FA at half its usual level is possible, but nobody of training was like that."""
    scale_map(newcomers, "fa", 0.5)
    by_name = {
        p.participant: p for p in predict.run(newcomers.settings("predict", models=(trained[1],)))
    }

    assert "fa mean" in {finding.quantity for finding in by_name["sub-bad"].outside}
    assert by_name["sub-fine"].outside == ()


def scale_map(cohort, name, factor, who="bad"):
    (path,) = (cohort.output / f"sub-{who}").rglob(f"*{name}*.nii.gz")
    image = nib.load(path)
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj) * np.float32(factor), image.affine), path)


@pytest.mark.parametrize(
    ("factor", "message"), [(100, "is a share from 0 to 1"), (0, "everywhere")]
)
def test_a_map_in_impossible_units_gives_no_prediction(trained, newcomers, factor, message):
    scale_map(newcomers, "fa", factor)

    with pytest.raises(IncompleteRunError, match=rf"sub-bad: The fa map .*{message}"):
        predict.run(newcomers.settings("predict", models=(trained[1],)))
    assert read(newcomers)["participant_id"].tolist() == ["sub-fine"]


def test_a_person_without_any_map_is_told_what_to_do(trained, newcomers):
    for path in (newcomers.output / "sub-bad").rglob("*.nii.gz"):
        path.unlink()

    with pytest.raises(
        IncompleteRunError, match=r"sub-bad: .*has no map at all\. Run the participant"
    ):
        predict.run(newcomers.settings("predict", models=(trained[1],)))


@pytest.mark.parametrize("part", ["arrays.safetensors", "model.json"])
def test_a_bundle_with_a_missing_file_is_refused(trained, newcomers, tmp_path, part):
    bundle = tmp_path / "model"
    shutil.copytree(trained[1], bundle)
    (bundle / part).unlink()

    with pytest.raises((IncompatibleModelError, InputMissingError), match=part):
        predict.run(newcomers.settings("predict", models=(bundle,)))


def test_a_bundle_that_says_nothing_of_its_domain_is_refused(trained, newcomers, tmp_path):
    bundle = tmp_path / "model"
    shutil.copytree(trained[1], bundle)
    index = json.loads((bundle / "model.json").read_text())
    del index["metadata"]["training"]["domain"]
    (bundle / "model.json").write_text(json.dumps(index))

    with pytest.raises(IncompatibleModelError, match="says nothing about domain"):
        predict.run(newcomers.settings("predict", models=(bundle,)))


def test_training_people_are_recognised_and_new_ones_are_not(trained, newcomers):
    cohort, model = trained
    shutil.copytree(cohort.output / "sub-03", newcomers.output / "sub-03")
    renamed = newcomers.output / "sub-other"
    (newcomers.output / "sub-03").rename(renamed)  # under another name
    for path in sorted(renamed.rglob("sub-03*")):
        path.rename(path.with_name(path.name.replace("sub-03", "sub-other")))
    people = predict.run(newcomers.settings("predict", models=(model,)))

    known = {p.participant: p.in_training for p in people}
    assert known == {"sub-bad": False, "sub-fine": False, "sub-other": True}
    page = (newcomers.output / "predictions" / "quick" / "report.html").read_text()
    assert "trained on this scan" in page


def test_the_bundle_holds_no_label_and_no_value_of_a_person(trained):
    """Ages are whole numbers here: the extremes must not be found among the numbers stored."""
    cohort, model = trained
    metadata = json.loads((model / "model.json").read_text())["metadata"]
    age = metadata["training"]["domain"]["spreads"]["age"]["age"]
    table = pd.read_csv(cohort.raw / "participants.tsv", sep="\t")

    assert set(age) == {"n", "mean", "sd", "logarithmic"}
    assert age["mean"] == pytest.approx(table["age"].mean())
    text = json.dumps(metadata)
    assert not any(
        label.removeprefix("sub-") in text.split('"') for label in table["participant_id"]
    )
    assert "sub-" not in text


def test_orientation_on_disk_does_not_matter(trained, newcomers):
    before = predict.run(newcomers.settings("predict", models=(trained[1],)))
    for path in newcomers.output.rglob("*.nii.gz"):
        image = nib.load(path)
        turned = image.as_reoriented([[0, -1], [1, 1], [2, 1]])
        nib.save(nib.Nifti1Image(np.array(turned.dataobj), turned.affine), path)
    after = predict.run(newcomers.settings("predict", models=(trained[1],)))

    assert [p.value for p in after] == pytest.approx([p.value for p in before])


def test_only_the_chosen_people_are_predicted(trained, newcomers):
    settings = newcomers.settings(
        "predict", models=(trained[1],), selection=Selection(participants=("fine",))
    )

    assert [p.participant for p in predict.run(settings)] == ["sub-fine"]


def test_a_model_is_needed(fake_cohort, tmp_path):
    with pytest.raises(UsageError, match="--model"):
        predict.run(fake_cohort.settings("predict"))
    with pytest.raises(InputMissingError, match="is not a model"):
        predict.run(fake_cohort.settings("predict", models=(tmp_path,)))


def test_a_changed_bundle_is_refused(trained, newcomers, tmp_path):
    bundle = tmp_path / "model"
    shutil.copytree(trained[1], bundle)
    arrays = bundle / "arrays.safetensors"
    content = bytearray(arrays.read_bytes())
    content[-1] ^= 1
    arrays.write_bytes(bytes(content))

    with pytest.raises(IncompatibleModelError, match="SHA-256"):
        predict.run(newcomers.settings("predict", models=(bundle,)))


def test_maps_of_real_people_from_another_study_can_be_predicted(trained, test_data, tmp_path):
    """FA and GM of a healthy and a paretic person, on a left-to-right grid, as derivatives."""
    source = test_data / "miccai3806"
    output = tmp_path / "published"
    describe(output, DatasetType="derivative")
    for label in ("c4", "p4"):
        stem = f"sub-{label}_space-MNI152NLin2009aSym_res-2"
        names = {
            f"dwi/{stem}_model-tensor_param-fa_dwimap.nii.gz": f"n1_{label}_dti2_FA_reg.nii.gz",
            f"anat/{stem}_label-GM_probseg.nii.gz": f"t1_{label}_structural_GM.nii.gz",
        }
        for name, original in names.items():
            target = output / f"sub-{label}" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source / original, target)
    cohort = replace(trained[0], raw=tmp_path, output=output)
    predictions = predict.run(cohort.settings("predict", models=(trained[1],)))

    assert [p.participant for p in predictions] == ["sub-c4", "sub-p4"]
    assert all(0 <= p.value <= 1 for p in predictions)
    assert "does not record" in (output / "predictions" / "quick" / "report.html").read_text()
