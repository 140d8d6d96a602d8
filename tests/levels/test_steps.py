import pytest

from motor_bids_app.errors import InputMissingError
from motor_bids_app.levels.steps import Step
from motor_bids_app.settings import ProcessingSettings


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "T1w"
    path.write_text("image")
    return path


@pytest.fixture
def runs(tmp_path, source):
    """Run the step once more, and return whether work was done."""
    output = tmp_path / "out" / "brain"
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


def test_a_step_that_died_is_repeated(runs, source):
    def die():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runs.step.run({"t1w": source}, ProcessingSettings(), die)
    assert runs()


def test_content_that_was_never_fetched_is_named(tmp_path):
    link = tmp_path / "T1w.nii.gz"
    link.symlink_to(tmp_path / "annex")

    with pytest.raises(InputMissingError, match="fetch its content"):
        Step("anat", "sub-01", tmp_path).run({"t1w": link}, ProcessingSettings(), list)
