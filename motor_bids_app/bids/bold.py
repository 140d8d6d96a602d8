"""The functional series of a participant and session, chosen among those that are there."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from motor_bids_app.bids.field_map import FieldMap, find_field_map
from motor_bids_app.bids.listing import Found
from motor_bids_app.bids.reverse_phase import ReversePhase, find_reverse_phase
from motor_bids_app.bids.search import choose, inherited

REST = ("rest", "restingstate", "resting", "rs")


@dataclass(frozen=True, kw_only=True)
class BoldFile:
    """A bold series and what describes it.

    Parameters
    ----------
    path : Path
    task, run : str or None
        Labels, for the names of what is made from it.
    sidecars : tuple of Path
        JSON files that apply to it, the most general first.
    confounds : Path or None
        Table with the motion that another tool has found and undone; None: the series is raw.
    space : str or None
        Space that the tool has brought it to.
    head, head_brain : Path or None
        Head in that space, and its brain mask.
    reverse_phase : ReversePhase or None
        Image with opposite phase encoding that shows its distortion.
    field_map : FieldMap or None
        Map of the field that distorts it.
    """

    path: Path
    task: str | None = None
    run: str | None = None
    sidecars: tuple[Path, ...] = ()
    confounds: Path | None = None
    space: str | None = None
    head: Path | None = None
    head_brain: Path | None = None
    reverse_phase: ReversePhase | None = None
    field_map: FieldMap | None = None

    @property
    def files(self) -> dict[str, Path]:
        """Files that the step of the bold reads, by what they are."""
        parts = {
            "bold": self.path,
            "confounds": self.confounds,
            "bold head": self.head,
            "bold head brain": self.head_brain,
        }
        found = {name: path for name, path in parts.items() if path}
        found |= {f"sidecar{number}": path for number, path in enumerate(self.sidecars)}
        for shown in (self.reverse_phase, self.field_map):
            found |= shown.files if shown else {}
        return found


def choose_bold(
    files: Sequence[Found], tasks: Sequence[str], root: Path
) -> tuple[BoldFile | None, tuple[str, ...]]:
    """Take one series, and say which and why where there are several.

    Tasks that were asked for, else rest, else any. Of several echoes the middle one, whose
    contrast is nearest to that of a single-echo series; of several runs the first.

    Parameters
    ----------
    files : sequence of Found
        Bold images of one participant and session.
    tasks : sequence of str
        Labels; empty: rest is preferred.
    root : Path
        The dataset, up to which sidecars are inherited.
    """
    notes: list[str] = []
    if tasks:
        left = [file for file in files if file.get("task") in tasks]
        if files and not left:
            notes.append(f"bold left out: its tasks are {_tasks(files)}")
        files = left
    else:
        resting = [file for file in files if str(file.get("task")).lower() in REST]
        if files and not resting:
            notes.append(f"no resting run; {_tasks(files)} used instead")
        files = resting or files
    echoes = sorted({int(file.get("echo")) for file in files if file.get("echo")})
    if len(echoes) > 1:
        middle = echoes[(len(echoes) - 1) // 2]
        notes.append(f"bold with {len(echoes)} echoes: used echo {middle} alone")
        files = [file for file in files if int(file.get("echo") or 0) == middle]
    chosen, remarks = choose(files, "bold")
    if chosen is None:
        return None, tuple(notes)
    series = BoldFile(
        path=chosen.path,
        task=chosen.get("task"),
        run=_label(chosen, "run"),
        sidecars=tuple(inherited(chosen.path, ".json", root)),
    )
    return series, (*notes, *remarks)


def with_distortion_images(bold: BoldFile, images: Sequence[Found], root: Path) -> BoldFile:
    """Add what shows the distortion of a series, among the images of its session."""
    series = next(file for file in images if file.path == bold.path)
    return replace(
        bold,
        reverse_phase=find_reverse_phase(series, images, root),
        field_map=find_field_map(series, images, root),
    )


def _label(file: Found, key: str) -> str | None:
    """Label as it is in the name: pybids makes numbers of some."""
    pairs = (pair.partition("-") for pair in file.path.name.split("_"))
    return next((label for name, _, label in pairs if name == key), None)


def _tasks(files: Sequence[Found]) -> str:
    return ", ".join(sorted({f"task-{file.get('task')}" for file in files}))
