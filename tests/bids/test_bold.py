import pytest

from motor_bids_app.bids.bold import choose_bold
from motor_bids_app.bids.finished_bold import find_finished_bold
from motor_bids_app.bids.listing import Found


@pytest.fixture
def found(tmp_path):
    """Bold files by name, with their entities as the index gives them."""

    def found(*names):
        files = []
        for name in names:
            pairs = dict(pair.split("-") for pair in name.split("_")[:-1])
            entities = {"subject": pairs.pop("sub"), "suffix": "bold", **pairs}
            path = tmp_path / "sub-01" / "func" / f"{name}.nii.gz"
            files.append(Found(path=path, entities=entities))
        return files

    return found


REST, MOTOR = "sub-01_task-rest_bold", "sub-01_task-motor_bold"


@pytest.mark.parametrize(
    ("names", "tasks", "chosen", "words"),
    [
        ([MOTOR, REST], (), REST, ""),
        ([MOTOR, REST], ("motor",), MOTOR, ""),
        ([MOTOR], (), MOTOR, "no resting run; task-motor used instead"),
        ([MOTOR], ("rest",), None, "bold left out: its tasks are task-motor"),
        (
            ["sub-01_task-rest_run-2_bold", "sub-01_task-rest_run-1_bold"],
            (),
            "sub-01_task-rest_run-1_bold",
            "2 bold images: used sub-01_task-rest_run-1_bold",
        ),
        (
            [f"sub-01_task-rest_echo-{echo}_bold" for echo in (1, 2, 3)],
            (),
            "sub-01_task-rest_echo-2_bold",
            "3 echoes: used echo 2 alone",
        ),
        ([], (), None, ""),
    ],
)
def test_one_series_is_chosen_and_the_choice_is_said(found, tmp_path, names, tasks, chosen, words):
    series, notes = choose_bold(found(*names), tasks, tmp_path)

    assert (series and series.path.name) == (chosen and f"{chosen}.nii.gz")
    assert words in "; ".join(notes)
    assert bool(words) == bool(notes)


def test_labels_and_sidecars_are_kept(found, tmp_path):
    (tmp_path / "task-rest_bold.json").write_text("{}")
    folder = tmp_path / "sub-01" / "func"
    folder.mkdir(parents=True)
    (folder / "sub-01_task-rest_run-01_bold.json").write_text("{}")

    series, _ = choose_bold(found("sub-01_task-rest_run-01_bold"), (), tmp_path)

    assert (series.task, series.run) == ("rest", "01")
    assert [path.name for path in series.sidecars] == [
        "task-rest_bold.json",
        "sub-01_task-rest_run-01_bold.json",
    ]


@pytest.fixture
def derivative(tmp_path):
    """A derivative with the files that are asked for, all empty."""

    def derivative(*names):
        for name in names:
            path = tmp_path / "sub-01" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return {"fmriprep": tmp_path}

    return derivative


TABLE = "func/sub-01_task-rest_desc-confounds_timeseries.tsv"
IN_T1W = "func/sub-01_task-rest_space-T1w_desc-preproc_bold.nii.gz"
IN_MNI = "func/sub-01_task-rest_space-MNI152NLin2009cAsym_res-2_desc-preproc_bold.nii.gz"
T1W = "anat/sub-01_desc-preproc_T1w.nii.gz"
MNI_T1W = "anat/sub-01_space-MNI152NLin2009cAsym_res-2_desc-preproc_T1w.nii.gz"


@pytest.mark.parametrize(
    ("names", "space", "head"),
    [
        ([TABLE, IN_T1W, IN_MNI, T1W, MNI_T1W], "T1w", T1W),
        ([TABLE, IN_MNI, T1W, MNI_T1W], "MNI152NLin2009cAsym", MNI_T1W),
    ],
)
def test_finished_bold_comes_with_the_head_of_its_space(derivative, names, space, head):
    bold, dataset, _ = find_finished_bold("01", None, derivative(*names), ())

    assert dataset == "fmriprep"
    assert (bold.space, bold.task) == (space, "rest")
    assert str(bold.head).endswith(head)
    assert str(bold.confounds).endswith(TABLE)


@pytest.mark.parametrize(
    "names",
    [[IN_T1W, T1W], [TABLE, IN_MNI.replace("2009cAsym", "6Sym"), T1W], [TABLE, T1W]],
    ids=["no confounds", "no head in its space", "no series"],
)
def test_finished_bold_that_cannot_be_used_is_left(derivative, names):
    assert find_finished_bold("01", None, derivative(*names), ()) is None


def test_finished_bold_of_another_task_or_session_is_left(derivative):
    folders = derivative(TABLE, IN_T1W, T1W)

    assert find_finished_bold("01", None, folders, ("motor",)) is None
    assert find_finished_bold("02", None, folders, ()) is None
