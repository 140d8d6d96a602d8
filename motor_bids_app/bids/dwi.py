"""The diffusion series of a session, the longest of them, and the image of a scanner beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from motor_bids_app.bids.listing import Found
from motor_bids_app.bids.scanner_images import (
    SCANNER_MAP,
    TRACE,
    count_directions,
    is_single,
    scanner_label,
)
from motor_bids_app.bids.search import choose, inherited
from motor_bids_app.errors import MotorBidsAppError
from motor_bids_app.opening import read_text


@dataclass(frozen=True)
class DwiFile:
    """One of several diffusion series of a session."""

    path: Path
    bval: Path
    bvec: Path
    sidecars: tuple[Path, ...] = ()

    @classmethod
    def of(cls, file: Found, root: Path) -> "DwiFile":
        """Name the files that belong to a series, which must have gradients."""
        return cls(
            path=file.path,
            bval=inherited(file.path, ".bval", root)[-1],
            bvec=inherited(file.path, ".bvec", root)[-1],
            sidecars=tuple(inherited(file.path, ".json", root)),
        )

    @property
    def files(self) -> tuple[Path, ...]:
        """All of them."""
        return (self.path, self.bval, self.bvec, *self.sidecars)


@dataclass(frozen=True, kw_only=True)
class DwiChoice:
    """What the diffusion images of a session are taken for.

    Parameters
    ----------
    series : tuple of Found
        All with gradients, in the order of the files.
    longest : Found or None
        The series with most volumes.
    trace : Found or None
        Trace-weighted image, or a dwi without gradient files.
    notes : tuple of str
        What was chosen among several files, and what was left out.
    """

    series: tuple[Found, ...]
    longest: Found | None
    trace: Found | None
    notes: tuple[str, ...]


def choose_dwi(files: Sequence[Found], root: Path) -> DwiChoice:
    """Tell series from single images, and choose one of each.

    Parameters
    ----------
    files : sequence of Found
        Diffusion images of one participant and session.
    root : Path
        The dataset, up to which gradient files are inherited.
    """
    series, traces, notes = _sorted_out(files, root)
    # Series that an acq like those of single images belongs to.
    named = [file for file in series if is_single(str(file.get("acquisition")))]
    notes += [
        f"{file.path.name} taken for a series: it has {count_directions(file, root)} directions"
        for file in named
    ]
    trace, trace_notes = choose(traces, "trace-weighted dwi")
    if trace and not TRACE.fullmatch(scanner_label(trace, root)):
        trace_notes += (f"{trace.path.name} has no .bval and .bvec: used as an image only",)
    counts = [_count_volumes(inherited(file.path, ".bval", root)[-1]) for file in series]
    most = [file for file, n in zip(series, counts, strict=True) if n == max(counts)]
    longest, _ = choose([file for file in most if file not in named] or most, "dwi")
    dwi_notes: tuple[str, ...] = ()
    if longest and len(series) > 1:
        dwi_notes = (
            f"{len(series)} diffusion series: {longest.path.name} is the first with most volumes; "
            "those of its protocol are joined with it, and others are left out",
        )
    return DwiChoice(
        series=tuple(series),
        longest=longest,
        trace=trace,
        notes=(*dwi_notes, *trace_notes, *notes),
    )


def _sorted_out(files: Sequence[Found], root: Path) -> tuple[list[Found], list[Found], list[str]]:
    """Series, single images, and what is said of those that only their names tell apart."""
    series: list[Found] = []
    single: list[Found] = []
    notes: list[str] = []
    for file in files:
        name, kind = file.path.name, scanner_label(file, root)
        gradients = inherited(file.path, ".bval", root) and inherited(file.path, ".bvec", root)
        if SCANNER_MAP.fullmatch(kind):
            notes.append(f"{name} left out: its name says that it is a map of the scanner")
        elif gradients and not TRACE.fullmatch(kind):
            series.append(file)
        else:
            single.append(file)
            if gradients:
                notes.append(f"{name} taken for a trace-weighted image by its name, not a series")
    return series, single, notes


def _count_volumes(bval: Path) -> int:
    try:
        return len(read_text(bval).split())
    except MotorBidsAppError:
        return 0  # reading the series says what is wrong
