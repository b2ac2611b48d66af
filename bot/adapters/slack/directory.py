"""Who is who in the workspace, and who reads a channel: asked of Slack, remembered for a short while."""

import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.slack.calls import calling
from bot.adapters.slack.deliveries import items_of, text_of
from bot.sending import RefusedError

Readers = Literal["asker", "members", "guests"]

_PERSON_S = 60.0
_CHANNEL_S = 300.0
_MOST_KEPT = 2000
_PAGE = 200
_USERS_PAGE = 1000
_GUESTS_S = 900.0
_MOST_PAGES = 50
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class User:
    """`guest`: invited to parts of the workspace, or of another workspace that shares a channel. `human`: no bot,
    and not deactivated."""

    id: str
    name: str
    email: str | None
    guest: bool
    human: bool


class _Memory(Generic[T]):
    """Answers that are as young as `seconds`, the least recently asked forgotten first."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._clock = clock
        self._held: OrderedDict[str, tuple[float, T]] = OrderedDict()

    async def get(self, key: str, ask: Callable[[], Awaitable[T]]) -> T:
        held = self._held.get(key)
        if held is not None and self._clock() - held[0] < self._seconds:
            self._held.move_to_end(key)
            return held[1]
        found = await ask()
        self._held[key] = (self._clock(), found)
        self._held.move_to_end(key)
        while len(self._held) > _MOST_KEPT:
            self._held.popitem(last=False)
        return found


class Directory:
    """Every method raises HeldError or LostError when Slack does not answer: nobody is taken for a member then."""

    def __init__(
        self, client: AsyncWebClient, teams: Collection[str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._teams = frozenset(teams)
        self._users: _Memory[User] = _Memory(_PERSON_S, clock)
        self._direct: _Memory[str] = _Memory(_CHANNEL_S, clock)
        self._readers: _Memory[Readers] = _Memory(_CHANNEL_S, clock)
        self._guests: _Memory[frozenset[str] | None] = _Memory(_GUESTS_S, clock)

    async def user(self, user: str) -> User:
        return await self._users.get(user, lambda: self._ask_user(user))

    async def _ask_user(self, user: str) -> User:
        try:
            answer = await calling("users.info", self._client.users_info(user=user))
        except RefusedError:  # of another workspace, or not visible: nobody of ours
            return User(user, "", None, guest=True, human=True)
        return user_of(answer.get("user"), self._teams)

    async def direct(self, user: str) -> str:
        """The channel of direct messages with a person; raises RefusedError when there can be none."""
        return await self._direct.get(user, lambda: self._open(user))

    async def _open(self, user: str) -> str:
        answer = await calling("conversations.open", self._client.conversations_open(users=user))
        return text_of(answer.get("channel"), "id")

    async def readers(self, team: str, channel: str) -> Readers:
        """Who reads what is said in a channel. What cannot be known counts as guests."""
        return await self._readers.get(f"{team}/{channel}", lambda: self._ask_readers(channel))

    async def _ask_readers(self, channel: str) -> Readers:
        try:
            answer = await calling("conversations.info", self._client.conversations_info(channel=channel))
        except RefusedError:
            return "guests"
        info = answer.get("channel")
        shared = ("is_ext_shared", "is_pending_ext_shared", "is_shared", "is_org_shared")
        if not isinstance(info, Mapping) or any(info.get(name) for name in shared):
            return "guests"
        guests = await self._guests.get("", self._all_guests)
        if guests is None:
            return "guests"
        return "guests" if guests and await self._any_member(channel, guests) else "members"

    async def _all_guests(self) -> frozenset[str] | None:
        """Every guest of the workspace; None when there are too many people to look at."""
        guests: set[str] = set()
        pages = 0
        async for page in self._pages(
            "users.list", lambda cursor: self._client.users_list(limit=_USERS_PAGE, cursor=cursor)
        ):
            guests |= {text_of(one, "id") for one in items_of(page, "members") if user_of(one, self._teams).guest}
            pages += 1
        return frozenset(guests) if pages < _MOST_PAGES else None

    async def _any_member(self, channel: str, guests: frozenset[str]) -> bool:
        def ask(cursor: str) -> Awaitable[Any]:
            return self._client.conversations_members(channel=channel, limit=_PAGE, cursor=cursor)

        async for page in self._pages("conversations.members", ask):
            if guests & set(page.get("members") or ()):
                return True
        return False

    async def _pages(self, method: str, ask: Callable[[str], Awaitable[Any]]) -> AsyncIterator[Any]:
        cursor = ""
        for _ in range(_MOST_PAGES):
            page = await calling(method, ask(cursor))
            yield page
            cursor = text_of(page.get("response_metadata"), "next_cursor")
            if not cursor:
                return


def user_of(told: Any, teams: Collection[str]) -> User:
    """A user object of Slack; whoever is not of one of `teams` is a guest."""
    home = text_of(told, "team_id")
    grid = told.get("enterprise_user") if isinstance(told, Mapping) else None
    also = set(grid.get("teams") or ()) if isinstance(grid, Mapping) else set()
    flags = {
        name: isinstance(told, Mapping) and bool(told.get(name))
        for name in ("is_restricted", "is_ultra_restricted", "is_stranger", "is_bot", "deleted")
    }
    guest = flags["is_restricted"] or flags["is_ultra_restricted"] or flags["is_stranger"]
    foreign = bool(home) and home not in teams and not also & set(teams)
    name = text_of(told, "profile", "display_name") or text_of(told, "real_name") or text_of(told, "name")
    email = text_of(told, "profile", "email") or None
    human = not flags["is_bot"] and not flags["deleted"]
    return User(text_of(told, "id"), name, email, guest or foreign or not text_of(told, "id"), human)
