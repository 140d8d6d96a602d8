"""Attribution maps as NIfTI images in the standard space, each with a sidecar."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from motor_bids_app.bids.files import save_image
from motor_bids_app.features.volumes import Volumes
from motor_bids_app.levels.cohort.cohort import Cohort
from motor_bids_app.models.networks.inputs import volumes_of
from motor_bids_app.settings import STANDARD_SPACE
from motor_bids_app.spaces.grids import Grid

TITLES: Mapping[str, str] = {
    "weights": "Weights of the linear model",
    "pattern": "Activation pattern of the linear model",
    "integrated_gradients": "Integrated gradients",
    "gradcam": "Grad-CAM",
    "occlusion": "Occlusion",
}
_MEANING: Mapping[str, str] = {
    "weights": "Exact weight of each voxel of the model trained on everyone, times the root mean "
    "square deviation of the map",
    "pattern": "How much each voxel goes with the output of the model trained on everyone, in root "
    "mean square deviations of the map (Haufe et al. 2014)",
    "integrated_gradients": "What each voxel added to the output, compared with the average brain "
    "of the training fold (Sundararajan et al. 2017)",
    "gradcam": "Channels of the last stage whose places are 16 mm apart or less, minus those of "
    "the average brain, weighed by their gradient and interpolated (after Selvaraju et al. 2017)",
    "occlusion": "Change of the output when a cube of the map is replaced by the average brain's",
}
_PEOPLE = (
    "mean over people, each explained by a model that did not learn from them, counted in the "
    "direction of their own prediction: positive is what spoke for it"
)


def unit(cohort: Cohort, method: str) -> str:
    """Unit of a method's values."""
    output = "log odds of poor" if cohort.outcome.cutoff else cohort.outcome.unit
    if method == "pattern":
        return f"deviations of the map per unit of {output}"
    return f"{output} per deviation of the map" if method == "weights" else output


def is_mean(method: str) -> bool:
    """Whether the group's map is a mean over people, and not that of one model."""
    return method not in ("weights", "pattern")


def save_person(folder: Path, cohort: Cohort, method: str, person: str, values: Any) -> None:
    """Write the maps of a person, shape (n_maps, X, Y, Z), as volumes of one image."""
    label = person if person.startswith("sub-") else f"sub-{person}"
    image = map_image(np.moveaxis(values, 0, -1), volumes_of(cohort.samples).grid)
    path = folder / f"{label}_desc-{method.replace('_', '')}.nii.gz"
    sidecar = {
        **_sidecar(cohort, method),
        "Maps": list(cohort.maps),
        "Model": "of the first training of the first test set with this person: it did not learn "
        "from them",
    }
    save_image(image, path, sidecar)


def save_group(folder: Path, cohort: Cohort, method: str, values: Any, n_people: int) -> None:
    """Write the map of the group for each map that the model sees."""
    volumes: Volumes = volumes_of(cohort.samples)
    for name, one in zip(cohort.maps, values, strict=True):
        path = folder / f"group_desc-{method.replace('_', '')}_{name}.nii.gz"
        sidecar = {**_sidecar(cohort, method), "Map": name, "NumberOfPeople": n_people}
        if is_mean(method):
            sidecar["Description"] += f"; {_PEOPLE}"
        save_image(map_image(one, volumes.grid), path, sidecar)


def _sidecar(cohort: Cohort, method: str) -> dict[str, Any]:
    return {
        "Description": _MEANING[method],
        "Method": TITLES[method],
        "Units": unit(cohort, method),
        "Outcome": cohort.outcome.question,
        "SpatialReference": STANDARD_SPACE,
    }


def map_image(values: NDArray[Any], grid: Grid) -> nib.Nifti1Image:
    """Return values on a grid as an image."""
    image = nib.Nifti1Image(np.asarray(values, dtype=np.float32), grid.affine)
    image.header.set_xyzt_units("mm")
    return image
