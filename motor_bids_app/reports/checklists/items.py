"""Items of a checklist, and what a run says to them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from motor_bids_app.reports.checklists.facts import RunFacts

State = Literal["filled", "partly", "open"]


@dataclass(frozen=True, kw_only=True)
class Item:
    """One item.

    Parameters
    ----------
    number : str
        As in the checklist.
    section : str
    topic : str
        What it asks, in own short words.
    open : str
        What the authors have to write; empty if the run says all.
    say : callable
        Text from the values of a run; empty where the run cannot know. None if it never can.
    """

    number: str
    section: str
    topic: str
    open: str = ""
    say: Callable[[RunFacts], str] | None = None

    def __post_init__(self) -> None:
        if not self.open and self.say is None:
            raise ValueError(f"item {self.number} is neither open nor filled")


@dataclass(frozen=True, kw_only=True)
class Filled:
    """An item with what one run says."""

    item: Item
    from_run: str

    @property
    def for_authors(self) -> str:
        """What is left to write."""
        if self.item.open:
            return self.item.open
        return "" if self.from_run else "This run does not tell: describe it."

    @property
    def state(self) -> State:
        """Whether the run said all, a part, or nothing."""
        if not self.from_run:
            return "open"
        return "partly" if self.for_authors else "filled"


@dataclass(frozen=True, kw_only=True)
class Checklist:
    """A checklist: its items in order, and where their numbers come from.

    `name` is a file stem; `preamble` says how to use it.
    """

    name: str
    title: str
    preamble: str
    citation: str
    doi: str
    items: tuple[Item, ...]

    def fill(self, facts: RunFacts) -> tuple[Filled, ...]:
        """Every item with what the run says."""
        return tuple(
            Filled(item=item, from_run="" if item.say is None else item.say(facts))
            for item in self.items
        )
