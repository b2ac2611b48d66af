"""Charts as drawings: a ring, bars, a rate over time. Every figure is written beside what is drawn of it."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from engines.migration.figures import Rate
from engines.papers.fonts import Fonts, is_rightward
from engines.papers.pages import BLUE, GREY, LINE, NAVY

INK = "#1B2125"
_TITLE, _TEXT = 10, 7.5


def canvas(width: float, height: float) -> Any:
    from reportlab.graphics.shapes import Drawing

    return Drawing(width, height)


def words(
    fonts: Fonts, x: float, y: float, text: object, size: float = _TEXT, colour: str = INK, anchor: str = "start",
    *, bold: bool = False, most: float = 0.0,
) -> Any:  # fmt: skip
    """`most` points wide, cut with an ellipsis."""
    from reportlab.graphics.shapes import String
    from reportlab.lib.colors import HexColor
    from reportlab.pdfbase.pdfmetrics import stringWidth

    shown, font = fonts.in_one(text, bold=bold)
    if most and stringWidth(shown, font, size) > most:
        left = is_rightward(shown[-1:])  # what begins at the right ends at the left
        while shown and stringWidth(shown + "…", font, size) > most:
            shown = shown[1:] if left else shown[:-1]
        shown = "…" + shown.lstrip() if left else shown.rstrip() + "…"
    return String(x, y, shown, fontName=font, fontSize=size, fillColor=HexColor(colour), textAnchor=anchor)


def box(x: float, y: float, width: float, height: float, colour: str, radius: float = 0.0) -> Any:
    from reportlab.graphics.shapes import Rect
    from reportlab.lib.colors import HexColor

    r = min(radius, width / 2, height / 2)
    return Rect(x, y, width, height, rx=r, ry=r, fillColor=HexColor(colour), strokeColor=None)


def rule(x1: float, y1: float, x2: float, y2: float, colour: str = LINE, thick: float = 0.5) -> Any:
    from reportlab.graphics.shapes import Line
    from reportlab.lib.colors import HexColor

    return Line(x1, y1, x2, y2, strokeColor=HexColor(colour), strokeWidth=thick)


def ring(
    fonts: Fonts, title: str, parts: Sequence[tuple[str, int]], colours: Sequence[str], width: float, height: float
) -> Any:
    """Shares of a whole, the whole in the middle. Shares of nothing are an empty ring."""
    from reportlab.graphics.shapes import Circle, Wedge
    from reportlab.lib.colors import HexColor, white

    drawing = canvas(width, height)
    drawing.add(words(fonts, 0, height - 12, title, _TITLE, NAVY, bold=True))
    outer = min(width * 0.28, (height - 30) / 2)
    x, y = outer + 4, (height - 22) / 2
    total = sum(count for _, count in parts)
    drawing.add(Circle(x, y, outer, fillColor=HexColor(LINE), strokeColor=None))
    at = 90.0
    for (_, count), colour in zip(parts, colours, strict=True):
        if count:
            turn = 360 * count / total
            look = {"fillColor": HexColor(colour), "strokeColor": white, "strokeWidth": 1 if turn < 360 else 0}
            one = Circle(x, y, outer, **look) if turn >= 360 else Wedge(x, y, outer, at - turn, at, **look)
            drawing.add(one)
            at -= turn
    drawing.add(Circle(x, y, outer * 0.6, fillColor=white, strokeColor=None))
    drawing.add(words(fonts, x, y, f"{total:,}", 15, NAVY, "middle", bold=True))
    drawing.add(words(fonts, x, y - 11, "VMs", _TEXT, GREY, "middle"))
    for place, ((label, count), colour) in enumerate(zip(parts, colours, strict=True)):
        line = y + 22 - 22 * place
        drawing.add(box(x + outer + 16, line - 1, 9, 9, colour, 2))
        share = f"{count:,} ({count / total:.0%})" if total else "0"
        drawing.add(words(fonts, x + outer + 30, line, f"{label}: {share}", 8.5))
    return drawing


def bars(fonts: Fonts, title: str, parts: Sequence[tuple[str, int]], width: float, height: float) -> Any:
    """Lying, from the top down."""
    drawing = canvas(width, height)
    drawing.add(words(fonts, 0, height - 12, title, _TITLE, NAVY, bold=True))
    most = max((count for _, count in parts), default=0) or 1
    step = (height - 26) / max(len(parts), 1)
    thick, left = min(12.0, step * 0.66), 74.0
    for place, (label, count) in enumerate(parts):
        y = height - 26 - step * (place + 0.5) - thick / 2
        drawing.add(words(fonts, left - 6, y + thick / 2 - 2.6, label, _TEXT, INK, "end", most=left - 8))
        long = (width - left - 40) * count / most
        if count:
            drawing.add(box(left, y, max(long, 1.5), thick, BLUE, 2))
        drawing.add(words(fonts, left + max(long, 0) + 5, y + thick / 2 - 2.6, f"{count:,}", _TEXT, GREY))
    return drawing


def columns(fonts: Fonts, title: str, parts: Sequence[tuple[str, int]], width: float, height: float) -> Any:
    """Standing, from the left."""
    drawing = canvas(width, height)
    drawing.add(words(fonts, 0, height - 12, title, _TITLE, NAVY, bold=True))
    most = max((count for _, count in parts), default=0) or 1
    step, room, ground = width / max(len(parts), 1), height - 56, 26
    drawing.add(rule(0, ground, width, ground))
    for place, (label, count) in enumerate(parts):
        x, tall = step * place + step * 0.18, room * count / most
        if count:
            drawing.add(box(x, ground, step * 0.64, max(tall, 1.0), BLUE, 1.5))
        middle = step * (place + 0.5)
        drawing.add(words(fonts, middle, ground + tall + 4, f"{count:,}", _TEXT, GREY, "middle"))
        drawing.add(words(fonts, middle, 14, label, 6.4, INK, "middle", most=step - 2))
    return drawing


def rate_chart(fonts: Fonts, title: str, rates: Sequence[Rate], peak: float, width: float, height: float) -> Any:
    """MiB a second over time, hours or days as they come; the peak is that of any moment."""
    drawing = canvas(width, height)
    drawing.add(words(fonts, 0, height - 12, title, _TITLE, NAVY, bold=True))
    left, ground, top = 46.0, 24.0, height - 34
    scale = nice(max((one.mib_s for one in rates), default=0.0) or 1.0)
    for part in range(5):
        y = ground + (top - ground) * part / 4
        drawing.add(rule(left, y, width, y))
        drawing.add(words(fonts, left - 5, y - 2.5, f"{scale * part / 4:,.0f}", _TEXT, GREY, "end"))
    if not rates:
        return drawing
    first = rates[0].at
    last = rates[-1].at + timedelta(hours=rates[-1].hours)
    span = (last - first).total_seconds() or 1.0
    for one in rates:
        x = left + (width - left) * (one.at - first).total_seconds() / span
        wide = (width - left) * one.hours * 3600 / span
        if one.mib_s > 0:
            drawing.add(box(x, ground, max(wide * 0.92, 0.4), (top - ground) * one.mib_s / scale, BLUE))
    for at in ticks(first, last):
        x = left + (width - left) * (at - first).total_seconds() / span
        drawing.add(rule(x, ground - 3, x, ground))
        drawing.add(words(fonts, x, ground - 12, f"{at:%d %b}", _TEXT, GREY, "middle"))
    told = f"MiB a second; the most at any moment: {peak:,.0f}"
    drawing.add(words(fonts, width, height - 12, told, _TEXT, GREY, "end"))
    return drawing


def nice(value: float) -> float:
    """The next 1, 2, 2.5, 4, 5 or 10 of its size: what a scale ends with."""
    base: float = 10.0 ** math.floor(math.log10(value))
    return next(base * step for step in (1, 2, 2.5, 4, 5, 8, 10, 20) if base * step >= value)


def ticks(first: datetime, last: datetime, most: int = 14) -> list[datetime]:
    """Midnights, every so many days that no more than `most` come out."""
    day = first.replace(hour=0, minute=0, second=0, microsecond=0)
    days = max(1, (last - day).days)
    step = next((one for one in (1, 2, 7, 14, 28, 56, 91, 182, 364) if days / one <= most), 728)
    found = (day + timedelta(days=n) for n in range(0, days + 1, step))
    return [one for one in found if first <= one <= last]
