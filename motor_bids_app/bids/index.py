"""What a dataset holds of each participant and session, as files to use."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from motor_bids_app.bids.finished import find_finished, finished_sessions
from motor_bids_app.bids.finished_bold import find_finished_bold
from motor_bids_app.bids.lesion_names import LesionFile, is_lesion_name, lesion_image
from motor_bids_app.bids.scan import Person, Scan, build_scan
from motor_bids_app.bids.search import Found, check_filter, find_images, matches, participants_in
from motor_bids_app.errors import EmptySelectionError, InputMissingError
from motor_bids_app.settings import STANDARD_SPACE, Selection

__all__ = ["DerivedScan", "Person", "Scan", "index_dataset", "index_derivatives"]


def index_dataset(
    bids_dir: Path, selection: Selection, derivatives: Mapping[str, Path] | None = None
) -> list[Scan]:
    """List what there is of each participant and session, in order of label.

    Lesion masks are looked for in `derivatives`, then in the dataset, then in all datasets
    in its folder ``derivatives``; the dataset itself may hold nothing but lesion masks.
    Finished anatomy and diffusion are taken from `derivatives` alone.
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
    for name, folder in datasets.items():
        files = find_images(folder, chosen)
        for lesion in _lesions(name, files, selection):
            lesions[lesion.participant].append(lesion)
        for file in files if name == "raw" else ():
            images[file.get("subject")].append(file)
    scans = [
        scan
        for label in chosen
        for scan in _scans_of(
            label, images[label], lesions[label], selection, bids_dir, derivatives or {}
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
            raise InputMissingError(
                f"Participant {label!r} is not in the dataset, which has {len(known)}, "
                f"such as {', '.join(similar)}. Correct the label."
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
    implicit = {folder.name: folder for folder in found if participants_in(folder)}
    given = {folder.resolve() for folder in derivatives.values()}
    implicit = {
        folder.name: folder
        for folder in found
        if participants_in(folder) and folder.resolve() not in given
    }
    return {**derivatives, "raw": bids_dir, **implicit}


def _lesions(dataset: str, files: Sequence[Found], selection: Selection) -> list[LesionFile]:
    masks = [file for file in files if is_lesion_name(file.entities)]
    return [
        LesionFile(
            path=file.path,
            participant=file.get("subject"),
            session=file.get("session"),
            space=file.get("space"),
            image=lesion_image(file.entities, file.path.name),
            dataset=dataset,
        )
        for file in masks
        if matches(file, "lesion", selection.bids_filter)
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
        if selection.sessions and session not in selection.sessions:
            continue
        here = [image for image in images if image.get("session") == session]
        person = Person(participant=participant, session=session)
        finished = find_finished(participant, session, derivatives)
        scan = build_scan(
            person, here, lesions, selection.bids_filter, root, finished, selection.tasks
        )
        scans.append(_wanted(_with_finished_bold(scan, derivatives, selection), selection))
    usable = [scan for scan in scans if not scan.is_empty]
    if usable or (selection.sessions and not scans):
        return usable
    return [Scan(participant=participant, notes=("no T1w, T2w, FLAIR, dwi, bold or lesion mask",))]


def _with_finished_bold(scan: Scan, derivatives: Mapping[str, Path], selection: Selection) -> Scan:
    """Take bold of a derivative, where there is some, before the raw series."""
    found = find_finished_bold(scan.participant, scan.session, derivatives, selection.tasks)
    if found is None or scan.anatomy is None:
        return scan
    bold, dataset = found
    datasets = {**scan.finished.datasets, "bold": dataset}
    return replace(scan, bold=bold, finished=replace(scan.finished, datasets=datasets))


def _wanted(scan: Scan, selection: Selection) -> Scan:
    """Leave out series of modalities that were not asked for."""
    dwi = scan.dwi if "dwi" in selection.modalities else None
    return replace(scan, dwi=dwi, bold=scan.bold if "bold" in selection.modalities else None)


MAP_NAMES = ("fa", "md", "rd", "ad", "gm", "wm")
_MAPS = {
    "fa": ("dwi", "model-tensor_param-fa_dwimap"), "md": ("dwi", "model-tensor_param-md_dwimap"),
    "rd": ("dwi", "model-tensor_param-rd_dwimap"), "ad": ("dwi", "model-tensor_param-ad_dwimap"),
    "gm": ("anat", "label-GM_probseg"), "wm": ("anat", "label-WM_probseg"),
    "lesion": ("anat", "label-L_mask"), "brain": ("anat", "desc-brain_mask"),
    "t1w": ("anat", "desc-preproc_T1w"),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class DerivedScan(Person):
    """What the participant level, or another tool, left of one participant in one session.

    Parameters
    ----------
    maps : dict
        Images in the standard space at 2 mm: 'fa', 'md', 'rd', 'ad', 'gm', 'wm', 'lesion'.
    features : Path or None
        Table of features.
    brain_mask, t1w : Path or None
        Brain mask and T1w in the standard space, for figures.
    sources : tuple of str
        Names of the datasets that the files come from; 'output' is the output itself.
    """

    maps: dict[str, Path]
    features: Path | None = None
    brain_mask: Path | None = None
    t1w: Path | None = None
    sources: tuple[str, ...] = ()


def index_derivatives(
    output_dir: Path,
    extra: Mapping[str, Path] | None = None,
    selection: Selection | None = None,
    space: str = STANDARD_SPACE,
) -> list[DerivedScan]:
    """List the derivatives of each participant and session, those in the output first.

    A participant to exclude need not be there: the one may be excluded who failed before.

    Raises
    ------
    InputMissingError
        There are none, or not of a participant that was asked for.
    EmptySelectionError
        Nothing is left by the selection.
    """
    selection = selection or Selection()
    folders = {"output": output_dir, **(extra or {})}
    for name, folder in (extra or {}).items():
        if not folder.is_dir():
            raise InputMissingError(f"--derivatives {name}={folder}: there is no such folder.")
    known = sorted({label for folder in folders.values() for label in participants_in(folder)})
    if not known:
        raise InputMissingError(
            f"{output_dir} holds no derivatives. Run the participant level first, or name "
            "finished derivatives with --derivatives NAME=FOLDER."
        )
    excluded = tuple(label for label in selection.excluded if label in known)
    scans = [
        scan
        for participant in select_participants(known, replace(selection, excluded=excluded))
        for session in _derived_sessions(participant, folders.values())
        if not selection.sessions or session in selection.sessions
        for scan in [_derived(Person(participant=participant, session=session), folders, space)]
        if scan.maps or scan.features
    ]
    if not scans:
        raise EmptySelectionError(
            f"No chosen participant has maps in space {space} or features in "
            f"{', '.join(str(folder) for folder in folders.values())}."
        )
    return scans


def _derived_sessions(participant: str, folders: Iterable[Path]) -> list[str | None]:
    """Sessions of a participant that have derivatives; None where there are no sessions."""
    sessions: set[str | None] = set()
    for folder in folders:
        found = {
            path.name.removeprefix("ses-")
            for path in (folder / f"sub-{participant}").glob("ses-*")
            if path.is_dir()
        }
        sessions |= found
    return sorted(sessions, key=str) or [None]


def _derived(person: Person, folders: Mapping[str, Path], space: str) -> DerivedScan:
    found: dict[str, Path] = {}
    sources: list[str] = []
    for name, folder in folders.items():
        home = folder.joinpath(*person.prefix.split("_"))
        here: dict[str, Path] = {}
        for key, (datatype, ending) in _MAPS.items():
            pattern = f"{person.prefix}_*space-{space}_*{ending}.nii*"
            options = sorted((home / datatype).glob(pattern), key=_standard_first)
            if options:
                here[key] = options[0]
        features = home / f"{person.prefix}_desc-features.tsv"
        if features.is_file():
            here["features"] = features
        if here.keys() - found.keys():
            sources.append(name)
        found = {**here, **found}
    maps = {key: found[key] for key in (*MAP_NAMES, "lesion") if key in found}
    return DerivedScan(
        participant=person.participant, session=person.session, maps=maps,
        features=found.get("features"), brain_mask=found.get("brain"), t1w=found.get("t1w"),
        sources=tuple(sources),
    )  # fmt: skip


def _standard_first(path: Path) -> tuple[bool, int, str]:
    """Order: 2 mm, then the plainest name."""
    return "_res-2_" not in path.name, path.name.count("_"), path.name
