"""Chart → picture. Drawn in pixels, so that every surface gets the same rows whatever the values.

matplotlib is imported when the first picture is asked for; only its object interface is used, which is safe in threads.
"""

import io
import re
import unicodedata
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from bot import formats
from bot.replies import Bar, Chart

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Theme = Literal["light", "dark"]
Form = Literal["svg", "png"]

MOST_BARS = 25
_WIDTH, _ROW, _TOP, _BOTTOM, _MARGIN = 720, 34, 44, 10, 24
_BAR_LEFT, _BAR_RIGHT, _THICK = 214, 552, 14
_LABEL_CELLS, _TITLE_CELLS = 25, 74
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


_PALETTES: Mapping[Theme, _Palette] = {
    "light": _Palette("#ffffff", "#1b2125", "#66727a", "#eaeef0", "#0f8b80", "#d98a06", "#cf3b33", "#7d8990"),
    "dark": _Palette("#171c20", "#e8ecee", "#93a0a8", "#283037", "#2fb8a9", "#e9a93a", "#ef6a61", "#8b98a0"),
}


def draw(chart: Chart, *, theme: Theme = "light", form: Form = "svg") -> bytes:
    """The picture of a chart. An SVG has no ground and takes the page's fonts; a PNG stands alone, at twice the size.

    Slow (a tenth of a second, the first time a second): call it in a thread.
    """
    import matplotlib
    from matplotlib.figure import Figure

    # Text stays text in an SVG, and a glyph that the measuring font lacks is the browser's to find: no need to warn.
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "stackhand"})
    warnings.filterwarnings("ignore", message=r"Glyph .* missing from", category=UserWarning)
    palette = _PALETTES[theme]
    bars = chart.bars[:MOST_BARS]
    rest = len(chart.bars) - len(bars)
    height = _TOP + _ROW * max(len(bars), 1) + (22 if rest else 0) + _BOTTOM
    margin = _MARGIN if form == "png" else 0
    figure = Figure(figsize=((_WIDTH + 2 * margin) / _DPI, (height + margin) / _DPI), dpi=_DPI)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(-margin, _WIDTH + margin), ylim=(height + margin / 2, -margin / 2))
    axes.axis("off")
    _paint(axes, chart, bars, rest, palette)
    return _saved(figure, form, palette)


def _paint(axes: "Axes", chart: Chart, bars: tuple[Bar, ...], rest: int, palette: _Palette) -> None:
    _write(axes, 0, 16, _fitting(chart.title, _TITLE_CELLS), palette.ink, size=14, weight="bold")
    if not bars:
        _write(axes, 0, _TOP + _ROW / 2, "There is nothing to show.", palette.muted)
    share = bool(bars) and all(bar.limit is not None and bar.limit > 0 for bar in bars)
    longest = max((max(formats.amount(bar.value), formats.amount(bar.limit)) for bar in bars), default=0.0)
    for number, bar in enumerate(bars):
        scale = formats.amount(bar.limit) if share else longest
        _row(axes, _TOP + _ROW * number + _ROW / 2, bar, scale, chart.unit, palette)
    if rest:
        _write(axes, 0, _TOP + _ROW * len(bars) + 12, f"{formats.count(rest)} more are not drawn", palette.muted)


def _row(axes: "Axes", y: float, bar: Bar, scale: float, unit: str, palette: _Palette) -> None:
    """One bar on its track. `scale` is the value at the right end; a value past it is cut there."""
    full = formats.fullness(bar.value, bar.limit)
    colour = {"fine": palette.fine, "near": palette.near, "over": palette.over}[full]
    span = _BAR_RIGHT - _BAR_LEFT
    _write(axes, _BAR_LEFT - 14, y, _fitting(bar.label, _LABEL_CELLS), palette.ink, align="right")
    _box(axes, _BAR_LEFT, y, span, palette.track)
    length = span * min(formats.amount(bar.value) / scale, 1.0) if scale > 0 else 0.0
    if length > 0:
        _box(axes, _BAR_LEFT, y, max(length, 4.0), colour)
    limit = formats.amount(bar.limit)
    if 0 < limit <= scale:
        x = _BAR_LEFT + span * limit / scale
        axes.plot([x, x], [y - _THICK / 2 - 4, y + _THICK / 2 + 4], color=palette.mark, linewidth=1.5)
    words = _fitting(formats.bar_value(bar.value, bar.limit, unit), 22)
    _write(axes, _BAR_RIGHT + 14, y, words, palette.ink if full == "fine" else colour)


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
