"""Questions about how a thing is done, whether it may be done or is wise, and what a word means; and small talk.

They are about the world, or the manual; none asks what is in this cloud, and none orders anything.
"""

import re
from dataclasses import dataclass

from intents.patterns import any_of, load_patterns

_OURS = re.compile(
    r"\b(?:you|u|bot|stackhand|this tool|your help|these numbers?|this number|that number)\b", re.IGNORECASE
)
_HELP = re.compile(
    r"\bhow (?:do|can|could|should|would) (?:i|we) (?:\w+ )?(?:use|ask|talk|tell|get you|make you)"
    r"|\bwhat (?:all )?(?:can|do|could) you (?:do|know|offer|help)\b",
    re.IGNORECASE,
)
_SIZED = re.compile(r"\d/\d|\d+ ?(?:gb|gib|tb|vcpus?|cores?)\b", re.IGNORECASE)
_GOES_ON = re.compile(r"[,;.!] ")
_LOOKED_AT = 600  # characters


@dataclass(frozen=True)
class Generalities:
    general: re.Pattern[str]
    talk: re.Pattern[str]
    told: re.Pattern[str]

    def holds(self, text: str) -> bool:
        """Is it about the world, and neither about this cloud nor about what the bot itself can do?"""
        head = text[:_LOOKED_AT]
        if _SIZED.search(head) or _HELP.search(head):
            return False  # "is it possible to run three 16/64 machines": will they fit
        if self.told.match(head):
            return True
        if self.talk.match(head):
            return _GOES_ON.search(head) is None
        found = self.general.search(head)
        return found is not None and not (_OURS.search(found[0]) or _OURS.search(head[found.end() : found.end() + 12]))


def load_generalities() -> Generalities:
    """Those of generalities.txt. Raises PatternError."""
    lines = load_patterns("generalities.txt")
    return Generalities(any_of(lines["general"]), any_of(lines["talk"], r"\s*{}"), any_of(lines["told"], r"\s*{}"))
