"""States of connectivity in the page of an experiment: what they are, who is in them, and when."""

from collections.abc import Sequence

import nibabel as nib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from motor_bids_app.explanation.dynamics import Dynamics
from motor_bids_app.explanation.states import (
    DECIDING,
    LEAST_PARTICIPATION,
    States,
    choose_number,
)
from motor_bids_app.reports.canvas import INK, new_chart, styled
from motor_bids_app.reports.experiment.charts import chart_figure, colour
from motor_bids_app.reports.experiment.content import Block
from motor_bids_app.reports.experiment.state_tables import (
    cluster_table,
    dynamics_table,
    search_table,
)
from motor_bids_app.reports.figures import Row, draw_rows
from motor_bids_app.reports.pages import Figure

_HIGHEST = 99.0  # percentile of sizes at the ends of the colours
_NO_CLUSTER = (
    "Classes differ in no cluster of 50 voxels in any state compared, even at the uncorrected "
    "threshold of the paper."
)
Classes = NDArray[np.bool_] | None


def states_section(
    states: States,
    dynamics: Dynamics,
    centres: Sequence[nib.Nifti1Image],
    template: nib.Nifti1Image,
    poor: Classes,
    clusters: pd.DataFrame,
    notes: Sequence[str],
    n_permutations: int,
    decides: str = "silhouette",
) -> Block:
    """Draw and describe states.

    Parameters
    ----------
    centres : sequence of Nifti1Image
        Median map of each state, on the grid of `template`.
    poor : bool array, shape (n_people,), or None
        Who has a poor outcome, where there are classes.
    clusters : DataFrame
        See `explanation.clusters.cluster_table`, with a column state.
    notes : sequence of str
        What could not be compared, and why.
    n_permutations, decides : int, str
        Of people; what decided on the number of states.
    """
    tables = [search_table(states.search)]
    if poor is not None:
        tables += [dynamics_table(dynamics, poor), cluster_table(clusters, n_permutations)]
    return Block(
        place="states",
        sentences=(
            *_sentences(states, len(dynamics.occupancy), decides),
            *notes,
            *(() if len(clusters) or poor is None else (_NO_CLUSTER,)),
        ),
        figures=(
            _centres(states, centres, template),
            search_chart(states.search),
            dynamics_chart(dynamics, poor),
            transitions_chart(dynamics, poor),
        ),
        tables=tuple(tables),
    )


def _sentences(states: States, n_people: int, decides: str) -> tuple[str, ...]:
    k, shared = len(states.centres), np.flatnonzero(states.shared) + 1
    named = ", ".join(map(str, shared)) or "none"
    words = {"participation": "mean participation", "silhouette": "silhouette"}
    others = {words[name]: choose_number(states.search, name) for name in DECIDING}
    told = [f"{number} by the {name}" for name, number in others.items() if name != words[decides]]
    return (
        f"The maps of all windows of {n_people} people fall into {k} states (k-medians; first on "
        "the windows whose maps vary most, then on all). States were found without using the "
        "outcome, and no model uses them.",
        f"States that {100 * LEAST_PARTICIPATION:.0f} % of the people visit, and which are "
        f"therefore compared between classes: {named}. Of the numbers tried, those in which most "
        "people share two states (if there is none: as many as any) were admitted, and the "
        f"highest {words[decides]} decided among them (it would be {', '.join(told)}).",
        f"{100 * states.moved:.1f} % of the windows changed state when all voxels were used "
        "instead of the sample of the search.",
    )


def _centres(
    states: States, centres: Sequence[nib.Nifti1Image], template: nib.Nifti1Image
) -> Figure:
    sizes = np.abs(np.stack([np.asarray(image.dataobj) for image in centres]))
    limit = float(np.percentile(sizes[sizes > 0], _HIGHEST)) if sizes.any() else 1.0
    shares = np.bincount(states.labels, minlength=len(centres)) / len(states.labels)
    rows = [
        Row(
            image=template,
            label=f"State {number}: {100 * share:.0f} % of windows",
            signed=image,
            signed_limit=limit,
            unit="",
            limits=(0, 1.6),
        )
        for number, (image, share) in enumerate(zip(centres, shares, strict=True), start=1)
    ]
    return Figure(
        name="states-centres",
        title="States of connectivity",
        caption="Each row is the median map of one state. Red: positive correlation with M1 on "
        "the side of the lesion (the left, where lesions were mirrored); blue: negative "
        f"correlation. All rows share one scale, Fisher z from {-limit:.2g} to {limit:.2g}. "
        "Slices run from the bottom to the top of the brain, left at the left.",
        alt=f"Median connectivity of {len(centres)} states over axial slices of the template.",
        data=draw_rows(rows, around=template),
        media_type="image/png",
    )


@styled
def search_chart(search: pd.DataFrame) -> Figure:
    """Draw participation, silhouette and cost against the number of states."""
    canvas, panels = new_chart(7.6, 2.8, panels=3)
    chosen = int(search.loc[search["chosen"], "k"].iloc[0])
    shown = (
        ("mean_participation", "People who visit a state, mean share"),
        ("silhouette", "Silhouette"),
        ("cost", "Distance to own state"),
    )
    for axes, (column, label) in zip(panels, shown, strict=True):
        axes.axvline(chosen, color=INK["muted"], linewidth=0.8, linestyle=(0, (4, 4)))
        axes.plot(search["k"], search[column], color=colour(0), marker="o", markersize=4)
        axes.set(xlabel="Number of states", title=label)
        axes.title.set_fontsize(8.5)
        axes.set_xticks(search["k"])
    panels[0].plot(
        search["k"], search["lowest_participation"], color=colour(1), marker="s", markersize=4
    )
    return chart_figure(
        canvas,
        "states-search",
        "Number of states chosen",
        "Left: share of people who visit a state, mean over states (blue circles) and in the "
        "least visited one (orange squares). Middle: silhouette, how much nearer windows are to "
        "their own state than to the next; higher is better. Right: unexplained distance; look "
        "for an elbow. Dashed: the number chosen.",
        f"Participation, silhouette and cost for {len(search)} numbers of states; chosen {chosen}",
    )


@styled
def dynamics_chart(dynamics: Dynamics, poor: Classes) -> Figure:
    """Draw occupancy and dwell time of each person in each state, by class."""
    canvas, panels = new_chart(7.6, 3.0, panels=2)
    for axes, values, label in (
        (panels[0], dynamics.occupancy, "Share of time in the state"),
        (panels[1], dynamics.dwell_seconds, "Mean dwell time (s)"),
    ):
        _strips(axes, values, poor)
        axes.set(xlabel="State", ylabel=label)
    handles, labels = panels[0].get_legend_handles_labels()
    if poor is not None:
        canvas.legend(handles, labels, loc="outside lower center", ncols=2)
    return chart_figure(
        canvas,
        "states-dynamics",
        "Time in each state",
        "Each mark is a person, each bar the mean of a class. A dwell time of 0 s means that the "
        "person never visits the state.",
        f"Occupancy and dwell time of {len(dynamics.occupancy)} people in "
        f"{dynamics.occupancy.shape[1]} states",
    )


def _strips(axes: Axes, values: NDArray[np.float64], poor: Classes) -> None:
    everyone = {"": np.ones(len(values), dtype=bool)}
    groups = everyone if poor is None else {"good": ~poor, "poor": poor}
    for number, (name, members) in enumerate(groups.items()):
        offset = 0.2 * (2 * number - len(groups) + 1)
        jitter = np.linspace(-0.1, 0.1, max(int(members.sum()), 1))
        for state, own in enumerate(values[members].T):
            axes.plot(
                state + 1 + offset + jitter[: len(own)],
                own,
                linestyle="",
                marker="os"[number],
                markersize=3,
                color=colour(number),
                alpha=0.7,
                label=name if state == 0 else None,
            )
            if len(own):
                axes.plot(
                    state + 1 + offset + np.array([-0.14, 0.14]),
                    [own.mean()] * 2,
                    color=colour(number),
                    linewidth=2,
                )
    axes.set_xticks(range(1, values.shape[1] + 1))
    axes.set_ylim(bottom=0)


@styled
def transitions_chart(dynamics: Dynamics, poor: Classes) -> Figure:
    """Draw how often one state is followed by another, mean over people, by class."""
    groups = {"everyone": np.ones(len(dynamics.occupancy), dtype=bool)}
    if poor is not None:
        groups = {"good": ~poor, "poor": poor}
    canvas, panels = new_chart(7.2, 3.2, panels=len(groups))
    shares = _shares(dynamics.transitions)
    k = shares.shape[1]
    for axes, (name, members) in zip(panels, groups.items(), strict=True):
        left = shares[members]
        counts = np.isfinite(left).sum(axis=0)
        mean = np.nan_to_num(left).sum(axis=0) / np.maximum(counts, 1)
        axes.imshow(mean, vmin=0, vmax=1, cmap="Blues")
        for row in range(k):
            for column in range(k):
                value = mean[row, column]
                text = f"{value:.2f}" if counts[row, column] else "none"
                axes.text(
                    column,
                    row,
                    text,
                    ha="center",
                    va="center",
                    fontsize=8.5,
                    color="white" if value > 0.6 else INK["ink"],
                )
        axes.set(title=name, xlabel="Next window", ylabel="Window")
        axes.set_xticks(range(k), [str(number + 1) for number in range(k)])
        axes.set_yticks(range(k), [str(number + 1) for number in range(k)])
    return chart_figure(
        canvas,
        "states-transitions",
        "Transitions between states",
        "Share of windows in the row's state that are followed by a window in the column's state, "
        "averaged over the people who visit the row's state. The diagonal is high because "
        "consecutive windows share most of their volumes; none: nobody in the class visits the "
        "state.",
        "Probability of moving between states: " + ", ".join(groups),
    )


def _shares(transitions: NDArray[np.intp]) -> NDArray[np.float64]:
    """Share of each next state, (n_people, k, k); NaN in rows of states never left or visited."""
    total = transitions.sum(axis=2, keepdims=True)
    return np.where(total > 0, transitions / np.maximum(total, 1), np.nan)
