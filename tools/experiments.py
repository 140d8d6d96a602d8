"""Write docs/experiments.md: every key of an experiment file, with default and allowed values.

usage: python tools/experiments.py > docs/experiments.md

Keys, defaults and allowed values are those of the code; what each is for stands here.
"""

from dataclasses import fields

from motor_bids_app.experiments.schema import SECTIONS

HEAD = """# Experiment files

An experiment is a TOML file that says what is predicted, from what, by which models, and how they
are validated. `group --experiment FILE` (or the name of a preset) evaluates it. A file usually
starts from a preset and changes a few keys:

```toml
base = "baselines"          # a preset: everything that is not named below is taken from it
name = "nihss_by_lesion"    # folder of the results: letters, digits, - and _
description = "Severity from lesions."
[target]
score = "nihss"
[inputs]
maps = ["lesion"]
mirror_lesion_to = "none"
[model]
rungs = ["prevalence", "demographics", "lesion_volume", "disconnection", "lesion_map"]
```

The presets (`baselines`, `karakis2023`, `cbam2025`, `gao2025`, `shi2025`, a small variant of each
network, and `pretraining`) are files of the same form, with comments, in
`motor_bids_app/experiments/presets/`. An unknown key, a value that is not allowed, or a key that no
model of the experiment reads is refused by name. `reference` is free text, as `description` is.
This page is written by `tools/experiments.py` from the code, and a test compares it.
"""
ABOUT = {
    "target": "What is predicted.",
    "inputs": "What models see.",
    "model": "Which models are evaluated on the same splits, and which is trained on everyone.",
    "training": "How networks are trained. Ladders of simple models have nothing of this.",
    "validation": "Who is tested when.",
    "comparisons": "What is evaluated beside a network, on the same splits.",
    "as_published": (
        "What a paper did and reports. Its protocols are run beside the right one; the figures are "
        "checked for being possible, and shown beside ours."
    ),
    "explanation": "How the report shows what a final model of maps responds to.",
    "states": "States of connectivity among sliding windows (gao2025).",
    "augmentation": "How training slices are changed at random (shi2025).",
    "component": 'A score made of several ([target] score = "component"), with fixed numbers.',
}
_FIGURE = "as the paper prints it"
WHAT = {
    "target": {
        "score": "score to predict; `auto`: the first known one that most people have",
        "scores": "several scores, each predicted in the people who have all of them",
        "task": "two classes, a number, or ordered classes",
        "threshold": "between good and poor; default: the usual one of the score",
        "poor_when": "how poor outcomes compare with the threshold; `auto`: as usual for the score",
        "thresholds": "of ordered classes: the lowest value of each class except the first",
        "transform": "of a regression: models learn ln(1 + score) or the square root",
        "controls": "`good`: healthy people are used for training, and are not scored",
        "session": "of the score, if later than that of the images ([recovery.md](recovery.md))",
        "within": "first and last day after the stroke of scores that count",
        "outcome": "the later score, its change, or the recovered share of what could be",
    },
    "inputs": {
        "maps": "maps to read; `auto`: those that most people have",
        "mask": "voxels that models see; `cst` is the corticospinal tract, `motor` motor regions",
        "resolution": "of maps, in mm",
        "mirror_lesion_to": "mirror images so that one-sided lesions are on this side",
        "session": "session whose images and predictors are used; default: all",
        "baseline_score": "earlier score, from which the model `persistence` predicts",
        "columns": "your own predictors ([predictors.md](predictors.md)); `*` stands for any text",
        "table": "a further table with some of them",
        "harmonise": "make sites alike within each training fold ([evaluation.md](evaluation.md))",
        "recordings": "kinds of recordings that shi2025 and its halves read",
        "channels": "`common`: those good in nearly everyone; `same`: refuse people who differ",
        "signal_rate": "of windows of EEG and EMG, at most, in Hz",
        "missing": "`impute` within the training fold, or leave out scans that lack something",
    },
    "model": {
        "kind": "`ladder`: simple models only; otherwise a network after the ladder",
        "rungs": "simple models, simplest first",
        "final": "model that is trained on everyone and shared; `auto`: the last",
        "recalibrate": "logistic recalibration of probabilities within the training fold",
        "widths": "channels of each stage of a network; of each block (gao2025)",
        "n_residuals": "residual blocks per stage",
        "hidden": "units of the dense layer",
        "dropout": "share of units dropped in training",
        "convolutions": "in each block (gao2025)",
        "lstm": "units of each LSTM layer (shi2025)",
        "step": "seconds of a window that are one step of the LSTM (shi2025)",
        "backbone": "network of slices (shi2025)",
        "size": "pixels along a slice (shi2025)",
        "inner_folds": "by person, to find the weights of the fusion (shi2025)",
    },
    "training": {
        "epochs": "passes over the training scans",
        "batch_size": "scans or windows in a step",
        "slice_batch_size": "slices in a step (shi2025)",
        "parts": "into which a step is divided to save memory; results stay the same",
        "optimizer": "stochastic gradient descent with momentum, or Adam",
        "learning_rate": "at the start",
        "momentum": "of `sgd`",
        "weight_decay": "pull of the weights towards 0",
        "schedule": "how the learning rate falls",
        "halve_after": "epochs until it is halved (`steps`), or without gain (`plateau`)",
        "stop_after": "epochs without gain until training stops; 0: never",
        "validation_share": "of the training people, held out for stopping and `plateau`",
        "precision": "of the arithmetic",
        "balance": "of classes: extra copies with sharper detail, weights in the loss, or none",
        "windows": "per person at most, evenly spaced; 0: all (gao2025)",
        "epsilon": "of Adam (gao2025)",
        "deterministic": "the same weights from the same seed on a GPU too, but slower",
        "trainings": "per test set, with different seeds; predictions are averaged",
    },
    "validation": {
        "scheme": "`leave_out = \"site\"` is another way to write the last",
        "folds": "test sets in each repeat",
        "repeats": "of the whole cross-validation, or number of holdouts",
        "test_fraction": "of people in a holdout",
        "balanced_test": "equal classes in a holdout",
        "splits": "your own test sets, in the format of `splits.tsv`, instead of a scheme",
        "permutations": "of outcomes, to test linear models against chance; 0: no test",
        "refits": "the same for a network, which is retrained each time",
        "group_by": "cannot be changed",
    },
    "comparisons": {
        "layers": "classifiers on layers of the network (karakis2023)",
        "single_maps": "the network on each map alone (karakis2023)",
        "masks": "the network within other masks",
        "backbones": "other networks of slices (shi2025)",
    },
    "as_published": {
        "protocols": "ways to validate that make a model look better than it is",
        "n_people": "in a test set, or in all folds together",
        "n_poor": "of them",
        "folds": "over which the figure is averaged; 1: people were pooled",
        "repeats": "test sets or cross-validations that were averaged",
        **dict.fromkeys(
            ("accuracy", "balanced_accuracy", "roc_auc", "sensitivity", "specificity",
             "precision", "f1", "r2"),
            _FIGURE,
        ),
    },
    "explanation": {
        "methods": "`auto`: the fast ones",
        "people_per_test": "explained in each test set, at most",
    },
    "states": {
        "find": "whether states are looked for",
        "numbers": "numbers of states to try",
        "decides": "which number is taken: by silhouette, or by how many people visit each state",
        "permutations": "of people, for the size of clusters",
    },
    "augmentation": {
        "rotation": "degrees either way, at most",
        "brightness": "share up or down, at most",
        "flip": "left and right at random, which hides the side of the lesion",
    },
    "component": {
        "columns": "scores that it is made of",
        "means": "of each score, fixed beforehand",
        "sds": "of each score, fixed beforehand",
        "weights": "of each; negative for scores of which lower values are better",
    },
}  # fmt: skip


def toml(value: object) -> str:
    """Write a default as TOML; an absent one as a dash."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return (
            "`["
            + ", ".join(f'"{one}"' if isinstance(one, str) else f"{one:g}" for one in value)
            + "]`"
        )
    return f'`"{value}"`' if isinstance(value, str) else f"`{value:g}`"


def document() -> str:
    """Return the page."""
    lines = [HEAD]
    for name, section in SECTIONS.items():
        lines += [f"## [{name}]", "", ABOUT[name], ""]
        lines += ["| key | what | default | allowed |", "| --- | --- | --- | --- |"]
        for one in fields(section):  # type: ignore[arg-type]
            allowed = one.metadata["rule"].words.replace("|", "\\|")
            lines.append(
                f"| `{one.name}` | {WHAT[name][one.name]} | {toml(one.default)} | {allowed} |"
            )
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    print(document(), end="")
