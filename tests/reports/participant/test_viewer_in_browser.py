"""The viewer in a real browser: it draws, obeys mouse and keys, and tells the right values."""

import html
import re

import numpy as np
import pytest

from ..test_browser import CHROMIUM, probed
from .test_viewer import page, volumes

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium"),
]
_PROBE = """
<script>
addEventListener("load", async () => {
  const frame = document.querySelector("iframe"), page = frame.contentDocument;
  const box = page.querySelector(".viewer"), found = { told: {} };
  const wait = () => new Promise((go) => setTimeout(go, 20));
  for (let k = 0; k < 200 && !box.classList.contains("started"); k += 1) await wait();
  found.live = frame.contentWindow.getComputedStyle(box.querySelector(".live")).display;
  found.excuse = frame.contentWindow.getComputedStyle(box.querySelector(".absent")).display;
  if (found.live !== "none") {
    const [axial, coronal, sagittal] = box.querySelectorAll("canvas");
    const tell = (name) => { found.told[name] = box.querySelector("output").textContent; };
    const press = (one, key) => one.dispatchEvent(new frame.contentWindow.KeyboardEvent(
      "keydown", { key, bubbles: true }));
    const pixels = (one) => {
      const copy = document.createElement("canvas");
      [copy.width, copy.height] = [one.width, one.height];
      const pen = copy.getContext("2d", { willReadFrequently: true });
      pen.drawImage(one, 0, 0);
      return pen.getImageData(0, 0, one.width, one.height).data;
    };
    const places = (one, wanted) => {
      const [all, found] = [pixels(one), []];
      for (let k = 0; k < all.length; k += 4) {
        if (!wanted(all[k], all[k + 1], all[k + 2])) continue;
        found.push([(k / 4) % one.width / one.width, Math.floor(k / 4 / one.width) / one.height]);
      }
      return found;
    };
    const isRed = (red, green, blue) => red > 200 && green < 120 && blue < 120;
    found.bright = [axial, coronal, sagittal].map(
      (one) => places(one, (...all) => Math.max(...all) > 20).length);
    found.red = [axial, coronal].map((one) => places(one, isRed));
    tell("start");
    press(axial, "ArrowRight"); press(axial, "ArrowUp"); press(axial, "PageUp"); tell("keys");
    press(sagittal, "ArrowLeft"); press(coronal, "ArrowDown"); tell("more keys");
    const x = box.querySelector(".axes input");
    x.value = 26; x.dispatchEvent(new Event("input")); tell("slider");
    found.spoken = x.getAttribute("aria-valuetext");
    const overlay = box.querySelector("[name=overlay]");
    overlay.value = "2"; overlay.dispatchEvent(new Event("input"));
    for (let k = 0; k < 50; k += 1) await wait();
    tell("overlay");
    overlay.value = "3"; overlay.dispatchEvent(new Event("input"));
    for (let k = 0; k < 50; k += 1) await wait();
    const isYellow = (red, green, blue) => red > 150 && red < 230 && green > 150 && blue < 100;
    found.yellow = [axial, coronal, sagittal].map((one) => places(one, isYellow));
    const drawn = axial.getBoundingClientRect();
    axial.dispatchEvent(new frame.contentWindow.PointerEvent("pointerdown", { buttons: 1,
      clientX: drawn.left + 0.25 * drawn.width, clientY: drawn.top + 0.25 * drawn.height }));
    tell("click");
    for (let k = 0; k < 100; k += 1) press(axial, "ArrowLeft");
    tell("edge");
    found.focusable = [...box.querySelectorAll("canvas, input:not([type=hidden]), select")]
      .every((one) => one.tabIndex === 0);
  }
  document.body.dataset.found = JSON.stringify(found);
});
</script>
"""


def explore(folder, document):
    """Use a viewer as a reader would; return what it drew and told, and what the console said."""
    frame = f'<iframe style="width:1280px;height:900px" srcdoc="{html.escape(document)}"></iframe>'
    (folder / "page.html").write_text(f"<!DOCTYPE html><body>{_PROBE}{frame}</body>")
    return probed(folder)


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    brain, maps = volumes()
    found, said = explore(tmp_path_factory.mktemp("viewer"), page(maps, brain))
    assert said == []
    return found


def test_it_draws_and_a_lesion_of_the_left_is_at_the_left(seen):
    assert min(seen["bright"]) > 5_000
    for places in seen["red"]:
        assert len(places) > 50
        assert np.max(places) < 0.5  # left, and in the upper half


def test_it_tells_place_side_and_value(seen):
    told = seen["told"]
    assert told["start"] == "x = -22, y = 14, z = 10 mm (left) · T1w: 102 · in the lesion"
    assert told["slider"].startswith("x = 26, y = 14, z = 10 mm (right) · T1w: ")
    assert told["slider"].endswith(" · outside the lesion")
    assert float(re.search("T1w: ([0-9.]+)", told["slider"])[1]) == pytest.approx(100, abs=2)
    assert "Ramp: 0.78 of it" in told["overlay"]  # (26 + 46) / 92
    assert seen["spoken"] == "26 mm, right"


def test_keys_move_the_crosshair_in_and_through_each_plane(seen):
    assert seen["told"]["keys"].startswith("x = -18, y = 18, z = 14 mm (left)")
    assert seen["told"]["more keys"].startswith("x = -18, y = 14, z = 10 mm (left)")
    assert seen["told"]["edge"].startswith("x = -42, ")


def test_a_click_moves_the_crosshair_to_where_it_points(seen):
    assert seen["told"]["click"].startswith("x = -22, y = 22, z = 10 mm (left)")


def test_a_map_of_the_right_front_and_top_is_drawn_there(seen):
    for places in seen["yellow"]:
        columns, rows = np.transpose(places)
        assert len(places) > 3_000
        assert columns.min() >= 0.5 - 0.01
        assert rows.max() <= 0.5 + 0.01


def test_all_controls_are_reached_by_keyboard(seen):
    assert seen["focusable"]


def test_without_script_a_sentence_stands_in_its_place(tmp_path):
    brain, maps = volumes()
    dead = re.sub("<script>.*?</script>", "", page(maps, brain), flags=re.S)
    found, _ = explore(tmp_path, dead)

    assert (found["live"], found["excuse"]) == ("none", "block")
