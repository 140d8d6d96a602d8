"""Losses of networks."""

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss

from motor_bids_app.models.networks.heads import WeightedLoss

WEIGHTS = (0.7, 2.1)


@pytest.fixture
def drawn():
    """Logits and classes of 12 scans, of which 4 are poor."""
    logits = torch.randn(12, 2, generator=torch.Generator().manual_seed(0))
    return logits, torch.arange(12) % 3 == 0


def test_weighted_loss_is_the_weighted_sum_over_the_number_of_scans(drawn):
    logits, poor = drawn
    weights = np.where(poor, WEIGHTS[1], WEIGHTS[0])
    said = torch.softmax(logits.double(), dim=1).numpy()
    expected = log_loss(poor, said, sample_weight=weights, normalize=False) / len(poor)
    assert WeightedLoss(WEIGHTS)(logits, poor.long()) == pytest.approx(expected, rel=1e-5)


def test_weighted_loss_of_a_batch_is_the_mean_over_its_parts(drawn):
    """Also where a part has one class: its weight does not cancel."""
    logits, poor = drawn
    loss, order = WeightedLoss(WEIGHTS), torch.argsort(poor.long())
    parts = [loss(logits[some], poor[some].long()) for some in order.split(4)]
    assert torch.stack(parts).mean() == pytest.approx(float(loss(logits, poor.long())), rel=1e-5)
