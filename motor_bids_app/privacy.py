"""What is said of people: no name, no date, and of ages above 89, which identify, '89+'."""

import re

OLDEST = 89  # years; the limit of HIPAA and of BIDS
_LONGEST_CODE = 12  # characters
_WORD = re.compile(r"[^\W\d_]{4,}")
_DATE = re.compile(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}")


def quoted(cell: str) -> str:
    """A cell as messages may quote it: a number or a code; of names, dates and remarks the length.

    >>> quoted("12,5"), quoted("pat_1"), quoted("Schmidt"), quoted("1931-02-01")
    ("'12,5'", "'pat_1'", 'a text of 7 characters', 'a text of 10 characters')
    """
    return repr(cell) if is_code(cell) else f"a text of {len(cell)} characters"


def is_code(cell: str) -> bool:
    """Whether a cell is short, and neither a date nor a word, which may be somebody's name."""
    return is_short(cell) and not _WORD.search(cell)


def holds_date(cell: str) -> bool:
    """Whether a cell looks like a date.

    >>> holds_date("1931-02-01"), holds_date("12.5")
    (True, False)
    """
    return _DATE.search(cell) is not None


def is_short(cell: str) -> bool:
    """Whether a cell is one short word, and no date: of several people, it names none of them."""
    return len(cell) <= _LONGEST_CODE and " " not in cell and not _DATE.search(cell)


def shown_age(years: float) -> str:
    """Age as outputs give it; models keep the exact one.

    >>> shown_age(54.2), shown_age(89), shown_age(97)
    ('54.2', '89', '89+')
    """
    return f"{years:.3g}" if years <= OLDEST else f"{OLDEST}+"


def no_older(years: float) -> float:
    """Age that numbers made of it may be of: all above 89 count as 90.

    >>> no_older(97), no_older(54.2)
    (90, 54.2)
    """
    return OLDEST + 1 if years > OLDEST else years


def shown(quantity: str, value: float) -> str:
    """Value of a quantity with three digits, the age as `shown_age`.

    >>> shown("age", 97), shown("lesion_volume", 97)
    ('89+', '97')
    """
    return shown_age(value) if quantity == "age" else f"{value:.3g}"
