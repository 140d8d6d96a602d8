"""Looks at networks: kept and found again, and named by all that they follow from."""

from dataclasses import fields

import numpy as np
import pytest
import torch

from motor_bids_app.errors import UsageError
from motor_bids_app.levels.group.checkpoints import FolderCheckpoints
from motor_bids_app.levels.group.explanation.looks import FirstTime, Look, kept, name_look
from motor_bids_app.models.networks.heads import Points


@pytest.fixture
def look():
    random = np.random.default_rng(0)
    values = random.normal(size=(3, 2, 4, 5, 6)).astype(np.float32)
    values[..., :2, :, :] = 0
    shapes = [(3,), (2,), (2, 11), (2, 11), (0, 2)]
    return Look(values, *(random.normal(size=shape) for shape in shapes))


def test_a_look_comes_back_as_it_was_and_takes_no_room_for_air(look):
    content = look.pack()
    found = Look.unpack(content)

    for one in fields(Look):
        before, after = getattr(look, one.name), getattr(found, one.name)
        assert after.dtype == before.dtype
        np.testing.assert_array_equal(after, before)
    assert len(content) < look.values.nbytes / 2 + 2000


@pytest.mark.parametrize("content", [b"", b"nothing of ours", b"\x08" + bytes(15)])
def test_a_damaged_look_is_explained(content):
    with pytest.raises(UsageError, match="explanation in the work folder is damaged"):
        Look.unpack(content)


def test_what_is_kept_is_not_looked_at_again(look, tmp_path):
    place, had = FolderCheckpoints(tmp_path), []

    def again():
        had.append(1)
        return look

    for _ in range(2):
        found = kept(place, lambda: "a" * 24, again)
        np.testing.assert_array_equal(found.values, look.values)

    assert had == [1]
    assert kept(None, lambda: "a" * 24, again) is look
    place.remove()
    assert not tmp_path.exists()


def test_the_name_follows_words_weights_and_inputs():
    network, inputs = torch.nn.Linear(2, 1), torch.zeros(3)
    before = name_look(["gradcam", 0], [network], [inputs])
    assert name_look(["gradcam", 0], [network], [inputs.clone()]) == before
    names = {name_look(["occlusion", 0], [network], [inputs])}
    names.add(name_look(["gradcam", 0], [network], [inputs + 1]))
    with torch.no_grad():
        network.bias += 1
    names.add(name_look(["gradcam", 0], [network], [inputs]))
    doubled = [name_look(["gradcam", 0], [Points(scale)], [inputs]) for scale in (1.0, 2.0)]
    assert len({*names, *doubled} - {before}) == 5


def test_each_person_is_explained_once_by_the_first_training_and_by_scans_that_can_be():
    people = np.array(["a", "a", "b", "c", "d"])
    turn = FirstTime(people, 2, np.array([False, True, True, True, True]))
    everyone = np.ones(5, dtype=bool)

    assert turn.rows(2, everyone) == []
    assert turn.rows(1, people == "c") == [3]
    assert turn.rows(1, everyone) == [1, 2]
    assert turn.rows(1, everyone) == []
