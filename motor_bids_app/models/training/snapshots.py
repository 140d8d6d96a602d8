"""What a training needs to go on after a stop, without pickle."""

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import safetensors
import safetensors.torch
import torch
from numpy.typing import NDArray
from skorch import NeuralNet
from torch import Tensor

from motor_bids_app.errors import UsageError
from motor_bids_app.models.training.course import Director

log = logging.getLogger(__name__)
_FORMAT = 1


class Checkpoints(Protocol):
    """Where training keeps what it needs to go on after a stop; knows places, not contents."""

    def load(self, name: str) -> bytes | None:
        """Return what was saved under a name, or None."""
        ...

    def save(self, name: str, content: bytes) -> None:
        """Keep `content` under a name, replacing what was there."""
        ...


def identify(
    kind: str, settings: Mapping[str, Any], people: Sequence[str], arrays: Sequence[NDArray[Any]]
) -> tuple[str, str]:
    """Name a training of one kind of network, by whom and what it learns from, and by its seed.

    Permuted labels, changed inputs (`arrays`) or another number of epochs, which a flawed protocol
    tries, make another training. Other settings do not: a user who changes them is told.

    Returns
    -------
    str, str
        The name, and what must be the same for it to go on: settings, and a hash of `arrays`.
    """
    seen = hashlib.sha256()
    for part in arrays:
        seen.update(np.ascontiguousarray(part).tobytes())
    data = seen.hexdigest()[:16]
    who = "\n".join([kind, *people, str(settings["maps"]), str(settings["random_state"]), data])
    who += f"\n{settings['epochs']} epochs"
    name = hashlib.sha256(who.encode()).hexdigest()[:24]
    return name, json.dumps({**settings, "data": data}, sort_keys=True)


def pack(
    net: NeuralNet, director: Director, random: np.random.Generator, fingerprint: str
) -> bytes:
    """Return all that is needed to go on, as safetensors with JSON in its header.

    Of a training that is done these are its weights alone, a third or less of the rest.
    """
    weights, best = net.module_.state_dict(), director.best_weights
    if director.course.done:
        tensors = {f"network.{key}": value for key, value in (best or weights).items()}
    else:
        tensors = {f"network.{key}": value for key, value in weights.items()}
        tensors |= {f"best.{key}": value for key, value in best.items()} | _momentum(net)
    facts = {
        "format": _FORMAT,
        "fingerprint": fingerprint,
        "course": vars(director.course),
        "rate": net.optimizer_.param_groups[0]["lr"],
        "order": random.bit_generator.state,
        "parts": net.n_parts,
    }
    whole = {key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}
    return bytes(safetensors.torch.save(whole, {"facts": json.dumps(facts)}))


def is_done(content: bytes) -> bool:
    """Whether a checkpoint is of a training that is done; False where it cannot be read."""
    try:
        return bool(_facts(content)["course"]["done"])
    except (ValueError, KeyError, TypeError):
        return False


def _momentum(net: NeuralNet) -> dict[str, Tensor]:
    """State of the optimizer and of the random generators."""
    tensors = {
        f"optimizer.{number}.{key}": torch.as_tensor(value)
        for number, values in net.optimizer_.state_dict()["state"].items()
        for key, value in values.items()
        if value is not None
    }
    tensors["random"] = torch.get_rng_state()
    if torch.device(net.device).type == "cuda":
        tensors["random_gpu"] = torch.cuda.get_rng_state(net.device)
    return tensors


def unpack(
    content: bytes,
    net: NeuralNet,
    director: Director,
    random: np.random.Generator,
    fingerprint: str,
) -> None:
    """Go on from a checkpoint; raises UsageError if it is of other settings, or damaged."""
    facts, tensors = _read(content, fingerprint)

    def of(kind: str) -> dict[str, Tensor]:
        return {key.removeprefix(kind): v for key, v in tensors.items() if key.startswith(kind)}

    net.module_.load_state_dict(of("network."))
    director.best_weights = of("best.")
    vars(director.course).update(facts["course"])
    if director.course.done:
        return
    states: dict[int, dict[str, Tensor]] = {}
    for key, value in of("optimizer.").items():
        number, name = key.split(".")
        states.setdefault(int(number), {})[name] = value
    groups = net.optimizer_.state_dict()["param_groups"]
    net.optimizer_.load_state_dict({"state": states, "param_groups": groups})
    for group in net.optimizer_.param_groups:
        group["lr"] = facts["rate"]
    random.bit_generator.state = facts["order"]
    net.n_parts = facts["parts"]
    torch.set_rng_state(tensors["random"])
    if "random_gpu" in tensors and torch.device(net.device).type == "cuda":
        torch.cuda.set_rng_state(tensors["random_gpu"], net.device)
    log.info("going on after epoch %d", len(director.course.losses))


def _read(content: bytes, fingerprint: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return the facts and tensors of a checkpoint; errors as of `unpack`."""
    try:
        facts = _facts(content)
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
    return facts, tensors


def _facts(content: bytes) -> dict[str, Any]:
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    return dict(json.loads(header["__metadata__"]["facts"]))


def _difference(before: str, now: str) -> str:
    """Name what differs between two fingerprints."""
    old, new = json.loads(before), json.loads(now)
    changed = [key for key in sorted({*old, *new}) if old.get(key) != new.get(key)]
    return ", ".join(f"{key} was {old.get(key)}, is {new.get(key)}" for key in changed) or "format"
