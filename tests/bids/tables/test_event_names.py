"""Events with names of the user's own."""

import pytest

from motor_bids_app.bids.tables.scores_map import load_scores_map
from motor_bids_app.cli.parse import parse_settings
from motor_bids_app.errors import UsageError


def write(tmp_path, text):
    path = tmp_path / "map.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('events = { T0 = "rest" }', {("", "T0", "rest")}),
        ('[events.grip]\n1 = "rest"', {("grip", "1", "rest")}),
        ('[events.task-grip]\n1 = "rest"', {("grip", "1", "rest")}),
        (
            '[events]\nT0 = "rest"\nm1 = { T1 = "left hand" }',
            {("", "T0", "rest"), ("m1", "T1", "left hand")},
        ),
        ('[events]\n"S   1" = " Faust "', {("", "S 1", "Faust")}),
    ],
)
def test_events_are_named_for_one_task_or_for_all(tmp_path, text, names):
    assert set(load_scores_map(write(tmp_path, text)).events) == names


@pytest.mark.parametrize(
    "text",
    [
        'events = "rest"',
        '[events]\nT0 = "..."',
        "[events]\nT0 = 1",
        '[events]\nT0 = "T1"',
        '[events]\nT0 = ""',
        '[events.hold]\nT0 = ["rest"]',
        '[events.hold.T0]\nname = "rest"',
    ],
)
def test_what_names_no_event_is_refused(tmp_path, text):
    with pytest.raises(UsageError, match="events"):
        load_scores_map(write(tmp_path, text))


def test_other_names_repeat_the_steps_of_eeg_and_emg_alone(tmp_path):
    words = [str(tmp_path), str(tmp_path / "out"), "participant"]
    path = write(tmp_path, '[events]\nT0 = "rest"')

    plain = parse_settings(words).processing
    named = parse_settings([*words, "--scores-map", str(path)]).processing

    assert named.physiology.events == (("", "T0", "rest"),)
    for step in ("anat", "dwi", "bold", "eeg", "emg"):
        changed = named.of_step(step).digest != plain.of_step(step).digest
        assert changed == (step in ("eeg", "emg")), step
