"""The page that leads to all others of an output folder."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from motor_bids_app.reports.pages import Table, render

_SECTIONS = {
    "group": "All experiments side by side",
    "experiments": "Experiments",
    "predictions": "Predictions",
    "validations": "Validations",
}


@dataclass(frozen=True)
class PersonLink:
    """The page of a participant and session, and how its processing ended."""

    name: str  # "sub-01 ses-1"
    href: str  # "" where there is no page
    failed: tuple[str, ...] = ()  # steps
    stopped: tuple[str, ...] = ()  # steps that the run did not come to, or did not finish
    remarks: str = ""


@dataclass(frozen=True, kw_only=True)
class IndexReport:
    """All that the page shows: links by section, name to address, and the people."""

    dataset: str
    pages: Mapping[str, Mapping[str, str]]  # keys: group, experiments, predictions, validations
    people: tuple[PersonLink, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)


def render_index(report: IndexReport) -> str:
    """Return the page as one self-contained HTML file."""
    sections = [
        (key, title, report.pages[key]) for key, title in _SECTIONS.items() if report.pages.get(key)
    ]
    counts = {
        "Participant pages": sum(bool(person.href) for person in report.people),
        "With a failed step": sum(bool(person.failed) for person in report.people),
    }
    stopped = sum(_state(person).startswith("stopped") for person in report.people)
    summary = counts | ({"Stopped before they were done": stopped} if stopped else {})
    people = Table(
        caption="The name links to the participant's page, where there is one.",
        columns=("Participant", "Processing", "Why"),
        rows=tuple((one.name, _state(one), one.remarks) for one in report.people),
    )
    return render(
        "index.html",
        report=report,
        contents={key: title for key, title, _ in sections} | {"people": "People"},
        sections=sections,
        summary=summary if report.people else {},
        people=people,
        pages={one.name: {"": one.href} for one in report.people if one.href},
        versions=report.versions,
    )


def _state(person: PersonLink) -> str:
    if person.failed:
        return f"failed: {', '.join(person.failed)}"
    if person.stopped:
        return f"stopped: {', '.join(person.stopped)}"
    return "to look at" if person.remarks else "done"
