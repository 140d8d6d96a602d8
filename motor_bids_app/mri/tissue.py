"""Share of grey matter, white matter and fluid in every voxel of a brain."""

from dataclasses import dataclass

import nibabel as nib
import numpy as np
import torch
from nibabel.affines import voxel_sizes
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from motor_bids_app.errors import EmptyRegionError
from motor_bids_app.mri.mixture import (
    ALTERED,
    AS_WHITE,
    BINS,
    DEEP,
    FLUID,
    GREY,
    LINING,
    MIXED,
    N_CLASSES,
    OTHER,
    PURE,
    WHITE,
    Mixture,
)
from motor_bids_app.mri.sampling import as_volume, sample, smooth, voxel_grid
from motor_bids_app.mri.tissue_priors import class_priors, native_priors
from motor_bids_app.spaces.grids import Grid, check_same_grid
from motor_bids_app.spaces.transforms import Transform

_TISSUES = ("CSF", "GM", "WM")
_ROUNDS = 30  # of expectation maximisation
_BIAS_EVERY = 3  # rounds; the last ones are without
_BIAS_SCALE = 25.0  # mm, standard deviation of the smoothing
_THIN = 2.0  # mm, voxels in which priors and bias are kept
_SAMPLE = 60_000  # voxels that are enough to fit
_TEMPLATE_PULL = 0.15  # on how common a tissue is: 0 lets it free, 1 keeps the template's share
_WEIGHTS = (0.02, 5.0)  # limits of how common a class is, against what the template says
_ALTERED_SHARE = 0.2  # of white matter, that may look like anything
_OTHER_SHARE = 0.3  # of what surrounds the brain, that is no fluid
_LINING = 0.7  # weight of fluid mixed with white matter, which looks like grey matter
_FIELD_ROUNDS = 4
_FIELD_STRENGTH = 0.4  # gain in log probability for each of six neighbours of the same tissue

Array = NDArray[np.float64]


def segment_tissue(
    image: nib.Nifti1Image,
    brain_mask: nib.Nifti1Image,
    to_template: Transform,
    lesion_mask: nib.Nifti1Image | None = None,
    *,
    bright_fluid: bool = False,
) -> dict[str, nib.Nifti1Image]:
    """Estimate which share of each voxel is grey matter, white matter and fluid.

    A generative model in the manner of Ashburner and Friston (2005): each class of voxels has a
    brightness and, at each place, the frequency that the template gives it; they are fitted by
    expectation maximisation in turns with what is left of the bias field, from the means that
    the template's tissues have in the image. Then a weak Markov field lets neighbours decide
    where noise leaves doubt. The classes are those of `motor_bids_app.mri.mixture`: white matter
    that age has darkened stays white, and nuclei as bright as white matter stay grey, where the
    template says so.

    Parameters
    ----------
    image : Nifti1Image, shape (X, Y, Z)
        Head, T1w, T2w or FLAIR; noise and the bias field taken out as far as may be.
    brain_mask, lesion_mask : Nifti1Image, shape (X, Y, Z)
        Positive inside, on the grid of `image`.
    to_template : Transform
        From points of the image to points of the standard space: the inverse of what
        `register_to_template` finds.
    bright_fluid : bool
        As in T2w; in T1w and FLAIR it is dark.

    Returns
    -------
    dict of Nifti1Image, shape (X, Y, Z), float32
        "CSF", "GM" and "WM", 0 to 1; they add to 1 in the brain outside the lesion, and are 0
        elsewhere.

    Raises
    ------
    EmptyRegionError
        Hardly any healthy brain is left.
    """
    healthy = _healthy(image, brain_mask, lesion_mask)
    box = ndimage.find_objects(healthy.astype(np.uint8))[0]
    volume = as_volume(np.asarray(image.dataobj)[box])
    inside = as_volume(healthy[box]) > 0
    bright = torch.quantile(volume[inside][:: 1 + int(inside.sum()) // 200_000], 0.995)
    volume = (volume / bright).clamp(1e-3, 1)
    sizes = np.asarray(voxel_sizes(image.affine))
    steps = np.maximum(1, np.rint(_THIN / sizes)).astype(int)
    priors = native_priors(Grid.of(image), box, steps, to_template)

    every = (slice(None), *(slice(None, None, step) for step in steps))
    model, log_bias = _fit(
        volume[every], inside[every], priors, sizes * steps, bright_fluid=bright_fluid
    )
    points = voxel_grid(tuple(volume.shape[1:])) / torch.as_tensor(steps).view(3, 1, 1, 1)
    fine = sample(torch.cat([log_bias, priors]), points.float(), padding="border")
    volume = volume / fine[:1].exp()
    shares = _regularise(volume, inside, fine[1:], model, sizes)

    result = np.zeros((3, *image.shape[:3]), dtype=np.float32)
    result[(slice(None), *box)] = shares.cpu().numpy()
    header = image.header.copy()
    header.set_data_dtype(np.float32)
    return {
        name: nib.Nifti1Image(result[k], image.affine, header) for k, name in enumerate(_TISSUES)
    }


def _healthy(
    image: nib.Nifti1Image, brain_mask: nib.Nifti1Image, lesion_mask: nib.Nifti1Image | None
) -> NDArray[np.bool_]:
    check_same_grid(image, brain_mask=brain_mask)
    healthy = np.asarray(brain_mask.dataobj) > 0
    if lesion_mask is not None:
        check_same_grid(image, lesion_mask=lesion_mask)
        healthy = healthy & ~(np.asarray(lesion_mask.dataobj) > 0)
    if healthy.sum() < 1000:
        raise EmptyRegionError(
            f"Only {healthy.sum()} voxels are in the brain mask and outside the lesion: too few "
            "to tell tissues apart. Check both masks."
        )
    return healthy


@dataclass(frozen=True, eq=False)
class _Model:
    """Brightness of the classes, and how common each is against the template, shape (10,)."""

    mixture: Mixture
    weights: Tensor

    def joint(self, index: Tensor, priors: Tensor) -> Tensor:
        """Prior times density of each class, (10, N), in bins and with class priors."""
        densities = torch.as_tensor(self.mixture.densities()).float()
        return densities[:, index] * (self.weights[:, None] * priors)


def _fit(
    volume: Tensor, inside: Tensor, shares: Tensor, sizes: Array, *, bright_fluid: bool
) -> tuple[_Model, Tensor]:
    """Fit the model, and the log of what is left of the bias field, shape (1, x, y, z)."""
    where = torch.nonzero(inside[0].flatten())[:, 0]
    where = where[:: 1 + len(where) // _SAMPLE]
    raw, priors = volume.flatten()[where], class_priors(shares.flatten(1)[:, where])
    log_bias = torch.zeros_like(volume)
    model = _start(raw, priors, bright_fluid=bright_fluid)
    for turn in range(_ROUNDS):
        flat = raw / log_bias.flatten()[where].exp()
        index = _bin(flat)
        joint = model.joint(index, priors)
        members = joint / joint.sum(0)
        counts = np.stack(
            [torch.bincount(index, weights=one, minlength=BINS).cpu().numpy() for one in members]
        )
        weights = _weights(members.sum(1), model.weights, priors)
        model = _Model(model.mixture.fit(counts.astype(np.float64)), weights)
        if turn % _BIAS_EVERY == _BIAS_EVERY - 1 and turn < _ROUNDS - _BIAS_EVERY:
            log_bias = log_bias + _unexplained(
                flat, members, model.mixture, where, volume.shape, sizes
            )
    return model, log_bias


def _start(values: Tensor, priors: Tensor, *, bright_fluid: bool) -> _Model:
    """Means of voxels weighted by the template, which tells of any contrast what is what."""
    weights = priors[PURE] ** 2
    means = (weights * values).sum(1) / weights.sum(1)
    variance = (weights * (values - means[:, None]) ** 2).sum(1) / weights.sum(1)
    means[DEEP] = 0.4 * means[GREY] + 0.6 * means[WHITE]
    means[FLUID] = _fluid(values, priors[PURE[FLUID]], means[[GREY, WHITE]], bright=bright_fluid)
    spreads = 0.6 * variance.sqrt()
    mixture = Mixture(means.double().cpu().numpy(), spreads.double().cpu().numpy().clip(0.01))
    return _Model(mixture, _fixed(torch.full((N_CLASSES,), 0.3)))


def _fluid(values: Tensor, prior: Tensor, tissue: Tensor, *, bright: bool) -> Tensor:
    """Brightness of fluid: median of what lies beyond the tissues where the template has fluid.

    The mean would not do, as a mask takes in some dura and bone.
    """
    likely = values[prior.argsort(descending=True)[: max(100, int((prior > 0.5).sum()))]]
    beyond = likely > tissue.max() if bright else likely < tissue.min()
    return likely[beyond].median() if beyond.any() else likely.mean()


def _weights(found: Tensor, before: Tensor, priors: Tensor) -> Tensor:
    """How common each class is against the template, white matter being 1, shape (10,).

    That classes without a brightness of their own are common cannot be seen, and is given.
    Neither can be how common fluid is, as masks take in more or less of what is around the brain:
    it is no more common than grey matter.
    """
    expected = (priors / (before[:, None] * priors).sum(0)).sum(1)
    weights = found / expected
    weights = weights / weights[PURE[WHITE]]
    fluid, grey = PURE[FLUID], PURE[GREY]
    weights[grey] = weights[grey] ** (1 - _TEMPLATE_PULL)
    weights[fluid] = torch.minimum(weights[fluid] ** (1 - _TEMPLATE_PULL), weights[grey])
    return _fixed(weights.clamp(*_WEIGHTS))


def _fixed(weights: Tensor) -> Tensor:
    weights = weights.clone()
    weights[PURE[WHITE]] = weights[PURE[DEEP]] = weights[AS_WHITE] = 1
    weights[ALTERED], weights[OTHER], weights[LINING] = _ALTERED_SHARE, _OTHER_SHARE, _LINING
    return weights


def _unexplained(
    values: Tensor,
    members: Tensor,
    mixture: Mixture,
    where: Tensor,
    shape: torch.Size,
    sizes: Array,
) -> Tensor:
    """Smooth log of intensity over that of the likely pure tissue, shape (1, x, y, z).

    After Wells et al. 1996. Fluid is left out: its logarithm is mostly noise.
    """
    kinds = [GREY, WHITE, DEEP]
    means = torch.as_tensor(mixture.means[kinds]).float()
    spreads = torch.as_tensor(mixture.spreads[kinds]).float()
    trust = members[PURE[kinds]] * (means / spreads)[:, None] ** 2
    residual = (trust * (values.log() - means.log()[:, None])).sum(0)
    parts = torch.zeros((2, *shape[1:]))
    parts[0].view(-1)[where], parts[1].view(-1)[where] = residual, trust.sum(0)
    x, y, z = _BIAS_SCALE / sizes
    smoothed = smooth(parts, (x, y, z))
    return smoothed[:1] / smoothed[1:].clamp_min(1e-6)


def _bin(values: Tensor) -> Tensor:
    return (values * BINS).long().clamp(0, BINS - 1)


def _regularise(
    volume: Tensor, inside: Tensor, shares: Tensor, model: _Model, sizes: Array
) -> Tensor:
    """Shares of the three tissues, shape (3, X, Y, Z), after a few mean-field rounds."""
    index = _bin(volume[inside])
    joint = model.joint(index, class_priors(shares[:, inside[0]]))
    joint[PURE[GREY]] += joint[PURE[DEEP]] + joint[AS_WHITE]
    joint[PURE[WHITE]] += joint[ALTERED]
    joint[PURE[FLUID]] += joint[OTHER]
    evidence = joint[:6].clamp_min(1e-30).log()  # of fluid, grey, white, between other classes
    second = [torch.as_tensor(model.mixture.second_share(k)).float()[index] for k in MIXED]
    result = torch.zeros((3, *volume.shape[1:]))
    support = torch.zeros_like(evidence)
    for _ in range(_FIELD_ROUNDS + 1):
        result[:, inside[0]] = _tissues((evidence + support).softmax(0), *second)
        fluid, grey, white = _FIELD_STRENGTH * _neighbours(result, sizes)[:, inside[0]]
        support[0], support[2], support[4] = fluid, grey, white
        support[1], support[3], support[5] = (
            (fluid + grey) / 2,
            (grey + white) / 2,
            (fluid + white) / 2,
        )
    return result


def _tissues(members: Tensor, grey_in: Tensor, white_in: Tensor, lining: Tensor) -> Tensor:
    """Shares of the tissues, (3, N), from probabilities of the first six classes, (6, N)."""
    fluid, fluid_grey, grey, grey_white, white, fluid_white = members
    return torch.stack(
        [
            fluid + fluid_grey * (1 - grey_in) + fluid_white * (1 - lining),
            grey + fluid_grey * grey_in + grey_white * (1 - white_in),
            white + grey_white * white_in + fluid_white * lining,
        ]
    )


def _neighbours(shares: Tensor, sizes: Array) -> Tensor:
    """Sum over the six neighbours, those farther away counting less."""
    result = torch.zeros_like(shares)
    for axis, closeness in enumerate(sizes.min() / sizes, start=1):
        n = shares.shape[axis]
        low, high = (shares.narrow(axis, start, n - 1) for start in (0, 1))
        result.narrow(axis, 1, n - 1).add_(low, alpha=float(closeness))
        result.narrow(axis, 0, n - 1).add_(high, alpha=float(closeness))
    return result
