"""Options of EEG and EMG."""

import argparse
from collections.abc import Mapping
from typing import Any

from motor_bids_app.cli import values as cli_values
from motor_bids_app.errors import UsageError
from motor_bids_app.settings import PhysiologySettings

_SLOWEST, _SHORTEST = 100.0, 1.0  # Hz, s


def add_physiology_options(parser: argparse.ArgumentParser) -> None:
    """Add the group of options."""
    group = parser.add_argument_group("EEG and EMG")
    for kind, band in (("eeg", "0.5 150"), ("emg", "20 450")):
        group.add_argument(
            f"--{kind}-band",
            nargs=2,
            type=cli_values.finite,
            metavar=("LOW", "HIGH"),
            help=f"pass band of the {kind.upper()}, Hz, limited by its sampling rate "
            f"(default: {band})",
        )
    for kind, rate in (("eeg", "500"), ("emg", "1000")):
        group.add_argument(
            f"--{kind}-rate",
            type=cli_values.positive_float,
            metavar="HZ",
            help=f"sampling rate of the cleaned {kind.upper()}; slower recordings keep theirs "
            f"(default: {rate})",
        )
    group.add_argument(
        "--signal-window",
        type=cli_values.positive_float,
        metavar="S",
        help="length of EEG and EMG windows, s (default: 10)",
    )
    group.add_argument(
        "--no-ica", action="store_true", help="do not remove eye and muscle components from the EEG"
    )


def physiology_settings(given: Mapping[str, Any]) -> PhysiologySettings:
    """Settings from the options that were given, and defaults for the others.

    Raises
    ------
    UsageError, InputMissingError
        A value is impossible; the scores map cannot be understood, or is not there.
    """
    values: dict[str, Any] = {"ica": not given.get("no_ica", False)}
    for name in ("eeg_band", "emg_band"):
        if name in given:
            low, high = given[name]
            if not 0 <= low < high:
                raise UsageError(
                    f"--{name.replace('_', '-')} {low:g} {high:g}: give the lower frequency first."
                )
            values[name] = (low, high)
    for name in ("eeg_rate", "emg_rate"):
        if name in given:
            if given[name] < _SLOWEST:
                raise UsageError(
                    f"--{name.replace('_', '-')} {given[name]:g}: use at least {_SLOWEST:g} Hz, "
                    "which the rhythms to be measured need."
                )
            values[name] = given[name]
    if "signal_window" in given:
        if given["signal_window"] < _SHORTEST:
            raise UsageError(
                f"--signal-window {given['signal_window']:g}: use at least {_SHORTEST:g} s."
            )
        values["window"] = given["signal_window"]
    if given.get("level") == "participant" and "scores_map" in given:
        from motor_bids_app.bids.tables.scores_map import load_scores_map  # loads numpy

        values["events"] = load_scores_map(given["scores_map"]).events
    return PhysiologySettings(**values)
