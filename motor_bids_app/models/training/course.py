"""The course of a training: its plan, its schedule, and when it is over."""

import copy
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from skorch import NeuralNet
from skorch.callbacks import Callback
from torch import Tensor

from motor_bids_app.errors import DataError, UsageError

log = logging.getLogger(__name__)
SCHEDULES = ("constant", "plateau", "cosine", "steps")
OPTIMIZERS = ("sgd", "adam")
PRECISIONS = ("float32", "bfloat16")
SAVE_SECONDS = 60  # between checkpoints
LOG_SECONDS = 30  # between lines about the progress


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Settings of a training; see `deep` for what they mean."""

    optimizer: str = "sgd"
    learning_rate: float = 1e-4
    epsilon: float = 1e-8
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
    deterministic: bool = False

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


class Stop(Exception):  # noqa: N818 - no error
    """The training is over."""


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
    seconds : list of float
        Of each epoch.
    """

    losses: list[float] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    best: int = 0
    halved: int = 0
    done: bool = False
    seconds: list[float] = field(default_factory=list)


class Director(Callback):
    """Sets the learning rate, keeps the best weights, saves, and says how far it is."""

    def __init__(
        self, plan: Plan, course: Course, save: Callable[[NeuralNet, "Director"], None]
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
        course.seconds.append(float(last["dur"]))
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
            raise Stop

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
        waited = epoch - max(course.best if plan.schedule == "plateau" else 0, course.halved)
        if plan.schedule in ("plateau", "steps") and waited >= plan.halve_after:
            course.halved = epoch
            for group in net.optimizer_.param_groups:
                group["lr"] /= 2
