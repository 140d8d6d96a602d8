"""How a network is trained: steps in parts, by a plan, going on after a stop.

skorch runs the loop. What it lacks is here and in `course` and `snapshots`: a step in several
parts, halved where a GPU runs out of memory; a schedule whose state can be saved; and
checkpoints without pickle.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from skorch import NeuralNet
from skorch.helper import predefined_split
from torch import Tensor, nn

from motor_bids_app.errors import DataError
from motor_bids_app.models.training.batches import Batches, TrainingSet
from motor_bids_app.models.training.course import Course, Director, Plan, Stop
from motor_bids_app.models.training.snapshots import Checkpoints, pack, unpack

log = logging.getLogger(__name__)
Network = TypeVar("Network", bound=nn.Module)


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
                    "normalisation now happens",
                    self.device,
                    size,
                )
                torch.cuda.empty_cache()

    def _step(self, batch: Any, **fit_params: Any) -> dict[str, Any]:
        inputs, targets = batch
        self._set_training(True)
        self.optimizer_.zero_grad()
        outputs, total = [], torch.zeros(())
        instances = torch.arange(len(targets)).tensor_split(min(self.n_parts, len(targets) // 2))
        for instance in instances:
            part = {name: value[instance] for name, value in inputs.items()}
            predicted = self.infer(part, **fit_params)
            loss = self.get_loss(predicted, targets[instance], X=part, training=True)
            loss = loss * (len(instance) / len(targets))
            loss.backward()
            total += loss.detach().cpu()
            outputs.append(predicted.detach())
        self.optimizer_.step()
        return {"loss": total, "y_pred": torch.cat(outputs)}


def train(
    network: Network,
    criterion: nn.Module,
    dataset: TrainingSet,
    validation: TrainingSet | None,
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
    dataset, validation : TrainingSet
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

    def save(net: NeuralNet, director: Director) -> None:
        if checkpoints is not None:
            state = pack(net, director, batches.random, fingerprint)
            checkpoints.save(name, state)

    director = Director(plan, course, save)
    batches = Batches(dataset, plan.batch_size, plan.random_state)
    net = _net(network, criterion, batches, validation, plan, director)
    # dropout; the caller's state stays as it is
    with torch.random.fork_rng(devices=[]), fixed_order(plan):
        torch.manual_seed(plan.random_state)
        net.initialize()
        found = None if checkpoints is None else checkpoints.load(name)
        if found is not None:
            unpack(found, net, director, batches.random, fingerprint)
        try:
            if not course.done:
                net.fit_loop(dataset, None, epochs=plan.epochs - len(course.losses))
        except Stop:
            pass
    if director.best_weights:
        net.module_.load_state_dict(director.best_weights)
    return network.eval(), course


@contextmanager
def fixed_order(plan: Plan) -> Iterator[None]:
    """Let torch add in the same order each time on a GPU, if the plan says so; CPUs do anyway."""
    before = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark
    if plan.deterministic and torch.device(plan.device).type == "cuda":
        torch.use_deterministic_algorithms(True)
        torch.backends.cudnn.benchmark = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0])
        torch.backends.cudnn.benchmark = before[1]


def _net(
    network: nn.Module,
    criterion: nn.Module,
    batches: Batches,
    validation: TrainingSet | None,
    plan: Plan,
    director: Director,
) -> SteppedNet:
    own = {"momentum": plan.momentum} if plan.optimizer == "sgd" else {"eps": plan.epsilon}
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
