"""Small forms of presets ask the same question as what they are made from, and can be built."""

import pytest

from motor_bids_app.experiments.reading import load_preset, preset_names
from motor_bids_app.levels.cohort.maps import brain_grid
from motor_bids_app.models.networks.pooling import check_depth
from motor_bids_app.models.networks.vgg import voxels_left

SMALL = [name for name in preset_names() if name.endswith("-small")]


@pytest.mark.parametrize("name", SMALL)
def test_a_small_form_asks_the_same_question(name):
    small, whole = load_preset(name), load_preset(name.removesuffix("-small"))

    assert small.name == name
    assert small.target == whole.target
    assert small.model.kind == small.model.final_name == whole.model.kind
    assert small.inputs.mirror_lesion_to == whole.inputs.mirror_lesion_to
    assert small.validation.group_by == "participant"
    assert "tract_load" in small.models or small.model.kind == "shi2025"
    assert small.as_published.protocols == ()  # which would train everything again


def test_every_network_has_one():
    kinds = {load_preset(name).model.kind for name in preset_names()} - {"ladder"}
    assert {load_preset(name).model.kind for name in SMALL} == kinds


@pytest.mark.parametrize("name", SMALL)
def test_its_network_fits_the_maps_that_it_reads(name):
    experiment = load_preset(name)
    shape, model = brain_grid(experiment.inputs.resolution).shape, experiment.model
    if model.kind == "gao2025":
        assert len(model.widths) == len(model.convolutions)
        assert min(voxels_left(shape, len(model.widths))) >= 1
    elif model.kind != "shi2025":
        check_depth(shape, model.widths)
