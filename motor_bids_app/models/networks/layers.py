"""Classical classifiers on the layers of a network that is trained already (karakis2023).

The paper hands three layers to six classifiers: the joined features, and the units of either
dense layer. Here each classifier learns from the people that its network learned from, and from
nobody else, so that a tested person is unknown to both. The network is not trained again.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.ensemble import AdaBoostClassifier, RandomForestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from motor_bids_app.features.samples import Samples
from motor_bids_app.models.networks.deep import NetworkClassifier
from motor_bids_app.models.opened.maps import plain_model
from motor_bids_app.models.training.batches import balanced_rows
from motor_bids_app.models.training.folds import binary_labels

LAYERS = ("flatten", "dense1", "dense2")
CLASSIFIERS = ("knn", "svm", "tree", "forest", "adaboost", "bayes")
WITHOUT_PROBABILITY = ("svm",)  # see `poor_score`


def layered_network(model: Any) -> NetworkClassifier | None:
    """Return the one network of classes of a fitted model; None where it is something else."""
    plain = plain_model(model)
    single = isinstance(plain, NetworkClassifier) and not hasattr(plain, "networks_")
    return plain if single else None


def layer_predictions(
    network: NetworkClassifier,
    training: Samples,
    y: NDArray[Any],
    tested: Samples,
    classifiers: Sequence[str],
    random_state: int,
) -> dict[tuple[str, str], NDArray[np.float64]]:
    """Fit every classifier on every layer of the training scans, and predict the tested ones.

    Scans of the rarer class are repeated until classes are equal, as the network saw them (but
    not sharpened), unless the network was to learn without balance.

    Parameters
    ----------
    network : NetworkClassifier
        Fitted to the training scans.
    training, tested : Samples
    y : int array, shape (n_training,)
        Classes 0 and 1.
    classifiers : sequence of str
        Of `CLASSIFIERS`.
    random_state : int

    Returns
    -------
    dict of (classifier, layer) to float array, shape (n_tested,)
        Probability of the poor class, or what is nearest to it: see `poor_score`.
    """
    labels = binary_labels(y)
    rows = np.arange(len(labels)) if network.balance == "none" else balanced_rows(labels)
    learned, judged = network.layers(training), network.layers(tested)
    found = {}
    for name in classifiers:
        for layer, fitted_on, given in zip(LAYERS, learned, judged, strict=True):
            model = build_classifier(name, random_state).fit(fitted_on[rows], labels[rows])
            found[name, layer] = poor_score(model, given)
    return found


def build_classifier(name: str, random_state: int) -> Pipeline:
    """Return one of `CLASSIFIERS` on scaled features, with scikit-learn's usual settings."""
    kinds: dict[str, Any] = {
        "knn": KNeighborsClassifier(),
        "svm": SVC(),
        "tree": DecisionTreeClassifier(random_state=random_state),
        "forest": RandomForestClassifier(random_state=random_state),
        "adaboost": AdaBoostClassifier(random_state=random_state),
        "bayes": GaussianNB(),
    }
    return make_pipeline(StandardScaler(), kinds[name])


def poor_score(model: Pipeline, features: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the probability of class 1, shape (n,).

    A support vector machine has none: the logistic function of its decision value keeps order
    and class (0.5 is the boundary), but is no calibrated probability.
    """
    if hasattr(model, "predict_proba"):
        return np.asarray(model.predict_proba(features)[:, 1], dtype=np.float64)
    return np.asarray(expit(model.decision_function(features)), dtype=np.float64)
