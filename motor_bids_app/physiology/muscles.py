"""What EMG channels are: side, antagonists; their envelopes, and when they work."""

import re

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from motor_bids_app.physiology.recording import Array, Event, Recording

SIDES = ("left", "right")
ENVELOPE = 0.1  # s, over which the rectified EMG is averaged
SHORTEST = 2.0  # s, of an event that is work, not a marker
_REST = re.compile(
    r"(?<![a-z])(rest|ruhe|repos|reposo|riposo|fixation|fix(?![a-z])|iti(?![a-z])|isi(?![a-z]))|"
    r"\b(no|without|non)[\s_-]*(move|movement|motion|task|grip|grasp|contraction)|"
    r"relax|baseline|pause|idle|eyes|(?<![a-z])(still|quiet|inter[\s_-]?trial)(?![a-z])",
    re.IGNORECASE,
)
_NO_WORK = re.compile(
    r"(?<![a-z])(bad|boundary|edge|new segment|start|end|stop)(?![a-z])", re.IGNORECASE
)
_CODE = re.compile(
    r"([a-z]|stimulus|response|trigger|marker|event|code|condition|cue)?[\s/_:-]*[a-z]?\s*\d+",
    re.IGNORECASE,
)
_LEFT = re.compile(r"(^|[^a-z])(l|left|li|lt)([^a-z]|$)|^left|left$", re.IGNORECASE)
_RIGHT = re.compile(r"(^|[^a-z])(r|right|re|rt)([^a-z]|$)|^right|right$", re.IGNORECASE)
_LATERAL = re.compile(r"(?<![a-z])l(?![a-z])", re.IGNORECASE)
_ANTAGONISTS = (
    (
        r"flexor (digitorum|carpi)|\b(FDS|FDP|FCR|FCU)\b",
        r"extensor (digitorum|carpi)|\b(EDC|ED|ECR|ECU)\b",
    ),
    (r"biceps brachii|\b(BB|BIC)\b", r"triceps|\b(TB|TRI)\b"),
    (r"tibialis anterior|\bTA\b", r"gastrocnemius|soleus|\b(GM|GL|GAS|MG|LG|SOL)\b"),
    (
        r"rectus femoris|vastus|quadriceps|\b(RF|VL|VM)\b",
        r"biceps femoris|hamstring|semitendinosus|\b(BF|ST|HAM)\b",
    ),
)


def side_of(name: str, muscle: str = "") -> str:
    """Side of the body a channel is on, '' where neither name nor muscle tells.

    >>> side_of("EDC_L"), side_of("EMG1", "right biceps brachii"), side_of("EMG1")
    ('left', 'right', '')
    """
    for text in (muscle, name):
        left, right = _LEFT.search(text), _RIGHT.search(text)
        if bool(left) != bool(right):
            return "left" if left else "right"
    return ""


def channels_of(recording: Recording, side: str) -> list[int]:
    """Good EMG channels of one side of the body."""
    return [
        k
        for k, (name, muscle) in enumerate(zip(recording.names, recording.muscles, strict=True))
        if name not in recording.bad
        and side_of(name, muscle) == side
        and (muscle or not _is_lateral(name, recording.names))
    ]


def _is_lateral(name: str, names: tuple[str, ...]) -> bool:
    """Whether the L of a name is that of a lateral muscle: 'Gastroc L' beside 'Gastroc M'."""
    medial = {other.lower() for other in names}
    return bool(_LATERAL.search(name)) and _LATERAL.sub("m", name).lower() in medial


def antagonists(recording: Recording, channels: list[int]) -> tuple[int, int] | None:
    """The first pair of muscles that work against each other among channels, if there is one."""
    texts = {
        k: f"{re.sub('[_0-9-]', ' ', recording.names[k])} {recording.muscles[k]}" for k in channels
    }
    for one, other in _ANTAGONISTS:
        first = [k for k, text in texts.items() if re.search(one, text, re.IGNORECASE)]
        second = [k for k, text in texts.items() if re.search(other, text, re.IGNORECASE)]
        if first and second:
            return first[0], second[0]
    return None


def envelope(signals: Array, rate: float) -> Array:
    """Rectified EMG averaged over a moving window, same shape."""
    size = max(1, round(ENVELOPE * rate))
    return np.asarray(ndimage.uniform_filter1d(np.abs(signals), size, axis=-1, mode="nearest"))


def cocontraction(first: Array, second: Array) -> float:
    """Index of Falconer and Winter (1985): twice the common area over the sum of both, 0 to 1."""
    both = first.sum() + second.sum()
    return float(2 * np.minimum(first, second).sum() / both) if both > 0 else 0.0


def periods(
    events: tuple[Event, ...], rate: float, n_samples: int
) -> tuple[NDArray[np.bool_] | None, NDArray[np.bool_] | None]:
    """Samples of work and of rest as the events tell, None for what they do not tell."""
    work, rest = np.zeros(n_samples, dtype=bool), np.zeros(n_samples, dtype=bool)
    for event in events:
        if not says_something(event):
            continue
        start, stop = round(event.onset * rate), round((event.onset + event.duration) * rate)
        (rest if is_rest(event.kind) else work)[max(start, 0) : stop] = True
    return (work if work.any() else None), (rest if rest.any() else None)


def says_something(event: Event) -> bool:
    """Whether an event is a period of work or of rest, and no marker."""
    return not (event.duration < SHORTEST or _NO_WORK.search(event.kind) or is_code(event.kind))


def is_rest(kind: str) -> bool:
    """Whether the kind of an event says rest; any other word is work.

    >>> is_rest("Ruhe"), is_rest("no movement"), is_rest("arrest")
    (True, True, False)
    """
    return _REST.search(kind) is not None


def is_code(kind: str) -> bool:
    """Whether the kind of an event is a number or code, which tells neither work nor rest.

    >>> [is_code(kind) for kind in ("T0", "Stimulus/S  1", "12", "grip", "rest2", "block 3 grip")]
    [True, True, True, False, False, False]
    """
    return bool(_CODE.fullmatch(kind.strip()))


def working(envelopes: Array) -> NDArray[np.bool_]:
    """Samples when muscles work, by the envelope of the strongest, shape (T,).

    Where it hardly changes, as when a force is held throughout, all of them.
    """
    strongest = envelopes[envelopes.mean(axis=1).argmax()]
    low, high = np.percentile(strongest, [5, 95])
    if high < 2 * low:
        return np.ones(len(strongest), dtype=bool)
    return np.asarray(strongest > low + 0.3 * (high - low))
