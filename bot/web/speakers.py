"""The people that a demo's page can speak as, so that a newcomer asks as one and approves as another."""

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from bot.web import guards
from bot.web.frames import bounded_body
from bot.web.uploads import UploadError

_MOST_BYTES = 1000


@dataclass(frozen=True, slots=True)
class Speaker:
    """`id` is a person's, `what` what they may do, in a few words."""

    id: str
    name: str
    what: str


async def chosen(speakers: Sequence[Speaker], request: web.Request) -> Speaker | None:
    """The one that the body {"person": id} names; None for anything else than one of these."""
    try:
        wanted = guards.bounded_json((await bounded_body(request, _MOST_BYTES)).decode()).get("person")
    except (ValueError, UploadError):
        return None
    return next((one for one in speakers if one.id == wanted), None)
