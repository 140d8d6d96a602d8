"""Pages by the rules of axe: no fault that keeps out people who cannot see or use a mouse."""

import json
import re
from dataclasses import replace
from importlib.resources import files

import pytest

from motor_bids_app.reports.checklists import CHECKLISTS, render_checklist
from motor_bids_app.reports.experiment.page import render_experiment

from .checklists.test_checklists import ONE
from .test_browser import CHROMIUM, probed
from .test_every_page import makers  # noqa: F401 (a fixture)

axe = pytest.importorskip("axe_playwright_python", reason="axe is not installed")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium"),
]
_RUN = """
addEventListener("load", async () => {
  document.querySelectorAll("details").forEach((one) => { one.open = true; });
  const found = (await axe.run()).violations.map((one) => ({
    rule: one.id, impact: one.impact, where: one.nodes.slice(0, 3).map((node) => node.html),
  }));
  document.body.dataset.found = JSON.stringify(found);
});
"""


def violations(folder, document, *options):
    """Return what axe finds wrong in a page."""
    script = files("axe_playwright_python").joinpath("axe.min.js").read_text()
    folder.mkdir(exist_ok=True)
    open_page = re.sub('<meta http-equiv="Content-Security-Policy"[^>]*>', "", document)
    checked = open_page.replace("</body>", f"<script>{script}\n{_RUN}</script></body>")
    (folder / "page.html").write_text(checked)
    found, _ = probed(folder, *options)
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_breaks_a_rule(tmp_path, makers, experiment, scheme):  # noqa: F811 (the fixture)
    documents = {name: make() for name, make in makers.items()}
    documents["checklist"] = render_checklist(CHECKLISTS[0], ONE)
    pages = {f"sub-{k:02d}": {"ses-1": "a.html", "ses-2": "b.html"} for k in range(30)}
    documents["linked"] = render_experiment(replace(experiment, person_pages=pages))
    dark = ["--force-dark-mode"] * (scheme == "dark")
    found = {name: violations(tmp_path / name, page, *dark) for name, page in documents.items()}
    assert not any(found.values()), json.dumps(found, indent=1)


def test_a_fault_is_found(tmp_path):
    main = '<main><h1>x</h1><img src="data:,"></main>'
    page = f'<html lang="en"><title>x</title><body>{main}</body></html>'
    assert [one["rule"] for one in violations(tmp_path, page)] == ["image-alt"]
