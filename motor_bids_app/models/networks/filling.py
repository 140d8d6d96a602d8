"""Networks that are built for weights that are there."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn


def filled(build: Callable[[], nn.Module], weights: Mapping[str, Tensor]) -> nn.Module:
    """Return the network that `build` makes with these weights, ready to predict.

    It is drafted first without its numbers: settings that ask for more than the weights fill
    take no memory.

    Raises
    ------
    ValueError
        Names or shapes of the weights are not those of the network.
    """
    with torch.device("meta"):  # a single number is saved as an array of one
        wanted = {name: tuple(value.shape) or (1,) for name, value in build().state_dict().items()}
    given = {name: tuple(value.shape) or (1,) for name, value in weights.items()}
    if wanted != given:
        wrong = sorted(
            name for name in wanted.keys() | given.keys() if wanted.get(name) != given.get(name)
        )
        raise ValueError(
            f"{len(wrong)} tensors are not those of the network, such as {wrong[0]}: "
            f"{given.get(wrong[0])} instead of {wanted.get(wrong[0])}"
        )
    network = build()
    network.load_state_dict(dict(weights))
    return network.eval()
