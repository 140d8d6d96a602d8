"""The page that leads to all others, written anew at the end of every level."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pandas as pd

from motor_bids_app import __version__
from motor_bids_app.bids.dataset import dataset_name
from motor_bids_app.bids.files import write_text
from motor_bids_app.bids.status import read_status
from motor_bids_app.levels.person_pages import participant_files
from motor_bids_app.reports.index import IndexReport, PersonLink, render_index

_OVERALL = "all models"


def write_index(output_dir: Path, dataset: Path) -> None:
    """Save ``index.html``, with a link to every page that is there, of this run or another."""
    group = output_dir / "group.html"
    report = IndexReport(
        dataset=dataset_name(dataset),
        pages={
            "group": {"Group report": group.name} if group.is_file() else {},
            **{
                level: dict(_reports(output_dir, level))
                for level in ("experiments", "predictions", "validations")
            },
        },
        people=tuple(_people(output_dir)),
        versions={"motor_bids_app": __version__},
    )
    write_text(output_dir / "index.html", render_index(report))


def _reports(output_dir: Path, level: str) -> Iterator[tuple[str, str]]:
    """Names and addresses of the pages of a level."""
    if (output_dir / level / "report.html").is_file():
        yield _OVERALL, f"{level}/report.html"
    for page in sorted((output_dir / level).glob("*/report.html")):
        yield page.parent.name, f"{level}/{quote(page.parent.name)}/report.html"


def _people(output_dir: Path) -> Iterator[PersonLink]:
    status = read_status(output_dir)
    told: dict[object, pd.DataFrame] = {}
    if len(status):
        names = ["participant_id", "session_id"]
        told = dict(iter(status.fillna({"session_id": ""}).groupby(names)))
    for participant, session, page in participant_files(output_dir):
        name = " ".join(filter(None, (participant, session)))
        rows = told.get((participant, session or ""))
        yield PersonLink(name, quote(page)) if rows is None else _link(name, page, rows)


def _link(name: str, page: str, rows: pd.DataFrame) -> PersonLink:
    failed = rows[rows["state"] == "failed"]
    told = failed if len(failed) else rows[rows["state"].isin(["done", "kept"])]
    reasons = dict.fromkeys(str(text) for text in told["reason"].dropna())
    return PersonLink(name, quote(page), tuple(failed["modality"]), " ".join(reasons))
