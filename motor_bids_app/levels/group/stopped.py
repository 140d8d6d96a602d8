"""What is written of an experiment that the audit stopped."""

from pathlib import Path

from motor_bids_app import __version__
from motor_bids_app.bids.files import write_text
from motor_bids_app.experiments.reading import to_toml
from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.levels.cohort.cohort import Cohort
from motor_bids_app.levels.group.auditing import StoppedByAuditError
from motor_bids_app.levels.group.results import write_audit
from motor_bids_app.reports.experiment.stopped import StoppedReport, render_stopped

_WRITTEN = {"audit.tsv", "audit.json", "report.html"}


def write_stopped(
    folder: Path, experiment: Experiment, cohort: Cohort, stop: StoppedByAuditError
) -> None:
    """Write audit.tsv and a page that says why there are no results.

    Results of an earlier run in the folder stay, and the page names them.
    """
    there = folder.iterdir() if folder.is_dir() else ()
    leftovers = sorted(path.name for path in there if path.name not in _WRITTEN)
    write_audit(folder, stop.checks)
    report = StoppedReport(
        name=experiment.name,
        question=cohort.outcome.question,
        n_people=len(cohort.labels.truth),
        audit=stop.checks,
        stopping=stop.names,
        leftovers=tuple(leftovers),
        configuration=to_toml(experiment),
        versions={"motor_bids_app": __version__},
    )
    write_text(folder / "report.html", render_stopped(report))
