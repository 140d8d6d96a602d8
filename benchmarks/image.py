"""Measure the container image: size, parts, time to start, and one person under least privileges.

usage: python benchmarks/image.py [--engine docker|podman] [--image NAME]

Runs are without network, with a read-only root, a HOME that cannot be written, all capabilities
dropped, and as a user that the image does not know. The first line of a broken promise ends it.
"""

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path

LARGEST = 1.6e9  # bytes, of the image without CUDA
UID = 12345
LEAST = (
    "--rm", "--network", "none", "--read-only", "--tmpfs", "/tmp:rw,mode=1777",
    "--user", f"{UID}:{UID}", "--cap-drop", "all", "--security-opt", "no-new-privileges",
)  # fmt: skip
PARTS = """
import os, sys, collections
total = collections.Counter()
for place, _, files in os.walk("/opt/venv/lib"):
    for name in files:
        path = os.path.join(place, name)
        kind = "bytecode" if name.endswith(".pyc") else "tests" if "/tests/" in path else "rest"
        total[kind] += os.lstat(path).st_size
print({kind: round(size / 1e6) for kind, size in total.items()})
"""


def run(engine: str, image: str, *words: str, mounts: tuple[str, ...] = ()) -> tuple[str, float]:
    """Standard output and seconds of one run of the image; raise where it fails."""
    start = time.perf_counter()
    command = [engine, "run", *LEAST, *mounts, image, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout.strip(), time.perf_counter() - start


def entry(program: str) -> tuple[str, ...]:
    """Words that start another program of the image."""
    return ("--entrypoint", program)


def simulate_and_process(engine: str, image: str, folder: Path) -> float:
    """Simulate one person and process the T1w; return the seconds of the latter."""
    folder.chmod(0o777)
    volume = ("--volume", f"{folder}:/data")
    simulate = ["/data/bids", "--participants", "1", "--controls", "0", "--modalities", "anat",
                "--voxel-size", "3"]  # fmt: skip
    run(engine, image, *simulate, mounts=(*volume, *entry("motor_bids_simulate")))
    words = ("/data/bids", "/data/out", "participant", "--sloppy", "--nprocs", "1")
    _, seconds = run(engine, image, *words, mounts=volume)
    if not list((folder / "out").glob("sub-*.html")):
        raise SystemExit("The run ended with 0, but there is no report.")
    return seconds


def main() -> None:
    """Measure, and end with 1 where the image is too large."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", default="docker")
    parser.add_argument("--image", default="motor_bids_app:latest")
    args = parser.parse_args()
    command = [args.engine, "image", "inspect", args.image]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    size = found[0]["Size"]
    version, seconds = run(args.engine, args.image, "--version")
    parts, _ = run(args.engine, args.image, "-c", PARTS, mounts=entry("python3"))
    plain, _ = run(args.engine, args.image, "/version", mounts=entry("cat"))
    bill, _ = run(args.engine, args.image, "/sbom.cdx.json", mounts=entry("cat"))
    print(f"size {size / 1e9:.2f} GB; of the environment, MB: {parts}")
    print(f"{version} (/version: {plain}), started in {seconds:.1f} s")
    print(f"labels: {found[0]['Config'].get('Labels')}")
    print(f"bill of materials: {len(json.loads(bill)['components'])} packages")
    with tempfile.TemporaryDirectory() as folder:
        print(
            f"one T1w, sloppy: {simulate_and_process(args.engine, args.image, Path(folder)):.0f} s"
        )
    if size > LARGEST and "cuda" not in args.image:
        raise SystemExit(f"The image is larger than {LARGEST / 1e9:g} GB.")


if __name__ == "__main__":
    main()
