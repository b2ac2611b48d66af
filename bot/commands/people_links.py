"""`people invite`, `link`, `unlink`: whose a chat account is."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from bot.commands.failures import Failure
from bot.commands.options import Demo, StateDir
from bot.commands.people_changes import Id, Surface, change, check_id, known

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

AccountId = Annotated[str, typer.Argument(help="The account's id there, which is not its display name.")]
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
