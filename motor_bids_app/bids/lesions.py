"""Which lesion masks a participant has in a session, and the image each was drawn on."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.affines import apply_affine
from numpy.typing import NDArray

from motor_bids_app.bids.files import read_json
from motor_bids_app.bids.headers import DAMAGED
from motor_bids_app.bids.lesion_names import (
    TAKEN_NAMES,
    LesionFile,
    is_lesion_name,
    is_likely_lesion,
    lesion_image,
)
from motor_bids_app.bids.listing import Found
from motor_bids_app.bids.mni_spaces import has_box_of_template, moved_in_words, space_of
from motor_bids_app.bids.scan import ANATOMY, BidsFilter, Scan
from motor_bids_app.bids.search import matches
from motor_bids_app.errors import MotorBidsAppError
from motor_bids_app.opening import check_file
from motor_bids_app.settings import MNI_SPACES, STANDARD_SPACE

_APART = 1.001  # mm at a corner, from which two images are in two places


def find_lesions(dataset: str, files: Sequence[Found], bids_filter: BidsFilter) -> list[LesionFile]:
    """The lesion masks among the files of a dataset, by name, and what each was drawn on."""
    return [
        LesionFile(
            path=file.path,
            participant=file.get("subject"),
            session=file.get("session"),
            space=file.get("space"),
            image=lesion_image(file.entities, file.path.name, _sidecar(file.path)),
            dataset=dataset,
        )
        for file in files
        if is_lesion_name(file.entities, file.path.parent.as_posix())
        and matches(file, "lesion", bids_filter)
    ]


def _sidecar(path: Path) -> dict[str, Any]:
    """The sidecar of a mask; empty where there is none to read."""
    try:
        return read_json(path.parent / (path.name.split(".")[0] + ".json"))
    except MotorBidsAppError:
        return {}


def find_other_masks(files: Sequence[Found]) -> list[Found]:
    """Files whose names sound like a lesion mask and are none of those that are taken."""
    return [
        file
        for file in files
        if not is_lesion_name(file.entities, file.path.parent.as_posix())
        and is_likely_lesion(file.path.name)
    ]


def with_other_masks(scans: Sequence[Scan], names: Sequence[str]) -> list[Scan]:
    """Say which masks were not taken; where there is no other, that makes the results doubtful."""
    if not names:
        return [*scans]
    text = f"not taken for lesion masks: {', '.join(names)} (names that are: {TAKEN_NAMES})"
    return [
        replace(scan, notes=(*scan.notes, text))
        if scan.lesion
        else replace(scan, doubts=(*scan.doubts, f"{text[:1].upper()}{text[1:]}."))
        for scan in scans
    ]


def with_lesion(scan: Scan, lesions: Sequence[LesionFile]) -> Scan:
    """Add the lesion mask: native before standard, then in the order of the datasets.

    Parts of one lesion, in masks whose names differ in a number or a side only, belong together.
    """
    usable, remarks = [], []
    for lesion in lesions:
        if lesion.session not in (None, scan.session) and scan.session is not None:
            continue
        placed, remark = _place(lesion, scan)
        usable += [placed] if placed else []
        remarks += [(lesion, placed, remark)] if remark else []
    # sorted() keeps the order of the datasets among equals
    ranked = sorted(
        usable,
        key=lambda mask: (
            mask.is_standard,
            mask.is_standard and mask.space != STANDARD_SPACE,
            mask.session is None,
        ),
    )
    together = [lesion for lesion in ranked if lesion.whole == ranked[0].whole]
    used = [lesion.path for lesion in together]
    notes, doubts = [*scan.notes], [*scan.doubts]
    for lesion, placed, remark in remarks:
        # What is wrong with a mask of a standard space is of no matter where another is used.
        unused = lesion.is_standard and bool(used) and lesion.path not in used
        is_doubt = not unused and (lesion.is_standard or placed is None)
        (doubts if is_doubt else notes).append(remark)
    if not ranked:
        return replace(scan, notes=tuple(notes), doubts=tuple(doubts))
    first = ranked[0]
    if len(together) > 1:
        names = ", ".join(lesion.path.name for lesion in together)
        notes.append(f"{len(together)} lesion masks were united: {names}")
        first = replace(first, parts=tuple(lesion.path for lesion in together[1:]))
    if len(usable) > len(together):
        notes.append(f"{len(usable)} lesion masks: used {first.path.name} ({first.dataset})")
    if first.is_standard and first.space != STANDARD_SPACE:
        notes.append(f"{first.path.name} is in {first.space}: {moved_in_words(first.space)}")
    return replace(scan, lesion=first, notes=tuple(notes), doubts=tuple(doubts))


def share_lesions(scans: Sequence[Scan], lesions: Sequence[LesionFile]) -> list[Scan]:
    """Give sessions without a lesion mask that of another session of the same participant.

    A mask that names no session was drawn on the image whose grid it has, if that is one alone.
    """
    return [_lend(_of_one_session(scan, scans), scans, lesions) for scan in scans]


def _lend(scan: Scan, scans: Sequence[Scan], lesions: Sequence[LesionFile]) -> Scan:
    """Give a scan without a mask the one of the session before it, or else of a later one."""
    if scan.lesion is not None or scan.session is None or not (scan.anatomy or scan.dwi):
        return scan
    place = [other.session for other in scans].index(scan.session)
    for other in (*reversed(scans[:place]), *scans[place + 1 :]):
        if other.lesion is not None and (other.lesion.is_standard or scan.anatomy):
            return _lent(scan, other.lesion, other)
    names = [lesion.path.name for lesion in lesions if lesion.session not in (None, scan.session)]
    if not names:
        return scan
    doubt = (
        f"The lesion mask of another session ({', '.join(names)}) could not be brought to "
        f"{scan.session_id}, for want of head images: the brain was processed as if it were intact."
    )
    return replace(scan, doubts=(*scan.doubts, doubt))


def _lent(scan: Scan, lesion: LesionFile, other: Scan) -> Scan:
    """The scan with the mask of another session, on the image that it was drawn on there."""
    assert scan.anatomy is not None or lesion.is_standard
    drawn_on, name = other.lesion_drawn_on, lesion.path.name
    how = f"by registering that {lesion.image} and the head image of {scan.session_id}"
    if lesion.is_standard:
        how = "as it is in the standard space"
    elif scan.anatomy and drawn_on == scan.anatomy[0]:
        how = "as it was drawn on the head image used here"
    else:
        image = f"{lesion.image} of {_session(other)}"
        lesion = replace(lesion, image=image, drawn_on=drawn_on)
    note = f"{scan.session_id} has no lesion mask: {name} of {_session(other)} was taken, {how}"
    return replace(scan, lesion=lesion, notes=(*scan.notes, note))


def _of_one_session(scan: Scan, scans: Sequence[Scan]) -> Scan:
    """Find out in which session a mask without session was drawn."""
    lesion = scan.lesion
    if lesion is None or lesion.is_standard or lesion.session or len(scans) == 1:
        return scan
    images = {
        _session(other): path
        for other in scans
        if (path := other.image(lesion.image or "")) is not None
    }
    fits = {session: path for session, path in images.items() if same_place(lesion.path, path)}
    if len(images) == 1 or (len(fits) == 1 and _session(scan) in fits):
        return scan
    if len(fits) == 1:
        ((session, drawn_on),) = fits.items()
        image = f"{lesion.image} of {session}"
        note = f"{lesion.path.name} was drawn on the {image}, and brought from there"
        moved = replace(lesion, image=image, drawn_on=drawn_on)
        return replace(scan, lesion=moved, notes=(*scan.notes, note))
    note = (
        f"{lesion.path.name} names no session: it was taken to be drawn on the {lesion.image} of "
        f"{_session(scan)}"
    )
    return replace(scan, notes=(*scan.notes, note))


def _session(scan: Scan) -> str:
    return scan.session_id or "no session"


def _place(lesion: LesionFile, scan: Scan) -> tuple[LesionFile | None, str]:
    """Name the image the mask was drawn on; None if that is not there, and what to say of it."""
    drawn_on = _image_of(lesion, scan)
    if drawn_on is not None:
        return drawn_on, (
            f"{lesion.path.name} says {lesion.space} in its name, but its voxels are those of the "
            f"{drawn_on.image}, and it is assumed to have been drawn on that"
        )
    if lesion.is_standard:
        space, remark = space_of(lesion.path, lesion.space or STANDARD_SPACE)
        if space:
            return replace(lesion, space=space), remark
        return None, (
            f"The lesion mask {lesion.path.name} was left out: {remark}. Give a mask in one of "
            f"{', '.join(MNI_SPACES)}, or one drawn on an image of the participant."
        )
    finished = scan.finished
    name = lesion.image or (scan.anatomy[1] if scan.anatomy else "dwi")
    if finished.head:  # a mask of the tool that made the head, or of its space, is drawn on it
        by_tool = lesion.dataset == finished.datasets.get("head")
        named = f"_space-{lesion.space}_" in finished.head.name
        if named or (by_tool and lesion.image in (None, finished.contrast)):
            return replace(lesion, image=finished.contrast, drawn_on=finished.head), ""
    raw = scan.raw_image(name) if name in (*ANATOMY, "dwi") else None
    if raw and has_box_of_template(lesion.path) and not has_box_of_template(raw):
        return None, (
            f"The lesion mask {lesion.path.name} was left out: its voxels are those of an MNI152 "
            f"template, not of {raw.name}. Name its space, such as space-MNI152NLin6Asym; or, if "
            "it was drawn on that image, resample it to that."
        )
    if raw:
        return replace(lesion, image=name, drawn_on=raw), ""
    for other in (*ANATOMY, "dwi"):
        path = scan.image(other)
        if path is not None and same_place(lesion.path, path):
            remark = (
                f"{lesion.path.name} was drawn on a {name} that is missing; it has the grid of the "
                f"{other} and is assumed to have been drawn on that"
            )
            return replace(lesion, image=other, drawn_on=path), remark if other != name else ""
    what = f"a {name} that is not there" if name in (*ANATOMY, "dwi") else f"{name!r}"
    if not lesion.image and scan.anatomy is None:
        what = "an image that is not there"
    return None, (
        f"The lesion mask {lesion.path.name} was left out: it was drawn on {what}, so there is no "
        f"{lesion.image or 'image'} to place it with. Provide that image, or a mask drawn on an "
        "image in the dataset."
    )


def _image_of(lesion: LesionFile, scan: Scan) -> LesionFile | None:
    """A mask that is called one of a standard space, on the image whose voxels it has."""
    if not lesion.is_standard or has_box_of_template(lesion.path):
        return None
    for name in (*ANATOMY, "dwi"):
        path = scan.image(name)
        if path is not None and same_place(lesion.path, path):
            return replace(lesion, image=name, drawn_on=path)
    return None


def same_place(one: Path, other: Path) -> bool:
    """Whether two images have the same voxels, by their headers, whatever the order of axes."""
    try:
        for path in (one, other):
            check_file(path)
        first, second = (nib.load(path) for path in (one, other))
        apart = np.linalg.norm(_corners(first)[:, None] - _corners(second), axis=-1)
    except (MotorBidsAppError, AttributeError, *DAMAGED):
        return False  # what cannot be read is told by who reads it
    same_size = sorted(first.shape[:3]) == sorted(second.shape[:3])
    return same_size and bool((apart.min(axis=1) <= _APART).all())


def _corners(image: nib.Nifti1Image) -> NDArray[np.float64]:
    """Outermost voxels, shape (8, 3), mm."""
    ends = np.array(list(product(*((0, n - 1) for n in image.shape[:3]))))
    return np.asarray(apply_affine(image.affine, ends), dtype=np.float64)
