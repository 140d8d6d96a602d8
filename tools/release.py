"""Make what a release consists of, in dist/: wheel, documents, bill of materials, descriptor.

usage: python tools/release.py

Refuses a tree with changes, a version that is not the one of CITATION.cff, or that the changelog
still calls unreleased, and pages that are not up to date (but docs/outputs.md, which is written
from the results of runs). The wheel is then installed beside the packages of this environment and
has to tell its version. `make release` goes on with an installation from the package index alone,
and with the image.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
DIST = ROOT / "dist"
PAGES = {  # what writes a file of the repository
    "boutiques.json": ("-m", "motor_bids_app", "--bids-exec-spec"),
    "docs/commands.md": ("tools/commands.py",),
    "docs/experiments.md": ("tools/experiments.py",),
    "docs/licences.md": ("tools/licences.py",),
    "docs/methods.md": ("tools/methods.py",),
    "docs/options.md": ("tools/options.py",),
}


def output_of(*command: str | Path) -> str:
    """Standard output of a command that must succeed."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))} failed: {done.stderr.strip()[-2000:]}")
    return done.stdout


def version() -> str:
    """Version of the app, after a look whether all files agree on it."""
    told = output_of(sys.executable, "-m", "motor_bids_app", "--version").split()[-1]
    citation = re.search(r"^version: (\S+)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    if citation is None or citation[1] != told:
        raise SystemExit(f"CITATION.cff has another version than {told}.")
    heading = re.search(r"^## (\S+) \((.+)\)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    if heading is None or heading[1] != told or heading[2] == "unreleased":
        raise SystemExit(f"CHANGELOG.md does not begin with ## {told} (DATE).")
    return told


def check_pages() -> None:
    """Raise for a file that its tool would write in another way."""
    for name, words in PAGES.items():
        if output_of(sys.executable, *words) != (ROOT / name).read_text():
            raise SystemExit(f"{name} is not up to date: python {' '.join(words)} > {name}")


def make_wheel(told: str) -> Path:
    """Build the wheel, install it into an empty folder and ask it for its version."""
    output_of(
        sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
        "--wheel-dir", str(DIST), ".",
    )  # fmt: skip
    (wheel,) = DIST.glob("*.whl")
    with tempfile.TemporaryDirectory() as folder:
        output_of(
            sys.executable, "-m", "pip", "install", "--quiet", "--no-deps",
            "--target", folder, wheel,
        )  # fmt: skip
        code = f"import sys; sys.path.insert(0, {folder!r}); import motor_bids_app as app; "
        found = output_of(
            sys.executable, "-c", f"{code}print(app.__file__, app.__version__)"
        ).split()
    if found != [f"{folder}/motor_bids_app/__init__.py", told]:
        raise SystemExit(f"{wheel.name} holds {found} instead of version {told}.")
    return wheel


def make_site(told: str) -> None:
    """Pack the documents as a site, to be read without a network."""
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder) / f"motor_bids_app-{told}-docs"
        options = ("--fail-on-warning", "--quiet", "--doctree-dir", f"{folder}/doctrees")
        output_of(sys.executable, "-m", "sphinx", *options, "docs", site)
        shutil.make_archive(str(DIST / site.name), "zip", folder, site.name)


def main() -> None:
    """Check, build, and say what is there."""
    changed = output_of("git", "status", "--porcelain")
    if changed:
        raise SystemExit(f"There are changes that are not committed:\n{changed}")
    told = version()
    check_pages()
    shutil.rmtree(DIST, ignore_errors=True)
    DIST.mkdir()
    make_wheel(told)
    make_site(told)
    (DIST / "sbom.cdx.json").write_text(output_of(sys.executable, "tools/sbom.py"))
    shutil.copy(ROOT / "boutiques.json", DIST)
    print("\n".join(sorted(path.name for path in DIST.iterdir())))


if __name__ == "__main__":
    main()
