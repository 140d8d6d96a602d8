"""How a picture becomes bytes: the same ones every time, small, and right in light and dark."""

import io
import re
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure as Canvas
from PIL import Image

# Okabe and Ito's colours, told apart with every kind of colour blindness; a drawing gives each a
# lighter tone in the dark, as the page does through CSS variables of the same names.
SERIES = {
    "series-1": "#0072b2",
    "series-2": "#d55e00",
    "series-3": "#009e73",
    "series-4": "#a8457f",
    "series-5": "#7a6a00",
    "series-6": "#3a8fc7",
    "series-7": "#5b5f66",
}
INK = {"ink": "#1d2126", "muted": "#5d6670", "rule": "#d4d9df", "band": "#e9edf2"}
COLOURS = SERIES | INK
DARK = {
    "series-1": "#5ab5ea",
    "series-2": "#ff9a57",
    "series-3": "#3fc9a0",
    "series-4": "#e590c6",
    "series-5": "#d8c84a",
    "series-6": "#a5d8f6",
    "series-7": "#b4bac0",
    "ink": "#e7eaed",
    "muted": "#a5afb9",
    "rule": "#3a424a",
    "band": "#2a3138",
}
_TONES = "".join(f"--{name}:{colour};" for name, colour in DARK.items())
_DARK_STYLE = (
    "<style>svg{color-scheme:light dark}"
    f"@media screen and (prefers-color-scheme:dark){{svg{{{_TONES}}}}}</style>"
)
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text: selectable, and in the font of the page
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # ships with matplotlib: the same metrics everywhere
    "font.size": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK["muted"],
    "axes.labelcolor": INK["ink"],
    "axes.linewidth": 0.8,
    "text.color": INK["ink"],
    "xtick.color": INK["muted"],
    "ytick.color": INK["muted"],
    "xtick.labelcolor": INK["ink"],
    "ytick.labelcolor": INK["ink"],
    "legend.frameon": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
}


# Decorates whatever draws a chart, because matplotlib takes styles from a global place.
styled = mpl.rc_context(_STYLE)


def new_chart(
    width: float = 7.2, height: float = 3.6, panels: int = 1
) -> tuple[Canvas, list[Axes]]:
    """Return a transparent canvas (inches) with axes side by side; call it where `styled`."""
    canvas = Canvas(figsize=(width, height), layout="compressed")
    return canvas, [canvas.add_subplot(1, panels, panel + 1) for panel in range(panels)]


def to_svg(canvas: Canvas, name: str) -> bytes:
    """Draw a chart as SVG that is right in light and dark, by itself and as an image of a page.

    `name` makes the ids unique among the drawings of a page.
    """
    buffer = io.BytesIO()
    no_date = {"Date": None, "Creator": None, "Format": None, "Type": None}
    with mpl.rc_context({"svg.hashsalt": name}):
        FigureCanvasSVG(canvas).print_svg(buffer, metadata=no_date)
    svg = buffer.getvalue().decode("utf-8")
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)  # the same in every drawing, and nobody's target
    svg = re.sub(r"'DejaVu Sans'(, sans-serif)?", "system-ui, 'DejaVu Sans', sans-serif", svg)
    svg = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", svg, flags=re.S)
    width = canvas.get_figwidth() * 105
    style = f"max-width:{width:.0f}px;stroke-linejoin:round;stroke-linecap:butt"
    start, rest = svg.split(">", 1)
    start = re.sub(r' (width|height)="[^"]*"', "", start)
    svg = f'{start} style="{style}">{rest}'
    for variable, colour in COLOURS.items():
        svg = svg.replace(colour, f"var(--{variable}, {colour})")
    return svg.replace(">", f">{_DARK_STYLE}", 1).encode("utf-8")


def to_png(canvas: Canvas, dpi: int = 100) -> bytes:
    """Draw a picture as PNG with a palette of 256 colours, a third of the size of full colour."""
    agg = FigureCanvasAgg(canvas)
    canvas.set_dpi(dpi)
    agg.draw()
    pixels = Image.fromarray(np.asarray(agg.buffer_rgba())).convert("RGB")
    buffer = io.BytesIO()
    few = pixels.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
