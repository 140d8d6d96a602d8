import io
import xml.etree.ElementTree as ET
from importlib import resources

from PIL import Image

from motor_bids_app.reports.canvas import COLOURS, DARK, SERIES, new_chart, styled, to_png, to_svg


@styled
def chart(name="chart", text="plain"):
    canvas, (axes,) = new_chart()
    axes.plot([0, 1], [0, 1], color=SERIES["series-2"])
    axes.set_title(text)
    return to_svg(canvas, name)


def test_the_same_chart_gives_the_same_bytes():
    assert chart() == chart()


def test_a_chart_is_xml_that_holds_no_date():
    root = ET.fromstring(chart())

    assert root.tag.endswith("svg")
    assert b"<dc:date" not in chart()


def test_colours_follow_the_page_and_have_a_value_of_their_own():
    svg = chart().decode()

    assert "var(--series-2, #d55e00)" in svg
    bare = svg
    for name, colour in COLOURS.items():
        bare = bare.replace(f"var(--{name}, {colour})", "")
    assert "#000000" not in bare  # nothing that would vanish in the dark


def test_every_colour_has_the_tone_that_the_page_gives_it_in_the_dark():
    page = resources.files("motor_bids_app.reports") / "templates" / "style.css"
    light, dark = page.read_text().split("@media", 2)[:2]
    svg = chart().decode()

    assert set(DARK) == set(COLOURS)
    for name, colour in DARK.items():
        assert f"--{name}: {COLOURS[name]};" in light
        assert f"--{name}: {colour};" in dark
        assert f"--{name}:{colour};" in svg


def test_ids_differ_between_charts_of_a_page():
    def ids(svg):
        return {element.get("id") for element in ET.fromstring(svg).iter() if element.get("id")}

    assert ids(chart("one"))
    assert not ids(chart("one")) & ids(chart("two"))


def test_text_in_a_chart_is_escaped():
    svg = chart(text="<script>alert(1)</script>")

    assert b"<script" not in svg
    ET.fromstring(svg)


def test_a_png_has_a_palette():
    canvas, _ = new_chart()

    assert Image.open(io.BytesIO(to_png(canvas))).mode == "P"
