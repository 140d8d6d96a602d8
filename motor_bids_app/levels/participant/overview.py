"""What a run would do, without doing it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from motor_bids_app.bids.orientation import trusted_notes
from motor_bids_app.bids.scan import Scan
from motor_bids_app.errors import DataError, MotorBidsAppError
from motor_bids_app.levels.participant.foreseen import foreseen
from motor_bids_app.reports.participant.methods import PIECES
from motor_bids_app.settings import Selection

_COLUMNS = ("T1w", "T2w", "FLAIR", "dwi", "bold", "eeg", "emg", "lesion")  # of `_files`


def overview(scans: Sequence[Scan], selection: Selection) -> str:
    """Return a table of participants and what there is of each, as text.

    What headers and names tell of refusals is said in the words of the run.
    """
    width = max(len("participant"), *(len(scan.prefix) for scan in scans))
    lines = [f"{'participant':{width}}  " + "  ".join(f"{name:7}" for name in _COLUMNS) + "  runs"]
    for scan in scans:
        problems = foreseen(scan)
        cells = "  ".join(f"{_state(path, problems):7}" for path in _files(scan).values())
        lines.append(
            f"{scan.prefix:{width}}  {cells}  {', '.join(planned(scan, selection)) or '-'}"
        )
        notes = (
            *taken_from(scan.finished.datasets),
            *scan.notes,
            *trusted_notes(scan.images),
            *scan.doubts,
            *map(str, problems.values()),
        )
        lines += [f"{'':{width}}  {note}" for note in dict.fromkeys(notes)]
    lines.append(f"{len(scans)} to process; nothing was written (--dry-run).")
    return "\n".join(lines)


def _files(scan: Scan) -> dict[str, Path | None]:
    """The file of each column."""
    return {
        "T1w": scan.t1w,
        "T2w": scan.t2w,
        "FLAIR": scan.flair,
        "dwi": scan.dwi,
        "bold": scan.bold.path if scan.bold else None,
        "eeg": scan.eeg.path if scan.eeg else None,
        "emg": scan.emg.path if scan.emg else None,
        "lesion": scan.lesion.path if scan.lesion else None,
    }


def _state(path: Path | None, problems: Mapping[Path, MotorBidsAppError]) -> str:
    if path is None:
        return "-"
    problem = problems.get(path)
    return "yes" if problem is None else "refused" if isinstance(problem, DataError) else "broken"


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
