"""Where in the bold a network of slices looks (shi2025)."""

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.explanation.checks import deletion_of_instances
from motor_bids_app.explanation.slices import into_volume, onto_voxels, slice_gradcam
from motor_bids_app.features.samples import Samples
from motor_bids_app.features.slices import SLICES, VolumeSlices
from motor_bids_app.levels.cohort.maps import experiment_mask, to_flip
from motor_bids_app.levels.group.explanation.instances import Curve, InstanceExplainer, Volume
from motor_bids_app.models.instances.fusion import FusionModel
from motor_bids_app.models.opened.maps import plain_model
from motor_bids_app.models.opened.slices import OpenSlices, open_slices, places_of
from motor_bids_app.spaces.grids import Grid

_RESOLUTION = 3  # mm
_DELETED = 8  # slices of a person, evenly spaced


class SliceExplainer(InstanceExplainer[OpenSlices]):
    """Explains networks of slices."""

    instance = SLICES
    map = "bold"
    network = "network of slices"
    reading = (
        "positive places spoke, on average, for what the network of slices said of a person (poor "
        "or good, high or low), negative ones against it."
    )
    meaning: ClassVar[dict[str, str]] = {
        "gradcam": "Channels of a stage of the network of slices, weighed by their gradient and "
        "interpolated, put back where the slices were cut (Selvaraju et al. 2017)",
    }

    _apart = 0.0  # mm between places of Grad-CAM

    def places(self, experiment: Experiment) -> tuple[Grid, int, NDArray[np.bool_]]:
        """Grid that the slices were cut from; see `InstanceExplainer`."""
        source = self.cohort.samples.instances[SLICES].source
        assert isinstance(source, VolumeSlices)
        table = self.cohort.samples.table
        self._mirrored = to_flip(table, experiment.inputs.mirror_lesion_to)
        return source.grid, _RESOLUTION, experiment_mask("brain", source.grid)

    def explains(self, model: Any) -> bool:
        """Whether it reads slices; see `InstanceExplainer`."""
        plain = plain_model(model)
        return isinstance(plain, FusionModel) and SLICES in plain.modalities

    def open(self, model: Any) -> OpenSlices | None:
        """Return the network; see `InstanceExplainer`."""
        network = open_slices(model, float(self.grid.voxel_sizes.max()))
        if network is not None:
            self._apart = network.places[0] * network.pixel_size
        return network

    def shown(self, network: OpenSlices, sample: Samples) -> Iterator[torch.Tensor]:
        """Yield the slices, and the output of the average one; see `InstanceExplainer`."""
        yield torch.tensor(network.learned.average, dtype=torch.float64)
        yield from network.pictures(sample)

    def person_map(
        self,
        network: OpenSlices,
        sample: Samples,
        method: str,  # noqa: ARG002
    ) -> tuple[Volume, float, list[tuple[float, float]]]:
        """Grad-CAM of the slices in their volume; see `InstanceExplainer`."""
        stride, first = network.places
        size, shape = network.modality.size, (self.grid.shape[0], self.grid.shape[1])
        slices, outputs = [], []
        for pictures in network.pictures(sample):
            coarse = slice_gradcam(network.module, network.stage, pictures)
            slices += [onto_voxels(one, size, stride, first, shape) for one in coarse]
            outputs += network.module(pictures).detach().cpu().tolist()
        volume = into_volume(np.stack(slices), places_of(sample, 0), self.grid.shape)
        return volume, float(np.mean(outputs)) - network.learned.average, []

    def deletion(
        self,
        network: OpenSlices,
        sample: Samples,
        values: Volume,  # noqa: ARG002
        random: np.random.Generator,
    ) -> tuple[Curve, Curve]:
        """Pixels of some slices are deleted, in the order of the Grad-CAM of each."""
        return slices_deletion(network, sample, random)

    def details(self, row: int) -> dict[str, Any]:
        """Whether the bold was mirrored."""
        return {"Mirrored": bool(self._mirrored[row])}

    def notes(self) -> tuple[str, ...]:
        """How fine the maps are, and what is not in them."""
        return (
            "EEG and EMG have no part in them.",
            f"Grad-CAM of slices has one value every {self._apart:.0f} mm, interpolated between: "
            "it cannot resolve smaller distances. Later layers are even coarser.",
        )


def slices_deletion(
    network: OpenSlices, sample: Samples, random: np.random.Generator
) -> tuple[Curve, Curve]:
    """What is left of the mean output of some slices of one scan as their pixels are deleted.

    Deleted is what becomes as grey as the training slices are on average. Those pixels go first
    that speak most for the output by Grad-CAM, then pixels at random.
    """
    every = torch.cat(list(network.pictures(sample)))
    places = np.linspace(0, len(every) - 1, min(len(every), _DELETED)).round().astype(np.intp)
    pictures = every[torch.from_numpy(places).to(every.device)]
    (stride, first), size = network.places, network.modality.size
    values = np.stack(
        [
            onto_voxels(one, size, stride, first, (size, size))
            for one in slice_gradcam(network.module, network.stage, pictures)
        ]
    )

    def output(some: NDArray[np.float32]) -> Curve:
        with torch.inference_mode():
            given = network.module(torch.from_numpy(some).to(every.device))
        return np.asarray(given.double().cpu().numpy())

    mask = np.ones((size, size), dtype=bool)
    return deletion_of_instances(output, pictures.cpu().numpy(), values, mask, random)
