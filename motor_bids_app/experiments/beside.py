"""What an experiment shows beside its models: comparisons, what a paper did, explanations."""

import re
from dataclasses import dataclass, fields

from motor_bids_app.errors import UsageError
from motor_bids_app.evaluation.flawed import FLAWS
from motor_bids_app.evaluation.granularity import StudySize
from motor_bids_app.experiments.rules import Rule, Section, list_of, setting, some_of, whole
from motor_bids_app.models.networks.backbones import BACKBONES
from motor_bids_app.models.networks.layers import CLASSIFIERS

MASKS = ("brain", "cst", "motor", "cst+motor")
EXPLANATIONS = ("weights", "pattern", "gradcam", "integrated_gradients", "occlusion")

# Which comparisons each network can make.
COMPARABLE = {
    "karakis2023": ("layers", "single_maps", "masks"),
    "cbam2025": ("masks",),  # its networks see single maps already
    "gao2025": ("masks",),  # which sees one map, of a window
    "shi2025": ("backbones",),  # which reads slices and signals, and no maps
}

SWITCH = Rule(lambda value: type(value) is bool, "true or false")
_FIGURE = Rule(  # a text keeps its last zero, which tells how precise it is
    lambda value: re.fullmatch(r"[01]|[01]?\.\d+", str(value)) is not None,
    'a number from 0 to 1 as printed, such as 0.917 or "0.90"',
)


_INSTEAD = {  # where a comparison that a network cannot make has something like it
    ("cbam2025", "single_maps"): "map_subsets.tsv has each of its maps alone.",
    ("gao2025", "single_maps"): "Its network sees one map, of a window.",
    ("shi2025", "single_maps"): 'The rungs "signals" and "slices" are its halves alone.',
}


@dataclass(frozen=True, kw_only=True)
class Comparisons(Section):
    """What is evaluated beside the models, on the same splits."""

    layers: tuple[str, ...] = setting((), some_of(*CLASSIFIERS))  # on layers of the network
    single_maps: bool = setting(False, SWITCH)  # the network on each map alone
    masks: tuple[str, ...] = setting((), some_of(*MASKS))  # the network in other masks
    backbones: tuple[str, ...] = setting((), some_of(*BACKBONES))  # other networks of slices

    def check(
        self, kind: str, task: str, maps: str | tuple[str, ...], mask: str, backbone: str
    ) -> None:
        """Raise UsageError for what a model cannot compare, or what would compare nothing.

        Parameters
        ----------
        kind : str
            [model] kind.
        task : str
            [target] task.
        maps, mask
            Of [inputs].
        backbone : str
            [model] backbone.
        """
        wanted = [f.name for f in fields(self) if getattr(self, f.name)]
        if kind not in COMPARABLE and wanted:
            raise UsageError(
                f"[comparisons] {wanted[0]} is for networks: leave it out, or set [model] kind to "
                f"one of {', '.join(COMPARABLE)}."
            )
        for name in wanted:
            if name not in COMPARABLE[kind]:
                able = [other for other, names in COMPARABLE.items() if name in names]
                raise UsageError(
                    f"[comparisons] {name} cannot be made with {kind}: leave it out; it is for "
                    f"{', '.join(able)}. {_INSTEAD.get((kind, name), '')}".rstrip()
                )
        if self.layers and task != "classification":
            raise UsageError(
                "[comparisons] layers are classifiers, which need classes: leave it out, or set "
                '[target] task = "classification".'
            )
        if self.single_maps and isinstance(maps, tuple) and len(maps) == 1:
            raise UsageError(
                f'[comparisons] single_maps has nothing to compare: "{maps[0]}" is the only map in '
                "[inputs] maps. Leave it out, or name several maps."
            )
        if mask in self.masks:
            raise UsageError(
                f'[comparisons] masks names "{mask}", which is the mask of the model itself '
                "([inputs] mask): name others."
            )
        if backbone in self.backbones:
            raise UsageError(
                f'[comparisons] backbones names "{backbone}", which is that of the model itself '
                "([model] backbone): name others."
            )


@dataclass(frozen=True, kw_only=True)
class AsPublished(Section):
    """What a paper did and reports; its protocols are run beside the right one."""

    protocols: tuple[str, ...] = setting((), some_of(*FLAWS))
    n_people: int | None = setting(None, whole(2, 1_000_000))  # of a test set, or of all folds
    n_poor: int | None = setting(None, whole(1, 1_000_000))  # among them
    folds: int = setting(1, whole(1, 1000))  # averaged over; 1: people were pooled
    repeats: int = setting(1, whole(1, 100_000))  # test sets, or cross-validations, averaged
    accuracy: float | str | None = setting(None, _FIGURE)
    balanced_accuracy: float | str | None = setting(None, _FIGURE)
    roc_auc: float | str | None = setting(None, _FIGURE)
    sensitivity: float | str | None = setting(None, _FIGURE)
    specificity: float | str | None = setting(None, _FIGURE)
    precision: float | str | None = setting(None, _FIGURE)
    f1: float | str | None = setting(None, _FIGURE)
    r2: float | str | None = setting(None, _FIGURE)

    def __post_init__(self) -> None:
        if self.n_people is None:
            return
        for key, most in (("n_poor", self.n_people - 1), ("folds", self.n_people)):
            if (getattr(self, key) or 1) > most:
                raise UsageError(
                    f"[as_published] {key} = {getattr(self, key)}: there are n_people = "
                    f"{self.n_people}, so use at most {most}."
                )

    @property
    def figures(self) -> dict[str, float | str]:
        """Published figures by metric, as printed."""
        named = [f.name for f in fields(self) if f.metadata["rule"] is _FIGURE]
        return {name: getattr(self, name) for name in named if getattr(self, name) is not None}

    @property
    def tested(self) -> StudySize | None:
        """How many people the figures are about, if it is said."""
        n, poor, folds, repeats = self.n_people, self.n_poor, self.folds, self.repeats
        return StudySize(n_people=n, n_poor=poor, folds=folds, repeats=repeats) if n else None


@dataclass(frozen=True, kw_only=True)
class Explanation(Section):
    """How it is shown what the final model looks at, where it looks at maps."""

    methods: str | tuple[str, ...] = setting("auto", list_of(*EXPLANATIONS, or_else="auto"))
    people_per_test: int = setting(50, whole(1, 1_000_000))  # explained of each test set, at most
