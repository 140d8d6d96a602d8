"""Where in the bold a network of slices looks (shi2025)."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.explanation.slices import into_volume, onto_voxels, slice_gradcam
from motor_bids_app.features.samples import Samples
from motor_bids_app.features.slices import SLICES, VolumeSlices
from motor_bids_app.levels.maps import experiment_mask, to_flip
from motor_bids_app.levels.piece_explanation import PieceExplainer, Volume
from motor_bids_app.models.opened_slices import OpenSlices, open_slices, places_of
from motor_bids_app.spaces.grids import Grid

_RESOLUTION = 3  # mm


class SliceExplainer(PieceExplainer[OpenSlices]):
    """Explains networks of slices."""

    piece = SLICES
    map = "bold"
    network = "network of slices"
    reading = (
        "positive places spoke, on average, for what the network of slices said of a person (poor "
        "or good, high or low), negative ones against it."
    )
    meaning: ClassVar[dict[str, str]] = {
        "gradcam": "Last feature map of the network of slices, its channels weighed by their "
        "gradient and interpolated, put back where the slices were cut (Selvaraju et al. 2017)",
    }

    def places(self, experiment: Experiment) -> tuple[Grid, int, NDArray[np.bool_]]:
        """Grid that the slices were cut from; see `PieceExplainer`."""
        source = self.cohort.samples.pieces[SLICES].source
        assert isinstance(source, VolumeSlices)
        table = self.cohort.samples.table
        self._mirrored = to_flip(table, experiment.inputs.mirror_lesion_to)
        return source.grid, _RESOLUTION, experiment_mask("brain", source.grid)

    def open(self, model: Any) -> OpenSlices | None:
        """Return the network; see `PieceExplainer`."""
        return open_slices(model)

    def person_map(
        self, network: OpenSlices, sample: Samples, method: str  # noqa: ARG002
    ) -> tuple[Volume, float, list[tuple[float, float]]]:  # fmt: skip
        """Grad-CAM of the slices in their volume; see `PieceExplainer`."""
        stride, first = network.places
        size, shape = network.modality.size, (self.grid.shape[0], self.grid.shape[1])
        slices, outputs = [], []
        for pictures in network.pictures(sample):
            coarse = slice_gradcam(network.module, network.stage, pictures)
            slices += [onto_voxels(one, size, stride, first, shape) for one in coarse]
            outputs += network.module(pictures).detach().cpu().tolist()
        volume = into_volume(np.stack(slices), places_of(sample, 0), self.grid.shape)
        return volume, float(np.mean(outputs)) - network.learned.average, []

    def details(self, row: int) -> dict[str, Any]:
        """Whether the bold was mirrored."""
        return {"Mirrored": bool(self._mirrored[row])}

    def notes(self) -> tuple[str, ...]:
        """How fine the maps are, and what is not in them."""
        return (
            "EEG and EMG have no part in them.",
            "Grad-CAM of slices has a few dozen values per slice, interpolated between: it shows "
            "in which part of a slice the network looks, not in which gyrus.",
        )
