import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def printed_by(tool, *words):
    command = [sys.executable, ROOT / "tools" / tool, *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_the_page_of_licences_is_up_to_date():
    written = printed_by("licences.py")

    assert written == (ROOT / "docs" / "licences.md").read_text(), (
        "run: python tools/licences.py > docs/licences.md"
    )
    assert "not told" not in written


@pytest.fixture
def status(tmp_path):
    path = tmp_path / "status"
    path.write_text(
        "Package: libc6\nStatus: install ok installed\nVersion: 2.36-9+deb12u9\n\n"
        "Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n"
    )
    return path


def test_the_bill_of_materials_has_each_locked_package_and_what_debian_installed(status):
    bill = json.loads(printed_by("sbom.py", status))
    found = {part["name"]: part for part in bill["components"]}

    locked = (ROOT / "requirements.lock").read_text()
    names = {line.partition("==")[0] for line in locked.splitlines() if "==" in line}
    assert names <= found.keys()
    assert not {"pytest", "sphinx", "mypy"} & found.keys()
    assert found["libc6"]["purl"] == "pkg:deb/debian/libc6@2.36-9%2Bdeb12u9"
    assert "gone" not in found
    assert all(part["purl"].startswith("pkg:") for part in bill["components"])
