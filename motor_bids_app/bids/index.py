"""What a dataset holds of each participant and session, as files to use."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path

from motor_bids_app.bids.borrowed import borrowed_head, lacks_head, with_head
from motor_bids_app.bids.finished import find_finished, finished_sessions
from motor_bids_app.bids.finished_bold import find_finished_bold
from motor_bids_app.bids.finished_pieces import maker_of
from motor_bids_app.bids.finished_unused import with_unused
from motor_bids_app.bids.ignored import IgnoreRules
from motor_bids_app.bids.lesion_names import LesionFile, is_lesion_name
from motor_bids_app.bids.lesions import (
    find_lesions,
    find_other_masks,
    share_lesions,
    with_lesion,
    with_other_masks,
)
from motor_bids_app.bids.listing import Found, find_images, listed_once, participants_in
from motor_bids_app.bids.paths import check_label
from motor_bids_app.bids.person import Person
from motor_bids_app.bids.scan import Scan, build_scan
from motor_bids_app.bids.search import check_filter, is_unwanted
from motor_bids_app.bids.tables.identifiers import near_miss
from motor_bids_app.errors import EmptySelectionError, InputMissingError, MotorBidsAppError
from motor_bids_app.settings import Selection

_OWN_NAME = "motor_bids_app"  # in GeneratedBy of an earlier output

__all__ = ["Person", "Scan", "index_dataset"]


def index_dataset(
    bids_dir: Path, selection: Selection, derivatives: Mapping[str, Path] | None = None
) -> list[Scan]:
    """List what there is of each participant and session, in order of label.

    Lesion masks are looked for in `derivatives`, then in the dataset, then in all datasets
    in its folder ``derivatives``; the dataset itself may hold nothing but lesion masks.
    Finished anatomy and diffusion are taken from `derivatives` alone. All modalities are listed,
    also those that `selection` leaves out: what was made of them earlier is still good.
    A participant without any usable file gives one empty `Scan` with a note.

    Raises
    ------
    InputMissingError
        A folder does not exist.
    EmptySelectionError
        A participant does not exist; or the labels, sessions or shard leave nobody.
    UsageError
        The BIDS filter names an unknown kind of image.
    """
    check_filter(selection.bids_filter)
    bids_dir = bids_dir.absolute()  # as the paths that pybids gives
    datasets = _datasets(bids_dir, derivatives or {})
    known = sorted({label for folder in datasets.values() for label in participants_in(folder)})
    if not known:
        raise InputMissingError(
            f"{bids_dir} has no participant: no folder is named sub-<label>. Check the path."
        )
    chosen = select_participants(known, selection)
    files = _gather(datasets, chosen, selection)
    _check_tasks(selection.tasks, files, derivatives or {}, bids_dir)
    with listed_once():
        scans = [
            scan
            for label in chosen
            for scan in _all_scans(label, files[label], selection, bids_dir, derivatives or {})
        ]
    if not scans:
        raise EmptySelectionError(
            f"No chosen participant has a session {' or '.join(selection.sessions)}. "
            "Check --session-label."
        )
    return scans


@dataclass(frozen=True)
class _Files:
    """What the datasets hold of one participant.

    Parameters
    ----------
    images : list of Found
        Of the raw dataset.
    lesions : list of LesionFile
        In the order in which datasets are preferred.
    other_masks : list of str
        Names that sound like a lesion mask and are none of those that are taken.
    ignored : list
        Files that .bidsignore names, and what is said of each.
    """

    images: list[Found] = field(default_factory=list)
    lesions: list[LesionFile] = field(default_factory=list)
    other_masks: list[str] = field(default_factory=list)
    ignored: list[tuple[Found, str]] = field(default_factory=list)


def _gather(
    datasets: Mapping[str, Path], chosen: Sequence[str], selection: Selection
) -> dict[str, _Files]:
    """Files of each participant in all datasets."""
    gathered = {label: _Files() for label in chosen}
    for name, folder in datasets.items():
        files = find_images(folder, chosen)
        if name == "raw":
            files = [file for file in files if not is_unwanted(file, selection.ignored)]
            files, ignored = _without_ignored(files, folder)
            for file in files:
                gathered[file.get("subject")].images.append(file)
            for file, note in ignored:
                gathered[file.get("subject")].ignored.append((file, note))
        for lesion in find_lesions(name, files, selection.bids_filter):
            gathered[lesion.participant].lesions.append(lesion)
        for file in find_other_masks(files):
            gathered[file.get("subject")].other_masks.append(file.path.name)
    return gathered


def select_participants(known: Sequence[str], selection: Selection) -> list[str]:
    """Apply labels, exclusions and shard to the participants that exist.

    Raises
    ------
    EmptySelectionError
        A label is not among `known`, and the message names some that are; or nobody is left.
    """
    for label in (*selection.participants, *selection.excluded):
        if label not in known:
            similar = get_close_matches(label, known, n=5, cutoff=0.5) or known[:5]
            near = near_miss(label, known) or f"it has {len(known)}, such as {', '.join(similar)}"
            raise EmptySelectionError(
                f"Participant {label!r} is not in the dataset: {near}. Correct the label."
            )
    wanted = selection.participants or known
    left = [label for label in known if label in wanted and label not in selection.excluded]
    part, n_parts = selection.shard
    chosen = left[part - 1 :: n_parts]
    if not chosen:
        cause = (
            f"shard {part}/{n_parts} has none of the {len(left)} participants. Use fewer shards"
            if left
            else "every chosen participant is excluded. Check --exclude-participant-label"
        )
        raise EmptySelectionError(f"Nobody is left to work on: {cause}.")
    return chosen


def _datasets(bids_dir: Path, derivatives: Mapping[str, Path]) -> dict[str, Path]:
    """Folders to search, by name, in the order in which their lesion masks are preferred."""
    if not bids_dir.is_dir():
        raise InputMissingError(f"{bids_dir} does not exist, or is not a folder. Check BIDS_DIR.")
    for name, folder in derivatives.items():
        if not folder.is_dir():
            raise InputMissingError(f"--derivatives {name}={folder}: the folder does not exist.")
    inside = bids_dir / "derivatives"
    found = [inside, *sorted(inside.iterdir())] if inside.is_dir() else []
    given = {folder.resolve() for folder in derivatives.values()}
    implicit = {
        folder.name: folder
        for folder in found
        if participants_in(folder)
        and folder.resolve() not in given
        and maker_of(folder).get("Name") != _OWN_NAME  # what it made of a mask is no new mask
    }
    return {**derivatives, "raw": bids_dir, **implicit}


def _check_tasks(
    tasks: Sequence[str],
    gathered: Mapping[str, _Files],
    derivatives: Mapping[str, Path],
    bids_dir: Path,
) -> None:
    """Raise EmptySelectionError for a task that is in no file name of anybody."""
    here = {str(file.get("task")) for files in gathered.values() for file in files.images}
    for task in set(tasks) - here:
        folders = (bids_dir, *derivatives.values())
        if not any(True for f in folders for _ in f.glob(f"sub-*/**/*_task-{task}_*")):
            there = ", ".join(sorted(here - {"None"})) or "none"
            raise EmptySelectionError(
                f"No file is of the task {task!r}; those of the chosen participants: {there}. "
                "Check --task-label."
            )


def _all_scans(
    label: str,
    files: _Files,
    selection: Selection,
    root: Path,
    derivatives: Mapping[str, Path],
) -> list[Scan]:
    """The scans of one participant; what cannot be understood fails this participant alone."""
    try:
        check_label("sub", label)
        scans = _scans_of(label, files.images, files.lesions, selection, root, derivatives)
    except MotorBidsAppError as error:
        scans = [Scan(participant=label, notes=(str(error),), problem=str(error))]
    return _with_ignored(with_other_masks(scans, files.other_masks), files.ignored)


def _without_ignored(
    files: Sequence[Found], dataset: Path
) -> tuple[list[Found], list[tuple[Found, str]]]:
    """Leave out what .bidsignore excludes, and say so of each file that it names.

    What BIDS has no name for, lesion masks and EMG, must be listed there to pass the validator: by
    its own name it is listed for that reason, and taken. In a folder that is excluded it is not.
    """
    rules = IgnoreRules.of(dataset)
    kept: list[Found] = []
    ignored: list[tuple[Found, str]] = []
    for file in files if rules.rules else ():
        by = rules.excluded(file.path.relative_to(dataset).as_posix())
        if by is None:
            kept.append(file)
        elif (is_lesion_name(file.entities) and by.endswith(file.path.name)) or (
            file.get("suffix") == "emg" and by.endswith((file.path.name, "/emg"))
        ):
            kept.append(file)
            ignored.append((file, f"{file.path.name} is used although .bidsignore lists it"))
        else:
            ignored.append((file, f"{file.path.name} left out: .bidsignore excludes {by}"))
    return (kept, ignored) if rules.rules else (list(files), [])


def _with_ignored(scans: Sequence[Scan], ignored: Sequence[tuple[Found, str]]) -> list[Scan]:
    """Add what is said of ignored files to their session, or to the first."""
    sessions = [scan.session for scan in scans]
    notes: dict[int, list[str]] = {}
    for file, note in ignored:
        session = file.get("session")
        place = sessions.index(session) if session in sessions else 0
        notes.setdefault(place, []).append(note)
    return [
        replace(scan, notes=(*scan.notes, *notes.get(place, ())))
        for place, scan in enumerate(scans)
    ]


def _scans_of(
    participant: str,
    images: Sequence[Found],
    lesions: Sequence[LesionFile],
    selection: Selection,
    root: Path,
    derivatives: Mapping[str, Path],
) -> list[Scan]:
    """One scan per session that has something to process; else a single empty one."""
    sessions = {image.get("session") for image in images} | {mask.session for mask in lesions}
    if not images:
        sessions |= finished_sessions(participant, derivatives)
    if sessions - {None}:  # a mask without session serves every session
        sessions -= {None} if not any(image.get("session") is None for image in images) else set()
    scans = []
    for session in sorted(sessions, key=lambda label: label or ""):
        person = Person(participant=participant, session=session)
        borrow = lacks_head(session, images)
        finished = find_finished(participant, session, derivatives, borrow=borrow)
        here, notes = with_head(session, images)
        if finished.head:
            here = [file for file in here if file.get("session") == session]
            notes = borrowed_head(session, finished.head)
        scan = build_scan(person, here, selection.bids_filter, root, finished, selection.tasks)
        scan = with_lesion(replace(scan, notes=(*notes, *scan.notes)), lesions)
        scans.append(_with_finished_bold(scan, derivatives, selection))
    asked = [
        scan
        for scan in share_lesions(scans, lesions)
        if not selection.sessions or scan.session in selection.sessions
    ]
    asked = [with_unused(scan, derivatives) for scan in asked]
    usable = [scan for scan in asked if not scan.is_empty]
    if usable or (selection.sessions and not sessions & {*selection.sessions}):
        return usable
    nothing = "no T1w, T2w, FLAIR, dwi, bold, EEG, EMG or lesion mask that can be used"
    said = dict.fromkeys(text for scan in asked for text in (*scan.notes, *scan.doubts))
    return [Scan(participant=participant, notes=(nothing, *said))]


def _with_finished_bold(scan: Scan, derivatives: Mapping[str, Path], selection: Selection) -> Scan:
    """Take bold of a derivative, where there is some, before the raw series."""
    found = find_finished_bold(scan.participant, scan.session, derivatives, selection.tasks)
    if found is None or scan.anatomy is None:
        return scan
    bold, dataset, notes = found
    finished = replace(scan.finished, datasets={**scan.finished.datasets, "bold": dataset})
    return replace(scan, bold=bold, finished=finished, notes=(*scan.notes, *notes))
