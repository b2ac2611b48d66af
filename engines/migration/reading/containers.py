"""The sheets of a checked file, one after the other: of a workbook, a zip of CSV files, or one CSV file."""

import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engines.migration.reading.archives import Container
from engines.migration.reading.limits import ReadLimits, WorkbookRefused, refused_size
from engines.migration.reading.values import Cell

Rows = Iterator[Sequence[Cell]]
_DELIMITERS = ",;\t|"
_SNIFFED = 64 * 1024


@dataclass(frozen=True, slots=True)
class Sheets:
    """`rows(title)` opens one sheet; let its rows go before the next is opened, for they are held in memory."""

    titles: tuple[str, ...]
    _source: "Any"

    def rows(self, title: str) -> Rows:
        found: Rows = self._source.rows(title)
        return found


@contextmanager
def open_sheets(path: Path, container: Container, limits: ReadLimits) -> Iterator[Sheets]:
    """Raises WorkbookRefused, here or while rows are read, for what cannot be read after all."""
    if container == "xlsx":
        book = _Workbook(path)
        try:
            yield Sheets(book.titles, book)
        finally:
            book.close()
    elif container == "csv zip":
        with zipfile.ZipFile(path) as archive:
            folder = _CsvZip(archive, limits)
            yield Sheets(folder.titles, folder)
    else:
        yield Sheets((path.name,), _CsvFile(path, limits))


class _Workbook:
    def __init__(self, path: Path) -> None:
        from python_calamine import CalamineError, load_workbook

        self._error = CalamineError
        try:
            self._book = load_workbook(str(path))
        except (CalamineError, OSError) as error:
            raise _damaged(path.name) from error
        self.titles = tuple(self._book.sheet_names)

    def rows(self, title: str) -> Rows:
        try:
            return iter(self._book.get_sheet_by_name(title).iter_rows())
        except (self._error, OSError) as error:
            raise _damaged(f"the sheet {title.strip()[:31]}") from error

    def close(self) -> None:
        self._book.close()


def _damaged(what: str) -> WorkbookRefused:
    return WorkbookRefused(
        f"{what} cannot be read: it is damaged", "open it in Excel, save it as .xlsx, and send it again"
    )


class _CsvZip:
    """Titles are the paths inside the zip; they are never used as paths."""

    def __init__(self, archive: zipfile.ZipFile, limits: ReadLimits) -> None:
        self._archive = archive
        self._limits = limits
        self._parts = {
            part.filename.replace("\\", "/"): part
            for part in archive.infolist()
            if part.filename.lower().endswith(".csv") and not part.is_dir()
        }
        self.titles = tuple(self._parts)

    def rows(self, title: str) -> Rows:
        with self._archive.open(self._parts[title]) as file:
            yield from _csv_rows(file.read(), self._limits)


class _CsvFile:
    def __init__(self, path: Path, limits: ReadLimits) -> None:
        self._path = path
        self._limits = limits

    def rows(self, title: str) -> Rows:
        assert title == self._path.name
        return _csv_rows(self._path.read_bytes(), self._limits)


def _csv_rows(content: bytes, limits: ReadLimits) -> Rows:
    text = _decoded(content)
    csv.field_size_limit(limits.cell_characters)
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    except csv.Error as error:
        raise refused_size(f"a CSV file cannot be taken apart ({error})") from error


def _decoded(content: bytes) -> str:
    """UTF-8 with or without its mark, UTF-16 with it, or what Windows used before."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _delimiter(text: str) -> str:
    """The sign that splits the first line into most cells, outside of quotes."""
    line = text[:_SNIFFED].lstrip().split("\n", 1)[0]
    bare = "".join(part for number, part in enumerate(line.split('"')) if number % 2 == 0)
    return max(_DELIMITERS, key=bare.count)
