"""The container before it is opened: what it is, how much it inflates to, and what does not belong in an export."""

import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import reduce
from pathlib import Path
from threading import Lock
from typing import BinaryIO, Literal

from engines.migration.reading.limits import ReadLimits, WorkbookRefused, refused_size

Container = Literal["xlsx", "csv zip", "csv"]

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP = b"PK\x03\x04"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_MARKUP = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_WIDE = (b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<")  # UTF-16 and UTF-32, in which the markup would not be seen
_CHUNK = 1 << 20
_UNPACKED_BYTES = 256 << 20  # above it a copy would cost more disk than the time is worth
_CELLS = b"<sheetData"
_LONGEST_NAME = 255
_CHECKERS = 2  # parts that are checked at one time
_XML = (".xml", ".rels", ".vml")
_RVTOOLS = "send the .xlsx or the zip of CSV files as RVTools exports it"


def check_container(path: Path, limits: ReadLimits, unpacked: Path | None = None) -> Container:
    """Which kind of file it is. Raises WorkbookRefused for whatever else, and for what could do harm.

    A workbook that is not large is written to `unpacked`, see `Unpacked`; for others no such file is made.
    """
    size = _size(path, limits)
    with path.open("rb") as file:
        start = file.read(8)
        if start.startswith(_OLE):
            raise _ole(file)
        if not start.startswith(_ZIP):
            return _plain(path, start, size)
        return _zip(path, file, limits, unpacked)


def _size(path: Path, limits: ReadLimits) -> int:
    try:
        found = path.stat()
    except OSError as error:
        raise WorkbookRefused(f"{path.name} cannot be opened", "check the path and the rights") from error
    if not stat.S_ISREG(found.st_mode):
        raise WorkbookRefused(f"{path.name} is not a file", _RVTOOLS)
    if found.st_size == 0:
        raise WorkbookRefused(f"{path.name} is empty", "export again, and send the whole file")
    if found.st_size > limits.file_bytes:
        raise refused_size(f"it has {found.st_size:,} bytes, more than {limits.file_bytes:,}")
    return found.st_size


def _ole(file: BinaryIO) -> WorkbookRefused:
    file.seek(0)
    if _ENCRYPTED in file.read(8 * _CHUNK):
        return WorkbookRefused("the workbook is protected with a password", "save it without one, and send it again")
    return WorkbookRefused("the file is an old .xls workbook", "save it as .xlsx, or export with RVTools 3.9 or newer")


def _plain(path: Path, start: bytes, size: int) -> Container:
    if path.suffix.lower() == ".csv" and (b"\0" not in start or start.startswith(_WIDE[:2])):
        return "csv"
    if path.suffix.lower() in (".xlsx", ".xlsm", ".zip"):
        raise WorkbookRefused(
            f"{path.name} is no workbook: its {size:,} bytes do not start as one",
            "export again, and send the whole file",
        )
    raise WorkbookRefused(f"{path.name} is neither a workbook nor a zip of CSV files", _RVTOOLS)


def _zip(path: Path, file: BinaryIO, limits: ReadLimits, unpacked: Path | None) -> Container:
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, UnicodeDecodeError) as error:
        raise _cut_off(path) from error
    with archive:
        parts = [part for part in archive.infolist() if not part.is_dir()]
        _check_names(parts, limits)
        kind = _kind(path, parts)
    most = min(_UNPACKED_BYTES, limits.inflated_bytes // 2)
    if unpacked is None or kind != "xlsx" or sum(part.file_size for part in parts) > most:
        _check_parts(path, parts, limits, None)
    else:
        with zipfile.ZipFile(unpacked, "w") as copy:
            _check_parts(path, parts, limits, Unpacked(copy))
    return kind


def _cut_off(path: Path) -> WorkbookRefused:
    return WorkbookRefused(f"{path.name} is cut off or damaged", "copy or export it again, and send the whole file")


def _check_names(parts: list[zipfile.ZipInfo], limits: ReadLimits) -> None:
    if len(parts) > limits.parts:
        raise refused_size(f"it has {len(parts):,} parts, more than {limits.parts:,}")
    seen: set[str] = set()
    for part in parts:
        name = part.orig_filename.replace("\\", "/").casefold()
        if "\0" in name or name.startswith("/") or ":" in name or ".." in name.split("/"):
            raise WorkbookRefused("the file holds a part whose name leads out of it", _RVTOOLS)
        if name in seen:
            raise WorkbookRefused("the file holds two parts of one name", _RVTOOLS)
        if part.flag_bits & 0x1:
            raise WorkbookRefused("the file is protected with a password", "pack it without one, and send it again")
        seen.add(name)


def _kind(path: Path, parts: list[zipfile.ZipInfo]) -> Container:
    names = [part.filename.replace("\\", "/").casefold() for part in parts]
    if any(name.endswith(("vbaproject.bin", "xlsb", "macrosheet1.xml")) or "/macrosheets/" in name for name in names):
        raise WorkbookRefused("the workbook holds macros", "save it as .xlsx without macros, and send it again")
    if path.suffix.lower() in (".xlsm", ".xltm", ".xlam"):
        raise WorkbookRefused("a workbook for macros (.xlsm) is not read", "save it as .xlsx, and send it again")
    if any("/externallinks/" in name or name.endswith("/connections.xml") for name in names):
        raise WorkbookRefused("the workbook has links to other files", "break the links in Excel, and save it again")
    if any("/embeddings/" in name or "/activex/" in name or "/ctrlprops/" in name for name in names):
        raise WorkbookRefused("the workbook holds embedded objects", _RVTOOLS)
    if "xl/workbook.xml" in names or "[content_types].xml" in names:
        return "xlsx"
    if any(name.endswith(".csv") for name in names):
        return "csv zip"
    raise WorkbookRefused(f"{path.name} holds neither a workbook nor CSV files", _RVTOOLS)


class _Room:
    """What all parts together may still inflate to. Raises WorkbookRefused when it is used up."""

    def __init__(self, limits: ReadLimits) -> None:
        self._most = limits.inflated_bytes
        self._left = limits.inflated_bytes
        self._lock = Lock()

    def take(self, count: int) -> None:
        with self._lock:
            self._left -= count
            if self._left < 0:
                raise refused_size(f"unpacked it has more than {self._most:,} bytes")

    def close(self) -> None:
        with self._lock:
            self._left = -1


class Unpacked:
    """A copy of a workbook that is not packed, of the bytes that were checked and no others.

    The reader would inflate each sheet twice more: for its cells, and to look behind them for the list of merged ones,
    which nobody here asks for. So an empty list stands before the cells, where it stops.
    """

    def __init__(self, copy: zipfile.ZipFile) -> None:
        self._copy = copy
        self._lock = Lock()

    def add(self, part: zipfile.ZipInfo, chunks: list[bytes]) -> None:
        if len(part.filename) > _LONGEST_NAME:  # no reader asks for such a part
            return
        if part.filename.startswith("xl/worksheets/"):
            for at, chunk in enumerate(chunks):
                if _CELLS in chunk:
                    chunks[at] = chunk.replace(_CELLS, b"<mergeCells></mergeCells>" + _CELLS, 1)
                    break
        with self._lock, self._copy.open(zipfile.ZipInfo(part.filename), "w") as file:
            for chunk in chunks:
                file.write(chunk)


def _check_parts(path: Path, parts: list[zipfile.ZipInfo], limits: ReadLimits, unpacked: Unpacked | None) -> None:
    """On two cores: inflating needs no lock of the interpreter's. What is refused ends the others too."""
    room = _Room(limits)
    with ThreadPoolExecutor(_CHECKERS) as pool:
        checks = [pool.submit(_check_part, path, part, limits, room, unpacked) for part in parts]
        try:
            for check in checks:
                check.result()
        except BaseException:
            room.close()
            pool.shutdown(cancel_futures=True)
            raise


def _check_part(path: Path, part: zipfile.ZipInfo, limits: ReadLimits, room: _Room, unpacked: Unpacked | None) -> None:
    """Counts what the part really inflates to, whatever its header says, and looks for declarations in it."""
    total, tail = 0, b""
    markup = part.filename.lower().endswith(_XML)
    chunks: list[bytes] = []
    try:
        with path.open("rb") as file:
            for chunk in _inflate(file, part):
                if total == 0 and markup and chunk.startswith(_WIDE):
                    raise WorkbookRefused("the workbook is written in an unusual encoding", "save it again with Excel")
                total += len(chunk)
                room.take(len(chunk))
                if total > limits.ratio_from_bytes and total > limits.ratio * max(1, part.compress_size):
                    raise refused_size("it is packed far denser than any export: it looks like a zip bomb")
                if markup and _declares(tail, chunk):
                    raise WorkbookRefused("the workbook declares XML entities, which no export does", _RVTOOLS)
                tail = chunk[-16:]
                if unpacked is not None and total <= part.file_size:  # beyond it the header lies: it is refused below
                    chunks.append(chunk)
    except (zlib.error, OSError, EOFError) as error:
        raise _cut_off(path) from error
    if total != part.file_size:
        raise _cut_off(path)
    if unpacked is not None:
        if reduce(lambda crc, chunk: zlib.crc32(chunk, crc), chunks, 0) != part.CRC:
            raise _cut_off(path)
        unpacked.add(part, chunks)


def _declares(tail: bytes, chunk: bytes) -> bool:
    """Cells hardly hold the sign that every declaration has, and to look for one sign costs next to nothing."""
    if b"!" not in chunk and b"!" not in tail:
        return False
    return _MARKUP.search(tail + chunk) is not None


def _inflate(file: BinaryIO, part: zipfile.ZipInfo) -> Iterator[bytes]:
    """The part's bytes in pieces, without trusting the sizes in its headers. Raises zlib.error, EOFError."""
    file.seek(part.header_offset)
    header = file.read(30)
    if len(header) < 30 or header[:4] != _ZIP:
        raise EOFError
    file.seek(
        part.header_offset + 30 + int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
    )
    left = part.compress_size
    if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise zlib.error("a way of packing that no export uses")
    inflator = zlib.decompressobj(-15) if part.compress_type == zipfile.ZIP_DEFLATED else None
    while left > 0:
        packed = file.read(min(left, _CHUNK // 4))
        if not packed:
            raise EOFError
        left -= len(packed)
        if inflator is None:
            yield packed
            continue
        while packed:
            yield inflator.decompress(packed, _CHUNK)
            packed = inflator.unconsumed_tail
    if inflator is not None:
        yield inflator.flush()
        if not inflator.eof:
            raise EOFError
