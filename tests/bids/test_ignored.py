import shutil
import subprocess

import pytest

from motor_bids_app.bids.ignored import IgnoreRules

PATHS = (
    "sub-01/anat/sub-01_T1w.nii.gz", "sub-01/dwi/sub-01_dwi.nii.gz", "sub-01/dwi/sub-01_dwi.bval",
    "sub-02/ses-1/dwi/sub-02_ses-1_run-1_dwi.nii.gz", "sub-02/ses-2/dwi/sub-02_ses-2_dwi.nii.gz",
    "sub-10/anat/sub-10_T1w.nii.gz", "code/run.py", "dwi", "sub-01/#x", "sub-01/a b.tsv", "a]b",
)  # fmt: skip
PATTERNS = (
    "sub-01/dwi/", "dwi/", "dwi", "/dwi", "*.bval", "sub-0*/", "sub-0?/anat/*", "**/dwi/**",
    "sub-02/**/*_dwi.nii.gz", "sub-02/*/*_dwi.nii.gz", "**", "*", "*\n!sub-01/",
    "*.nii.gz\n!*_T1w*", "[", "[z-a]x", "a[", "sub-[a-0]1",
    "sub-01/\n!sub-01/anat/sub-01_T1w.nii.gz", "# comment\n\n", "\\#x", "a\\ b.tsv", "a b.tsv  ",
    "sub-[!0]*/", "sub-0[1-2]/**", "sub-[0]1", "a[]]b", "*_run-1_*", "sub-01/dwi/sub-01_dwi.*",
    "**/anat", "anat/**", "sub-02/ses-1", "/sub-02/", "code/*\n!code/run.py", "s*1", "ses-?/",
)  # fmt: skip


@pytest.mark.parametrize("text", PATTERNS)
def test_patterns_exclude_what_git_excludes(tmp_path, text):
    if shutil.which("git") is None:
        pytest.skip("git is the reference, and is not installed")
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / ".gitignore").write_text(text + "\n")
    for path in PATHS:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    words = ["git", "-C", tmp_path, "check-ignore", "--no-index", "--", *PATHS]
    known = subprocess.run(words, capture_output=True, text=True, check=False).stdout.splitlines()

    rules = IgnoreRules.parse(text)

    assert {path for path in PATHS if rules.excluded(path)} == set(known) - {""}
