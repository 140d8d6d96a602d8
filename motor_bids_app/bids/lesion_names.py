"""Lesion masks under all the names they have in the wild, and the image each belongs to."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STANDARD = "standard"  # instead of the name of an image of the participant
# Spaces of the MNI152 template and its kin. MNI305, infants' and single brains differ in size.
_STANDARD_SPACES = re.compile("(MNI|ICBM)(152.*)?|IXI549Space", re.IGNORECASE)
_IMAGE_BY_SPACE = {
    "t1w": "T1w", "t1": "T1w", "t2w": "T2w", "t2": "T2w", "flair": "FLAIR", "dwi": "dwi",
    "trace": "dwi", "adc": "dwi", "b0": "dwi",
}  # fmt: skip
_UNNAMED_SPACES = ("orig", "native", "individual", "scanner", "subject")
_WHOLE_LESION = re.compile("(T1w?|T2w?|FLAIR|dwi)?lesions?", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class LesionFile:
    """A lesion mask, and what it was drawn on.

    Parameters
    ----------
    path : Path
        The mask.
    participant, session : str, str or None
        Labels; no session: the mask is for all sessions of the participant.
    space : str or None
        Space as written in the name.
    image : str or None
        'T1w', 'T2w', 'FLAIR' or 'dwi': drawn on that image of the participant;
        'standard': in the standard space `space`; None: not said.
    dataset : str
        'raw', or the name of the derivative dataset that holds it.
    """

    path: Path
    participant: str
    session: str | None = None
    space: str | None = None
    image: str | None = None
    dataset: str = "raw"

    @property
    def is_standard(self) -> bool:
        """Whether the mask is in a standard space already."""
        return self.image == STANDARD


def is_lesion_name(entities: Mapping[str, Any]) -> bool:
    """Tell by its BIDS entities (pybids names) whether a file is a mask of the whole lesion.

    >>> is_lesion_name({"label": "L", "suffix": "mask"})
    True
    >>> is_lesion_name({"desc": "lesionAcute", "suffix": "mask"})  # one part of it
    False
    """
    label, desc, suffix = (entities.get(key) or "" for key in ("label", "desc", "suffix"))
    if suffix in ("msk", "lesion"):  # ISLES, and masks named by their suffix alone
        return True
    if suffix not in ("mask", "roi"):
        return False
    if label:
        return label == "L" or _WHOLE_LESION.fullmatch(label) is not None
    return _WHOLE_LESION.fullmatch(desc) is not None


def lesion_image(entities: Mapping[str, Any], name: str) -> str | None:
    """Return the image a lesion mask was drawn on, as in `LesionFile.image`.

    The space decides; without one the description (``desc-T1lesion``), an image named in
    the middle (``_T1w_label-lesion_roi``), and last the folder, where it is ``dwi``.

    >>> lesion_image({"space": "TRACE"}, "sub-1_space-TRACE_desc-lesion_mask.nii.gz")
    'dwi'
    >>> lesion_image({}, "sub-1_T1w_label-lesion_roi.nii.gz")
    'T1w'
    """
    space = entities.get("space") or ""
    if _STANDARD_SPACES.fullmatch(space):
        return STANDARD
    if space and space.lower() not in _UNNAMED_SPACES:
        return _IMAGE_BY_SPACE.get(space.lower(), space)
    drawn_on = _WHOLE_LESION.fullmatch(entities.get("desc") or "")
    if drawn_on and drawn_on[1]:
        return _IMAGE_BY_SPACE[drawn_on[1].lower()]
    named = re.search("_(T1w|T2w|FLAIR|dwi)_label", name)
    if named:
        return named[1]
    return "dwi" if entities.get("datatype") == "dwi" else None
