"""How a prediction is widened for someone unlike the training people."""

from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from motor_bids_app.bids.derived import DerivedScan
from motor_bids_app.evaluation.conformal import LEVEL_OUTSIDE, conformal_limits
from motor_bids_app.evaluation.cvplus import CvPlus
from motor_bids_app.evaluation.domain import Finding, Spread
from motor_bids_app.evaluation.predictions import Predictions
from motor_bids_app.features.fingerprints import SealedImages, content_hash
from motor_bids_app.features.slices import SLICES
from motor_bids_app.levels.cohort.bold_slices import slice_instances
from motor_bids_app.levels.cohort.doubtful import doubtful_digests, without_doubtful
from motor_bids_app.levels.cohort.instances import doubtful_images, instance_images
from motor_bids_app.levels.cohort.maps import brain_grid
from motor_bids_app.levels.group import transfer
from motor_bids_app.levels.predict.maps import read_maps
from motor_bids_app.levels.predict.safety import (
    conformal_answer,
    kind_of_limits,
    too_few,
    was_in_training,
)
from motor_bids_app.spaces.grids import standard_grid

ALONE = np.empty(0)  # of a bundle without models of folds


def limits_of(errors):
    """The part of a bundle's metadata that errors of 200 people lead to."""
    n = len(errors)
    one = Predictions(
        errors[None], np.ones((1, n), dtype=np.int64), np.zeros(n), np.arange(n).astype(object)
    )
    return {
        "classes": None,
        "target": {"range": None},
        "conformal": vars(conformal_limits(one, "regression")),
        "conformal_outside": vars(conformal_limits(one, "regression", LEVEL_OUTSIDE)),
    }


@pytest.fixture
def regression():
    """A line fitted to a curve: fine among the training people, ever worse beyond them."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=200)
    y = x + 0.15 * x**2 + rng.normal(0, 0.5, 200)
    line = np.polynomial.Polynomial.fit(x, y, 1)
    return line, Spread.of(x), limits_of(y - line(x)), rng


def test_widened_intervals_hold_more_of_the_people_outside(regression):
    line, spread, metadata, rng = regression
    x = rng.uniform(3.2, 4.5, 2000)  # outside: the limit is at 2.6
    y = x + 0.15 * x**2 + rng.normal(0, 0.5, 2000)
    held = {"usual": 0, "widened": 0}
    for one, truth in zip(x, y, strict=True):
        finding = Finding("x", "", spread.distance(one))
        for name, findings in (("usual", ()), ("widened", (finding,))):
            _, (low, high) = conformal_answer(metadata, float(line(one)), ALONE, findings)
            held[name] += low <= truth <= high

    assert held["widened"] > 1.5 * held["usual"]


def test_the_farther_away_the_wider_and_never_narrower_than_the_usual_interval(regression):
    _, _, metadata, _ = regression
    widths = []
    for distance in (None, 1, 1.5, 4):
        findings = () if distance is None else (Finding("x", "", distance),)
        _, (low, high) = conformal_answer(metadata, 0.0, ALONE, findings)
        widths.append(high - low)

    assert widths == sorted(set(widths))


def test_classes_come_back_into_the_set_with_distance():
    metadata = {
        "classes": ["good", "poor"],
        "conformal": {"level": 0.9, "poor": 0.4, "good": 0.4, "half_width": None},
        "conformal_outside": {"level": 0.975, "poor": 0.3, "good": 0.3, "half_width": None},
    }
    sets = [
        conformal_answer(metadata, 0.75, ALONE, findings)[0]
        for findings in ((), (Finding("x", "", 1.0),), (Finding("x", "", 1.2),))
    ]

    assert sets == [("poor",), ("poor",), ("poor", "good")]


def test_too_few_people_leave_a_score_without_interval():
    metadata = limits_of(np.arange(20.0))

    assert conformal_answer(metadata, 5.0, ALONE, ())[1] is not None
    assert conformal_answer(metadata, 5.0, ALONE, (Finding("x", ""),)) == (None, None)


def test_intervals_end_with_the_score_also_for_people_outside():
    metadata = limits_of(np.arange(50.0))
    for part in ("conformal", "conformal_outside"):
        metadata[part] |= {"least": 0, "most": 66}
    for findings in ((), (Finding("x", "", 3.0),)):
        low, high = conformal_answer(metadata, 60.0, ALONE, findings)[1]
        assert 0 <= low < 60 < high == 66


@pytest.fixture
def maps(tmp_path):
    """A scan whose diffusion is doubtful, and its inputs as a bundle of FA and GM has them."""
    grid = standard_grid(2)
    rng = np.random.default_rng(0)
    paths = {name: tmp_path / f"{name}.nii" for name in ("fa", "gm")}
    for path in paths.values():
        nib.save(nib.Nifti1Image(rng.random(grid.shape, dtype=np.float32), grid.affine), path)
    scan = DerivedScan(participant="01", maps=paths)
    trusted, _, _ = without_doubtful(scan, {"white_matter_md": 0.1}, ())
    small = brain_grid(4)
    inputs = {
        "maps": ["fa", "gm"],
        "resolution": 4,
        "mirror_lesion_to": None,
        "grid": {"shape": list(small.shape), "affine": small.affine.tolist()},
    }
    return scan, trusted, inputs


def test_a_training_image_is_known_again_although_it_is_doubtful(maps):
    scan, trusted, inputs = maps
    row, flip = (
        pd.DataFrame({"participant_id": ["sub-01"], "group": [None]}),
        np.zeros(1, dtype=bool),
    )
    fa = [image for image in read_maps(inputs, scan, row, flip).images if image[0] == "fa"]
    metadata = {"inputs": inputs, "training": {"images": SealedImages.of(fa).to_json()}}
    read = read_maps(inputs, trusted, row, flip, required=False)

    assert set(trusted.maps) == {"gm"}
    for volumes in (None, read):
        assert was_in_training(metadata, trusted, row, flip, volumes)


def test_a_bundle_that_has_seen_a_doubtful_map_is_not_begun_with(maps):
    scan, trusted, _ = maps
    fa = content_hash(np.asarray(nib.load(scan.maps["fa"]).dataobj, dtype=np.float32))
    lineage = [{"maps": ["fa"], "images": SealedImages.of([("fa", fa)]).to_json()}]
    people = SimpleNamespace(scans=[trusted])
    cohort = SimpleNamespace(labels=SimpleNamespace(rows=[0]))

    assert transfer._known_people(lineage, people, cohort) == ["sub-01"]


def test_a_doubtful_map_under_two_names_is_found(maps):
    _, trusted, _ = maps

    owners = doubtful_digests([trusted, trusted], ["sub-01", "sub-02"])

    assert list(owners.values()) == [["sub-01", "sub-02"]]


@pytest.fixture
def bold(tmp_path):
    """A scan whose bold is doubtful, before and after it was left out."""
    grid = standard_grid(3)
    values = np.random.default_rng(0).random((*grid.shape, 2), dtype=np.float32)
    nib.save(nib.Nifti1Image(values, grid.affine), tmp_path / "bold.nii")
    scan = DerivedScan(participant="01", maps={}, mean_bold=tmp_path / "bold.nii")
    trusted, _, _ = without_doubtful(scan, {"bold_tsnr": 1.0}, ())
    return scan, trusted


def test_bold_of_the_training_is_known_again_although_it_is_doubtful(bold):
    scan, trusted = bold
    flip = np.zeros(1, dtype=bool)
    training = instance_images({SLICES: slice_instances([scan], flip)})
    metadata = {
        "inputs": {"maps": []},
        "training": {"images": SealedImages.of(training).to_json()},
    }

    found = doubtful_images({}, (SLICES,), trusted, flip)

    assert trusted.mean_bold is None
    assert was_in_training(metadata, trusted, pd.DataFrame(), flip, None, found)
    assert doubtful_images({}, (SLICES,), scan, flip) == []  # there, a model reads it itself


def test_doubtful_bold_under_two_names_is_found(bold):
    scan, trusted = bold

    owners = doubtful_digests([trusted, trusted, scan], ["sub-01", "sub-02", "sub-03"])

    assert list(owners.values()) == [["sub-01", "sub-02"]]


def test_doubtful_bold_that_cannot_be_read_is_nobodys_copy(bold):
    scan, trusted = bold
    scan.mean_bold.write_bytes(b"lost")

    assert doubtful_images({}, (SLICES,), trusted, np.zeros(1, dtype=bool)) == []
    assert doubtful_digests([trusted], ["sub-01"]) == {}


@pytest.fixture
def classes_of_few():
    """Metadata of a bundle whose models of folds were asked of 8 poor and 30 good people."""
    limits = CvPlus(np.full(38, 0.1), np.arange(38) % 5, np.r_[np.ones(8), np.zeros(30)])
    return limits_of(np.ones(38)) | {"classes": ["good", "poor"], "cv_plus": limits.as_json()}


def test_limits_are_those_of_the_models_of_the_folds_where_a_bundle_has_them(classes_of_few):
    assert conformal_answer(classes_of_few, 0.9, np.full(5, 0.95), ())[0] == ("poor",)
    # The models of the folds, which people were judged by, do not agree with the final one.
    assert conformal_answer(classes_of_few, 0.9, np.full(5, 0.05), ())[0] == ("poor", "good")


def test_a_class_of_too_few_training_people_is_said_to_be_always_possible(classes_of_few):
    assert conformal_answer(classes_of_few, 0.05, np.full(5, 0.05), ())[0] == ("poor", "good")
    (note,) = too_few(classes_of_few)
    assert "poor is always possible" in note
    assert "8 poor, and it takes 9" in note


def test_what_limits_promise_is_named(classes_of_few):
    assert kind_of_limits(classes_of_few).startswith("CV+, 90% (at least ")
    del classes_of_few["cv_plus"]
    assert kind_of_limits(classes_of_few).startswith("split conformal, 90%")
