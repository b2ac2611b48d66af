"""Letters of any script. DejaVu comes with matplotlib, Vera with reportlab; nothing of the machine's own is needed.

Chinese, Japanese and Korean take the fonts that every PDF reader brings for them; what nobody has is shown as a box.
"""

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

_BOX = "\u25af"
_JAPANESE, _KOREAN, _CHINESE = "HeiseiMin-W3", "HYSMyeongJo-Medium", "STSong-Light"
_RANGES: tuple[tuple[int, int, str], ...] = (
    (0x3040, 0x30FF, _JAPANESE), (0x31F0, 0x31FF, _JAPANESE), (0xAC00, 0xD7A3, _KOREAN), (0x1100, 0x11FF, _KOREAN),
    (0x3000, 0x303F, _CHINESE), (0x3400, 0x4DBF, _CHINESE), (0x4E00, 0x9FFF, _CHINESE), (0xFF01, 0xFF60, _CHINESE),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fonts:
    """`known` are the letters of the regular font."""

    regular: str
    bold: str
    known: frozenset[int]

    def markup(self, text: object) -> str:
        """For a paragraph: a name is no markup, and each letter gets a font that has it."""
        plain = one_line(str(text))
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
        """For a text that is drawn in one font only."""
        found = one_line(str(text))
        if found.isascii():
            return found
        return "".join(one if ord(one) in self.known else _BOX if ord(_BOX) in self.known else "?" for one in found)

    def draws(self, text: str) -> bool:
        """Whether the regular font has all of it."""
        return text.isascii() or all(ord(one) in self.known for one in text)

    def _of(self, letter: str) -> tuple[str, str]:
        code = ord(letter)
        if code in self.known:
            return ("", letter)
        font = next((name for first, last, name in _RANGES if first <= code <= last), "")
        return (font, letter) if font else ("", _BOX if ord(_BOX) in self.known else "?")


def _run(font: str, text: str) -> str:
    return f'<font name="{font}">{escape(text)}</font>' if font else escape(text)


def one_line(text: str) -> str:
    return text if text.isprintable() else "".join(one if one.isprintable() else " " for one in text)


def registered_fonts() -> Fonts:
    """Known to reportlab from here on; to do so again changes nothing."""
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
    return Fonts(*names, frozenset(pdfmetrics.getFont(names[0]).face.charToGlyph))


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
