"""From the words of the command line to values: labels, parts, places, limits of the machine."""

import argparse
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

from motor_bids_app.bids.tables.identifiers import bare_label, is_label
from motor_bids_app.bids.tables.text import read_lines
from motor_bids_app.documents import parse_json, parse_toml
from motor_bids_app.errors import InputMissingError, MotorBidsAppError, UsageError
from motor_bids_app.opening import read_text
from motor_bids_app.settings import MATRICES, Trust

GIB_PER_PROCESS = 4.0
MOST_WHOLE = 1_000_000  # processes, people, volumes: more is a slip of the hand
MOST_SEED = 2**31 - 1  # of numpy, torch and scikit-learn alike, with room to count on from it
_MOST_FLOAT = 1e9
_UNKNOWN = "unrecognized arguments: "  # how argparse begins
_CGROUP = Path("/sys/fs/cgroup")


class Parser(argparse.ArgumentParser):
    """A parser whose errors are ours, so that one place decides on message and exit code."""

    elsewhere: Mapping[str, str] = {}  # what is said of options that other apps have

    def error(self, message: str) -> NoReturn:
        """Raise UsageError instead of exiting with 2."""
        if message.startswith(_UNKNOWN):
            self._unknown(message.removeprefix(_UNKNOWN).split())
        if message.startswith("the following arguments are required"):
            message += " (put them before options that take several values)"
        raise UsageError(f"{message[:1].upper()}{message[1:]}. See {self.prog} --help.")

    def _unknown(self, words: Sequence[str]) -> NoReturn:
        """Say of the first word that nobody takes what was likely meant."""
        options = [word.partition("=")[0] for word in words if word.startswith("-")]
        if not options:
            raise UsageError(
                f"{words[0][:80]!r} belongs to no option. Put values behind their option, and "
                f"folders and levels first. See {self.prog} --help."
            )
        raise UsageError(unknown_option(options[0], self._option_string_actions, self.elsewhere))


def unknown_option(option: str, known: Iterable[str], elsewhere: Mapping[str, str]) -> str:
    """Sentence on an option that does not exist: what another app means by it, or what is like it.

    >>> unknown_option("--partcipant-label", ["--participant-label"], {})
    '--partcipant-label is no option. Did you mean --participant-label?'
    """
    if option in elsewhere:
        return elsewhere[option]
    name = "--" + option.lstrip("-")
    near = get_close_matches(name, [*known, *elsewhere], n=1, cutoff=0.7)
    hint = f"Did you mean {near[0]}?" if near else "See --help."
    return f"{option[:80]} is no option. {hint}"


def positive_int(text: str) -> int:
    """Parse a whole number of at least 1."""
    return _number(
        text, int, 1, MOST_WHOLE, f"a whole number of at least 1 and at most {MOST_WHOLE}"
    )


def seed(text: str) -> int:
    """Parse a whole number of at least 0."""
    return _number(text, int, 0, MOST_SEED, f"a whole number of at least 0 and at most {MOST_SEED}")


def positive_float(text: str) -> float:
    """Parse a number above 0."""
    return _number(text, float, 1e-9, _MOST_FLOAT, "a number above 0")


def finite(text: str) -> float:
    """Parse a number that is neither infinite nor NaN."""
    return _number(text, float, -_MOST_FLOAT, _MOST_FLOAT, "a number")


def _number(text: str, kind: Any, minimum: float, maximum: float, wanted: str) -> Any:
    try:
        number = kind(text)
    except ValueError:
        number = minimum - 1
    if not minimum <= number <= maximum:  # NaN is not
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not {wanted}")
    return number


def shard(text: str) -> tuple[int, int]:
    """Parse 'i/N': part i of N.

    >>> shard("2/8")
    (2, 8)
    """
    match = re.fullmatch(r"(\d+)/(\d+)", text)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise argparse.ArgumentTypeError(f"{text!r} is not i/N with i from 1 to N, such as 2/8")
    return int(match[1]), int(match[2])


def engine(text: str) -> str:
    """Check the place where work runs: local, dask:ADDRESS or dask-file:PATH."""
    kind, _, place = text.partition(":")
    if text != "local" and (kind not in ("dask", "dask-file") or not place):
        raise argparse.ArgumentTypeError(f"{text!r} is not local, dask:ADDRESS or dask-file:PATH")
    return text


def device(text: str) -> str:
    """Check the name of a torch device: auto, cpu, cuda or cuda:i."""
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not auto, cpu, cuda or cuda:i")
    return text


def trust(text: str) -> Trust:
    """Parse 'HOW' or 'HOW=PATTERN'.

    >>> trust("las=sub-01_*")
    Trust(what='LAS', pattern='sub-01_*')
    """
    what, equals, pattern = text.partition("=")
    if what not in MATRICES:
        what = what.upper()
        axes = sorted(what.translate(str.maketrans("RLAPSI", "xxyyzz")))
        if axes != ["x", "y", "z"]:
            raise argparse.ArgumentTypeError(
                f"{text!r} is not {', '.join(MATRICES)} or three axes such as LAS, and perhaps "
                "=PATTERN"
            )
    return Trust(what, pattern if equals else "*")


def derivative(text: str) -> tuple[str, Path]:
    """Parse NAME=PATH; a path alone is named by its folder.

    >>> derivative("/data/lesions")[0], derivative("mine=/data/lesions")[0]
    ('lesions', 'mine')
    """
    name, equals, place = text.partition("=")
    path = Path(place if equals else text)
    name = name if equals else path.resolve().name
    if not re.fullmatch("[0-9a-zA-Z_.+-]+", name) or name in ("raw", "output"):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not NAME=PATH with a plain name (other than raw and output)"
        )
    return name, path


def labels(words: Iterable[str], prefix: str) -> tuple[str, ...]:
    """Labels without prefix and repetition, from words or files with one label per line.

    Raises
    ------
    UsageError
        A word is neither a label nor a file, or a file has no label.
    """
    found: dict[str, None] = {}
    for word in words:
        for text in _lines(word) if _is_file(word) else [word]:
            label = bare_label(text, prefix)
            if not is_label(label):
                raise UsageError(
                    f"{text[:80]!r} is no label (letters and digits, with or without {prefix!r}), "
                    "and no file with one label per line."
                )
            found[label] = None
    return tuple(found)


def _is_file(word: str) -> bool:
    """Whether a word names a file; one that is too long to be a name does not."""
    with suppress(OSError, ValueError):
        return Path(word).is_file()
    return False


def _lines(path: str) -> list[str]:
    try:
        lines = read_lines(Path(path))
    except MotorBidsAppError as error:
        raise UsageError(f"{path} cannot be read as a list of labels: {error}") from error
    words = [line.split("\t")[0].strip().strip('"') for line in lines]
    found = [word for word in words if word and word != "participant_id"]
    if not found:
        raise UsageError(f"{path} has no label. Write one per line.")
    return found


def bids_filter(path: Path | None) -> dict[str, dict[str, object]]:
    """Read a BIDS filter file; its content is checked where it is used."""
    if path is None:
        return {}
    try:
        content = parse_json(_content("--bids-filter-file", path))
    except ValueError as error:
        raise UsageError(f"--bids-filter-file {path} is not readable JSON: {error}.") from error
    if not isinstance(content, dict):
        raise UsageError(f"--bids-filter-file {path} must hold a JSON object, one key per image.")
    return content


def _content(option: str, path: Path) -> str:
    try:
        return read_text(path)
    except InputMissingError as error:
        raise InputMissingError(f"{option} {path}: there is no such file.") from error


def config_words(path: Path, options: Sequence[str], elsewhere: Mapping[str, str]) -> list[str]:
    """Turn a TOML file with the names of options as keys into command line words.

    Raises
    ------
    InputMissingError, UsageError
        There is no such file; it is not TOML, or has a key that is no option.
    """
    try:
        content = parse_toml(_content("--config-file", path))
    except ValueError as error:
        raise UsageError(f"--config-file {path} is not readable TOML: {error}.") from error
    words: list[str] = []
    for key, value in content.items():
        option = "--" + key.replace("_", "-")
        if option not in options:
            told = unknown_option(option, options, elsewhere)
            raise UsageError(f"--config-file {path}: {told}")
        words += _option_words(option, value)
    return words


def _option_words(option: str, value: Any) -> list[str]:
    if isinstance(value, bool):
        return [option] if value else []
    if isinstance(value, dict):  # derivatives = { lesions = "/data/lesions" }
        return [option, *(f"{name}={item}" for name, item in value.items())]
    if isinstance(value, list):
        return [option, *(str(item) for item in value)]
    return [f"{option}={value}"]


def available_cpus() -> int:
    """CPUs this process may use, by affinity and by the limit of its container."""
    n_cpus = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    with suppress(OSError, ValueError):
        quota, period = (_CGROUP / "cpu.max").read_text().split()
        n_cpus = min(n_cpus, max(1, int(quota) // int(period)))  # 'max' is no number: no limit
    return n_cpus


def available_memory() -> float | None:
    """Memory this process may use in GiB, by machine and container; None if not known."""
    limits = []
    with suppress(OSError, ValueError, AttributeError):
        limits.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    with suppress(OSError, ValueError):
        limits.append(int((_CGROUP / "memory.max").read_text()))
    return min(limits) / 2**30 if limits else None


def default_processes(n_cpus: int, omp_nthreads: int, mem_gb: float | None) -> int:
    """As many processes as CPUs and memory carry, at 4 GiB each.

    >>> default_processes(16, 2, None), default_processes(16, 2, 12.0)
    (8, 3)
    """
    by_cpu = n_cpus // omp_nthreads
    by_memory = by_cpu if mem_gb is None else int(mem_gb / GIB_PER_PROCESS)
    return max(1, min(by_cpu, by_memory))
