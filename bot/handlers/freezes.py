"""A change freeze: begun and ended as any other change, by its plan."""

from datetime import datetime

from bot.changing import propose
from bot.handlers.asking import Ask, refs
from bot.handlers.registry import answers
from bot.replies import Reply, Text
from engines.changes import freezes
from intents.readings import Name
from storage import freezes as kept


@answers("freeze")
async def freeze(
    ask: Ask, on_off: str, since: datetime | None, until: datetime | None, text: str | None, project: Name | None
) -> Reply:
    """Everywhere, or of one project."""
    place = next(iter(refs(project)), None)
    if on_off == "off":
        found = [f for f in await kept.going(ask.conn) if place is None or (f.source, f.project_id) == place]
        if not found:
            return Reply((Text("No change freeze holds or is to come.", "heading"),), "not_found")
        return await propose(ask, freezes.finish(found))
    where = (*place, project.name) if place and project else None
    return await propose(ask, freezes.begin(since=since, until=until, words=text or "", project=where, now=ask.now))
