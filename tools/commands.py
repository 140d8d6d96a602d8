"""Write docs/commands.md: command lines of users of other apps, and what happens.

usage: python tools/commands.py > docs/commands.md

The command lines and what is the same in our words stand here; sentences of refusals and warnings
are those of the parser.
"""

import shlex
import sys
from collections.abc import Iterator
from dataclasses import replace

from motor_bids_app.cli.parse import parse_settings
from motor_bids_app.errors import MotorBidsAppError

HEAD = """# Command lines of other apps

Users of fMRIPrep, QSIPrep, MRIQC and XCP-D may type what they know. An option does what it says
there, or the app says in one sentence why not and what to write instead (exit 64); nothing is taken
in silence. What says only how to run, and changes no result, is accepted with a warning. In names
of options, `-` and `_` are the same. Several levels in one call run one after the other; people who
failed at one do not stop the next, and the call then ends with 1.

Each line below begins with `motor_bids_app BIDS OUT participant`, unless it names the levels
itself. "Same as" is the same settings to the last one. This page is written by `tools/commands.py`
from the parser, and a test compares it.

Three differences that no message tells:

- `--nprocs` is processes here, of `--omp-nthreads` threads each; `--nthreads` is threads in all, as
  in fMRIPrep.
- `--mem` is MB or has a unit, as in fMRIPrep and QSIPrep; in MRIQC it is GB, so that a number below
  1,000 without unit is refused.
- `--fd-spike-threshold` and `--fd-thresh` are `--scrub`: volumes beyond it do not count in cleaning
  and connectivity. Without it all count.
"""
# Command line as typed, and the same in our own words; None: refused.
LINES: dict[str, tuple[tuple[str, str | None], ...]] = {
    "fMRIPrep": (
        ("--participant_label sub-01 sub-02", "--participant-label 01 02"),
        ("--participant-label 01 --nthreads 8 --omp-nthreads 4 --mem_mb 32000",
         "--participant-label 01 --nprocs 2 --omp-nthreads 4 --mem-gb 29.8023223876953125"),
        ("--n_cpus 4", "--nprocs 4"),
        ("--mem 16G", "--mem-gb 14.901161193847656"),
        ("--mem 16", None),
        ("--mem-mb 16000 --low-mem", "--mem-gb 14.901161193847656"),
        ("-t rest", "--task-label rest"),
        ("--task-id rest --session-label 1", "--task-label rest --session-label 1"),
        ("--skip_bids_validation --notrack", "--skip-bids-validation"),
        ("--bids-filter-file none.json", None),
        ("--bids-database-dir /scratch/db", ""),
        ("--anat-only", "--modalities anat"),
        ("--anat-only --modalities dwi", None),
        ("--output-spaces MNI152NLin2009cAsym:res-2 anat", None),
        ("--output-spaces MNI152NLin2009aSym", ""),
        ("--output-spaces MNI152NLin6Asym fsaverage5", None),
        ("--ignore fieldmaps t2w", "--ignore fieldmaps t2w"),
        ("--ignore slicetiming", None),
        ("--ignore fmap-jacobian", None),
        ("--use-syn-sdc", None),
        ("--use-syn-sdc warn", None),
        ("--fd-spike-threshold 0.5", "--scrub 0.5"),
        ("--fd-spike-threshold 0.5 --dvars-spike-threshold 1.5", None),
        ("--dummy-scans 4 --random-seed 42", "--dummy-scans 4 --random-seed 42"),
        ("-d fmriprep=/data/fmriprep", "--derivatives fmriprep=/data/fmriprep"),
        ("-w /scratch --clean-workdir", "--work-dir /scratch --clean-workdir"),
        ("--clean-workdir", None),
        ("--fs-license-file /opt/license.txt --fs-no-reconall", ""),
        ("--fs-subjects-dir /data/freesurfer", None),
        ("--cifti-output 91k", None),
        ("--bold2anat-dof 6", None),
        ("--slice-time-ref 0", None),
        ("--use-plugin slurm.yml", None),
        ("--level minimal", None),
        ("--longitudinal", None),
        ("--me-output-echos", None),
        ("--debug", "--verbose"),
        ("--debug pdb", None),
        ("--sloppy --stop-on-first-crash -vv", "--sloppy --stop-on-first-crash -v -v"),
        ("--resource-monitor --write-graph", ""),
        ("--boilerplate-only", "--boilerplate-only"),
    ),
    "QSIPrep": (
        ("--session-id ses-1", "--session-label 1"),
        ("--output-resolution 2", None),
        ("--output-space T1w", None),
        ("--ignore sdc", "--susceptibility off"),
        ("--ignore phase", None),
        ("--unringing-method mrdegibbs", None),
        ("--denoise-method dwidenoise", None),
        ("--hmc-model eddy --eddy-config eddy.json", None),
        ("--pepolar-method TOPUP", None),
        ("--dwi-only", None),
        ("--separate-all-dwis", None),
        ("--b0-threshold 100", None),
        ("--boilerplate", "--boilerplate-only"),
        ("--gpu eddy", None),
        ("--nthreads 4 --omp-nthreads 4 --mem 16000",
         "--nprocs 1 --omp-nthreads 4 --mem-gb 14.901161193847656"),
    ),
    "MRIQC": (
        ("BIDS OUT participant group", "BIDS OUT participant group"),
        ("--participant-labels 01 --n_procs 4", "--participant-label 01 --nprocs 4"),
        ("-m bold dwi", "--modalities bold dwi"),
        ("-m T1w bold", None),
        ("--mem 16", None),
        ("--mem_gb 16", "--mem-gb 16"),
        ("--no-sub --verbose-reports", ""),
        ("--fd_thres 0.2", None),
        ("--run-id 1", None),
        ("--dry-run", "--dry-run"),
        ("--testing", None),
        ("-f", None),
        ("--start-idx 4", None),
        ("--ants-nthreads 4", None),
    ),
    "XCP-D": (
        ("--mode linc", None),
        ("--fd-thresh 0.3 --smoothing 6", "--scrub 0.3 --smoothing 6"),
        ("--dummy-scans auto", None),
        ("-p 36P", None),
        ("--lower-bpf 0.01 --upper-bpf 0.08", None),
        ("--input-type fmriprep", None),
        ("--atlases Glasser", None),
        ("--head-radius auto", None),
        ("--min-time 100", None),
    ),
    "slips": (
        ("--partcipant-label 01", None),
        ("--ncpus 4", None),
        ("--participant 01", None),
        ("--quite", None),
        ("BIDS OUT participants", None),
        ("BIDS OUT participant --model m", None),
        ("BIDS OUT participant --nprocs 2 group", None),
        ("--quiet --verbose", None),
        ("--nprocs 2 --nthreads 4", None),
    ),
}  # fmt: skip


def whole(line: str) -> list[str]:
    """Words of a command line, with folders and level where it has none."""
    words = shlex.split(line)
    return words if words[:1] == ["BIDS"] else ["BIDS", "OUT", "participant", *words]


def outcome(line: str, same: str | None) -> str:
    """What the parser makes of a line, in words.

    Raises
    ------
    SystemExit
        It is read as something else than the table says.
    """
    try:
        read = parse_settings(whole(line))
    except MotorBidsAppError as error:
        if same is not None:
            raise SystemExit(f"{line}: {error}") from error
        return f"refused ({error.exit_code}): {error}"
    if same is None:
        raise SystemExit(f"{line}: is taken, not refused")
    if replace(read, remarks=()) != parse_settings(whole(same)):
        raise SystemExit(f"{line}: is not the same as {same}")
    ours = "as it stands" if same == line else f"same as `{same}`" if same else "runs as without it"
    return "; ".join([ours, *(f"warning: {remark}" for remark in read.remarks)])


def rows() -> Iterator[str]:
    """Lines of the page."""
    yield HEAD
    for app, lines in LINES.items():
        yield f"## {app[:1].upper()}{app[1:]}\n" if app == "slips" else f"## As in {app}\n"
        yield "| command line | what happens |\n| --- | --- |"
        for line, same in lines:
            yield f"| `{line}` | {outcome(line, same).replace('|', chr(92) + '|')} |"
        yield ""


if __name__ == "__main__":
    sys.stdout.write("\n".join(rows()).rstrip() + "\n")
