"""Whether sites can be told from features, before and after they were made alike."""

import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.experiments.sections import Inputs
from motor_bids_app.features.samples import Samples
from motor_bids_app.features.volumes import VolumeStore
from motor_bids_app.levels.group.harmonisation import check_harmonisation
from motor_bids_app.spaces.grids import Grid

N = 60
COLUMNS = [f"fa_{region}_{side}" for region in ("precentral", "thalamus", "caudate", "putamen")
           for side in ("left", "right")]  # fmt: skip
COMBAT = Experiment(name="one", inputs=Inputs(harmonise="combat"))


def cohort(shift, sites=("a", "b", "c")):
    """Regions that one site moves by `shift`."""
    rng = np.random.default_rng(0)
    site = np.array(sites)[np.arange(N) % len(sites)]
    values = rng.normal(size=(N, len(COLUMNS))) + shift * (site == "a")[:, None]
    people = [f"sub-{k:02d}" for k in range(N)]
    table = pd.DataFrame(values, columns=COLUMNS).assign(
        participant_id=people, site=site, age=rng.normal(60, 10, N), sex="F", group="patient"
    )
    return SimpleNamespace(
        samples=Samples(table),
        labels=SimpleNamespace(truth=pd.Series(np.arange(N) % 2, index=people)),
        sites=pd.Series(site, index=people),
        maps=(),
        mask=None,
    )


def test_sites_that_combat_made_alike_cannot_be_told_any_more():
    _, _, state, finding, _ = check_harmonisation(cohort(shift=1.5), COMBAT, ["regional"], 0)

    before, after = (float(text) for text in re.findall(r"\d\.\d\d", finding)[:2])
    assert state == "passed"
    assert before > 0.65 > after


def with_maps(one):
    """The cohort with a small FA map, which site a moves by the same."""
    grid = Grid((4, 4, 4), np.diag([4.0, 4, 4, 1]))
    store = VolumeStore.empty(N, ("fa",), grid)
    shift = 1.5 * (one.samples.table["site"] == "a").to_numpy()
    random = np.random.default_rng(1).normal(size=store.data.shape)
    store.data[:] = random + shift[:, None, None, None, None]
    store.present[:] = True
    one.samples, one.maps = Samples(one.samples.table, store.volumes()), ("fa",)
    return one


def test_sites_cannot_be_told_from_harmonised_maps():
    one = with_maps(cohort(shift=1.5))
    _, _, state, finding, _ = check_harmonisation(one, COMBAT, ["kernel"], 0)

    before, after = (float(text) for text in re.findall(r"\d\.\d\d", finding)[:2])
    assert state == "passed"
    assert "from maps" in finding
    assert before > 0.65 > after


@pytest.mark.parametrize(
    ("experiment", "models"),
    [(Experiment(name="one"), ["regional"]), (COMBAT, ["demographics"])],
    ids=["not asked for", "nothing harmonised"],
)
def test_without_harmonised_models_there_is_nothing_to_tell(experiment, models):
    found = check_harmonisation(cohort(shift=1.5), experiment, models, 0)

    assert found is None or found[2] == "not checked"


def test_sites_of_too_few_people_are_not_told():
    one = cohort(1.5, sites=("a", "b"))
    one.sites[:] = ["a"] * 57 + ["b"] * 3
    _, _, state, _, _ = check_harmonisation(one, COMBAT, ["regional"], 0)

    assert state == "not checked"
