"""What every report page is made of: figures, tables, and one way to render a template."""

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, Self, get_args

import numpy as np
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

_SCRIPTS = ("script.js", "viewer.js")
MediaType = Literal["image/png", "image/svg+xml"]
PersonPages = Mapping[str, Mapping[str, str]]  # "sub-01" -> "ses-1", or "" -> address


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A point of a chart that stands for one person, in the units of the drawing."""

    person: str  # "sub-01"
    x: float
    y: float
    session: str = ""  # "ses-1", where the mark is of one


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A picture with the words that belong to it.

    The builders in `checks` and `charts` write all of them; a level only places
    the figure in a report, and may save `data` under `figures/` + `file_name`.
    """

    name: str  # file stem, lower case with hyphens
    title: str
    caption: str  # how to read the picture, and what a problem would look like
    alt: str  # what is drawn, for those who cannot see it
    data: bytes
    media_type: MediaType
    marks: tuple[Mark, ...] = ()  # of a chart; a page links those of people who have a page
    second: bytes = b""  # the same slices in another state: readers wipe between the two
    states: tuple[str, ...] = ()  # of the two: ("before", "after")

    def __post_init__(self) -> None:
        if not all(isinstance(word, str) for word in (self.name, self.title, self.caption)):
            raise ValueError("name, title and caption must be texts.")
        if not re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", self.name):
            raise ValueError(f"name={self.name!r}: use lower-case letters, digits and hyphens.")
        if self.media_type not in get_args(MediaType):
            raise ValueError(f"media_type={self.media_type!r}: use image/png or image/svg+xml.")
        if not all(isinstance(state, str) for state in self.states):
            raise ValueError(f"states={self.states!r}: use texts.")
        if len(self.states) != (2 if self.second else 0):
            raise ValueError(f"states={self.states!r}: name both pictures where there are two.")

    @property
    def file_name(self) -> str:
        """Name of the picture as a file of its own."""
        return self.name + (".png" if self.media_type == "image/png" else ".svg")

    @property
    def wide(self) -> bool:
        """Whether a chart needs more width than a phone has; it is then scrolled sideways."""
        return self.most_width > 600

    @property
    def most_width(self) -> int:
        """Width of a chart in pixels; 0 for a photograph, which takes what there is."""
        found = re.search(rb"max-width:([0-9]{1,5})px", self.data[:400])
        return int(found[1]) if found and self.media_type == "image/svg+xml" else 0

    @property
    def view_box(self) -> str:
        """The units of a chart, for what a page lays over it."""
        found = re.search(rb'viewBox="([-0-9. ]+)"', self.data[:400])
        return found[1].decode("ascii") if found else ""

    @property
    def html(self) -> Markup:
        """The picture as HTML. An image, SVG too: in one, no script runs and nothing is fetched.

        Pictures of an output folder may come from elsewhere.
        """
        return self._image(self.data, self.alt)

    @property
    def second_html(self) -> Markup:
        """The second picture as HTML."""
        return self._image(self.second, f"The same slices: {self.states[1]}.")

    def _image(self, data: bytes, alt: str) -> Markup:
        encoded = base64.b64encode(data).decode("ascii")
        width = f' style="max-width:{self.most_width}px"' if self.most_width else ""
        start = Markup('<img src="data:{};base64,{}"').format(self.media_type, encoded)
        return start + Markup(width + ' alt="{}">').format(alt)  # noqa: S704 - escaped


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A publication that a text cites."""

    key: str  # how the text names it, as "Tustison et al. 2010"
    citation: str
    doi: str | None = None


@dataclass(frozen=True, kw_only=True)
class MethodsText:
    """Paragraphs that may be copied into a paper, and the works they cite."""

    paragraphs: tuple[str, ...]
    references: tuple[Reference, ...]


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows to print; the first cell of each is its heading, and names what the row is about."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    numeric: frozenset[int] = frozenset()  # positions of columns set to the right
    marked: str | None = None  # heading of the row that a reader should find first

    @classmethod
    def of(cls, frame: pd.DataFrame, caption: str, names: Mapping[str, str] | None = None) -> Self:
        """Take a data frame; `names` maps its columns to headings, and picks and orders them."""
        names = names or {str(column): str(column) for column in frame.columns}
        shown = frame[list(names)]
        return cls(
            caption=caption,
            columns=tuple(names.values()),
            rows=tuple(tuple(row) for row in shown.astype(object).itertuples(index=False)),
            numeric=frozenset(
                place
                for place, column in enumerate(shown.columns)
                if pd.api.types.is_numeric_dtype(shown[column])
            ),
        )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("motor_bids_app.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = format_number
    script = "".join(environment.get_template(name).render() for name in _SCRIPTS)
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    environment.globals["script"] = Markup(script)  # noqa: S704 - files of this package
    environment.globals["script_digest"] = digest
    return environment


def format_number(value: Any, digits: int = 3) -> str:
    """Write a number for people: few digits, no exponent where it can be avoided, text as it is.

    >>> [format_number(v) for v in (0.00071234, 12.3456, 15234.2, 3, None, "left")]
    ['0.000712', '12.3', '15,234', '3', 'n/a', 'left']
    """
    if value is None or value is pd.NA or (isinstance(value, float) and pd.isna(value)):
        return "n/a"
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        return str(value)
    value = float(value)
    if value.is_integer() or abs(value) >= 10**digits:
        return f"{value:,.0f}"
    if abs(value) < 1e-5:
        return f"{value:.{digits - 1}e}"
    decimals = digits - 1 - int(f"{value:e}".split("e")[1])
    return f"{value:.{max(decimals, 0)}f}"


def render(template: str, **context: Any) -> str:
    """Return the HTML of a template in `reports/templates`; an unknown variable is an error."""
    return _environment().get_template(template).render(**context)
