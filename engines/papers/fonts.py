"""Letters of any script. DejaVu comes with matplotlib, Vera with reportlab; nothing of the machine's own is needed.

Chinese, Japanese and Korean take a font of the machine where it has one that can go into the file, else those that PDF
readers bring for them, which a reader may lack; what nobody has is shown as a box.
A PDF knows no direction: Hebrew and Arabic are put into the order in which they are drawn, Arabic letters joined.
"""

import importlib.util
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

_BOX = "\u25af"
_JAPANESE, _KOREAN, _CHINESE = "HeiseiMin-W3", "HYSMyeongJo-Medium", "STSong-Light"
_EAST = "Stackhand East"
_EAST_FILES = tuple(
    Path("/usr/share/fonts") / one
    for one in ("truetype/droid/DroidSansFallbackFull.ttf", "truetype/wqy/wqy-microhei.ttc",
                "truetype/wqy/wqy-zenhei.ttc", "google-droid-sans-fonts/DroidSansFallbackFull.ttf")
)  # fmt: skip
"""Debian's fonts-droid-fallback, fonts-wqy-microhei and fonts-wqy-zenhei; Fedora's Droid. Noto's outlines are of a kind
that reportlab cannot put into a file."""
_RANGES: tuple[tuple[int, int, str], ...] = (
    (0x3040, 0x30FF, _JAPANESE), (0x31F0, 0x31FF, _JAPANESE), (0xAC00, 0xD7A3, _KOREAN), (0x1100, 0x11FF, _KOREAN),
    (0x3000, 0x303F, _CHINESE), (0x3400, 0x4DBF, _CHINESE), (0x4E00, 0x9FFF, _CHINESE), (0xFF01, 0xFF60, _CHINESE),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fonts:
    """`known` are the letters of the regular font, `eastern` those of the machine's font for the East."""

    regular: str
    bold: str
    known: frozenset[int]
    eastern: frozenset[int] = frozenset()

    def markup(self, text: object) -> str:
        """For a paragraph: a name is no markup, and each letter gets a font that has it."""
        plain = as_drawn(one_line(str(text)))
        if plain.isascii():
            return escape(plain)
        parts: list[tuple[str, list[str]]] = []
        for letter in plain:
            font, shown = self._of(letter)
            if not parts or parts[-1][0] != font:
                parts.append((font, []))
            parts[-1][1].append(shown)
        return "".join(_run(font, "".join(letters)) for font, letters in parts)

    def plain(self, text: object) -> str:
        """For a text that is drawn in the regular font or the bold one."""
        found = as_drawn(one_line(str(text)))
        if found.isascii():
            return found
        return "".join(one if ord(one) in self.known else _BOX if ord(_BOX) in self.known else "?" for one in found)

    def in_one(self, text: object, *, bold: bool = False) -> tuple[str, str]:
        """For a label: the text, and the one font that it is drawn in. Those of the East have Latin letters too."""
        found = as_drawn(one_line(str(text)))
        lacking = {self._of(one)[0] for one in found if ord(one) not in self.known}
        if not lacking or "" in lacking or (len(lacking) > 1 and lacking != {_JAPANESE, _CHINESE}):
            return self.plain(text), self.bold if bold else self.regular
        font = _JAPANESE if _JAPANESE in lacking else next(iter(lacking))
        if font == _EAST and not all(ord(one) in self.eastern for one in found):
            return self.plain(text), self.bold if bold else self.regular
        return found, font

    def draws(self, text: str) -> bool:
        """Whether the regular font has all of it, as it is written."""
        return text.isascii() or (not is_rightward(text) and all(ord(one) in self.known for one in text))

    def _of(self, letter: str) -> tuple[str, str]:
        code = ord(letter)
        if code in self.known:
            return ("", letter)
        if code in self.eastern:
            return (_EAST, letter)
        font = next((name for first, last, name in _RANGES if first <= code <= last), "")
        return (font, letter) if font else ("", _BOX if ord(_BOX) in self.known else "?")


def _run(font: str, text: str) -> str:
    return f'<font name="{font}">{escape(text)}</font>' if font else escape(text)


def is_rightward(text: str) -> bool:
    """Whether there is Hebrew or Arabic in it, which is read from the right."""
    return not text.isascii() and any(unicodedata.bidirectional(one) in ("R", "AL") for one in text)


def as_drawn(text: str) -> str:
    """Left to right, as it is seen. A paragraph of several lines in Hebrew or Arabic is read from its last line up."""
    if not is_rightward(text):
        return text
    from arabic_reshaper import ArabicReshaper
    from bidi import get_display

    joined = ArabicReshaper({"delete_harakat": True, "ARABIC LIGATURE ALLAH": False}).reshape(text)
    return str(get_display(joined))


def one_line(text: str) -> str:
    return text if text.isprintable() else "".join(one if one.isprintable() else " " for one in text)


def registered_fonts(eastern: Sequence[Path] = _EAST_FILES) -> Fonts:
    """Known to reportlab from here on; to do so again changes nothing. The first of `eastern` that is there counts."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfbase.ttfonts import TTFont

    regular, bold = _files()
    names = (f"Stackhand {regular.stem}", f"Stackhand {bold.stem}")
    for name, path in zip(names, (regular, bold), strict=True):
        pdfmetrics.registerFont(TTFont(name, str(path)))
    pdfmetrics.registerFontFamily(names[0], normal=names[0], bold=names[1], italic=names[0], boldItalic=names[1])
    for name in (_JAPANESE, _KOREAN, _CHINESE):
        pdfmetrics.registerFont(UnicodeCIDFont(name))
    known = frozenset(pdfmetrics.getFont(names[0]).face.charToGlyph)
    return Fonts(*names, known, _eastern(next((one for one in eastern if one.is_file()), None)))


def _eastern(path: Path | None) -> frozenset[int]:
    """The letters of a font for the East; none where it cannot be used."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFError, TTFont

    if path is None:
        return frozenset()
    try:
        pdfmetrics.registerFont(TTFont(_EAST, str(path)))
    except (TTFError, OSError):
        return frozenset()
    return frozenset(pdfmetrics.getFont(_EAST).face.charToGlyph)


def _files() -> tuple[Path, Path]:
    found = importlib.util.find_spec("matplotlib")
    if found is not None and found.origin:
        folder = Path(found.origin).parent / "mpl-data" / "fonts" / "ttf"
        files = folder / "DejaVuSans.ttf", folder / "DejaVuSans-Bold.ttf"
        if all(one.is_file() for one in files):
            return files
    import reportlab

    folder = Path(reportlab.__file__).parent / "fonts"
    return folder / "Vera.ttf", folder / "VeraBd.ttf"
