import pytest

from motor_bids_app.bids.files import read_json, write_json
from motor_bids_app.errors import ReadWriteError
from motor_bids_app.levels.participant.outputs import Outputs
from motor_bids_app.reports.pages import Figure, Mark

FIGURE = Figure(
    name="registration",
    title="Registration",
    caption="Look.",
    alt="Slices.",
    data=b"first",
    media_type="image/png",
)
PAIR = {"second": b"second", "states": ("participant", "template")}


@pytest.fixture
def outputs(tmp_path):
    made = Outputs(tmp_path, "1", None)
    made.figures.mkdir(parents=True)
    return made


@pytest.mark.parametrize("more", [{}, PAIR], ids=["one picture", "two pictures"])
def test_a_figure_is_loaded_as_it_was_saved(outputs, more):
    figure = Figure(**{**vars(FIGURE), **more})

    outputs.save_figure(figure)

    assert outputs.load_figure("registration") == figure
    assert {path.name for path in outputs.written} == {
        path.name for path in outputs.figures.iterdir()
    }


def test_the_words_of_a_figure_name_nobody(outputs):
    marked = Figure(**{**vars(FIGURE), "marks": (Mark(person="sub-secret", x=1, y=2),)})

    outputs.save_figure(marked)

    assert "sub-secret" not in (outputs.figures / "sub-1_registration.json").read_text()


@pytest.mark.parametrize("states", [["before"], [1, 2], None, 5], ids=str)
def test_words_that_do_not_fit_the_pictures_are_explained(outputs, states):
    outputs.save_figure(Figure(**{**vars(FIGURE), **PAIR}))
    path = outputs.figures / "sub-1_registration.json"
    write_json(path, {**read_json(path), "states": states})

    with pytest.raises(ReadWriteError, match="does not describe a picture"):
        outputs.load_figure("registration")
