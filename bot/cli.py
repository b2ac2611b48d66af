"""`stackhand`: the command line."""

import sys
from collections.abc import Sequence

import typer

from bot.commands import (
    changes,
    drills,
    intents,
    migrating,
    people,
    restores,
    running,
    schedules,
    snapshots,
    talking,
    upkeep,
)
from bot.commands.failures import INTERRUPTED, guarded, say

HELP = "The hand on the stack: ask your cloud, from a terminal, a script or the chat page."


def build() -> typer.Typer:
    """The whole command line as a value."""
    app = typer.Typer(
        name="stackhand", help=HELP, add_completion=False, rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )  # fmt: skip
    for command in (running.demo, running.serve, running.worker, talking.chat, talking.ask, upkeep.sync):
        app.command()(command)
    app.command("migrate-db")(upkeep.migrate_db)
    app.command()(upkeep.doctor)
    app.command()(migrating.rvtools)
    app.command()(upkeep.version)
    for name, group, text in (
        ("intents", intents.build(), "What is understood, and what was not."),
        ("people", people.build(), "Who may talk to Stackhand, and what they may do."),
        ("schedules", schedules.build(), "What happens by the clock."),
        ("changes", changes.build(), "What changes need."),
        ("approvals", changes.build_approvals(), "Requests for changes."),
        ("snapshots", snapshots.build(), "Snapshot policies and the rules that assign them."),
        ("restore", drills.build(), "Restore drills, and how fast and fresh a restore has to be."),
        ("restores", restores.build(), "What restores used."),
        ("audit", upkeep.build_audit(), "The record of what was asked for and done."),
    ):
        app.add_typer(group, name=name, help=text)
    return app


def main(arguments: Sequence[str] | None = None) -> None:
    """The entry point: never returns; exits with 0 only when the command worked."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(guarded(lambda: _run(given or ["--help"]), given))


def _run(arguments: list[str]) -> int:
    try:
        code = build()(args=arguments, prog_name="stackhand", standalone_mode=False)
    except typer.Abort:
        return INTERRUPTED
    except typer.TyperException as error:  # a wrong option, a missing argument
        said = error.format_message()
        return say(
            said + ("" if said[-1:] in ".?" else ".") + " `stackhand --help` lists what there is", error.exit_code
        )
    finally:
        sys.stdout.flush()
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    main()
