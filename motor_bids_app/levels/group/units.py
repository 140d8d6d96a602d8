"""Trainings of networks, each on its own: in any process, on any machine, kept in one folder.

A rehearsal tells which trainings an experiment will ask for. Each is done by whoever comes to it
and left as a checkpoint, which the evaluation then finds instead of training: what it computes is
the same whoever trained. Nothing else needs to know of processes.
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
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.base import clone

from motor_bids_app.bids.files import check_space
from motor_bids_app.engine import map_unordered, worker_number
from motor_bids_app.errors import MotorBidsAppError, ReadWriteError, WorkerDiedError
from motor_bids_app.levels.group.estimators import Builder
from motor_bids_app.levels.group.evaluation import Setup
from motor_bids_app.levels.group.rehearsal import Asked, rehearse
from motor_bids_app.levels.hardware import choose_device, fold_devices, set_up_process
from motor_bids_app.levels.progress import progress_bar
from motor_bids_app.models.instances.network import InstanceNetwork
from motor_bids_app.settings import Resources, Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Unit:
    """One training, as a worker gets it: its number among those in a file."""

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


def trainings_asked(
    builder: Builder, setup: Setup, given: pd.DataFrame | None = None
) -> list[Asked]:
    """Return the trainings of an experiment that leave a checkpoint, each once.

    Parameters
    ----------
    builder : Builder
    setup : Setup
        Of the evaluation.
    given : DataFrame, optional
        Splits of the user.
    """
    found = rehearse(builder, setup.models, setup.final, given).asked
    return list({_key(one): one for one in reversed(found) if one.training.keeps}.values())[::-1]


def _key(asked: Asked) -> tuple[object, ...]:
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


def train_apart(settings: Settings, name: str, asked: Sequence[Asked], folder: Path) -> None:
    """Do trainings on as many processes as the settings say, and leave their checkpoints.

    Parameters
    ----------
    settings : Settings
    name : str
        Of the experiment.
    asked : sequence of Asked
    folder : Path
        For a file that all processes read, on this machine and others; of this run alone.

    Raises
    ------
    WorkerDiedError
        A training ended its process, twice. The others are done.
    MotorBidsAppError
        The first error of a training, as the evaluation would raise it.
    """
    if not asked:
        return
    resources = processes(settings.resources)
    path = _write(folder.absolute(), asked)
    n_threads = settings.processing.omp_nthreads
    units = [_Unit(path, number, resources, n_threads) for number in range(len(asked))]
    failed: dict[int, MotorBidsAppError] = {}
    with (
        closing(map_unordered(train, units, resources)) as results,
        progress_bar(f"{name}: trainings", resources.n_procs) as report,
    ):
        for done, (unit, result) in enumerate(results, start=1):
            if result is not None:
                failed[unit.number] = result
            report(done, len(units))
    path.unlink(missing_ok=True)
    for number, error in sorted(failed.items()):
        if isinstance(error, WorkerDiedError):
            one = asked[number]
            raise WorkerDiedError(
                f"Training {number + 1} of {len(asked)} ({one.model}, {one.purpose}: "
                f"{one.training.kind}) failed. {error}"
            )
        raise error


def train(unit: _Unit) -> MotorBidsAppError | None:
    """Do one training in whatever process this is; return the error of one that cannot be done."""
    set_up_process(unit.n_threads)
    asked = _read(unit.path)[unit.number]
    training, samples = asked.training, asked.samples[asked.training.rows]
    try:
        network = _on_device(training.network, _device(unit.resources))
        network.fit(samples, training.labels)
    except MotorBidsAppError as error:
        return error
    finally:
        torch.cuda.empty_cache()  # the process that asked predicts and explains on this device
    return None


def _device(resources: Resources) -> str:
    """Device of this process: GPUs of one machine are dealt to its workers."""
    devices = fold_devices(choose_device(resources.device))
    return devices[worker_number() % len(devices)] if resources.engine == "local" else devices[0]


def _on_device(network: Any, device: str) -> Any:
    """Return a network that is not fitted, to be trained on a device."""
    if isinstance(network, InstanceNetwork):
        return replace(network, plan=replace(network.plan, device=device))
    return clone(network).set_params(device=device)


def _write(folder: Path, asked: Sequence[Asked]) -> Path:
    """Write trainings, with the samples that they share once; maps in a file are named.

    The file has a new name each time, as workers keep what they read.
    """
    for one in asked:
        if one.samples.volumes is not None and isinstance(
            one.samples.volumes.store.data, np.memmap
        ):
            one.samples.volumes.store.data.flush()  # other machines see what is on the disk
    try:
        handle, name = tempfile.mkstemp(prefix="trainings-", dir=folder)
        with os.fdopen(handle, "wb") as stream:
            ForkingPickler(stream, pickle.HIGHEST_PROTOCOL).dump(list(asked))
    except OSError as error:
        check_space(error, folder)
        raise ReadWriteError(
            f"Nothing could be written to {folder}: {error.strerror}. Choose another work folder."
        ) from error
    return Path(name)


@lru_cache(maxsize=1)
def _read(path: Path) -> list[Asked]:
    """Read what `_write` wrote, in a folder that nobody but this user can write to."""
    try:
        asked: list[Asked] = pickle.loads(path.read_bytes())  # noqa: S301 - see above
    except FileNotFoundError as error:
        raise ReadWriteError(
            f"A worker does not find {path}. Choose a work folder (--work-dir) that all machines "
            "share under one name."
        ) from error
    return asked


def _by_name(array: "np.memmap[Any, Any]") -> Any:
    """Open the file again instead of copying what is in it; a part of one is copied."""
    if isinstance(array.base, mmap.mmap) and array.flags.c_contiguous:
        return np.memmap, (array.filename, array.dtype, "r", array.offset, array.shape)
    return np.array(array).__reduce__()


ForkingPickler.register(np.memmap, _by_name)
