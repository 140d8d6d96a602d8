"""What a run knows about itself, in plain values, for checklists."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """Values of one experiment; texts are as in its report, and name no participant.

    Parameters
    ----------
    dataset, experiment, description, question, reference : str
        Names, and what is asked; `reference` is the paper that a preset follows, or empty.
    task : str
        "classification" or "regression".
    target, score, cutoff_source, controls : str
        'FMA-UE < 27'; the score with its unit; where the cut-off is from (empty for a
        regression); "good" or "exclude".
    n_scans, n_people, n_patients, n_controls, n_poor : int
        In the analysis; `n_poor` is None for a regression.
    excluded : mapping of str to int
        Scans left out, by reason.
    sites : tuple of str
        Empty if unknown.
    characteristics : mapping of str to str
        "age (years)" -> "mean 61.2, SD 10.4, n = 26".
    missing : mapping of str to int
        People without a value, by predictor; only predictors that somebody lacks.
    maps, mask, resolution, mirror, space : tuple of str, str, int, str, str
        Images that models see.
    processing : mapping
        Settings that made the derivatives; empty if not recorded.
    models, left_out : mapping of str to str
        Labels of the models compared, simplest first; reasons of those left out.
    final, estimator : str
        Label and class of the final model.
    predictors : tuple of str
        Columns that the final model reads beside maps.
    parameters : mapping of str to str
        Settings of the final model.
    network : mapping of str to str
        How it was trained; empty unless it is a network.
    n_members : int
        Trained models whose predictions are averaged.
    scheme, repeats, folds, people_per_test, seed, permutations
        Of the validation.
    metrics : mapping of str to mapping of str to str
        Population ("patients", and "all" with controls) -> "AUC" -> '0.80 (0.70 to 0.88)', of
        the final model.
    calibration : mapping of str to str
        The same for calibration, in patients; empty for a regression.
    coverage, sample_sizes, planning, learning : tuple of str
        Sentences or values; empty where there are none.
    headline, comparison, chance : str
        Main metric, difference to the best simpler model, permutation test; may be empty.
    noise_floor : float
    thresholds : tuple of float or None
        First and last threshold of the decision curve.
    audit : mapping of str to int
        Checks by state.
    findings : tuple of str
        Of checks that did not pass.
    libraries : mapping of str to str
        Versions.
    """

    dataset: str
    experiment: str
    description: str
    question: str
    reference: str
    task: str
    target: str
    score: str
    cutoff_source: str
    controls: str
    n_scans: int
    n_people: int
    n_patients: int
    n_controls: int
    n_poor: int | None
    excluded: Mapping[str, int]
    sites: tuple[str, ...]
    characteristics: Mapping[str, str]
    missing: Mapping[str, int]
    maps: tuple[str, ...]
    mask: str
    resolution: int
    mirror: str
    space: str
    processing: Mapping[str, object]
    models: Mapping[str, str]
    left_out: Mapping[str, str]
    final: str
    estimator: str
    predictors: tuple[str, ...]
    parameters: Mapping[str, str]
    network: Mapping[str, str]
    n_members: int
    scheme: str
    repeats: int
    folds: int
    people_per_test: str
    seed: int
    permutations: int
    metrics: Mapping[str, Mapping[str, str]]
    calibration: Mapping[str, str]
    coverage: tuple[str, ...]
    sample_sizes: tuple[str, ...]
    planning: tuple[str, ...]
    learning: tuple[str, ...]
    headline: str
    comparison: str
    chance: str
    noise_floor: float
    thresholds: tuple[float, float] | None
    audit: Mapping[str, int]
    findings: tuple[str, ...]
    libraries: Mapping[str, str]
