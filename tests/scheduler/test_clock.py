import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any

from scheduler.clock import first_tick, make_clock


async def ticks_of(every_s: int, for_s: float) -> list[tuple[str, datetime]]:
    """What a clock of one process asks for."""
    asked: list[tuple[str, datetime]] = []
    tasks: list[asyncio.Task[None]] = []

    async def ask(source: str, scheduled: datetime) -> None:
        asked.append((source, scheduled))

    def spawn(work: Coroutine[Any, Any, None]) -> None:
        tasks.append(asyncio.ensure_future(work))

    clock = make_clock(["lab", "big/North"], every_s, ask, spawn)
    clock.start()
    await asyncio.sleep(for_s)
    clock.shutdown()
    await asyncio.gather(*tasks)
    return asked


async def test_two_processes_name_their_ticks_alike() -> None:
    one, other = await asyncio.gather(ticks_of(1, 2.5), ticks_of(1, 2.5))
    assert {source for source, _ in one} == {"lab", "big/North"}
    assert all(at.microsecond == 0 and at.tzinfo is UTC for _, at in one + other)
    assert len(one) == len(set(one)) and len(set(one) & set(other)) >= 2


def test_the_sources_are_spread_over_the_interval_and_stay_there() -> None:
    starts = {first_tick(f"cloud-{n}", 900) for n in range(20)}
    assert len(starts) > 10
    assert first_tick("lab", 900) == first_tick("lab", 900)
