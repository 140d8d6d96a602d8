"""Pictures by which a reader sees whether the cleaning of EEG and EMG went well."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from motor_bids_app.features.signals import COHERENT, Coherences
from motor_bids_app.physiology.cleaning import Cleaned
from motor_bids_app.physiology.recording import Array, Recording
from motor_bids_app.physiology.spectra import coherence_limit, power_density, segment_spectra
from motor_bids_app.physiology.windows import Windows
from motor_bids_app.reports.canvas import INK, SERIES, new_chart, styled, to_svg
from motor_bids_app.reports.pages import Figure

_SHOWN = 400.0  # Hz
_QUIET = 0.9  # opacity
_MOST_NAMES = 48  # names on a map; more cannot be read


@styled
def spectra(cleaned: Cleaned, kind: str) -> Figure:
    """Draw the spectra of all channels before and after cleaning."""
    canvas, panels = new_chart(7.2, 3.0, panels=2)
    highest = min(_SHOWN, 1.15 * cleaned.band[1])
    limits = []
    for axes, recording, title in (
        (panels[0], cleaned.before, "before"),
        (panels[1], cleaned.recording, "after"),
    ):
        frequencies, power = _density(recording)
        inside = (frequencies >= 0.5) & (frequencies <= highest)
        for name, values in zip(recording.names, power, strict=True):
            bad = name in cleaned.bad
            axes.semilogy(
                frequencies[inside],
                np.maximum(values[inside], 1e-7),
                linewidth=0.7,
                color=SERIES["series-2"] if bad else SERIES["series-1"],
                zorder=1 + bad,
                alpha=_QUIET if bad else 0.5,
            )
        axes.set_title(title, fontsize=9.5)
        axes.set_xlabel("Hz")
        limits.append(axes.get_ylim())
    panels[0].set_ylabel("µV²/Hz")
    for axes in panels:
        axes.set_ylim(max(min(low for low, _ in limits), 1e-6), max(high for _, high in limits))
    mains = f"{cleaned.mains:g} Hz" if cleaned.mains else "none known or found"
    return Figure(
        name=f"{kind}-spectra",
        title=f"Spectra of the {kind.upper()}",
        caption="Power spectral density of each channel. Orange: bad channels. Narrow peaks at "
        f"the mains frequency (here {mains}) and its harmonics on the left should be gone on the "
        "right; a channel that stands out on the right at all frequencies has a bad contact.",
        alt=f"Spectra of {len(cleaned.recording.names)} {kind.upper()} channels before and after "
        "cleaning.",
        data=to_svg(canvas, f"{kind}-spectra"),
        media_type="image/svg+xml",
    )


def _density(recording: Recording) -> tuple[Array, Array]:
    """Power density of all of a recording, shape (F,) and (C, F)."""
    n = recording.signals.shape[1]
    seconds = min(2.0, n / recording.rate)
    frequencies, parts = segment_spectra(
        recording.signals, recording.rate, np.ones(n, dtype=bool), seconds
    )
    return frequencies, power_density(parts)


@styled
def channel_map(recording: Recording, bad: dict[str, str], interpolated: tuple[str, ...]) -> Figure:
    """Draw the head from above with its electrodes, the bad ones marked."""
    canvas, (axes,) = new_chart(4.2, 3.9)
    axes.set_aspect("equal")
    axes.axis("off")
    axes.add_patch(Circle((0, 0), 1, fill=False, edgecolor=INK["muted"], linewidth=1))
    axes.plot([-0.12, 0, 0.12], [0.99, 1.12, 0.99], color=INK["muted"], linewidth=1)
    made = set(interpolated)
    small = len(recording.names) > _MOST_NAMES
    for name, place in zip(recording.names, recording.places, strict=True):
        if not np.isfinite(place).all():
            continue
        x, y = _flat(place)
        colour = SERIES["series-2"] if name in bad else SERIES["series-1"]
        fill = "none" if name in bad and name not in made else colour
        axes.plot(x, y, "o", markersize=4 if small else 6, color=colour, markerfacecolor=fill)
        if not small or name in bad:
            axes.annotate(
                name,
                (x, y),
                xytext=(0, 5),
                textcoords="offset points",
                fontsize=7.5,
                ha="center",
                color=INK["ink"],
            )
    axes.set_xlim(-1.3, 1.3)
    axes.set_ylim(-1.25, 1.25)
    n_bad = len(bad)
    return Figure(
        name="eeg-channels",
        title="Electrodes",
        caption="The head from above, nose up. Orange: bad channels, filled if they were "
        "interpolated from their neighbours, hollow if they were excluded. Several adjacent bad "
        "channels cannot be interpolated well.",
        alt=f"Map of {len(recording.names)} electrodes, {n_bad} of them bad.",
        data=to_svg(canvas, "eeg-channels"),
        media_type="image/svg+xml",
    )


def _flat(place: Array) -> tuple[float, float]:
    """Place on a flat map: distance from the centre is the angle from the vertex."""
    angle = np.arccos(np.clip(place[2], -1, 1)) / (np.pi / 2)
    direction = np.hypot(place[0], place[1])
    if direction < 1e-9:
        return 0.0, 0.0
    return float(angle * place[0] / direction), float(angle * place[1] / direction)


def _draw_ranges(axes: Axes, cleaned: Cleaned) -> None:
    """Draw the median range of good channels in each second, before and after cleaning."""
    step, n = round(cleaned.recording.rate), len(cleaned.bad_segments)
    for recording, label, colour in (
        (cleaned.before, "before", INK["muted"]),
        (cleaned.recording, "after", SERIES["series-1"]),
    ):
        good = [k for k, name in enumerate(recording.names) if name not in cleaned.bad]
        ranges = _ranges(recording.signals[good], step, n)
        axes.semilogy(
            np.arange(n) + 0.5,
            np.maximum(np.median(ranges, axis=0), 1e-2),
            label=label,
            color=colour,
            linewidth=1.1,
        )


@styled
def rejected(cleaned: Cleaned, windows: Windows, kind: str) -> Figure:
    """Draw the amplitude over time, and which seconds and windows are left out."""
    canvas, (axes,) = new_chart(7.2, 2.4)
    n = len(cleaned.bad_segments)
    _draw_ranges(axes, cleaned)
    length = windows.signals.shape[2] / cleaned.recording.rate
    n_windows = int(cleaned.recording.signals.shape[1] // windows.signals.shape[2])
    kept = {round(onset / length) for onset in windows.onsets}
    for number in set(range(n_windows)) - kept:
        axes.axvspan(number * length, (number + 1) * length, color=INK["band"], zorder=0)
    for second in np.flatnonzero(cleaned.bad_segments).tolist():
        axes.axvspan(second, second + 1, ymax=0.06, color=SERIES["series-2"], linewidth=0)
    axes.set_xlabel("s")
    axes.set_ylabel("peak to peak, µV")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=9))
    axes.set_xlim(0, max(n, 1))
    axes.legend(fontsize=8, ncols=2, loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0)
    return Figure(
        name=f"{kind}-rejected",
        title=f"Stretches of the {kind.upper()} that were excluded",
        caption="Median over good channels of the range within each second, before and after "
        "cleaning. Orange at the bottom: seconds with artefacts. Shaded: rejected windows, "
        f"{windows.n_rejected} of {n_windows}. A recording that is orange throughout has a fault "
        "that cleaning cannot correct.",
        alt=f"Amplitude over {n} seconds; {int(cleaned.bad_segments.sum())} seconds and "
        f"{windows.n_rejected} of {n_windows} windows left out.",
        data=to_svg(canvas, f"{kind}-rejected"),
        media_type="image/svg+xml",
    )


def _ranges(signals: Array, step: int, n_segments: int) -> Array:
    starts = np.minimum(np.arange(n_segments) * step, signals.shape[1] - 1)
    highest = np.maximum.reduceat(signals, starts, axis=1)
    return np.asarray(highest - np.minimum.reduceat(signals, starts, axis=1))


@styled
def muscle_coherence(found: Coherences) -> Figure:
    """Draw the coherence of each limb with the opposite motor cortex."""
    canvas, panels = new_chart(7.2, 2.6, panels=2)
    top = max([0.2, *(1.1 * float(_shown(found, limb).max()) for limb in found.values)])
    for axes, limb in zip(panels, ("left", "right"), strict=True):
        axes.set_title(f"{limb} limb", fontsize=9.5)
        axes.set_xlabel("Hz")
        axes.axvspan(*COHERENT, color=INK["band"], zorder=0)
        axes.set_ylim(0, top)
        axes.set_xlim(5, 45)
        _draw_coherence(axes, found, limb)
    panels[0].set_ylabel("coherence")
    named = ", ".join(f"{limb} {muscle}" for limb, muscle in found.muscles.items())
    return Figure(
        name="cmc-coherence",
        title="Corticomuscular coherence",
        caption="Coherence of the strongest muscle of each limb, rectified, with the EEG above the "
        f"opposite motor cortex during work ({named}). Shaded: 15 to 30 Hz, the band of coherence "
        "during steady force, over which it is averaged. Dashed: 95 % limit of chance at a single "
        "frequency. A peak at the mains frequency, or coherence at all frequencies, is an "
        "electrical artefact.",
        alt="Coherence over frequency of the left and the right limb.",
        data=to_svg(canvas, "cmc-coherence"),
        media_type="image/svg+xml",
    )


def _draw_coherence(axes: Axes, found: Coherences, limb: str) -> None:
    if limb not in found.values:
        axes.annotate(
            "not measured", (0.5, 0.5), xycoords="axes fraction", ha="center", color=INK["muted"]
        )
        return
    axes.plot(found.frequencies, found.values[limb], color=SERIES["series-1"], linewidth=1.4)
    axes.axhline(
        coherence_limit(found.n_segments[limb]),
        color=INK["muted"],
        linewidth=0.8,
        linestyle=(0, (4, 4)),
    )


def _shown(found: Coherences, limb: str) -> NDArray[np.float64]:
    inside = (found.frequencies >= 5) & (found.frequencies <= 45)
    return found.values[limb][inside]
