"""What keeps it running: `sync`, `migrate-db`, `doctor`, `audit verify`, `version`."""

from typing import Annotated

import typer

from bot.commands.failures import FAILED, OK, Failure
from bot.commands.options import AsJson, Demo, StateDir, settings_for

Source = Annotated[str | None, typer.Argument(help="A source, as `stackhand doctor` names it; none: all.")]


def sync(source: Source = None, state_dir: StateDir = None, as_json: AsJson = False) -> int:
    """List a cloud's resources now and bring the inventory up to date. Exits with 0 only if all listings were whole."""
    import asyncio

    from bot.commands.syncing import sync_now

    asyncio.run(sync_now(settings_for(state_dir), source, as_json))
    return OK


def migrate_db(state_dir: StateDir = None, demo: Demo = False) -> int:
    """Bring the tables of the database up to date. `serve` and the others do it by themselves at start."""
    import asyncio

    from bot.app import open_storage, quiet_logs

    settings = settings_for(state_dir, demo)
    quiet_logs(settings)

    async def migrate() -> str:
        from bot.schema import head

        async with open_storage(settings, visit=True):
            return head()

    typer.echo(f"the tables are at revision {asyncio.run(migrate())}")
    return OK


def doctor(state_dir: StateDir = None, demo: Demo = False, as_json: AsJson = False) -> int:
    """Test the database, the clouds, the clock and the queue, and say how to mend what is wrong."""
    import asyncio
    import json
    from dataclasses import asdict

    from bot.app import quiet_logs
    from bot.doctor import examine

    settings = settings_for(state_dir, demo)
    quiet_logs(settings)
    checks = asyncio.run(examine(settings, demo=demo))
    wrong = sum(check.state == "failed" for check in checks)
    if as_json:
        typer.echo(json.dumps({"ok": not wrong, "checks": [asdict(check) for check in checks]}, ensure_ascii=False))
        return FAILED if wrong else OK
    for check in checks:
        typer.echo(f"{check.state:7} {check.name}: {check.detail}" + (f"\n        {check.fix}" if check.fix else ""))
    if wrong:
        raise Failure(f"{wrong} of {len(checks)} checks failed", "each says above how to mend it")
    return OK


def version() -> int:
    """Print the version."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        typer.echo(f"stackhand {installed('stackhand')}")
    except PackageNotFoundError:
        typer.echo("stackhand, from a checkout that is not installed")
    return OK


def build_audit() -> typer.Typer:
    app = typer.Typer()
    app.callback()(_audit)
    app.command("verify")(verify)
    return app


def _audit() -> None:
    """The record of what was asked for and done."""


def verify(
    known: Annotated[str, typer.Option("--known", help="An end printed earlier: it must still be there.")] = "",
    state_dir: StateDir = None,
    demo: Demo = False,
    as_json: AsJson = False,
) -> int:
    """Check the chain of the audit record. Exits with 0 only if no row was changed, removed or put in."""
    import asyncio

    from bot.commands.auditing import verify_chain

    asyncio.run(verify_chain(settings_for(state_dir, demo), as_json, known))
    return OK
