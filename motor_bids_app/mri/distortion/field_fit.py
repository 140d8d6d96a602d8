"""Smooth displacement along one axis that makes volumes fit a model: Gauss-Newton, coarse to fine.

Squared differences and the roughness of the field are minimised together; each step is solved
by conjugate gradients (after Ruthotto et al. 2012). Inside, the axis of the field is the last
one, so that all volumes have the shape (..., X, Y, N).
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from motor_bids_app.mri.sampling import sample, shrink, voxel_grid

# From a field to the differences of the model, their slope with the field, and with its derivative.
Model = Callable[[Tensor], tuple[Tensor, Tensor, Tensor]]

_STEPS = 8
_INNER_STEPS = 15
_LENGTHS = (1.0, 0.5, 0.25, 0.1)  # of a step, until one is downhill
_LEAST_GAIN = 1e-3  # a step that lowers the cost by less is the last


def fit_field(
    volumes: Tensor,
    model: Callable[[Tensor], Model],
    sizes: Sequence[float],
    scales: Sequence[float],
    stiffness: float,
) -> Tensor:
    """Fit a field to volumes.

    Parameters
    ----------
    volumes : Tensor, shape (C, X, Y, N)
        What the model is made of.
    model : callable
        From these volumes, on a coarser grid, to a `Model` there.
    sizes : sequence of 3 floats
        Voxel edges in mm.
    scales : sequence of float
        Voxel edges to work at, in mm, coarse to fine; no finer than the volumes.
    stiffness : float
        Cost of the squared difference between neighbours, in voxels of a scale.

    Returns
    -------
    Tensor, shape (X, Y, N)
        In voxels along the last axis.
    """
    edges = torch.tensor(sizes, dtype=torch.float32)
    field, previous = torch.zeros(volumes.shape[1:]), torch.ones(3)
    for scale in scales:
        factors = (scale / edges).clamp_min(1)
        level = shrink(volumes, (float(factors[0]), float(factors[1]), float(factors[2])))
        field = _to_grid(field, level.shape[1:], factors / previous)
        spacing = factors * edges
        penalties = stiffness * (spacing[2] / spacing) ** 2
        field = _descend(model(level), field, penalties.tolist())
        previous = factors
    return _to_grid(field, volumes.shape[1:], 1 / previous)


def slopes(count: int) -> Tensor:
    """Matrix (n, n) of central differences of n samples, one-sided at the ends."""
    matrix = (torch.eye(count).roll(1, 1) - torch.eye(count).roll(-1, 1)) / 2
    matrix[0], matrix[-1] = 0, 0
    if count > 1:
        matrix[0, :2] = matrix[-1, -2:] = torch.tensor([-1.0, 1.0])
    return matrix


def along(volumes: Tensor, field: Tensor) -> Tensor:
    """Interpolate volumes (..., X, Y, N) linearly at the places that a field (X, Y, N) leads to."""
    last = volumes.shape[-1] - 1
    place = (torch.arange(last + 1, dtype=torch.float32) + field).clamp(0, last)
    low = place.floor()
    index = low.long().expand(volumes.shape)
    first, second = volumes.gather(-1, index), volumes.gather(-1, (index + 1).clamp(max=last))
    return first + (place - low) * (second - first)


def _to_grid(field: Tensor, shape: Sequence[int], ratio: Tensor) -> Tensor:
    """Bring a field to a grid whose voxels are `ratio` times as long."""
    points = voxel_grid(tuple(shape)) * ratio.view(3, 1, 1, 1)
    return sample(field[None], points, padding="border")[0] / ratio[2]


def _descend(model: Model, field: Tensor, penalties: Sequence[float]) -> Tensor:
    difference = slopes(field.shape[-1])

    def cost(residual: Tensor, field: Tensor) -> float:
        return float(residual.square().sum() + (field * _roughness(field, penalties)).sum())

    residual, slope, stretch = model(field)
    current = cost(residual, field)
    for _ in range(_STEPS):

        def back(change: Tensor, slope: Tensor = slope, stretch: Tensor = stretch) -> Tensor:
            return slope * change + (stretch * change) @ difference

        def normal(step: Tensor, slope: Tensor = slope, stretch: Tensor = stretch) -> Tensor:
            change = slope * step + stretch * (step @ difference.T)
            return back(change, slope, stretch) + _roughness(step, penalties)

        downhill = -back(residual) - _roughness(field, penalties)
        diagonal = slope.square() + stretch.square() / 2 + 2 * sum(penalties)
        step = _conjugate_gradients(normal, downhill, diagonal)
        for length in _LENGTHS:
            tried = field + length * step
            parts = model(tried)
            value = cost(parts[0], tried)
            if value < current:
                break
        else:
            return field
        gain = 1 - value / current
        field, current, (residual, slope, stretch) = tried, value, parts
        if gain < _LEAST_GAIN:
            break
    return field


def _conjugate_gradients(
    matrix: Callable[[Tensor], Tensor], target: Tensor, diagonal: Tensor
) -> Tensor:
    """Solve a positive definite system, preconditioned by its diagonal, roughly."""
    solution, residual = torch.zeros_like(target), target.clone()
    scaled = residual / diagonal
    direction, size = scaled, (residual * scaled).sum()
    for _ in range(_INNER_STEPS):
        image = matrix(direction)
        length = size / (direction * image).sum().clamp_min(1e-20)
        solution += length * direction
        residual -= length * image
        scaled = residual / diagonal
        size, previous = (residual * scaled).sum(), size
        direction = scaled + size / previous.clamp_min(1e-20) * direction
    return solution


def _roughness(field: Tensor, penalties: Sequence[float]) -> Tensor:
    """Gradient of half the summed squared differences between neighbours, weighed by axis."""
    total = torch.zeros_like(field)
    for axis, penalty in enumerate(penalties):
        jump, count = penalty * field.diff(dim=axis), field.shape[axis] - 1
        total.narrow(axis, 0, count).sub_(jump)
        total.narrow(axis, 1, count).add_(jump)
    return total
