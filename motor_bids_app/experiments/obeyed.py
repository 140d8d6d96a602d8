"""Which settings an experiment's models obey: those that none of them reads are refused."""

from collections.abc import Mapping, Sequence
from typing import Any

from motor_bids_app.errors import UsageError
from motor_bids_app.models.catalog import FUSION, NETWORKS

_OF_MAPS = ("karakis2023", "cbam2025")
_OF_3D = (*_OF_MAPS, "gao2025")
_SIGNALS, _SLICES = ("signals", "shi2025"), ("slices", "shi2025")
_TRAINED = tuple(dict.fromkeys([*NETWORKS, *FUSION]))

# Models that read a setting; settings that are not named are read by all, or refused elsewhere.
_READ_BY: dict[str, dict[str, tuple[str, ...]]] = {
    "model": {
        "widths": _OF_3D,
        "n_residuals": _OF_MAPS,
        "hidden": _OF_3D,
        "dropout": _OF_3D,
        "convolutions": ("gao2025",),
        "lstm": _SIGNALS,
        "step": _SIGNALS,
        "backbone": _SLICES,
        "size": _SLICES,
        "inner_folds": ("shi2025",),
    },
    "training": {
        "epochs": _TRAINED,
        "batch_size": _TRAINED,
        "slice_batch_size": _SLICES,
        "parts": _TRAINED,
        "optimizer": _TRAINED,
        "learning_rate": _TRAINED,
        "momentum": _TRAINED,
        "weight_decay": _TRAINED,
        "schedule": _TRAINED,
        "halve_after": _TRAINED,
        "stop_after": _TRAINED,
        "validation_share": _TRAINED,
        "precision": _TRAINED,
        "balance": _TRAINED,
        "deterministic": _OF_3D,
        "windows": ("gao2025",),
        "epsilon": ("gao2025",),
    },
    "inputs": dict.fromkeys(("recordings", "channels", "signal_rate"), _SIGNALS),
    "states": dict.fromkeys(("find", "numbers", "decides", "permutations"), ("gao2025",)),
    "augmentation": dict.fromkeys(("rotation", "brightness", "flip"), _SLICES),
}


def check_obeyed(sections: Mapping[str, Any], names: Sequence[str]) -> None:
    """Raise UsageError for a setting beside its default that no model of an experiment reads.

    Parameters
    ----------
    sections : mapping of str to Section
        By name.
    names : sequence of str
        Models of the experiment.
    """
    for section, readers in _READ_BY.items():
        given = sections[section]
        usual = type(given)()
        for key, able in readers.items():
            value = getattr(given, key)
            if value != getattr(usual, key) and not set(able) & set(names):
                raise UsageError(
                    f"[{section}] {key} = {value!r} has no effect here: it is for "
                    f"{', '.join(able)}, and the experiment has {', '.join(names)}. Leave it out."
                )


def without_unread(
    content: Mapping[str, Any], own: Mapping[str, Any], names: Sequence[str]
) -> dict[str, Any]:
    """Drop what was inherited from a preset and is read by no model; what is `own` stays."""
    kept = dict(content)
    for section, readers in _READ_BY.items():
        inherited, given = kept.get(section), own.get(section, {})
        if isinstance(inherited, Mapping) and isinstance(given, Mapping):
            kept[section] = {
                key: value
                for key, value in inherited.items()
                if key in given or key not in readers or set(readers[key]) & set(names)
            }
    return kept
