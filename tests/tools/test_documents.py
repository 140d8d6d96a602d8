"""Pages that are written from the code are those of the code, and their examples work."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from motor_bids_app.experiments.reading import parse_experiment

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["experiments", "methods", "options"])
def test_a_page_is_what_its_tool_writes(name):
    command = [sys.executable, ROOT / f"tools/{name}.py"]
    written = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert written == (ROOT / f"docs/{name}.md").read_text(), (
        f"run: python tools/{name}.py > docs/{name}.md"
    )


def test_a_release_checks_every_page_that_a_tool_writes_from_the_code():
    script = (ROOT / "tools/release.py").read_text()
    written = {
        path.name
        for path in (ROOT / "docs").glob("*.md")
        if " is written by `tools/" in path.read_text()
    }
    assert {"commands.md", "experiments.md", "methods.md", "options.md"} <= written
    assert [name for name in sorted(written) if f'"docs/{name}"' not in script] == []


def test_the_example_of_an_experiment_can_be_read():
    (example,) = re.findall(r"```toml\n(.+?)```", (ROOT / "docs/experiments.md").read_text(), re.S)
    found = parse_experiment(example, "example.toml")
    assert (found.name, found.inputs.maps) == ("nihss_by_lesion", ("lesion",))
