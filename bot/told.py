"""An answer with what a script wants to know beside it: how sure the reading was, and how long it took."""

from dataclasses import dataclass

from bot.replies import Reply


@dataclass(frozen=True, slots=True)
class Sure:
    """How sure a reading was: 0 to 1, and by which way it was found."""

    confidence: float = 0.0
    source: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """`sure` has one entry for each reply that was kept as an exchange, in order."""

    replies: tuple[Reply, ...]
    sure: tuple[Sure, ...]
    took_ms: int
