"""Labels of participants and sessions, read the same way wherever people write them."""

import re
from collections.abc import Iterable

_LABEL = re.compile("[0-9a-zA-Z+]+")


def participant_id(text: str) -> str:
    """The identifier that a cell or a word stands for.

    >>> participant_id(" 01"), participant_id("SUB-01")
    ('sub-01', 'sub-01')
    """
    return f"sub-{bare_label(text, 'sub-')}"


def session_id(text: str) -> str:
    """The session that a cell or a word stands for.

    >>> session_id("pre "), session_id("ses-pre")
    ('ses-pre', 'ses-pre')
    """
    return f"ses-{bare_label(text, 'ses-')}"


def bare_label(text: str, prefix: str) -> str:
    """A label without blanks around it and without its prefix, in any case.

    >>> bare_label("Sub-01 ", "sub-")
    '01'
    """
    label = text.strip()
    return label[len(prefix) :] if label.lower().startswith(prefix) else label


def is_label(text: str) -> bool:
    """Whether BIDS allows a label: letters and digits, and '+'."""
    return _LABEL.fullmatch(text) is not None


def near_miss(identifier: str, known: Iterable[str]) -> str:
    """Say which of `known` an identifier was likely meant to be, and how the two differ.

    Returns
    -------
    str
        "sub-001 is there, which differs only in leading zeros"; empty where none is alike.

    >>> near_miss("sub-1", ["sub-001", "sub-002"])
    'sub-001 is there, which differs only in leading zeros'
    """
    reductions = {
        "leading zeros": _without_zeros,
        "capitals": str.lower,
        "capitals and leading zeros": lambda text: _without_zeros(text.lower()),
        "punctuation, capitals or leading zeros": _plain,
    }
    others = sorted(set(known) - {identifier})
    for what, reduce in reductions.items():
        for other in others:
            if reduce(other) == reduce(identifier):
                return f"{other} is there, which differs only in {what}"
    return ""


def _without_zeros(text: str) -> str:
    return re.sub(r"(?<![0-9])0+(?=[0-9])", "", text)


def _plain(text: str) -> str:
    label = re.sub(r"\.0$", "", text.strip().lower())  # what a spreadsheet makes of a number
    label = re.sub("^(sub|ses)[-_ ]?((sub|ses)[-_ ]?)?", "", label)
    return _without_zeros(re.sub("[^0-9a-z]", "", label))
