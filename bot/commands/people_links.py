"""`people invite`, `link`, `unlink`: whose a chat account is; `page-link`: the way to the page, for one person."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.commands.failures import USAGE, Failure
from bot.commands.options import Demo, StateDir, settings_for
from bot.commands.people_changes import Id, Surface, change, check_id, known

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

AccountId = Annotated[str, typer.Argument(help="The account's id there, which is not its display name.")]
For = Annotated[str, typer.Option("--for", help="How long the link can be used: 15m, 8h, 1d.", metavar="TIME")]
_LEAST, _MOST = timedelta(minutes=1), timedelta(days=1)
Hours = Annotated[int, typer.Option("--hours", min=1, max=24 * 14, help="How long the code can be used.")]


def invite(person: Id, hours: Hours = 24, state_dir: StateDir = None, demo: Demo = False) -> int:
    """Print a one-time code. The person sends it to the bot in a direct message: link CODE."""
    from storage.invitations import invite as make

    codes: list[str] = []

    async def work(conn: "AsyncConnection") -> str:
        if not (await known(conn, person)).active:
            raise Failure(f"{person} is disabled", f"first: stackhand people enable {person}")
        codes.append(await make(conn, person, by="local", now=datetime.now(UTC), valid=timedelta(hours=hours)))
        return f"{person} is invited for {hours} h; codes of before do not count any more"

    done = change(state_dir, demo, work, "people.invite", person)
    typer.echo(f"to be sent by {person} to the bot, in a direct message, once:\n\n    link {codes[0]}\n")
    return done


def link(person: Id, surface: Surface, account: AccountId, state_dir: StateDir = None, demo: Demo = False) -> int:
    """Say that a chat account is a person's."""
    from storage.people import link_account

    check_id("account", account)

    async def work(conn: "AsyncConnection") -> str:
        await known(conn, person)
        if not await link_account(conn, surface, account, person):
            raise Failure(f"{surface} account {account} belongs to somebody already", "an account is never moved")
        return f"{surface} account {account} is {person}'s now"

    return change(state_dir, demo, work, "people.link", person)


def unlink(surface: Surface, account: AccountId, state_dir: StateDir = None, demo: Demo = False) -> int:
    """Take a chat account away from whoever has it. It counts at once."""
    from storage.people import unlink_account

    async def work(conn: "AsyncConnection") -> str:
        if not await unlink_account(conn, surface, account):
            raise Failure(
                f"{surface} account {account} is nobody's", "`stackhand people show` lists a person's accounts"
            )
        return f"{surface} account {account} is nobody's now"

    return change(state_dir, demo, work, "people.unlink", f"{surface} {account}")


def page_link(person: Id, valid: For = "15m", state_dir: StateDir = None, demo: Demo = False) -> int:
    """Print a link that opens the page as this person, once. PERSON is `local` for whoever works on this machine."""
    from bot.web.addresses import address_of
    from storage.page_sessions import HERE, make_link

    lasts, page, tokens = _time(valid), _page(state_dir, demo), list[str]()

    async def work(conn: "AsyncConnection") -> str:
        if person != HERE and not (await known(conn, person)).active:
            raise Failure(f"{person} is disabled", f"first: stackhand people enable {person}")
        tokens.append(await make_link(conn, person, now=datetime.now(UTC), valid=lasts))
        return f"{person} can sign in to the page once, within {valid.strip()}"

    done = change(state_dir, demo, work, "page.link", person, detail={"minutes": int(lasts.total_seconds() // 60)})
    typer.echo(f"to be opened by {person} alone; whoever opens it is {person} there:\n")
    typer.echo(f"    {address_of(page, tokens[0])}\n")
    return done


def _time(said: str) -> timedelta:
    found = re.fullmatch(r"\s*([0-9]{1,5})\s*([mhd])\s*", said)
    lasts = timedelta(minutes=int(found[1]) * {"m": 1, "h": 60, "d": 1440}[found[2]]) if found else timedelta()
    if not _LEAST <= lasts <= _MOST:
        raise Failure(
            f"{said[:50]!r} is no time for a link", "give a number with m, h or d, up to 1d: --for 15m", USAGE
        )
    return lasts


def _page(state_dir: Path | None, demo: bool) -> str:
    """Where people open the page: as it is set, else where a process on this machine serves it."""
    from bot.door import door_of, page_at

    settings = settings_for(state_dir, demo)
    page = settings.page_url or page_at(door_of(settings))
    if not page:
        fix = "start `stackhand serve` here, or set STACKHAND_PAGE_URL to the address that people open"
        raise Failure("nobody knows where the page is: no Stackhand with a page runs here, and no address is set", fix)
    return page
