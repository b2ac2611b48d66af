"""`serve`, `worker` and `demo`: the processes that stay."""

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from bot.commands.failures import OK
from bot.commands.options import StateDir, demo_dir, settings_for

if TYPE_CHECKING:
    from bot.settings import Settings

Port = Annotated[
    int | None, typer.Option(min=0, max=65535, help="The port of the page and of health; 0: any free one.")
]
Host = Annotated[str | None, typer.Option(help="The address to listen on.", show_default=False)]


def serve(
    worker: Annotated[bool, typer.Option(help="Run the clock and the syncs in this process too.")] = True,
    page: Annotated[bool, typer.Option(help="Serve the chat page beside the health endpoints.")] = True,
    host: Host = None,
    port: Port = None,
    state_dir: StateDir = None,
) -> int:
    """Run the bot: chat page, clock and worker in one process."""
    import asyncio

    from bot.app import Parts, serve_forever

    settings = settings_for(state_dir, page_host=host, page_port=port)
    asyncio.run(serve_forever(settings, Parts(page=page, worker=worker), lambda link: _hand_over(link, settings)))
    return OK


def worker(host: Host = None, port: Port = None, state_dir: StateDir = None) -> int:
    """Run only a worker and the clock, with the health endpoints."""
    import asyncio

    from bot.app import Parts, serve_forever

    settings = settings_for(state_dir, page_host=host, page_port=port)
    asyncio.run(serve_forever(settings, Parts(page=False, worker=True, answers=False), lambda link: None))
    return OK


def demo(
    vms: Annotated[int, typer.Option(min=100, max=200_000, help="How many VMs the invented cloud has.")] = 300,
    host: Host = None,
    port: Port = None,
    state_dir: StateDir = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget the demo's data of last time.")] = False,
) -> int:
    """Try everything with an invented cloud: its own database, the chat page, no account anywhere."""
    import asyncio

    from bot.demonstration import run_demo

    state = (state_dir or demo_dir()).absolute()
    settings = settings_for(state, page_host=host, page_port=port)
    asyncio.run(run_demo(settings, state, vms=vms, fresh=fresh))
    return OK


def _hand_over(link: str, settings: "Settings") -> None:
    """To the terminal of whoever started it. Without a terminal to a private file: a log must not hold the link."""
    import structlog

    from storage.embedded import default_state_dir

    if sys.stdout.isatty():
        typer.echo(f"The chat page, a link for one browser: {link}")
        return
    log, path = structlog.get_logger(__name__), (settings.state_dir or default_state_dir()) / "page-link"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(link + "\n")
    except OSError as error:
        log.warning(
            "page.link_lost", path=str(path), reason=error.strerror, fix="set STACKHAND_STATE_DIR to a directory"
        )
    else:
        log.info("page.link_written", path=str(path))
