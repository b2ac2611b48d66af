"""What the address of a plan's page asks for. Nonsense is left out, never an error: a filter that is none is not there.

The same values are written back into links, so that a filter, an order and a page can be sent to a colleague.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import get_args
from urllib.parse import urlencode

from storage.json_texts import clean_text
from storage.migration_pages import Sort, Wanted, Which

PER_PAGE = 50
_MOST_PAGES = 100_000
_MOST_CHARACTERS = 200
_NUMBER = re.compile(r"[0-9]{1,7}", re.ASCII)
_RISKS, _MODES = ("red", "yellow", "green"), ("warm", "cold")


def wanted(query: Mapping[str, str]) -> Wanted:
    risk, mode = _word(query, "risk"), _word(query, "mode")
    sort, which = _word(query, "sort"), _word(query, "which")
    return Wanted(
        text=_word(query, "q").strip(),
        risk=risk if risk in _RISKS else "",
        mode=mode if mode in _MODES else "",
        tenant=_tenant(query),
        family=_word(query, "system"),
        reason=_word(query, "reason"),
        wave=number(query, "wave"),
        cohort=number(query, "cohort"),
        which=next((one for one in get_args(Which) if one == which), "in"),
        sort=next((one for one in get_args(Sort) if one == sort), "risk"),
        down=_word(query, "order") == "down",
        limit=PER_PAGE,
    )


def _word(query: Mapping[str, str], name: str) -> str:
    return clean_text(query.get(name, ""))[:_MOST_CHARACTERS]


def _tenant(query: Mapping[str, str]) -> str | None:
    """A form sends an empty value for any tenant; VMs of none are asked for by a word that no tenant is called."""
    tenant = clean_text(query.get("tenant", ""))[:500]
    return (None if not tenant else "") if tenant in ("", NO_TENANT) else tenant


NO_TENANT = "(none)"


def number(query: Mapping[str, str], name: str) -> int | None:
    said = query.get(name, "")
    return int(said) if _NUMBER.fullmatch(said) else None


def page_number(query: Mapping[str, str], total: int, per_page: int = PER_PAGE) -> int:
    """From 1 on; what is past the end is the last page."""
    last = max(1, -(-total // per_page))
    return min(max(1, number(query, "page") or 1), last, _MOST_PAGES)


def at_page(one: Wanted, page: int) -> Wanted:
    return replace(one, offset=(page - 1) * one.limit)


def address(one: Wanted, page: int = 1) -> str:
    """The query that means this again, without what is meant anyway; "?" for none, which clears what was there."""
    said = {
        "q": one.text,
        "risk": one.risk,
        "mode": one.mode,
        "tenant": NO_TENANT if one.tenant == "" else one.tenant or "",
        "system": one.family,
        "reason": one.reason,
        "wave": "" if one.wave is None else str(one.wave),
        "cohort": "" if one.cohort is None else str(one.cohort),
        "which": "" if one.which == "in" else one.which,
        "sort": "" if one.sort == "risk" else one.sort,
        "order": "down" if one.down else "",
        "page": "" if page == 1 else str(page),
    }
    return "?" + urlencode({name: value for name, value in said.items() if value}, errors="replace")
