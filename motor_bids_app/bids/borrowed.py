"""Head images of another session, for series that have none in their own to be placed by."""

import re
from collections.abc import Sequence
from pathlib import Path

from motor_bids_app.bids.listing import Found
from motor_bids_app.bids.scan import ANATOMY

_NEED_A_HEAD = ("dwi", "bold")


def with_head(session: str | None, images: Sequence[Found]) -> tuple[list[Found], tuple[str, ...]]:
    """Images of a session of one participant, with the head of another where it has none.

    Parameters
    ----------
    session : str or None
        Its label.
    images : sequence of Found
        Images of all sessions.

    Returns
    -------
    list of Found
        With the head images of the session before it, by label, or else of the next.
    tuple of str
        What to say of that.
    """
    here = [image for image in images if image.get("session") == session]
    needed = any(image.get("suffix") in _NEED_A_HEAD for image in here)
    if not needed or any(_is_head(image) for image in here):
        return here, ()
    heads: dict[str, list[Found]] = {}
    for image in filter(_is_head, images):
        heads.setdefault(image.get("session") or "", []).append(image)
    if not heads:
        return here, ()
    earlier = [label for label in sorted(heads) if label < (session or "")]
    lender = earlier[-1] if earlier else min(heads)
    place = f"ses-{lender}" if lender else "no session"
    own = f"in ses-{session}" if session else "without session"
    note = f"no head image {own}: {heads[lender][0].path.name} of {place} was taken"
    return [*here, *heads[lender]], (note,)


def lacks_head(session: str | None, images: Sequence[Found]) -> bool:
    """Whether a session of one participant has series and no head image, or nothing at all."""
    here = [image for image in images if image.get("session") == session]
    needed = any(image.get("suffix") in _NEED_A_HEAD for image in here)
    return not any(_is_head(image) for image in here) and (needed or not here)


def borrowed_head(session: str | None, head: Path) -> tuple[str, ...]:
    """Say of a finished head that it is of another session, if so by its name."""
    named = re.search("_ses-([0-9a-zA-Z]+)_", head.name)
    if named is None or named[1] == session:
        return ()
    own = f"in ses-{session}" if session else "without session"
    return (f"no finished head {own}: {head.name} of ses-{named[1]} was taken",)


def _is_head(image: Found) -> bool:
    made = any(map(image.get, ("space", "desc")))  # by another tool, from such an image
    return image.get("suffix") in ANATOMY and not made
