"""Several GPUs: folds dealt to them, one at a time to each, in a process of its own.

Threads of one process would not do: torch seeds the generators of all devices at once, and keeps
for the whole process whether it adds in a fixed order. The trainings of an experiment outnumber
devices, so that no training needs several of them.
"""

import mmap
import pickle
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.reduction import ForkingPickler
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import clone

from motor_bids_app.errors import DataError
from motor_bids_app.evaluation.fitting import Fit, Job, fit_in_turn
from motor_bids_app.features.samples import Samples
from motor_bids_app.levels.hardware import limit_threads

_given: list[Samples] = []  # of this process, one of those that fit


@contextmanager
def fitting_on(devices: Sequence[str]) -> Iterator[Fit]:
    """Give what fits models on these devices at once; on a single one, models fit in turn."""
    if len(devices) < 2:
        yield fit_in_turn
        return
    team = Team(devices)
    try:
        yield team.fit
    finally:
        team.dismiss()


class Team:
    """One process for each device.

    Parameters
    ----------
    devices : sequence of str
        Two or more, such as "cuda:0" and "cuda:1".
    """

    def __init__(self, devices: Sequence[str]) -> None:
        self.devices = tuple(devices)
        self._samples: Samples | None = None
        self._pools: list[ProcessPoolExecutor] = []

    def fit(self, jobs: Sequence[Job], samples: Samples, y: NDArray[Any]) -> Iterator[Any]:
        """Yield what `fit_in_turn` does; models that use no device are fitted here, in turn.

        The devices train together and then wait until all that they gave was taken, so that
        predictions and explanations have their memory.

        Raises
        ------
        DataError
            A process was ended, as systems do that run out of memory.
        """
        if not jobs or not device_settings(jobs[0][0]):
            yield from fit_in_turn(jobs, samples, y)
            return
        self._gather(samples)
        for start in range(0, len(jobs), len(self.devices)):
            some = jobs[start : start + len(self.devices)]
            places = zip(some, self.devices, self._pools, strict=False)
            given = [
                pool.submit(_fit, pickle.dumps(on_device(model, device)), rows, y)
                for (model, rows), device, pool in places
            ]
            try:
                fitted = [one.result() for one in given]
            except BrokenProcessPool as error:
                self.dismiss()
                raise DataError(
                    "A process that trained a network was ended from outside, most often because "
                    "the machine ran out of memory. Use one GPU (--device cuda:0), or a machine "
                    "with more memory."
                ) from error
            for one in fitted:
                yield pickle.loads(one)  # noqa: S301 - from our own process

    def dismiss(self) -> None:
        """End the processes."""
        for pool in self._pools:
            pool.shutdown(cancel_futures=True)
        self._pools, self._samples = [], None

    def _gather(self, samples: Samples) -> None:
        """Have processes that hold these samples; maps in a file are not copied."""
        if samples is self._samples:
            return
        self.dismiss()
        context = get_context("spawn")  # a process that used a GPU cannot be forked
        self._pools = [
            ProcessPoolExecutor(1, context, _begin, (samples, torch.get_num_threads()))
            for _ in self.devices
        ]
        self._samples = samples


def device_settings(model: Any) -> list[str]:
    """Names of the settings, of a model or of one inside it, that say where it is trained."""
    return [name for name in model.get_params() if name.rpartition("__")[2] == "device"]


def on_device(model: Any, device: str) -> Any:
    """Return a copy that is not fitted, to be trained on a device."""
    return clone(model).set_params(**dict.fromkeys(device_settings(model), device))


def _begin(samples: Samples, n_threads: int) -> None:
    limit_threads(n_threads)
    _given[:] = [samples]


def _fit(pickled: bytes, rows: NDArray[np.bool_], y: NDArray[Any]) -> bytes:
    """Return the fitted model, pickled: torch would share its weights by files in memory."""
    model = pickle.loads(pickled)  # noqa: S301 - from our own process
    fitted = pickle.dumps(model.fit(_given[0][rows], y[rows]))
    del model
    torch.cuda.empty_cache()  # the process that asked predicts and explains on this device
    return fitted


def _by_name(array: "np.memmap[Any, Any]") -> Any:
    """Open the file again instead of copying what is in it; a part of one is copied."""
    if isinstance(array.base, mmap.mmap) and array.flags.c_contiguous:
        return np.memmap, (array.filename, array.dtype, "r", array.offset, array.shape)
    return np.array(array).__reduce__()


ForkingPickler.register(np.memmap, _by_name)
