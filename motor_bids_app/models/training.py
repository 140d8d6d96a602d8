"""How a network is trained: steps, schedule, early stopping, and going on after a stop.

skorch runs the loop. What it lacks is here: a step in several parts, halved where a GPU runs
out of memory; a schedule whose state can be saved; and checkpoints without pickle.
"""

import copy
import json
import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import numpy as np
import safetensors
import safetensors.torch
import torch
from skorch import NeuralNet
from skorch.callbacks import Callback
from skorch.helper import predefined_split
from torch import Tensor, nn

from motor_bids_app.errors import DataError, UsageError
from motor_bids_app.models.batches import Batches, ScanDataset

log = logging.getLogger(__name__)
SCHEDULES = ("constant", "plateau", "cosine")
OPTIMIZERS = ("sgd", "adam")
PRECISIONS = ("float32", "bfloat16")
SAVE_SECONDS = 60  # between checkpoints
LOG_SECONDS = 30  # between lines about the progress
_FORMAT = 1
Network = TypeVar("Network", bound=nn.Module)


class Checkpoints(Protocol):
    """Where training keeps what it needs to go on after a stop; knows places, not contents."""

    def load(self, name: str) -> bytes | None:
        """Return what was saved under a name, or None."""
        ...

    def save(self, name: str, content: bytes) -> None:
        """Keep `content` under a name, replacing what was there."""
        ...


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Settings of a training; see `deep` for what they mean."""

    optimizer: str = "sgd"
    learning_rate: float = 1e-4
    momentum: float = 0.9
    weight_decay: float = 5e-3
    epochs: int = 50
    batch_size: int = 8
    parts: int = 1
    schedule: str = "constant"
    halve_after: int = 20
    stop_after: int = 0
    precision: str = "float32"
    random_state: int = 0
    device: str = "cpu"

    def check(self) -> None:
        """Raise UsageError for values that make no sense together."""
        for name, known in (
            ("optimizer", OPTIMIZERS),
            ("schedule", SCHEDULES),
            ("precision", PRECISIONS),
        ):
            if getattr(self, name) not in known:
                raise UsageError(
                    f"{name} = {getattr(self, name)!r}: use one of {', '.join(known)}."
                )
        if self.batch_size < 2 * self.parts or self.epochs < 1:
            raise UsageError(
                "Training needs 1 or more epochs, and a batch_size of 2 or more scans in each of "
                f"its parts; got epochs = {self.epochs}, batch_size = {self.batch_size} and parts "
                f"= {self.parts}."
            )


class SteppedNet(NeuralNet):
    """skorch's network whose steps can be done in parts, and in bfloat16.

    Parameters
    ----------
    n_parts : int
        Parts of a batch, one after the other; gradients are those of the whole batch, but
        normalisation sees a part at a time.
    precision : str
        "bfloat16" for convolutions and products in half the bytes; normalisation and loss
        stay float32.
    """

    def __init__(self, *args: Any, n_parts: int = 1, precision: str = "float32", **kw: Any) -> None:
        self.n_parts = n_parts
        self.precision = precision
        super().__init__(*args, **kw)

    def infer(self, x: Any, **fit_params: Any) -> Tensor:
        """Return the outputs, float32."""
        kind = torch.device(self.device).type
        with torch.autocast(kind, torch.bfloat16, enabled=self.precision == "bfloat16"):
            return super().infer(x, **fit_params).float()

    def train_step(self, batch: Any, **fit_params: Any) -> dict[str, Any]:
        """Do one step; where a GPU is out of memory, again in twice as many parts."""
        while True:
            try:
                return self._step(batch, **fit_params)
            except torch.OutOfMemoryError:
                size = len(batch[1]) // (2 * self.n_parts)
                if size < 2:
                    raise DataError(
                        f"Two scans do not fit in the memory of {self.device}. Use coarser maps "
                        "([inputs] resolution), fewer maps, or the CPU."
                    ) from None
                self.n_parts *= 2
                log.warning(
                    "%s is out of memory: going on with batches in parts of %d scans, in which "
                    "normalisation now happens", self.device, size,
                )  # fmt: skip
                torch.cuda.empty_cache()

    def _step(self, batch: Any, **fit_params: Any) -> dict[str, Any]:
        inputs, targets = batch
        self._set_training(True)
        self.optimizer_.zero_grad()
        outputs, total = [], torch.zeros(())
        pieces = torch.arange(len(targets)).tensor_split(min(self.n_parts, len(targets) // 2))
        for piece in pieces:
            part = {name: value[piece] for name, value in inputs.items()}
            predicted = self.infer(part, **fit_params)
            loss = self.get_loss(predicted, targets[piece], X=part, training=True)
            loss = loss * (len(piece) / len(targets))
            loss.backward()
            total += loss.detach().cpu()
            outputs.append(predicted.detach())
        self.optimizer_.step()
        return {"loss": total, "y_pred": torch.cat(outputs)}


class _Stop(Exception):  # noqa: N818 - the training is over, which is no error
    pass


@dataclass
class Course:
    """Where a training is: saved in checkpoints.

    Attributes
    ----------
    losses, validation : list of float
        Loss of each epoch done, on the training scans and the others held out.
    best : int
        Epoch, from 1, with the least validation loss; 0 before the first.
    halved : int
        Epoch when the learning rate was last halved.
    """

    losses: list[float] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    best: int = 0
    halved: int = 0
    done: bool = False


class _Director(Callback):
    """Sets the learning rate, keeps the best weights, saves, and says how far it is."""

    def __init__(
        self, plan: Plan, course: Course, save: Callable[[NeuralNet, "_Director"], None]
    ) -> None:
        self.plan = plan
        self.course = course
        self.save = save
        self.best_weights: dict[str, Tensor] = {}
        self.saved = self.told = time.monotonic()

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:  # noqa: ARG002
        """Take note of an epoch."""
        course, last = self.course, net.history[-1]
        course.losses.append(float(last["train_loss"]))
        epoch = len(course.losses)
        if "valid_loss" in last:
            course.validation.append(float(last["valid_loss"]))
            self._judge(net, epoch)
        if not math.isfinite(course.losses[-1]):
            raise DataError(
                f"Training diverged in epoch {epoch}: the loss is not finite. Use a learning_rate "
                f"below {self.plan.learning_rate:g}."
            )
        over = self.plan.stop_after and epoch - course.best >= self.plan.stop_after
        course.done = bool(over) or epoch >= self.plan.epochs
        self._set_rate(net, epoch)
        now = time.monotonic()
        if course.done or now > self.saved + SAVE_SECONDS:
            self.save(net, self)
            self.saved = now
        if now > self.told + LOG_SECONDS:
            self.told = now
            judged = f", validation {course.validation[-1]:.3f}" if course.validation else ""
            log.info(
                "epoch %d of %d, loss %.3f%s", epoch, self.plan.epochs, course.losses[-1], judged
            )
        if course.done:
            raise _Stop

    def _judge(self, net: NeuralNet, epoch: int) -> None:
        losses = self.course.validation
        if self.course.best == 0 or losses[-1] < losses[self.course.best - 1]:
            self.course.best = epoch
            self.best_weights = copy.deepcopy(net.module_.state_dict())

    def _set_rate(self, net: NeuralNet, epoch: int) -> None:
        plan, course = self.plan, self.course
        if plan.schedule == "cosine":
            share = 0.5 * (1 + math.cos(math.pi * epoch / plan.epochs))
            for group in net.optimizer_.param_groups:
                group["lr"] = plan.learning_rate * share
            return
        waited = epoch - max(course.best, course.halved)
        if plan.schedule == "plateau" and waited >= plan.halve_after:
            course.halved = epoch
            for group in net.optimizer_.param_groups:
                group["lr"] /= 2


def train(
    network: Network,
    criterion: nn.Module,
    dataset: ScanDataset,
    validation: ScanDataset | None,
    plan: Plan,
    *,
    checkpoints: Checkpoints | None = None,
    identity: Sequence[str] = (),
) -> tuple[Network, Course]:
    """Train a network; with `validation`, return it as it was in its best epoch.

    Parameters
    ----------
    network, criterion : Module
        With initial weights; the loss.
    dataset, validation : ScanDataset
        To learn from, and to stop by: people of the training fold in either, in none both.
    plan : Plan
    checkpoints : Checkpoints, optional
        With it, a training that was stopped goes on, with the same result.
    identity : pair of str
        Which training this is among those of an experiment, and its data and settings in a
        form that can be compared.

    Raises
    ------
    UsageError
        Settings make no sense, or a checkpoint was made with others.
    DataError
        The loss is not finite, or two scans do not fit in the memory of a GPU.
    """
    plan.check()
    name, fingerprint = identity if checkpoints is not None else ("", "")
    course = Course()

    def save(net: NeuralNet, director: _Director) -> None:
        if checkpoints is not None:
            state = _packed(net, director, batches.random, fingerprint)
            checkpoints.save(name, state)

    director = _Director(plan, course, save)
    batches = Batches(dataset, plan.batch_size, plan.random_state)
    net = _net(network, criterion, batches, validation, plan, director)
    with torch.random.fork_rng(devices=[]):  # dropout; the caller's state stays as it is
        torch.manual_seed(plan.random_state)
        net.initialize()
        found = None if checkpoints is None else checkpoints.load(name)
        if found is not None:
            _unpack(found, net, director, batches.random, fingerprint)
        try:
            if not course.done:
                net.fit_loop(dataset, None, epochs=plan.epochs - len(course.losses))
        except _Stop:
            pass
    if director.best_weights:
        net.module_.load_state_dict(director.best_weights)
    return network.eval(), course


def _net(
    network: nn.Module,
    criterion: nn.Module,
    batches: Batches,
    validation: ScanDataset | None,
    plan: Plan,
    director: _Director,
) -> SteppedNet:
    own = {"momentum": plan.momentum} if plan.optimizer == "sgd" else {}
    kind = torch.optim.SGD if plan.optimizer == "sgd" else torch.optim.Adam
    return SteppedNet(
        network,
        criterion=criterion,
        optimizer=kind,
        lr=plan.learning_rate,
        optimizer__weight_decay=plan.weight_decay,
        **{f"optimizer__{name}": value for name, value in own.items()},
        batch_size=plan.batch_size,
        iterator_train=lambda *_, **__: batches,  # whose state checkpoints hold
        iterator_valid=Batches,
        iterator_valid__seed=0,
        train_split=None if validation is None else predefined_split(validation),
        callbacks=[("director", director)],
        callbacks__print_log=None,
        verbose=0,
        device=plan.device,
        n_parts=plan.parts,
        precision=plan.precision,
    )


def _packed(
    net: NeuralNet, director: _Director, random: np.random.Generator, fingerprint: str
) -> bytes:
    """Return all that is needed to go on, as safetensors with JSON in its header."""
    tensors = {f"network.{key}": value for key, value in net.module_.state_dict().items()}
    tensors |= {f"best.{key}": value for key, value in director.best_weights.items()}
    state = net.optimizer_.state_dict()
    for number, values in state["state"].items():
        for key, value in values.items():
            if value is not None:
                tensors[f"optimizer.{number}.{key}"] = torch.as_tensor(value)
    tensors["random"] = torch.get_rng_state()
    facts = {
        "format": _FORMAT, "fingerprint": fingerprint, "course": vars(director.course),
        "rate": net.optimizer_.param_groups[0]["lr"], "order": random.bit_generator.state,
        "parts": net.n_parts,
    }  # fmt: skip
    whole = {key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}
    return bytes(safetensors.torch.save(whole, {"facts": json.dumps(facts)}))


def _unpack(
    content: bytes,
    net: NeuralNet,
    director: _Director,
    random: np.random.Generator,
    fingerprint: str,
) -> None:
    """Go on from a checkpoint; raises UsageError if it is of other settings, or damaged."""
    try:
        size = int.from_bytes(content[:8], "little")
        header = json.loads(content[8 : 8 + size])
        facts = json.loads(header["__metadata__"]["facts"])
        tensors = safetensors.torch.load(content)
    except (ValueError, KeyError, safetensors.SafetensorError) as error:
        raise UsageError(
            f"A checkpoint of this training is damaged ({error}). Remove the checkpoints from the "
            "work folder to train anew."
        ) from error
    if facts["format"] != _FORMAT or facts["fingerprint"] != fingerprint:
        raise UsageError(
            "A checkpoint of this training was made with other settings or data: "
            f"{_difference(facts['fingerprint'], fingerprint)}. Take back the change, or remove "
            "the checkpoints from the work folder to train anew."
        )

    def of(kind: str) -> dict[str, Tensor]:
        return {key.removeprefix(kind): v for key, v in tensors.items() if key.startswith(kind)}

    net.module_.load_state_dict(of("network."))
    director.best_weights = of("best.")
    states: dict[int, dict[str, Tensor]] = {}
    for key, value in of("optimizer.").items():
        number, name = key.split(".")
        states.setdefault(int(number), {})[name] = value
    groups = net.optimizer_.state_dict()["param_groups"]
    net.optimizer_.load_state_dict({"state": states, "param_groups": groups})
    for group in net.optimizer_.param_groups:
        group["lr"] = facts["rate"]
    vars(director.course).update(facts["course"])
    random.bit_generator.state = facts["order"]
    net.n_parts = facts["parts"]
    torch.set_rng_state(tensors["random"])
    log.info("going on after epoch %d", len(director.course.losses))


def _difference(before: str, now: str) -> str:
    """Name what differs between two fingerprints."""
    old, new = json.loads(before), json.loads(now)
    changed = [key for key in sorted({*old, *new}) if old.get(key) != new.get(key)]
    return ", ".join(f"{key} was {old.get(key)}, is {new.get(key)}" for key in changed) or "format"
