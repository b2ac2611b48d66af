"""Files that people send that are too large to be held in memory: on disk, for as long as somebody holds them."""

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path, PurePath

from bot.messages import Upload
from engines.migration.reading.limits import MIB, SENT_FILE

MOST_BYTES = 20 * MIB
"""Of the files of one message together, RVTools exports apart."""
MOST_EXPORT_BYTES = SENT_FILE.file_bytes
"""Of the RVTools exports of one message together."""
EXPORT_SUFFIXES = (".xlsx", ".xlsm", ".xls", ".zip", ".csv")
TOO_LARGE = (
    f"it is too large: with one message RVTools exports of up to {MOST_EXPORT_BYTES // MIB} MiB are taken, and other"
    f" files of up to {MOST_BYTES // MIB} MiB"
)
_HELD_BYTES = MIB  # more than that goes to disk


class FileTooLarge(ValueError):  # noqa: N818 - an answer to whoever sent it
    def __init__(self) -> None:
        super().__init__(TOO_LARGE)


class StoredFile:
    """A file on disk that is gone when nobody holds this object any more."""

    def __init__(self, name: str) -> None:
        suffix = PurePath(name).suffix.lower()
        kind = suffix if suffix in EXPORT_SUFFIXES else ""
        self._file = tempfile.NamedTemporaryFile(prefix="stackhand-upload-", suffix=kind)  # noqa: SIM115
        self.size = 0

    @property
    def path(self) -> Path:
        return Path(self._file.name)

    def add(self, block: bytes) -> None:
        self._file.write(block)
        self.size += len(block)

    def end(self) -> None:
        """All of it is there for whoever reads the path."""
        self._file.flush()


def is_export_name(name: str) -> bool:
    """What is in the file is seen when it is read."""
    return name.casefold().endswith(EXPORT_SUFFIXES)


async def received(name: str, blocks: AsyncIterator[bytes], most: int) -> Upload:
    """The file out of its blocks; an export of more than a MiB is never whole in memory.

    Raises FileTooLarge as soon as there are more than `most` bytes, and OSError where the disk is full.
    """
    held, stored = bytearray(), StoredFile(name) if is_export_name(name) else None
    count = 0
    async for block in blocks:
        count += len(block)
        if count > most:
            raise FileTooLarge
        if stored is not None and count > _HELD_BYTES:
            stored.add(bytes(held) + block)
            held.clear()
        else:
            held += block
    if stored is None or not stored.size:
        return Upload(name, bytes(held))
    stored.end()
    return Upload(name, kept=stored)
