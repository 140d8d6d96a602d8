"""The steps of one participant as tasks: what each reads, and the function that does it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from motor_bids_app.bids.scan import ANATOMY, Scan
from motor_bids_app.features.columns import ATLAS
from motor_bids_app.levels.participant.anatomy.step import process_anatomy
from motor_bids_app.levels.participant.diffusion.finished.step import take_diffusion
from motor_bids_app.levels.participant.diffusion.step import preprocess_diffusion
from motor_bids_app.levels.participant.features import extract_features
from motor_bids_app.levels.participant.functional.step import preprocess_bold
from motor_bids_app.levels.participant.lesion import preprocess_standard_lesion
from motor_bids_app.levels.participant.outputs import STEPS, Outputs
from motor_bids_app.levels.participant.secondary import within_reach
from motor_bids_app.levels.participant.steps import Step
from motor_bids_app.settings import Settings
from motor_bids_app.spaces.tractograms import HCP842


@dataclass(frozen=True)
class Task:
    """One step: what it reads, and the function that does it."""

    name: str
    inputs: dict[str, Path]
    work: Callable[[], None]
    said: tuple[str, ...] = ()  # of the index, which goes into its outputs


def records_of(outputs: Outputs, *names: str) -> dict[str, Path]:
    """Records of the steps that are done: they change when anything before them does."""
    steps = [Step(name, outputs.prefix, outputs.root) for name in names or STEPS]
    return {step.name: step.record for step in steps if step.record.is_file()}


def _anatomy(scan: Scan, outputs: Outputs, settings: Settings) -> Task:
    inputs = _lesion(scan)
    if scan.anatomy is None:
        there, said = within_reach(_lesion_parts(scan))
        work = partial(preprocess_standard_lesion, scan, outputs)
        return Task("anat", inputs | there, work, said)
    inputs |= {f"head, {scan.anatomy[1]}": scan.anatomy[0], **scan.finished.anatomy}
    others = {name: path for name in ANATOMY if (path := scan.image(name))}
    others |= {f"head_{number}": path for number, path in enumerate(scan.repeats, start=2)}
    there, said = within_reach(others | _lesion_parts(scan))
    work = partial(process_anatomy, scan, outputs, settings.processing)
    return Task("anat", inputs | there, work, said)


def _lesion(scan: Scan) -> dict[str, Path]:
    """Return the mask, called by what it was drawn on: of the same bytes that decides where it is.

    The image that it was drawn on belongs to it.
    """
    if scan.lesion is None:
        return {}
    lesion = scan.lesion
    place = f"the template of {lesion.space}" if lesion.is_standard else lesion.image
    inputs = {f"lesion on {place}": lesion.path}
    drawn_on = scan.lesion_drawn_on
    return inputs | ({"image of the lesion": drawn_on} if drawn_on else {})


def _lesion_parts(scan: Scan) -> dict[str, Path]:
    parts = scan.lesion.parts if scan.lesion else ()
    return {f"lesion part {number}": path for number, path in enumerate(parts, start=2)}


def _diffusion(scan: Scan, outputs: Outputs, settings: Settings) -> Task:
    if scan.finished.diffusion:
        inputs = scan.finished.diffusion | records_of(outputs, "anat")
        return Task("dwi", inputs, lambda: take_diffusion(scan, outputs))
    files = {"dwi": scan.dwi, "bval": scan.bval, "bvec": scan.bvec}
    inputs = {name: path for name, path in files.items() if path} | records_of(outputs, "anat")
    inputs |= {f"sidecar{number}": path for number, path in enumerate(scan.dwi_sidecars)}
    further = [path for series in scan.further_dwi for path in series.files]
    others = {f"further{number}": path for number, path in enumerate(further)}
    if outputs.head is None:
        inputs |= _lesion(scan)
        others |= _lesion_parts(scan)
    for shown in (scan.reverse_phase, scan.field_map):
        others |= shown.files if shown else {}
    there, said = within_reach(others)
    work = partial(preprocess_diffusion, scan, outputs, settings.processing)
    return Task("dwi", inputs | there, work, said)


def _functional(scan: Scan, outputs: Outputs, settings: Settings) -> Task:
    assert scan.bold is not None
    others: dict[str, Path] = {}
    for shown in (scan.bold.reverse_phase, scan.bold.field_map):
        others |= shown.files if shown else {}
    inputs = {name: path for name, path in scan.bold.files.items() if name not in others}
    inputs |= records_of(outputs, "anat")
    if isinstance(settings.processing.bold.seed, Path):
        inputs["seed"] = settings.processing.bold.seed
    there, said = within_reach(others)
    work = partial(preprocess_bold, scan, outputs, settings.processing)
    return Task("bold", inputs | there, work, said)


def _signals(kind: str, scan: Scan, outputs: Outputs, settings: Settings) -> Task:
    # Seconds to import, and only here.
    from motor_bids_app.levels.participant.physiology.step import run_signals

    file = scan.eeg if kind == "eeg" else scan.emg
    assert file is not None
    return Task(kind, file.files, lambda: run_signals(file, outputs, settings.processing))


def _features(_scan: Scan, outputs: Outputs, settings: Settings) -> Task:
    inputs = records_of(outputs, "anat", "dwi", "bold", "eeg", "emg")
    tractogram = settings.processing.tractogram
    if tractogram is not None:
        inputs["tractogram"] = tractogram
    # Regions of another atlas are other features, though the version be the same.
    work = partial(extract_features, outputs, tractogram)
    return Task("features", inputs, work, said=(ATLAS, HCP842))


TASKS: dict[str, Callable[[Scan, Outputs, Settings], Task]] = {
    "anat": _anatomy,
    "dwi": _diffusion,
    "bold": _functional,
    "features": _features,
    "eeg": partial(_signals, "eeg"),
    "emg": partial(_signals, "emg"),
}
