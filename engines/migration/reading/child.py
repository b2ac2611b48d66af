"""The process that reads one file: `python -m engines.migration.reading.child FILE OUT LIMITS`.

It has no secrets in its environment, little memory, little time, and answers in lines of JSON on stdout:
`{"sheet", "rows"}` as it goes, `{"written": lines}` when there is more to read in OUT, and `{"refused": [what, fix]}`
or `{"failed": where}` when it ends badly.
"""

import contextlib
import gc
import json
import resource
import sys
from pathlib import Path
from typing import Any

from engines.migration.reading.limits import ReadLimits, WorkbookRefused, refused_size

REFUSED, FAILED = 3, 4


def main(arguments: list[str]) -> int:
    path, out, name, limits = (
        Path(arguments[0]),
        Path(arguments[1]),
        arguments[2].encode(errors="replace").decode(),  # the name of a file need not be text
        ReadLimits(**json.loads(arguments[3])),
    )
    _limit(limits)
    gc.disable()  # nothing here goes round in circles, and to look for it among millions of cells takes its time
    try:
        _read(path, out, name, limits)
    except WorkbookRefused as refused:
        return _end(REFUSED, refused=[refused.what, refused.fix])
    except MemoryError:
        big = refused_size("its cells need more memory than a file may have")
        return _end(REFUSED, refused=[big.what, big.fix])
    except KeyboardInterrupt:
        return FAILED
    except BaseException as error:  # a panic of the Rust reader is no Exception
        import traceback

        places = [f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
        return _end(FAILED, failed=f"{type(error).__name__} in {' '.join(places[-4:])}")
    return 0


def _limit(limits: ReadLimits) -> None:
    for what, most in (
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_CPU, limits.seconds),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, limits.inflated_bytes),
    ):
        hard = resource.getrlimit(what)[1]
        resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _read(path: Path, out: Path, name: str, limits: ReadLimits) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from engines.migration.reading.archives import check_container

    unpacked = out.with_name("unpacked.xlsx")
    with ThreadPoolExecutor(1) as pool:
        checking = pool.submit(check_container, path, limits, unpacked)
        from engines.migration.reading import wire  # meanwhile
        from engines.migration.reading.assembly import Assembly
        from engines.migration.reading.containers import open_sheets

        container = checking.result()
    assembly = Assembly(name, limits, lambda sheet, rows: _say(sheet=sheet, rows=rows))
    with open_sheets(path, container, limits, unpacked) as sheets:
        assembly.read(sheets)
        is_small = sheets.is_small
    with out.open("wb") as file:
        written = (lambda lines: _say(written=lines)) if is_small else None
        wire.write(file, assembly.vms(), assembly.platform, assembly.report(), written)


def _say(**what: Any) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def _end(code: int, **what: Any) -> int:
    with contextlib.suppress(OSError):
        _say(**what)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
