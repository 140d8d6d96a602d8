"""Settings of a training, which all estimators that train networks have."""

from dataclasses import dataclass, fields

from sklearn.base import BaseEstimator

from motor_bids_app.models.training.course import Plan
from motor_bids_app.models.training.snapshots import Checkpoints


@dataclass(kw_only=True, eq=False, repr=False)
class TrainingSettings(BaseEstimator):
    """How a network is trained.

    Parameters
    ----------
    optimizer : str
        "sgd" or "adam".
    learning_rate, momentum, weight_decay : float
        Of the optimizer; momentum of "sgd" only.
    epochs, batch_size : int
        Passes over the training scans at most, and scans per step (2 or more).
    parts : int
        Parts in which a batch is computed, to fit into memory.
    schedule : str
        Learning rate: "constant"; "plateau", halved after `halve_after` epochs without a lower
        validation loss; "steps", halved every `halve_after` epochs; "cosine", falling to 0 at the
        last epoch.
    halve_after, stop_after : int
        Epochs without a lower validation loss, until the rate is halved, and until training
        ends (0: never). Then the weights of the best epoch are kept.
    validation_share : float
        Share of the training people held out for the validation loss; 0 is none.
    precision : str
        "float32", or "bfloat16" for convolutions and products.
    balance : str
        How the rarer class gets equal weight: "sharpen" adds sharpened copies of its scans
        until classes are equal, "weights" weighs the loss, "none" does neither.
    bounds : (float, float), optional
        Lowest and highest value of the score, which predictions stay within; of scores only.
    random_state : int
        Seed of weights, order, dropout, sharpening and held-out people.
    device : str
        "cpu", "cuda" or "cuda:i". On the CPU, the same seed and number of threads give the
        same weights.
    checkpoints : Checkpoints, optional
        Where a training that is stopped leaves what it needs to go on.
    """

    optimizer: str = "sgd"
    learning_rate: float = 1e-4
    momentum: float = 0.9
    weight_decay: float = 5e-3
    epochs: int = 50
    batch_size: int = 8
    parts: int = 1
    schedule: str = "constant"
    halve_after: int = 20
    stop_after: int = 0
    validation_share: float = 0.0
    precision: str = "float32"
    balance: str = "sharpen"
    bounds: tuple[float, float] | None = None
    random_state: int = 0
    device: str = "cpu"
    checkpoints: Checkpoints | None = None

    def plan(self, **changes: int) -> Plan:
        """Return the plan of one training; what is no setting of the estimator has its default."""
        own = {f.name: getattr(self, f.name) for f in fields(Plan) if hasattr(self, f.name)}
        return Plan(**(own | changes))
