"""What every answer about a migration needs: which one is meant, who may know of it, how it stands."""

import asyncio
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.handlers.asking import Ask
from bot.plan_sights import sights_of
from bot.replies import Choice, Choices, Link, Part, Reply, Text
from engines.policy import is_of_the_whole_plan
from intents.readings import Name
from storage import exchanges
from storage import migration_decisions as decisions
from storage import migration_projects as projects
from storage import migration_vms as vms
from storage import migration_waves as waves
from storage.migration_projects import Project
from storage.migration_sights import Sight
from storage.migration_vms import Line, Only

if TYPE_CHECKING:
    from engines.migration.plans import MigrationPlan
    from engines.migration.projects import Decisions
    from engines.migration.times import Job

_WORD_ENDS = re.compile(r"[\s,;:!?\"'()]+|\.(?=\s|$)")
_LOOKED_BACK = 5  # answers of the conversation
DROP = "Drop an RVTools export (.xlsx, or a zip of its CSV files) into this conversation."


@dataclass(frozen=True, slots=True)
class Meant:
    """The migration that a question is about, as far as the asker sees it; `others` are those that it might have been
    as well."""

    sight: Sight
    others: tuple[str, ...] = ()
    said: bool = False

    @property
    def project(self) -> Project:
        return self.sight.project

    @property
    def only(self) -> Only:
        """The tenants whose VMs alone the asker sees; None: everything."""
        return self.sight.only

    @property
    def scope(self) -> str:
        """What was understood, and how old it is."""
        if self.only is not None:
            return f"migration {self.project.name}, {tenants_words(self.only)} alone, {self._age}{self._also}"
        return f"migration {self.project.name}, {self._age} ({self.project.file}){self._also}"

    @property
    def _age(self) -> str:
        made = self.project.export_at
        return f"export of {made:%Y-%m-%d %H:%M}" if made else f"export sent {self.project.uploaded_at:%Y-%m-%d %H:%M}"

    @property
    def _also(self) -> str:
        return "" if self.said or not self.others else f"; the newest, there are also {', '.join(self.others[:5])}"


def tenants_words(only: Collection[str]) -> str:
    """ "tenant Finance", "tenants A, B and 3 more"."""
    names = sorted(only)
    more = f" and {len(names) - 3:,} more" if len(names) > 3 else ""
    return f"tenant{'s' if len(names) != 1 else ''} {', '.join(names[:3])}{more}"


async def meant(ask: Ask, migration: Name | None) -> Meant | Reply:
    """The one that is named, else the one that the conversation was about, else the newest. What the asker may not do
    with the part that they see is refused here."""
    found = await sights_of(ask.conn, ask.who, ask.channel)
    if not found:
        lead = Text("There is no migration project that you may see.", "heading")
        return Reply((lead, Text(DROP)), "not_found")
    known = [one.project for one in found]
    name = migration.name if migration else _mentioned(ask, known) or await _last_named(ask)
    same = [one for one in found if name and one.project.name.casefold() == name.casefold()]
    if migration is not None and not same:
        return _no_such(migration.name, known)
    may = [one for one in same or found if _may(ask, one)]
    if not may:
        return _in_part_alone((same or found)[0])
    others = tuple(one.project.name for one in found if one is not may[0] and _may(ask, one))
    return Meant(may[0], others, said=bool(same))


def _may(ask: Ask, sight: Sight) -> bool:
    if sight.is_whole:
        return True
    intent = ask.catalogue.intents.get(ask.reading.intent or "")
    return intent is not None and not is_of_the_whole_plan(intent.name, intent.risk)


def _in_part_alone(sight: Sight) -> Reply:
    name = sight.project.name
    lead = Text(f"Of the migration {name} you see {tenants_words(sight.only or ())} alone.", "heading")
    why = Text("That is about all of it, and all of its tenants: whoever sent the export, or an admin, can do it.")
    look = Choice("what you see", f"summary of the {name} migration")
    return Reply((lead, why, Choices((look,))), "not_allowed", private=True)


def _mentioned(ask: Ask, found: Sequence[Project]) -> str:
    """ "exclude tenant Lab from dc1": a project that the sentence names, where its intent has no room for it."""
    said = f" {_WORD_ENDS.sub(' ', ask.reading.text.casefold())} "
    return next((one.name for one in found if f" {one.name.casefold()} " in said), "")


_SCOPE = re.compile(r"migration (.+?), ")


async def _last_named(ask: Ask) -> str:
    """The migration that the conversation was about, as its last answers told: those name it in their scope."""
    for one in await exchanges.last(ask.conn, ask.conversation, ask.who.id, ask.now, _LOOKED_BACK):
        if found := _SCOPE.match(str(one.reply.get("scope", ""))):
            return found[1]
    return ""


def _no_such(name: str, found: Sequence[Project]) -> Reply:
    choices = tuple(Choice(one.name, f"summary of the {one.name} migration") for one in found[:5])
    lead = Text(f"I know no migration project “{name}”.", "heading")
    return Reply((lead, Choices(choices, "There are:"), Text(DROP, "note")), "not_found")


def told(
    ask: Ask, which: Meant, parts: Sequence[Part], *, scope: str = "", outcome: str = "answered", page: str = "",
    **fields: Any,
) -> Reply:  # fmt: skip
    """Privately where others read it who did not see the export come in. `page` is the part of the plan's own page that
    shows more."""
    if outcome == "answered" and not any(isinstance(part, Link) for part in parts):
        at = len(parts) - (1 if parts and isinstance(parts[-1], Choices) else 0)
        parts = [*parts[:at], plan_link(which.project, page), *parts[at:]]
    words = ", ".join(one for one in (which.scope, scope) if one)
    reply = Reply(tuple(parts), outcome, scope=words, **fields)  # type: ignore[arg-type]
    return replace(reply, private=not (ask.is_private or _came_in_here(ask, which.project)))


def plan_link(project: Project, page: str = "") -> Link:
    """To the plan's own page, or to a part of it."""
    return Link("Open the plan", f"/migrations/{project.id}{page}")


def _came_in_here(ask: Ask, project: Project) -> bool:
    channel = ask.channel
    return channel is not None and (project.surface, project.channel) == (channel.surface, channel.id)


async def containing(ask: Ask, names: Sequence[str]) -> tuple[Meant, list[list[Line]]] | Reply:
    """The migration that has VMs of all these names: the one that is meant, else the newest; and these VMs."""
    which = await meant(ask, None)
    if isinstance(which, Reply):
        return which
    for one in (which, *await others(ask, which)):
        found = [await vms.named(ask.conn, one.project.id, name, one.only) for name in names]
        if all(found):
            return one, found
    missing = [name for name in names if not await vms.named(ask.conn, which.project.id, name, which.only)]
    said = f"VM “{missing[0]}”" if len(missing) == 1 else f"VMs {', '.join(f'“{name}”' for name in missing[:5])}"
    lead = Text(f"The migration {which.project.name} has no {said}.", "heading")
    return told(ask, which, (lead, Text("The names are those of the export.")), outcome="not_found")


async def others(ask: Ask, which: Meant) -> Sequence[Meant]:
    """Those that might be meant as well, where none was named."""
    if which.said:
        return ()
    found = await sights_of(ask.conn, ask.who, ask.channel)
    return [Meant(one, which.others) for one in found if one.project.id != which.project.id and _may(ask, one)]


def quoted(name: str) -> str:
    """As a sentence can hold it."""
    return name if name.replace("-", "").replace("_", "").replace(".", "").isalnum() else f'"{name}"'


def stale_parts(name: str, stale: Sequence[str]) -> tuple[Part, ...]:
    """That waves are out of date: since when they know of what, and what to do."""
    if not stale:
        return ()
    more = f"; and {len(stale) - 4} more" if len(stale) > 4 else ""
    lead = f"These waves are out of date. They do not know: {'; '.join(stale[:4])}{more}."
    build = Choice("build anew", f"plan waves for {name}", "waves that went on stay as they are")
    return (Text(lead, "warning"), Choices((build,)))


async def decided(ask: Ask, which: Meant, why: str) -> tuple[Part, ...]:
    """Keeps that something was decided of which the schedule and the waves, if there are any, know nothing."""
    if not await projects.decided(ask.conn, which.project.id, why):
        return ()
    name = which.project.name
    return (Text(f"The waves of {name} are out of date now: say “plan waves for {name}” to build them anew.", "note"),)


async def jobs_of(conn: AsyncConnection, id_: int, only: Only = None) -> "list[Job]":
    """What has to be moved, in order, with what waits for what; of some tenants alone without what of others'."""
    from engines.migration.keeping import JobRow, jobs_from

    rows = [JobRow(*row) for row in await vms.jobs(conn, id_, only=only)]
    return jobs_from(rows, await decisions.dependencies(conn, id_))


async def schedule_of(conn: AsyncConnection, project: Project) -> dict[str, Any]:
    """As it was kept; made anew where a decision has changed what it is made of."""
    if project.schedule is not None:
        return dict(project.schedule)
    jobs = await jobs_of(conn, project.id)
    schedule = await asyncio.to_thread(_scheduled, jobs, project.settings)
    await projects.set_schedule(conn, project.id, schedule)
    return schedule


def _scheduled(jobs: "list[Job]", kept: Any) -> dict[str, Any]:
    from engines.migration.keeping import schedule_kept
    from engines.migration.projects import settings_from
    from engines.migration.simulator import simulate

    settings = settings_from(kept)
    return schedule_kept(simulate(jobs, settings.transfer, settings.calendar, settings.pace, settings.caps))


async def plan_or_why(ask: Ask, which: Meant, kept: Mapping[str, Any] | None = None) -> "MigrationPlan | Reply":
    """The plan; or why there is none, and what to do: a circle of needs, a limit that nothing keeps to."""
    from engines.migration.dependencies import CircleFound

    try:
        return await plan_made(ask.conn, which.project, kept)
    except (CircleFound, ValueError) as refused:
        why = str(refused) if which.only is None else "the plan does not hold just now"  # it names VMs
        rest = Text(f"{why[0].upper()}{why[1:]}. Nothing was changed.")
        return told(ask, which, (Text("That plan cannot be made.", "heading"), rest), outcome="failed")


async def plan_made(conn: AsyncConnection, project: Project, kept: Mapping[str, Any] | None = None) -> "MigrationPlan":
    """The whole plan, made again without the file. `kept` are settings in place of the project's.

    Raises CircleFound and PlanRefused, which say what is in the way.
    """
    lines, platform = await projects.estate_lines(conn, project.id)
    decided = _moved(await decisions_of(conn, project.id), await waves.begun(conn, project.id))
    return await asyncio.to_thread(_made, lines, platform, decided, dict(kept or project.settings))


def _moved(decided: "Decisions", begun: Sequence[tuple[waves.Key, int, str, str, object]]) -> "Decisions":
    """What is in a wave that is complete has been moved, whatever was decided about it."""
    from engines.migration.assessment import Override

    over = {key: replace(decided.overrides.get(key, Override()), status="done")
            for key, _, _, state, _ in begun if state == "complete"}  # fmt: skip
    return replace(decided, overrides={**decided.overrides, **over})


def _made(lines: list[str], platform: str, decided: "Decisions", kept: dict[str, Any]) -> "MigrationPlan":
    from engines.migration.projects import plan_of, revive

    return plan_of(revive(lines, platform, decided.overrides), decided, kept)


async def decisions_of(conn: AsyncConnection, id_: int | None) -> "Decisions":
    """Of no project there are none."""
    from engines.migration.assessment import Override
    from engines.migration.projects import Decisions

    if id_ is None:
        return Decisions({})
    by_hand = {key: Override(**values) for key, values in (await decisions.overrides(conn, id_)).items()}
    networks = frozenset(await decisions.mappings(conn, id_, "network"))
    out, after = await decisions.tenants_out(conn, id_), await decisions.dependencies(conn, id_)
    begun = await waves.begun(conn, id_)
    reasons = {key: f"in {name}, which is {state}" for key, _, name, state, _ in begun}
    behind = max((number for _, number, *_ in begun), default=0)
    ends_at = max((ends for *_, state, ends in begun if ends and state not in ("complete", "held")), default=None)
    return Decisions(by_hand, out, after, networks, reasons, (behind, ends_at))
