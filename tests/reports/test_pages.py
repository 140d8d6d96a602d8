import base64

import pytest
from jinja2 import UndefinedError

from motor_bids_app.reports.pages import Figure, Table, format_number, render

WORDS = {"title": "T", "caption": "C", "alt": "Slices."}


def test_a_picture_is_embedded_with_its_alternative_text():
    figure = Figure(name="brain-mask", data=b"\x89PNG", media_type="image/png", **WORDS)

    assert figure.file_name == "brain-mask.png"
    assert figure.html == '<img src="data:image/png;base64,iVBORw==" alt="Slices.">'


def test_both_states_of_a_pair_are_named_and_embedded(read_page):
    pair = {"data": b"one", "second": b"two", "states": ("before", "after")}
    figure = Figure(name="bias", media_type="image/png", **WORDS, **pair)

    first, second = read_page(figure.html + figure.second_html).all("img")
    assert [one["src"].partition("base64,")[2] for one in (first, second)] == ["b25l", "dHdv"]
    assert (first["alt"], second["alt"]) == ("Slices.", "The same slices: after.")


@pytest.mark.parametrize("states", [(), ("before",), ("before", 2)])
def test_a_pair_with_an_unnamed_state_is_refused(states):
    with pytest.raises(ValueError, match="states"):
        Figure(name="a", data=b"", second=b"x", states=states, media_type="image/png", **WORDS)


def test_nothing_of_a_chart_but_an_image_reaches_the_page():
    svg = b'<svg style="max-width:756px" onload="run()"><script>run()</script></svg>'
    figure = Figure(
        name="roc",
        data=svg,
        media_type="image/svg+xml",
        **{**WORDS, "alt": 'a "b" <c>'},
    )

    start, _, rest = figure.html.partition("base64,")
    encoded, _, end = rest.partition('"')
    assert start == '<img src="data:image/svg+xml;'
    assert base64.b64decode(encoded) == svg
    assert end == ' style="max-width:756px" alt="a &#34;b&#34; &lt;c&gt;">'
    assert figure.wide
    assert figure.file_name == "roc.svg"


def test_a_picture_of_another_kind_is_refused():
    with pytest.raises(ValueError, match="media_type"):
        Figure(name="page", data=b"", media_type="text/html", **WORDS)


@pytest.mark.parametrize("name", ["../up", "Brain", "a--b", ""])
def test_a_name_that_is_no_file_stem_is_refused(name):
    with pytest.raises(ValueError, match="lower-case"):
        Figure(name=name, data=b"", media_type="image/png", **WORDS)


def test_a_missing_variable_is_an_error():
    with pytest.raises(UndefinedError):
        render("participant.html")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (float("nan"), "n/a"),
        (-0.5, "-0.500"),
        (123456.7, "123,457"),
        (True, "True"),
        (2.5e-9, "2.50e-09"),
        ("left", "left"),
    ],
)
def test_numbers_are_written_for_people(value, text):
    assert format_number(value) == text


def test_a_table_takes_the_columns_it_is_told(predictions):
    table = Table.of(predictions, "People", {"predicted": "P", "participant_id": "Who"})

    assert table.columns == ("P", "Who")
    assert table.rows[0][1] == "sub-00"
    assert table.numeric == {0}
