"""Pages in a real browser: nothing fails, is fetched, is blank, or sticks out."""

import html
import json
import re
import shutil
import subprocess
from dataclasses import replace

import pandas as pd
import pytest

from motor_bids_app.reports.experiment.content import Block
from motor_bids_app.reports.experiment.page import render_experiment
from motor_bids_app.reports.experiment.people import people_table

from . import test_every_page as pages

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium"),
]
WIDTHS = (1280, 400)
_PROBE = """
<script>
addEventListener("load", async () => {
  const found = {};
  for (const frame of document.querySelectorAll("iframe")) {
    const page = frame.contentDocument, root = page.documentElement;
    const images = [...page.images];
    const decoded = await Promise.all(
      images.map((one) => one.decode().then(() => true, () => false)));
    const button = page.querySelector("table.explore thead button");
    const rows = () => [...page.querySelectorAll("table.explore tbody tr")];
    if (button) { button.click(); button.click(); }
    const field = page.querySelector("input[type=search]");
    const first = rows().length ? rows()[0].cells[0].textContent : "";
    if (field) { field.value = "sub-07"; field.dispatchEvent(new Event("input")); }
    const range = page.querySelector(".states input");
    const over = page.querySelector(".swipe img + img");
    if (range) { range.value = 25; range.dispatchEvent(new Event("input")); }
    const mark = page.querySelector(".marked a[tabindex='0']");
    if (mark) {
      mark.focus();
      mark.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
    }
    const next = page.activeElement;
    const inside = [...page.querySelectorAll("p, h1, h2, h3, dd, figcaption")].filter(
      (one) => !one.closest(".scroll, .picture") && !one.closest("[class~=spoken], .skip"));
    found[frame.title] = {
      images: images.length,
      blank: decoded.filter((one, k) => !one || !images[k].naturalWidth).length,
      wide: root.scrollWidth - frame.clientWidth,
      cut: inside.filter((one) => one.getBoundingClientRect().right > frame.clientWidth + 1).length,
      fetched: frame.contentWindow.performance.getEntriesByType("resource")
        .filter((one) => !one.name.startsWith("data:")).length,
      wiped: range ? frame.contentWindow.getComputedStyle(over).clipPath : null,
      laid: over ? ["left", "top", "width"].every((side) => {
        const [one, other] = [over, over.previousElementSibling].map(
          (image) => image.getBoundingClientRect()[side]);
        return Math.abs(one - other) < 1;
      }) : null,
      focus: range ? range.tabIndex === 0 && range.getAttribute("aria-valuetext") : null,
      first: first,
      mark: mark ? [mark, next].map((one) => one.getAttribute("aria-label")) : null,
      stops: page.querySelectorAll(".marked a[tabindex='0']").length,
      named: mark ? frame.contentWindow.getComputedStyle(next.querySelector("text")).visibility
        : null,
      shown: field ? rows().filter((one) => !one.hidden).length : null,
      clipped: [...page.querySelectorAll(".scroll")]
        .filter((one) => one.scrollWidth > one.clientWidth + 1)
        .map((one) => one.getAttribute("aria-label")),
      scrolls: [...page.querySelectorAll(".scroll")].every((one) => one.tabIndex === 0),
    };
  }
  document.body.dataset.found = JSON.stringify(found);
});
</script>
"""


def browse(folder, *options):
    """Run Chromium on page.html of a folder; return what it wrote, and what its console said."""
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"]
    command += [f"--user-data-dir={folder / 'profile'}", *options]
    ended = subprocess.run(
        [*command, (folder / "page.html").as_uri()], capture_output=True, text=True, timeout=300
    )
    return ended.stdout, [line for line in ended.stderr.splitlines() if "CONSOLE" in line]


def probed(folder, *options):
    """What the probe in page.html of a folder found, and what the console said.

    Chromium's virtual time can run out before a busy machine has decoded all images: three tries.
    """
    for _ in range(3):
        dom, said = browse(folder, "--dump-dom", "--virtual-time-budget=60000", *options)
        if found := re.search('data-found="([^"]*)"', dom):
            return json.loads(html.unescape(found[1])), said
    raise AssertionError("the probe did not run")


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """Function that shows pages in frames of all widths, and returns what was found of each."""

    def show(documents):
        folder = tmp_path_factory.mktemp("browser")
        frames = "".join(
            f'<iframe title="{name} {width}" style="width:{width}px;height:900px;border:0" '
            f'srcdoc="{html.escape(document)}"></iframe>'
            for name, document in documents.items()
            for width in WIDTHS
        )
        (folder / "page.html").write_text(f"<!DOCTYPE html><body>{_PROBE}{frames}</body>")
        return probed(folder)

    return show


def test_pages_hold_in_a_browser(shown, head, brain, experiment, answer):
    people = pd.DataFrame(
        {
            "participant_id": [f"sub-{k:02d}" for k in range(30)],
            "true": [k % 2 for k in range(30)],
            "predicted": [k / 30 for k in range(30)],
            "predicted_sd": 0.1,
        }
    )
    table = people_table(people, "x" * 60, "classification")
    links = {f"sub-{k:02d}": {"": f"../../sub-{k:02d}.html"} for k in range(30)}
    documents = {
        "participant": pages.participant(head, brain),
        "experiment": render_experiment(experiment),
        "people": render_experiment(
            replace(experiment, blocks=(Block(place="figures", tables=(table,)),))
        ),
        "linked": render_experiment(replace(experiment, person_pages=links)),
        "group": pages.group(answer),
        "prediction": pages.prediction(),
        "validation": pages.validation(experiment.blocks[1].figures[0]),
        "validations": pages.validations(),
        "index": pages.index(),
    }
    found, said = shown(documents)

    assert said == []
    assert len(found) == len(documents) * len(WIDTHS)
    for name, one in found.items():
        assert one["blank"] == 0, name
        assert one["wide"] <= 0, name
        assert one["cut"] == 0, name
        assert one["fetched"] == 0, name
        assert one["scrolls"], name
        assert one["clipped"] == [] or name.endswith(" 400"), name
    for width in WIDTHS:
        swiped = found[f"participant {width}"]
        assert swiped["images"] == 4
        assert swiped["laid"]
        assert swiped["wiped"].replace("0px", "0") == "inset(0 0 0 25%)"
        assert swiped["focus"] == "25 % before, the rest after"
        marked = found[f"linked {width}"]
        assert marked["mark"][0] != marked["mark"][1]  # arrow keys go on from the first
        assert marked["stops"] == 1
        assert marked["named"] == "visible"
    assert found["index 1280"]["first"] == "sub-14"  # sorted down by a second click
    assert found["index 1280"]["shown"] == 1  # by the filter


def test_a_participant_fits_on_few_numbered_pages(tmp_path, head, brain):
    features = {f"fa_region_{k}": float(k) for k in range(300)}  # stay on the screen
    document = pages.participant(head, brain, features)
    (tmp_path / "page.html").write_text(document)
    _, said = browse(tmp_path, f"--print-to-pdf={tmp_path / 'page.pdf'}")
    pdf = (tmp_path / "page.pdf").read_bytes()

    assert said == []
    assert 1 <= len(re.findall(rb"/Type\s*/Page[^s]", pdf)) <= 8
    assert "counter(page)" in document
