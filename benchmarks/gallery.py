"""Every real image, as the reports draw it, on one page: heads, lesions, diffusion, bold.

usage: python benchmarks/gallery.py [DATA] [FOLDER] [--only NAME ...]
DATA: the folder of real test data (default: MOTOR_BIDS_TEST_DATA, or ../shared/data).
FOLDER: for derivatives and gallery.html (default: bench_out/gallery); what is there is kept.
NAME: of a dataset of `DATASETS`; default: all.
Of the 360 masks of `soop_lesions` six are shown, from the smallest to the largest file. The maps of
`miccai3806` are finished, and finished maps have no pictures of their own.
"""

import argparse
import html
import logging
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

from real import dataset, heads, put, settings, soop

from motor_bids_app.errors import MotorBidsAppError
from motor_bids_app.levels.participant.outputs import Outputs
from motor_bids_app.levels.run import run_level
from motor_bids_app.reports.pages import Figure
from motor_bids_app.settings import Selection, Settings

PARTS = {
    "Brain and tissue": ("brain-mask", "bias-field", "tissue"),
    "Registration": ("registration",),
    "Lesions": ("lesion-native", "lesion-standard"),
    "Diffusion": (
        "denoising",
        "motion",
        "susceptibility",
        "coregistration",
        "tensor-maps",
        "tensor-residual",
    ),
    "Bold": (
        "bold-motion",
        "bold-susceptibility",
        "bold-coregistration",
        "bold-signal",
        "bold-connectivity",
        "bold-coupling",
    ),
}
_MASKS = 6  # of lesions in the standard space


def more_heads(data: Path, folder: Path) -> Path:
    """Old people in T1w and FLAIR, and a T2w."""
    root = dataset(folder, "More real heads")
    for path in sorted(data.glob("nichart_*/*_T1.nii.gz")):
        label = path.name.removesuffix("_T1.nii.gz")
        for end, contrast in (("T1", "T1w"), ("FL", "FLAIR")):
            source = path.with_name(f"{label}_{end}.nii.gz")
            put(source, root / f"sub-{label}/anat/sub-{label}_{contrast}.nii.gz")
    t2w = data / "heads_t2_flair_allineate/T2w.nii.gz"
    put(t2w, root / "sub-allineate/anat/sub-allineate_T2w.nii.gz")
    return root


DATASETS: dict[str, Callable[[Path, Path], Path] | None] = {  # how each is laid out, if it is not
    "heads": heads,
    "more_heads": more_heads,
    "ms_heads_t1_t2_flair": None,
    "soop": soop,
    "studyforrest": None,
    "dwi_ap_pa_b2500": None,
    "dwi_canon_orientations": None,
    "dwi_philips_trace": None,
    "dwi_trio_20dir": None,
}


def process(data: Path, folder: Path, names: list[str]) -> list[tuple[str, Outputs]]:
    """Run the participant level on each dataset; return where each person's pictures are."""
    people = []
    for name in names:
        lay_out, raw = DATASETS[name], folder / name
        if lay_out is None:
            raw = data / name
        elif not raw.exists():
            lay_out(data, raw)
        run = replace(settings(raw, folder / f"{name}_out"), skip_bids_validation=True)
        run = _some_lesions(run) if name == "soop" else run
        try:
            run_level(run)
        except MotorBidsAppError as error:
            print(f"{name}: {error}")
        for report in sorted(run.output_dir.glob("sub-*.html")):
            label, *session = report.stem.removeprefix("sub-").split("_ses-")
            outputs = Outputs(run.output_dir, label, session[0] if session else None)
            people.append((f"{name}: {report.stem}", outputs))
    return people


def _some_lesions(run: Settings) -> Settings:
    """Only people whose masks are spread over all sizes."""
    masks = sorted(
        run.bids_dir.glob("derivatives/lesions/sub-*/anat/*.nii.gz"),
        key=lambda path: (path.stat().st_size, path.name),
    )
    chosen = {masks[round(k * (len(masks) - 1) / (_MASKS - 1))] for k in range(_MASKS)}
    labels = tuple(sorted(path.parents[1].name.removeprefix("sub-") for path in chosen))
    return replace(run, selection=Selection(participants=labels))


def _class(figure: Figure) -> str:
    """Slices lie on black, charts on the page."""
    return "picture photo" if figure.media_type == "image/png" else "picture"


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
                f"<figure><div class='{_class(figure)}'>{figure.html}</div><figcaption>"
                f"<p>{html.escape(figure.title)}. {html.escape(figure.caption)}</p>"
                "</figcaption></figure>"
                for figure in shown
            ]
        body.append("</section>")
    head = f'<meta charset="utf-8"><title>Gallery</title><style>{style}</style>'
    content = "\n".join(body)
    body_ = f'<body><div class="page"><main>{content}</main></div></body>'
    return f'<!doctype html><html lang="en"><head>{head}</head>{body_}</html>'


def main(data: Path, folder: Path, names: list[str]) -> int:
    """Process, write the page, and say where it is."""
    logging.basicConfig(level=logging.WARNING)
    folder.mkdir(parents=True, exist_ok=True)
    people = process(data, folder, names)
    (folder / "gallery.html").write_text(page(people), encoding="utf-8")
    print(f"{len(people)} people in {folder / 'gallery.html'}")
    return 0 if people else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    default = os.environ.get("MOTOR_BIDS_TEST_DATA", "../shared/data")
    parser.add_argument("data", nargs="?", type=Path, default=Path(default))
    parser.add_argument("folder", nargs="?", type=Path, default=Path("bench_out/gallery"))
    parser.add_argument("--only", nargs="+", choices=DATASETS, default=list(DATASETS))
    given = parser.parse_args()
    sys.exit(main(given.data.resolve(), given.folder.absolute(), given.only))
