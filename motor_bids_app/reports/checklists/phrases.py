"""Words of answers: numbers with their nouns, lists, names with values."""

from collections.abc import Iterable, Mapping


def many(number: int, what: str) -> str:
    """Number and noun.

    >>> many(1, "site"), many(3, "site")
    ('1 site', '3 sites')
    """
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def listing(items: Iterable[str], otherwise: str = "none") -> str:
    """Items with commas between them."""
    return ", ".join(items) or otherwise


def pairs(values: Mapping[str, object], between: str = "; ") -> str:
    """Names with their values."""
    return between.join(f"{name}: {value}" for name, value in values.items())
