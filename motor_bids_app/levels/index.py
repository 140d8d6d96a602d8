"""The page that leads to all others, written anew at the end of every level."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pandas as pd

from motor_bids_app import __version__
from motor_bids_app.bids.dataset import dataset_name, locked
from motor_bids_app.bids.files import write_text
from motor_bids_app.bids.status import read_status
from motor_bids_app.levels.person_pages import participant_files
from motor_bids_app.reports.index import IndexReport, PersonLink, render_index

_OVERALL = "all models"


def write_index(output_dir: Path, dataset: Path) -> None:
    """Save ``index.html``, with a link to every page that is there, of this run or another.

    Runs that share the folder list and write one after the other, or the one that wrote last might
    have looked before the pages of the others were there.

    Raises
    ------
    TryAgainError
        Another process held the lock of the folder for too long.
    """
    with locked(output_dir):
        write_text(output_dir / "index.html", render_index(_report(output_dir, dataset)))


def _report(output_dir: Path, dataset: Path) -> IndexReport:
    group = output_dir / "group.html"
    return IndexReport(
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


def _reports(output_dir: Path, level: str) -> Iterator[tuple[str, str]]:
    """Names and addresses of the pages of a level."""
    if (output_dir / level / "report.html").is_file():
        yield _OVERALL, f"{level}/report.html"
    for page in sorted((output_dir / level).glob("*/report.html")):
        yield page.parent.name, f"{level}/{quote(page.parent.name)}/report.html"


def _people(output_dir: Path) -> Iterator[PersonLink]:
    """Everyone who has a page or a status: who failed at once has none of the former."""
    told = {
        (str(participant), str(session)): rows
        for (participant, session), rows in read_status(output_dir)
        .fillna({"session_id": ""})
        .groupby(["participant_id", "session_id"])
    }
    pages = {
        (who, session or ""): quote(page) for who, session, page in participant_files(output_dir)
    }
    for key in sorted({*told, *pages}):
        name, href, rows = " ".join(filter(None, key)), pages.get(key, ""), told.get(key)
        yield PersonLink(name, href) if rows is None else _link(name, href, rows)


def _link(name: str, href: str, rows: pd.DataFrame) -> PersonLink:
    steps = {state: tuple(own["modality"]) for state, own in rows.groupby("state")}
    failed, stopped = steps.get("failed", ()), steps.get("stopped", ())
    wanted = ["failed"] if failed else ["stopped"] if stopped else ["done", "kept", "outdated"]
    told = rows[rows["state"].isin(wanted)]
    reasons = dict.fromkeys(str(text) for text in told["reason"].dropna())
    return PersonLink(name, href, failed, stopped, " ".join(reasons))
