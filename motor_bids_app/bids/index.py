"""What a dataset holds of each participant and session, as files to use."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from motor_bids_app.bids.borrowed import with_head
from motor_bids_app.bids.files import read_json
from motor_bids_app.bids.finished import find_finished, finished_sessions, maker_of
from motor_bids_app.bids.finished_bold import find_finished_bold
from motor_bids_app.bids.ignored import IgnoreRules
from motor_bids_app.bids.lesion_names import (
    TAKEN_NAMES,
    LesionFile,
    is_lesion_name,
    is_likely_lesion,
    lesion_image,
)
from motor_bids_app.bids.lesions import share_lesions, with_lesion
from motor_bids_app.bids.paths import check_label
from motor_bids_app.bids.person import Person
from motor_bids_app.bids.scan import Scan, build_scan
from motor_bids_app.bids.search import Found, check_filter, find_images, matches, participants_in
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
        A folder or a participant does not exist.
    EmptySelectionError
        The labels, sessions or shard leave nobody.
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
    lesions: dict[str, list[LesionFile]] = {label: [] for label in chosen}
    images: dict[str, list[Found]] = {label: [] for label in chosen}
    not_taken: dict[str, list[str]] = {label: [] for label in chosen}
    for name, folder in datasets.items():
        files = find_images(folder, chosen)
        if name == "raw":
            files, ignored = _without_ignored(files, bids_dir)
        for lesion in _lesions(name, files, selection):
            lesions[lesion.participant].append(lesion)
        for label, names in _not_taken(files).items():
            not_taken[label] += names
        for file in files if name == "raw" else ():
            images[file.get("subject")].append(file)
    _check_tasks(selection.tasks, images, derivatives or {}, bids_dir)
    scans = [
        scan
        for label in chosen
        for scan in _with_notes(
            ignored,
            _with_not_taken(
                _scans_or_problem(
                    label, images[label], lesions[label], selection, bids_dir, derivatives or {}
                ),
                not_taken[label],
            ),
        )
    ]
    if not scans:
        raise EmptySelectionError(
            f"No chosen participant has a session {' or '.join(selection.sessions)}. "
            "Check --session-label."
        )
    return scans


def select_participants(known: Sequence[str], selection: Selection) -> list[str]:
    """Apply labels, exclusions and shard to the participants that exist.

    Raises
    ------
    InputMissingError
        A label is not among `known`; the message names some that are.
    EmptySelectionError
        Nobody is left.
    """
    for label in (*selection.participants, *selection.excluded):
        if label not in known:
            similar = get_close_matches(label, known, n=5, cutoff=0.5) or known[:5]
            near = near_miss(label, known) or f"it has {len(known)}, such as {', '.join(similar)}"
            raise InputMissingError(
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
            raise InputMissingError(f"--derivatives {name}={folder}: there is no such folder.")
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


def _lesions(dataset: str, files: Sequence[Found], selection: Selection) -> list[LesionFile]:
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
        and matches(file, "lesion", selection.bids_filter)
    ]


def _sidecar(path: Path) -> dict[str, Any]:
    """The sidecar of a mask; empty where there is none to read."""
    try:
        return read_json(path.parent / (path.name.split(".")[0] + ".json"))
    except MotorBidsAppError:
        return {}


def _not_taken(files: Sequence[Found]) -> dict[str, list[str]]:
    """Names, by participant, that sound like a lesion mask and are none of those that are taken."""
    names: dict[str, list[str]] = {}
    for file in files:
        taken = is_lesion_name(file.entities, file.path.parent.as_posix())
        if not taken and is_likely_lesion(file.path.name):
            names.setdefault(file.get("subject"), []).append(file.path.name)
    return names


def _with_not_taken(scans: Sequence[Scan], names: Sequence[str]) -> list[Scan]:
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


def _check_tasks(
    tasks: Sequence[str],
    images: Mapping[str, Sequence[Found]],
    derivatives: Mapping[str, Path],
    bids_dir: Path,
) -> None:
    """Raise EmptySelectionError for a task that is in no file name of anybody."""
    here = {str(file.get("task")) for files in images.values() for file in files}
    for task in set(tasks) - here:
        folders = (bids_dir, *derivatives.values())
        if not any(True for f in folders for _ in f.glob(f"sub-*/**/*_task-{task}_*")):
            there = ", ".join(sorted(here - {"None"})) or "none"
            raise EmptySelectionError(
                f"No file is of the task {task!r}; those of the chosen participants: {there}. "
                "Check --task-label."
            )


def _scans_or_problem(
    label: str,
    images: Sequence[Found],
    lesions: Sequence[LesionFile],
    selection: Selection,
    root: Path,
    derivatives: Mapping[str, Path],
) -> list[Scan]:
    """The scans of one participant; what cannot be understood fails this participant alone."""
    try:
        check_label("sub", label)
        return _scans_of(label, images, lesions, selection, root, derivatives)
    except MotorBidsAppError as error:
        return [Scan(participant=label, notes=(str(error),), problem=str(error))]


_Ignored = list[tuple[Found, str]]  # files that .bidsignore names, and what is said of each


def _without_ignored(files: Sequence[Found], dataset: Path) -> tuple[list[Found], _Ignored]:
    """Leave out what .bidsignore excludes, and say so.

    What BIDS has no name for, lesion masks and EMG, must be listed there to pass the validator: by
    its own name it is listed for that reason, and taken. In a folder that is excluded it is not.
    """
    rules = IgnoreRules.of(dataset)
    kept: list[Found] = []
    ignored: _Ignored = []
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


def _with_notes(ignored: _Ignored, scans: list[Scan]) -> list[Scan]:
    """Add what is said of ignored files to their session, or to the first."""
    sessions = [scan.session for scan in scans]
    notes: dict[int, list[str]] = {}
    for file, note in ignored:
        if scans and file.get("subject") == scans[0].participant:
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
        finished = find_finished(participant, session, derivatives)
        here, notes = with_head(session, images)
        if finished.head:
            here, notes = [file for file in here if file.get("session") == session], ()
        scan = build_scan(person, here, selection.bids_filter, root, finished, selection.tasks)
        scan = with_lesion(replace(scan, notes=(*notes, *scan.notes)), lesions)
        scans.append(_with_finished_bold(scan, derivatives, selection))
    asked = [
        scan
        for scan in share_lesions(scans, lesions)
        if not selection.sessions or scan.session in selection.sessions
    ]
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
