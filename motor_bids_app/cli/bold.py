"""Options of the resting-state bold."""

import argparse
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from motor_bids_app.cli import values as cli_values
from motor_bids_app.errors import UsageError
from motor_bids_app.settings import BoldSettings

_LONGEST_SMOOTHING = 20.0  # mm


def add_bold_options(parser: argparse.ArgumentParser) -> None:
    """Add the group of options."""
    group = parser.add_argument_group("resting-state BOLD")
    group.add_argument(
        "--dummy-scans",
        type=cli_values.seed,
        metavar="N",
        help="initial volumes to discard (default: non-steady-state volumes, detected)",
    )
    group.add_argument(
        "--smoothing",
        type=cli_values.finite,
        metavar="MM",
        help="full width at half maximum of the smoothing kernel, 0 for none (default: 6)",
    )
    group.add_argument(
        "--scrub",
        "--fd-spike-threshold",
        "--fd-thresh",
        type=cli_values.positive_float,
        metavar="MM",
        help="volumes with greater framewise displacement are excluded from denoising and "
        "connectivity (default: none excluded)",
    )
    group.add_argument(
        "--motion-limit",
        type=cli_values.positive_float,
        metavar="MM",
        help="flag people whose head moved farther, in mm along or degrees about any axis "
        "(default: 2)",
    )
    group.add_argument(
        "--exclude-motion",
        action="store_true",
        help="compute no connectivity for flagged people",
    )
    _add_seed(group)
    _add_windows(group)


def _add_seed(group: argparse._ArgumentGroup) -> None:
    seeds = group.add_mutually_exclusive_group()
    seeds.add_argument(
        "--seed-mni",
        nargs=3,
        type=cli_values.finite,
        metavar=("X", "Y", "Z"),
        help="centre of the seed in the left hemisphere, mm; mirrored where the lesion is on the "
        "right (default: -38 -22 56, hand area of M1)",
    )
    seeds.add_argument(
        "--seed-mask",
        type=Path,
        metavar="FILE",
        help="alternatively, a mask in the standard space, in the left hemisphere",
    )
    group.add_argument(
        "--seed-radius",
        type=cli_values.positive_float,
        metavar="MM",
        help="radius of the sphere around --seed-mni (default: 6)",
    )


def _add_windows(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--window",
        type=duration,
        metavar="NUMBERs|NUMBERTR",
        help="length of sliding windows, in seconds or volumes (default: 44s)",
    )
    group.add_argument(
        "--window-taper",
        type=duration,
        metavar="NUMBERs|NUMBERTR",
        help="standard deviation of the Gaussian that smooths the edges of windows (default: 0s, "
        "rectangular)",
    )
    group.add_argument(
        "--save-windows",
        action="store_true",
        help="also save the map of every window, about 200 volumes per participant",
    )


def duration(text: str) -> tuple[float, str]:
    """Parse a duration in seconds or volumes.

    >>> duration("44s"), duration("22TR")
    ((44.0, 's'), (22.0, 'TR'))
    """
    match = re.fullmatch(r"(\d{1,6}(?:\.\d{1,9})?)(s|TR)", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number with s or TR, such as 44s")
    return float(match[1]), match[2]


def bold_settings(given: Mapping[str, Any]) -> BoldSettings:
    """Settings from the options that were given, and defaults for the others.

    Raises
    ------
    UsageError
        A value is impossible.
    """
    names = (
        "dummy_scans",
        "smoothing",
        "scrub",
        "motion_limit",
        "exclude_motion",
        "seed_radius",
        "window",
        "window_taper",
        "save_windows",
    )
    values = {name: given[name] for name in names if name in given}
    if not 0 <= values.get("smoothing", 0) <= _LONGEST_SMOOTHING:
        raise UsageError(
            f"--smoothing {values['smoothing']:g}: use 0 to {_LONGEST_SMOOTHING:g} mm."
        )
    if "seed_mni" in given:
        values["seed"] = tuple(given["seed_mni"])
        if values["seed"][0] >= 0:
            raise UsageError(
                f"--seed-mni {values['seed'][0]:g}: give the place in the left hemisphere (x below "
                "0); it is mirrored where the lesion is on the right."
            )
    if "seed_mask" in given:
        values["seed"] = given["seed_mask"].absolute()
    return BoldSettings(**values)
