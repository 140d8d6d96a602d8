"""Files that .bidsignore excludes, by the rules of .gitignore."""

import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from motor_bids_app.opening import read_text

_GLOB = re.compile(
    r"(?P<any_folders>(?:(?<=/)|^)\*\*/)|(?P<all_inside>(?<=/)\*\*$)|(?P<stars>\*+)|(?P<one>\?)"
    r"|\[(?P<negated>[!^]?)(?P<characters>\]?(?:\\.|[^\]\\])*)\]|\\(?P<escaped>.)|(?P<plain>.)",
    re.DOTALL,
)


@dataclass(frozen=True)
class _Rule:
    """One line: a pattern for paths relative to the dataset."""

    pattern: re.Pattern[str]
    is_exception: bool
    folders_only: bool


@dataclass(frozen=True)
class IgnoreRules:
    """What a dataset's .bidsignore says."""

    rules: tuple[_Rule, ...] = field(default=())

    @classmethod
    def of(cls, dataset: Path) -> "IgnoreRules":
        """Read the file of a dataset; no rules where there is none."""
        path = dataset / ".bidsignore"
        return cls.parse(read_text(path)) if path.is_file() else cls()

    @classmethod
    def parse(cls, text: str) -> "IgnoreRules":
        r"""Read lines of patterns.

        >>> IgnoreRules.parse("sub-02/dwi/\n").excluded("sub-02/dwi/sub-02_dwi.nii.gz")
        'sub-02/dwi'
        >>> IgnoreRules.parse("*_T1w.json").excluded("sub-02/anat/sub-02_T1w.nii.gz")
        """
        lines = (re.sub(r"(?<!\\)[ \t]+$", "", line) for line in text.splitlines())
        return cls(tuple(_rule(line) for line in lines if line and not line.startswith("#")))

    def excluded(self, path: str) -> str | None:
        """Return what excludes a path of the dataset: a folder that it is in, or itself; or None.

        In a folder that is excluded, no exception counts.
        """
        places = [str(place) for place in PurePosixPath(path).parents if str(place) != "."]
        for place in [*reversed(places), path]:
            state = False
            for rule in self.rules:
                if rule.pattern.fullmatch(place) and (place != path or not rule.folders_only):
                    state = not rule.is_exception
            if state:
                return place
        return None


def _rule(line: str) -> _Rule:
    is_exception = line.startswith("!")
    body = line[1:] if is_exception else line
    folders_only = body.endswith("/")
    body = body.rstrip("/") if folders_only else body
    anywhere = "" if "/" in body else "(?:.*/)?"
    expression = "".join(_translated(part) for part in _GLOB.finditer(body.removeprefix("/")))
    try:
        pattern = re.compile(anywhere + expression)
    except re.error:  # a range that runs backwards: nothing is in it
        pattern = re.compile("(?!)")
    return _Rule(pattern, is_exception, folders_only)


def _translated(part: re.Match[str]) -> str:
    """Return one piece of a pattern as a regular expression."""
    if part["any_folders"]:
        return "(?:.*/)?"
    if part["all_inside"]:
        return ".+"
    if part["stars"]:
        return "[^/]*"
    if part["one"]:
        return "[^/]"
    if part["characters"] is not None:
        inside = part["characters"].replace("[", r"\[")
        inside = rf"\{inside}" if inside.startswith(("]", "^")) else inside
        return f"(?!/)[{'^' if part['negated'] else ''}{inside}]"
    return re.escape(part["escaped"] or part["plain"])
