"""Recognise images that a model learned from, without keeping them or whose they are.

A bundle holds a keyed hash (HMAC-SHA256, RFC 2104) of each training image. The key is derived from
the content of all training images, so that the same run gives the same bytes; it lies beside the
hashes. Whoever holds an image, bit for bit, can therefore ask whether it was among them: that is
the purpose. Nothing else can be asked: images cannot be guessed as names can (which is why no
names are hashed), and as every cohort has its own key, two bundles do not show whom they share.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

_PURPOSE = b"motor_bids_app: training images, 1"
_DIGITS = 32  # hexadecimal: 128 bits, so that a chance match among millions is out of reach


def content_hash(values: NDArray[Any]) -> str | None:
    """SHA-256 of an image's values; None for one that does not vary, which says nothing."""
    if not values.min() < values.max():
        return None
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()


@dataclass(frozen=True)
class SealedImages:
    """Keyed hashes of training images, in an order that says nothing.

    Parameters
    ----------
    key : str
        Hexadecimal.
    hashes : frozenset of str
        Of map name and content.
    """

    key: str
    hashes: frozenset[str]

    @classmethod
    def of(cls, images: Iterable[tuple[str, str]]) -> Self:
        """Seal images, each as its map's name and its `content_hash`."""
        content = sorted(f"{name} {digest}" for name, digest in images)
        key = hmac.new(_PURPOSE, "\n".join(content).encode(), hashlib.sha256).hexdigest()
        return cls(key, frozenset(_keyed(key, line) for line in content))

    def hold(self, name: str, digest: str) -> bool:
        """Whether this image of this map was sealed."""
        return _keyed(self.key, f"{name} {digest}") in self.hashes

    def to_json(self) -> dict[str, Any]:
        """Text for JSON, sorted."""
        return {"method": "HMAC-SHA256", "key": self.key, "hashes": sorted(self.hashes)}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Inverse of `to_json`."""
        return cls(content["key"], frozenset(content["hashes"]))


def _keyed(key: str, line: str) -> str:
    return hmac.new(bytes.fromhex(key), line.encode(), hashlib.sha256).hexdigest()[:_DIGITS]
