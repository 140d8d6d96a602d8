"""Files of the output dataset as a whole, which runs that share it write under a lock."""

import logging
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd
from filelock import FileLock, Timeout

from motor_bids_app import __version__
from motor_bids_app.bids.files import (
    hash_file,
    read_json,
    write_json,
    write_table,
    write_text,
)
from motor_bids_app.bids.finished_pieces import maker_of
from motor_bids_app.bids.listing import participants_in
from motor_bids_app.bids.paths import own_folder
from motor_bids_app.bids.tables.identifiers import near_miss
from motor_bids_app.bids.tables.passed_on import known_variables
from motor_bids_app.bids.tables.sources import participants_table
from motor_bids_app.errors import MotorBidsAppError, OutputError, TryAgainError, check_space
from motor_bids_app.settings import ProcessingSettings

log = logging.getLogger(__name__)
BIDS_VERSION = "1.11.0"
LOCK_SECONDS = 120
# What BIDS has no name for yet.
_BIDSIGNORE = (
    "logs", "figures", "*.html", "experiments", "predictions", "validations", "group", "*_xfm.*",
    "*_dwimap.*", "*_desc-disconnectedbundles.*", "*_desc-disconnectedregions.*",
    "*_desc-disconnectedpairs.*",
    "*_desc-preproc_dwi.bval", "*_desc-preproc_dwi.bvec", "*_desc-features.tsv",
    "*_desc-features.json", "*_desc-lesionoverlap.tsv", "*_desc-lesionoverlap.json",
    "*_desc-confounds_timeseries.*", "*_boldmap.*", "*_boldref.*",
    "*_epo.fif", "*_epo.json", "emg",
)  # fmt: skip
_DESCRIPTIONS = {
    "brain": "Brain mask",
    "preproc": "Preprocessed: images reoriented, denoised, corrected for the bias field or for "
    "motion; recordings filtered and freed of artefacts",
    "noise": "Standard deviation of the noise, as denoising estimates it",
    "residual": "Root mean square over all volumes of what denoising took away",
    "susceptibility": "Displacement along the phase-encoding axis that was undone",
    "confounds": "What disturbs a series, one row for each volume",
    "denoised": "Nuisance regressed out, filtered, smoothed",
    "fc": "Connectivity over the whole series",
    "dfc": "Connectivity over sliding windows",
    "windows": "Connectivity in each sliding window; or clean windows of EEG or EMG",
    "disconnectedbundles": "Share of the streamlines of each bundle that the lesion cuts",
    "disconnectedregions": "Share of the streamlines ending in each region that the lesion cuts",
    "disconnectedpairs": "Share of the streamlines between two regions that the lesion cuts",
    "disconnection": "Share of the streamlines through each voxel that are cut anywhere",
    "lesionoverlap": "Overlap of the lesion with each region of the CerebrA atlas",
    "features": "Measures of one participant and session, one row",
}


@contextmanager
def locked(output_dir: Path) -> Iterator[None]:
    """Hold the lock of the output dataset; one holder among all processes that share it.

    Raises
    ------
    TryAgainError
        Another process held the lock for two minutes.
    """
    folder = output_dir / "logs"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock", timeout=LOCK_SECONDS):
            yield
    except Timeout as error:
        raise TryAgainError(
            f"Another run has held {folder / '.lock'} for {LOCK_SECONDS} s. Try again when it is "
            "done; if none is running, delete that file."
        ) from error


def check_outside(bids_dir: Path, folder: Path, what: str, *, derivative: bool = False) -> None:
    """Raise OutputError for a folder to write in that is inside the input, links followed.

    Parameters
    ----------
    bids_dir, folder : Path
    what : str
        What the folder is called in the message.
    derivative : bool
        Whether it may be BIDS_DIR/derivatives/NAME, where BIDS has derivatives.
    """
    inside, outside = folder.resolve(), bids_dir.resolve()
    if derivative and inside.parent == outside / "derivatives":
        return
    if inside == outside or outside in inside.parents:
        hint = f", or {bids_dir / 'derivatives'}/NAME" if derivative else ""
        raise OutputError(
            f"The {what} {folder} is inside the input dataset {bids_dir}, which the app never "
            f"writes to. Choose a folder outside it{hint}."
        )


def check_output(bids_dir: Path, output_dir: Path) -> None:
    """Check, without writing anything, that results may go into a folder and could be written.

    Raises
    ------
    OutputError
        It is inside BIDS_DIR, but for a folder of its derivatives that is new or of this app; or
        it, or what it would be made in, is no folder or cannot be written.
    InvalidNameError
        A folder in it is a link that leads elsewhere.
    """
    check_outside(bids_dir, output_dir, "output folder", derivative=True)
    if bids_dir.resolve() in output_dir.resolve().parents and participants_in(output_dir):
        maker = maker_of(output_dir).get("Name")
        if maker != "motor_bids_app":
            raise OutputError(
                f"The output folder {output_dir} is part of the input: it holds data of "
                f"{maker or 'somebody else'}. Choose a folder of its own for this app."
            )
    for name in ("logs", "group", "experiments", "predictions"):
        own_folder(output_dir, name)
    there = next(folder for folder in (output_dir, *output_dir.parents) if folder.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        problem = "Permission denied" if there.is_dir() else f"{there} is a file"
        raise OutputError(_unwritable(output_dir, problem))


def _unwritable(output_dir: Path, problem: object) -> str:
    return (
        f"The output folder {output_dir} cannot be written: {problem}. Choose another folder, or "
        "change its permissions."
    )


def prepare_output(bids_dir: Path, output_dir: Path) -> None:
    """Check the output folder, make it, and try whether it can be written.

    Raises
    ------
    OutputError, InvalidNameError
        As `check_output`.
    DiskFullError
        There is no room in it.
    """
    check_output(bids_dir, output_dir)
    try:
        output_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=output_dir):
            pass
    except OSError as error:
        check_space(error, output_dir)
        raise OutputError(_unwritable(output_dir, error.strerror or error)) from error


def write_dataset_files(
    bids_dir: Path,
    output_dir: Path,
    derivatives: Mapping[str, Path],
    processing: ProcessingSettings,
    label_key: str = "",
) -> None:
    """Write dataset_description.json, .bidsignore, descriptions.tsv and participants.tsv.

    The description keeps the settings that change results, which a model is compared with
    before it is applied. Several runs may call this at once, for other participants of the
    same input. With a `label_key` it says by which key people have pseudonyms; where their images
    are is not told then, since they are nowhere under these names.
    """
    with locked(output_dir):
        write_json(
            output_dir / "dataset_description.json",
            _description(bids_dir, output_dir, derivatives, processing, label_key),
        )
        write_text(output_dir / ".bidsignore", "\n".join(_BIDSIGNORE) + "\n")
        table = pd.DataFrame(
            {
                "desc_id": [f"desc-{name}" for name in _DESCRIPTIONS],
                "description": list(_DESCRIPTIONS.values()),
            }
        )
        write_table(output_dir / "descriptions.tsv", table)
        _write_participants(bids_dir, output_dir)


def _description(
    bids_dir: Path,
    output_dir: Path,
    derivatives: Mapping[str, Path],
    processing: ProcessingSettings,
    label_key: str,
) -> dict[str, Any]:
    source = _description_of(bids_dir)
    links = {
        name: f"urn:pseudonyms:{label_key}:{name}" if label_key else _link(folder, output_dir)
        for name, folder in {"raw": bids_dir, **derivatives}.items()
    }
    sources = [{"URL": link} for link in links.values()]
    if source.get("DatasetDOI"):
        sources[0]["DOI"] = str(source["DatasetDOI"])
    earlier = _description_of(output_dir).get("DatasetLinks") or {}
    return {
        "Name": f"Motor impairment derivatives of {dataset_name(bids_dir)}",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "License": source.get("License") or "see the source dataset",
        "GeneratedBy": [
            {
                "Name": "motor_bids_app",
                "Version": __version__,
                "Description": "BIDS App that predicts motor impairment after stroke",
                "ProcessingSettings": _recorded(processing),
                "ProcessingDigest": processing.digest,
                **({"LabelKey": label_key} if label_key else {}),
            }
        ],
        "SourceDatasets": sources,
        "DatasetLinks": {**earlier, **links},
    }


def _recorded(processing: ProcessingSettings) -> dict[str, Any]:
    """Settings as another machine can compare them: of a seed mask its content, not its place."""
    seed, found = processing.bold.seed, asdict(processing)
    if isinstance(seed, Path):
        found["bold"]["seed"] = f"mask with SHA-256 {hash_file(seed)}"
    return found


def _link(folder: Path, output_dir: Path) -> str:
    """Where a folder is, seen from the output: nothing above what both are in is told."""
    return quote(Path(os.path.relpath(folder.resolve(), output_dir.resolve())).as_posix())


def dataset_name(dataset: Path) -> str:
    """Name of a dataset as its description has it, else that of its folder."""
    return str(_description_of(dataset).get("Name") or dataset.resolve().name)


def label_key_of(dataset: Path) -> str:
    """Mark of the key by which people in an output have pseudonyms; '' where they have none."""
    return str(maker_of(dataset).get("LabelKey") or "")


def _description_of(dataset: Path) -> dict[str, Any]:
    """Read dataset_description.json; empty where there is none that can be read."""
    try:
        return read_json(dataset / "dataset_description.json")
    except MotorBidsAppError:
        return {}


def _write_participants(bids_dir: Path, output_dir: Path) -> None:
    """Write what is known of the participants who have derivatives.

    These are variables that the app knows, as it reads them, and no cell as it stands: names,
    dates of birth and remarks stay in the input.
    """
    here = [f"sub-{label}" for label in participants_in(output_dir)]
    table = pd.DataFrame({"participant_id": here})
    dictionary: dict[str, Any] = {"participant_id": {"Description": "Participant"}}
    try:
        _name_near_misses(here, bids_dir)
        known = known_variables(bids_dir)
    except MotorBidsAppError:
        known = []  # the group level says what is wrong; derivatives do not need it
    for variable in known:
        table[variable.name] = table["participant_id"].map(variable.values)
        dictionary[variable.name] = variable.description
    write_table(output_dir / "participants.tsv", table, dictionary)


def _name_near_misses(here: list[str], bids_dir: Path) -> None:
    """Log who has no row in participants.tsv, but for somebody whose name differs in little."""
    given = participants_table(bids_dir)
    listed = [] if given is None else list(given["participant_id"])
    for person in sorted(set(here) - set(listed)):
        near = near_miss(person, listed)
        if near:
            log.warning("%s has no row in participants.tsv, but %s", person, near)
