import pytest

from motor_bids_app.errors import UsageError
from motor_bids_app.experiments.reading import (
    load_preset,
    parse_experiment,
    preset_names,
    to_toml,
)


@pytest.mark.parametrize("name", preset_names())
def test_presets_can_be_written_and_read_again(name):
    preset = load_preset(name)

    assert preset.name == name
    assert parse_experiment(to_toml(preset), "again") == preset


def test_the_paper_is_followed_where_it_can_be():
    preset = load_preset("karakis2023")

    assert preset.inputs.maps == ("fa", "md", "rd", "ad", "gm", "wm")
    assert (preset.target.score, preset.target.threshold) == ("fma_ue", 27)
    assert preset.model.widths == (32, 16, 16, 64, 128, 256, 512)
    assert round(preset.validation.test_fraction * 154) == 30
    assert preset.validation.repeats * preset.training.trainings == 100


def test_a_derived_experiment_keeps_what_it_does_not_change():
    derived = parse_experiment(
        'base = "karakis2023"\nname = "small"\n[model]\nwidths = [4, 4, 4, 8]\n', "small.toml"
    )
    preset = load_preset("karakis2023")

    assert derived.model.widths == (4, 4, 4, 8)
    assert derived.model.kind == "karakis2023"
    assert derived.training == preset.training


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('base = "nothing"', "There is no experiment 'nothing': use one of baselines"),
        ("base = 3", "There is no experiment 3"),
        ("name = ", "mine.toml is not valid TOML"),
    ],
)
def test_an_unusable_text_is_explained(text, message):
    with pytest.raises(UsageError, match=message):
        parse_experiment(text, "mine.toml")


def test_an_unknown_preset_names_those_there_are():
    with pytest.raises(UsageError, match="karakis2023, karakis2023-small, pretraining"):
        load_preset("resnet")


def test_the_published_protocol_is_written_and_read_again():
    text = """name = "mine"
[as_published]
protocols = ["scan-folds"]
n_people = 30
accuracy = "0.90"
"""
    mine = parse_experiment(text, "mine.toml")

    assert parse_experiment(to_toml(mine), "again") == mine
    assert mine.as_published.tested.n_people == 30


@pytest.mark.parametrize("kind", ["ladder", "karakis2023", "shi2025", "gao2025"])
def test_what_a_preset_says_for_another_network_is_not_inherited(kind):
    text = f'base = "gao2025"\nname = "x"\n[model]\nkind = "{kind}"\nfinal = "auto"\n'
    found = parse_experiment(text, "x.toml")
    assert (found.model.widths == load_preset("gao2025").model.widths) == (
        kind in ("gao2025", "karakis2023")
    )
    assert parse_experiment(to_toml(found), "x.toml") == found
