"""The participant level: preprocess every selected participant and session."""

import logging
import traceback
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from motor_bids_app.bids.dataset import StatusRow, update_status
from motor_bids_app.bids.files import write_text
from motor_bids_app.bids.scan import ANATOMY, Scan
from motor_bids_app.engine import map_unordered
from motor_bids_app.errors import IncompleteRunError, MotorBidsAppError
from motor_bids_app.levels.hardware import keep_memory, limit_threads, use_device
from motor_bids_app.levels.participant.anatomy.preprocess import preprocess_anatomy
from motor_bids_app.levels.participant.diffusion.finished import take_diffusion
from motor_bids_app.levels.participant.diffusion.preprocess import preprocess_diffusion
from motor_bids_app.levels.participant.features import extract_features
from motor_bids_app.levels.participant.functional.step import preprocess_bold
from motor_bids_app.levels.participant.lesion import preprocess_standard_lesion
from motor_bids_app.levels.participant.outputs import STEPS, Outputs
from motor_bids_app.levels.participant.overview import planned
from motor_bids_app.levels.participant.report import write_report
from motor_bids_app.levels.participant.steps import Step
from motor_bids_app.levels.participant.usage import Usage
from motor_bids_app.levels.progress import track
from motor_bids_app.settings import Selection, Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """One participant and session, and the settings to process it with."""

    scan: Scan
    settings: Settings


def run(settings: Settings, scans: Sequence[Scan]) -> None:
    """Preprocess all scans; one that fails does not stop the others.

    Raises
    ------
    IncompleteRunError
        Some participants failed; the derivatives of the others are there.
    """
    jobs = [Job(scan, settings) for scan in scans]
    failed: list[StatusRow] = []
    results = map_unordered(process, jobs, settings.resources)
    for number, (job, rows) in enumerate(track(results, len(jobs), "participants"), start=1):
        update_status(settings.output_dir, rows)
        log.info("%d/%d %s: %s", number, len(jobs), job.scan.prefix, _summary(rows))
        for row in rows:
            if row.state == "failed":
                log.error("%s %s: %s", job.scan.prefix, row.modality, row.reason)
                failed.append(row)
        if failed and settings.stop_on_first_crash:
            break
    if failed:
        names = sorted({row.prefix for row in failed})
        raise IncompleteRunError(
            f"{len(names)} of {len(scans)} failed: {', '.join(names[:5])}"
            f"{' ...' if len(names) > 5 else ''}. The reasons are in "
            f"{settings.output_dir / 'logs' / 'participants_status.tsv'}."
        )


def process(job: Job) -> list[StatusRow]:
    """Run the steps of one participant and session, in whatever process this is."""
    scan, settings = job.scan, job.settings
    limit_threads(settings.processing.omp_nthreads)
    keep_memory()
    use_device(settings.resources.device)
    datasets = {**settings.derivatives, "raw": settings.bids_dir}
    outputs = Outputs(
        settings.output_dir, scan.participant, scan.session, settings.processing.space, datasets
    )
    rows = [] if settings.reports_only else _preprocess(job, outputs)
    report = Task("report", _records(outputs), lambda: write_report(scan, outputs, settings, rows))
    changed = settings.reports_only or any(row.state != "kept" for row in rows)
    return [*rows, _attempt(report, job, outputs, repeat=changed)]


@dataclass(frozen=True)
class Task:
    """One step: what it reads, and the function that does it."""

    name: str
    inputs: dict[str, Path]
    work: Callable[[], None]


def _preprocess(job: Job, outputs: Outputs) -> list[StatusRow]:
    """Do what there are files for; each task builds on the records of those before it."""
    scan, settings = job.scan, job.settings
    steps, possible = planned(scan, settings.selection), planned(scan, Selection())
    _forget(set(STEPS) - {*possible, *(["features"] if possible else [])}, outputs)
    if not steps:
        notes = "; ".join(scan.notes) or "nothing to do with the modalities that were asked for"
        return [_row(job, "anat", "skipped", notes)]
    if "anat" not in steps and Step("anat", outputs.prefix, outputs.root).was_killed:
        _forget({"anat"}, outputs)
    tasks: dict[str, Callable[[Scan, Outputs, Settings], Task]] = {
        "anat": _anatomy,
        "dwi": _diffusion,
        "bold": _functional,
        "features": _features,
        "eeg": partial(_signals, "eeg"),
        "emg": partial(_signals, "emg"),
    }
    rows: list[StatusRow] = []
    for name in (*steps, "features"):
        failed = bool(rows) and (rows[0].modality, rows[0].state) == ("anat", "failed")
        if failed and name not in ("eeg", "emg"):
            reason = f"anat failed, on which {name} builds: see the reason there"
            rows.append(_row(job, name, "failed", reason))
        else:
            rows.append(_attempt(tasks[name](scan, outputs, settings), job, outputs))
            if name == "anat" and rows[-1].state == "failed" and not _records(outputs, "anat"):
                _forget(set(STEPS), outputs)
            if name == "anat":
                rows += _forget_outdated(set(STEPS) - {*steps, "features"}, job, outputs)
    return rows


def _forget(names: Set[str], outputs: Outputs) -> None:
    """Delete what earlier runs made of inputs, or of an anatomy, that are no longer there."""
    for name in names:
        Step(name, outputs.prefix, outputs.root).discard()


def _forget_outdated(names: Set[str], job: Job, outputs: Outputs) -> list[StatusRow]:
    """Delete what steps that are not asked for made with an earlier anatomy, and say so."""
    anatomy = Step("anat", outputs.prefix, outputs.root)
    steps = [Step(name, outputs.prefix, outputs.root) for name in STEPS if name in names]
    outdated = [step for step in steps if step.is_outdated(anatomy)]
    for step in outdated:
        step.discard()
    return [
        _row(
            job,
            step.name,
            "outdated",
            f"the {step.name} derivatives were made with an earlier anatomy, and deleted: run "
            f"again with --modalities anat {step.name}",
        )
        for step in outdated
    ]


def _anatomy(scan: Scan, outputs: Outputs, settings: Settings) -> Task:
    inputs = _lesion(scan)
    if scan.anatomy is None:
        return Task("anat", inputs, lambda: preprocess_standard_lesion(scan, outputs))
    inputs |= {f"head, {scan.anatomy[1]}": scan.anatomy[0], **scan.finished.anatomy}
    inputs |= {name: path for name in ANATOMY if (path := scan.image(name))}
    inputs |= {f"head_{number}": path for number, path in enumerate(scan.repeats, start=2)}
    return Task("anat", inputs, lambda: preprocess_anatomy(scan, outputs, settings.processing))


def _lesion(scan: Scan) -> dict[str, Path]:
    """Return the mask, called by what it was drawn on: of the same bytes that decides where it is.

    The image that it was drawn on belongs to it.
    """
    if scan.lesion is None:
        return {}
    lesion = scan.lesion
    place = lesion.space if lesion.is_standard else lesion.image
    inputs = {f"lesion on {place}": lesion.path}
    drawn_on = scan.image(lesion.image) if lesion.image and not lesion.is_standard else None
    return inputs | ({"image of the lesion": drawn_on} if drawn_on else {})


def _diffusion(scan: Scan, outputs: Outputs, settings: Settings) -> Task:
    if scan.finished.diffusion:
        inputs = scan.finished.diffusion | _records(outputs, "anat")
        return Task("dwi", inputs, lambda: take_diffusion(scan, outputs))
    files = {"dwi": scan.dwi, "bval": scan.bval, "bvec": scan.bvec}
    files |= _lesion(scan) if outputs.head is None else {}
    sidecars = [*scan.dwi_sidecars]
    if scan.reverse_phase:
        files |= {"reverse": scan.reverse_phase.path, "reverse_bval": scan.reverse_phase.bval}
        sidecars += scan.reverse_phase.sidecars
    if scan.field_map:
        files |= scan.field_map.files
    inputs = {name: path for name, path in files.items() if path} | _records(outputs, "anat")
    inputs |= {f"sidecar{number}": path for number, path in enumerate(sidecars)}
    processing = settings.processing
    return Task("dwi", inputs, lambda: preprocess_diffusion(scan, outputs, processing))


def _functional(scan: Scan, outputs: Outputs, settings: Settings) -> Task:
    assert scan.bold is not None
    inputs = scan.bold.files | _records(outputs, "anat")
    if isinstance(settings.processing.bold.seed, Path):
        inputs["seed"] = settings.processing.bold.seed
    return Task("bold", inputs, lambda: preprocess_bold(scan, outputs, settings.processing))


def _signals(kind: str, scan: Scan, outputs: Outputs, settings: Settings) -> Task:
    from motor_bids_app.levels.participant.physiology.preprocess import (  # seconds
        preprocess_eeg,
        preprocess_emg,
    )

    file = scan.eeg if kind == "eeg" else scan.emg
    assert file is not None
    preprocess = preprocess_eeg if kind == "eeg" else preprocess_emg
    return Task(kind, file.files, lambda: preprocess(scan, outputs, settings.processing))


def _features(_scan: Scan, outputs: Outputs, _settings: Settings) -> Task:
    records = _records(outputs, "anat", "dwi", "bold", "eeg", "emg")
    return Task("features", records, lambda: extract_features(outputs))


def _records(outputs: Outputs, *names: str) -> dict[str, Path]:
    """Records of the steps that are done: they change when anything before them does."""
    steps = [Step(name, outputs.prefix, outputs.root) for name in names or STEPS]
    return {step.name: step.record for step in steps if step.record.is_file()}


def _attempt(task: Task, job: Job, outputs: Outputs, *, repeat: bool = False) -> StatusRow:
    """Do one task; its failure is a row in the status table, not the end of the others."""
    settings, reason = job.settings, ""
    processing = settings.processing.of_step(task.name)
    step = Step(task.name, job.scan.prefix, settings.output_dir)

    def work() -> list[Path]:
        outputs.written.clear()
        try:
            task.work()
        except BaseException:
            for path in outputs.written:
                path.unlink(missing_ok=True)
            raise
        return list(outputs.written)

    with Usage() as usage:
        try:
            repeat = repeat or settings.overwrite
            done = step.run(task.inputs, processing, work, repeat=repeat)
            state = "done" if done else "kept"
            reason = " ".join(outputs.load_facts([task.name]).warnings)
        except MotorBidsAppError as error:
            state, reason = "failed", str(error)
        except Exception as error:  # a bug must not take the other participants down
            crash = settings.output_dir / "logs" / f"crash-{outputs.prefix}_{task.name}.txt"
            write_text(crash, traceback.format_exc())
            state, reason = "failed", f"internal error {error!r}: please report it with {crash}"
    return _row(job, task.name, state, reason, usage)


def _row(job: Job, modality: str, state: str, reason: str, usage: Usage | None = None) -> StatusRow:
    return StatusRow(
        participant=job.scan.participant,
        session=job.scan.session,
        modality=modality,
        state=state,
        reason=reason,
        seconds=usage.seconds if usage else 0.0,
        peak_memory=usage.peak_mb if usage else 0.0,
    )


def _summary(rows: Sequence[StatusRow]) -> str:
    """'anat 3.1 s, dwi kept'."""
    texts = {row.modality: f"{row.seconds:.1f} s" for row in rows if row.state == "done"}
    return ", ".join(f"{row.modality} {texts.get(row.modality, row.state)}" for row in rows)
