"""The record of the inventory: what changed, what is gone, how old it is; a new sync, and files of answers."""

import re
from dataclasses import replace
from datetime import datetime, timedelta

from bot.cards import change_words, op_words
from bot.files import FileError, as_file
from bot.handlers.asking import Ask, no_data, refs, reply
from bot.handlers.filtering import Place, sources_of
from bot.handlers.migration_plans import exported
from bot.handlers.registry import answers
from bot.replies import Choice, Choices, Column, Part, Reply, Table, Text
from bot.sentences import PLATFORM_NAMES, plural
from bot.sentences import conditions as in_words
from engines.inventory.kinds import KINDS
from intents.readings import Name, Reading
from storage import sync
from storage.changes import Change, Window, change_counts, changes, deletions, first_sync
from storage.inventory import names_of
from storage.listings import last_runs, listings, waiting_runs
from storage.runs import waiting_ids

_DEFAULT_WINDOW = timedelta(days=1)
_CHANGE_COLUMNS = (
    Column("at", "seen", "time"),
    Column("kind", "kind"),
    Column("name", "name"),
    Column("project", "project"),
    Column("what", "what"),
    Column("change", "change", "list"),
)


@answers("changes")
async def changes_(
    ask: Ask, vm: Name | None, project: Name | None, kind: str | None, since: datetime | None, until: datetime | None
) -> Reply:
    """Of one VM all that is known; of everything the last day, unless a time was said."""
    begin = since or (None if vm else ask.now - _DEFAULT_WINDOW)
    window = Window(
        begin, until, "vm" if vm and not kind else kind or "", projects=refs(project), objects=refs(vm), ops=()
    )
    lines, total = await changes(ask.conn, ask.who.scope, window, ask.rows)
    counted = await change_counts(ask.conn, ask.who.scope, window)
    span = _span(begin, until, said=since is not None)
    words = in_words({k: v for k, v in ask.reading.slots.items() if k in ("vm", "project")})
    what = f"{f'{total:,}' if total else 'No'} change{'' if total == 1 else 's'}" + (
        f" of {plural(kind)}" if kind else ""
    )
    parts: list[Part] = [Text(" ".join(f"{what} {words} {span}".split()), "heading")]
    parts += await _known_since(ask, begin)
    if len(counted) > 1:
        summary = ", ".join(f"{number:,} {plural(k, number)} {_past(op)}" for k, op, number in counted[:8])
        parts.append(Text(summary))
    if lines:
        parts.append(Table(_CHANGE_COLUMNS, await _change_cells(ask, lines), total))
    kinds = {window.kind} if window.kind else {kind_ for kind_, _, _ in counted} or {"vm"}
    answer = await reply(
        ask, parts, kinds, scope=" ".join(f"changes {words} {span}".split()), sources=sources_of(vm, project)
    )
    return replace(answer, about=tuple(sorted({line.kind for line in lines})))


def _past(op: str) -> str:
    return {"add": "new", "change": "changed", "delete": "deleted", "return": "back"}.get(op, op)


def _span(since: datetime | None, until: datetime | None, *, said: bool) -> str:
    if since is None and until is None:
        return "since the record began"
    begin = f"since {since:%Y-%m-%d %H:%M} UTC" if since else ""
    end = f" until {until:%Y-%m-%d %H:%M} UTC" if until else ""
    return f"{begin}{end}{'' if said else ' (the last day)'}".strip()


async def _known_since(ask: Ask, since: datetime | None) -> list[Part]:
    """A window that begins before the record does is only partly known."""
    begun = await first_sync(ask.conn)
    if begun is not None and (since is None or since < begun):
        return [Text(f"The record begins {begun:%Y-%m-%d %H:%M} UTC; what was before is not known.", "note")]
    return []


async def _change_cells(ask: Ask, lines: list[Change]) -> tuple[tuple[object, ...], ...]:
    projects = await names_of(
        ask.conn, ask.who.scope, "project", [(c.source, c.project_id) for c in lines if c.project_id]
    )

    def project(change: Change) -> str | None:
        named = projects.get((change.source, change.project_id or ""))
        return named.name if named else change.project_id

    return tuple(
        (c.at.isoformat(), plural(c.kind, 1), c.name, project(c), op_words(c), change_words(c) or None) for c in lines
    )


_DELETED_COLUMNS = (
    Column("deleted_at", "gone since", "time"),
    Column("last_seen", "last seen", "time"),
    Column("kind", "kind"),
    Column("name", "name"),
    Column("project", "project"),
    Column("state", "last state"),
    Column("external_id", "id"),
)


@answers("deleted")
async def deleted(
    ask: Ask, kind: str | None, project: Name | None, since: datetime | None, until: datetime | None
) -> Reply:
    window = Window(since, until, kind or "", projects=refs(project))
    lines, total = await deletions(ask.conn, ask.who.scope, window, ask.rows)
    words = in_words({k: v for k, v in ask.reading.slots.items() if k == "project"})
    what = plural(kind, total) if kind else f"object{'' if total == 1 else 's'}"
    span = _span(since, until, said=True)
    verb = "was" if total == 1 else "were"
    number = f"{total:,}" if total else "No"
    parts: list[Part] = [Text(" ".join(f"{number} {what} {words} {verb} deleted {span}".split()), "heading")]
    parts += await _known_since(ask, since)
    if lines:
        cells = tuple(
            (
                d.deleted_at.isoformat(),
                d.last_seen.isoformat(),
                plural(d.kind, 1),
                d.name,
                d.derived.get("project"),
                d.attrs.get("state"),
                d.external_id,
            )
            for d in lines
        )
        parts.append(Table(_DELETED_COLUMNS, cells, total))
    kinds = {kind} if kind else {d.kind for d in lines} or {"vm"}
    answer = await reply(
        ask, parts, kinds, scope=" ".join(f"deletions {words} {span}".split()), sources=sources_of(project)
    )
    return replace(answer, about=tuple(sorted({line.kind for line in lines})))


_FRESH_COLUMNS = (
    Column("source", "source"),
    Column("platform", "platform"),
    Column("complete_at", "oldest data", "time"),
    Column("kinds", "kinds complete"),
    Column("rows", "objects", "int"),
    Column("run", "last run"),
    Column("problems", "problems", "list"),
)


@answers("freshness")
async def freshness_(ask: Ask, platform: str | None) -> Reply:
    known = await listings(ask.conn, platform=platform or "")
    if not ask.who.scope.everything:
        known = [one for one in known if one.source in ask.who.scope.sources]
    if not known:
        return no_data(ask)
    runs = {run.source: run for run in await last_runs(ask.conn)}
    cells = []
    for source in dict.fromkeys(one.source for one in known):
        mine = [one for one in known if one.source == source]
        good = [one for one in mine if one.outcome == "complete"]
        oldest = min((one.complete_at for one in mine if one.complete_at), default=None)
        bad = [f"{one.kind.replace('_', ' ')}: {one.outcome}" for one in mine if one.outcome != "complete"]
        run = runs.get(source)
        told = f"{run.state}" if run else None
        platform_name = PLATFORM_NAMES.get(mine[0].platform, mine[0].platform)
        cells.append((source, platform_name, oldest.isoformat() if oldest else None, f"{len(good)} of {len(mine)}",
                      sum(one.rows for one in mine), told, bad))  # fmt: skip
    bad_sources = sum(1 for cell in cells if cell[-1])
    lead = (
        "All sources are complete." if not bad_sources else f"{bad_sources} of {len(cells)} sources are not complete."
    )
    parts: list[Part] = [Text(lead, "heading"), Table(_FRESH_COLUMNS, tuple(cells), len(cells))]
    waiting = await waiting_runs(ask.conn)
    if waiting:
        parts.append(Text(f"{waiting} sync run(s) wait for a worker.", "note"))
    parts.append(Choices((Choice("sync now", "sync the inventory now"),)))
    return await reply(ask, parts, KINDS.keys(), scope=in_words(ask.reading.slots) or "all sources",
                       platform=platform or "")  # fmt: skip


@answers("sync")
async def sync_(ask: Ask, platform: str | None) -> Reply:
    known = await listings(ask.conn, platform=platform or "")
    scope = ask.who.scope
    sources = sorted({one.source for one in known if scope.everything or one.source in scope.sources})
    if not sources:
        what = (
            f"There is no {PLATFORM_NAMES.get(platform, platform)} source." if platform else "There is no source yet."
        )
        return Reply(
            (Text(what, "heading"), Text("A worker syncs a new source by itself when it starts.")), "not_found"
        )
    asked = [source for source in sources if await sync.ask_run(ask.conn, source, asked_by=ask.who.id) is not None]
    told = f"A sync of {', '.join(asked)} is asked for." if asked else "A sync is waiting already."
    answer = await reply(
        ask,
        [Text(told, "heading"), Text("A worker starts it within seconds. Say: freshness, to see how it went.", "note")],
        {"vm"},
        scope=in_words(ask.reading.slots) or "all sources",
        platform=platform or "",
    )
    return replace(answer, follows=tuple(f"sync/{id_}" for id_ in await waiting_ids(ask.conn, sources)))


@answers("export")
async def export(ask: Ask, kind: str | None, where: Place, format: str | None, masked: bool | None) -> Reply:  # noqa: A002
    """A file of the last answer; with a kind, of all that the filters leave of it; of a migration, the whole of it."""
    if kind is None and _means_plan(ask, format):
        return await exported(ask, None, format)
    again = _listing_of(ask.last) if kind is None else _as_list(ask.reading)
    if again is None or ask.again is None or again.intent is None:
        text = Text("There is no answer yet that I could put into a file.", "heading")
        return Reply((text, Text("Ask first, or say what: export all vms of acme-prod as xlsx")), "incomplete")
    if format == "pdf":
        formats = tuple(Choice(f, f"{ask.reading.text} as {f}") for f in ("xlsx", "csv"))
        text = Text("A list does not become a good PDF: XLSX, CSV and JSON are what I write.", "heading")
        return Reply((text, Choices(formats)), "incomplete")
    whole = await ask.again(ask.with_all_rows(), again)
    tables = [part for part in whole.parts if isinstance(part, Table)]
    if not tables:
        return Reply((Text("The last answer has no table to put into a file.", "heading"),), "incomplete")
    table = max(tables, key=lambda one: len(one.rows))
    try:
        file = await as_file(table, format or "xlsx", whole, again, masked=bool(masked), now=ask.now)
    except FileError as error:
        return Reply((Text(f"{error.what}.", "heading"), Text(f"{error.fix}.")), "failed")
    lead = f"{file.name}: {len(table.rows):,} of {table.total:,} rows" + (", masked" if masked else "")
    parts: tuple[Part, ...] = (Text(lead, "heading"), file)
    return Reply(parts, scope=whole.scope, freshness=whole.freshness, demo=whole.demo, about=_about(again, whole))


_POINTING = re.compile(r"\b(?:that|this|these|those|it|them|list|table)\b", re.IGNORECASE)
_PLANS = ("migration_", "cohort_", "wave_")


def _means_plan(ask: Ask, form: str | None) -> bool:
    """ "export to excel" in a conversation about a migration is its plan; "export that" the table that was shown, which
    is no PDF. What has changed something is never answered anew."""
    last = ask.last.intent if ask.last is not None else None
    if not last or not last.startswith(_PLANS):
        return False
    return ask.catalogue.intents[last].writes or form == "pdf" or not _POINTING.search(ask.reading.text)


def _about(again: Reading, whole: Reply) -> tuple[str, ...]:
    kinds = [str(again.slots[slot]) for slot in ("kind", "by") if again.slots.get(slot)]
    return (*whole.about, *kinds, *(name.kind for name in again.objects.values()))


def _listing_of(last: Reading | None) -> Reading | None:
    """A count shows a few of what it counted; its file has all of them."""
    return replace(last, intent="list") if last is not None and last.intent == "count" else last


def _as_list(reading: Reading) -> Reading:
    """The reading of a list of what the export names."""
    slots = {k: v for k, v in reading.slots.items() if k in ("kind", "state", "platform", "project")}
    return Reading(reading.text, "list", slots, reading.objects, reading.confidence, "command", "export")
