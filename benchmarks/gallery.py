"""Every real head and diffusion series, as the reports draw them, on one page in four parts.

usage: python benchmarks/gallery.py [DATA] [FOLDER]
DATA: the folder of real test data (default: MOTOR_BIDS_TEST_DATA, or ../shared/data).
FOLDER: for derivatives and gallery.html (default: bench_out/gallery); what is there is kept.
"""

import html
import logging
import os
import sys
from importlib.resources import files
from pathlib import Path

from real import heads, settings

from motor_bids_app.errors import IncompleteRunError
from motor_bids_app.levels.participant.outputs import Outputs
from motor_bids_app.levels.run import run_level

PARTS = {
    "Brain and tissue": ("brain-mask", "bias-field", "tissue"),
    "Registration": ("registration",),
    "Lesions": ("lesion-native", "lesion-standard"),
    "Diffusion": ("denoising", "motion", "susceptibility", "coregistration", "tensor-maps"),
}


def process(data: Path, folder: Path) -> list[tuple[str, Outputs]]:
    """Run the participant level on each dataset; return where each person's pictures are."""
    raw = folder / "heads"
    datasets = {
        "heads": raw if raw.exists() else heads(data, raw),
        "studyforrest": data / "studyforrest",
        "dwi_trio_20dir": data / "dwi_trio_20dir",
    }
    people = []
    for name, bids_dir in datasets.items():
        run = settings(bids_dir, folder / f"{name}_out")
        try:
            run_level(run)
        except IncompleteRunError as error:
            print(f"{name}: {error}")
        for report in sorted(run.output_dir.glob("sub-*.html")):
            label, *session = report.stem.removeprefix("sub-").split("_ses-")
            outputs = Outputs(run.output_dir, label, session[0] if session else None)
            people.append((f"{name}: {report.stem}", outputs))
    return people


def page(people: list[tuple[str, Outputs]]) -> str:
    """One self-contained page."""
    style = files("motor_bids_app.reports").joinpath("templates/style.css").read_text()
    body = ["<h1>Real images, as they were processed</h1>"]
    for part, names in PARTS.items():
        body.append(f'<section style="break-before: page"><h2>{part}</h2>')
        for title, outputs in people:
            shown = [figure for name in names if (figure := outputs.load_figure(name))]
            body += [f"<h3>{html.escape(title)}</h3>"] if shown else []
            body += [
                f"<figure><div class='picture photo'>{figure.html}</div><figcaption>"
                f"<p>{html.escape(figure.title)}. {html.escape(figure.caption)}</p>"
                "</figcaption></figure>"
                for figure in shown
            ]
        body.append("</section>")
    head = f'<meta charset="utf-8"><title>Gallery</title><style>{style}</style>'
    content = "\n".join(body)
    body_ = f'<body><div class="page"><main>{content}</main></div></body>'
    return f'<!doctype html><html lang="en"><head>{head}</head>{body_}</html>'


def main() -> int:
    """Process, write the page, and say where it is."""
    logging.basicConfig(level=logging.WARNING)
    default = os.environ.get("MOTOR_BIDS_TEST_DATA", "../shared/data")
    data = Path(sys.argv[1] if len(sys.argv) > 1 else default).resolve()
    folder = Path(sys.argv[2] if len(sys.argv) > 2 else "bench_out/gallery").absolute()
    folder.mkdir(parents=True, exist_ok=True)
    people = process(data, folder)
    (folder / "gallery.html").write_text(page(people), encoding="utf-8")
    print(f"{len(people)} people in {folder / 'gallery.html'}")
    return 0 if people else 1


if __name__ == "__main__":
    sys.exit(main())
