"""The documents become a site that holds together and fetches nothing."""

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
LOADED = r'<(?:link|script|img|iframe|source)\b[^>]*?\b(?:href|src)="([^"]+)"'
IN_STYLE = r"url\(([^)]+)\)|@import\s+[\"']([^\"']+)"


def build(pages, folder, confdir=DOCS):
    """Run Sphinx as `make docs` does; return its exit code and what it complains about."""
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--quiet"]
    command += ["-c", confdir, "-d", folder / "doctrees", pages, folder / "site"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    code, complaints = build(DOCS, folder)
    assert code == 0, complaints
    return folder / "site"


def test_every_document_is_a_page_of_the_site(site):
    assert {path.stem for path in DOCS.glob("*.md")} <= {path.stem for path in site.glob("*.html")}


def test_pictures_keep_a_clone_small():
    sizes = [path.stat().st_size for path in (DOCS / "pictures").glob("*.png")]
    assert len(sizes) >= 5
    assert max(sizes) <= 150_000
    assert sum(sizes) <= 1_000_000


def test_the_site_loads_nothing_from_elsewhere_and_has_what_it_loads(site):
    loaded = [
        (page, address)
        for page in site.glob("*.html")
        for address in re.findall(LOADED, page.read_text())
        if 'rel="canonical"' not in address
    ]
    loaded += [
        (sheet, (one or other).strip("\"'"))
        for sheet in site.rglob("*.css")
        for one, other in re.findall(IN_STYLE, sheet.read_text())
    ]
    assert len(loaded) > 100
    for source, address in loaded:
        if address.startswith(("data:", "#")):
            continue
        assert not urlsplit(address).netloc, f"{source.name} loads {address}"
        path = source.parent / unquote(urlsplit(address).path)
        assert path.exists(), f"{source.name} loads {address}, which is not there"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param("[gone](gone.md)", "gone.md", id="page"),
        pytest.param("[gone](index.md#gone)", "gone", id="heading"),
        pytest.param("![gone](gone.png)", "gone.png", id="picture"),
    ],
)
def test_a_dead_link_stops_the_site(tmp_path, text, complaint):
    (tmp_path / "index.md").write_text(f"# Pages\n\n{text}\n")

    code, complaints = build(tmp_path, tmp_path / "out")

    assert code != 0
    assert complaint in complaints


def test_a_page_outside_the_navigation_stops_the_site(tmp_path):
    (tmp_path / "index.md").write_text("# Pages\n")
    (tmp_path / "stray.md").write_text("# Stray\n")

    code, complaints = build(tmp_path, tmp_path / "out")

    assert code != 0
    assert "stray" in complaints
