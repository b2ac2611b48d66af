"""How far a job is, written down at most every so often."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from engines.actions import Result, Telling
from engines.plans import Step
from storage import claims
from storage.claims import Claimed

if TYPE_CHECKING:
    from engines.changes.sagas import Workshop


class Progress:
    """Of one run. What comes too soon after the last writing is left out, unless more follows it later."""

    def __init__(self, workshop: "Workshop", held: Claimed, steps: int) -> None:
        self._workshop = workshop
        self._held = held
        self._steps = steps
        self._told_at = 0.0 if steps > 1 else time.monotonic()  # a job of one step is often over before anybody looks

    async def begin(self, number: int, step: Step) -> None:
        await self._write({"step": number, "name": step.does})

    async def tell(self, number: int, step: Step, telling: Telling) -> None:
        told = {"done": telling.done, "of": telling.of, "counts": dict(telling.counts), "note": telling.note}
        await self._write({"step": number, "name": step.does, **told})

    async def note(self, number: int, step: Step, words: str) -> None:
        await self._write({"step": number, "name": step.does, "note": words})

    async def _write(self, told: Mapping[str, Any]) -> None:
        now = time.monotonic()
        if now - self._told_at < self._workshop.tell_every_s:
            return
        self._told_at = now
        async with self._workshop.database.begin() as conn:
            await claims.tell(conn, self._held.id, self._held.runner, {"steps": self._steps, **told})


def counts_of(results: Mapping[str, Result]) -> dict[str, int]:
    """The counts that the steps gave, added up: their `counts`, or every whole number in their results."""
    total: dict[str, int] = {}
    for result in results.values():
        counts = result.get("counts")
        for name, number in (counts if isinstance(counts, Mapping) else result).items():
            if isinstance(number, int) and not isinstance(number, bool):
                total[name] = total.get(name, 0) + number
    return total
