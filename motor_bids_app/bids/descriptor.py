"""The Boutiques descriptor, made from the parser, so that the two cannot differ."""

import argparse
from pathlib import Path
from typing import Any

from motor_bids_app import __version__
from motor_bids_app.errors import EXIT_CODES
from motor_bids_app.settings import LEVELS

_NOT_OFFERED = ("help", "version", "bids_exec_spec", "selftest", "notrack", "remarks")
_FOLDERS_TO_MAKE = ("output_dir", "work_dir")
_NUMBERS: dict[str, dict[str, Any]] = {  # by the function that parses them
    "positive_int": {"integer": True, "minimum": 1},
    "seed": {"integer": True, "minimum": 0},
    "positive_float": {"integer": False, "minimum": 0, "exclusive-minimum": True},
    "finite": {"integer": False},
}
# For `bosh test`, in a folder that has a BIDS dataset called bids.
_TESTS = (
    ("a dry run of the dataset in ./bids", "bids", 0),
    ("a folder without dataset is refused", ".", 66),
)


def boutiques_descriptor(parser: argparse.ArgumentParser) -> dict[str, Any]:
    """Describe a command line in schema 0.5 of Boutiques.

    Parameters
    ----------
    parser : ArgumentParser
        Parser of the BIDS App, with `bids_dir`, `output_dir` and `level` as positionals.
    """
    actions: dict[str, argparse.Action] = {}
    for action in parser._actions:  # other spellings have the name of the first
        if action.dest not in _NOT_OFFERED:
            actions.setdefault(action.dest, action)
    positionals = [action for action in actions.values() if not action.option_strings]
    options = [action for action in actions.values() if action.option_strings]
    keys = " ".join(_key(action) for action in (*positionals, *options))
    return {
        "name": "motor_bids_app",
        "tool-version": __version__,
        "author": "motor_bids_app developers",
        "description": " ".join((parser.description or "").split()),
        "schema-version": "0.5",
        "container-image": {
            "type": "docker",
            "image": f"{parser.prog}:{__version__}",
            "entrypoint": True,
        },
        "command-line": f"{parser.prog} {keys}",
        "inputs": [_input(action) for action in (*positionals, *options)],
        "output-files": [
            {
                "id": "output_dataset",
                "name": "Output derivatives dataset",
                "path-template": "[OUTPUT_DIR]",
            },
            {
                "id": "status",
                "name": "How each participant ended",
                "path-template": "[OUTPUT_DIR]/logs/participants_status.tsv",
                "optional": True,
            },
        ],
        "tests": [_test(*case) for case in _TESTS],
        "error-codes": [
            {"code": code, "description": meaning} for code, meaning in EXIT_CODES.items() if code
        ],
        "suggested-resources": {"cpu-cores": 2, "ram": 8, "walltime-estimate": 3600},
        "tags": {"domain": ["neuroinformatics", "stroke"], "standard": ["BIDS"]},
    }


def _key(action: argparse.Action) -> str:
    return f"[{action.dest.upper()}]"


def _input(action: argparse.Action) -> dict[str, Any]:
    """Describe one argument."""
    entry: dict[str, Any] = {
        "id": action.dest,
        "name": action.dest if action.option_strings else str(action.metavar or action.dest),
        "description": action.help or "",
        "value-key": _key(action),
        "type": _type(action),
        "optional": bool(action.option_strings),
    }
    if action.option_strings:
        entry["command-line-flag"] = next(o for o in action.option_strings if o.startswith("--"))
    if action.nargs == "+":
        entry["list"] = True
    elif isinstance(action.nargs, int) and action.nargs > 0:
        n_values = {"min-list-entries": action.nargs, "max-list-entries": action.nargs}
        entry |= {"list": True, **n_values}
    choices = LEVELS if action.dest == "level" else action.choices
    if choices:
        entry["value-choices"] = list(choices)
    if entry["type"] == "Number":
        entry |= _NUMBERS[_parsed_by(action)]
    return entry


def _test(name: str, bids_dir: str, exit_code: int) -> dict[str, Any]:
    invocation = {
        "bids_dir": bids_dir,
        "output_dir": "out",
        "level": ["participant"],
        "dry_run": True,
    }
    return {"name": name, "invocation": invocation, "assertions": {"exit-code": exit_code}}


def _type(action: argparse.Action) -> str:
    if action.nargs == 0:
        return "Flag"
    if action.type is Path and action.dest not in _FOLDERS_TO_MAKE:
        return "File"
    return "Number" if _parsed_by(action) in _NUMBERS else "String"


def _parsed_by(action: argparse.Action) -> str:
    return getattr(action.type, "__name__", "")
