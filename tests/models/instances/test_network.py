import numpy as np
import pytest

from motor_bids_app.errors import DataError, UsageError
from motor_bids_app.features.instances import Instances
from motor_bids_app.features.samples import Samples
from motor_bids_app.models.instances.modalities import SignalModality, SliceModality
from motor_bids_app.models.instances.network import InstanceNetwork
from motor_bids_app.models.training.course import Plan


class Kept(dict):
    """Checkpoints in memory."""

    load, save = dict.get, dict.__setitem__


SMALL = SignalModality(hidden=(8, 8, 4), step=0.25)


def plan(**changes):
    settings = {
        "optimizer": "adam",
        "learning_rate": 0.01,
        "weight_decay": 0.0,
        "epochs": 12,
        "batch_size": 32,
        "schedule": "plateau",
        "halve_after": 4,
    }
    return Plan(**(settings | changes))


def poor(scores):
    return (scores < np.median(scores)).astype(int)


def without(samples, row, name="signals"):
    """The same samples; one scan has no instances of a kind."""
    instances = samples.instances[name]
    kept = instances.rows != row
    fewer = Instances(
        instances.source,
        instances.scans[kept],
        instances.numbers[kept],
        instances.rows[kept],
        instances.n_rows,
    )
    return Samples(samples.table, None, {**samples.instances, name: fewer})


@pytest.fixture(scope="module")
def fitted(make_instances):
    samples, _ = make_instances(n=60, signal=2.0)
    heard = signal_strength(samples)
    network = InstanceNetwork(SMALL, plan(), classify=True)
    return network.fit(samples[:40], poor(heard)[:40]), samples, poor(heard)


def signal_strength(samples):
    """What the windows of a scan show: how much stronger C3 is than C4."""
    instances = samples.instances["signals"]
    power = np.log(instances.read().astype(float).var(axis=2))
    return instances.mean(power[:, 0] - power[:, 1], np.nan)


def test_new_people_are_predicted_from_what_their_windows_show(fitted):
    network, samples, y = fitted
    predicted = network.predict(samples[40:])

    poor_ones, good_ones = predicted[y[40:] == 1], predicted[y[40:] == 0]
    auc = (poor_ones[:, None] > good_ones).mean()
    assert auc > 0.85


def test_a_scan_is_the_mean_over_its_windows(fitted):
    network, samples, _ = fitted
    apart, rows = samples[:5].apart("signals")

    one_by_one = network.predict(apart)

    np.testing.assert_allclose(
        network.predict(samples[:5]), [one_by_one[rows == k].mean() for k in range(5)], atol=1e-6
    )


def test_early_stopping_never_sees_a_person_who_is_learned_from(make_instances, monkeypatch):
    samples, scores = make_instances(n=20)
    parts = []
    original = InstanceNetwork._dataset

    def watched(self, instances, targets, *, training):
        parts.append((training, set(instances.scans.tolist())))
        return original(self, instances, targets, training=training)

    monkeypatch.setattr(InstanceNetwork, "_dataset", watched)
    InstanceNetwork(SMALL, plan(epochs=1), classify=True).fit(samples, poor(scores))

    (learned,) = [scans for training, scans in parts if training]
    (judged,) = [scans for training, scans in parts if not training]
    assert not learned & judged
    assert len(learned | judged) == 20


def test_the_same_seed_gives_the_same_network_and_another_seed_does_not(make_instances):
    samples, scores = make_instances(n=12)

    def predict(seed):
        network = InstanceNetwork(SMALL, plan(epochs=1, random_state=seed), classify=True)
        return network.fit(samples, poor(scores)).predict(samples)

    np.testing.assert_array_equal(predict(1), predict(1))
    assert not np.allclose(predict(1), predict(2))


def test_people_without_windows_take_no_part_and_are_not_predicted(make_instances):
    samples, scores = make_instances(n=12)
    network = InstanceNetwork(SMALL, plan(epochs=1), classify=True)

    found = network.fit(without(samples, 3), poor(scores)).predict(without(samples, 3))

    assert np.flatnonzero(np.isnan(found)).tolist() == [3]


def test_scores_are_predicted_in_their_own_units(make_instances):
    samples, _ = make_instances(n=40, signal=2.0)
    scores = 20 + 5 * signal_strength(samples)

    network = InstanceNetwork(SMALL, plan(), classify=False).fit(samples, scores)

    predicted = network.predict(samples)
    assert np.corrcoef(predicted, scores)[0, 1] > 0.8
    assert predicted.mean() == pytest.approx(20, abs=3)


def test_what_is_saved_predicts_the_same(fitted):
    network, samples, _ = fitted
    other = InstanceNetwork(SMALL, plan(), classify=True).set_state(network.get_state())

    np.testing.assert_array_equal(other.predict(samples), network.predict(samples))


def test_slices_are_learned_from_too(make_instances):
    samples, scores = make_instances(n=8)
    modality = SliceModality(size=32)
    network = InstanceNetwork(modality, plan(epochs=1, batch_size=16), classify=True)

    predicted = network.fit(samples, poor(scores)).predict(samples)

    assert ((predicted > 0) & (predicted < 1)).all()


def test_a_missing_modality_is_explained(make_instances):
    samples, scores = make_instances(n=8)
    network = InstanceNetwork(SMALL, plan(), classify=True)

    with pytest.raises(DataError, match="reads windows of EEG or EMG, but the scans have none"):
        network.fit(Samples(samples.table), poor(scores))
    for row in range(8):
        samples = without(samples, row)
    assert not samples.instances["signals"].size
    with pytest.raises(DataError, match="No training person has windows of EEG or EMG"):
        network.fit(samples, poor(scores))


def test_stopping_early_needs_people_to_stop_by(make_instances):
    samples, scores = make_instances(n=8)
    network = InstanceNetwork(SMALL, plan(), classify=True, validation_share=0.0)

    with pytest.raises(UsageError, match="validation_share above 0"):
        network.fit(samples, poor(scores))


def test_a_training_does_not_go_on_with_other_windows_of_the_same_people(make_instances):
    samples, scores = make_instances(n=12)
    others, _ = make_instances(n=12, signal=0.0)
    kept = Kept()
    first, second, alone = (
        InstanceNetwork(SMALL, plan(epochs=1), classify=True, checkpoints=checkpoints)
        for checkpoints in (kept, kept, None)
    )
    first.fit(samples, poor(scores))

    second.fit(others, poor(scores))

    assert len(kept) == 2
    alone.fit(others, poor(scores))
    np.testing.assert_array_equal(second.predict(others), alone.predict(others))
