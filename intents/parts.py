"""Several requests in one message: where to cut it."""

import re

_CUTS = re.compile(
    r"\s*(?:;|\n|\band then\b|\bthen also\b|\band also\b|\bafter that\b|,\s*then\b|\bplus\b|\?\s+(?=\w)|,\s*and\b"
    r"|\band\b)\s*",
    re.IGNORECASE,
)
MOST = 3


def split_parts(text: str) -> tuple[tuple[str, ...], ...]:
    """Ways to cut a message, the most certain marks first, each into two or three parts; () when there is none."""
    found: list[tuple[str, ...]] = []
    for pattern in (r"\s*(?:;|\n|\band then\b|\?\s+(?=\w))\s*", _CUTS.pattern):
        parts = tuple(part.strip(" ,.") for part in re.split(pattern, text, flags=re.IGNORECASE) if part.strip(" ,."))
        if 1 < len(parts) <= MOST + 1 and parts not in found:
            found.append(parts)
    return tuple(found)
