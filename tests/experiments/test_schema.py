import pytest

from motor_bids_app.errors import UsageError
from motor_bids_app.experiments.beside import COMPARABLE
from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.experiments.sections import KINDS


def read(**content):
    return Experiment.read({"name": "mine", **content}, "mine.toml")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"targets": {}}, r"mine.toml has no key 'targets'. Did you mean 'target'\?"),
        ({"inputs": {"resolutoin": 2}}, r"\[inputs\] has no key 'resolutoin'. Did you mean 'res"),
        ({"inputs": {"resolution": 5}}, r"\[inputs\] resolution = 5: use a whole number 1 to 4"),
        ({"inputs": {"resolution": 2.5}}, "resolution = 2.5"),
        ({"inputs": {"resolution": True}}, "resolution = True"),
        ({"inputs": {"maps": ["fa", "t9"]}}, r'maps = .*"fa", "md"'),
        ({"inputs": {"maps": ["fa", "fa"]}}, "without repeats"),
        ({"inputs": {"maps": []}}, r"maps = \[\]"),
        ({"inputs": {"mask": "heart"}}, r'one of "brain", "cst"'),
        ({"target": {"score": 27}}, "score = 27"),
        ({"target": {"threshold": "27"}}, "a number"),
        ({"target": "fma_ue"}, r"\[target\] must be a table"),
        ({"model": {"rungs": ["svm"]}}, r"rungs = \['svm'\]"),
        ({"model": {"final": "karakis2023"}}, "not among the models"),
        ({"model": {"widths": [8, 8]}}, "4 or more"),
        ({"training": {"trainings": 3}}, "networks"),
        ({"validation": {"folds": 1}}, "folds = 1"),
        ({"validation": {"group_by": "scan"}}, "one side of every split"),
        (
            {"as_published": {"protocols": [["leak"]]}},
            r'protocols = \[\[.leak.\]\]: use a list without repeats of "contr',
        ),
        (
            {"as_published": {"protocols": ["leak"]}},
            r'protocols = \[.leak.\]: use a list without repeats of "contr',
        ),
        ({"as_published": {"accuracy": 91.7}}, r"a number from 0 to 1 as printed"),
        ({"as_published": {"n_people": 9, "n_poor": 9}}, "n_poor = 9: .* use at most 8"),
        ({"as_published": {"n_people": 9, "folds": 10}}, "folds = 10: .* use at most 9"),
        ({"name": "../../etc"}, "becomes a folder"),
        ({"name": 3}, "use text"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(content, message):
    with pytest.raises(UsageError, match=message):
        read(**content)


@pytest.mark.parametrize("kind", ["gao2025", "shi2025"])
def test_sites_are_harmonised_for_all_models_or_for_none(kind):
    with pytest.raises(UsageError, match=f'harmonise = "combat".+{kind}|signals'):
        Experiment.read(
            {"name": "x", "model": {"kind": kind}, "inputs": {"harmonise": "combat"}}, "x.toml"
        )
    Experiment.read({"name": "x", "inputs": {"harmonise": "combat"}}, "x.toml")


def test_an_experiment_without_a_name_is_refused():
    with pytest.raises(UsageError, match="needs a name"):
        Experiment.read({}, "mine.toml")


def test_the_network_comes_after_the_rungs_and_is_the_final_model():
    model = read(model={"kind": "karakis2023", "rungs": ["prevalence", "kernel"]}).model

    assert model.names == ("prevalence", "kernel", "karakis2023")
    assert model.final_name == "karakis2023"


def test_published_figures_keep_how_they_were_printed():
    published = read(as_published={"accuracy": "0.90", "roc_auc": 0.9}).as_published

    assert published.figures == {"accuracy": "0.90", "roc_auc": 0.9}
    assert published.tested is None  # nobody said in how many people


def test_flawed_protocols_are_run_only_when_asked_for():
    assert read().as_published is None
    assert read(as_published={}).as_published.protocols == ()


NETWORK_COMPARISONS = {
    "layers": {"layers": ["svm"]},
    "single_maps": {"single_maps": True},
    "masks": {"masks": ["cst"]},
    "backbones": {"backbones": ["fbnet"]},
}


@pytest.mark.parametrize("wanted", NETWORK_COMPARISONS)
@pytest.mark.parametrize("kind", KINDS)
def test_comparisons_that_a_model_cannot_make_are_refused_by_name(kind, wanted):
    content = {"name": "x", "model": {"kind": kind}, "comparisons": NETWORK_COMPARISONS[wanted]}
    if wanted in COMPARABLE.get(kind, ()):
        assert getattr(Experiment.read(content, "x.toml").comparisons, wanted)
        return
    with pytest.raises(UsageError, match=rf"\[comparisons\] {wanted} (is|cannot)"):
        Experiment.read(content, "x.toml")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"comparisons": {"layers": ["svm"]}, "target": {"task": "regression"}}, "need classes"),
        (
            {"comparisons": {"single_maps": True}, "inputs": {"maps": ["fa"]}},
            '"fa" is the only map',
        ),
        ({"comparisons": {"masks": ["cst", "brain"]}}, '"brain", which is the mask of the model'),
    ],
)
def test_comparisons_without_effect_are_refused(content, message):
    network = {"name": "x", "model": {"kind": "karakis2023"}}
    with pytest.raises(UsageError, match=message):
        Experiment.read(network | content, "x.toml")


def test_a_backbone_is_not_compared_with_itself():
    content = {"name": "x", "model": {"kind": "shi2025", "backbone": "regnet"}}
    with pytest.raises(UsageError, match='"regnet", which is that of the model itself'):
        Experiment.read(content | {"comparisons": {"backbones": ["regnet"]}}, "x.toml")


@pytest.mark.parametrize(
    ("kind", "section", "setting"),
    [
        ("shi2025", "model", {"widths": [8, 8, 8, 8]}),
        ("shi2025", "model", {"dropout": 0.5}),
        ("shi2025", "training", {"windows": 20}),
        ("gao2025", "model", {"n_residuals": 1}),
        ("gao2025", "model", {"lstm": [8]}),
        ("karakis2023", "model", {"convolutions": [1, 1, 1, 1]}),
        ("cbam2025", "training", {"slice_batch_size": 4}),
        ("cbam2025", "augmentation", {"flip": True}),
        ("ladder", "model", {"hidden": 16}),
        ("ladder", "inputs", {"signal_rate": 100.0}),
        ("karakis2023", "states", {"numbers": [3]}),
        ("shi2025", "training", {"deterministic": True}),
        ("ladder", "training", {"epochs": 3}),
    ],
)
def test_a_setting_that_no_model_reads_is_refused_by_name(kind, section, setting):
    (key,) = setting
    content = {"name": "x", "model": {"kind": kind}}
    content[section] = content.get(section, {}) | setting
    with pytest.raises(
        UsageError, match=rf"\[{section}\] {key} = .* has no effect here: it is for"
    ):
        Experiment.read(content, "x.toml")


def test_a_rung_of_a_ladder_may_be_what_reads_a_setting():
    rungs = {"rungs": ["prevalence", "slices"], "backbone": "regnet"}
    assert read(model=rungs, training={"epochs": 3}).model.backbone == "regnet"


def test_every_ladder_has_what_is_no_biology_and_matched_inputs():
    given = {"kind": "karakis2023", "rungs": ["prevalence", "tract_load"]}
    plain = read(model=given).models
    with_score = read(model=given, inputs={"baseline_score": "nihss"}).models

    network = ("tract_load", "kernel_demographics", "karakis2023")
    assert plain == ("prevalence", "nuisance", *network)
    joint = ("tract_load", "kernel", "own_kernel", "karakis2023")
    assert with_score == ("prevalence", "nuisance", "persistence", "own", *joint)


def test_a_windows_network_that_is_told_no_demographics_needs_no_such_match():
    assert "kernel_demographics" not in read(model={"kind": "gao2025"}).models


@pytest.mark.parametrize("name", ["nuisance", "rbf", "boosting", "kernel_demographics"])
def test_a_model_to_compare_with_is_never_the_one_that_is_shared(name):
    with pytest.raises(UsageError, match="cannot be shared"):
        read(model={"rungs": ["prevalence", name], "final": name})
