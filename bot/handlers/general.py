"""About the bot itself: help, who you are, how an answer came about, whether all is well."""

from bot.handlers.asking import Ask, reply
from bot.handlers.registry import answers
from bot.memory import reading_from_json
from bot.replies import Choice, Choices, Column, Fields, Part, Reply, Table, Text
from intents.registry import Intent
from storage import audit, exchanges, outbox
from storage.directory_runs import last_run
from storage.listings import last_runs, listings, waiting_runs


@answers("help")
async def help_(ask: Ask, text: str | None) -> Reply:
    """Only what this person may ask, and what is built."""
    mine = [
        intent
        for intent in ask.catalogue.intents.values()
        if intent.name in ask.answered and ask.who.may(intent).allowed
    ]
    topic = _topic(text, mine)
    if topic:
        return _one_topic(topic, [intent for intent in mine if intent.topic == topic])
    parts: list[Part] = [Text("Ask in your own words. Some of what I can tell:", "heading")]
    if text:
        parts.insert(0, Text(f"I have no help on “{text}”.", "note"))
    for name in dict.fromkeys(intent.topic for intent in mine):
        of_topic = [intent for intent in mine if intent.topic == name]
        pairs = tuple((example, intent.does) for intent in of_topic[:3] for example in intent.examples[:1])
        parts.append(Fields(pairs, name))
    topics = tuple(Choice(f"help {name}", f"help {name}") for name in dict.fromkeys(i.topic for i in mine))
    return Reply((*parts, Choices(topics, "More of a topic:")), scope="help")


def _topic(text: str | None, mine: list[Intent]) -> str:
    """The topic that a word belongs to: by its own name, an intent's name, or what an intent does."""
    word = (text or "").strip().lower().removesuffix("s")
    if not word:
        return ""
    by_name = [i.topic for i in mine if word in i.topic or word in i.name]
    return next(iter([*by_name, *(i.topic for i in mine if word in i.does.lower())]), "")


def _one_topic(topic: str, intents: list[Intent]) -> Reply:
    columns = (Column("ask", "say"), Column("does", "and get"))
    cells = tuple((example, intent.does) for intent in intents for example in intent.examples)
    choices = tuple(Choice(intent.examples[0], intent.examples[0]) for intent in intents[:4])
    parts = (Text(f"{topic}: {len(intents)} things to ask", "heading"), Table(columns, cells, len(cells)))
    return Reply((*parts, Choices(choices, "Try:")), scope=f"help on {topic}")


@answers("why")
async def why(ask: Ask) -> Reply:
    said = await _answer_before(ask)
    if said is None:
        return _nothing_before()
    reading = reading_from_json(said.reading)
    words = tuple((one.words, _meaning(one.meant)) for one in reading.evidence if not one.meant.startswith("unused"))
    intent = ask.catalogue.intents.get(reading.intent or "")
    lead = f"I took “{said.said}” as: {intent.does}." if intent else f"I did not understand “{said.said}”."
    pairs = tuple((name.replace("_", " "), str(value)) for name, value in reading.slots.items())
    parts: list[Part] = [Text(lead, "heading")]
    if pairs:
        parts.append(Fields(pairs, "Understood"))
    if words:
        parts.append(Fields(tuple(dict.fromkeys(words)), "Which words said what"))
    rivals = [ask.catalogue.intents[name].does for name, _ in reading.rivals[:2] if name in ask.catalogue.intents]
    if rivals:
        parts.append(Text(f"It could also have been: {'; '.join(rivals)}.", "note"))
    parts.append(Text(f"The answer came out of the inventory in {said.took_ms} ms, not from the cloud itself.", "note"))
    return Reply(tuple(parts), scope="the last answer")


def _meaning(meant: str) -> str:
    return f"a kind: {meant.removeprefix('k:')}" if meant.startswith("k:") else meant.lower().replace("_", " ")


async def _answer_before(ask: Ask) -> exchanges.Said | None:
    before = await exchanges.last(ask.conn, ask.conversation, ask.who.id, ask.now)
    return next((said for said in before if said.intent not in ("why", "feedback")), None)


def _nothing_before() -> Reply:
    return Reply((Text("I have not answered anything here in the last 15 minutes.", "heading"),), "incomplete")


@answers("feedback")
async def feedback(ask: Ask, good: bool) -> Reply:
    said = await _answer_before(ask)
    if said is None:
        return _nothing_before()
    await exchanges.judge(ask.conn, said.id, good)
    if good:
        return Reply((Text("Good to know, thank you.", "heading"),), scope="the last answer")
    choices = Choices((Choice("how it came about", "why?"), Choice("help", "help")))
    text = f"Noted that the answer to “{said.said}” was wrong."
    return Reply((Text(text, "heading"), Text("Say it in other words, or look:"), choices), scope="the last answer")


_SOURCE_COLUMNS = (
    Column("source", "source"),
    Column("state", "last run"),
    Column("started_at", "started", "time"),
    Column("finished_at", "finished", "time"),
    Column("detail", "detail"),
)


@answers("status")
async def status(ask: Ask) -> Reply:
    """The bot's own health: the database answered, or this could not be asked."""
    known = await listings(ask.conn)
    runs = await last_runs(ask.conn)
    if not ask.who.scope.everything:
        known = [one for one in known if one.source in ask.who.scope.sources]
        runs = [run for run in runs if run.source in ask.who.scope.sources]
    waiting, unsent, head = await waiting_runs(ask.conn), await outbox.pending(ask.conn), await audit.head(ask.conn)
    bad = sorted({one.source for one in known if one.outcome != "complete"})
    lead = "All is well." if known and not bad else "Not all is well." if known else "Nothing was synced yet."
    pairs = (
        ("database", "answers"),
        ("sources", f"{len({one.source for one in known})}, {len(bad)} with old data"),
        ("syncs waiting", str(waiting)),
        ("messages waiting", str(unsent)),
        ("audit record", f"{head.id:,} rows" if head else "empty"),
    )
    parts: list[Part] = [Text(lead, "heading"), Fields(pairs)]
    parts += await _directory(ask)
    if bad:
        parts.append(Text(f"Old data from {', '.join(bad)}. Say: freshness", "warning"))
    if runs:
        cells = tuple((r.source, r.state, _iso(r.started_at), _iso(r.finished_at), r.detail) for r in runs)
        parts.append(Table(_SOURCE_COLUMNS, cells, len(cells)))
    return await reply(ask, parts, {one.kind for one in known}, scope="Stackhand itself")


async def _directory(ask: Ask) -> list[Part]:
    """How the last sync of people went, for those who may do something about it."""
    last = await last_run(ask.conn) if ask.who.everywhere & {"admin", "superadmin"} else None
    if last is None:
        return []
    if last.state == "failed":
        return [Text(f"The directory of people was not read, and nothing changed by it: {last.detail}", "warning")]
    return [Text(f"The directory of people was read at {last.finished_at:%Y-%m-%d %H:%M} UTC.", "note")]


def _iso(at: object) -> str | None:
    return at.isoformat() if hasattr(at, "isoformat") else None
