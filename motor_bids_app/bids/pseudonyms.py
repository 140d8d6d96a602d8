"""Pseudonyms of participants, made with a key that never leaves the institute."""

import hmac
import json
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout

from motor_bids_app.bids.files import read_json, replacing
from motor_bids_app.errors import OutputError, ReadWriteError, TryAgainError, UsageError

_LENGTH = 12  # hexadecimal digits: two of 10,000 people share them once in 5 million keys
_LOCK_SECONDS = 120
_NAMED = re.compile(r"(?<![0-9A-Za-z])sub-([0-9A-Za-z+]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Key:
    """A secret, and what it makes of labels; labels are without 'sub-'.

    >>> key = Key(b"secret")
    >>> key.pseudonym("01") == Key(b"secret").pseudonym("01") != Key(b"other").pseudonym("01")
    True
    """

    secret: bytes = field(repr=False)

    @property
    def mark(self) -> str:
        """What outputs may say of the key: it tells keys apart, and nothing of the secret."""
        return hmac.digest(self.secret, b"mark of the key", "sha256").hex()[:_LENGTH]

    def pseudonym(self, label: str) -> str:
        """Label that stands for another, the same wherever this key is used."""
        return hmac.digest(self.secret, f"label {label}".encode(), "sha256").hex()[:_LENGTH]

    def replace(self, text: str, known: frozenset[str]) -> str:
        """Text with pseudonyms wherever it has 'sub-' and a known label.

        >>> Key(b"").replace("sub-1_T1w of sub-cortical", frozenset("1")).split("_")[1]
        'T1w of sub-cortical'
        """
        return _NAMED.sub(
            lambda found: f"sub-{self.pseudonym(found[1])}" if found[1] in known else found[0],
            text,
        )


def read_key(path: Path) -> Key | None:
    """Read the key in a file; None where there is no file yet.

    Raises
    ------
    UsageError
        Others than its owner may read the file.
    ReadWriteError
        It is no key.
    """
    if not path.exists():
        return None
    if path.stat().st_mode & 0o077:
        raise UsageError(
            f"{path} tells who is behind the pseudonyms, and others than you may read it. Forbid "
            f"that: chmod 600 {path}"
        )
    try:
        secret = bytes.fromhex(read_json(path)["secret"])
    except (KeyError, TypeError, ValueError) as error:
        raise ReadWriteError(
            f"{path} is not a key that --anonymise-labels made. Name another file, which is made."
        ) from error
    return Key(secret)


def make_key() -> Key:
    """Make a key that nobody has used."""
    return Key(secrets.token_bytes(32))


def keep_key(path: Path, labels: Iterable[str]) -> Key:
    """Read the key in a file, or make one; note there who is behind which pseudonym.

    Several runs may do this at once: all get the same key, and nobody who was noted is lost.

    Raises
    ------
    UsageError, ReadWriteError
        As `read_key`; also if two labels get the same pseudonym.
    OutputError
        The file cannot be written.
    TryAgainError
        Another run held its lock for two minutes.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(f".{path.name}.lock"), timeout=_LOCK_SECONDS, mode=0o600):
            key = read_key(path) or make_key()
            people = read_json(path)["people"] if path.exists() else {}
            named = {f"sub-{key.pseudonym(label)}": f"sub-{label}" for label in sorted(labels)}
            if len(named) < len({*labels}) or any(
                people.get(name, owner) != owner for name, owner in named.items()
            ):
                raise UsageError(
                    f"Two people would share a pseudonym. Use another key than {path}."
                )
            if not path.exists() or not named.items() <= people.items():
                content = {"secret": key.secret.hex(), "people": {**people, **named}}
                with replacing(path, 0o600) as temporary:
                    temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    except Timeout as error:
        raise TryAgainError(f"Another run holds {path}. Try again when it is done.") from error
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}.") from error
    return key
