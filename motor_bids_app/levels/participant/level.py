"""The participant level: preprocess every selected participant and session."""

import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from motor_bids_app.bids.orientation import trust_orientation, trusted_notes
from motor_bids_app.bids.paths import own_folder
from motor_bids_app.bids.scan import Scan
from motor_bids_app.bids.status import StatusKeeper, StatusRow
from motor_bids_app.engine import map_unordered
from motor_bids_app.errors import (
    IncompleteRunError,
    MotorBidsAppError,
    TryAgainError,
    WorkerDiedError,
)
from motor_bids_app.levels.failures import failure_of
from motor_bids_app.levels.hardware import set_up_process, use_device
from motor_bids_app.levels.intact import record_of
from motor_bids_app.levels.participant.earlier import forget, forget_outdated, with_damaged_anatomy
from motor_bids_app.levels.participant.outputs import STEPS, Outputs
from motor_bids_app.levels.participant.overview import planned
from motor_bids_app.levels.participant.report import write_report
from motor_bids_app.levels.participant.steps import Step
from motor_bids_app.levels.participant.tasks import TASKS, Task, records_of
from motor_bids_app.levels.participant.tractogram import tractogram_space
from motor_bids_app.levels.participant.usage import Usage
from motor_bids_app.levels.progress import TimeLeft, pulse, track
from motor_bids_app.scratch import sweep
from motor_bids_app.settings import Selection, Settings

log = logging.getLogger(__name__)
_MOST_TOLD = 4  # participants in one line
_STOPPED = "the run was stopped before this was done: run the same command again to continue"


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
    UsageError, InputMissingError
        The tractogram that was given cannot be one.
    """
    if settings.processing.tractogram is not None:
        tractogram_space(settings.processing.tractogram)
    jobs = {scan.prefix: Job(scan, settings) for scan in scans}
    failed: list[StatusRow] = []
    open_jobs, status = dict(jobs), StatusKeeper(settings.output_dir)
    try:
        left = TimeLeft(settings.resources.n_procs)
        under_way = partial(_under_way, open_jobs, settings.output_dir, time.time(), left)
        with (
            closing(map_unordered(process, list(jobs.values()), settings.resources)) as results,
            pulse(under_way, watched=len(jobs) > 1),
        ):
            for job, result in track(results, len(jobs), "participants", left):
                del open_jobs[job.scan.prefix]
                left.count(len(open_jobs), worked=_has_worked(result))
                count = f"{len(jobs) - len(open_jobs)}/{len(jobs)}{left}"
                failed += _keep(job, result, count, status)
                if failed and settings.stop_on_first_crash:
                    break
    except (KeyboardInterrupt, TryAgainError):
        for job in open_jobs.values():
            status.add(unfinished(job, "stopped", _STOPPED))
        raise
    finally:
        status.flush()
    if failed:
        names = sorted({row.prefix for row in failed})
        raise IncompleteRunError(
            f"{len(names)} of {len(scans)} failed: {', '.join(names[:5])}"
            f"{' ...' if len(names) > 5 else ''}. The reasons are in "
            f"{settings.output_dir / 'logs' / 'participants_status.tsv'}."
        )


def _has_worked(result: list[StatusRow] | WorkerDiedError) -> bool:
    """Whether a job took its time, and was not done by an earlier run."""
    return isinstance(result, Exception) or any(row.state != "kept" for row in result)


def _under_way(open_jobs: Mapping[str, Job], output_dir: Path, start: float, left: TimeLeft) -> str:
    """Say how long the run has been at work, who is under way, and at which step."""
    told = []
    for prefix, job in list(open_jobs.items()):
        steps = (*planned(job.scan, job.settings.selection), "features")
        done = [n for n in steps if _is_since(record_of(output_dir, prefix, n), start)]
        if done or len(open_jobs) == 1:
            at = next((name for name in steps if name not in done), "report")
            told.append(f"{prefix} at {at}" + (f" ({', '.join(done)} done)" if done else ""))
    rest = f" and {len(told) - _MOST_TOLD} more" if len(told) > _MOST_TOLD else ""
    whom = ", ".join(told[:_MOST_TOLD]) + rest
    minutes = (time.time() - start) / 60
    sentence = f"still at work after {minutes:.1f} min, {len(open_jobs)} left{left}"
    return f"{sentence}: {whom}" if whom else sentence


def _is_since(path: Path, start: float) -> bool:
    """Whether a file was written since a time."""
    try:
        return path.stat().st_mtime >= start
    except OSError:
        return False


def _keep(
    job: Job, result: list[StatusRow] | WorkerDiedError, count: str, status: StatusKeeper
) -> list[StatusRow]:
    """Write down how the steps of a job ended; return those that failed."""
    rows = unfinished(job, "failed", str(result)) if isinstance(result, Exception) else result
    status.add(rows)
    log.info("%s %s: %s", count, job.scan.prefix, _summary(rows), extra=_event(job, rows))
    failed = [row for row in rows if row.state == "failed"]
    for row in failed:
        log.error("%s %s: %s", job.scan.prefix, row.modality, row.reason)
    return failed


def _event(job: Job, rows: Sequence[StatusRow]) -> dict[str, object]:
    """What the log of JSON lines has of a participant that is done: seconds, and memory in MB."""
    steps = {
        row.modality: {
            "state": row.state, "seconds": row.seconds, "peak_memory": row.peak_memory,
            **({"reason": row.reason} if row.reason else {}),
        }
        for row in rows
    }  # fmt: skip
    return {"event": {"participant": job.scan.prefix, "steps": steps}}


def unfinished(job: Job, state: str, reason: str) -> list[StatusRow]:
    """Rows of a job that ended before it said how: steps with a record were done before that."""
    root, prefix = job.settings.output_dir, job.scan.prefix
    steps = planned(job.scan, job.settings.selection)
    return [
        _row(job, name, "done", "")
        if (step := Step(name, prefix, root)).record.is_file() and not step.was_killed
        else _row(job, name, state, reason)
        for name in (*steps, *(["features"] if steps else []), "report")
    ]


def process(job: Job) -> list[StatusRow]:
    """Run the steps of one participant and session, in whatever process this is."""
    scan, settings = job.scan, job.settings
    set_up_process(settings.processing.omp_nthreads)
    use_device(settings.resources.device)
    trust_orientation(settings.processing.trust_orientation)
    scan = replace(scan, notes=(*scan.notes, *trusted_notes(scan.images)))
    datasets = {**settings.derivatives, "raw": settings.bids_dir}
    outputs = Outputs(
        settings.output_dir, scan.participant, scan.session, settings.processing.space, datasets
    )
    if scan.problem:
        return [_row(job, "anat", "failed", scan.problem)]
    try:
        sweep(own_folder(settings.output_dir, f"sub-{scan.participant}"), deep=True)
    except MotorBidsAppError as error:
        return [_row(job, "anat", "failed", str(error))]
    rows = [] if settings.reports_only else _preprocess(job, outputs)
    said = (*scan.notes, *scan.doubts)
    write = partial(write_report, scan, outputs, settings, rows)
    report = Task("report", records_of(outputs), write, said)
    changed = settings.reports_only or any(row.state != "kept" for row in rows)
    return [*rows, _attempt(report, job, outputs, repeat=changed)]


def _preprocess(job: Job, outputs: Outputs) -> list[StatusRow]:
    """Do what there are files for; each task builds on the records of those before it."""
    scan, settings = job.scan, job.settings
    steps, possible = planned(scan, settings.selection), planned(scan, Selection())
    forget(set(STEPS) - {*possible, *(["features"] if possible else [])}, outputs)
    if not steps:
        notes = (
            "; ".join((*scan.notes, *scan.doubts))
            or "nothing to do with the modalities that were asked for"
        )
        return [_row(job, "anat", "skipped", notes)]
    steps = with_damaged_anatomy(steps, possible, outputs)
    rows: list[StatusRow] = []
    for name in (*steps, "features"):
        failed = bool(rows) and (rows[0].modality, rows[0].state) == ("anat", "failed")
        if failed and name not in ("eeg", "emg"):
            reason = f"anat failed, on which {name} builds: see the reason there"
            rows.append(_row(job, name, "failed", reason))
        else:
            rows.append(_attempt(TASKS[name](scan, outputs, settings), job, outputs))
            if name == "anat" and rows[-1].state == "failed" and not records_of(outputs, "anat"):
                forget(set(STEPS), outputs)
            if name == "anat":
                others = set(STEPS) - {*steps, "features"}
                rows += [_outdated(job, step) for step in forget_outdated(others, outputs)]
    return [rows[0].adding(scan.doubts), *rows[1:]]


def _outdated(job: Job, step: str) -> StatusRow:
    reason = (
        f"the {step} derivatives were made with an earlier anatomy, and deleted: run again with "
        f"--modalities anat {step}"
    )
    return _row(job, step, "outdated", reason)


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
            done = step.run(task.inputs, processing, work, said=task.said, repeat=repeat)
            state = "done" if done else "kept"
            reason = " ".join(outputs.load_facts([task.name]).warnings)
        except Exception as error:  # a bug must not take the other participants down
            name = f"{outputs.prefix}_{task.name}"
            state, reason = "failed", str(failure_of(error, settings.output_dir, name))
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
