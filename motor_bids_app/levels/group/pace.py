"""How long a network takes for one item of a training, and how large it is: measured here."""

import logging
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from motor_bids_app.features.samples import Samples
from motor_bids_app.features.series import WINDOWS
from motor_bids_app.levels.group.trainings import OF_WINDOWS, Training
from motor_bids_app.models.instances.network import InstanceNetwork

log = logging.getLogger(__name__)
FEWEST = 2  # items of a step, with which measuring begins
MOST_SECONDS = 20.0  # that a step may take to be measured at its real size
MOST_BYTES = 6e9  # that it may need for that, on a processor
# Two epochs of one step, of which the first warms up.
_FEW_STEPS: dict[str, Any] = {"epochs": 2, "stop_after": 0, "schedule": "constant"}
_NO_ONE_OUT: dict[str, Any] = {"validation_share": 0.0, "balance": "none"}


@dataclass(frozen=True, kw_only=True)
class Pace:
    """What one network costs.

    Parameters
    ----------
    seconds : float
        Of one item in one epoch, its share of a step.
    n_items, wanted : int
        Items of the steps that were measured, and of those of the training.
    saved, checkpoint : int
        Bytes of the network in a bundle, and of the checkpoint of a training that is done.
    """

    seconds: float
    n_items: int
    wanted: int
    saved: int
    checkpoint: int


@dataclass
class _Sizes:
    """Checkpoints of which only the size is kept."""

    last: int = 0

    def load(self, name: str) -> bytes | None:  # noqa: ARG002 - of `Checkpoints`
        return None

    def save(self, name: str, content: bytes) -> None:  # noqa: ARG002 - of `Checkpoints`
        self.last = len(content)


def measure(training: Training, X: Samples, y: NDArray[Any]) -> Pace:
    """Train for a few steps: of two items, then of a whole batch where that is no great matter."""
    plan = training.network
    wanted = plan.plan.batch_size if isinstance(plan, InstanceNetwork) else plan.batch_size
    before = _peak(anew=True)
    pace = _steps(training, X, y, FEWEST, wanted)
    grown = _peak() - before
    times = wanted / FEWEST
    if times > 1 and pace.seconds * wanted <= MOST_SECONDS and grown * times <= MOST_BYTES:
        return _steps(training, X, y, wanted, wanted)
    return pace


def _peak(*, anew: bool = False) -> float:
    """Most memory of this process so far, in bytes, or since it was asked for `anew`.

    Infinite where the system does not tell: then nothing large is tried.
    """
    try:
        if anew:
            Path("/proc/self/clear_refs").write_text("5")
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0.0 if anew else math.inf
    lines = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    return float(lines["VmHWM"].split()[0]) * 1024


def _steps(training: Training, X: Samples, y: NDArray[Any], size: int, wanted: int) -> Pace:
    sizes = _Sizes()
    if isinstance(training.network, InstanceNetwork):
        fitted, n = _fit_instances(training.network, X, y, size, sizes)
        seconds = fitted.course_.seconds[-1]
    else:
        fitted, n = _fit_scans(training.network, X, y, size, sizes)
        seconds = fitted.seconds_[-1]
    saved = sum(int(value.nbytes) for value in fitted.get_state().arrays.values())
    log.debug("%s: %.3f s for %d items", training.kind, seconds, n)
    return Pace(
        seconds=seconds / n,
        n_items=n,
        wanted=wanted,
        saved=saved,
        checkpoint=sizes.last,
    )


def _fit_instances(
    network: InstanceNetwork, X: Samples, y: NDArray[Any], size: int, sizes: _Sizes
) -> tuple[InstanceNetwork, int]:
    few, labels = _few_instances(X, y, network.modality.name, size)
    parts = min(network.plan.parts, size // 2)
    plan = replace(network.plan, **_FEW_STEPS, batch_size=size, parts=parts)
    changed = replace(network, plan=plan, **_NO_ONE_OUT, checkpoints=sizes)
    return changed.fit(few, labels), few.instances[network.modality.name].size


def _fit_scans(
    network: Any, X: Samples, y: NDArray[Any], size: int, sizes: _Sizes
) -> tuple[Any, int]:
    parts = min(network.parts, size // 2)
    own = {"batch_size": size, "parts": parts, "checkpoints": sizes, **_FEW_STEPS, **_NO_ONE_OUT}
    if isinstance(network, OF_WINDOWS):
        few, labels = _few_instances(X, y, WINDOWS, size)
        changed = clone(network).set_params(**own, windows=0)
        return changed.fit(few, labels), few.instances[WINDOWS].size
    few, labels = _few(X, y, size)
    return clone(network).set_params(**own).fit(few, labels), size


def _few(X: Samples, y: NDArray[Any], count: int) -> tuple[Samples, NDArray[Any]]:
    """Some scans from the lowest to the highest outcome, several times where there are few."""
    rows = np.argsort(y, kind="stable")[np.linspace(0, len(y) - 1, count).round().astype(np.intp)]
    return X[rows], y[rows]


def _few_instances(
    X: Samples, y: NDArray[Any], name: str, count: int
) -> tuple[Samples, NDArray[Any]]:
    """Some scans, with `count` instances or a few more among them."""
    counts = X.instances[name].counts
    has = counts > 0
    n_scans = max(2, -(-count // int(counts.max())))
    few, labels = _few(X[has], y[has], n_scans)
    each = -(-count // n_scans)
    return replace(few, instances={name: few.instances[name].at_most(each)}), labels
