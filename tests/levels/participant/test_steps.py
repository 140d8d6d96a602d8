import json
import os
import time

import pytest

from motor_bids_app.errors import DataError, InputMissingError
from motor_bids_app.levels.participant.steps import Step
from motor_bids_app.settings import ProcessingSettings


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "T1w"
    path.write_text("image")
    return path


@pytest.fixture
def runs(tmp_path, source):
    """Run the step once more, and return whether work was done."""
    output = tmp_path / "out" / "sub-01_brain"
    step = Step("anat", "sub-01", tmp_path / "out")

    def work():
        output.parent.mkdir(exist_ok=True)
        output.write_text("brain")
        return [output]

    def run(**settings):
        return step.run({"t1w": source}, ProcessingSettings(**settings), work)

    run.output, run.step = output, step
    return run


def test_a_finished_step_is_not_repeated(runs):
    assert runs()
    assert not runs()


def test_changed_input_repeats_the_step(runs, source):
    runs()
    source.write_text("another image")
    assert runs()


def test_changed_setting_repeats_the_step(runs):
    runs()
    assert runs(sloppy=True)


def test_lost_output_repeats_the_step(runs):
    runs()
    runs.output.unlink()
    assert runs()


@pytest.mark.parametrize("content", ["", "bra", "brawn", "brain and more"])
@pytest.mark.parametrize("age", [0, 3600])
def test_a_damaged_output_repeats_the_step(runs, content, age):
    runs()
    assert not runs()
    runs.output.write_text(content)
    if len(content) != len("brain"):  # a time that was kept does not hide another size
        os.utime(runs.output, (time.time() - age,) * 2)

    assert runs()
    assert runs.output.read_text() == "brain"
    assert not runs()


def test_an_output_that_was_copied_is_still_the_same(runs):
    runs()
    os.utime(runs.output)
    assert not runs()


def test_a_step_that_died_is_repeated(runs, source):
    def die():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runs.step.run({"t1w": source}, ProcessingSettings(), die)
    assert runs()


@pytest.fixture
def write(tmp_path, source):
    """Run a step that writes files of these names, and fails if there are none."""

    def write(*names, step="anat"):
        paths = [tmp_path / "out" / f"sub-01_{name}" for name in names]

        def work():
            for path in paths:
                path.write_text(step)
            if not paths:
                raise DataError("no brain")
            return paths

        Step(step, "sub-01", tmp_path / "out").run(
            {"t1w": source}, ProcessingSettings(), work, repeat=True
        )
        files = [path.name for path in (tmp_path / "out").iterdir() if path.is_file()]
        return {name.removeprefix("sub-01_") for name in files}

    (tmp_path / "out").mkdir()
    return write


def test_what_an_earlier_run_alone_wrote_is_deleted(write):
    assert write("brain", "lesion") == {"brain", "lesion"}
    assert write("brain") == {"brain"}


def test_what_another_step_wrote_is_left(write):
    write("brain", "lesion", step="dwi")
    write("lesion", step="anat")
    assert write("brain", step="dwi") == {"brain", "lesion"}


def test_a_step_that_fails_leaves_nothing_of_an_earlier_run(write, tmp_path):
    write("brain", "lesion")
    with pytest.raises(DataError, match="no brain"):
        write()
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    "name",
    [
        "{outside}",
        "../mine.txt",
        "sub-01/../../mine.txt",
        "sub-01/link/mine.txt",
        "sub-02/sub-02_T1w.nii.gz",
        "dataset_description.json",
        5,
        None,
        ["a"],
    ],
)
def test_a_record_deletes_nothing_but_files_of_its_own_scan(runs, tmp_path, name):
    runs()
    outside, out = tmp_path / "mine.txt", tmp_path / "out"
    others = [outside, out / "dataset_description.json", out / "sub-02" / "sub-02_T1w.nii.gz"]
    for path in others:
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")
    (out / "sub-01").mkdir()
    (out / "sub-01" / "link").symlink_to(tmp_path)
    name = str(outside) if name == "{outside}" else name
    record = json.loads(runs.step.record.read_text())
    runs.step.record.write_text(json.dumps(record | {"outputs": [*record["outputs"], name]}))

    assert runs()
    runs.step.discard()

    assert all(path.read_text() == "mine" for path in others)


@pytest.mark.parametrize(
    "content", ["[]", "{}", '{"outputs": 5}', '{"outputs": {"a": 1}}', "[" * 9999]
)
def test_a_record_that_cannot_be_is_none(runs, content):
    runs()
    runs.step.record.write_text(content)

    assert runs()
    assert not runs()


@pytest.mark.parametrize("change", ["again", "gone"])
def test_a_step_is_outdated_when_an_earlier_one_changed_after_it(tmp_path, source, change):
    anatomy, diffusion = (Step(name, "sub-01", tmp_path) for name in ("anat", "dwi"))
    anatomy.run({"t1w": source}, ProcessingSettings(), list)
    diffusion.run({"anat": anatomy.record}, ProcessingSettings(), list)
    assert not diffusion.is_outdated(anatomy)

    if change == "again":
        anatomy.run({"t1w": source}, ProcessingSettings(sloppy=True), list)
    else:
        anatomy.discard()

    assert diffusion.is_outdated(anatomy)
    assert not anatomy.is_outdated(diffusion)


def test_a_step_that_was_killed_is_known_by_its_record(runs, tmp_path, source):
    runs()
    assert not runs.step.was_killed
    seen = []

    def work():
        seen.append(runs.step.was_killed)  # as it is left should the process end here
        return [runs.output]

    runs.step.run({"t1w": source}, ProcessingSettings(sloppy=True), work)

    assert seen == [True]
    assert not runs.step.was_killed


def test_content_that_was_never_fetched_is_named(tmp_path):
    link = tmp_path / "T1w.nii.gz"
    link.symlink_to(tmp_path / "annex")

    with pytest.raises(InputMissingError, match="its content is not here"):
        Step("anat", "sub-01", tmp_path).run({"t1w": link}, ProcessingSettings(), list)
