"""What the participant level, or another tool, left in derivative datasets."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from motor_bids_app.bids.index import select_participants
from motor_bids_app.bids.listing import participants_in
from motor_bids_app.bids.person import Person
from motor_bids_app.bids.recordings import at_once
from motor_bids_app.bids.tables.identifiers import near_miss
from motor_bids_app.errors import EmptySelectionError, InputMissingError
from motor_bids_app.settings import STANDARD_SPACE, Selection

MAP_NAMES = ("fa", "md", "rd", "ad", "gm", "wm")
_CONNECTIVITY = ("fc", "dfc_mean", "dfc_std")
_MAPS = {
    "fa": ("dwi", "model-tensor_param-fa_dwimap"), "md": ("dwi", "model-tensor_param-md_dwimap"),
    "rd": ("dwi", "model-tensor_param-rd_dwimap"), "ad": ("dwi", "model-tensor_param-ad_dwimap"),
    "gm": ("anat", "label-GM_probseg"), "wm": ("anat", "label-WM_probseg"),
    "lesion": ("anat", "label-L_mask"), "brain": ("anat", "desc-brain_mask"),
    "t1w": ("anat", "desc-preproc_T1w"),
    "fc": ("func", "seed-M1_stat-fisherz_desc-fc_boldmap"),
    "dfc_mean": ("func", "seed-M1_stat-mean_desc-dfc_boldmap"),
    "dfc_std": ("func", "seed-M1_stat-std_desc-dfc_boldmap"),
    "bold": ("func", "desc-denoised_bold"), "seed": ("func", "label-M1_mask"),
    "mean_bold": ("func", "desc-preproc_bold"), "bold_brain": ("func", "desc-brain_mask"),
}  # fmt: skip
_RECORDINGS = ("eeg", "emg")


@dataclass(frozen=True, kw_only=True)
class DerivedScan(Person):
    """What the participant level, or another tool, left of one participant in one session.

    Parameters
    ----------
    maps : dict
        Images in the standard space at 2 mm: 'fa', 'md', 'rd', 'ad', 'gm', 'wm', 'lesion'; at
        3 mm connectivity of M1: 'fc' (static), 'dfc_mean' and 'dfc_std' (over windows).
    features : Path or None
        Table of features.
    brain_mask, t1w : Path or None
        Brain mask and T1w in the standard space, for figures.
    bold, seed : Path or None
        Clean series in the standard space, and voxels of M1 whose connectivity was measured.
    mean_bold, bold_brain : Path or None
        Series before cleaning, whose mean shows the brain, and the mask of its voxels.
    recordings : dict
        Epochs of windows by kind, 'eeg' and 'emg'; of several tasks or runs the first by name,
        and the EMG that was recorded with that EEG.
    sources : tuple of str
        Names of the datasets that the files come from; 'output' is the output itself.
    whole : DerivedScan or None
        The scan with what models must not read, since a measure that it depends on cannot be.
    """

    maps: dict[str, Path]
    features: Path | None = None
    brain_mask: Path | None = None
    t1w: Path | None = None
    bold: Path | None = None
    seed: Path | None = None
    mean_bold: Path | None = None
    bold_brain: Path | None = None
    recordings: dict[str, Path] = field(default_factory=dict)
    sources: tuple[str, ...] = ()
    whole: "DerivedScan | None" = None

    @property
    def every_map(self) -> dict[str, Path]:
        """All maps that there are, for guards that ask whose scan this is."""
        return self.maps if self.whole is None else self.whole.maps

    @property
    def doubtful(self) -> dict[str, Path]:
        """Maps that models must not read."""
        return {name: path for name, path in self.every_map.items() if name not in self.maps}

    @property
    def doubtful_bold(self) -> Path | None:
        """Series whose windows and slices models must not read; the clean one where there is."""
        if self.whole is None or self.mean_bold or self.bold:
            return None
        return self.whole.bold or self.whole.mean_bold


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
        There are none.
    EmptySelectionError
        There are none of a participant that was asked for, or nothing is left by the selection.
    """
    selection = selection or Selection()
    folders = {"output": output_dir, **(extra or {})}
    for name, folder in (extra or {}).items():
        if not folder.is_dir():
            raise InputMissingError(f"--derivatives {name}={folder}: the folder does not exist.")
    known = sorted({label for folder in folders.values() for label in participants_in(folder)})
    if not known:
        raise InputMissingError(
            f"{output_dir} holds no derivatives. Run the participant level first, or name "
            "finished derivatives with --derivatives NAME=FOLDER."
        )
    # Where a label was likely meant for one that is there, choosing says so.
    excluded = tuple(
        label for label in selection.excluded if label in known or near_miss(label, known)
    )
    scans = [
        scan
        for participant in select_participants(known, replace(selection, excluded=excluded))
        for session in _derived_sessions(participant, folders.values())
        if not selection.sessions or session in selection.sessions
        for scan in [_derived(Person(participant=participant, session=session), folders, space)]
        if scan.maps or scan.features or scan.mean_bold or scan.recordings
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
        home = folder / f"sub-{participant}"
        found = {
            name.removeprefix("ses-")
            for name in _names_in(home)
            if name.startswith("ses-") and (home / name).is_dir()
        }
        sessions |= found
    return sorted(sessions, key=str) or [None]


def _derived(person: Person, folders: Mapping[str, Path], space: str) -> DerivedScan:
    """Each file from the first dataset that has it."""
    found: dict[str, Path] = {}
    sources: list[str] = []
    for name, folder in folders.items():
        here = _files_in(folder, person, space)
        if here.keys() - found.keys():
            sources.append(name)
        found = {**here, **found}
    maps = {key: found[key] for key in (*MAP_NAMES, "lesion", *_CONNECTIVITY) if key in found}
    return DerivedScan(
        participant=person.participant,
        session=person.session,
        maps=maps,
        features=found.get("features"),
        brain_mask=found.get("brain"),
        t1w=found.get("t1w"),
        bold=found.get("bold"),
        seed=found.get("seed"),
        mean_bold=found.get("mean_bold"),
        bold_brain=found.get("bold_brain"),
        recordings={key: found[key] for key in _RECORDINGS if key in found},
        sources=tuple(sources),
    )


def _files_in(folder: Path, person: Person, space: str) -> dict[str, Path]:
    """Maps, epochs and the features table of a person in one dataset, by what they are."""
    home = folder.joinpath(*person.prefix.split("_"))
    here: dict[str, Path] = {}
    start, within = f"{person.prefix}_", f"space-{space}_"
    listed = {name: _names_in(home / name) for name in {kind for kind, _ in _MAPS.values()}}
    for key, (datatype, ending) in _MAPS.items():
        parts = (start, within, f"{ending}.nii")
        options = [home / datatype / name for name in listed[datatype] if _has(name, parts)]
        if options:
            here[key] = min(options, key=_standard_first)
    for key in _RECORDINGS:
        names = [name for name in _names_in(home / key) if name.endswith("desc-windows_epo.fif")]
        epochs = [home / key / name for name in names if name.startswith(start)]
        joined = [
            path for path in epochs if key == "emg" and "eeg" in here and at_once(path, here["eeg"])
        ]
        if epochs:
            here[key] = (joined or epochs)[0]
    features = home / f"{person.prefix}_desc-features.tsv"
    if features.is_file():
        here["features"] = features
    return here


def _names_in(folder: Path) -> list[str]:
    """Names in a folder, in order; none if it is not there."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries)
    except OSError:
        return []


def _has(name: str, parts: Sequence[str]) -> bool:
    """Whether a name begins with the first part and has the others behind it, in order.

    >>> _has("sub-1_space-M_fa.nii.gz", ("sub-1_", "space-M_", "fa.nii"))
    True
    """
    place = len(parts[0]) if name.startswith(parts[0]) else -1
    for part in parts[1:]:
        found = name.find(part, place) if place >= 0 else -1
        place = found + len(part) if found >= 0 else -1
    return place >= 0


def _standard_first(path: Path) -> tuple[bool, int, str]:
    """Order: 2 mm, then the plainest name."""
    return "_res-2_" not in path.name, path.name.count("_"), path.name
