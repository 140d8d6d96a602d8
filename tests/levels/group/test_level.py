import html
import json
import shutil
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from motor_bids_app.errors import (
    DataError,
    IncompleteRunError,
    InputMissingError,
    MotorBidsAppError,
    UsageError,
)
from motor_bids_app.features.averaging import crop_grid
from motor_bids_app.levels.cohort import maps
from motor_bids_app.levels.group import bundle
from motor_bids_app.levels.group import level as group
from motor_bids_app.levels.predict import level as predict
from motor_bids_app.levels.predict import maps as prediction_maps
from motor_bids_app.settings import Selection
from motor_bids_app.spaces.grids import standard_grid

from ..conftest import contents

GRID = standard_grid(4)  # of the cohort

QUICK = """
base = "baselines"
name = "quick"
[model]
rungs = ["prevalence", "tract_load", "kernel"]
[validation]
folds = 3
repeats = 2
"""
TABLES = (
    "predictions",
    "out_of_fold",
    "metrics",
    "comparisons",
    "splits",
    "audit",
    "excluded",
    "permutation",
    "decision_curve",
    "sample_size",
    "conformal",
    "abstention",
    "learning_curve",
    "subgroups",
    "missing",
)


def experiment_file(folder, text=QUICK, **replacements) -> str:
    for old, new in replacements.items():
        text = text.replace(old, new)
    path = folder / "experiment.toml"
    path.write_text(text)
    return str(path)


def copy(cohort, folder):
    """A copy that a test may change."""
    shutil.copytree(cohort.raw, folder / "raw")
    shutil.copytree(cohort.output, folder / "derivatives")
    return replace(cohort, raw=folder / "raw", output=folder / "derivatives")


def edit_scores(cohort, change):
    path = cohort.raw / "participants.tsv"
    table = change(pd.read_csv(path, sep="\t", keep_default_na=False))
    table.to_csv(path, sep="\t", index=False)


@pytest.fixture(scope="module")
def done(fake_cohort, tmp_path_factory):
    """A finished run: results, and the folder of the experiment."""
    folder = tmp_path_factory.mktemp("group")
    cohort = copy(fake_cohort, folder)
    results = group.run(cohort.settings("group", experiments=(experiment_file(folder),)))
    return results, cohort.output / "experiments" / "quick"


def read(folder, name):
    return pd.read_csv(folder / f"{name}.tsv", sep="\t")


def test_planted_damage_is_found_and_guessing_is_at_chance(done):
    auc = {result.model: result.value for result in done[0]}

    assert auc["prevalence"] == 0.5
    assert min(auc["tract_load"], auc["kernel"]) > 0.9


@pytest.mark.parametrize("name", TABLES)
def test_every_column_of_every_table_is_described(done, name):
    folder = done[1]
    described = json.loads((folder / f"{name}.json").read_text())

    columns = (folder / f"{name}.tsv").read_text().splitlines()[0].split("\t")
    assert list(described) == columns
    assert all(entry["Description"] for entry in described.values())


def test_permutations_of_the_labels_do_worse_than_what_was_planted(done):
    table = read(done[1], "metrics")
    p = table[table["metric"] == "roc_auc"].set_index(["model", "population"])["p_value"]

    assert p.loc["kernel", "patients"] < 0.002
    assert p.loc["prevalence"].isna().all()
    assert p.loc[:, "all"].isna().all()
    assert table.loc[table["metric"] != "roc_auc", "p_value"].isna().all()


@pytest.mark.parametrize("population", ["patients", "all"])
def test_metrics_can_be_computed_again_from_the_predictions(done, population):
    folds = read(done[1], "out_of_fold").merge(
        read(done[1], "predictions")[["participant_id", "model", "true", "group"]]
    )
    kernel = folds[folds["model"] == "kernel"]
    if population == "patients":
        kernel = kernel[kernel["group"] == "patient"]
    values, weights = [], []
    for _, part in kernel.groupby(["repeat", "fold"]):
        values.append(roc_auc_score(part["true"], part["prediction"]))
        weights.append(part["true"].sum() * (1 - part["true"]).sum())

    metrics = read(done[1], "metrics").set_index(["model", "population", "metric"])["value"]
    expected = np.average(values, weights=weights)
    assert metrics["kernel", population, "roc_auc"] == pytest.approx(expected, abs=1e-5)


def test_results_are_of_patients_and_controls_count_only_where_it_is_said(done):
    results, folder = done
    metrics = read(folder, "metrics").set_index(["population", "metric", "model"])
    auc = metrics.sort_index().loc[("patients", "roc_auc"), "value"]

    assert metrics.groupby(level=0)["n_people"].first().to_dict() == {"all": 26, "patients": 20}
    assert {r.model: r.value for r in results} == pytest.approx(auc.to_dict())
    compared = read(folder, "comparisons")
    own, theirs = (auc[compared[name]].to_numpy() for name in ("model", "reference"))
    assert compared["difference"].to_numpy() == pytest.approx(own - theirs, abs=1e-5)
    assert set(read(folder, "permutation")["population"]) == {"patients"}
    assert set(read(folder, "sample_size")["n_people"]) == {20}
    assert read(folder, "conformal")["n_people"].max() == 20
    assert read(folder, "abstention")["n_people"].max() == 20
    everyone = read(folder, "decision_curve").set_index(["model", "threshold"])["net_benefit"]
    poor = metrics["n_poor"].iloc[0] / 20  # acting on all: at odds of 1, poor less good
    assert everyone["everyone", 0.5] == pytest.approx(2 * poor - 1, abs=1e-5)
    assert "in 20 patients whom it had not seen" in (folder / "report.html").read_text()


def test_tables_say_that_a_ridge_was_permuted_for_the_logistic_models(done):
    tested = read(done[1], "permutation").set_index("model")["tested"]
    described = json.loads((done[1] / "metrics.json").read_text())

    assert set(tested) == {"ridge"}
    assert "ridge" in described["p_value"]["Description"]
    assert "a ridge regression on the same inputs" in (done[1] / "report.html").read_text()


def test_reports_and_model_are_written(done):
    folder = done[1]

    assert "<html" in (folder / "report.html").read_text()
    page = (folder.parent.parent / "group.html").read_text()
    assert "quick" in page
    assert "motor_bids_app: fake</h1>" in page  # the name in its description, not the folder's
    assert "20 of 26 people have a lesion mask." in page
    metadata = json.loads((folder / "model" / "model.json").read_text())["metadata"]
    assert metadata["training"]["n_people"] == 26
    assert metadata["inputs"]["maps"] == ["fa", "gm", "lesion"]
    assert metadata["processing"]["settings"]["space"] == "MNI152NLin2009aSym"


def test_checklists_are_filled_from_the_run_and_linked(done):
    folder = done[1]
    page = (folder / "report.html").read_text()

    for name in ("tripod-ai", "probast-ai", "claim-2024", "model-card"):
        assert f'href="checklists/{name}.html"' in page
        assert (folder / "checklists" / f"{name}.html").is_file()
    tripod = json.loads((folder / "checklists" / "tripod-ai.json").read_text())
    said = {item["number"]: item["from_run"] for item in tripod["items"]}
    auc = read(folder, "metrics").set_index(["model", "population", "metric"])
    auc = auc.loc["kernel", "patients", "roc_auc"]
    assert f"AUC: {auc['value']:.2f} ({auc['low']:.2f} to {auc['high']:.2f})" in said["23a"]
    flow = "26 people were analysed: 20 patients and 6 controls; 9 patients with and 11"
    assert flow in said["20a"]
    assert said["17"] == ""  # ethics
    assert (folder / "model" / "model-card.html").is_file()


def test_no_file_names_a_training_participant_beside_the_tables(done):
    for folder in ("model", "checklists"):
        for path in [path for path in (done[1] / folder).rglob("*") if path.is_file()]:
            assert b"sub-0" not in path.read_bytes(), path


def test_the_same_run_gives_the_same_bytes(done, fake_cohort, tmp_path):
    again = copy(fake_cohort, tmp_path)
    group.run(again.settings("group", experiments=(experiment_file(tmp_path),)))

    other = contents(again.output / "experiments" / "quick")
    for path, content in contents(done[1]).items():
        assert content == other[path], path


def test_sessions_of_a_person_stay_together_and_count_once(fake_cohort, tmp_path):
    cohort = copy(fake_cohort, tmp_path)
    rows = []
    for number in range(1, 27):
        home = cohort.output / f"sub-{number:02d}"
        for session in ("pre", "post"):
            for path in [p for p in home.rglob("*") if p.is_file() and "ses-" not in str(p)]:
                name = path.name.replace(f"sub-{number:02d}", f"sub-{number:02d}_ses-{session}", 1)
                target = home / f"ses-{session}" / path.relative_to(home).parent / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, target)
            rows.append((f"sub-{number:02d}", f"ses-{session}"))
        for path in [p for p in home.iterdir() if not p.name.startswith("ses-")]:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    group.run(cohort.settings("group", experiments=(experiment_file(tmp_path),)))

    folder = cohort.output / "experiments" / "quick"
    splits = read(folder, "splits")
    assert splits.groupby("repeat")["participant_id"].agg(["size", "nunique"]).eq(26).all(axis=None)
    assert read(folder, "metrics")["n_people"].max() == 26
    metadata = json.loads((folder / "model" / "model.json").read_text())["metadata"]
    assert metadata["training"]["n_scans"] == 52


def test_a_copied_image_stops_the_run_unless_allowed(fake_cohort, tmp_path):
    cohort = copy(fake_cohort, tmp_path)
    (fa,) = (cohort.output / "sub-01" / "dwi").glob("*fa*")
    shutil.copy(fa, cohort.output / "sub-05" / "dwi" / fa.name.replace("sub-01", "sub-05"))
    settings = cohort.settings("group", experiments=(experiment_file(tmp_path),))
    with pytest.raises(DataError, match=r"share identical data \(fa\).*--allow duplicates;"):
        group.run(settings)
    folder = cohort.output / "experiments" / "quick"
    stopped = read(folder, "audit").set_index("check")
    page = (folder / "report.html").read_text()
    assert {path.name for path in folder.iterdir()} == {"audit.tsv", "audit.json", "report.html"}
    assert "stopped this experiment before any model was fitted" in page
    group.run(replace(settings, allow=("duplicates",)))

    again = read(folder, "audit").set_index("check")
    pd.testing.assert_frame_equal(stopped, again.loc[stopped.index])
    assert "Not valid: the audit failed (duplicates)" in (folder / "report.html").read_text()
    audit = read(cohort.output / "experiments" / "quick", "audit").set_index("check")
    found = audit.loc["no image or recording under two participants"]
    assert (found["state"], found["participants"]) == ("failed", "sub-01, sub-05")


def test_mirroring_brings_lesions_to_one_side(fake_cohort, tmp_path):
    """Half of the brains are mirrored on disk; mirroring to the left undoes it exactly."""
    text = QUICK.replace("[model]", '[inputs]\nmirror_lesion_to = "left"\n[model]')
    plain = copy(fake_cohort, tmp_path / "plain")
    mixed = copy(fake_cohort, tmp_path / "mixed")
    for number in range(1, 21, 2):
        home = mixed.output / f"sub-{number:02d}"
        for path in home.rglob("*.nii.gz"):
            image = nib.load(path)
            data = np.asarray(image.dataobj)[::-1]
            nib.save(nib.Nifti1Image(data, image.affine), path)
        path = home / f"sub-{number:02d}_desc-features.tsv"
        features = pd.read_csv(path, sep="\t", keep_default_na=False)
        left, right = "fa_corticospinal_tract_left", "fa_corticospinal_tract_right"
        features = features.rename(columns={left: right, right: left})
        features.assign(lesion_side="right").to_csv(path, sep="\t", index=False)
    tables = []
    for cohort, folder in ((plain, "plain"), (mixed, "mixed")):
        toml = experiment_file(tmp_path / folder, text)
        group.run(cohort.settings("group", experiments=(toml,)))
        tables.append(read(cohort.output / "experiments" / "quick", "predictions"))

    pd.testing.assert_frame_equal(*tables, rtol=1e-3, atol=1e-4)


def test_an_experiment_that_fails_does_not_stop_the_others(fake_cohort, tmp_path):
    cohort = copy(fake_cohort, tmp_path)
    impossible = tmp_path / "impossible.toml"
    impossible.write_text('name = "impossible"\n[target]\nscore = "nihss"\n')
    files = (str(impossible), experiment_file(tmp_path))

    with pytest.raises(IncompleteRunError, match=r"1 of 2 experiments failed. impossible: .*nihss"):
        group.run(cohort.settings("group", experiments=files))
    assert (cohort.output / "experiments" / "quick" / "metrics.tsv").is_file()


@pytest.mark.parametrize("lost", ["score", "tables"])
def test_where_all_fails_no_page_of_an_earlier_run_stands_as_the_result(
    fake_cohort, tmp_path, lost
):
    cohort = copy(fake_cohort, tmp_path)
    impossible = tmp_path / "impossible.toml"
    impossible.write_text('name = "impossible"\n[target]\nscore = "nihss"\n')
    page = cohort.output / "group.html"
    page.write_text("AUC 0.99")
    settings = cohort.settings("group", experiments=(str(impossible),))
    if lost == "tables":
        (cohort.raw / "participants.tsv").unlink()

    with pytest.raises(MotorBidsAppError) as stopped:
        group.run(settings)

    assert "AUC 0.99" not in page.read_text()
    assert "impossible" in page.read_text()
    assert html.escape(str(stopped.value).split(".")[0][:40]) in page.read_text()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(
            lambda t: t.assign(fma_ue=66), "All 20 patients are good by FMA-UE < 27", id="one class"
        ),
        pytest.param(
            lambda t: t.assign(fma_ue=[10] + [66] * 25), "1 poor", id="one person in a class"
        ),
        pytest.param(
            lambda t: t.assign(fma_ue=["12", "40"] + ["n/a"] * 24),
            "No score is known for most",
            id="few scores",
        ),
        pytest.param(
            lambda t: t.assign(participant_id=t["participant_id"] + "x"),
            "spelled alike",
            id="nobody in common",
        ),
    ],
)
def test_unusable_scores_are_explained(fake_cohort, tmp_path, change, message):
    cohort = copy(fake_cohort, tmp_path)
    edit_scores(cohort, change)

    with pytest.raises(DataError, match=message):
        group.run(cohort.settings("group", experiments=(experiment_file(tmp_path),)))


def test_few_poor_people_reduce_the_folds_with_a_note(fake_cohort, tmp_path):
    cohort = copy(fake_cohort, tmp_path)
    edit_scores(cohort, lambda t: t.assign(fma_ue=[10, 10] + [60] * 24))
    group.run(cohort.settings("group", experiments=(experiment_file(tmp_path),)))

    folder = cohort.output / "experiments" / "quick"
    assert read(folder, "splits")["fold"].max() == 2
    assert "2 folds are used" in (folder / "report.html").read_text()


def test_a_score_can_be_predicted_as_a_number(fake_cohort, tmp_path):
    cohort = copy(fake_cohort, tmp_path)
    text = QUICK.replace("[model]", '[target]\ntask = "regression"\ncontrols = "exclude"\n[model]')
    results = group.run(cohort.settings("group", experiments=(experiment_file(tmp_path, text),)))

    assert {result.metric for result in results} == {"r2"}
    assert next(r for r in results if r.model == "tract_load").value > 0.9
    assert len(read(cohort.output / "experiments" / "quick", "excluded")) == 6


def test_models_without_their_inputs_are_left_out_and_named(fake_cohort, tmp_path):
    cohort = copy(fake_cohort, tmp_path)
    for path in cohort.output.rglob("*.nii.gz"):
        path.unlink()
    results = group.run(cohort.settings("group", experiments=(experiment_file(tmp_path),)))

    assert [result.model for result in results] == ["prevalence", "nuisance", "tract_load"]
    report = (cohort.output / "experiments" / "quick" / "report.html").read_text()
    assert "tract_load is the final model instead" in report


def test_a_damaged_map_leaves_out_its_person_and_is_named(fake_cohort, tmp_path):
    cohort = copy(fake_cohort, tmp_path)
    (fa,) = (cohort.output / "sub-03" / "dwi").glob("*fa*")
    image = nib.load(fa)
    data = np.asarray(image.dataobj).copy()
    data[20, 20, 20] = np.nan
    nib.save(nib.Nifti1Image(data, image.affine), fa)

    group.run(cohort.settings("group", experiments=(experiment_file(tmp_path),)))

    excluded = read(cohort.output / "experiments" / "quick", "excluded")
    assert excluded["participant_id"].tolist() == ["sub-03"]
    assert f"{fa.name}: 1 voxels are not finite" in excluded["reason"][0]


def test_wrong_experiments_stop_the_run_before_anything_is_read(tmp_path, fake_cohort):
    settings = fake_cohort.settings("group", selection=Selection(participants=("nobody",)))
    with pytest.raises(InputMissingError, match=r"no experiment file .*none\.toml"):
        group.run(replace(settings, experiments=(str(Path("none.toml")),)))
    with pytest.raises(UsageError, match="karakis2023, karakis2023-small, pretraining"):
        group.run(replace(settings, experiments=("nothing",)))
    with pytest.raises(UsageError, match="called 'baselines'"):
        group.run(replace(settings, experiments=("baselines", "baselines")))


def test_simulated_data_are_compared_with_the_ceiling_of_patients(fake_cohort, tmp_path):
    cohort = copy(fake_cohort, tmp_path)
    truth = {
        "cutoff": 27,
        "ceiling": {"everyone": {"bayes_auc": 0.95}, "patients": {"bayes_auc": 0.9}},
    }
    (cohort.raw / "sourcedata" / "truth").mkdir(parents=True)
    (cohort.raw / "sourcedata" / "truth" / "truth.json").write_text(json.dumps(truth))
    text = QUICK.replace('"kernel"', '"tract_load"').replace(
        '"tract_load", "tract_load"', '"tract_load"'
    )
    alone = text.replace("[model]", '[target]\ncontrols = "exclude"\n[model]').replace(
        '"quick"', '"alone"'
    )
    (tmp_path / "alone.toml").write_text(alone)
    files = (experiment_file(tmp_path, text), str(tmp_path / "alone.toml"))
    results = group.run(cohort.settings("group", experiments=files))

    assert {(r.experiment, r.ceiling) for r in results} == {("quick", 0.9), ("alone", 0.9)}


@pytest.fixture
def small_brain(monkeypatch):
    """Maps are stored in a box around the tract: networks of the brain's size take minutes."""
    box = np.zeros(GRID.shape, dtype=bool)
    box[13:33, 20:34, 14:36] = True
    for module in (maps, bundle, prediction_maps):
        monkeypatch.setattr(module, "brain_grid", lambda _: crop_grid(GRID, box))
    prediction_maps.model_mask.cache_clear()
    yield
    prediction_maps.model_mask.cache_clear()  # others have the whole brain


NETWORK = """
base = "karakis2023"
name = "network"
[inputs]
maps = ["fa", "gm"]
resolution = 4
[model]
rungs = ["prevalence", "tract_load"]
widths = [2, 2, 2, 2, 4]
n_residuals = 1
hidden = 4
[training]
epochs = 1
trainings = 2
[validation]
repeats = 2
[comparisons]
layers = []
[explanation]
methods = ["gradcam"]
people_per_test = 1
"""


@pytest.mark.slow
@pytest.mark.usefixtures("small_brain")
def test_the_network_runs_as_published_and_is_shared_as_the_mean_of_its_trainings(
    fake_cohort, tmp_path
):
    cohort = copy(fake_cohort, tmp_path)
    group.run(cohort.settings("group", experiments=(experiment_file(tmp_path, NETWORK),)))
    folder = cohort.output / "experiments" / "network"

    splits = read(folder, "splits")
    truth = read(folder, "predictions").drop_duplicates("participant_id")
    poor = splits.merge(truth)["true"].groupby(splits["repeat"]).mean()
    assert (poor == 0.5).all()  # balanced test sets
    paper = read(folder, "as_paper")
    accuracy = paper[paper["metric"] == "accuracy"]
    assert (accuracy["mean"] <= accuracy["mean_of_maxima"] + 1e-9).all()
    (model,) = (folder / "model").glob("model.json")
    assert json.loads(model.read_text())["metadata"]["members"] == 2

    together = predict.run(cohort.settings("predict", models=(folder / "model",)))
    assert len(together) == 26
    weights = [path.read_bytes() for path in sorted((folder / "model").rglob("arrays.safetensors"))]
    assert len(set(weights)) == 2  # two trainings, not one twice


@pytest.mark.slow
@pytest.mark.usefixtures("small_brain")
def test_networks_of_single_maps_are_scored_in_every_subset_and_shared(fake_cohort, tmp_path):
    cohort = copy(fake_cohort, tmp_path)
    text = NETWORK.replace("karakis2023", "cbam2025").replace("trainings = 2", "trainings = 1")
    text = text.replace("[validation]", "validation_share = 0.5\n[validation]\nfolds = 2")
    text = text.replace("layers = []", 'masks = ["motor"]').replace("repeats = 2", "repeats = 1")
    group.run(cohort.settings("group", experiments=(experiment_file(tmp_path, text),)))
    folder = cohort.output / "experiments" / "network"

    page = (folder / "report.html").read_text()
    assert "Network in motor regions" in page
    assert "In the form of Karakis" not in page  # of another paper
    assert not (folder / "as_paper.tsv").exists()
    losses = read(folder, "losses")
    assert set(losses["network"]) == {"fa", "gm"}
    assert losses[["loss", "validation_loss"]].notna().all(axis=None)
    assert losses.groupby(["fold", "network"])["run"].nunique().min() >= 2  # of each inner fold
    assert set(read(folder, "map_subsets")["maps"]) == {"fa", "gm", "fa + gm"}
    stored = read(folder, "out_of_fold_maps").groupby(["repeat", "participant_id"])["map"].count()
    assert (stored == 2).all()
    assert len(predict.run(cohort.settings("predict", models=(folder / "model",)))) == 26


BESIDE = """
base = "karakis2023"
name = "beside"
[inputs]
maps = ["fa", "gm"]
resolution = 4
[model]
rungs = ["prevalence", "tract_load"]
widths = [2, 2, 2, 4]
n_residuals = 0
hidden = 4
[training]
epochs = 1
trainings = 1
[validation]
scheme = "repeated_kfold"
folds = 2
repeats = 1
permutations = 0
[comparisons]
layers = ["svm", "tree"]
single_maps = true
masks = ["motor"]
[explanation]
methods = ["gradcam"]
people_per_test = 1
[as_published]
protocols = []
"""
LAYERED = {
    f"{name}-{layer}" for name in ("svm", "tree") for layer in ("flatten", "dense1", "dense2")
}
VARIANTS = {"karakis2023-fa", "karakis2023-gm", "karakis2023-motor"}


@pytest.mark.slow
@pytest.mark.usefixtures("small_brain")
def test_classifiers_on_layers_and_networks_of_parts_are_evaluated_like_other_models(
    fake_cohort, tmp_path
):
    cohort = copy(fake_cohort, tmp_path)
    group.run(cohort.settings("group", experiments=(experiment_file(tmp_path, BESIDE),)))
    folder = cohort.output / "experiments" / "beside"

    beside = LAYERED | VARIANTS
    models = {"prevalence", "nuisance", "tract_load", "kernel_demographics", "karakis2023"}
    for name in ("metrics", "out_of_fold", "predictions"):
        assert set(read(folder, name)["model"]) == beside | models, name
    assert set(read(folder, "as_paper")["model"]) == beside | {"karakis2023"}
    out_of_fold = read(folder, "out_of_fold")
    tested = out_of_fold.groupby("model")[["fold", "training", "participant_id"]].apply(
        lambda part: set(part.itertuples(index=False, name=None))
    )
    assert all(tested[name] == tested["karakis2023"] for name in beside)
    compared = read(folder, "comparisons").set_index("model")
    assert set(compared.loc[sorted(beside), "reference"]) == {"karakis2023"}
    assert "nuisance" in set(compared.loc[["karakis2023"], "reference"])
    assert set(read(folder, "as_paper_sets")["model"]) == beside | {"karakis2023"}
    assert len(read(folder, "losses")) == 2  # one epoch in each fold
    assert {"Sex (female / male)", "Lesion side (left)"} <= set(
        read(folder, "group_tests")["measure"]
    )
    points = read(folder, "layers_tsne")
    first = read(folder, "splits").query("repeat == 1 and fold == 1")
    assert set(points["participant_id"]) == set(first["participant_id"])
    page = (folder / "report.html").read_text()
    for part in (
        "Support vector machine",
        "Network of FA alone",
        "first dense layer (FCL1)",
        "Network in motor regions",
        "an illustration, not evidence",
        "Networks of single maps",
        "Training losses",
        "Poor and good outcomes",
    ):
        assert part in page


@pytest.mark.usefixtures("small_brain")
def test_a_network_too_deep_for_the_maps_is_refused_before_anything_is_evaluated(
    fake_cohort, tmp_path, monkeypatch
):
    cohort = copy(fake_cohort, tmp_path)
    monkeypatch.setattr("motor_bids_app.levels.group.experiment.cross_validate", None)
    text = NETWORK.replace("widths = [2, 2, 2, 2, 4]", "widths = [2, 2, 2, 2, 2, 2, 2, 2]")
    with pytest.raises(UsageError, match=r"widths .* halve a map 6 times"):
        group.run(cohort.settings("group", experiments=(experiment_file(tmp_path, text),)))


def test_comparisons_of_networks_need_a_network(tmp_path, fake_cohort):
    text = 'base = "baselines"\nname = "wrong"\n[comparisons]\nlayers = ["svm"]\n'
    with pytest.raises(UsageError, match=r"\[comparisons\] layers is for networks"):
        group.run(fake_cohort.settings("group", experiments=(experiment_file(tmp_path, text),)))


@pytest.mark.slow
@pytest.mark.usefixtures("small_brain")
@pytest.mark.parametrize(
    ("kind", "task"), [("karakis2023", "ordinal"), ("cbam2025", "regression")]
)  # each kind with each task: test_catalog
def test_networks_predict_scores_within_their_range_and_ordered_classes(
    kind, task, fake_cohort, tmp_path
):
    cohort = copy(fake_cohort, tmp_path)
    text = f"""
base = "{kind}"
name = "scores"
[target]
task = "{task}"
[inputs]
maps = ["fa"]
resolution = 4
[model]
rungs = ["prevalence", "tract_load"]
widths = [2, 2, 2, 4]
n_residuals = 0
hidden = 4
[training]
epochs = 1
trainings = 1
validation_share = 0.5
[validation]
scheme = "repeated_kfold"
folds = 2
repeats = 1
permutations = 0
[explanation]
methods = ["gradcam"]
people_per_test = 1
{"[comparisons]" if kind == "karakis2023" else ""}
{"layers = []" if kind == "karakis2023" else ""}
[as_published]
protocols = []
"""
    results = group.run(cohort.settings("group", experiments=(experiment_file(tmp_path, text),)))
    folder = cohort.output / "experiments" / "scores"

    highest = 66 if task == "regression" else 4
    predicted = read(folder, "predictions")
    network = predicted[predicted["model"] == kind]["predicted"]
    assert network.between(0, highest).all()
    assert set(predicted["true"]) <= set(range(67) if task == "regression" else range(5))
    metric = {"regression": "r2", "ordinal": "quadratic_kappa"}[task]
    assert {result.metric for result in results} == {metric}
    assert next(r for r in results if r.model == "tract_load").value > 0.6
    rows = read(folder, "metrics")
    assert rows[rows["metric"].isin([metric, "mae"])][["low", "high"]].notna().all(axis=None)
    page = (folder / "report.html").read_text()
    if task == "ordinal":
        for part in ("23 to below 32", "Quadratic kappa", "figure-ordered-confusion"):
            assert part in page
    together = predict.run(cohort.settings("predict", models=(folder / "model",)))
    assert all(0 <= one.value <= highest for one in together)
    table = pd.read_csv(cohort.output / "predictions" / "scores" / "predictions.tsv", sep="\t")
    assert ("class" in table) == (task == "ordinal")


@pytest.mark.parametrize(
    ("target", "error", "message"),
    [
        ('task = "ordinal"\nthresholds = [30, 20]', UsageError, "rising numbers"),
        ("thresholds = [20, 30]", UsageError, 'set task = "ordinal"'),
        ('task = "ordinal"\nthresholds = [20, 80]', DataError, "80 leaves nobody on one side"),
    ],
)
def test_impossible_ordered_classes_are_explained(target, error, message, fake_cohort, tmp_path):
    text = QUICK.replace("[model]", f"[target]\n{target}\n[model]")
    with pytest.raises(error, match=message):
        group.run(fake_cohort.settings("group", experiments=(experiment_file(tmp_path, text),)))


@pytest.mark.slow
@pytest.mark.usefixtures("small_brain")
def test_maps_chosen_in_each_fold_are_named_also_under_recalibration(fake_cohort, tmp_path):
    cohort = copy(fake_cohort, tmp_path)
    text = NETWORK.replace("karakis2023", "cbam2025").replace("trainings = 2", "trainings = 1")
    text = text.replace("[training]", 'recalibrate = "logistic"\n[training]')
    text = text.replace("[validation]", "validation_share = 0.5\n[validation]\nfolds = 2")
    text = text.replace("repeats = 2", "repeats = 1")
    group.run(cohort.settings("group", experiments=(experiment_file(tmp_path, text),)))
    folder = cohort.output / "experiments" / "network"

    assert set(read(folder, "map_subsets")["maps"]) == {"fa", "gm", "fa + gm"}
    chosen = read(folder, "chosen_maps")
    assert chosen[["repeat", "fold"]].to_numpy().tolist() == [[1, 1], [1, 2]]
    by_map = read(folder, "out_of_fold_maps")
    by_map = by_map[by_map["chosen"].astype(str) == "True"].groupby("fold")["map"].unique()
    for fold, named in chosen.set_index("fold")["maps"].items():
        assert set(named.split(" + ")) == set(by_map[fold])
    assert "The maps that were chosen" in (folder / "report.html").read_text()
