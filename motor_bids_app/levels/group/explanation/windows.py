"""Where a network of sliding windows looks (gao2025)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.explanation.attribution import gradcam, integrated_gradients
from motor_bids_app.explanation.checks import deletion_of_instances
from motor_bids_app.features.samples import Samples
from motor_bids_app.features.series import WINDOWS, SeriesWindows
from motor_bids_app.levels.cohort.cohort import Cohort
from motor_bids_app.levels.cohort.maps import experiment_mask
from motor_bids_app.levels.group.explanation.instances import Curve, InstanceExplainer, Volume
from motor_bids_app.models.instances.windowed import WindowClassifier, WindowRegressor
from motor_bids_app.models.opened.maps import plain_model
from motor_bids_app.models.opened.windows import OpenWindows, open_windows
from motor_bids_app.models.training.snapshots import Checkpoints
from motor_bids_app.spaces.grids import Grid

_WINDOWS = 8  # of a person, evenly spaced: neighbours are nearly the same
_MEAN = f"; mean over up to {_WINDOWS} windows of a person"


class WindowExplainer(InstanceExplainer[OpenWindows]):
    """Explains networks of windows."""

    instance = map = WINDOWS
    network = "network of windows"
    reading = (
        "in positive places connectivity with M1 spoke, on average, for what the network said of a "
        "person (poor or good, high or low), in negative ones against it."
    )
    meaning: ClassVar[dict[str, str]] = {
        "gradcam": "Channels of a block of the network, weighed by their gradient and interpolated "
        f"(Selvaraju et al. 2017){_MEAN}",
        "integrated_gradients": "What each voxel added to the output, compared with the mean "
        f"window of the training fold (Sundararajan et al. 2017){_MEAN}",
    }
    _apart = 0.0  # mm between places of Grad-CAM

    def places(self, experiment: Experiment) -> tuple[Grid, int, NDArray[np.bool_]]:
        """Grid of the windows; see `InstanceExplainer`."""
        source = self.cohort.samples.instances[WINDOWS].source
        assert isinstance(source, SeriesWindows)
        mask = experiment_mask(experiment.inputs.mask, source.grid)
        return source.grid, experiment.inputs.resolution, mask

    def explains(self, model: Any) -> bool:
        """Whether it is a network of windows; see `InstanceExplainer`."""
        return isinstance(plain_model(model), WindowClassifier | WindowRegressor)

    def open(self, model: Any) -> OpenWindows | None:
        """Return the network; see `InstanceExplainer`."""
        network = open_windows(model)
        if network is not None:
            self._apart = float(network.places[0] * self.grid.voxel_sizes.max())
        return network

    def shown(self, network: OpenWindows, sample: Samples) -> Iterator[torch.Tensor]:
        """Yield the windows that are explained; see `InstanceExplainer`."""
        return (part for given in network.inputs(sample, _WINDOWS) for part in given)

    def person_map(
        self, network: OpenWindows, sample: Samples, method: str
    ) -> tuple[Volume, float, list[tuple[float, float]]]:
        """Mean map over windows; see `windows_map`."""
        return windows_map(network, sample, method)

    def deletion(
        self, network: OpenWindows, sample: Samples, values: Volume, random: np.random.Generator
    ) -> tuple[Curve, Curve]:
        """Voxels are deleted in all windows; see `windows_deletion`."""
        return windows_deletion(network, sample, values, self.mask, random)

    def notes(self) -> tuple[str, ...]:
        """How fine the maps are."""
        said = f"Maps are means over up to {_WINDOWS} windows of a person."
        if "gradcam" in self.tallies:
            said += (
                f" Grad-CAM has one value every {self._apart:.0f} mm, interpolated between: it "
                "cannot resolve smaller distances. Later layers are even coarser."
            )
        return (said,)


def windows_map(
    network: OpenWindows, sample: Samples, method: str
) -> tuple[Volume, float, list[tuple[float, float]]]:
    """Mean map over windows of one scan, shape (X, Y, Z), and the mean of their outputs.

    Outputs are counted from that of the mean window of the training fold, which is 0 in the
    network. Of integrated gradients also by how much the map of each window misses its output.
    """
    stride, first = network.places
    maps_of_windows, outputs, errors = [], [], []
    for maps, demographics in network.inputs(sample, _WINDOWS):
        with torch.inference_mode():
            average = float(network.module(0 * maps[:1], demographics[:1]))
            given = network.module(maps, demographics).double().cpu().numpy() - average
        if method == "gradcam":
            found = gradcam(network.module, network.stage, stride, maps, demographics, first=first)
        else:
            values, missed = integrated_gradients(network.module, maps, demographics)
            found = values[:, 0]
            errors += list(zip(np.abs(missed).tolist(), np.abs(given).tolist(), strict=True))
        maps_of_windows.append(found)
        outputs += given.tolist()
    volume = np.concatenate(maps_of_windows).mean(axis=0, dtype=np.float32)
    return volume, float(np.mean(outputs)), errors


def windows_deletion(
    network: OpenWindows,
    sample: Samples,
    values: Volume,
    mask: NDArray[np.bool_],
    random: np.random.Generator,
) -> tuple[Curve, Curve]:
    """What is left of the mean output of the windows of one scan as voxels are deleted in all.

    Those go first that speak most for it in the map `values`, shape (X, Y, Z), then at random.
    """
    windows = torch.cat([maps for maps, _ in network.inputs(sample, _WINDOWS)])
    nothing = torch.zeros((len(windows), 1), device=windows.device)  # demographics have no part

    def output(maps: NDArray[np.float32]) -> Curve:
        with torch.inference_mode():
            given = network.module(torch.from_numpy(maps)[:, None].to(windows.device), nothing)
        return np.asarray(given.double().cpu().numpy())

    maps = windows[:, 0].cpu().numpy()
    return deletion_of_instances(output, maps, np.broadcast_to(values, maps.shape), mask, random)


def build_window_explainer(
    folder: Path,
    cohort: Cohort,
    experiment: Experiment,
    seed: int,
    place: Checkpoints | None = None,
) -> WindowExplainer | None:
    """Return what watches networks of windows; None where nobody has windows."""
    instances = cohort.samples.instances.get(WINDOWS)
    if instances is None or not instances.size:
        return None
    return WindowExplainer(folder, cohort, experiment, seed, place)
