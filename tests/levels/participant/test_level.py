import errno
import json
import time
from contextlib import suppress
from dataclasses import replace
from unittest.mock import Mock

import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.bids.index import index_dataset
from motor_bids_app.bids.lesion_names import LesionFile
from motor_bids_app.bids.scan import Scan
from motor_bids_app.bids.tables.tsv import read_table
from motor_bids_app.bids.validation import validate
from motor_bids_app.errors import DiskFullError, IncompleteRunError, WorkerDiedError
from motor_bids_app.levels.participant import level as participant
from motor_bids_app.levels.participant import tasks
from motor_bids_app.levels.participant.outputs import Outputs
from motor_bids_app.levels.participant.steps import Step
from motor_bids_app.levels.participant.truth import compare_with_truth
from motor_bids_app.levels.progress import TimeLeft
from motor_bids_app.levels.run import run_level
from motor_bids_app.levels.simulate.dataset import SimulationSettings
from motor_bids_app.levels.simulate.level import run as simulate
from motor_bids_app.settings import ProcessingSettings, Resources, Selection, Settings
from motor_bids_app.spaces.grids import standard_grid

from ..bold_chain import check_chain, check_sidecars
from ..conftest import contents


@pytest.fixture
def lesions(tmp_path):
    """Settings for a dataset of two lesion masks in standard space: what takes a second."""
    grid = standard_grid(4)
    folder = tmp_path / "bids"
    for number in (1, 2):
        mask = np.zeros(grid.shape, dtype=np.uint8)
        mask[10 * number : 10 * number + 5, 25:30, 25:30] = 1
        name = f"sub-{number}_space-MNI152NLin2009aSym_label-lesion_mask.nii.gz"
        path = folder / f"sub-{number}" / "anat" / name
        path.parent.mkdir(parents=True)
        nib.save(nib.Nifti1Image(mask, grid.affine), path)
    (folder / "dataset_description.json").write_text(
        json.dumps({"Name": "T", "BIDSVersion": "1.10.0"})
    )
    return Settings(
        bids_dir=folder,
        output_dir=tmp_path / "out",
        level="participant",
        resources=Resources(n_procs=1),
    )


def run(settings):
    """Run the level; return the states of all steps by participant and modality."""
    scans = index_dataset(settings.bids_dir, settings.selection)
    try:
        participant.run(settings, scans)
    finally:
        table = read_table(settings.output_dir / "logs" / "participants_status.tsv")
        states = table.set_index(["participant_id", "modality"])["state"]
    return states.to_dict()


def test_a_second_run_does_nothing(lesions):
    assert set(run(lesions).values()) == {"done"}
    assert set(run(lesions).values()) == {"kept"}


def test_a_doubt_that_comes_later_is_in_the_table_and_on_the_page_and_goes_again(lesions):
    run(lesions)
    page = lesions.output_dir / "sub-1.html"
    table = lesions.output_dir / "logs" / "participants_status.tsv"
    strange = lesions.bids_dir / "sub-1" / "anat" / "sub-1_label-L_desc-x_space-T2w_mask.nii.gz"
    strange.write_bytes(b"")

    assert run(lesions)["sub-1", "report"] == "done"
    assert strange.name in table.read_text()
    assert strange.name in page.read_text()

    strange.unlink()
    states = run(lesions)
    assert (states["sub-1", "anat"], states["sub-2", "report"]) == ("kept", "kept")
    assert strange.name not in table.read_text()
    assert strange.name not in page.read_text()


def test_a_run_with_other_settings_starts_anew(lesions):
    run(lesions)
    other = replace(lesions, processing=ProcessingSettings(sloppy=True))
    assert set(run(other).values()) == {"done"}


def test_a_run_under_way_names_the_step_and_those_that_are_done(lesions):
    scan, start = index_dataset(lesions.bids_dir, Selection())[0], time.time() - 1
    jobs, left = {scan.prefix: participant.Job(scan, lesions)}, TimeLeft()

    before = participant._under_way(jobs, lesions.output_dir, start, left)
    participant.process(jobs[scan.prefix])
    after = participant._under_way(jobs, lesions.output_dir, start, left)

    assert before.endswith("1 left: sub-1 at anat")
    assert after.endswith("1 left: sub-1 at report (anat, features done)")


def test_overwrite_repeats_everything(lesions):
    run(lesions)
    assert set(run(replace(lesions, overwrite=True)).values()) == {"done"}


def test_an_empty_lesion_mask_fails_its_participant_only(lesions):
    path = next(lesions.bids_dir.glob("sub-1/anat/*.nii.gz"))
    image = nib.load(path)
    nib.save(nib.Nifti1Image(np.zeros(image.shape, dtype=np.uint8), image.affine), path)

    with pytest.raises(IncompleteRunError, match="1 of 2 failed: sub-1"):
        run(lesions)

    table = read_table(lesions.output_dir / "logs" / "participants_status.tsv")
    row = table.set_index(["participant_id", "modality"]).loc[("sub-1", "anat")]
    assert row["state"] == "failed"
    assert "empty" in row["reason"]
    assert (lesions.output_dir / "sub-2.html").is_file()


def test_nothing_of_an_earlier_run_stands_in_for_a_step_that_failed(lesions):
    run(lesions)
    path = next(lesions.bids_dir.glob("sub-1/anat/*.nii.gz"))
    image = nib.load(path)
    nib.save(nib.Nifti1Image(np.zeros(image.shape, dtype=np.uint8), image.affine), path)

    with pytest.raises(IncompleteRunError):
        run(lesions)

    table = read_table(lesions.output_dir / "logs" / "participants_status.tsv")
    row = table.set_index(["participant_id", "modality"]).loc[("sub-1", "features")]
    assert row["state"] == "failed"
    assert "anat failed" in row["reason"]
    left = [path for path in (lesions.output_dir / "sub-1").rglob("*") if path.is_file()]
    assert left == []


def test_a_derivative_that_was_cut_short_is_made_again(lesions):
    run(lesions)
    path = next(lesions.output_dir.glob("sub-1/anat/*mask.nii.gz"))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])

    states = run(lesions)

    assert path.read_bytes() == whole
    assert states["sub-1", "anat"] == "done"
    assert states["sub-1", "features"] == "kept"  # it was made of the same bytes
    assert states["sub-2", "anat"] == "kept"


def test_a_person_whose_worker_died_is_failed_and_the_others_are_done(lesions, monkeypatch):
    def work(_function, jobs, _resources):
        yield jobs[0], WorkerDiedError("the memory did not suffice")
        yield jobs[1], participant.process(jobs[1])

    monkeypatch.setattr(participant, "map_unordered", work)
    with pytest.raises(IncompleteRunError, match="1 of 2 failed: sub-1"):
        run(lesions)

    table = read_table(lesions.output_dir / "logs" / "participants_status.tsv")
    row = table.set_index(["participant_id", "modality"]).loc[("sub-1", "anat")]
    assert (row["state"], row["reason"]) == ("failed", "the memory did not suffice")
    assert set(table.loc[table["participant_id"] == "sub-2", "state"]) == {"done"}


def test_a_run_that_is_stopped_says_what_was_not_done(lesions, monkeypatch):
    def work(_function, jobs, _resources):
        yield jobs[0], participant.process(jobs[0])
        raise KeyboardInterrupt

    monkeypatch.setattr(participant, "map_unordered", work)
    with pytest.raises(KeyboardInterrupt):
        run(lesions)
    table = read_table(lesions.output_dir / "logs" / "participants_status.tsv")
    states = table.groupby("participant_id")["state"].agg(set).to_dict()
    assert states == {"sub-1": {"done"}, "sub-2": {"stopped"}}

    monkeypatch.undo()
    assert set(run(lesions).values()) == {"kept", "done"}


def test_a_full_disk_ends_the_run_and_is_no_fault_of_a_participant(lesions, monkeypatch):
    def full(*_args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tasks, "preprocess_standard_lesion", full)
    with pytest.raises(DiskFullError, match="No space left"):
        participant.run(lesions, index_dataset(lesions.bids_dir, lesions.selection))
    assert not list(lesions.output_dir.glob("logs/crash*"))


def test_the_page_does_not_say_of_an_input_that_failed_that_it_was_not_found(lesions):
    path = next(lesions.bids_dir.glob("sub-1/anat/*.nii.gz"))
    path.write_bytes(b"no image")
    with pytest.raises(IncompleteRunError):
        run(lesions)

    page = (lesions.output_dir / "sub-1.html").read_text()

    assert "No lesion mask was found" not in page
    assert "The lesion mask was found, but its processing failed" in page


def test_what_was_made_of_an_input_that_is_gone_is_deleted(lesions):
    run(lesions)
    series = lesions.output_dir / "sub-1" / "func" / "sub-1_bold.nii.gz"
    series.parent.mkdir()
    series.touch()
    record = lesions.output_dir / "logs" / "steps" / "sub-1_bold.json"
    record.write_text(json.dumps({"outputs": ["sub-1/func/sub-1_bold.nii.gz"]}))

    run(lesions)

    assert not series.exists()
    assert not record.exists()


@pytest.fixture
def mapped(lesions):
    """Settings for the anatomy alone, and a map that an earlier run made of a dwi."""
    for end in ("nii.gz", "bval", "bvec"):
        path = lesions.bids_dir / "sub-1" / "dwi" / f"sub-1_dwi.{end}"
        path.parent.mkdir(exist_ok=True)
        path.write_text("0 1000")
    alone = replace(lesions, selection=Selection(participants=("1",), modalities=("anat",)))
    run(alone)
    outputs = Outputs(lesions.output_dir, "1", None)
    fa = outputs.path("dwimap", "dwi", model="tensor", param="fa", standard=True)

    def work():
        fa.parent.mkdir(exist_ok=True)
        fa.touch()
        return [fa]

    anatomy, dwi = (Step(name, "sub-1", lesions.output_dir) for name in ("anat", "dwi"))
    dwi.run({"anat": anatomy.record}, lesions.processing, work)
    return alone, fa


def test_what_is_not_asked_for_is_kept(mapped):
    alone, fa = mapped

    with suppress(IncompleteRunError):  # the map is empty, so that there are no features
        run(alone)

    assert fa.exists()


def test_what_was_made_with_an_earlier_anatomy_is_deleted_and_said(mapped):
    alone, fa = mapped

    states = run(replace(alone, processing=ProcessingSettings(sloppy=True)))

    assert not fa.exists()
    assert states["sub-1", "dwi"] == "outdated"
    assert "--modalities anat dwi" in (alone.output_dir / "sub-1.html").read_text()


def test_settings_of_the_diffusion_do_not_repeat_the_anatomy(lesions):
    run(lesions)
    states = run(replace(lesions, processing=ProcessingSettings(gibbs=True)))

    assert states["sub-1", "anat"] == "kept"


@pytest.fixture
def drawn(tmp_path):
    """Return the inputs of the anatomy, by name, with a mask drawn on one of the images."""
    paths = {name: tmp_path / name for name in ("t1", "flair", "trace", "lesion")}

    def drawn(image, space=None):
        lesion = LesionFile(path=paths["lesion"], participant="1", image=image, space=space)
        scan = Scan(
            participant="1",
            t1w=paths["t1"],
            flair=paths["flair"],
            trace=paths["trace"],
            lesion=lesion,
        )
        settings = Settings(bids_dir=tmp_path, output_dir=tmp_path, level="participant")
        return tasks.TASKS["anat"](scan, Outputs(tmp_path, "1", None), settings).inputs

    return drawn


def test_the_same_mask_on_another_image_is_another_input(drawn):
    keys = [drawn("T1w"), drawn("FLAIR"), drawn("standard", "MNI"), drawn("standard", "MNI152")]
    assert len({frozenset(key.items()) for key in keys}) == 4


def test_the_image_that_a_mask_was_drawn_on_is_an_input(drawn, tmp_path):
    assert tmp_path / "trace" in drawn("dwi").values()


@pytest.mark.parametrize("way", ["processes", "shards", "stopped"])
def test_the_way_of_running_does_not_change_a_byte(lesions, tmp_path, monkeypatch, way):
    run(lesions)
    other = replace(lesions, output_dir=tmp_path / "other")

    if way == "processes":
        run(replace(other, resources=Resources(n_procs=2)))
    if way == "shards":
        for part in (2, 1):
            run(replace(other, selection=Selection(shard=(part, 2))))
    if way == "stopped":
        with monkeypatch.context() as patch:
            patch.setitem(participant.TASKS, "features", Mock(side_effect=KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                run(other)
        run(other)

    ours, theirs = (files_of(settings.output_dir) for settings in (lesions, other))
    assert len(ours) > 20
    assert [
        path for path in ours.keys() | theirs.keys() if ours.get(path) != theirs.get(path)
    ] == []


def files_of(output):
    """All files, but the table that has how long steps took."""
    found = contents(output)
    return {path: data for path, data in found.items() if path.stem != "participants_status"}


@pytest.mark.slow
def test_a_simulated_participant_comes_close_to_the_truth_and_can_be_learned_from(tmp_path):
    bids_dir = tmp_path / "bids"
    simulate(
        SimulationSettings(
            output_dir=bids_dir,
            n_participants=1,
            n_controls=0,
            voxel_size=3.0,
            n_directions=12,
            seed=2,
            n_procs=1,
            modalities=("anat", "dwi", "bold"),
            n_volumes=110,
        )
    )
    settings = Settings(
        bids_dir=bids_dir,
        output_dir=tmp_path / "out",
        level="participant",
        selection=Selection(participants=("001",)),
        resources=Resources(n_procs=1),
    )
    run_level(settings)

    assert validate(settings.output_dir) == []
    quality = compare_with_truth(bids_dir, Outputs(settings.output_dir, "001", None))

    assert validate(settings.bids_dir) == []
    assert quality["brain_dice"] > 0.93
    assert min(quality["gm_correlation"], quality["wm_correlation"]) > 0.8
    assert quality["deformation_mm"] < 2.5
    assert quality["fa_error"] < 0.07
    check_sidecars(settings, "001")
    check_chain(settings, tmp_path)  # here, since the participant level takes longer than the rest
