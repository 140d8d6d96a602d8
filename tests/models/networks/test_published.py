"""The published network of cbam2025: what its layers do, against our own and against loops."""

import copy
import importlib.util
import json
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch

from motor_bids_app.errors import DataError, IncompatibleModelError
from motor_bids_app.models.networks.networks import MultiBranchNetwork
from motor_bids_app.models.networks.published import PublishedNetwork, _mean_pool

SIDE = 33  # odd at every halving, where the published pooling is centred as ours is
rng = np.random.default_rng(0)


@pytest.fixture(scope="module")
def description(test_data):
    return json.loads((test_data / "miccai3806" / "model.json").read_text())


def drawn(description, sides, spread=0.0):
    """Random weights of every layer; statistics of axis 3 vary along it by `spread`."""
    widths, weights, depth = {"input_1": 1, "input_2": 3}, {}, {"input_1": 0}
    for layer in description["config"]["layers"]:
        kind, config, name = layer["class_name"], layer["config"], layer["config"]["name"]
        before = [one[0] for one in layer["inbound_nodes"][0]] if layer["inbound_nodes"] else []
        width = widths[before[0]] if before else widths[name]
        level = max((depth.get(one, 0) for one in before), default=0)
        if kind == "Conv3D":
            shape = (*config["kernel_size"], width, config["filters"])
            weights[name] = [
                rng.normal(size=shape) / np.sqrt(np.prod(shape[:4])),
                rng.normal(0, 0.1, shape[-1]),
            ]
            width = config["filters"]
        elif kind == "Dense":
            weights[name] = [
                rng.normal(size=(width, config["units"])) / np.sqrt(width),
                rng.normal(0, 0.1, config["units"]),
            ]
            width = config["units"]
        elif kind == "BatchNormalization":
            length = sides[level] if config["axis"] == [3] else width
            middle = [1.2, 0.1, 0.05, 0.8]  # scale, shift, mean, variance
            weights[name] = [one + spread * rng.uniform(size=length) for one in middle]
        elif kind == "Concatenate":
            width = sum(widths[one] for one in before)
        elif kind == "Lambda":
            width = 1
        if config.get("strides", [1])[0] == 2:
            level += 1
        widths[name], depth[name] = width, level
    return weights


def module_names(network):
    """Our modules with weights by kind, in the order of the published list."""
    branch = network.branches[0]
    convolutions, norms, dense = [], [], []
    for part in branch:
        kind = type(part).__name__
        if kind == "ResidualBlock":
            convolutions.append(part.path[0])
            norms.append(part.path[1])
        elif kind == "DownBlock":
            convolutions += [part.path[0][0], part.path[2][1].weigh, part.shortcut[0]]
            norms += [part.path[0][1], part.shortcut[1]]
            dense += [part.path[2][0].weigh[0], part.path[2][0].weigh[2]]
        elif kind == "AttentionBlock":
            convolutions.append(part[1].weigh)
            dense += [part[0].weigh[0], part[0].weigh[2]]
        elif kind == "Sequential":
            convolutions.append(part[0])
            norms.append(part[1])
    dense += [network.demographic_unit[0], network.dense[0][0], network.dense[1][0], network.output]
    norms += [network.normalise, network.dense[0][3], network.dense[1][3]]
    return {"Conv3D": convolutions, "BatchNormalization": norms, "Dense": dense}


def take_over(description, weights):
    network = MultiBranchNetwork(1, 3, 2, attention=True).eval()
    own = module_names(network)
    for layer in description["config"]["layers"]:
        kind, name = layer["class_name"], layer["config"]["name"]
        if name not in weights:
            continue
        module, given = own[kind].pop(0), [torch.tensor(one).float() for one in weights[name]]
        with torch.no_grad():
            if kind == "BatchNormalization":
                parts = (module.weight, module.bias, module.running_mean, module.running_var)
                for part, values in zip(parts, given, strict=True):
                    part.copy_(values if len(values) == len(part) else values[0].expand(len(part)))
            else:
                turn = (4, 3, 0, 1, 2) if kind == "Conv3D" else (1, 0)
                module.weight.copy_(given[0].permute(turn))
                module.bias.copy_(given[1])
    assert not any(own.values())
    return network


def test_with_equal_slices_it_is_our_attention_network(description):
    weights = drawn(description, [33, 17, 9, 5, 3, 2])
    maps = rng.normal(size=(2, SIDE, SIDE, SIDE)).astype(np.float32)
    people = rng.normal(size=(2, 3)).astype(np.float32)

    given = PublishedNetwork(description, weights).predict(maps, people)

    with torch.inference_mode():
        network = take_over(description, weights)
        logits = network(torch.from_numpy(maps)[:, None], torch.from_numpy(people))
    np.testing.assert_allclose(given, torch.softmax(logits, dim=1).numpy(), atol=2e-4)
    assert np.ptp(given[:, 0]) > 1e-3  # people differ


def test_normalisation_is_of_axial_slices_so_that_another_height_is_refused(description):
    network = PublishedNetwork(description, drawn(description, [33, 17, 9, 5, 3, 2], spread=0.5))
    people = np.zeros((1, 3), np.float32)
    assert network.predict(np.zeros((1, 17, 25, 33), np.float32), people).shape == (1, 2)
    with pytest.raises(IncompatibleModelError, match="91 x 109 x 91"):
        network.predict(np.zeros((1, 33, 33, 17), np.float32), people)


def test_pooling_is_not_centred_where_a_side_is_even_as_published():
    values = rng.normal(size=(1, 6, 5, 4, 1)).astype(np.float32)
    config = {"pool_size": [3, 3, 3], "strides": [2, 2, 2]}
    pooled = _mean_pool([torch.from_numpy(values)], config, [])[0, ..., 0].numpy()

    def window(length, place):  # of TensorFlow: the odd voxel of padding lies behind
        before = (max((-(-length // 2) - 1) * 2 + 3 - length, 0)) // 2
        return slice(max(2 * place - before, 0), min(2 * place - before + 3, length))

    for place in np.ndindex(pooled.shape):
        part = tuple(window(n, k) for n, k in zip((6, 5, 4), place, strict=True))
        assert pooled[place] == pytest.approx(values[0, ..., 0][part].mean(), abs=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d, w: d.pop("config"), "no functional model of Keras"),
        (lambda d, w: w.pop("dense1"), r"dense1 \(Dense\) has 2 arrays of weights, and 0"),
        (lambda d, w: d["config"]["layers"][3].update(class_name="GRU"), "is a GRU"),
    ],
    ids=["no model", "no weights", "unknown layer"],
)
def test_what_is_not_that_network_is_refused_in_a_sentence(description, change, message):
    own, weights = copy.deepcopy(description), drawn(description, [33, 17, 9, 5, 3, 2])
    change(own, weights)
    with pytest.raises(IncompatibleModelError, match=message):
        PublishedNetwork(own, weights)


def test_saved_code_is_never_run(description):
    own = copy.deepcopy(description)
    lambdas = [one for one in own["config"]["layers"] if one["class_name"] == "Lambda"]
    lambdas[0]["config"]["function"][0] = "b3Muc3lzdGVt"  # os.system
    network = PublishedNetwork(own, drawn(own, [33, 17, 9, 5, 3, 2]))
    with pytest.raises(IncompatibleModelError, match="runs code of its own, which is not run"):
        network.predict(np.zeros((1, 33, 33, 33), np.float32), np.zeros((1, 3), np.float32))


@pytest.fixture
def tool():
    path = Path(__file__).parents[3] / "tools" / "published_cbam2025.py"
    spec = importlib.util.spec_from_file_location("published_cbam2025", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_files_of_weights_and_maps_are_read_however_maps_are_stored(
    description, test_data, tool, tmp_path, monkeypatch, capsys
):
    h5py = pytest.importorskip("h5py")
    weights = drawn(description, [91, 46, 23, 12, 6, 3], spread=0.3)
    with h5py.File(tmp_path / "FA_MotorScore_weights.hdf5", "w") as file:
        file.attrs["layer_names"] = [name.encode() for name in weights]
        for name, arrays in weights.items():
            names = [f"{name}/{number}:0" for number in range(len(arrays))]
            group = file.create_group(name)
            group.attrs["weight_names"] = [one.encode() for one in names]
            for one, values in zip(names, arrays, strict=True):
                group[one] = values.astype(np.float32)
    stored = test_data / "miccai3806" / "n1_p4_dti2_FA_reg.nii.gz"
    nib.save(nib.as_closest_canonical(nib.load(stored)), tmp_path / "turned.nii.gz")
    said = []
    for path in (stored, tmp_path / "turned.nii.gz"):
        words = [str(test_data / "miccai3806" / "model.json"), str(tmp_path), "--map", f"FA={path}"]
        monkeypatch.setattr(sys, "argv", ["x", *words, "--age", "45", "--sex", "0", "--days", "9"])
        assert tool.main() == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]
    image = np.asarray(nib.load(stored).dataobj, dtype=np.float32)  # as the authors read it
    people = np.float32([[45 / 85, 0, 9 / 6368]])
    given = PublishedNetwork(description, weights).predict(image[None], people)[0, 0]
    assert said[0] == f"FA\t{given:.3f}\n"


def test_a_map_in_another_unit_is_refused(tool, tmp_path):
    image = nib.Nifti1Image(np.full((91, 109, 91), 8e-4, np.float32), np.diag([2, 2, 2, 1]))
    nib.save(image, tmp_path / "md.nii")
    with pytest.raises(DataError, match=r"the median of MD is 0\.0008 where it is not 0"):
        tool.read_map("MD", tmp_path / "md.nii")
