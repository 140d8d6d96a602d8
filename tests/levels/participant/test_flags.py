"""Each place that warns of a doubtful result has a test that breaks something and sees it."""

import ast
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

import motor_bids_app.levels.participant as package
from motor_bids_app.bids.dwi import DwiFile
from motor_bids_app.bids.scan import Scan
from motor_bids_app.features.seeds import Seed
from motor_bids_app.levels.participant.anatomy.lesion import GivenLesion, check_lesion
from motor_bids_app.levels.participant.anatomy.preprocess import _coverage, _place_drawn
from motor_bids_app.levels.participant.diffusion.clean import _judge_shells
from motor_bids_app.levels.participant.diffusion.finished import preprocess as finished
from motor_bids_app.levels.participant.diffusion.finished.read import HeadOfTool
from motor_bids_app.levels.participant.diffusion.read import Head
from motor_bids_app.levels.participant.diffusion.runs import join_further
from motor_bids_app.levels.participant.facts import Facts
from motor_bids_app.levels.participant.features import _beyond_tract, extract_features
from motor_bids_app.levels.participant.functional.clean import Cleaned
from motor_bids_app.levels.participant.functional.connectivity import _couple
from motor_bids_app.levels.participant.outputs import Outputs
from motor_bids_app.mri.diffusion.gradients import GradientTable
from motor_bids_app.mri.diffusion.motion import MotionCorrection
from motor_bids_app.mri.rigid import Coregistration
from motor_bids_app.simulation.damage import Damage
from motor_bids_app.simulation.tensors import measures, tensor_field, unpack
from motor_bids_app.spaces.templates import load_template
from motor_bids_app.spaces.transforms import Transform

SOURCES, HERE = Path(package.__file__).parent, Path(__file__).parent
T1W, BRAIN, WHITE = (load_template(kind, 4) for kind in ("T1w", "brain", "WM"))
NOISE = np.random.default_rng(0).normal(1000, 200, BRAIN.shape).astype(np.float32)

TESTED = {  # (module, function that warns): the test, in this module where no other is named
    ("anatomy/lesion.py", "check_lesion"): "test_a_lesion_of_half_the_brain_is_doubted",
    ("anatomy/lesion.py", "check_place"):
        "test_lesion.py::test_a_mask_whose_voxels_run_the_other_way_is_placed_by_its_header_and_said",
    ("anatomy/preprocess.py", "place_contrasts"):
        "anatomy/test_contrasts.py::test_another_contrast_that_hardly_fits_the_head_is_doubted",
    ("anatomy/preprocess.py", "_place_drawn"): "test_a_lesion_drawn_on_noise_is_doubted",
    ("anatomy/preprocess.py", "_coverage"): "test_a_head_that_is_cut_off_is_doubted",
    ("anatomy/read.py", "canonical"):
        "anatomy/test_read.py::"
        "test_a_head_of_several_volumes_is_averaged_and_that_is_a_warning",
    ("diffusion/clean.py", "_judge_shells"): "test_a_shell_that_jumps_is_doubted",
    ("diffusion/finished/preprocess.py", "fit_series"):
        "diffusion/test_finished_checks.py::"
        "test_a_volume_of_a_finished_series_that_is_not_what_it_is_called_is_left_out",
    ("diffusion/finished/preprocess.py", "_judge_axes"):
        "test_a_finished_series_with_exchanged_axes_is_doubted",
    ("diffusion/finished/preprocess.py", "_place"):
        "test_finished_diffusion_of_another_head_is_doubted",
    ("diffusion/finished/read.py", "read_maps"):
        "test_finished.py::"
        "test_a_mask_that_finished_standard_maps_cannot_place_is_in_the_headline",
    ("diffusion/fit.py", "fit_maps"):
        "diffusion/test_step.py::"
        "test_a_wrong_table_that_is_not_to_be_corrected_is_in_the_headline",
    ("diffusion/place.py", "place_by_head"):
        "diffusion/test_place.py::test_a_series_that_shows_nothing_of_the_head_is_doubted",
    ("diffusion/runs.py", "join_further"): "test_a_series_of_another_protocol_is_left_out_and_said",
    ("diffusion/susceptibility.py", "_find"):
        "diffusion/test_read.py::test_what_was_done_instead_of_a_field_map_is_a_warning",
    ("features.py", "extract_features"): "test_diffusivity_of_water_is_in_the_headline",
    ("features.py", "_beyond_tract"): "test_a_lesion_below_the_tract_is_doubted",
    ("functional/connectivity.py", "_couple"): "test_a_silent_other_side_is_doubted",
    ("functional/placement.py", "place_mean"):
        "functional/test_preprocess.py::test_bold_that_shows_nothing_of_the_head_is_doubted",
    ("functional/placement.py", "_undistort"):
        "functional/test_placement.py::test_what_was_done_instead_of_a_field_map_is_a_warning",
    ("functional/preprocess.py", "_connect"):
        "functional/test_preprocess.py::"
        "test_bold_that_does_not_cover_m1_has_no_connectivity_and_says_so",
    ("secondary.py", "unless_unusable"):
        "anatomy/test_read.py::test_a_bad_image_beside_the_head_is_left_out_and_named",
}  # fmt: skip
PASSED_ON = {  # functions that hand on what others warn of
    ("anatomy/preprocess.py", "preprocess_anatomy"),
    ("anatomy/read.py", "read_anatomy"),
    ("diffusion/finished/preprocess.py", "place_maps"),
    ("diffusion/preprocess.py", "preprocess_series"),
    ("diffusion/read.py", "read_series"),
    ("facts.py", "add"),
    ("lesion.py", "preprocess_standard_lesion"),
    ("outputs.py", "load_facts"),
    ("report.py", "write_report"),
}


def places():
    """Where warnings are made or handed on: module and function."""
    found = set()
    for path in SOURCES.rglob("*.py"):
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef) and any(map(warns, ast.walk(function))):
                found.add((path.relative_to(SOURCES).as_posix(), function.name))
    return found


def warns(node):
    if not isinstance(node, ast.Call):
        return False
    adds = isinstance(node.func, ast.Attribute) and node.func.attr in ("append", "extend")
    named = any(keyword.arg == "warnings" for keyword in node.keywords)
    return named or (adds and "warnings" in ast.unparse(node.func.value))


def test_every_place_that_warns_has_a_test():
    assert places() == {*TESTED, *PASSED_ON}
    for named in TESTED.values():
        path, _, test = named.rpartition("::")
        tree = ast.parse((HERE / (path or Path(__file__).name)).read_text())
        assert test in {one.name for one in tree.body if isinstance(one, ast.FunctionDef)}, named


def like(values, image=BRAIN):
    return nib.Nifti1Image(np.asarray(values), image.affine)


def test_a_lesion_of_half_the_brain_is_doubted():
    brain = np.asarray(BRAIN.dataobj) > 0
    places = np.arange(brain.shape[0])[:, None, None]
    large, small = (brain & (abs(places - 14) < width) for width in (8, 3))

    found = [
        check_lesion(like(mask.astype(np.uint8)), BRAIN, "m.nii").warnings
        for mask in (large, small)
    ]

    assert "Check its size" in found[0][0]
    assert found[1] == []


def test_a_lesion_drawn_on_noise_is_doubted():
    mask = np.zeros(BRAIN.shape, dtype=np.uint8)
    mask[12:16, 24:30, 20:26] = 1
    given = GivenLesion(like(mask), "m.nii", "T2w")

    found = [
        _place_drawn(given, T1W, BRAIN, {"T2w": Coregistration(np.eye(4), similarity)})[1]
        for similarity in (0.33, 0.6)
    ]

    assert "T2w of the lesion hardly fit" in found[0].warnings[0]
    assert found[1].warnings == []


def test_a_head_that_is_cut_off_is_doubted():
    cut = nib.Nifti1Image(np.asarray(T1W.dataobj)[..., :28], T1W.affine)

    (doubt,) = _coverage(cut, Transform()).warnings

    assert "ends within the brain" in doubt
    assert _coverage(T1W, Transform()).warnings == []


def correction(shift):
    """Motion of a series whose weighted volumes lie aside of its b0."""
    table = GradientTable(np.r_[0.0, np.full(7, 1000.0)], np.r_[np.zeros((1, 3)), np.eye(7, 3)])
    parameters = np.zeros((8, 6))
    parameters[1:, 0] = shift
    nothing = np.zeros(0)
    found = MotionCorrection(
        nothing.astype(np.float32), table, parameters, nothing, nothing, nothing, nothing
    )
    return found, table


def test_a_shell_that_jumps_is_doubted():
    far, near = Facts(), Facts()
    _judge_shells(*correction(8.0), far)
    _judge_shells(*correction(0.5), near)

    assert "b = 1000 lie 8.0 mm" in far.warnings[0]
    assert near.warnings == []
    assert [facts.quality["dwi_shell_jump"] for facts in (far, near)] == [8.0, 0.5]


@pytest.mark.slow
def test_a_finished_series_with_exchanged_axes_is_doubted():
    tensors = tensor_field(None, Damage(0, 0, 0, 0), np.random.default_rng(0)).tensors
    fibres = np.linalg.eigh(unpack(tensors))[1][..., -1] * [-1, 1, 1]
    grid = nib.Nifti1Image(np.ones(fibres.shape[:3], np.uint8), np.diag([2.0, 2, 2, 1]))

    facts = [Facts(), Facts()]
    for one, directions in zip(facts, (fibres[..., [1, 0, 2]], fibres), strict=True):
        fitted = {"direction": directions, "fa": measures(tensors)[0]}
        finished._judge_axes(fitted, grid, "qsiprep", one)

    assert "gradient table of qsiprep seems to be wrong" in facts[0].warnings[0]
    assert facts[1].warnings == []


@pytest.mark.slow
def test_finished_diffusion_of_another_head_is_doubted():
    head = Head(image=T1W, brain=BRAIN, white_matter=WHITE, from_standard=Transform())

    facts = [Facts(), Facts()]
    for one, image in zip(facts, (like(NOISE), T1W), strict=True):
        tool = HeadOfTool(head, is_ours=False, image=None)
        finished._place(image, tool, one, judged=True)

    assert "finished diffusion hardly fit" in facts[0].warnings[0]
    assert facts[1].warnings == []


@pytest.mark.parametrize("size", [3.0, 2.0])
def test_a_series_of_another_protocol_is_left_out_and_said(tmp_path, size):
    files = []
    for name, voxel in (("run-1", 2.0), ("run-2", size)):
        paths = [tmp_path / f"sub-1_{name}_dwi.{end}" for end in ("nii", "bval", "bvec")]
        data = np.ones((4, 4, 4, 2), dtype=np.float32)
        nib.save(nib.Nifti1Image(data, np.diag([voxel, voxel, voxel, 1])), paths[0])
        paths[1].write_text("0 1000")
        paths[2].write_text("0 1\n0 0\n0 0")
        files.append(DwiFile(*paths))
    first, second = files
    scan = Scan(
        participant="1", dwi=first.path, bval=first.bval, bvec=first.bvec, further_dwi=(second,)
    )
    table = GradientTable(np.array([0.0, 1000]), np.array([[0.0, 0, 0], [1, 0, 0]]))

    warnings = join_further(nib.load(first.path), table, {}, scan).warnings

    assert [text.startswith("Directions were left out") for text in warnings] == (
        [True] if size == 3 else []
    )


@pytest.mark.parametrize(("diffusivity", "said"), [(3e-3, True), (7e-4, False)])
def test_diffusivity_of_water_is_in_the_headline(tmp_path, diffusivity, said):
    brain, outputs = load_template("brain", 2), Outputs(tmp_path, "1", None)
    path = outputs.path("dwimap", "dwi", model="tensor", param="md", standard=True)
    path.parent.mkdir(parents=True)
    nib.save(like(diffusivity * np.asarray(brain.dataobj, dtype=np.float32), brain), path)

    extract_features(outputs)

    warnings = outputs.load_facts().warnings
    assert ["median MD of white matter is 3" in text for text in warnings] == [True] * said


def test_a_lesion_below_the_tract_is_doubted():
    heights = BRAIN.affine[2, 2] * np.arange(BRAIN.shape[2]) + BRAIN.affine[2, 3]
    low, high = (np.zeros(BRAIN.shape, dtype=np.uint8) for _ in range(2))
    low[20:24, 20:24, int(np.argmin(heights))] = 1
    high[20:24, 20:24, int(np.argmin(abs(heights - 20)))] = 1

    assert "lies below z" in _beyond_tract(like(low)).warnings[0]
    assert _beyond_tract(like(high)) == Facts()


@pytest.mark.parametrize("silent", [True, False])
def test_a_silent_other_side_is_doubted(silent):
    inside = np.ones((6, 3, 3), dtype=bool)
    seed = np.zeros_like(inside)
    seed[1, 1, 1] = True
    if silent:
        inside &= ~seed[::-1]
    signals = np.random.default_rng(0).normal(size=(20, int(inside.sum()))).astype(np.float32)
    cleaned = Cleaned(signals, inside, ~inside, {}, np.zeros(20, dtype=bool), None)
    facts, course = Facts(), signals[:, 0].astype(np.float64)

    found = _couple(cleaned, Seed(seed, "left", 0.0, 1.0), course, np.ones((2, 20)) / 20, facts)

    assert (found is None) == silent
    assert [text.startswith("M1 of the other side") for text in facts.warnings] == [True] * silent
