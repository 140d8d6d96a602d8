"""Networks that begin with the weights of a bundle."""

import json

import pytest

from motor_bids_app.errors import DataError, IncompatibleModelError, InputMissingError, UsageError
from motor_bids_app.levels.group import level as group
from motor_bids_app.settings import Selection

NETWORK = """
base = "karakis2023"
name = "NAME"
[inputs]
maps = MAPS
resolution = 4
[model]
rungs = ["prevalence"]
widths = [2, 2, 2, 4]
n_residuals = 0
hidden = 4
[training]
epochs = 1
trainings = 1
[validation]
scheme = "repeated_kfold"
folds = 2
repeats = 1
permutations = 0
[comparisons]
layers = []
[explanation]
people_per_test = 1
[as_published]
protocols = []
"""
# Patients are sub-01 (fine) to sub-20 (poor) in order, controls sub-21 to sub-26.
ONE_HALF = tuple(f"{k:02d}" for k in range(1, 27, 2))
OTHER_HALF = tuple(f"{k:02d}" for k in range(2, 27, 2))


def run(cohort, folder, people, name, maps='["fa", "gm"]', **settings):
    path = folder / f"{name}.toml"
    path.write_text(NETWORK.replace("NAME", name).replace("MAPS", maps))
    chosen = Selection(participants=people)
    group.run(cohort.settings("group", experiments=(str(path),), selection=chosen, **settings))
    return cohort.output / "experiments" / name / "model"


@pytest.fixture(scope="module")
def first(fake_cohort, tmp_path_factory):
    """Bundle trained on one half of the people, on GM alone."""
    folder = tmp_path_factory.mktemp("transfer")
    return run(fake_cohort, folder, ONE_HALF, "first", '["gm"]')


@pytest.mark.slow
def test_a_bundle_of_other_people_is_begun_with_and_named(fake_cohort, tmp_path, first):
    model = run(fake_cohort, tmp_path, OTHER_HALF, "second", init_from=first)
    metadata = json.loads((model / "model.json").read_text())["metadata"]
    assert [one["maps"] for one in metadata["began_with"]] == [["gm"]]
    page = (model.parent / "report.html").read_text()
    assert "Networks started from the weights of another model (first" in page


@pytest.mark.slow
def test_a_bundle_that_knows_people_of_the_cohort_is_refused(fake_cohort, tmp_path, first):
    """Also where the experiment reads other maps than the bundle did."""
    with pytest.raises(DataError, match=r"trained on 1 people of this cohort \(such as sub-03\)"):
        run(fake_cohort, tmp_path, (*OTHER_HALF, "03"), "leak", '["fa"]', init_from=first)


@pytest.mark.slow
def test_people_behind_the_bundle_that_a_bundle_began_with_count_too(fake_cohort, tmp_path, first):
    second = run(fake_cohort, tmp_path, OTHER_HALF, "chained", init_from=first)
    with pytest.raises(DataError, match="trained on 13 people of this cohort"):
        run(fake_cohort, tmp_path, ONE_HALF, "leak", init_from=second)


@pytest.mark.slow
def test_a_bundle_of_which_nothing_fits_is_refused(fake_cohort, tmp_path, first):
    with pytest.raises(IncompatibleModelError, match="Give both experiments the same"):
        run(fake_cohort, tmp_path, OTHER_HALF, "misfit", '["fa"]', init_from=first)


def test_what_is_no_bundle_or_has_no_network_is_explained(fake_cohort, tmp_path):
    with pytest.raises(InputMissingError, match="is not a model"):
        run(fake_cohort, tmp_path, OTHER_HALF, "nothing", init_from=tmp_path)
    settings = fake_cohort.settings("group", experiments=("baselines",), init_from=tmp_path)
    with pytest.raises(UsageError, match="baselines has none"):
        group.run(settings)
