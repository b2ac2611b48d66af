"""`people channel`: channels that are about a domain or a project; what is answered there is cut by it."""

from typing import TYPE_CHECKING, Annotated

import typer

from bot.commands.failures import OK, Failure
from bot.commands.options import AsJson, Demo, StateDir
from bot.commands.people_changes import Domain, Project, Surface, change, check_id, check_place, place, read

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

ChannelId = Annotated[str, typer.Argument(help="The channel's id there.", metavar="CHANNEL")]
OfSource = Annotated[str, typer.Option("--source", help="The source that the domain or project is of.")]


def build() -> typer.Typer:
    app = typer.Typer()
    app.callback()(_channel)
    app.command("bind")(bind)
    app.command("unbind")(unbind)
    app.command("list")(list_all)
    return app


def _channel() -> None:
    """Channels that are about a domain or a project."""


def bind(
    surface: Surface,
    channel: ChannelId,
    source: OfSource,
    domain: Domain = None,
    project: Project = None,
    state_dir: StateDir = None,
    demo: Demo = False,
) -> int:
    """Make a channel be about a domain or project: nothing else is answered there. Several are possible."""
    from bot.people import place_words
    from storage.channels import Binding
    from storage.channels import bind as make

    check_id("channel", channel)
    check_place(source, domain, project)

    async def work(conn: "AsyncConnection") -> str:
        at = await place(conn, source, domain, project)
        if not await make(conn, Binding(surface, channel, at), "local"):
            raise Failure(f"channel {channel} of {surface} is bound to that already", "nothing is to be done")
        return f"channel {channel} of {surface} is about what is {place_words(at)} now"

    return change(state_dir, demo, work, "channel.bind", f"{surface} {channel}")


def unbind(surface: Surface, channel: ChannelId, state_dir: StateDir = None, demo: Demo = False) -> int:
    """Let a channel be about everything again: each then sees there what they may see."""
    from storage.channels import unbind as end

    async def work(conn: "AsyncConnection") -> str:
        if not await end(conn, surface, channel):
            raise Failure(f"channel {channel} of {surface} is not bound", "`stackhand people channel list` shows all")
        return f"channel {channel} of {surface} is not bound any more"

    return change(state_dir, demo, work, "channel.unbind", f"{surface} {channel}")


def list_all(state_dir: StateDir = None, demo: Demo = False, as_json: AsJson = False) -> int:
    """All channels that are bound."""
    import json
    from dataclasses import asdict

    from bot.people import place_words
    from storage.channels import bindings

    for one in read(state_dir, demo, bindings):
        line = json.dumps(asdict(one)) if as_json else f"{one.surface:10} {one.channel:24} {place_words(one.place)}"
        typer.echo(line)
    return OK
