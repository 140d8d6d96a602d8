"""Bold that fMRIPrep has freed of motion and brought to the space of a head."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from motor_bids_app.bids.bold import REST, BoldFile
from motor_bids_app.bids.finished_pieces import (
    Piece,
    nested_datasets,
    pieces_for,
    pieces_of,
    plainest,
)
from motor_bids_app.bids.mni_spaces import known_space
from motor_bids_app.settings import STANDARD_SPACE


def find_finished_bold(
    participant: str, session: str | None, folders: Mapping[str, Path], tasks: Sequence[str]
) -> tuple[BoldFile, str, tuple[str, ...]] | None:
    """Choose a series; name its dataset, and say so where there are several runs or tasks.

    None where there is none that can be used.

    It needs a table of confounds, and a space that can be placed: our standard space, that of the
    T1w, any other for which the dataset has the T1w too, or another MNI152 space from which there
    is a displacement to ours. In this order they are preferred. Of
    several tasks the one asked for is taken, else rest; of several runs the first.
    """
    files = pieces_for(session, pieces_of(participant, nested_datasets(folders)))
    series = [file for file in files if file.suffix == "bold" and _is_usable(file, files, tasks)]
    if not series:
        return None
    resting = [file for file in series if file.labels.get("task", "").lower() in REST]
    best = min(resting or series, key=lambda file: _preference(file, files))
    head, brain = _head(best, files), _brain(best, files)
    table = _confounds(best.path)
    assert table is not None
    sidecar = best.path.parent / (best.path.name.split(".")[0] + ".json")
    found = BoldFile(
        path=best.path,
        task=best.labels.get("task"),
        run=best.labels.get("run"),
        sidecars=(sidecar,) if sidecar.is_file() else (),
        confounds=table,
        space=best.space,
        head=head.path if head else None,
        head_brain=brain.path if brain else None,
    )
    others = {(file.labels.get("task"), file.labels.get("run")) for file in resting or series}
    notes: tuple[str, ...] = ()
    if len(others) > 1:
        notes = (f"{len(others)} finished bold series: used {best.path.name} alone",)
    return found, best.dataset, notes


def _is_usable(file: Piece, files: Sequence[Piece], tasks: Sequence[str]) -> bool:
    wanted = not tasks or file.labels.get("task") in tasks
    placed = known_space(file.space or "") is not None or _head(file, files) is not None
    preprocessed = file.labels.get("desc") == "preproc" and "echo" not in file.labels
    return wanted and preprocessed and placed and _confounds(file.path) is not None


def _preference(file: Piece, files: Sequence[Piece]) -> tuple[bool, bool, bool, int, int, str]:
    run = file.labels.get("run", "0")
    return (
        file.space != STANDARD_SPACE,
        file.space != "T1w",
        _head(file, files) is None,
        int(run) if run.isdigit() else 0,
        len(file.labels),
        file.path.name,
    )


def _confounds(series: Path) -> Path | None:
    """Table beside a series; spaces and resolutions have one in common."""
    pairs = series.name.split(".")[0].split("_")[:-1]
    kept = [pair for pair in pairs if pair.split("-")[0] not in ("space", "res", "desc", "den")]
    for name in ("desc-confounds_timeseries.tsv", "desc-confounds_regressors.tsv"):
        path = series.parent / "_".join([*kept, name])
        if path.is_file():
            return path
    return None


def _head(file: Piece, files: Sequence[Piece]) -> Piece | None:
    """T1w of the same dataset in the space of a series."""
    space = None if file.space == "T1w" else file.space
    if file.space is None:
        return None
    return plainest(
        [
            head
            for head in files
            if head.dataset == file.dataset
            and (head.suffix, head.labels.get("desc"), head.space) == ("T1w", "preproc", space)
        ]
    )


def _brain(file: Piece, files: Sequence[Piece]) -> Piece | None:
    """Brain mask of that head."""
    space = None if file.space == "T1w" else file.space
    return plainest(
        [
            mask
            for mask in files
            if mask.dataset == file.dataset
            and mask.path.parent.name == "anat"
            and (mask.suffix, mask.labels.get("desc"), mask.space) == ("mask", "brain", space)
        ]
    )
