"""What an experiment can say, and which values make sense."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from motor_bids_app.errors import UsageError
from motor_bids_app.experiments.augmentation import Augmentation
from motor_bids_app.experiments.beside import AsPublished, Comparisons, Explanation
from motor_bids_app.experiments.component import Component, check_component
from motor_bids_app.experiments.course import check_course
from motor_bids_app.experiments.obeyed import check_obeyed
from motor_bids_app.experiments.rules import Section, check_key
from motor_bids_app.experiments.sections import (
    NAME,
    TEXT,
    Inputs,
    Model,
    States,
    Target,
    Training,
    Validation,
)
from motor_bids_app.models.catalog import COMPARED_ONLY, full_ladder, needs

SECTIONS: dict[str, type[Section]] = {
    "target": Target,
    "inputs": Inputs,
    "model": Model,
    "training": Training,
    "validation": Validation,
    "comparisons": Comparisons,
    "as_published": AsPublished,
    "explanation": Explanation,
    "states": States,
    "augmentation": Augmentation,
    "component": Component,
}
_TOP = ("name", "description", "reference")


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A question, the data and models to answer it with, and how the answer is checked."""

    name: str
    description: str = ""
    reference: str = ""
    target: Target = field(default_factory=Target)
    inputs: Inputs = field(default_factory=Inputs)
    model: Model = field(default_factory=Model)
    training: Training = field(default_factory=Training)
    validation: Validation = field(default_factory=Validation)
    comparisons: Comparisons = field(default_factory=Comparisons)
    as_published: AsPublished | None = None
    explanation: Explanation = field(default_factory=Explanation)
    states: States = field(default_factory=States)
    augmentation: Augmentation = field(default_factory=Augmentation)
    component: Component = field(default_factory=Component)

    def __post_init__(self) -> None:
        if not NAME.allows(self.name):
            raise UsageError(f"name = {self.name!r}: it becomes a folder; use {NAME.words}.")
        if self.inputs.table and not self.inputs.columns:
            raise UsageError("[inputs] table needs columns: name those that models predict from.")
        if self.model.final_name not in self.models:
            raise UsageError(
                f"[model] final = {self.model.final!r} is not among the models of the experiment: "
                f"use one of {', '.join(self.models)}."
            )
        if self.model.final_name in COMPARED_ONLY:
            raise UsageError(
                f"[model] final = {self.model.final!r}: {self.model.final_name} is a model to "
                "compare with, and cannot be shared. Name another one as final."
            )
        if self.model.recalibrate != "none" and self.target.task != "classification":
            raise UsageError(
                f'[model] recalibrate = "{self.model.recalibrate}" is for probabilities: leave it '
                'out, or set [target] task = "classification".'
            )
        if self.model.kind == "ladder" and self.training.trainings > 1:
            raise UsageError("[training] trainings is for networks: set [model] kind.")
        self.comparisons.check(
            self.model.kind,
            self.target.task,
            self.inputs.maps,
            self.inputs.mask,
            self.model.backbone,
        )
        check_obeyed(vars(self), self.model.names)
        self._check_harmonise()
        if self.target.scores and self.component.columns:
            raise UsageError("[component] is one score: leave [target] scores out.")
        check_component(self.component, self.target.score, self.inputs.baseline_score)
        check_course(self.target, self.inputs)

    def _check_harmonise(self) -> None:
        """Refuse to compare models of which some see sites made alike, and others as they are."""
        alone = [name for name in self.models if needs(name).instances]
        if self.inputs.harmonise != "none" and alone:
            raise UsageError(
                f'[inputs] harmonise = "{self.inputs.harmonise}" is for maps and features. '
                f"{alone[0]} learns from windows or slices, which it cannot harmonise: set "
                'harmonise = "none", or leave this model out.'
            )

    @property
    def models(self) -> tuple[str, ...]:
        """All models that are evaluated, simplest first: see `full_ladder`."""
        names, baseline = self.model.names, self.inputs.baseline_score != "none"
        return full_ladder(names, baseline, bool(self.inputs.columns) or baseline)

    @property
    def of_each_score(self) -> tuple["Experiment", ...]:
        """One experiment for each score, named after it; itself where it predicts one."""
        if not self.target.scores or self.target.score != "auto":
            return (self,)
        return tuple(
            replace(self, name=f"{self.name}-{score}", target=replace(self.target, score=score))
            for score in self.target.scores
        )

    @classmethod
    def read(cls, content: Mapping[str, Any], place: str) -> "Experiment":
        """Build from the content of a TOML file; `place` names the file in messages.

        Raises
        ------
        UsageError
            An unknown key, or a value that is not allowed.
        """
        for key in content:
            check_key(key, (*_TOP, *SECTIONS), place)
        texts = {key: content[key] for key in _TOP if key in content}
        for key, value in texts.items():
            if not TEXT.allows(value):
                raise UsageError(f"{place}: {key} = {value!r}: use text.")
        if "name" not in texts:
            raise UsageError(f"{place} needs a name: the results are saved under it.")
        sections: dict[str, Any] = {
            key: section.read(content[key], f"{place}: [{key}]")
            for key, section in SECTIONS.items()
            if key in content
        }
        return cls(**texts, **sections)
