"""What an experiment can say, and which values make sense."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import Any, Self

from motor_bids_app.errors import UsageError
from motor_bids_app.evaluation.splits import SCHEMES
from motor_bids_app.models.catalog import LADDER, NETWORKS
from motor_bids_app.models.training import OPTIMIZERS, PRECISIONS, SCHEDULES

MAPS = ("fa", "md", "rd", "ad", "gm", "wm", "lesion")
MASKS = ("brain", "cst", "motor", "cst+motor")
KINDS = ("ladder", *NETWORKS)


@dataclass(frozen=True)
class Rule:
    """Which values a key may have: a test, and the same in words."""

    allows: Callable[[Any], bool]
    words: str


def _one_of(*values: str) -> Rule:
    return Rule(lambda value: value in values, "one of " + ", ".join(f'"{v}"' for v in values))


def _whole(low: int, high: int) -> Rule:
    return Rule(
        lambda value: type(value) is int and low <= value <= high, f"a whole number {low} to {high}"
    )


def _number(low: float, high: float) -> Rule:
    return Rule(
        lambda value: type(value) in (int, float) and low <= value <= high,
        f"a number from {low:g} to {high:g}",
    )


def _list_of(*values: str, or_else: str = "") -> Rule:
    words = "a list without repeats of " + ", ".join(f'"{v}"' for v in values)

    def allows(given: Any) -> bool:
        if or_else and given == or_else:
            return True
        return (
            isinstance(given, tuple)
            and len(given) > 0
            and len(set(map(str, given))) == len(given)
            and all(value in values for value in given)
        )

    return Rule(allows, words + (f', or "{or_else}"' if or_else else ""))


_TEXT = Rule(lambda value: isinstance(value, str), "text")
_WORD = Rule(
    lambda value: isinstance(value, str) and re.fullmatch("[a-z][a-z0-9_]*", value) is not None,
    'a score such as "fma_ue" (lower-case letters, digits and _), or "auto"',
)
_SWITCH = Rule(lambda value: type(value) is bool, "true or false")
_LIMIT = _number(-1e6, 1e6)
_WIDTHS = Rule(
    lambda value: (
        isinstance(value, tuple)
        and len(value) >= 4
        and all(type(width) is int and 1 <= width <= 4096 for width in value)
    ),
    "a list of 4 or more whole numbers from 1 to 4096",
)


def _key(default: Any, rule: Rule) -> Any:
    return field(default=default, metadata={"rule": rule})


class Section:
    """Base of the tables of an experiment: made from TOML, every value checked."""

    @classmethod
    def read(cls, table: Any, place: str) -> Self:
        """Build from a TOML table; `place` names it in messages.

        Raises
        ------
        UsageError
            An unknown key, or a value that is not allowed.
        """
        if not isinstance(table, Mapping):
            raise UsageError(f"{place} must be a table of keys, not {table!r}.")
        rules = {f.name: f.metadata["rule"] for f in fields(cls)}  # type: ignore[arg-type]
        for key, value in table.items():
            check_key(key, tuple(rules), place)
            if not rules[key].allows(_frozen(value)):
                raise UsageError(f"{place} {key} = {value!r}: use {rules[key].words}.")
        return cls(**{key: _frozen(value) for key, value in table.items()})


def check_key(key: str, known: tuple[str, ...], place: str) -> None:
    """Raise UsageError for a key that does not exist, naming the likely one."""
    if key not in known:
        near = get_close_matches(key, known, 1)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        raise UsageError(f"{place} has no key {key!r}. {hint}There are: {', '.join(known)}.")


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


@dataclass(frozen=True, kw_only=True)
class Target(Section):
    """What is predicted."""

    score: str = _key("auto", _WORD)  # "auto": the first of the registry that most people have
    task: str = _key("classification", _one_of("classification", "regression"))
    threshold: float | None = _key(None, _LIMIT)  # default: the usual one of the score
    poor_when: str = _key("auto", _one_of("auto", "<", "<=", ">", ">="))  # compared to threshold
    controls: str = _key("good", _one_of("good", "exclude"))


@dataclass(frozen=True, kw_only=True)
class Inputs(Section):
    """What models see."""

    maps: str | tuple[str, ...] = _key("auto", _list_of(*MAPS, or_else="auto"))
    mask: str = _key("brain", _one_of(*MASKS))
    resolution: int = _key(2, _whole(1, 4))  # mm
    mirror_lesion_to: str = _key("none", _one_of("none", "left", "right"))


@dataclass(frozen=True, kw_only=True)
class Model(Section):
    """Which models are evaluated on the same splits, and the one that becomes the bundle."""

    kind: str = _key("ladder", _one_of(*KINDS))
    rungs: tuple[str, ...] = _key(LADDER, _list_of(*LADDER))  # simplest first
    final: str = _key("auto", _one_of("auto", *LADDER, *KINDS[1:]))
    widths: tuple[int, ...] = _key((32, 16, 16, 64, 128, 256, 512), _WIDTHS)
    n_residuals: int = _key(5, _whole(0, 20))
    hidden: int = _key(256, _whole(2, 4096))
    dropout: float = _key(0.3, _number(0, 0.95))

    @property
    def names(self) -> tuple[str, ...]:
        """All models, simplest first."""
        return (*self.rungs, self.kind) if self.kind != "ladder" else self.rungs

    @property
    def final_name(self) -> str:
        """Model that is trained on everyone: by default the last, most complex one."""
        return self.names[-1] if self.final == "auto" else self.final


@dataclass(frozen=True, kw_only=True)
class Training(Section):
    """How networks are trained."""

    epochs: int = _key(50, _whole(1, 10_000))
    batch_size: int = _key(8, _whole(2, 1024))
    parts: int = _key(1, _whole(1, 512))  # of a batch, one after the other, to save memory
    optimizer: str = _key("sgd", _one_of(*OPTIMIZERS))
    learning_rate: float = _key(1e-4, _number(1e-8, 10))
    momentum: float = _key(0.9, _number(0, 0.999))
    weight_decay: float = _key(5e-3, _number(0, 1))
    schedule: str = _key("constant", _one_of(*SCHEDULES))
    halve_after: int = _key(20, _whole(1, 10_000))  # epochs without gain; schedule "plateau"
    stop_after: int = _key(0, _whole(0, 10_000))  # epochs without gain; 0: never
    validation_share: float = _key(0.0, _number(0, 0.5))  # of the training people, to stop by
    precision: str = _key("float32", _one_of(*PRECISIONS))
    balance: str = _key("sharpen", _one_of("sharpen", "weights", "none"))
    trainings: int = _key(1, _whole(1, 100))  # per split, with other seeds; predictions averaged


@dataclass(frozen=True, kw_only=True)
class Validation(Section):
    """Who is tested when."""

    scheme: str = _key("repeated_kfold", _one_of(*SCHEMES))
    folds: int = _key(5, _whole(2, 1000))
    repeats: int = _key(10, _whole(1, 1000))
    test_fraction: float = _key(0.2, _number(0.01, 0.9))  # holdout only
    balanced_test: bool = _key(False, _SWITCH)  # holdout only
    permutations: int = _key(1000, _whole(0, 100_000))  # of labels, to test against chance
    group_by: str = _key(
        "participant",
        Rule(
            lambda value: value == "participant",
            '"participant": all scans of a person stay on one side of every split',
        ),
    )


_SECTIONS: dict[str, type[Section]] = {
    "target": Target, "inputs": Inputs, "model": Model, "training": Training,
    "validation": Validation,
}  # fmt: skip
_TOP = ("name", "description", "reference")


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A question, the data and models to answer it with, and how the answer is checked."""

    name: str
    description: str = ""
    reference: str = ""
    target: Target = Target()
    inputs: Inputs = Inputs()
    model: Model = Model()
    training: Training = Training()
    validation: Validation = Validation()

    def __post_init__(self) -> None:
        if not re.fullmatch("[A-Za-z0-9][A-Za-z0-9_-]{0,63}", self.name):
            raise UsageError(
                f"name = {self.name!r}: it becomes a folder; use up to 64 letters, digits, - and _."
            )
        if self.model.final_name not in self.model.names:
            raise UsageError(
                f"[model] final = {self.model.final!r} is not among the models of the experiment: "
                f"use one of {', '.join(self.model.names)}."
            )
        if self.model.kind == "ladder" and self.training.trainings > 1:
            raise UsageError("[training] trainings is for networks: set [model] kind.")

    @classmethod
    def read(cls, content: Mapping[str, Any], place: str) -> "Experiment":
        """Build from the content of a TOML file; `place` names the file in messages.

        Raises
        ------
        UsageError
            An unknown key, or a value that is not allowed.
        """
        for key in content:
            check_key(key, (*_TOP, *_SECTIONS), place)
        texts = {key: content[key] for key in _TOP if key in content}
        for key, value in texts.items():
            if not _TEXT.allows(value):
                raise UsageError(f"{place}: {key} = {value!r}: use text.")
        if "name" not in texts:
            raise UsageError(f"{place} needs a name: the results are saved under it.")
        sections: dict[str, Any] = {
            key: section.read(content[key], f"{place}: [{key}]")
            for key, section in _SECTIONS.items()
            if key in content
        }
        return cls(**texts, **sections)
