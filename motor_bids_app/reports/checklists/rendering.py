"""A filled checklist as JSON, and as a page."""

from itertools import groupby
from typing import Any

from motor_bids_app.reports.checklists.facts import RunFacts
from motor_bids_app.reports.checklists.items import Checklist, Filled
from motor_bids_app.reports.pages import Reference, render

STATES = {
    "filled": ("filled from the run", "good"),
    "partly": ("partly from the run", "warn"),
    "open": ("open for the authors", "plain"),
}


def checklist_json(checklist: Checklist, facts: RunFacts) -> dict[str, Any]:
    """Items with their states and texts."""
    filled = checklist.fill(facts)
    return {
        "checklist": checklist.title,
        "source": checklist.citation,
        "doi": checklist.doi,
        "experiment": facts.experiment,
        "counts": _counts(filled),
        "items": [
            {
                "number": one.item.number,
                "section": one.item.section,
                "topic": one.item.topic,
                "state": one.state,
                "from_run": one.from_run,
                "for_authors": one.for_authors,
            }
            for one in filled
        ],
    }


def render_checklist(checklist: Checklist, facts: RunFacts) -> str:
    """Return the page of a checklist as one self-contained HTML file."""
    filled = checklist.fill(facts)
    sections = {name: tuple(items) for name, items in groupby(filled, lambda one: one.item.section)}
    anchors = {name: f"section-{number}" for number, name in enumerate(sections, start=1)}
    return render(
        "checklist.html",
        checklist=checklist,
        facts=facts,
        sections=sections,
        anchors=anchors,
        states=STATES,
        counts={STATES[state][0].capitalize(): n for state, n in _counts(filled).items()},
        contents={anchor: name for name, anchor in anchors.items()} | {"source": "Source"},
        references=(Reference(key="source", citation=checklist.citation, doi=checklist.doi),),
        versions=facts.libraries,
    )


def _counts(filled: tuple[Filled, ...]) -> dict[str, int]:
    return {state: sum(one.state == state for one in filled) for state in STATES}
