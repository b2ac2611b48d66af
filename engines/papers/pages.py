"""The paper: styles, the cover's ground, what stands above and below every page, and the outline beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from engines.papers.fonts import Fonts, one_line

NAVY, BLUE, GREY, LIGHT, LINE = "#1F3A5F", "#2E75B6", "#5B6770", "#F3F6F9", "#D5DCE2"
MARGIN, TOP, BOTTOM = 42.0, 52.0, 44.0  # points
_COVER_BAND = 250.0
_COMPRESSED = 1


@dataclass(frozen=True, slots=True)
class Paper:
    """Styles of paragraphs by name, and the fonts that they are written in. Widths are points."""

    fonts: Fonts
    styles: dict[str, Any]
    width: float
    height: float

    def paragraph(self, words: object, style: str = "body") -> Any:
        from reportlab.platypus import Paragraph

        return Paragraph(self.fonts.markup(words), self.styles[style])

    def link(self, words: str) -> Any:
        """To the heading of these words."""
        from reportlab.platypus import Paragraph

        shown = self.fonts.markup(words)
        return Paragraph(f'<a href="#{shown}" color="{BLUE}">{shown}</a>', self.styles["link"])

    def heading(self, words: str, level: int = 1) -> Sequence[Any]:
        """With room below it for more than itself, so that it never ends a page."""
        from reportlab.platypus import CondPageBreak

        made = self.paragraph(words, f"h{level}")
        made.outline = (level - 1, words)
        return [CondPageBreak(170 if level == 1 else 110), made]


def paper(fonts: Fonts, *, upright: bool = False) -> Paper:
    """A4, lying unless it is to stand upright."""
    from reportlab.lib.pagesizes import A4, landscape
    from reportlab.lib.styles import ParagraphStyle

    width, height = A4 if upright else landscape(A4)
    body = ParagraphStyle("body", fontName=fonts.regular, fontSize=9.5, leading=13.5, textColor="#1B2125", spaceAfter=5)
    kinds: dict[str, dict[str, Any]] = {
        "body": {},
        "bullet": {"leftIndent": 12, "bulletIndent": 2, "spaceAfter": 3},
        "note": {"fontSize": 8, "leading": 11, "textColor": GREY},
        "link": {"fontSize": 8.5, "leading": 11, "spaceAfter": 1},
        "cell": {"fontSize": 7.2, "leading": 9, "spaceAfter": 0},
        "head": {"fontSize": 7.2, "leading": 9, "spaceAfter": 0, "textColor": "#FFFFFF", "fontName": fonts.bold},
        "headed": {"fontSize": 7.2, "leading": 9, "spaceAfter": 0, "textColor": "#FFFFFF", "fontName": fonts.bold,
                   "alignment": 2},
        "h1": {"fontName": fonts.bold, "fontSize": 16, "leading": 20, "textColor": NAVY, "spaceBefore": 14,
               "spaceAfter": 8},
        "h2": {"fontName": fonts.bold, "fontSize": 11, "leading": 14, "textColor": NAVY, "spaceBefore": 10,
               "spaceAfter": 4},
        "cover": {"fontName": fonts.bold, "fontSize": 34, "leading": 40, "textColor": "#FFFFFF"},
        "covered": {"fontSize": 13, "leading": 18, "textColor": "#D6E2EF"},
        "tile": {"fontName": fonts.bold, "fontSize": 17, "leading": 22, "textColor": NAVY, "alignment": 1,
                 "spaceAfter": 0},
        "tiled": {"fontSize": 8.5, "leading": 11, "textColor": GREY, "alignment": 1, "spaceAfter": 0},
    }  # fmt: skip
    styles = {name: body.clone(name, **given) for name, given in kinds.items()}
    return Paper(fonts, styles, width - 2 * MARGIN, height - TOP - BOTTOM)


def build(
    out: Path | IO[bytes], paper: Paper, story: Sequence[Any], title: str, subtitle: str, *, cover: bool = True
) -> None:
    """With a cover, that is the first page. The same story gives the same bytes."""
    from reportlab.platypus import BaseDocTemplate, Frame, PageTemplate

    class Document(BaseDocTemplate):  # type: ignore[misc]
        def afterFlowable(self, flowable: Any) -> None:  # noqa: N802 - reportlab's name
            if outline := getattr(flowable, "outline", None):
                level, words = outline
                self.canv.bookmarkPage(words)
                self.canv.addOutlineEntry(words, words, level, closed=level == 0)

    width, height = paper.width + 2 * MARGIN, paper.height + TOP + BOTTOM
    whole_title = one_line(f"{title} {subtitle}").strip()
    document = Document(
        str(out) if isinstance(out, Path) else out, pagesize=(width, height), title=whole_title, author="Stackhand",
        invariant=1, pageCompression=_COMPRESSED, leftMargin=MARGIN, rightMargin=MARGIN, topMargin=TOP,
        bottomMargin=BOTTOM,
    )  # fmt: skip
    inner = Frame(MARGIN, BOTTOM, width - 2 * MARGIN, height - TOP - BOTTOM, 0, 0, 0, 0)
    whole = Frame(MARGIN, BOTTOM, width - 2 * MARGIN, height - BOTTOM - 40, 0, 0, 0, 0)
    body = PageTemplate("body", [inner])
    covered = PageTemplate("cover", [whole], onPage=_cover, autoNextPageTemplate="body")
    document.addPageTemplates([covered, body] if cover else [body])
    document.build(list(story), canvasmaker=_numbered(paper.fonts, title, subtitle, 2 if cover else 1))


def _cover(canvas: Any, document: Any) -> None:
    width, height = document.pagesize
    canvas.saveState()
    canvas.setFillColor(NAVY)
    canvas.rect(0, height - _COVER_BAND, width, _COVER_BAND, stroke=0, fill=1)
    canvas.setFillColor(BLUE)
    canvas.rect(0, height - _COVER_BAND - 6, width, 6, stroke=0, fill=1)
    canvas.restoreState()


def _numbered(fonts: Fonts, title: str, subtitle: str, first: int) -> Any:
    """A canvas that knows at the end how many pages there are, and writes it on each from the `first`."""
    from reportlab.pdfgen.canvas import Canvas

    class Numbered(Canvas):  # type: ignore[misc]
        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **named)
            self.kept: list[dict[str, Any]] = []

        def showPage(self) -> None:  # noqa: N802 - reportlab's name
            self.kept.append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            for number, page in enumerate(self.kept, 1):
                self.__dict__.update(page)
                if number >= first:
                    _frame(self, fonts, (title, subtitle), number, len(self.kept))
                Canvas.showPage(self)
            super().save()

    return Numbered


def _frame(canvas: Any, fonts: Fonts, titles: tuple[str, str], number: int, pages: int) -> None:
    width, height = canvas._pagesize
    canvas.saveState()
    canvas.setStrokeColor(LINE)
    canvas.setLineWidth(0.6)
    canvas.line(MARGIN, height - 36, width - MARGIN, height - 36)
    canvas.line(MARGIN, 32, width - MARGIN, 32)
    canvas.setFont(fonts.regular, 7.5)
    canvas.setFillColor(GREY)
    canvas.drawString(MARGIN, height - 30, fonts.plain(titles[1])[:120])
    canvas.drawRightString(width - MARGIN, height - 30, fonts.plain(titles[0]))
    canvas.drawRightString(width - MARGIN, 21, f"Page {number} of {pages}")
    canvas.drawString(MARGIN, 21, "Stackhand")
    canvas.restoreState()
