"""Recurrent network for windows of EEG and EMG (shi2025): three LSTM layers over short steps.

The paper feeds 10,000 samples of a window one by one. Here a step is a stretch of the window
(0.1 s by default), described by the power of learned filters in it: filters over time and
channels, squared, averaged over the step, logarithm, as in the shallow network of Schirrmeister et
al. (2017), Human Brain Mapping 38. A hundred steps are learned from in seconds where ten thousand
take hours, and power is what mu rhythm and muscle activity show in. What is lost: the phase of a
rhythm, and any order of events within a step.
"""

import torch
from torch import Tensor, nn

N_FILTERS = 32
_KERNEL = 0.1  # s, length of a filter: a cycle of 10 Hz, the slowest rhythm it can tell
_PLACES = 100.0  # per second, of a filter: closer ones add nothing to its power; rarer ones
# would take the power of mu for that of its phase, because they meet each cycle at the same point
_LEAST = 1e-4  # of the power, before the logarithm


class StepPower(nn.Module):
    """Log power of learned filters in each step of a window.

    Parameters
    ----------
    n_channels : int
    rate : float
        Samples per second.
    step : float
        Length of a step in seconds.
    """

    def __init__(self, n_channels: int, rate: float, step: float) -> None:
        super().__init__()
        kernel = max(3, round(_KERNEL * rate) | 1)
        stride, self.per_step = _strides(rate, step)
        self.filters = nn.Conv1d(
            n_channels, N_FILTERS, kernel, stride, padding=kernel // 2, bias=False
        )
        self.norm = nn.BatchNorm1d(N_FILTERS)

    def forward(self, instances: Tensor) -> Tensor:
        """Return shape (n, n_steps, N_FILTERS), from windows (n, n_channels, n_samples)."""
        power = nn.functional.avg_pool1d(self.filters(instances).square(), self.per_step)
        normed: Tensor = self.norm(torch.log(power + _LEAST))
        return normed.transpose(1, 2)


def count_steps(n_samples: int, rate: float, step: float) -> int:
    """Steps that `StepPower` makes of a window."""
    stride, per_step = _strides(rate, step)
    return -(-n_samples // stride) // per_step


def _strides(rate: float, step: float) -> tuple[int, int]:
    """Samples from one place of a filter to the next, and places in a step."""
    stride = max(1, round(rate / _PLACES))
    return stride, max(1, round(step * rate / stride))


class WindowLSTM(nn.Module):
    """Steps, stacked LSTM layers, and a dense layer on the state after the last step.

    Parameters
    ----------
    n_channels, rate, step
        See `StepPower`.
    hidden : tuple of int
        Units of each LSTM layer.
    n_outputs : int
    """

    def __init__(
        self, n_channels: int, rate: float, step: float, hidden: tuple[int, ...], n_outputs: int
    ) -> None:
        super().__init__()
        self.steps = StepPower(n_channels, rate, step)
        sizes = (N_FILTERS, *hidden)
        self.layers = nn.ModuleList(
            nn.LSTM(size, units, batch_first=True)
            for size, units in zip(sizes, hidden, strict=False)
        )
        for layer, units in zip(self.layers, hidden, strict=True):
            # Open forget gates let a new network remember (Jozefowicz et al. 2015).
            bias = dict(layer.named_parameters())["bias_hh_l0"]
            nn.init.constant_(bias[units : 2 * units], 1.0)
        self.output = nn.Linear(hidden[-1], n_outputs)

    def forward(self, instances: Tensor) -> Tensor:
        """Return shape (n, n_outputs), from windows (n, n_channels, n_samples)."""
        states = self.steps(instances)
        for layer in self.layers:
            states, _ = layer(states)
        outputs: Tensor = self.output(states[:, -1])
        return outputs
