import json

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from motor_bids_app.bids.tables.columns import resolve_columns
from motor_bids_app.bids.validation import run_validator
from motor_bids_app.cli.simulate import main, parse_simulation
from motor_bids_app.errors import OutputError, UsageError
from motor_bids_app.levels.simulate.dataset import SimulationSettings
from motor_bids_app.levels.simulate.level import fsl_vectors, run
from motor_bids_app.mri.diffusion.gradients import GradientTable, parse_gradients
from motor_bids_app.mri.lesions import lesion_side

SMALL = {"n_participants": 2, "n_controls": 1, "voxel_size": 5.0, "n_directions": 6, "seed": 4}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    output = tmp_path_factory.mktemp("cohort") / "bids"
    run(SimulationSettings(output_dir=output, n_sessions=2, **SMALL))
    return output


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    output = tmp_path_factory.mktemp("tables")
    settings = SimulationSettings(output_dir=output, n_participants=30, modalities=())
    run(settings)
    return output


def files_of(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_validator_accepts_the_dataset(dataset):
    errors = [i for i in run_validator(dataset)["issues"] if i["severity"] == "error"]

    assert errors == []


@pytest.mark.slow
def test_bytes_depend_on_neither_the_place_nor_the_number_of_processes(dataset, tmp_path):
    run(SimulationSettings(output_dir=tmp_path / "bids", n_sessions=2, n_procs=2, **SMALL))

    assert files_of(tmp_path / "bids") == files_of(dataset)


def test_another_seed_gives_other_people(tables, tmp_path):
    run(SimulationSettings(output_dir=tmp_path, n_participants=30, modalities=(), seed=1))

    other = pd.read_csv(tmp_path / "participants.tsv", sep="\t")
    assert not other["age"].equals(pd.read_csv(tables / "participants.tsv", sep="\t")["age"])


def test_scores_of_two_sessions_are_in_the_sessions_tables(dataset):
    participants = pd.read_csv(dataset / "participants.tsv", sep="\t")
    sessions = pd.read_csv(dataset / "sub-001" / "sub-001_sessions.tsv", sep="\t")

    assert "fma_ue" not in participants
    assert sessions["session_id"].tolist() == ["ses-pre", "ses-post"]
    assert sessions["time_since_stroke"].diff().iloc[1] == pytest.approx(3)


def test_lesion_mask_matches_its_scan_and_its_side(dataset):
    table = pd.read_csv(dataset / "participants.tsv", sep="\t").set_index("participant_id")
    truth = json.loads((dataset / "sourcedata/truth/truth.json").read_text())
    for person in ("sub-001", "sub-002"):
        name = f"{person}/ses-pre/anat/{person}_ses-pre"
        mask = nib.load(dataset / "derivatives/lesions" / f"{name}_label-L_mask.nii.gz")
        scan = nib.load(dataset / f"{name}_T1w.nii.gz")
        points = nib.load(
            dataset / "sourcedata/truth" / f"{name}_space-MNI152NLin2009aSym_points.nii.gz"
        )
        voxels = np.rint(
            nib.affines.apply_affine(np.linalg.inv(mask.affine), np.asarray(points.dataobj))
        ).astype(int)
        inside = (voxels >= 0).all(-1) & (voxels < mask.shape).all(-1)
        standard = np.zeros(inside.shape, np.uint8)
        standard[inside] = np.asarray(mask.dataobj)[tuple(voxels[inside].T)]

        assert (mask.shape, mask.affine.tolist()) == (scan.shape, scan.affine.tolist())
        known = next(p for p in truth["participants"] if p["participant_id"] == person)
        if known["lesion_volume"] > 5:  # smaller ones may fall between voxels of 5 mm
            side = lesion_side(nib.Nifti1Image(standard, points.affine))
            assert side == table.loc[person, "lesion_side"]


def test_controls_have_no_lesion_mask(dataset):
    masks = [path.name for path in (dataset / "derivatives").rglob("*mask.nii.gz")]

    assert len(masks) == 4
    assert not any(name.startswith("sub-003") for name in masks)


def test_written_gradients_are_the_nominal_ones(dataset):
    stem = dataset / "sub-001" / "ses-pre" / "dwi" / "sub-001_ses-pre_dwi"
    table = parse_gradients(*(stem.with_suffix(end).read_text() for end in (".bval", ".bvec")))

    assert len(table) == nib.load(stem.with_suffix(".nii.gz")).shape[3]
    assert table.n_directions == 6


@pytest.mark.parametrize("flip", [[1, 1, 1], [-1, 1, 1], [1, -1, -1]])
def test_gradients_are_read_back_as_world_directions(flip):
    directions = np.linalg.qr(np.random.default_rng(0).standard_normal((3, 3)))[0]
    turn = np.linalg.qr(np.random.default_rng(1).standard_normal((3, 3)))[0]
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag([2.0, 2, 3]) @ np.diag(flip)

    written = fsl_vectors(directions, affine)

    read = GradientTable(np.full(3, 1000.0), written).world_directions(affine)
    np.testing.assert_allclose(read, directions, atol=1e-12)


def test_sessions_of_a_recovery_are_after_the_stroke_with_the_truth_beside_them(tmp_path):
    run(
        SimulationSettings(
            output_dir=tmp_path, n_participants=3, modalities=(), n_sessions=2, recovery=0.7
        )
    )
    sessions = pd.read_csv(tmp_path / "sub-001" / "sub-001_sessions.tsv", sep="\t")
    truth = json.loads((tmp_path / "sourcedata/truth/truth.json").read_text())
    known = truth["participants"][0]

    assert sessions["session_id"].tolist() == ["ses-baseline", "ses-3month"]
    assert sessions["time_since_stroke"].iloc[0] < 0.5 < 1 < sessions["time_since_stroke"].iloc[1]
    first = sessions["fma_ue"].iloc[0]
    assert known["sessions"][1]["clean_score"] == pytest.approx(first + 0.7 * (66 - first))
    assert "ceiling" not in truth


def test_a_recovery_lies_between_two_sessions():
    for given in (["--recovery", "0.7"], ["--sessions", "2", "--recovery", "2"]):
        with pytest.raises(UsageError, match="--recovery"):
            parse_simulation(["out", *given])


def test_truth_names_the_ceiling_of_the_cohort(tables):
    truth = json.loads((tables / "sourcedata/truth/truth.json").read_text())

    assert truth["bayes_auc"] == truth["ceiling"]["everyone"]["bayes_auc"]
    assert truth["bayes_auc_se"] < 0.01
    assert len(truth["participants"]) == 35


@pytest.mark.parametrize("n_sessions", [1, 2])
def test_dirty_tables_mean_what_clean_ones_do(tmp_path, n_sessions):
    resolved = []
    for dirty in (False, True):
        output = tmp_path / f"dirty-{dirty}"
        run(
            SimulationSettings(
                output_dir=output,
                n_participants=25,
                modalities=(),
                dirty_scores=dirty,
                n_sessions=n_sessions,
            )
        )
        resolved.append(resolve_columns(output).table.reset_index(drop=True))
    clean, dirty = resolved

    for name in ("group", "sex", "site"):
        assert clean[name].equals(dirty[name])
    for name in ("age", "fma_ue", "time_since_stroke"):
        there = dirty[name].notna()
        np.testing.assert_allclose(dirty[name][there], clean[name][there], atol=0.02)
    assert 0 < dirty["age"].isna().sum() + dirty["fma_ue"].isna().sum() < len(dirty) / 4
    opposite = clean["lesion_side"].map({"left": "right", "right": "left"})
    assert dirty["paretic_side"].dropna().equals(opposite.dropna())


def test_filled_folder_is_refused(tmp_path):
    (tmp_path / "mine.txt").touch()

    with pytest.raises(OutputError, match="not empty"):
        run(SimulationSettings(output_dir=tmp_path))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--voxel-size", "9"], "0.7 to 5 mm"),
        (["--participants", "900", "--controls", "200"], "999 people"),
        (["--directions", "5"], "at least 6"),
        (["--sessions", "3"], "sessions"),
        (["--signal-rate", "50"], "100 Hz"),
        (["--physiology-share", "1.5"], "0 to 1"),
    ],
)
def test_impossible_requests_are_explained(words, message):
    with pytest.raises(UsageError, match=message):
        parse_simulation(["out", *words])


def test_command_line_ends_by_naming_the_dataset(tmp_path):
    output = tmp_path / "new"

    sentence = main([str(output), "--participants", "1", "--controls", "0", "--modalities"])

    assert str(output) in sentence
    assert (output / "participants.tsv").is_file()
