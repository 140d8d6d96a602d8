"""Settings of one run: what changes results, and apart from it how to run."""

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

MODALITIES = ("anat", "dwi", "bold", "eeg", "emg")
SUSCEPTIBILITY = ("auto", "head", "off")
LEVELS = ("participant", "group", "predict", "validate")
OUTSIDE = ("widen", "refuse", "ignore")  # what to do with people unlike those of training
IGNORED = ("fieldmaps", "sbref", "t2w", "flair", "sdc")  # of --ignore
STANDARD_SPACE = "MNI152NLin2009aSym"
# MNI152 spaces whose images can be moved to ours, the first three without being moved at all.
MNI_SPACES = (
    STANDARD_SPACE, "MNI152NLin2009bSym", "MNI152NLin2009cSym",
    "MNI152NLin2009cAsym", "MNI152NLin6Asym",
)  # fmt: skip
MATRICES = ("sform", "qform")  # of a NIfTI header, each of which says where an image lies
STOPPING = (  # findings of the audit
    "two-folds", "strangers", "duplicates", "near-duplicates", "copied-outcome",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class BoldSettings:
    """How resting-state bold is cleaned, and what its connectivity is.

    Parameters
    ----------
    dummy_scans : int or None
        Volumes to drop at the start; None: those before the steady state, as they are found.
    smoothing : float
        Full width at half maximum, mm.
    band : (float, float)
        Frequencies to keep, Hz.
    scrub : float or None
        Framewise displacement, mm, from which a volume does not count; None: all count.
    motion_limit : float
        Largest translation (mm) and rotation (degrees) that is not flagged.
    exclude_motion : bool
        Compute no connectivity of those who are flagged.
    seed : (float, float, float) or Path
        Place in the left hemisphere in mm, or a mask in the standard space.
    seed_radius : float
        Of the sphere around that place, mm.
    window, window_taper : (float, str)
        Length of a window, and standard deviation of its tapered edges: number, and "s" or "TR".
    save_windows : bool
        Save the map of every window too.
    """

    dummy_scans: int | None = None
    smoothing: float = 6.0
    band: tuple[float, float] = (0.01, 0.1)
    scrub: float | None = None
    motion_limit: float = 2.0
    exclude_motion: bool = False
    seed: tuple[float, float, float] | Path = (-38.0, -22.0, 56.0)
    seed_radius: float = 6.0
    window: tuple[float, str] = (44.0, "s")
    window_taper: tuple[float, str] = (0.0, "s")
    save_windows: bool = False


@dataclass(frozen=True, kw_only=True)
class PhysiologySettings:
    """How EEG and EMG are cleaned.

    Parameters
    ----------
    eeg_band, emg_band : (float, float)
        Frequencies to keep, Hz; capped by what the rate can hold.
    eeg_rate, emg_rate : float
        Samples per second of what is saved; slower recordings keep their own.
    ica : bool
        Take eye and muscle components out of the EEG.
    window : float
        Length of windows, s.
    events : tuple of (str, str, str)
        Task, '' for all, name of its events, and what they are called instead.
    """

    eeg_band: tuple[float, float] = (0.5, 150.0)
    emg_band: tuple[float, float] = (20.0, 450.0)
    eeg_rate: float = 500.0
    emg_rate: float = 1000.0
    ica: bool = True
    window: float = 10.0
    events: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True)
class Trust:
    """What holds for files whose header leaves open where they lie.

    Parameters
    ----------
    what : str
        One of `MATRICES`; or three letters, where the axes of the voxels lead: 'LAS' to the left,
        the front and the top.
    pattern : str
        Of the names of the files.
    """

    what: str
    pattern: str = "*"


@dataclass(frozen=True, kw_only=True)
class ProcessingSettings:
    """Settings that change the derivatives.

    A step is repeated when their digest differs from the one it was done with.
    """

    space: str = STANDARD_SPACE
    sloppy: bool = False
    random_seed: int = 0
    correct_gradients: bool = False
    gibbs: bool = False
    susceptibility: str = "auto"  # one of SUSCEPTIBILITY
    trust_orientation: tuple[Trust, ...] = ()  # the first that fits a file decides
    bold: BoldSettings = BoldSettings()
    physiology: PhysiologySettings = PhysiologySettings()
    tractogram: Path | None = None  # None: that of this package
    omp_nthreads: int = 1  # sums in torch are ordered by thread count

    def of_step(self, step: str) -> "ProcessingSettings":
        """Return these with defaults for what does not change a step of the participant level.

        >>> ProcessingSettings(gibbs=True).of_step("anat") == ProcessingSettings()
        True
        """
        own = self if step == "features" else replace(self, tractogram=None)
        if step in ("anat", "dwi", "eeg", "emg"):  # another window of the bold is no reason
            own = replace(own, bold=BoldSettings())
        if step in ("anat", "dwi", "bold"):
            own = replace(own, physiology=PhysiologySettings())
        if step in ("eeg", "emg"):
            own = replace(own, trust_orientation=())
        if step in ("anat", "bold", "eeg", "emg"):
            kept = own.susceptibility if step == "bold" else "auto"
            own = replace(own, correct_gradients=False, gibbs=False, susceptibility=kept)
        return own

    @property
    def digest(self) -> str:
        """Short hash of all values.

        >>> ProcessingSettings().digest == ProcessingSettings(sloppy=True).digest
        False
        """
        text = json.dumps(asdict(self), sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which participants, sessions and modalities to work on; labels without prefix."""

    participants: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    sessions: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    modalities: tuple[str, ...] = MODALITIES
    shard: tuple[int, int] = (1, 1)  # this part, of how many
    ignored: tuple[str, ...] = ()  # images of the dataset to leave out, of IGNORED
    bids_filter: dict[str, dict[str, object]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Resources:
    """How to run; none of it changes results."""

    n_procs: int = 1
    mem_gb: float | None = None
    engine: str = "local"
    device: str = "auto"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything the command line and the configuration file said."""

    bids_dir: Path
    output_dir: Path
    level: str
    work_dir: Path | None = None
    derivatives: dict[str, Path] = field(default_factory=dict)
    selection: Selection = Selection()
    processing: ProcessingSettings = ProcessingSettings()
    resources: Resources = Resources()
    skip_bids_validation: bool = False
    stop_on_first_crash: bool = False
    overwrite: bool = False
    dry_run: bool = False
    reports_only: bool = False
    boilerplate_only: bool = False
    explain_columns: bool = False
    experiments: tuple[str, ...] = ("baselines",)
    scores_map: Path | None = None
    qc_file: Path | None = None
    predictors: Path | None = None  # table of predictors that a bundle reads
    key_file: Path | None = None  # of pseudonyms, under which people are read
    label_key: str = ""  # mark of that key; none where people are read under their own labels
    allow: tuple[str, ...] = ()  # checks of the audit that may fail
    models: tuple[Path, ...] = ()  # bundles to apply or to validate
    init_from: Path | None = None  # bundle whose weights networks begin with
    weights: Path | None = None  # folder of weights that networks of slices start from
    outside: str = "widen"  # one of OUTSIDE
    clean_work_dir: bool = False  # delete trainings that were stopped, before
    verbosity: int = 0  # -1: warnings alone
    remarks: tuple[str, ...] = ()  # on the command line, to be said as warnings
    followed_by: "tuple[Settings, ...]" = ()  # levels that the same call runs after this one


@dataclass(frozen=True, kw_only=True)
class SelfTest:
    """The command line asked for the self-test only; without a folder, in a temporary one."""

    folder: Path | None = None
