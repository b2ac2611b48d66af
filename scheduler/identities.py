"""Who a worker is: one name for each process, the same after a restart, kept in the state directory."""

import fcntl
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

_MOST = 64  # processes that share a state directory
_NAME = re.compile(r"[\w.-]{1,100}")


@contextmanager
def identity(directory: Path | None) -> Iterator[str]:
    """The name, ours alone as long as the block lasts. Without a directory that can be written to it is a new one."""
    handle, name = _take(directory) if directory is not None else (None, _new())
    try:
        yield name
    finally:
        if handle is not None:
            os.close(handle)  # the system lets go of the lock, also when the process is killed


def _take(directory: Path) -> tuple[int | None, str]:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for number in range(_MOST):
            handle = os.open(directory / f"worker-{number}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(handle)
                continue
            return handle, _kept(handle)
    except OSError:
        return None, _new()
    return None, _new()


def _kept(handle: int) -> str:
    known = os.read(handle, 200).decode("utf-8", errors="replace").strip()
    if _NAME.fullmatch(known):
        return known
    name = _new()
    os.ftruncate(handle, 0)
    os.pwrite(handle, name.encode(), 0)
    return name


def _new() -> str:
    host = re.sub(r"[^\w.-]", "", socket.gethostname())[:40] or "worker"
    return f"{host}-{token_hex(6)}"
