"""Who asks and who decides, from where; and what came of it."""

from dataclasses import dataclass, field
from typing import Literal

from engines.changes.facts import Difference
from engines.changes.rights import Spot
from engines.changes.rules import Need
from storage.freezes import Freeze
from storage.requests import Request

SCHEDULE = "schedule:"
"""What the person of a schedule begins with."""


@dataclass(frozen=True, slots=True)
class Asker:
    """`said` is the sentence, kept to be said again; `account` the chat account behind it, for the record."""

    person: str
    said: str = ""
    account: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where it was asked, all empty for a command line. `chat`: on a chat platform."""

    surface: str = ""
    channel: str = ""
    conversation: str = ""

    @property
    def spot(self) -> Spot:
        return Spot(self.surface, self.channel)


@dataclass(frozen=True, slots=True)
class Voter:
    """Whoever decides. `chat`: by way of a chat platform, whose accounts can be stolen. `typed`: the name that they
    typed, for a plan that asks for one."""

    person: str
    surface: str = ""
    channel: str = ""
    account: str = ""
    chat: bool = False
    typed: str = ""

    @property
    def spot(self) -> Spot:
        return Spot(self.surface, self.channel)


Refusal = Literal[
    "forbidden", "role", "checks", "freeze", "quiet", "cap", "quorum",  # when it is asked
    "unknown", "late", "expired", "own", "voted", "not_yours", "second_factor", "reason", "typed", "rules",
    "changed",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Refused:
    """Why not, in words, and what to do. `could` are names of people who may."""

    why: Refusal
    what: str
    fix: str = ""
    could: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Submitted:
    """A request, or why there is none. `frozen`: it can only be decided by break-glass, or later."""

    request: Request | None
    refused: Refused | None = None
    need: Need | None = None
    held: str = ""


@dataclass(frozen=True, slots=True)
class Decided:
    """`request` as it is now; None for one that is not known. `counted` of `request.needed` people approved."""

    request: Request | None
    refused: Refused | None = None
    counted: int = 0
    changed: tuple[Difference, ...] = ()
    freeze: Freeze | None = field(default=None)

    @property
    def done(self) -> bool:
        return self.refused is None
