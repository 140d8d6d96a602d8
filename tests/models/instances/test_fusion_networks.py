"""What the fusion finds with its own networks, not with learners that stand in for them."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from motor_bids_app.models.instances.fusion import FusionClassifier

pytest.importorskip("pytorchcv")
pytestmark = pytest.mark.slow

SHORT = FusionClassifier(
    hidden=(16, 16, 8),
    step=0.25,
    size=32,
    rotation=5.0,
    brightness=0.0,
    epochs=5,
    learning_rate=5e-3,
    schedule="cosine",
    stop_after=0,
    validation_share=0.0,
    slice_batch_size=32,
)


def test_networks_of_two_halves_tell_more_of_new_people_than_either(make_instances):
    samples, scores = make_instances(n=500, n_windows=2, n_slices=1)
    y, new = (scores < np.median(scores)).astype(int), np.arange(200, 500)

    model = SHORT.fit(samples[:200], y[:200])

    alone = model.by_modality(samples[new]).T
    both = roc_auc_score(y[new], model.predict_proba(samples[new])[:, 1])
    assert both > max(roc_auc_score(y[new], given) for given in alone) + 0.05


def test_networks_of_noise_are_given_little_weight(make_instances):
    samples, scores = make_instances(n=160, n_windows=2, n_slices=1, picture=0.0)

    model = SHORT.fit(samples, (scores < np.median(scores)).astype(int))

    assert model.weights_["signals"] >= 0.8
