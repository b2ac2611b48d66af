"""The sheets of a checked file, one after the other: of a workbook, a zip of CSV files, or one CSV file."""

import csv
import io
import zipfile
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from engines.migration.reading.archives import Container
from engines.migration.reading.limits import ReadLimits, WorkbookRefused, refused_size
from engines.migration.reading.values import Cell

Rows = Iterator[Sequence[Cell]]
_DELIMITERS = ",;\t|"
_SNIFFED = 64 * 1024
_SMALL_BYTES = 32 * 1024 * 1024  # packed, some 15,000 VMs: above it one sheet at a time saves the memory of the others
_PARSERS = 2  # sheets that are parsed at one time
_AHEAD = 4  # sheets that are parsed, or wait for it, while one is taken apart


@dataclass(frozen=True, slots=True)
class Sheets:
    """`rows(title)` opens one sheet; let its rows go before the next is opened, for they are held in memory."""

    titles: tuple[str, ...]
    _source: "Any"

    def rows(self, title: str) -> Rows:
        found: Rows = self._source.rows(title)
        return found

    @property
    def is_small(self) -> bool:
        """Whether there is memory for doing things at one time that could be done one after the other."""
        found: bool = self._source.is_small
        return found

    def in_order(self, titles: Sequence[str]) -> Iterator[tuple[str, Rows]]:
        """Each sheet with its rows; of a small workbook the next ones are parsed meanwhile, on other cores."""
        return self._source.in_order(titles) if self.is_small else ((one, self.rows(one)) for one in titles)


@contextmanager
def open_sheets(path: Path, container: Container, limits: ReadLimits, unpacked: Path | None = None) -> Iterator[Sheets]:
    """`unpacked` is read in a workbook's place where `check_container` made it.

    Raises WorkbookRefused, here or while rows are read, for what cannot be read after all.
    """
    if container == "xlsx":
        book = _Workbook(path, unpacked if unpacked is not None and unpacked.exists() else path)
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
    """A sheet is parsed without the interpreter's lock, so that one thread may parse while another makes records."""

    def __init__(self, path: Path, source: Path) -> None:
        from python_calamine import CalamineError

        self._error = CalamineError
        self._path = path
        self._source = source
        self._book = self._opened()
        self.titles = tuple(self._book.sheet_names)
        self.is_small = path.stat().st_size <= _SMALL_BYTES

    def _opened(self) -> Any:
        from python_calamine import load_workbook

        try:
            return load_workbook(str(self._source))
        except (self._error, OSError) as error:
            raise _damaged(self._path.name) from error

    def rows(self, title: str) -> Rows:
        return iter(self._sheet(self._book, title).iter_rows())

    def _sheet(self, book: Any, title: str) -> Any:
        try:
            return book.get_sheet_by_name(title)
        except (self._error, OSError) as error:
            raise _damaged(f"the sheet {title.strip()[:31]}") from error

    def in_order(self, titles: Sequence[str]) -> Iterator[tuple[str, Rows]]:
        """A book is one thread's at a time, so that each has its own; the strings in it are there as often."""
        idle = SimpleQueue[Any]()
        idle.put(self._book)

        def parsed(title: str) -> Any:
            try:
                book = idle.get_nowait()
            except Empty:
                book = self._opened()
            try:
                return self._sheet(book, title)
            finally:
                idle.put(book)

        waiting = iter(titles)
        with ThreadPoolExecutor(_PARSERS) as pool:
            coming = deque((one, pool.submit(parsed, one)) for one in islice(waiting, _AHEAD))
            try:
                while coming:
                    title, found = coming.popleft()
                    sheet = found.result()
                    coming.extend((one, pool.submit(parsed, one)) for one in islice(waiting, 1))
                    yield title, iter(sheet.iter_rows())
            finally:  # what is refused need not be parsed to its end
                pool.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        self._book.close()


def _damaged(what: str) -> WorkbookRefused:
    return WorkbookRefused(
        f"{what} cannot be read: it is damaged", "open it in Excel, save it as .xlsx, and send it again"
    )


class _CsvZip:
    """Titles are the paths inside the zip; they are never used as paths."""

    is_small = False

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
    is_small = False

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
