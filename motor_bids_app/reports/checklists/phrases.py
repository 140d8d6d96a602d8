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
    """Names with their values.

    >>> pairs({"window": [44.0, "s"], "bold": {"scrub": None, "seeds": []}, "gibbs": False})
    'window: 44.0 s; bold (scrub: none, seeds: none); gibbs: no'
    """
    return between.join(
        f"{name} ({pairs(value, ', ')})" if isinstance(value, Mapping) else f"{name}: {said(value)}"
        for name, value in values.items()
    )


def said(value: object) -> str:
    """A value as people write it."""
    if value is None or value in ([], ()):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return " ".join(map(said, value))
    return str(value)
