import numpy as np
import pytest
from scipy import stats

from motor_bids_app.evaluation.planning import (
    people_for_classes,
    people_for_scores,
    people_to_tell_apart,
    smallest_difference,
)


@pytest.mark.parametrize(
    ("power", "published"), [(0.80, 652), (0.90, 897), (0.95, 1131)]
)  # Hanley and McNeil 1982, table III: 0.70 against 0.75, people of each class, one-sided 5 %
def test_people_to_tell_two_models_apart_are_those_of_the_published_table(power, published):
    found = people_to_tell_apart(0.70, 0.75, 0.5, alpha=0.10, power=power, correlation=0)

    assert found / 2 == pytest.approx(published, rel=0.01)


def test_the_power_promised_is_found_in_simulated_studies():
    n = people_to_tell_apart(0.75, 0.82, 0.5, correlation=0)
    rng = np.random.default_rng(0)
    differences = []
    for _ in range(400):
        aucs = []
        for auc in (0.75, 0.82):
            shift = np.sqrt(2) * stats.norm.ppf(auc)
            poor, good = rng.normal(shift, 1, n // 2), rng.normal(0, 1, n - n // 2)
            aucs.append((poor[:, None] > good).mean())
        differences.append(aucs[1] - aucs[0])
    error = np.std(differences)
    assert np.mean(np.array(differences) > 1.96 * error) == pytest.approx(0.8, abs=0.08)


def test_what_can_be_told_apart_shrinks_with_people():
    few, many = smallest_difference(0.8, 30, 39), smallest_difference(0.8, 300, 390)

    assert few > 0.09 > many  # 0.80 and 0.89 in 69 people are the same
    assert few / many == pytest.approx(np.sqrt(10), rel=0.05)


def test_sample_sizes_are_those_of_the_worked_examples_of_pmsampsize():
    assert people_for_classes(24, 0.174, 0.288) == 662
    assert people_for_scores(25, 0.2) == 918
