"""What networks as estimators share: inputs, training in the training fold only, and state."""

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted
from torch import nn

from motor_bids_app.errors import UsageError
from motor_bids_app.features.samples import Samples
from motor_bids_app.models.networks.filling import filled
from motor_bids_app.models.networks.inputs import (
    Maps,
    check_grid,
    grid_from_values,
    grid_values,
)
from motor_bids_app.models.networks.networks import MultiBranchNetwork
from motor_bids_app.models.networks.pooling import check_depth
from motor_bids_app.models.networks.settings import NetworkSettings
from motor_bids_app.models.state import State
from motor_bids_app.models.tables.columns import (
    DEMOGRAPHICS,
    OWN,
    names_of,
    numeric_columns,
    with_matching,
)
from motor_bids_app.models.tables.harmonised_maps import MapComBat, OfSites
from motor_bids_app.models.training.batches import ScanDataset, Standardiser
from motor_bids_app.models.training.course import Plan
from motor_bids_app.models.training.folds import held_out
from motor_bids_app.models.training.snapshots import identify
from motor_bids_app.models.training.train import train

BALANCES = ("sharpen", "weights", "none")
MOST_COLUMNS = 64  # for one unit behind them


class NetworkModel(OfSites, NetworkSettings):
    """Multi-branch residual network on maps and demographics (karakis2023).

    Maps enter as deviations from the training fold's voxelwise mean, in units of each map's
    spread, so that a map that a scan lacks is the fold's mean. Age, sex and time since stroke, and
    the predictors of the user's own where there are some, are imputed with the fold's median and
    scaled.
    Settings are those of `NetworkSettings`.
    """

    _n_outputs: int
    epsilon, fewest_widths = 1e-8, 4  # of Adam, and of a residual branch

    def _fit(self, X: Samples, y: NDArray[Any]) -> None:
        """Train on scans with targets."""
        learned, judged = held_out(y, X.participants, self.validation_share, self.random_state)
        plan = self._plan(len(learned))
        self.check_inputs(X)
        self.combat_ = None
        self.maps_ = tuple(self.maps) or self._volumes(X).maps
        self._learn_sites(X[learned], self.maps_, self.mask)
        volumes = self._volumes(X)
        self.columns_ = with_matching(X.table, DEMOGRAPHICS, OWN)
        self.grid_ = volumes.grid
        self.standardiser_ = Standardiser.fit(volumes[learned], self.maps_, self.mask)
        self.demographics_: Pipeline = make_pipeline(
            SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler()
        ).fit(self._columns(X[learned]))
        targets, criterion = self._targets(y, learned)
        rows = self._rows(y[learned])
        dataset = self._dataset(X[learned], targets[learned], rows)
        validation = None
        if len(judged):
            validation = self._dataset(X[judged], targets[judged], np.arange(len(judged)))
        with torch.random.fork_rng(devices=[]):  # leave the caller's random state alone
            torch.manual_seed(self.random_state)
            network = self._network()
        if self.start is not None:
            self.start.give(network, self.maps_)
        self.network_: Any  # a module
        self.network_, course = train(
            network,
            criterion,
            dataset,
            validation,
            plan,
            checkpoints=self.checkpoints,
            identity=self._identity(X, y, learned),
        )
        self.history_ = course.losses
        self.validation_history_ = course.validation
        self.seconds_ = course.seconds

    def check_inputs(self, X: Samples) -> None:
        """Raise UsageError if maps are too small for the network, or columns are too many."""
        check_depth(self._volumes(X).grid.shape, self.widths)
        n_columns = len(with_matching(X.table, DEMOGRAPHICS, OWN))
        if n_columns > MOST_COLUMNS:
            raise UsageError(
                f"[inputs] columns: a network takes up to {MOST_COLUMNS} columns, and there are "
                f"{n_columns} with age, sex and time. Name fewer, or use the rung own_kernel."
            )

    def _plan(self, n_scans: int) -> Plan:
        plan = self.plan()
        plan.check()
        if n_scans < 2 or len(self.widths) < self.fewest_widths:
            raise UsageError(
                f"A network needs {self.fewest_widths} or more widths and 2 or more scans; got "
                f"widths = {tuple(self.widths)} and {n_scans} scans."
            )
        if self.balance not in BALANCES:
            raise UsageError(f"balance = {self.balance!r}: use one of {', '.join(BALANCES)}.")
        if self.validation_share == 0 and (self.stop_after or self.schedule == "plateau"):
            raise UsageError(
                "stop_after and schedule = 'plateau' go by people held out from training: set "
                "validation_share above 0, for instance 0.2."
            )
        return plan

    def _dataset(self, X: Samples, targets: NDArray[Any], rows: NDArray[np.intp]) -> ScanDataset:
        maps, columns = self._volumes(X), self._demographics(X)
        return ScanDataset(maps, columns, targets, self.standardiser_, rows)

    def _volumes(self, X: Samples) -> Maps:
        """Maps that the network reads, one row per sample."""
        return self.seen(X)

    def _targets(
        self, y: NDArray[Any], learned: NDArray[np.intp]
    ) -> tuple[NDArray[Any], nn.Module]:
        """Return what the network is to give for each scan, and the loss."""
        raise NotImplementedError

    def one_number(self) -> nn.Module:
        """Return the step from outputs of the network to the number that is explained."""
        raise NotImplementedError

    def _rows(self, y: NDArray[Any]) -> NDArray[np.intp]:
        """Positions of scans to learn from, then of those to repeat as sharpened copies."""
        return np.arange(len(y))

    def _identity(self, X: Samples, y: NDArray[Any], learned: NDArray[np.intp]) -> tuple[str, str]:
        """Return the name of this training, and its settings and data."""
        if self.checkpoints is None:
            return "", ""
        settings = {
            name: value
            for name, value in self.get_params(deep=False).items()
            if name not in ("device", "checkpoints", "mask", "start")
        }
        settings["start"] = None if self.start is None else self.start.name
        settings["maps"] = list(self.maps_)  # networks of windows choose none: it is no setting
        arrays = [y, learned, self._columns(X), self.standardiser_.mean]
        arrays += [self._volumes(X).present, *([] if self.mask is None else [self.mask])]
        kind = type(self).__name__
        if self.mask is not None:  # one experiment may train in several
            kind += f" in {hashlib.sha256(self.mask.tobytes()).hexdigest()[:16]}"
        return identify(kind, settings, list(X.participants[learned]), arrays)

    def _network(self) -> nn.Module:
        return MultiBranchNetwork(
            n_maps=len(self.maps_),
            n_demographics=len(self.columns_),
            n_outputs=self._n_outputs,
            widths=tuple(self.widths),
            n_residuals=self.n_residuals,
            hidden=self.hidden,
            dropout=self.dropout,
            attention=self.attention,
        )

    def inputs(self, X: Samples) -> tuple[torch.Tensor, torch.Tensor]:
        """Return scans as `network_` takes them.

        Standardised maps in the order of `maps_`, shape (n_scans, n_maps, X, Y, Z), on the grid
        `grid_`; and demographics, shape (n_scans, n_demographics); float32.
        """
        check_is_fitted(self, "network_")
        check_grid(self._volumes(X), self.grid_)
        maps = torch.from_numpy(self.standardiser_(self._volumes(X)))
        return maps, torch.from_numpy(self._demographics(X))

    def layers(self, X: Samples) -> tuple[NDArray[np.float32], ...]:
        """Return the joined features of scans, and the units of either dense layer."""
        given = [self.network_.layers(*inputs) for inputs in self._batches(X)]
        parts = [[layer.cpu().numpy() for layer in layers] for layers in given]
        return tuple(np.concatenate(layer) for layer in zip(*parts, strict=True))

    def _demographics(self, X: Samples) -> NDArray[np.float32]:
        return self.demographics_.transform(self._columns(X)).astype(np.float32)

    def _columns(self, X: Samples) -> NDArray[np.float64]:
        return numeric_columns(X, self.columns_)

    def _batches(self, X: Samples) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield inputs of a few scans at a time on the device, with the network ready for them."""
        check_is_fitted(self, "network_")
        self.network_.to(self.device).eval()
        with torch.inference_mode():
            for start in range(0, len(X), self.batch_size):
                rows = np.arange(start, min(start + self.batch_size, len(X)))
                maps, demographics = self.inputs(X[rows])
                yield maps.to(self.device), demographics.to(self.device)

    def _outputs(self, X: Samples) -> NDArray[np.float64]:
        """Return what the network gives for scans, shape (n_scans, n_outputs)."""
        parts = [self.network_(*inputs).cpu().numpy() for inputs in self._batches(X)]
        return np.concatenate(parts).astype(np.float64)

    def get_state(self) -> State:
        """Return what was learned, without a training scan."""
        check_is_fitted(self, "network_")
        weights = self.network_.state_dict()
        arrays = {f"network.{name}": value.cpu().numpy() for name, value in weights.items()}
        arrays |= {"mean": self.standardiser_.mean, "spread": self.standardiser_.spread}
        values = {
            "maps": list(self.maps_),
            "columns": list(self.columns_),
            "grid": grid_values(self.grid_),
            "history": self.history_,
        }
        pipelines = {"demographics": self.demographics_}
        return self._with_sites(State(values=values, arrays=arrays, pipelines=pipelines))

    def set_state(self, state: State) -> None:
        """Take over what another learned."""
        self.maps_ = tuple(state.values["maps"])
        self.columns_ = names_of(state.values.get("columns", list(DEMOGRAPHICS)))
        self.grid_ = grid_from_values(state.values["grid"])
        self.history_ = list(state.values["history"])
        self.demographics_ = state.pipelines["demographics"]
        self.combat_ = MapComBat.of_state(state, self.grid_)
        mean, spread = (np.array(state.arrays[name]) for name in ("mean", "spread"))
        self.standardiser_ = Standardiser(self.maps_, mean, spread, self.mask)
        weights = {
            name.removeprefix("network."): torch.from_numpy(np.array(value))
            for name, value in state.arrays.items()
            if name.startswith("network.")
        }
        self.network_ = filled(self._network, weights)
