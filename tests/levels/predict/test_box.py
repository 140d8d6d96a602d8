"""The model in the box: found by name, checked, applied, and made again."""

import importlib.util
import io
import json
import shutil
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from motor_bids_app.errors import IncompatibleModelError, IncompleteRunError, InputMissingError
from motor_bids_app.features.disconnection_columns import disconnection_columns
from motor_bids_app.levels.box import BOX, DIGESTS, boxed_names
from motor_bids_app.levels.bundles import load_model
from motor_bids_app.levels.predict import level as predict
from motor_bids_app.reports.participant import checks, disconnection_checks

from ..conftest import describe, record_processing, write_scan

NAME = "nihss-lesion-2026"
ROOT = Path(__file__).parents[3]


@pytest.fixture
def newcomers(fake_cohort, tmp_path):
    """Three people: much damage; little, of unknown age; and one without a mask."""
    cohort = replace(fake_cohort, raw=tmp_path / "raw", output=tmp_path / "out")
    describe(cohort.raw)
    record_processing(cohort.output)
    rng = np.random.default_rng(3)
    for label, share in (("bad", 0.8), ("fine", 0.0)):
        write_scan(cohort.output, label, share, rng, maps=("lesion",))
        path = next(cohort.output.rglob(f"sub-{label}_desc-features.tsv"))
        table = pd.read_csv(path, sep="\t")
        table["lesion_volume"] = 1 + 150 * share
        cut = pd.DataFrame([{name: share for name, _ in disconnection_columns()}])
        pd.concat([table, cut], axis=1).to_csv(path, sep="\t", index=False)
    rows = "sub-bad\t70\tF\nsub-fine\tn/a\tM\n"
    (cohort.raw / "participants.tsv").write_text("participant_id\tage\tsex\n" + rows)
    return cohort


def predictions(cohort, model):
    found = predict.run(cohort.settings("predict", models=(model,)))
    folder = cohort.output / "predictions" / NAME
    return found, (folder / "predictions.tsv").read_bytes(), (folder / "report.html").read_text()


def test_a_model_is_the_same_by_its_name_and_by_its_folder(newcomers, tmp_path):
    shutil.copytree(BOX / NAME, tmp_path / "copy")

    found, by_name, page = predictions(newcomers, Path(NAME))
    _, by_folder, same_page = predictions(newcomers, tmp_path / "copy")

    value = {one.participant: one.value for one in found}
    assert 0 <= value["sub-fine"] < value["sub-bad"] - 3
    assert by_name == by_folder
    assert "research only" in page
    assert "research only" in same_page


def test_a_missing_age_is_said_and_a_time_that_nobody_had_in_training_is_not(newcomers):
    found = predictions(newcomers, Path(NAME))[0]

    notes = {one.participant: " ".join(one.notes) for one in found}
    assert "age is missing" in notes["sub-fine"]
    assert "age is missing" not in notes["sub-bad"]
    assert not any("time_since_stroke" in text for text in notes.values())


def test_nobody_is_predicted_without_a_mask(newcomers):
    path = next(newcomers.output.rglob("sub-bad_desc-features.tsv"))
    pd.DataFrame([{"fa_corticospinal_tract_left": 0.4}]).to_csv(path, sep="\t", index=False)

    with pytest.raises(IncompleteRunError, match="needs lesion_volume"):
        predictions(newcomers, Path(NAME))


def test_a_name_that_is_not_in_the_box_is_refused_with_those_that_are():
    with pytest.raises(InputMissingError, match=NAME):
        load_model(Path("nihss-lesion-2025"), "cpu")


def test_a_model_in_the_box_that_was_changed_is_refused(tmp_path):
    shutil.copytree(BOX, tmp_path / "box")
    path = tmp_path / "box" / NAME / "model.json"
    path.write_text(path.read_text().replace('"n_people": 243', '"n_people": 244'))

    with pytest.raises(IncompatibleModelError, match="Install the app again"):
        load_model(tmp_path / "box" / NAME, "cpu")


def test_a_folder_of_the_same_name_comes_before_the_box(tmp_path, monkeypatch):
    (tmp_path / NAME).mkdir()
    monkeypatch.chdir(tmp_path)

    with pytest.raises(InputMissingError, match="is not a model"):
        load_model(Path(NAME), "cpu")


def test_every_file_of_the_box_is_in_the_wheel_and_all_are_small():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    package = ROOT / "motor_bids_app"
    patterns = settings["package-data"]["motor_bids_app"]
    packed = {path for pattern in patterns for path in package.glob(pattern) if path.is_file()}
    files = {path for path in BOX.rglob("*") if path.is_file()}

    assert files <= packed
    assert sum(path.stat().st_size for path in files) < 500_000


def test_the_bundle_names_nobody():
    text = (BOX / NAME / "model.json").read_text()

    assert boxed_names() == [NAME]
    assert "sub-" not in text
    assert json.loads(text)["metadata"]["training"]["n_people"] == 243


@pytest.mark.slow
def test_the_recipe_gives_the_same_bytes(test_data, tmp_path, monkeypatch):
    blank = io.BytesIO()
    Image.new("RGB", (9, 9)).save(blank, "PNG")
    for place in (checks, disconnection_checks):  # drawing takes half the time, and teaches nothing
        monkeypatch.setattr(place, "draw_rows", lambda *_, **__: blank.getvalue())
    spec = importlib.util.spec_from_file_location("make_model", ROOT / "tools" / "make_model.py")
    recipe = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(recipe)
    shutil.copytree(BOX / NAME, tmp_path / "box" / NAME, ignore=lambda *_: {"folds", "model.json"})

    recipe.make(test_data, tmp_path / "work", tmp_path / "box")

    for path in (path for path in BOX.rglob("*") if path.is_file() and path.name != DIGESTS):
        made = (tmp_path / "box" / path.relative_to(BOX)).read_bytes()
        if path.name == "model.json":  # the version of the app is no part of the recipe
            made, path_content = json.loads(made), json.loads(path.read_bytes())
            for one in (made, path_content):
                one["metadata"].pop("software", None)
            assert made == path_content
        else:
            assert made == path.read_bytes(), path.name
