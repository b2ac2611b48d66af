"""Every restore that makes sense on a real OpenStack, and each that does not: python -m tests.cloud.restore_matrix

Prints a table in Markdown; with --trials another, of those that go wrong on purpose: faults, cancel, kill -9. Each
restore is looked at through openstacksdk afterwards: addresses, order of volumes, flavor, security groups, metadata,
the original, nothing left over. Settings as in test_acting_live.py. Made in projects of its own, which are removed.
"""

import argparse
import asyncio
import os
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from engines.restore.wishes import CannotPlanError, Wish
from scheduler.durable import prepare
from storage.database import Database, migrate
from storage.embedded import start
from tests.cloud.restore_bed import administrator, bed_of, many
from tests.cloud.restore_cases import SHAPES, Case, cases
from tests.cloud.restore_looks import look
from tests.cloud.restore_runs import Ended, Runner, clients, leftovers, wrongs
from tests.cloud.restore_trials import cancelled, fails, killed, leaves

AT_ONCE = 5


@dataclass
class Row:
    case: Case
    ends: str
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)

    @property
    def line(self) -> str:
        c, took = self.case, f"{self.seconds:.0f}" if self.seconds else ""
        wrong = "; ".join(self.wrong).replace("|", "/") or "as planned"
        return f"| {c.shape} | {c.original} | {c.mode} | {c.strategy or '-'} | {self.ends} | {took} | {wrong} |"


HEAD = "| shape | original | mode | addresses | ends | s | seen through openstacksdk |\n|---|---|---|---|---|---|---|"


@asynccontextmanager
async def fresh_database() -> AsyncIterator[Database]:
    state = Path(tempfile.gettempdir()) / f"stackhand-matrix-{os.getpid()}-{secrets.token_hex(3)}"
    try:
        with start(state) as server:
            database = Database(server.url)
            await migrate(database)
            await prepare(server.url)
            yield database
            await database.close()
    finally:
        shutil.rmtree(state, ignore_errors=True)


async def batch(database: Database, chosen: Sequence[Case]) -> list[Row]:
    """Restores of one project: originals are made, listed, brought to their states, restored side by side, compared."""
    clouds = clients()
    with bed_of(await asyncio.to_thread(administrator)) as bed:
        runner = Runner(database, clouds, bed)
        began = time.monotonic()
        originals = await originals_of(runner, chosen)
        say(f"{len(originals)} originals in {time.monotonic() - began:.0f} s")
        before = await asyncio.to_thread(bed.all)
        gate = asyncio.Semaphore(AT_ONCE)
        chains = [[case for case in chosen if case.vm == name] for name in originals]

        async def chain(those: Sequence[Case]) -> list[tuple[Row, Ended | None]]:
            async with gate:
                return [await one(runner, case, originals[case.vm]) for case in those]

        done = [pair for pairs in await asyncio.gather(*map(chain, chains)) for pair in pairs]
        now = await asyncio.to_thread(bed.all)
        for line in leftovers(before, now, [ended for _, ended in done if ended]):
            say(f"LEFT: {line}")
            done[0][0].wrong.append(line)
    await clouds.close()
    return [row for row, _ in done]


async def originals_of(runner: Runner, chosen: Sequence[Case]) -> dict[str, str]:
    """{name: id}, listed by the inventory as they stand; those that are deleted as they last stood."""
    bed = runner.bed
    first = {case.vm: case for case in reversed(chosen)}
    ids = await asyncio.to_thread(
        many, [lambda c=c: bed.vm(c.vm, c.shape, floating=c.floating) for c in first.values()]
    )
    found = dict(zip(first, ids, strict=True))

    def ready(case: Case) -> None:
        if case.original in ("stopped", "error"):
            bed.put(found[case.vm], case.original)
        runner.looks[case.vm] = look(bed, found[case.vm])

    await asyncio.to_thread(many, [lambda c=c: ready(c) for c in first.values()])
    await runner.sync()
    gone = [name for name, case in first.items() if case.original == "deleted"]
    if gone:
        await asyncio.to_thread(many, [lambda n=n: bed.put(found[n], "deleted") for n in gone])
        await runner.sync()
    return found


async def one(runner: Runner, case: Case, vm_id: str) -> tuple[Row, Ended | None]:
    was = runner.looks[case.vm]
    try:
        plan = await runner.plan(vm_id, case.wish((was.volumes[1],) if case.mode == "attach" else ()))
    except CannotPlanError as error:
        return Row(case, "no plan", 0.0, [error.what]), None
    if plan.failed:
        words = "; ".join(f"{check.name}: {check.detail}" for check in plan.failed)
        wrong = [] if case.refusal and case.refusal in words else ["not refused for this"]
        say(f"{case}: refused: {words} {wrong}")
        return Row(case, f"refused: {words[:160]}", 0.0, wrong), None
    if case.refusal:
        return Row(case, "planned", 0.0, ["it should have been refused"]), None
    ended = await runner.run(plan)
    wrong = await asyncio.to_thread(wrongs, runner.bed, case, was, ended)
    say(f"{case}: {ended.state} in {ended.took_s:.0f} s {wrong}")
    return Row(case, ended.state, ended.took_s, wrong), ended


TRIALS = ("spawn fault", "clone fault", "cancel", "cancel late", "kill", "kill and cancel", "left")


async def trials(database: Database, url: str, chosen: Sequence[str]) -> list[Row]:
    """Each on a VM of its own, one after the other: nothing in the project changes but what is planned."""
    clouds, rows = clients(), []
    with bed_of(await asyncio.to_thread(administrator)) as bed, tempfile.TemporaryDirectory() as place:
        runner = Runner(database, clouds, bed)
        killed_one = Case("volume+1", "replace", "try_same_ips", "running")
        names = {name: killed_one.vm if name == "kill" else name.replace(" ", "-") for name in chosen}
        ids = await asyncio.to_thread(many, [lambda n=n: bed.vm(n, floating=True) for n in names.values()])
        found = dict(zip(names, ids, strict=True))
        if "spawn fault" in found:
            bed.inside.compute.set_server_metadata(found["spawn fault"], testbed_fault="spawn")
        for name, fault in (("clone fault", "clone"), ("left", "delete")):
            if name in found:
                bed.inside.block_storage.set_volume_metadata(look(bed, found[name]).volumes[1], testbed_fault=fault)
        if "left" in found:
            bed.inside.compute.set_server_metadata(found["left"], testbed_fault="spawn")
        await runner.sync()
        replace_ = Wish("replace", safety=True)
        does: dict[str, Callable[[str], Awaitable[tuple[Ended, list[str]]]]] = {
            "spawn fault": lambda vm: fails(runner, vm, replace_, "could not start it"),
            "clone fault": lambda vm: fails(runner, vm, replace_, "could not be made"),
            "cancel": lambda vm: cancelled(runner, vm, replace_, "volumes ready"),
            "cancel late": lambda vm: cancelled(runner, vm, replace_, "server active"),
            "kill": lambda vm: killed(runner, vm, killed_one, "server", url, Path(place)),
            "kill and cancel": lambda vm: killed(
                runner, vm, killed_one, "server active", url, Path(place), cancel=True
            ),
            "left": lambda vm: leaves(runner, vm),
        }
        for name in chosen:
            before = await asyncio.to_thread(bed.all)
            began = time.monotonic()
            ended, wrong = await does[name](found[name])
            wrong += leftovers(before, await asyncio.to_thread(bed.all), [ended])
            told = f"{name}: {ended.state} {ended.error} {[dict(one) for one in ended.left] or ''}"
            say(f"{told} {wrong}")
            rows.append(Row(killed_one, told, time.monotonic() - began, wrong))
    await clouds.close()
    return rows


def say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def chosen_of(only: Sequence[str]) -> list[Case]:
    """Cases that fit in each respect of which words are given: `deleted stopped replace` are two states, one mode."""
    every = [_words(case) for case in cases()]
    respects = [{words[place] for words in every} & set(only) for place in range(4)]
    return [case for case in cases() if all(not r or w in r for r, w in zip(respects, _words(case), strict=True))]


def _words(case: Case) -> tuple[str, str, str, str]:
    return case.shape, case.mode, case.strategy or "-", case.original


async def main(only: Sequence[str], *, tried: bool) -> int:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    rows: list[Row] = []
    began = time.monotonic()
    async with fresh_database() as database:
        if tried:
            url = database.engine.url.render_as_string(hide_password=False)
            some = await trials(database, url, [name for name in TRIALS if not only or name in only])
            print("| trial | s | seen through openstacksdk |\n|---|---|---|")
            for row in some:
                print(f"| {row.ends} | {row.seconds:.0f} | {'; '.join(row.wrong) or 'whole or undone, as planned'} |")
            return int(any(row.wrong for row in some))
        for shape in SHAPES:
            some = [case for case in chosen_of(only) if case.shape == shape]
            if some:
                rows += await batch(database, some)
                say("\n".join(row.line for row in rows))
    print(HEAD)
    order = list(cases())
    for row in sorted(rows, key=lambda row: order.index(row.case)):
        print(row.line)
    bad = sum(bool(row.wrong) for row in rows)
    refused = sum(row.ends.startswith("refused") for row in rows)
    load = os.getloadavg()[0]
    print(
        f"\n{len(rows)} cases: {len(rows) - refused} run, {refused} refused, {bad} not as planned;"
        f" {time.monotonic() - began:.0f} s, load {load:.1f}"
    )
    return 1 if bad else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="*", help="shapes, modes, addresses, states: only cases with one of each kind")
    parser.add_argument("--trials", action="store_true", help=f"what goes wrong on purpose: {', '.join(TRIALS)}")
    told = parser.parse_args()
    raise SystemExit(asyncio.run(main(told.only, tried=told.trials)))
