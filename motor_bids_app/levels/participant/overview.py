"""What a run would do, without doing it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from motor_bids_app.bids.bold import BoldFile
from motor_bids_app.bids.lesion_names import LesionFile
from motor_bids_app.bids.recordings import RecordingFile
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
        present = {
            "T1w": scan.t1w,
            "T2w": scan.t2w,
            "FLAIR": scan.flair,
            "dwi": scan.dwi,
            "bold": scan.bold,
            "eeg": scan.eeg,
            "emg": scan.emg,
            "lesion": scan.lesion,
        }
        problems = {name: problem for name, file in present.items() if (problem := _problem(file))}
        states = {name: "yes" if file else "-" for name, file in present.items()}
        states |= dict.fromkeys(problems, "no")
        cells = "  ".join(f"{states[name]:6}" for name in _COLUMNS)
        lines.append(
            f"{scan.prefix:{width}}  {cells}  {', '.join(planned(scan, selection)) or '-'}"
        )
        lines += [
            f"{'':{width}}  {note}"
            for note in (
                *taken_from(scan.finished.datasets),
                *scan.notes,
                *(f"{name} cannot be read: {problem}" for name, problem in problems.items()),
            )
        ]
    lines.append(f"{len(scans)} to process; nothing was written (--dry-run).")
    return "\n".join(lines)


def _problem(file: Path | BoldFile | RecordingFile | LesionFile | None) -> str:
    """Why a file that is named cannot be opened; empty if it can, or there is none."""
    path = file if file is None or isinstance(file, Path) else file.path
    try:
        if path is not None:
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
