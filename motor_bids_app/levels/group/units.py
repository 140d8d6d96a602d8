"""Trainings of networks, and looks at them, each on its own: in any process, on any machine.

A rehearsal tells which an experiment will ask for. Each is done by whoever comes to it and left in
one folder, where the evaluation finds it instead of doing it: what it computes is the same whoever
did. Nothing else needs to know of processes.
"""

import logging
import mmap
import os
import pickle
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import lru_cache
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
import torch

from motor_bids_app.engine import map_unordered, worker_number
from motor_bids_app.errors import MotorBidsAppError, ReadWriteError, WorkerDiedError, check_space
from motor_bids_app.levels.group.estimators import Builder
from motor_bids_app.levels.group.evaluation import Setup
from motor_bids_app.levels.group.rehearsal import Asked, Shown, rehearse
from motor_bids_app.levels.hardware import choose_device, fold_devices, set_up_process
from motor_bids_app.levels.progress import progress_bar
from motor_bids_app.models.instances.network import InstanceNetwork
from motor_bids_app.settings import Resources, Settings

log = logging.getLogger(__name__)


class Work(Protocol):
    """What can be done in any process."""

    @property
    def words(self) -> str:
        """What it is, for the message that it failed."""
        ...

    def do(self, device: str) -> None:
        """Do it on a device, and leave the result where the evaluation finds it."""
        ...


@dataclass(frozen=True)
class _Unit:
    """One piece of work, as a worker gets it: its number among those in a file."""

    path: Path
    number: int
    resources: Resources
    n_threads: int


def processes(resources: Resources) -> Resources:
    """Return what trainings take: processes as asked for, or one for each GPU of this machine."""
    devices = fold_devices(choose_device(resources.device))
    if resources.engine == "local" and devices[0].startswith("cuda"):
        return replace(resources, n_procs=len(devices))
    return resources


def is_alone(resources: Resources) -> bool:
    """Whether everything happens in this process, in which trainings need no place of their own."""
    local = resources.engine == "local" and resources.mem_gb is None
    return local and processes(resources).n_procs == 1


def asked_of(
    builder: Builder, setup: Setup, given: pd.DataFrame | None = None
) -> tuple[list[Asked], list[Shown]]:
    """Return the trainings of an experiment that leave a checkpoint, each once; and what is shown.

    Parameters
    ----------
    builder : Builder
    setup : Setup
        Of the evaluation.
    given : DataFrame, optional
        Splits of the user.
    """
    found = rehearse(builder, setup.models, setup.final, given)
    kept = [one for one in found.asked if one.training.keeps]
    return list({key_of(one): one for one in reversed(kept)}.values())[::-1], found.shown


def key_of(asked: Asked) -> tuple[object, ...]:
    """What is alike of two trainings that are the same; their samples are the same objects."""
    training = asked.training
    network = training.network
    params = vars(network) if isinstance(network, InstanceNetwork) else network.get_params(False)
    settings = tuple(
        (name, value.tobytes() if isinstance(value, np.ndarray) else repr(value))
        for name, value in params.items()
    )
    data = (training.rows.tobytes(), training.labels.tobytes())
    return (id(asked.samples), type(network), settings, *data)


def do_apart(
    settings: Settings, name: str, work: Sequence[Work], folder: Path, kind: str = "training"
) -> None:
    """Do work on as many processes as the settings say.

    Parameters
    ----------
    settings : Settings
    name : str
        Of the experiment.
    work : sequence of Work
    folder : Path
        For a file that all processes read, on this machine and others; of this run alone.
    kind : str
        What a piece of work is called.

    Raises
    ------
    WorkerDiedError
        A piece of work ended its process, twice. The others are done.
    MotorBidsAppError
        The first error of a piece, as the evaluation would raise it.
    """
    if not work:
        return
    resources = processes(settings.resources)
    path = _write(folder.absolute(), work)
    n_threads = settings.processing.omp_nthreads
    units = [_Unit(path, number, resources, n_threads) for number in range(len(work))]
    failed: dict[int, MotorBidsAppError] = {}
    with (
        closing(map_unordered(do, units, resources)) as results,
        progress_bar(name, resources.n_procs, f"{kind}s") as report,
    ):
        for done, (unit, result) in enumerate(results, start=1):
            if result is not None:
                failed[unit.number] = result
            report(done, len(units))
    path.unlink(missing_ok=True)
    for number, error in sorted(failed.items()):
        if isinstance(error, WorkerDiedError):
            which = f"{kind.capitalize()} {number + 1} of {len(work)} ({work[number].words})"
            raise WorkerDiedError(f"{which} failed. {error}")
        raise error


def do(unit: _Unit) -> MotorBidsAppError | None:
    """Do one piece of work in whatever process this is; return its error."""
    set_up_process(unit.n_threads)
    try:
        _read(unit.path)[unit.number].do(_device(unit.resources))
    except MotorBidsAppError as error:
        return error
    finally:
        torch.cuda.empty_cache()  # the process that asked predicts and explains on this device
    return None


def _device(resources: Resources) -> str:
    """Device of this process: GPUs of one machine are dealt to its workers."""
    devices = fold_devices(choose_device(resources.device))
    return devices[worker_number() % len(devices)] if resources.engine == "local" else devices[0]


def _write(folder: Path, work: Sequence[Work]) -> Path:
    """Write work, with the samples that its pieces share once; maps in a file are named.

    The file has a new name each time, as workers keep what they read.
    """
    try:
        handle, name = tempfile.mkstemp(prefix="work-", dir=folder)
        with os.fdopen(handle, "wb") as stream:
            ForkingPickler(stream, pickle.HIGHEST_PROTOCOL).dump(list(work))
    except OSError as error:
        check_space(error, folder)
        raise ReadWriteError(
            f"Nothing could be written to {folder}: {error.strerror}. Choose another work folder."
        ) from error
    return Path(name)


@lru_cache(maxsize=1)
def _read(path: Path) -> list[Work]:
    """Read what `_write` wrote, in a folder that nobody but this user can write to."""
    try:
        work: list[Work] = pickle.loads(path.read_bytes())  # noqa: S301 - see above
    except FileNotFoundError as error:
        raise ReadWriteError(
            f"A worker does not find {path}. Choose a work folder (--work-dir) that all machines "
            "share under one name."
        ) from error
    return work


def _by_name(array: "np.memmap[Any, Any]") -> Any:
    """Open the file again instead of copying what is in it; a part of one is copied."""
    if isinstance(array.base, mmap.mmap) and array.flags.c_contiguous:
        array.flush()  # other machines see what is on the disk
        return np.memmap, (array.filename, array.dtype, "r", array.offset, array.shape)
    return np.array(array).__reduce__()


ForkingPickler.register(np.memmap, _by_name)
