"""What a run would do, without doing it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from motor_bids_app.bids.scan import Scan
from motor_bids_app.errors import MotorBidsAppError
from motor_bids_app.opening import check_file
from motor_bids_app.reports.participant.methods import PIECES
from motor_bids_app.settings import Selection

_COLUMNS = ("T1w", "T2w", "FLAIR", "dwi", "bold", "eeg", "emg", "lesion")


def overview(scans: Sequence[Scan], selection: Selection) -> str:
    """Return a table of participants and what there is of each, as text."""
    width = max(len("participant"), *(len(scan.prefix) for scan in scans))
    lines = [f"{'participant':{width}}  " + "  ".join(f"{name:6}" for name in _COLUMNS) + "  runs"]
    for scan in scans:
        absent = _absent(scan)
        states = {name: "broken" if absent[name] else "yes" for name in absent}
        cells = "  ".join(f"{states.get(name, '-'):6}" for name in _COLUMNS)
        lines.append(
            f"{scan.prefix:{width}}  {cells}  {', '.join(planned(scan, selection)) or '-'}"
        )
        notes = (
            *taken_from(scan.finished.datasets),
            *scan.notes,
            *scan.doubts,
            *filter(None, absent.values()),
        )
        lines += [f"{'':{width}}  {note}" for note in notes]
    lines.append(f"{len(scans)} to process; nothing was written (--dry-run).")
    return "\n".join(lines)


def _absent(scan: Scan) -> dict[str, str]:
    """Say of each image or recording why its content is not there; '' of those that have it."""
    paths = {
        "T1w": scan.t1w,
        "T2w": scan.t2w,
        "FLAIR": scan.flair,
        "dwi": scan.dwi,
        "bval": scan.bval,
        "bvec": scan.bvec,
        "bold": scan.bold and scan.bold.path,
        "eeg": scan.eeg and scan.eeg.path,
        "emg": scan.emg and scan.emg.path,
        "lesion": scan.lesion and scan.lesion.path,
    }
    return {name: _problem(path) for name, path in paths.items() if path}


def _problem(path: Path) -> str:
    """Why a file cannot be opened; '' if it can."""
    try:
        check_file(path)
    except MotorBidsAppError as error:
        return str(error)
    return ""


def planned(scan: Scan, selection: Selection) -> list[str]:
    """Return the steps that this scan has files for, among those asked for."""
    standard_lesion = scan.lesion is not None and scan.lesion.is_standard
    steps = []
    if "anat" in selection.modalities and (scan.anatomy or standard_lesion):
        steps.append("anat")
    if "dwi" in selection.modalities and (scan.dwi or scan.finished.diffusion):
        steps.append("dwi")
    if "bold" in selection.modalities and scan.bold:
        steps.append("bold")
    recordings = {"eeg": scan.eeg, "emg": scan.emg}
    steps += [kind for kind, file in recordings.items() if kind in selection.modalities and file]
    return steps


def taken_from(datasets: Mapping[str, str]) -> list[str]:
    """Say what was taken from which finished derivative: {'head': 'fmriprep'} and so on."""
    by_dataset: dict[str, list[str]] = {}
    for piece, name in datasets.items():
        by_dataset.setdefault(name, []).append(PIECES[piece])
    return [f"from {name}: {', '.join(pieces)}" for name, pieces in by_dataset.items()]
