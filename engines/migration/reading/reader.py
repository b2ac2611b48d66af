"""Reads an export in a child process, so that a hostile file costs that child and nothing else."""

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import islice
from pathlib import Path

import engines
from engines.migration.estate import Estate
from engines.migration.reading import wire
from engines.migration.reading.child import REFUSED
from engines.migration.reading.limits import ReadLimits, WorkbookRefused, refused_size

Progress = Callable[[str, int], None]  # the sheet that was read, and its rows
Keep = Callable[[str], None]


def _silent(sheet: str, rows: int) -> None:
    """Nobody is listening."""


def read_export(
    path: Path,
    limits: ReadLimits | None = None,
    progress: Progress = _silent,
    name: str | None = None,
    keep: Keep | None = None,
) -> Estate:
    """Blocks until the file is read; call it in a thread. `name` is what the report calls the file.

    `keep` is given each line of the estate, out of which `wire.read` makes it again without the file.

    Raises WorkbookRefused for a file that is not read, RuntimeError when reading failed for no reason of the file's.
    """
    limits = limits or ReadLimits()
    with tempfile.TemporaryDirectory(prefix="stackhand-rvtools-") as scratch:
        out = Path(scratch) / "estate"
        out.touch()
        with out.open("rb") as file:
            lines = file if keep is None else _kept(file, keep)
            return _run(path, out, lines, name or path.name, limits, progress)


def _kept(lines: Iterable[bytes], keep: Keep) -> Iterator[bytes]:
    for line in lines:
        keep(line.rstrip(b"\n").decode())
        yield line


def read_bytes(
    content: bytes,
    name: str,
    limits: ReadLimits | None = None,
    progress: Progress = _silent,
    keep: Keep | None = None,
) -> Estate:
    """As `read_export`, of a file that was sent. Its name decides nothing but what kind it claims to be."""
    suffix = Path(name).suffix.lower()
    with tempfile.TemporaryDirectory(prefix="stackhand-rvtools-") as scratch:
        path = Path(scratch) / f"export{suffix if suffix in ('.xlsx', '.xlsm', '.xls', '.zip', '.csv') else ''}"
        path.write_bytes(content)
        return read_export(path, limits, progress, name, keep)


def _run(path: Path, out: Path, lines: Iterable[bytes], name: str, limits: ReadLimits, progress: Progress) -> Estate:
    """`lines` are those of OUT; as soon as the child says that some stand there, they are read while it writes on."""
    command = [sys.executable, "-P", "-m", "engines.migration.reading.child"]
    arguments = [str(path.absolute()), str(out), name, json.dumps(asdict(limits))]
    late = threading.Event()
    last: dict[str, object] = {}
    arriving = wire.Arriving()
    with (
        subprocess.Popen(  # noqa: S603 - our own module, and arguments that are never read as code
            [*command, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            text=True,
            encoding="utf-8",
        ) as child,
        _deadline(child, limits.seconds, late),
    ):
        for line in child.stdout or ():
            last = json.loads(line)
            if "sheet" in last:
                progress(str(last["sheet"]), int(str(last["rows"])))
            elif "written" in last:
                arriving.take(islice(lines, int(str(last["written"]))))
    _judge(child.returncode, last, late.is_set(), limits)
    arriving.take(lines)
    return arriving.estate()


def _environment() -> dict[str, str]:
    """What Python needs to start, and no setting of ours: the child must not know a secret."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT") if name in os.environ}
    return {**kept, "PYTHONPATH": str(Path(engines.__file__).parents[1]), "PYTHONUTF8": "1"}


@contextmanager
def _deadline(child: "subprocess.Popen[str]", seconds: int, late: threading.Event) -> Iterator[None]:
    def stop() -> None:
        late.set()
        child.kill()

    timer = threading.Timer(seconds, stop)
    timer.start()
    try:
        yield
    except BaseException:
        child.kill()
        raise
    finally:
        child.wait()
        timer.cancel()


def _judge(code: int, last: dict[str, object], late: bool, limits: ReadLimits) -> None:
    """Returns only when the child has read the whole file."""
    if code == 0:
        return
    refused = last.get("refused")
    if code == REFUSED and isinstance(refused, list):
        raise WorkbookRefused(*map(str, refused))
    if late or code == -24:  # SIGXCPU
        raise refused_size(f"it takes longer than {limits.seconds} seconds")
    if code in (-6, -9):  # the Rust reader aborts where memory ends
        raise refused_size("its cells need more memory than a file may have, or lie too far apart")
    raise RuntimeError(f"the reader ended with {code}: {last.get('failed', 'without a word')}")
