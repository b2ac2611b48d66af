"""Measures an RVTools export from file to workbook: `python -m tests.benchmarks.exports FILE… [--openpyxl]`.

For each file: seconds of the whole and of each part, and the peak of the memory of this process and its children.
With several files of one kind the growth from the first to the last is printed.
"""

import argparse
import gc
import multiprocessing
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from engines.migration.assessment import assess
from engines.migration.calendars import Calendar
from engines.migration.csv_files import write_csv_zip
from engines.migration.dossiers import dossier_without_target
from engines.migration.pdf.report import write_pdf
from engines.migration.plans import Settings, make_plan
from engines.migration.reading.limits import ReadLimits
from engines.migration.reading.reader import read_export
from engines.migration.sheets import plan_sheets
from engines.migration.transfer import Transfer
from engines.migration.workbook import write_workbook

_MIB = 1 << 20


class Tree:
    """Watches the memory of this process and its children, twenty times a second."""

    def __init__(self) -> None:
        self.peak = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        own = psutil.Process()
        while not self._stop.wait(0.05):
            total = 0
            for process in (own, *own.children(recursive=True)):
                try:
                    total += process.memory_info().rss
                except psutil.Error:
                    continue
            self.peak = max(self.peak, total)

    def __enter__(self) -> "Tree":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def _timed(work: Callable[[], Any]) -> tuple[Any, float, float, float]:
    """What came of it, seconds, CPU seconds of this process and its children, and the peak in MiB."""
    before = psutil.Process().cpu_times()
    begun = time.monotonic()
    with Tree() as tree:
        found = work()
    after = psutil.Process().cpu_times()
    cpu = (after.user + after.children_user) - (before.user + before.children_user)
    return found, time.monotonic() - begun, cpu, tree.peak / _MIB


def measure(path: Path) -> dict[str, float]:
    """In a process of its own, so that the peak is this file's; without the collector, as the command runs."""
    gc.disable()
    limits = ReadLimits(seconds=1800)
    plan_settings = Settings(Transfer(), Calendar(datetime(2027, 1, 4, tzinfo=UTC)))
    assessment, read_s, read_cpu, read_mib = _timed(lambda: assess(read_export(path, limits)))
    plan, plan_s, plan_cpu, plan_mib = _timed(lambda: make_plan(assessment, plan_settings))
    papers = dossier_without_target(plan, path.stem)
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "plan"
        _, book_s, book_cpu, book_mib = _timed(lambda: write_workbook(out, plan_sheets(papers), {}))
        _, pdf_s, pdf_cpu, pdf_mib = _timed(lambda: write_pdf(out, papers))
        _, csv_s, csv_cpu, csv_mib = _timed(lambda: write_csv_zip(out, plan_sheets(papers)))
    return {
        "vms": len(assessment.vms), "read_s": read_s, "read_cpu": read_cpu, "read_mib": read_mib, "plan_s": plan_s,
        "plan_cpu": plan_cpu, "plan_mib": plan_mib, "book_s": book_s, "book_cpu": book_cpu, "book_mib": book_mib,
        "pdf_s": pdf_s, "pdf_cpu": pdf_cpu, "pdf_mib": pdf_mib, "csv_s": csv_s, "csv_cpu": csv_cpu, "csv_mib": csv_mib,
    }  # fmt: skip


Times = tuple[float, float]  # CPU seconds, seconds


def walked(path: Path) -> tuple[Times, Times]:
    """Walking the sheets that are read, and nothing else: with our reader, with openpyxl read only."""
    from engines.migration.reading.containers import open_sheets
    from engines.migration.reading.headers import spec_of

    cpu, wall = time.process_time(), time.monotonic()
    with open_sheets(path, "xlsx", ReadLimits()) as sheets:
        for _, rows in sheets.in_order([title for title in sheets.titles if spec_of(title) is not None]):
            for _row in rows:
                pass
    ours = (time.process_time() - cpu, time.monotonic() - wall)
    return ours, _with_openpyxl(path)


def _with_openpyxl(path: Path) -> Times:
    import openpyxl

    from engines.migration.reading.headers import spec_of

    cpu, wall = time.process_time(), time.monotonic()
    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    for sheet in book.worksheets:
        if spec_of(sheet.title) is not None:
            for _ in sheet.iter_rows(values_only=True):
                pass
    return (time.process_time() - cpu, time.monotonic() - wall)


def read_alone(path: Path) -> float:
    """Seconds of reading into records: checks, the child process, both ways over; no grades."""
    begun = time.monotonic()
    read_export(path, ReadLimits(seconds=1800))
    return time.monotonic() - begun


def _compare(path: Path, found: dict[str, float]) -> None:
    """Each time a quotient; which of them is "the speed of reading" is for the reader to say."""
    (our_cpu, our_s), (cpu, wall) = walked(path)
    read_s = read_alone(path)
    print(f"  openpyxl read-only walks these sheets in {cpu:.1f} CPU s, {wall:.1f} s; that is, of ours:")
    print(
        f"    {cpu / our_cpu:.1f} x the CPU and {wall / our_s:.1f} x the time of walking ({our_cpu:.1f}, {our_s:.1f})"
    )
    print(f"    {wall / read_s:.1f} x the time of reading into records ({read_s:.1f} s)")
    graded = f"{cpu / found['read_cpu']:.1f} x the CPU and {wall / found['read_s']:.1f} x the time"
    print(f"    {graded} of reading and grading")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--openpyxl", action="store_true", help="also walk the sheets with openpyxl")
    options = parser.parse_args()
    found: list[dict[str, float]] = []
    for path in options.files:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            found.append(pool.apply(measure, (path,)))
        print(path.name, "  ".join(f"{name} {value:,.1f}" for name, value in found[-1].items()))
        if options.openpyxl:
            _compare(path, found[-1])
    if len(found) > 1:
        first, last = found[0], found[-1]
        size = last["vms"] / first["vms"]
        for part in ("read_cpu", "plan_cpu", "book_cpu"):
            print(f"growth of {part}: {last[part] / first[part]:.1f} for {size:.1f} times the VMs")


if __name__ == "__main__":
    main()
