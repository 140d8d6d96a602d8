"""The input files of one participant in one session, chosen among those that are there."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path

from motor_bids_app.bids.bold import BoldFile, choose_bold, with_distortion_images
from motor_bids_app.bids.dwi import DwiFile, choose_dwi
from motor_bids_app.bids.field_map import FieldMap, find_field_map
from motor_bids_app.bids.finished import Finished
from motor_bids_app.bids.finished_pieces import TENSOR_MAPS
from motor_bids_app.bids.lesion_names import LesionFile
from motor_bids_app.bids.listing import Found
from motor_bids_app.bids.person import Person
from motor_bids_app.bids.recordings import RecordingFile, choose_recordings
from motor_bids_app.bids.reverse_phase import ReversePhase, find_reverse_phase, unused_field_maps
from motor_bids_app.bids.scanner_images import count_directions
from motor_bids_app.bids.search import choose, matches, repeats

ANATOMY = ("T1w", "T2w", "FLAIR")  # in the order in which one serves as the anatomy
BidsFilter = Mapping[str, Mapping[str, object]]


@dataclass(frozen=True, kw_only=True)
class Scan(Person):
    """The input files of one participant in one session.

    Parameters
    ----------
    t1w, t2w, flair : Path or None
        Anatomical images.
    repeats : tuple of Path
        Further runs of the image that defines the anatomy.
    dwi, bval, bvec : Path or None
        Diffusion series and its gradient files, which may lie higher up in the dataset.
    further_dwi : tuple of DwiFile
        Further series of the session with directions: runs of `dwi`, or others.
    dwi_sidecars : tuple of Path
        JSON files that apply to `dwi`, the most general first.
    reverse_phase : ReversePhase or None
        Image with opposite phase encoding that shows the distortion of `dwi`.
    field_map : FieldMap or None
        Map of the field that distorts `dwi`.
    trace : Path or None
        Trace-weighted image of a clinical dwi, or a dwi without gradient files.
    bold : BoldFile or None
        Functional series.
    eeg, emg : RecordingFile or None
        Recordings of the brain's and the muscles' potentials.
    lesion : LesionFile or None
        Lesion mask.
    finished : Finished
        What derivatives of other tools have already; it is used before the raw images.
    notes : tuple of str
        What was chosen among several files, and what was left out.
    problem : str
        Why nothing can be said about the files; empty if all is well.
    doubts : tuple of str
        What makes the results doubtful.
    """

    t1w: Path | None = None
    t2w: Path | None = None
    flair: Path | None = None
    repeats: tuple[Path, ...] = ()
    dwi: Path | None = None
    bval: Path | None = None
    bvec: Path | None = None
    further_dwi: tuple[DwiFile, ...] = ()
    dwi_sidecars: tuple[Path, ...] = ()
    reverse_phase: ReversePhase | None = None
    field_map: FieldMap | None = None
    trace: Path | None = None
    bold: BoldFile | None = None
    eeg: RecordingFile | None = None
    emg: RecordingFile | None = None
    lesion: LesionFile | None = None
    finished: Finished = field(default_factory=Finished)
    notes: tuple[str, ...] = ()
    problem: str = ""
    doubts: tuple[str, ...] = ()

    @property
    def anatomy(self) -> tuple[Path, str] | None:
        """The image that defines the anatomy, and its contrast.

        A finished head of a derivative, else the T1w, else T2w, else FLAIR.
        """
        if self.finished.head:
            return self.finished.head, self.finished.contrast
        images = ((self.image(name), name) for name in ANATOMY)
        return next(((path, name) for path, name in images if path), None)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to process."""
        parts = (
            self.anatomy,
            self.dwi,
            self.trace,
            self.bold,
            self.eeg,
            self.emg,
            self.lesion,
            self.finished.dwi,
        )
        return all(part is None for part in parts) and not self.finished.maps

    @property
    def paths(self) -> list[Path]:
        """All files among the inputs."""
        return [*_paths(self)]

    @property
    def images(self) -> list[Path]:
        """All NIfTI files among the inputs."""
        return [path for path in self.paths if path.name.endswith((".nii", ".nii.gz"))]

    @property
    def lesion_drawn_on(self) -> Path | None:
        """The image that the lesion mask was drawn on; None for one of a standard space."""
        if self.lesion is None or self.lesion.is_standard:
            return None
        return self.lesion.drawn_on or self.image(self.lesion.image or "")

    def image(self, name: str) -> Path | None:
        """Path of the image called 'T1w', 'T2w', 'FLAIR' or 'dwi' (the trace, else the series)."""
        return self.raw_image(name) or (
            self.finished.head if name == self.finished.contrast else None
        )

    def raw_image(self, name: str) -> Path | None:
        """The same of the raw dataset alone."""
        return {"T1w": self.t1w, "T2w": self.t2w, "FLAIR": self.flair}.get(
            name, (self.trace or self.dwi) if name == "dwi" else None
        )


def _paths(value: object) -> Iterator[Path]:
    """All paths that an object holds, in fields, tuples and dictionaries."""
    if isinstance(value, Path):
        yield value
    elif is_dataclass(value):
        for part in fields(value):
            yield from _paths(getattr(value, part.name))
    elif isinstance(value, tuple | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _paths(item)


def build_scan(
    person: Person,
    images: Sequence[Found],
    bids_filter: BidsFilter,
    root: Path,
    finished: Finished = Finished(),  # noqa: B008  (frozen)
    tasks: Sequence[str] = (),
) -> Scan:
    """Choose the files to use.

    Parameters
    ----------
    person : Person
        Whose and which session.
    images : sequence of Found
        Images of this participant and session in the raw dataset.
    bids_filter : mapping
        Entities that images must have, by kind of image.
    root : Path
        The raw dataset, up to which sidecars are inherited.
    finished : Finished
        What derivatives of other tools have of this participant and session.
    tasks : sequence of str
        Tasks of bold, EEG and EMG to choose from; empty: rest for bold, or else any.
    """
    native = [image for image in images if not any(map(image.get, ("space", "desc")))]
    native = [image for image in native if image.get("part") in (None, "mag")]  # no phase
    scan = Scan(participant=person.participant, session=person.session, finished=finished)
    scan = _with_heads(scan, native, bids_filter)
    scan = _with_diffusion(scan, _of_kinds(native, bids_filter, "dwi"), native, root)
    bold, remarks = choose_bold(_of_kinds(native, bids_filter, "bold"), tasks, root)
    bold = with_distortion_images(bold, native, root) if bold else None
    if scan.dwi or bold:
        remarks += unused_field_maps(images, _used_field_maps(scan, bold))
    signals = _of_kinds(native, bids_filter, "eeg", "emg")
    eeg, emg, more = choose_recordings(signals, tasks, root)
    scan = replace(scan, bold=bold, eeg=eeg, emg=emg, notes=(*scan.notes, *remarks, *more))
    return _usable(scan)


def _of_kinds(files: Sequence[Found], bids_filter: BidsFilter, *kinds: str) -> list[Found]:
    """Files with one of some suffixes that the filter lets through."""
    return [
        file
        for file in files
        for kind in kinds
        if str(file.get("suffix")).lower() == kind.lower() and matches(file, kind, bids_filter)
    ]


def _with_heads(scan: Scan, images: Sequence[Found], bids_filter: BidsFilter) -> Scan:
    """Add one image of each contrast, and the further runs of the one that is the anatomy."""
    found: dict[str, Path | None] = {}
    runs: list[Found] | None = None
    notes: list[str] = []
    for name in ANATOMY:
        files = _of_kinds(images, bids_filter, name)
        chosen, remarks = choose(files, name)
        found[name.lower()] = chosen.path if chosen else None
        if chosen and runs is None:
            runs = repeats(chosen, files)
            _, remarks = choose([file for file in files if file not in runs], name)
        notes += remarks
    return replace(
        scan,
        t1w=found["t1w"],
        t2w=found["t2w"],
        flair=found["flair"],
        repeats=tuple(run.path for run in runs or ()),
        notes=(*scan.notes, *notes),
    )


def _used_field_maps(*series: Scan | BoldFile | None) -> list[Path]:
    """Images that distortion is corrected by, of each series the pair before the map."""
    used: list[Path] = []
    for one in series:
        pair, field_map = (one.reverse_phase, one.field_map) if one else (None, None)
        partner = pair.partner if pair else None
        used += [shown.path for shown in (pair, partner) if shown]
        used += field_map.images if field_map and not pair else ()
    return used


def _with_diffusion(
    scan: Scan, files: Sequence[Found], images: Sequence[Found], root: Path
) -> Scan:
    """Add the series, what belongs to it, and the trace image.

    `files` may be the series; `images` are all of the session.
    """
    chosen = choose_dwi(files, root)
    dwi, trace = chosen.longest, chosen.trace
    scan = replace(scan, trace=trace.path if trace else None, notes=(*scan.notes, *chosen.notes))
    if dwi is None:
        return scan
    pair = find_reverse_phase(dwi, images, root)
    used = (dwi.path, pair.path if pair else None)
    own = DwiFile.of(dwi, root)
    return replace(
        scan,
        dwi=own.path,
        further_dwi=tuple(
            DwiFile.of(file, root)
            for file in chosen.series
            if file.path not in used and count_directions(file, root)
        ),
        bval=own.bval,
        bvec=own.bvec,
        dwi_sidecars=own.sidecars,
        reverse_phase=pair,
        field_map=find_field_map(dwi, images, root),
    )


def _usable(scan: Scan) -> Scan:
    """Leave out bold and finished diffusion that cannot be placed, or answer a step by half."""
    finished, notes = scan.finished, []
    if scan.bold and scan.anatomy is None:
        notes.append("bold left out: its session has no head image to place it by")
        scan = replace(scan, bold=None)
    placeable = finished.maps_standard or scan.anatomy is not None
    if finished.diffusion and not placeable:
        notes.append("finished diffusion left out: there is no head image to place it by")
        finished = finished.without("dwi").without("maps")
    partial = finished.maps and len(finished.maps) < len(TENSOR_MAPS)
    if partial and (scan.dwi or finished.dwi):
        notes.append(
            f"{', '.join(finished.maps)} of {finished.datasets['maps']} left out: all tensor maps "
            "are computed from the dwi, which has the others too"
        )
        finished = finished.without("maps")
    if finished.maps and finished.dwi:
        finished = finished.without("dwi")
    return replace(scan, finished=finished, notes=(*scan.notes, *notes))
