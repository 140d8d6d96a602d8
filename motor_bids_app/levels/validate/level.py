"""The validate level: judge model bundles on people whose scores are known."""

import logging
from pathlib import Path

from motor_bids_app.errors import IncompleteRunError, MotorBidsAppError, UsageError
from motor_bids_app.levels.bundles import SavedModel, load_model
from motor_bids_app.levels.cohort.own import check_table_is_read
from motor_bids_app.levels.cohort.participants import Participants, gather_participants
from motor_bids_app.levels.failures import failure_of
from motor_bids_app.levels.hardware import choose_device, set_up_process
from motor_bids_app.levels.predict.level import check_sources
from motor_bids_app.levels.validate.external import External, judge
from motor_bids_app.levels.validate.report import verdict
from motor_bids_app.levels.validate.results import write_side_by_side, write_validation
from motor_bids_app.levels.validate.scored import score_people
from motor_bids_app.settings import Settings

log = logging.getLogger(__name__)
_TWICE = "--model names the same model twice: name each once."


def run(settings: Settings) -> list[External]:
    """Judge every model that is named; one that fails does not stop the others.

    Raises
    ------
    UsageError
        No model was named.
    InputMissingError, IncompatibleModelError
        A model cannot be read, or was trained on differently processed derivatives.
    DataError
        A single model could not be judged, or there is a table of predictors for none.
    IncompleteRunError
        Some models, or some people, could not be judged; what could be is written.
    """
    if not settings.models:
        raise UsageError("The validate level needs --model: the folder 'model' of an experiment.")
    if len({folder.resolve() for folder in settings.models}) < len(settings.models):
        raise UsageError(_TWICE)
    set_up_process(settings.processing.omp_nthreads)
    device = choose_device(settings.resources.device)
    models = {folder: load_model(folder, device) for folder in settings.models}
    names = _names(models)
    check_table_is_read(
        settings.predictors, [model.metadata["inputs"] for model in models.values()]
    )
    people = gather_participants(settings)
    for note in people.notes:
        log.warning("%s", note)
    found: list[External] = []
    failed: dict[str, MotorBidsAppError] = {}
    for folder, model in models.items():
        name = names[folder]
        try:
            found.append(_judge(settings, model, name, people))
        except Exception as error:  # a bug in one must not take the others down
            failed[name] = failure_of(error, settings.output_dir, f"validate-{name}")
            log.error("%s: %s", name, failed[name])
    if len(models) == 1 and failed:
        raise next(iter(failed.values()))
    if len(models) > 1:
        reasons = {name: str(error) for name, error in failed.items()}
        write_side_by_side(settings, found, reasons)
    _check_complete(found, failed)
    return found


def _judge(settings: Settings, model: SavedModel, name: str, people: Participants) -> External:
    """Judge one model, and write what was found."""
    for warning in check_sources(settings, model, people):
        log.warning("%s: %s", name, warning)
    scored = score_people(settings, model, people)
    found = judge(model, name, scored, settings.processing.random_seed)
    write_validation(settings, found)
    log.info("%s: %s", name, verdict(found).words)
    return found


def _names(models: dict[Path, SavedModel]) -> dict[Path, str]:
    """Name of each model's folder: that of its experiment, with its hash where two have the same.

    Raises
    ------
    UsageError
        The same model is named twice.
    """
    plain = {folder: str(model.metadata["experiment"]) for folder, model in models.items()}
    names = {
        folder: name
        if list(plain.values()).count(name) == 1
        else f"{name}-{models[folder].digest[:8]}"
        for folder, name in plain.items()
    }
    if len(set(names.values())) < len(names):
        raise UsageError(_TWICE)
    return names


def _check_complete(found: list[External], failed: dict[str, MotorBidsAppError]) -> None:
    """Raise IncompleteRunError where models or people could not be judged."""
    said = [f"{name}: {error}" for name, error in failed.items()]
    for one in found:
        if one.scored.failed:
            reasons = one.scored.left_out["reason"].tail(one.scored.failed)
            said.append(
                f"{one.name}: {one.scored.failed} scans have no prediction, see left_out.tsv "
                f"({reasons.iloc[0]})"
            )
    if said:
        raise IncompleteRunError("; ".join(said))
