"""What was said on the command line, as settings."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from motor_bids_app.cli import values as cli_values
from motor_bids_app.cli.bold import bold_settings
from motor_bids_app.cli.options import build_parser
from motor_bids_app.cli.physiology import physiology_settings
from motor_bids_app.cli.values import Parser
from motor_bids_app.errors import UnknownLevelError, UsageError
from motor_bids_app.settings import (
    IGNORED,
    LEVELS,
    MODALITIES,
    STOPPING,
    ProcessingSettings,
    Resources,
    Selection,
    SelfTest,
    Settings,
)

_LEVELS = {  # of options that not all levels use
    "experiment": ("group",),
    "qc_file": ("group", "validate"),
    "allow": ("group", "predict", "validate"),
    "init_from": ("group",),
    "weights": ("group",),
    "tractogram": ("participant",),
    "model": ("predict", "validate"),
    "predictors": ("predict", "validate"),
    "outside": ("predict", "validate"),
}


def parse_settings(argv: Sequence[str] | None = None) -> Settings | SelfTest:
    """Turn command line words into settings of the first level, which name those that follow it.

    Raises
    ------
    UsageError
        An option, a value or a configuration file cannot be understood.
    UnknownLevelError
        The analysis level is none of ours.
    InputMissingError
        A file that holds options does not exist.
    """
    words = [_with_dashes(word) for word in (sys.argv[1:] if argv is None else argv)]
    if words and words[0].startswith("--selftest"):
        return _parse_selftest(words)
    parser = build_parser()
    given = vars(parser.parse_args(words))
    levels = tuple(dict.fromkeys(given["level"]))
    for level in levels:
        _check_level(level)
    _check_options(given, levels)
    if "config_file" in given:
        given = _with_configuration(given, parser)
    _check_models(given, levels)
    _check_shares(given, levels)
    _check_cleaning(given)
    first, *later = (_settings(given | {"level": level}) for level in levels)
    return replace(first, followed_by=tuple(replace(one, clean_work_dir=False) for one in later))


def _check_level(level: str) -> None:
    if level not in LEVELS:
        near = get_close_matches(level, LEVELS, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise UnknownLevelError(
            f"{level!r} is no analysis level. Use one of {', '.join(LEVELS)}.{hint}"
        )


def _with_configuration(given: dict[str, Any], parser: Parser) -> dict[str, Any]:
    """Add options of the configuration file; the command line wins."""
    required = [str(given["bids_dir"]), str(given["output_dir"]), *given["level"]]
    options = [name for action in parser._actions for name in action.option_strings]
    words = cli_values.config_words(given["config_file"], options, parser.elsewhere)
    configured = vars(parser.parse_args([*required, *words]))
    for one, other in (("nprocs", "nthreads"), ("verbose", "quiet"), ("seed_mni", "seed_mask")):
        for name, rival in ((one, other), (other, one)):
            if name in given:
                configured.pop(rival, None)
    remarks = (*configured.get("remarks", ()), *given.get("remarks", ()))
    return configured | given | {"remarks": remarks}


def _check_options(given: dict[str, Any], levels: Sequence[str]) -> None:
    """Refuse options of other levels; a configuration file may serve all of them."""
    for name, users in _LEVELS.items():
        if name in given and not {*users} & {*levels}:
            level = " or ".join([", ".join(users[:-1]), users[-1]]).removeprefix(" or ")
            option = "--" + name.replace("_", "-")
            raise UsageError(
                f"{option} is for the {level} level, and would do nothing at the "
                f"{' and '.join(levels)} level: leave it out, or run {level}."
            )
    audited = [name for name in given.get("allow", ()) if name in STOPPING]
    if audited and "group" not in levels:
        raise UsageError(
            f"--allow {audited[0]} is a finding of the audit, which is made at the group level: "
            "leave it out."
        )


def _check_shares(given: dict[str, Any], levels: Sequence[str]) -> None:
    """Refuse shares where there is nothing to share, or no place where they meet."""
    shared = given.get("shard", (1, 1)) != (1, 1)
    for level in levels:
        if shared and level in ("predict", "validate"):
            raise UsageError(
                f"--shard is for the participant and group levels: {level} writes one table of "
                "everyone, which parts would take from each other. Run it once, after all shards."
            )
    if shared and len(levels) > 1:
        raise UsageError(
            f"--shard is for one level at a time: {levels[1]} would begin before the other shards "
            f"of {levels[0]} are done."
        )
    if "group" not in levels or "work_dir" in given:
        return
    if shared:
        raise UsageError(
            "--shard at the group level leaves trainings in the work folder, for the run that puts "
            "them together: give all of them the same --work-dir."
        )
    if given.get("engine", "local") != "local":
        raise UsageError(
            "--engine at the group level needs a work folder that all machines share under one "
            "name: give it with --work-dir."
        )


def _check_cleaning(given: dict[str, Any]) -> None:
    """Refuse to clean no folder, and one that other runs are filling."""
    if "clean_workdir" not in given:
        return
    if "work_dir" not in given:
        raise UsageError("--clean-workdir needs --work-dir DIR, the folder to clean.")
    if given.get("shard", (1, 1)) != (1, 1):
        raise UsageError(
            "--clean-workdir with --shard would delete the trainings of the other shards: clean "
            "the work folder before they start."
        )


def _check_models(given: dict[str, Any], levels: Sequence[str]) -> None:
    """Refuse levels that apply models without one, and predictions of several at once."""
    models = given.get("model", [])
    for level in levels:
        if level in ("predict", "validate") and not models:
            raise UsageError(f"The {level} level needs --model DIR, a folder that group made.")
    if "predict" in levels and len(models) > 1:
        raise UsageError(
            f"The predict level applies one model, and --model names {len(models)}: run it once "
            "for each. The validate level compares several."
        )


def _with_dashes(word: str) -> str:
    """'--participant_label=a_b' -> '--participant-label=a_b'."""
    name, equals, value = word.partition("=")
    return name.replace("_", "-") + equals + value if word.startswith("--") else word


def _parse_selftest(words: Sequence[str]) -> SelfTest:
    parser = Parser(prog="motor_bids_app --selftest", allow_abbrev=False, add_help=False)
    parser.add_argument("--selftest", nargs="?", type=Path)
    return SelfTest(folder=parser.parse_args(words).selftest)


def _settings(given: dict[str, Any]) -> Settings:
    """Settings from the options that were given, and defaults for the others."""
    n_cpus = cli_values.available_cpus()
    omp_nthreads = given.get("omp_nthreads", min(2, given.get("nthreads", n_cpus)))
    flags = (
        "skip_bids_validation",
        "stop_on_first_crash",
        "overwrite",
        "dry_run",
        "reports_only",
        "boilerplate_only",
        "explain_columns",
    )
    return Settings(
        bids_dir=given["bids_dir"].absolute(),
        output_dir=given["output_dir"].absolute(),
        level=given["level"],
        work_dir=given.get("work_dir"),
        derivatives={name: path.absolute() for name, path in given.get("derivatives", [])},
        selection=_selection(given),
        processing=_processing(given, omp_nthreads),
        resources=_resources(given, n_cpus, omp_nthreads),
        experiments=tuple(given.get("experiment", ("baselines",))),
        scores_map=given.get("scores_map"),
        qc_file=given.get("qc_file"),
        predictors=given.get("predictors"),
        allow=tuple(given.get("allow", ())),
        models=tuple(given.get("model", ())),
        init_from=given.get("init_from"),
        weights=given.get("weights"),
        outside=given.get("outside", "widen"),
        key_file=given["anonymise_labels"].absolute() if "anonymise_labels" in given else None,
        clean_work_dir=given.get("clean_workdir", False),
        verbosity=-1 if given.get("quiet") else given.get("verbose", 0),
        remarks=tuple(dict.fromkeys(given.get("remarks", ()))),
        **{flag: given.get(flag, False) for flag in flags},
    )


def _selection(given: dict[str, Any]) -> Selection:
    return Selection(
        participants=cli_values.labels(given.get("participant_label", ()), "sub-"),
        excluded=cli_values.labels(given.get("exclude_participant_label", ()), "sub-"),
        sessions=cli_values.labels(given.get("session_label", ()), "ses-"),
        tasks=cli_values.labels(given.get("task_label", ()), "task-"),
        modalities=tuple(given.get("modalities", MODALITIES)),
        shard=given.get("shard", (1, 1)),
        ignored=tuple(
            what for what in IGNORED if what in given.get("ignore", ()) and what != "sdc"
        ),
        bids_filter=cli_values.bids_filter(given.get("bids_filter_file")),
    )


def _processing(given: dict[str, Any], omp_nthreads: int) -> ProcessingSettings:
    uncorrected = "sdc" in given.get("ignore", ())
    if uncorrected and given.get("susceptibility", "off") != "off":
        raise UsageError(
            f"--ignore sdc and --susceptibility {given['susceptibility']} contradict each other: "
            "leave one of them out."
        )
    return ProcessingSettings(
        sloppy=given.get("sloppy", False),
        random_seed=given.get("random_seed", 0),
        susceptibility="off" if uncorrected else given.get("susceptibility", "auto"),
        correct_gradients=given.get("correct_gradients", False),
        gibbs=given.get("gibbs", False),
        trust_orientation=tuple(given.get("trust_orientation", ())),
        bold=bold_settings(given),
        physiology=physiology_settings(given),
        tractogram=given["tractogram"].absolute() if "tractogram" in given else None,
        omp_nthreads=omp_nthreads,
    )


def _resources(given: dict[str, Any], n_cpus: int, omp_nthreads: int) -> Resources:
    memory = given.get("mem_gb", cli_values.available_memory())
    n_threads = given.get("nthreads", n_cpus)
    return Resources(
        n_procs=given.get("nprocs", cli_values.default_processes(n_threads, omp_nthreads, memory)),
        mem_gb=given.get("mem_gb"),
        engine=given.get("engine", "local"),
        device=given.get("device", "auto"),
    )
