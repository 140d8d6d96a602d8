"""What a volume of a diffusion series should look like, from the others of its shell."""

import numpy as np
from numpy.typing import NDArray

_MOST_LEVERAGE = 0.5  # of a volume on its own prediction; above, the others tell too little
_LEAST_SIGNAL = 1e-3  # of the brightest, before the logarithm


def predict_members(
    placed: NDArray[np.float32], members: NDArray[np.intp], directions: NDArray[np.float64]
) -> dict[int, NDArray[np.float32]]:
    """What each volume of a shell should look like, from the others and a tensor; {} if too few.

    On one shell the log signal of a tensor is a quadratic form of the direction. A volume has no
    say in its own prediction, which would hold it where it is.

    Parameters
    ----------
    placed : array, shape (N, x, y, z)
        Volumes in one place.
    members : array, shape (M,)
        Numbers of those of the shell.
    directions : array, shape (N, 3)
        Of the gradients, turned with the head.
    """
    x, y, z = directions[members].T
    design = np.stack([x * x, y * y, z * z, x * y, x * z, y * z], axis=1)
    hat = design @ np.linalg.pinv(design)
    own = np.diag(hat).copy()
    if own.max() > _MOST_LEVERAGE:
        return {}
    others = ((hat - np.diag(own)) / (1 - own)[:, None]).astype(np.float32)
    logs = np.log(np.maximum(placed[members], _LEAST_SIGNAL * placed[members].max()))
    logs = np.exp(np.tensordot(others, logs, axes=1))
    return dict(zip(members.tolist(), logs, strict=True))
