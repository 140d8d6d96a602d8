"""Which pages of participants an output folder has."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

_PERSON = re.compile(r"(sub-[0-9a-zA-Z+]+)(?:_(ses-[0-9a-zA-Z+]+))?\.html")


def participant_files(output_dir: Path) -> Iterator[tuple[str, str | None, str]]:
    """Yield participant ("sub-01"), session (or None) and name of each page, in order."""
    for path in sorted(output_dir.glob("sub-*.html")):
        if found := _PERSON.fullmatch(path.name):
            yield found[1], found[2], path.name


def person_pages(output_dir: Path, up: str = "") -> dict[str, dict[str, str]]:
    """Addresses of the pages of each participant: session ("ses-1", or "" without) to address.

    `up` leads from the page that has the link to `output_dir`, as "../../".
    """
    found: dict[str, dict[str, str]] = {}
    for participant, session, name in participant_files(output_dir):
        found.setdefault(participant, {})[session or ""] = f"{up}{quote(name)}"
    return found
