"""Box plots in the form of figures 5, 6 and 8 of Karakis et al. (2023)."""

import pandas as pd

from motor_bids_app.reports.experiment.boxes import box_figure
from motor_bids_app.reports.experiment.paper import PaperNumbers
from motor_bids_app.reports.pages import Figure

_SHORT_LAYERS = {"flatten": "flatten", "dense1": "FCL1", "dense2": "FCL2"}
_BOXED = {  # metrics of the figures 5, 6 and 8
    "maps": ("precision", "recall", "f1"),
    "masks": ("accuracy", "specificity", "f1"),
    "layers": ("accuracy",),
}


def paper_figures(numbers: PaperNumbers) -> list[Figure]:
    """Box plots of the paper that the run has numbers for: single maps, masks, classifiers."""
    network, layered, single, masked = numbers.groups
    own = {network: "All maps, as in the experiment"}
    found = []
    if single:
        labels = own | {name: numbers.beside[name] for name in single}
        found.append(("maps", "Networks of single maps", _BOXED["maps"], labels, numbers.sets))
    if masked:
        labels = own | {name: numbers.beside[name] for name in masked}
        sets = numbers.sets
        if (sets["training"] > 1).any():
            sets = pd.concat([sets, numbers.best.assign(model=numbers.best["model"] + " best")])
            labels |= {
                f"{k} best": f"{v}: best training, chosen by test result" for k, v in labels.items()
            }
        found.append(("masks", "Networks in other masks", _BOXED["masks"], labels, sets))
    if layered:
        labels = dict(own)
        for name in layered:
            layer = _SHORT_LAYERS[name.rpartition("-")[2]]
            labels[name] = f"{numbers.beside[name].split(' on ')[0]}, {layer}"
        found.append(
            ("layers", "Classifiers on the layers", _BOXED["layers"], labels, numbers.sets)
        )
    return [
        box_figure(sets, labels, metrics, f"boxes-{name}", title)
        for name, title, metrics, labels, sets in found
    ]
