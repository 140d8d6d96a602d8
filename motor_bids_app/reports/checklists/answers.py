"""Sentences about a run, made from its values; empty where the run does not know."""

from motor_bids_app.reports.checklists.facts import RunFacts
from motor_bids_app.reports.checklists.phrases import listing, many, pairs

_CONTROLS = {"good": "counted as good outcomes", "exclude": "excluded"}


def title(facts: RunFacts) -> str:
    """What was done, with whom."""
    return (
        f"Development and internal validation of a model ({facts.final}) that predicts "
        f"{facts.target} in {facts.n_patients} people after stroke"
        + (f" and {facts.n_controls} healthy controls." if facts.n_controls else ".")
    )


def summary(facts: RunFacts) -> str:
    """Title, main result, validation."""
    return f"{title(facts)} {facts.headline} {facts.scheme}, {many(facts.repeats, 'repeat')}."


def objective(facts: RunFacts) -> str:
    """The question and the number of models."""
    return (
        f"{facts.question} Experiment {facts.experiment}: {facts.description} "
        f"{len(facts.models)} models were developed and compared on the same people."
    )


def data_source(facts: RunFacts) -> str:
    """Dataset and its size."""
    return (
        f"One dataset, {facts.dataset}, for development and evaluation: {facts.n_scans} scans of "
        f"{facts.n_people} people."
    )


def centres(facts: RunFacts) -> str:
    """Sites, where tables name them."""
    return f"{many(len(facts.sites), 'site')}: {listing(facts.sites)}." if facts.sites else ""


def eligibility(facts: RunFacts) -> str:
    """Who could take part."""
    return (
        f"Analysed: people with derivatives and a usable {facts.score}; controls were "
        f"{_CONTROLS[facts.controls]}. {flow(facts)}"
    )


def flow(facts: RunFacts) -> str:
    """Scans and people from derivatives to analysis."""
    out = sum(facts.excluded.values())
    return (
        f"{facts.n_scans + out} scans (or people without a scan) were considered and {out} excluded"
        + (f" ({pairs(facts.excluded)})" if out else "")
        + f"; {facts.n_scans} scans of {facts.n_people} people were analysed: {facts.n_patients} "
        f"patients and {facts.n_controls} controls{_poor(facts)}."
    )


def _poor(facts: RunFacts) -> str:
    if facts.n_poor is None:
        return ""
    without = facts.n_patients - facts.n_poor
    return f"; {facts.n_poor} patients with and {without} without a poor outcome"


def preparation(facts: RunFacts) -> str:
    """Space, grid, mask and processing settings."""
    made = pairs(facts.processing, ", ")
    return (
        f"Images in {facts.space}; models use a grid of {facts.resolution} mm and the mask "
        f"“{facts.mask}”; side to which lesions were mirrored: {facts.mirror}."
        + (f" Processing settings: {made}." if made else "")
    )


def outcome(facts: RunFacts) -> str:
    """What is predicted, and the cut-off."""
    if not facts.cutoff_source:
        return f"{facts.score}, as a number."
    return f"{facts.target}, derived from {facts.score}; cut-off: {facts.cutoff_source}."


def candidate_predictors(facts: RunFacts) -> str:
    """Models that were compared, and those left out."""
    out = f" Left out: {pairs(facts.left_out)}." if facts.left_out else ""
    return f"Models of the experiment: {listing(facts.models.values())}.{out}"


def predictors(facts: RunFacts) -> str:
    """Maps and columns that the final model reads."""
    return (
        f"{facts.final}. Maps in the analysis: {listing(facts.maps)}. "
        f"Columns that the model reads: {listing(facts.predictors)}."
    )


def sample_size(facts: RunFacts) -> str:
    """People there are, and how many it takes."""
    return " ".join(
        [f"{facts.n_patients} patients{_poor(facts)}.", *facts.sample_sizes, *facts.planning]
    )


def missing(facts: RunFacts) -> str:
    """Predictors that people lack."""
    lacking = pairs(facts.missing) if facts.missing else "none"
    return f"Number of people, of {facts.n_people}, with a missing value: {lacking}."


def partition(facts: RunFacts) -> str:
    """Scheme of validation."""
    return (
        f"{facts.scheme}, {many(facts.folds, 'test set')} in each of "
        f"{many(facts.repeats, 'repeat')}, "
        f"{facts.people_per_test} people per test set, seed {facts.seed}; splits.tsv lists them. "
        f"The final model was trained on all {facts.n_people} people."
    )


def disjoint(facts: RunFacts) -> str:
    """What keeps training and test apart."""
    return (
        f"Split by participant ({facts.n_scans} scans of {facts.n_people} people): all scans of a "
        f"person are either in the training set or in the test set. {audit(facts)}"
    )


def audit(facts: RunFacts) -> str:
    """Checks of the audit by state."""
    said = f" Findings: {' '.join(facts.findings)}" if facts.findings else ""
    return f"Audit of splits and data, checks by state: {pairs(facts.audit, ', ')}.{said}"


def model_type(facts: RunFacts) -> str:
    """The final model, its settings and its validation."""
    follows = f" After {facts.reference}." if facts.reference else ""
    return (
        f"{facts.final} ({facts.estimator}): {pairs(facts.parameters, ', ') or 'no settings'}."
        f"{follows} Internal validation: {partition(facts)}"
    )


def training(facts: RunFacts) -> str:
    """Settings of the final model."""
    how = pairs(facts.network, ", ") if facts.network else pairs(facts.parameters, ", ")
    return f"{facts.estimator}, seed {facts.seed}: {how or 'no settings'}."


def measures(facts: RunFacts) -> str:
    """Names of the metrics."""
    curve = (
        f" Decision curve for thresholds {facts.thresholds[0]:.2f} to {facts.thresholds[1]:.2f}."
        if facts.thresholds
        else ""
    )
    return (
        f"{listing(facts.metrics.get('patients', ()))}; calibration: "
        f"{listing(facts.calibration)}.{curve} By chance alone, a model without information could "
        f"score up to {facts.noise_floor:.2f} above chance level in the main metric."
    )


def uncertainty(facts: RunFacts) -> str:
    """How intervals and tests were made."""
    test = f"permutation test with {facts.permutations} permutations"
    return (
        f"95 % intervals from {facts.n_patients} patients and {many(facts.repeats, 'repeat')}, "
        "widened because tested people are also used for training in other folds; "
        f"{test if facts.permutations else 'no permutation test of this model'}. {facts.chance}"
    ).strip()


def imbalance(facts: RunFacts) -> str:
    """How a network balances classes."""
    if facts.n_poor is None or "balance" not in facts.network:
        return ""
    return (
        f"{facts.n_poor} of {facts.n_people} people have a poor outcome; class balancing in "
        f"training: {facts.network['balance']}."
    )


def output(facts: RunFacts) -> str:
    """What the model gives."""
    if facts.n_poor is None:
        found = f"Predicted {facts.score}, with a conformal prediction interval."
        return f"{found} {' '.join(facts.coverage)}"
    return (
        f"Probability of {facts.target}; class by a threshold of 0.5; conformal prediction set. "
        f"{' '.join(facts.coverage)}"
    )


def characteristics(facts: RunFacts) -> str:
    """Means and counts of the people."""
    return f"{facts.n_people} people. {pairs(facts.characteristics)}."


def analyses(facts: RunFacts) -> str:
    """People in each analysis."""
    return (
        f"Final model: {facts.n_people} people{_poor(facts)}. Evaluation: "
        f"{facts.people_per_test} people per test set, the others for training and tuning."
        + (
            f" Results are for the {facts.n_patients} patients; controls are only trained on."
            if facts.n_controls
            else ""
        )
    )


def specification(facts: RunFacts) -> str:
    """Where the model is, and how to apply it."""
    return (
        f"The folder model holds the fitted {facts.estimator} ({_trained(facts)}) "
        f"without pickle; motor_bids_app {facts.libraries['motor_bids_app']} predict --model "
        "applies it."
    )


def performance(facts: RunFacts) -> str:
    """All metrics of the final model."""
    parts = [
        f"In {'patients' if population == 'patients' else 'patients and controls together'}: "
        f"{pairs(values, ', ')}."
        for population, values in facts.metrics.items()
    ]
    return " ".join([*parts, facts.chance, facts.comparison]).strip()


def calibration(facts: RunFacts) -> str:
    """Metrics of calibration."""
    return f"{pairs(facts.calibration, ', ')}." if facts.calibration else ""


def limitations(facts: RunFacts) -> str:
    """Size, what guessing would score, and findings."""
    return (
        f"{facts.n_patients} patients from one dataset; no external validation. "
        "With this number, a model without information could score up to "
        f"{facts.noise_floor:.2f} above chance level. {audit(facts)} " + " ".join(facts.learning)
    ).strip()


def software(facts: RunFacts) -> str:
    """Versions."""
    return f"{pairs(facts.libraries, ', ')}."


def availability(facts: RunFacts) -> str:
    """Software, settings and model."""
    return (
        f"Analysis: motor_bids_app {facts.libraries['motor_bids_app']}, Apache-2.0, with "
        f"experiment.toml of {facts.experiment} and seed {facts.seed}. Model: folder model."
    )


def ensemble(facts: RunFacts) -> str:
    """Number of trained models."""
    if facts.n_members == 1:
        return f"No ensemble: one model ({facts.final})."
    return f"{_trained(facts)} of {facts.final}, whose predictions are averaged."


def _trained(facts: RunFacts) -> str:
    return "1 model" if facts.n_members == 1 else f"{facts.n_members} trainings"


def selection(facts: RunFacts) -> str:
    """How the final model was chosen."""
    return (
        f"{facts.final} is the final model that the experiment names, one of {len(facts.models)} "
        "that were compared; ledger.tsv lists all evaluations on these people."
    )


def overfitting(facts: RunFacts) -> str:
    """Settings, learning curve and calibration."""
    return f"{training(facts)} {' '.join(facts.learning)} {calibration(facts)}".strip()


def internal(facts: RunFacts) -> str:
    """Internal validation and its main result."""
    return f"{partition(facts)} {facts.headline}"
