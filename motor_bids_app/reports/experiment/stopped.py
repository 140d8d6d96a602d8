"""The page of an experiment that the audit stopped: what was found, and that nothing was fitted."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from motor_bids_app.reports.pages import Table, render


@dataclass(frozen=True, kw_only=True)
class StoppedReport:
    """All that the page shows; `audit` has the columns name, check, state and finding."""

    name: str
    question: str
    n_people: int
    audit: pd.DataFrame
    stopping: tuple[str, ...]  # names of the checks that stopped it, for --allow
    leftovers: tuple[str, ...] = ()  # files of an earlier run in the same folder
    configuration: str = ""  # the experiment, as TOML
    versions: Mapping[str, str] = field(default_factory=dict)


def render_stopped(report: StoppedReport) -> str:
    """Return the page as one self-contained HTML file."""
    stopping = report.audit[report.audit["name"].isin(list(report.stopping))]
    return render(
        "stopped.html",
        report=report,
        findings=tuple(stopping["finding"]),
        audit=Table.of(
            report.audit,
            "Checks for problems that would inflate the results. The people concerned are listed "
            "in audit.tsv.",
            {"check": "Check", "state": "Result", "finding": "Finding"},
        ),
        contents={"audit": "Audit", "next": "What to do", "settings": "Settings"},
        versions=report.versions,
    )
