"""The people of an experiment before anything is read: of their images, only that there are some.

Where the participant level has not run, the people are assumed: see `ASSUMED`.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import numpy as np
import pandas as pd

from motor_bids_app.bids.derived import MAP_NAMES
from motor_bids_app.bids.listing import participants_in
from motor_bids_app.bids.tables.scores import SCORES
from motor_bids_app.errors import UsageError
from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.features.connectivity import kept_windows, sliding_windows
from motor_bids_app.features.instances import Instances
from motor_bids_app.features.recordings import SIGNALS, RecordedWindows
from motor_bids_app.features.samples import Samples
from motor_bids_app.features.series import WINDOWS, SeriesWindows
from motor_bids_app.features.slices import SLICES, VolumeSlices
from motor_bids_app.features.volumes import VolumeStore
from motor_bids_app.levels.cohort.bold_slices import RESOLUTION
from motor_bids_app.levels.cohort.cohort import Cohort, build_cohort
from motor_bids_app.levels.cohort.maps import MapLibrary, brain_grid, experiment_mask, map_library
from motor_bids_app.levels.cohort.outcome import choose_outcome
from motor_bids_app.levels.cohort.participants import Participants, gather_participants
from motor_bids_app.levels.cohort.scanner import with_scanners
from motor_bids_app.levels.cohort.targets import label
from motor_bids_app.models.catalog import needs
from motor_bids_app.settings import Settings
from motor_bids_app.spaces.grids import standard_grid

ASSUMED, LEAST = 100, 10  # people, of a dataset with fewer than the least of an experiment
VOLUMES, WINDOW = 230, 22  # of the bold: 209 windows
N_SLICES, N_SIGNALS, N_CHANNELS, SECONDS = 40, 60, 36, 2.0
_COLUMNS = ["participant_id", "session_id", "reason"]


class UnreadMaps(MapLibrary):
    """Maps that are known to be there, and are 0 wherever one looks; they take no memory."""

    def store(
        self,
        maps: tuple[str, ...],
        resolution: int,
        mirror_to: str = "none",  # noqa: ARG002 - as of the library that reads
        rows: Iterable[int] = (),  # noqa: ARG002
    ) -> VolumeStore:
        """Return a store of the shape that it would have."""
        store = _nothing(len(self.scans), maps, resolution)
        for row, scan in enumerate(self.scans):
            store.present[row] = [name in scan.maps for name in maps]
        return store


def _nothing(n_scans: int, maps: tuple[str, ...], resolution: int) -> VolumeStore:
    grid = brain_grid(resolution)
    shape = (n_scans, len(maps), *grid.shape)
    return VolumeStore.empty(n_scans, maps, grid, np.broadcast_to(np.float16(0), shape))


@contextmanager
def foreseen_people(settings: Settings) -> Iterator[tuple[str, "Foreseen"]]:
    """Give what is said of the people, and where cohorts come from."""
    if not settings.derivatives and not participants_in(settings.output_dir):
        found = len(participants_in(settings.bids_dir))
        count, which = found, "those of the dataset"
        if found < LEAST:
            count, which = ASSUMED, f"the dataset has {found}, too few for an experiment"
        yield (
            f"There are no derivatives to count people from. Assumed: {count} patients ({which}), "
            "half of them poor, one scan each with all that the experiment reads: "
            f"{VOLUMES - WINDOW + 1} windows of bold, {N_SLICES} slices, {N_SIGNALS} windows of "
            f"{N_CHANNELS} channels of EEG and EMG.",
            Foreseen(count, None),
        )
        return
    people = with_scanners(gather_participants(settings), settings.bids_dir)
    with map_library(people.scans, people.table, settings.work_dir) as library:
        unread = UnreadMaps(people.scans, people.table, library.folder)
        n = people.table["participant_id"].nunique()
        yield (
            f"Counted from derivatives: {n} people, {len(people.scans)} scans.",
            Foreseen(n, (people, unread)),
        )


class Foreseen:
    """Cohorts of experiments, without images.

    Parameters
    ----------
    n_people : int
    known : (Participants, MapLibrary) or None
        The people with derivatives; None where they are assumed.
    """

    def __init__(self, n_people: int, known: tuple[Participants, MapLibrary] | None) -> None:
        self.n_people = n_people
        self.known = known

    def cohort(self, experiment: Experiment) -> Cohort:
        """Return the people of an experiment; errors as of `build_cohort`."""
        if self.known is not None:
            people, library = self.known
            return build_cohort(people, experiment, library)
        return assumed_cohort(experiment, self.n_people)


def assumed_cohort(experiment: Experiment, n_people: int) -> Cohort:
    """People who have all that the networks of an experiment read, one scan each."""
    target, inputs = experiment.target, experiment.inputs
    name = "fma_ue" if target.score == "auto" else target.score
    if name not in SCORES or experiment.inputs.columns:
        raise UsageError(
            f"{name} or [inputs] columns are of your own tables, and there are no derivatives yet: "
            "the cost can be estimated once the participant level has run."
        )
    score = SCORES[name]
    table = pd.DataFrame({"participant_id": [f"sub-{k + 1:04d}" for k in range(n_people)]})
    spread = np.linspace(score.minimum, score.maximum, n_people)
    people = Participants(
        scans=(),
        table=table.assign(session_id=None, group="patient", age=60.0, sex=0.0, **{name: spread}),
        scores={name: score},
        excluded=pd.DataFrame(columns=_COLUMNS),
    )
    people.table["time_since_stroke"] = 1.0
    outcome = choose_outcome(people, target)
    if outcome.cutoff is not None:  # half of them poor, wherever the threshold is
        values = np.where(np.arange(n_people) % 2, score.minimum, score.maximum)
        people.table[name] = values
    labels = label(people, outcome, target.controls)
    maps = MAP_NAMES if inputs.maps == "auto" else tuple(inputs.maps)
    return Cohort(
        samples=Samples(
            people.table,
            _nothing(n_people, maps, inputs.resolution).volumes(),
            _assumed_instances(experiment, n_people),
        ),
        labels=labels,
        outcome=outcome,
        controls=pd.Series(False, index=labels.truth.index),
        mask=experiment_mask(inputs.mask, brain_grid(inputs.resolution)),
        digests={},
        excluded=labels.excluded,
        notes=(),
    )


def _assumed_instances(experiment: Experiment, n: int) -> dict[str, Instances]:
    """Windows and slices that the models of an experiment read, the same of everyone."""
    random, inputs = np.random.default_rng(0), experiment.inputs
    kinds = {kind for name in experiment.models for kind in needs(name).instances}
    found: dict[str, Instances] = {}
    if WINDOWS in kinds:
        grid, nobody = brain_grid(inputs.resolution), np.zeros(VOLUMES, dtype=bool)
        inside = experiment_mask("brain", grid)
        signals = random.standard_normal((VOLUMES, int(inside.sum())), dtype=np.float32)
        weights = sliding_windows(VOLUMES, WINDOW, left_out=nobody)
        found[WINDOWS] = Instances.of(
            SeriesWindows(
                [signals.astype(np.float16)] * n, [signals[:, 0].astype(float)] * n, [weights] * n,
                [2.0] * n, inside, grid, [kept_windows(VOLUMES, WINDOW, nobody)] * n,
            )
        )  # fmt: skip
    if SLICES in kinds:
        grid = standard_grid(RESOLUTION)
        one = random.random((N_SLICES, *grid.shape[:2]), dtype=np.float32).astype(np.float16)
        found[SLICES] = Instances.of(VolumeSlices([one] * n, [np.arange(N_SLICES)] * n, grid))
    if SIGNALS in kinds:
        shape = (N_SIGNALS, N_CHANNELS, round(SECONDS * inputs.signal_rate))
        one = random.standard_normal(shape, dtype=np.float32).astype(np.float16)
        names = tuple(f"eeg E{k}" for k in range(N_CHANNELS))
        found[SIGNALS] = Instances.of(RecordedWindows([one] * n, names, inputs.signal_rate))
    return found
