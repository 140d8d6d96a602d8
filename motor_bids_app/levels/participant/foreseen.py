"""What a run would refuse, as far as names and headers tell."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from motor_bids_app.bids.files import load_header
from motor_bids_app.bids.scan import Scan
from motor_bids_app.errors import MotorBidsAppError
from motor_bids_app.levels.participant.anatomy.lesion import GivenLesion, check_place
from motor_bids_app.levels.participant.diffusion.read import read_gradients
from motor_bids_app.levels.participant.functional.read import check_series
from motor_bids_app.opening import check_file
from motor_bids_app.spaces.grids import Grid


def foreseen(scan: Scan) -> dict[Path, MotorBidsAppError]:
    """The errors that a run would raise, by the file that they are about; no values are read."""
    checks: dict[Path, list[Callable[[], object]]] = {
        path: [partial(load_header, path)] for path in scan.images
    }
    for path in (scan.bval, scan.bvec, *scan.dwi_sidecars):
        if path:
            checks[path] = [partial(check_file, path)]
    for file in (scan.eeg, scan.emg):
        if file:
            checks |= {path: [partial(check_file, path)] for path in file.files.values()}
    if scan.dwi:
        checks[scan.dwi].append(partial(_check_dwi, scan))
    if scan.bold:
        checks[scan.bold.path].append(partial(_check_bold, scan))
    if scan.lesion:
        checks[scan.lesion.path].append(partial(_check_lesion, scan))
    found: dict[Path, MotorBidsAppError] = {}
    for path, ones in checks.items():
        try:
            for check in ones:
                check()
        except MotorBidsAppError as error:
            found[path] = error
    return found


def _check_dwi(scan: Scan) -> None:
    assert scan.dwi is not None
    read_gradients(scan, load_header(scan.dwi))


def _check_bold(scan: Scan) -> None:
    assert scan.bold is not None
    check_series(load_header(scan.bold.path), scan.bold)


def _check_lesion(scan: Scan) -> None:
    """Check that a mask lies where the image does that it was drawn on."""
    assert scan.lesion is not None
    if scan.lesion_drawn_on is None:
        return
    path, name = scan.lesion.path, scan.lesion.image or ""
    mask, image = load_header(path), load_header(scan.lesion_drawn_on)
    if min(mask.ndim, image.ndim) >= 3:
        check_place(GivenLesion(mask, str(path), name, image_grid=Grid.of(image)))
