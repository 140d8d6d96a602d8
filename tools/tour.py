"""Take the pictures of docs/tour.md: parts of pages of the demo, as a browser shows them.

usage: python tools/tour.py DEMO

DEMO is the folder of `make demo`. Chromium must be installed. Pictures go to docs/pictures; they
have few colours, so that a clone stays small.
"""

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

PICTURES = Path(__file__).parent.parent / "docs" / "pictures"
WIDTH = 1000  # pixels
COLOURS = 256
LARGEST = 150_000  # bytes of a picture
# A page cannot be asked for a part of it from a file: it is shown in a frame, moved there by name.
FRAME = """<!doctype html><style>body{{margin:0}}iframe{{border:0}}</style>
<iframe src="{address}" width="{width}" height="{height}"></iframe>"""


@dataclass(frozen=True, kw_only=True)
class Shot:
    """A part of a page: from the heading `part`, or from the top, `height` pixels of it."""

    page: str
    part: str = ""
    height: int


SHOTS = {
    "index": Shot(page="derivatives/index.html", height=520),
    "participant": Shot(page="derivatives/sub-001.html", height=800),
    "lesion": Shot(page="derivatives/sub-001.html", part="lesion", height=440),
    "verdict": Shot(page="derivatives/experiments/baselines/report.html", height=700),
    "models": Shot(page="derivatives/experiments/baselines/report.html", part="models", height=760),
    "prediction": Shot(
        page="new_derivatives/predictions/baselines/report.html", part="people", height=560
    ),
}


def take(shot: Shot, demo: Path, target: Path) -> None:
    """Write one picture.

    Raises
    ------
    SystemExit
        The demo has no such page, the browser fails, or the picture is too large.
    """
    page = (demo / shot.page).resolve()
    if not page.is_file():
        raise SystemExit(f"{page} does not exist: run `make demo` first.")
    if shot.part and f'id="{shot.part}"' not in page.read_text():
        raise SystemExit(f"{page} has no part {shot.part!r}.")
    with tempfile.TemporaryDirectory() as folder:
        frame, seen = Path(folder) / "frame.html", Path(folder) / "seen.png"
        address = page.as_uri() + (f"#{shot.part}" if shot.part else "")
        frame.write_text(FRAME.format(address=address, width=WIDTH, height=shot.height))
        command = [
            shutil.which("chromium") or "chromium", "--headless", "--no-sandbox", "--disable-gpu",
            "--hide-scrollbars", f"--user-data-dir={folder}/profile", f"--screenshot={seen}",
            f"--window-size={WIDTH},{shot.height}", "--virtual-time-budget=5000", frame.as_uri(),
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if not seen.is_file():
            raise SystemExit(f"Chromium took no picture of {page}: {done.stderr[-2000:]}")
        Image.open(seen).convert("RGB").quantize(COLOURS, Image.Quantize.FASTOCTREE).save(
            target, optimize=True
        )
    if target.stat().st_size > LARGEST:
        raise SystemExit(f"{target.name} has {target.stat().st_size} bytes: show less of the page.")


def main() -> None:
    """Take all pictures."""
    if len(sys.argv) != 2:
        raise SystemExit("usage: python tools/tour.py DEMO")
    PICTURES.mkdir(exist_ok=True)
    for name, shot in SHOTS.items():
        target = PICTURES / f"{name}.png"
        take(shot, Path(sys.argv[1]), target)
        print(f"{target.name}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
