from pathlib import Path

import pytest

from motor_bids_app.cli.parse import parse_settings
from motor_bids_app.errors import UsageError
from motor_bids_app.settings import BoldSettings


def parse(*words):
    return parse_settings(["in", "out", "participant", *words])


def test_without_options_the_defaults_hold():
    settings = parse()

    assert settings.processing.bold == BoldSettings()
    assert settings.selection.tasks == ()


def test_options_of_the_bold_become_settings():
    settings = parse(
        "--dummy-scans",
        "10",
        "--smoothing",
        "0",
        "--scrub",
        "0.5",
        "--window",
        "22TR",
        "--window_taper",
        "6s",
        "--seed-mni",
        "-40",
        "-20",
        "52",
        "--exclude-motion",
        "--task-label",
        "task-rest",
    )

    assert settings.processing.bold == BoldSettings(
        dummy_scans=10,
        smoothing=0,
        scrub=0.5,
        window=(22, "TR"),
        window_taper=(6, "s"),
        seed=(-40, -20, 52),
        exclude_motion=True,
    )
    assert settings.selection.tasks == ("rest",)


def test_a_seed_mask_replaces_the_place():
    assert parse("--seed-mask", "/m1.nii.gz").processing.bold.seed == Path("/m1.nii.gz")


def test_another_window_is_another_result():
    assert parse().processing.digest != parse("--window", "60s").processing.digest


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--window", "44"], "44.* is not a number with s or TR"),
        (["--seed-mni", "38", "-22", "56"], "left hemisphere"),
        (["--seed-mni", "-38", "-22", "56", "--seed-mask", "x"], "not allowed with"),
        (["--smoothing", "-1"], "use 0 to 20 mm"),
        (["--scrub", "0"], "above 0"),
    ],
)
def test_impossible_options_are_explained(words, message):
    with pytest.raises(UsageError, match=message):
        parse(*words)
