"""Windows or slices of scans stay with their samples, and are made when they are read."""

import numpy as np
import pandas as pd
import pytest

from motor_bids_app.features.instances import Instances
from motor_bids_app.features.samples import Samples


class Numbered:
    """Instances that say which they are: scan and number. It remembers what was asked for."""

    counts, shape = np.array([3, 0, 5]), (2,)

    def __init__(self):
        self.asked = []

    def read(self, scan, numbers):
        self.asked.append((scan, list(numbers)))
        return np.column_stack([np.full(len(numbers), scan), numbers]).astype(np.float32)


@pytest.fixture
def samples():
    table = pd.DataFrame({"participant_id": ["sub-1", "sub-2", "sub-3"], "age": [50, 60, 70]})
    return Samples(table, instances={"windows": Instances.of(Numbered())})


@pytest.mark.parametrize("chosen", [[2, 0], np.array([False, True, True]), slice(0, 2), [1]])
def test_instances_follow_their_rows(samples, chosen):
    people = samples.participants[chosen]
    part = samples[chosen].instances["windows"]

    for row, person in enumerate(people):
        scan = int(person[-1]) - 1
        own = part.read()[part.rows == row]
        assert own.tolist() == [[scan, number] for number in range(Numbered.counts[scan])]


def test_samples_taken_apart_have_one_instance_each_and_the_row_of_their_person(samples):
    apart, rows = samples[[2, 1, 0]].apart("windows")

    assert apart.participants.tolist() == ["sub-3"] * 5 + ["sub-1"] * 3
    assert rows.tolist() == [0] * 5 + [2] * 3
    assert apart.instances["windows"].counts.tolist() == [1] * 8
    assert apart[[6]].instances["windows"].read().tolist() == [[0, 1]]


def test_few_instances_are_evenly_spaced_and_nobody_with_fewer_loses_one(samples):
    few = samples.instances["windows"].at_most(3)

    assert few.numbers.tolist() == [0, 1, 2, 0, 2, 4]
    assert samples.instances["windows"].at_most(0).size == 8


def test_nothing_is_made_before_it_is_read_and_only_what_is_read(samples):
    source = samples.instances["windows"].source
    part = samples[[2]].apart("windows", 2)[0]
    assert source.asked == []

    part[[1]].instances["windows"].read()

    assert source.asked == [(2, [4])]


def test_values_are_averaged_by_row_with_a_stand_in_where_there_is_no_instance(samples):
    instances = samples.instances["windows"]

    mean = instances.mean(instances.read()[:, 1], otherwise=-1)

    assert mean.tolist() == [1, -1, 2]


def test_instances_of_other_scans_are_refused(samples):
    with pytest.raises(ValueError, match="2 rows, but windows of 3 scans"):
        Samples(samples.table[:2], instances=samples.instances)
