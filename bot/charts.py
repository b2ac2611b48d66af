"""Chart → picture. Drawn in pixels, so that every surface gets the same rows whatever the values.

matplotlib is imported when the first picture is asked for; only its object interface is used, which is safe in threads.
"""

import io
import re
import unicodedata
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from bot import formats
from bot.replies import Bar, Chart

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Theme = Literal["light", "dark"]
Form = Literal["svg", "png"]
Shape = Literal["wide", "narrow"]

MOST_BARS = 25
_TOP, _BOTTOM, _MARGIN, _THICK = 44, 10, 24, 14
_DPI = 100
_FONT = "DejaVu Sans"
_PAGE_FONT = "Inter, ui-sans-serif, system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', 'DejaVu Sans', sans-serif"
_FONT_IN_STYLE = re.compile(rf"""(style="[^"<]*font-family: )'{_FONT}'""")


@dataclass(frozen=True, slots=True)
class _Palette:
    ground: str
    ink: str
    muted: str
    track: str
    fine: str
    near: str
    over: str
    mark: str


@dataclass(frozen=True, slots=True)
class _Place:
    """Where words of a row stand: from the left edge, from the middle of the row, and how many cells they may take."""

    x: float
    y: float
    align: Literal["left", "right"]
    cells: int


@dataclass(frozen=True, slots=True)
class _Layout:
    """Pixels. `bar` is the track of a bar, left and right, and its middle from the middle of the row."""

    width: int
    row: int
    title_cells: int
    label: _Place
    value: _Place
    bar: tuple[float, float, float]


_LAYOUTS: Mapping[Shape, _Layout] = {
    "wide": _Layout(720, 34, 74, _Place(200, 0, "right", 25), _Place(566, 0, "left", 22), (214, 552, 0)),
    "narrow": _Layout(340, 50, 34, _Place(0, -11, "left", 25), _Place(340, -11, "right", 20), (0, 340, 8)),
}
_PALETTES: Mapping[Theme, _Palette] = {
    "light": _Palette("#ffffff", "#1b2125", "#66727a", "#eaeef0", "#0f8b80", "#d98a06", "#cf3b33", "#7d8990"),
    "dark": _Palette("#171c20", "#e8ecee", "#93a0a8", "#283037", "#2fb8a9", "#e9a93a", "#ef6a61", "#8b98a0"),
}


def draw(chart: Chart, *, theme: Theme = "light", form: Form = "svg", shape: Shape = "wide") -> bytes:
    """The picture of a chart. An SVG has no ground and takes the page's fonts; a PNG stands alone, at twice the size.

    `narrow` is for a phone: labels stand above their bars. Slow (a tenth of a second, the first time a second): call
    it in a thread.
    """
    import matplotlib
    from matplotlib.figure import Figure

    # Text stays text in an SVG, and a glyph that the measuring font lacks is the browser's to find: no need to warn.
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "stackhand"})
    warnings.filterwarnings("ignore", message=r"Glyph .* missing from", category=UserWarning)
    palette, layout = _PALETTES[theme], _LAYOUTS[shape]
    bars = chart.bars[:MOST_BARS]
    rest = len(chart.bars) - len(bars)
    height = _TOP + layout.row * max(len(bars), 1) + (22 if rest else 0) + _BOTTOM
    margin = _MARGIN if form == "png" else 0
    figure = Figure(figsize=((layout.width + 2 * margin) / _DPI, (height + margin) / _DPI), dpi=_DPI)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(-margin, layout.width + margin), ylim=(height + margin / 2, -margin / 2))
    axes.axis("off")
    _paint(axes, replace(chart, bars=bars), rest, layout, palette)
    return _saved(figure, form, palette)


def _paint(axes: "Axes", chart: Chart, rest: int, layout: _Layout, palette: _Palette) -> None:
    bars = chart.bars
    _write(axes, 0, 16, _fitting(chart.title, layout.title_cells), palette.ink, size=14, weight="bold")
    if not bars:
        _write(axes, 0, _TOP + layout.row / 2, "There is nothing to show.", palette.muted)
    share = bool(bars) and all(bar.limit is not None and bar.limit > 0 for bar in bars)
    longest = max((max(formats.amount(bar.value), formats.amount(bar.limit)) for bar in bars), default=0.0)
    for number, bar in enumerate(bars):
        middle = _TOP + layout.row * number + layout.row / 2
        scale = formats.amount(bar.limit) if share else longest
        colour = {"fine": palette.fine, "near": palette.near, "over": palette.over}[_full(bar)]
        _words(axes, middle, bar, chart.unit, layout, (palette.ink, palette.ink if _full(bar) == "fine" else colour))
        _bar(axes, middle, bar, scale, layout, (palette.track, colour, palette.mark))
    if rest:
        _write(axes, 0, _TOP + layout.row * len(bars) + 12, f"{formats.count(rest)} more are not drawn", palette.muted)


def _full(bar: Bar) -> Literal["fine", "near", "over"]:
    return formats.fullness(bar.value, bar.limit)


def _words(axes: "Axes", y: float, bar: Bar, unit: str, layout: _Layout, colours: tuple[str, str]) -> None:
    words = (bar.label, formats.bar_value(bar.value, bar.limit, unit))
    for text, place, colour in zip(words, (layout.label, layout.value), colours, strict=True):
        _write(axes, place.x, y + place.y, _fitting(text, place.cells), colour, align=place.align)


def _bar(axes: "Axes", y: float, bar: Bar, scale: float, layout: _Layout, colours: tuple[str, str, str]) -> None:
    """One bar on its track. `scale` is the value at the right end; a value past it is cut there."""
    left, right, down = layout.bar
    track, colour, mark = colours
    y, span = y + down, right - left
    _box(axes, left, y, span, track)
    length = span * min(formats.amount(bar.value) / scale, 1.0) if scale > 0 else 0.0
    if length > 0:
        _box(axes, left, y, max(length, 4.0), colour)
    limit = formats.amount(bar.limit)
    if 0 < limit <= scale:
        x = min(left + span * limit / scale, layout.width - 1)
        axes.plot([x, x], [y - _THICK / 2 - 4, y + _THICK / 2 + 4], color=mark, linewidth=1.5)


def _box(axes: "Axes", x: float, y: float, length: float, colour: str) -> None:
    from matplotlib.patches import FancyBboxPatch

    radius = min(_THICK, length) / 2 - 0.01
    style = f"round,pad=0,rounding_size={min(radius, 4):.2f}"
    axes.add_patch(FancyBboxPatch((x, y - _THICK / 2), length, _THICK, boxstyle=style, facecolor=colour, linewidth=0))


def _write(
    axes: "Axes", x: float, y: float, text: str, colour: str, *, size: float = 12.5, weight: str = "normal",
    align: Literal["left", "right"] = "left",
) -> None:  # fmt: skip
    """Text at a pixel; `$` stays a dollar sign."""
    points = size * 72 / _DPI
    axes.text(
        x, y, text, color=colour, fontsize=points, fontweight=weight, ha=align, va="center_baseline",
        family=_FONT, parse_math=False,
    )  # fmt: skip


def _saved(figure: Any, form: Form, palette: _Palette) -> bytes:
    out = io.BytesIO()
    if form == "png":
        figure.savefig(out, format="png", dpi=2 * _DPI, facecolor=palette.ground, metadata={"Software": None})
        return out.getvalue()
    figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _FONT_IN_STYLE.sub(rf"\g<1>{_PAGE_FONT}", out.getvalue().decode()).encode()


def _fitting(text: str, cells: int) -> str:
    """Cleaned, and cut to a width in cells: a wide character takes two."""
    text = formats.clean(text)
    width = 0
    for at, char in enumerate(text):
        width += 2 if unicodedata.east_asian_width(char) in "WF" else 1
        if width > cells:
            return text[: max(at - 1, 0)].rstrip() + "…"
    return text
