"""`changes` and `approvals`: the rules of changes as a file, and requests by their numbers."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.commands.failures import OK, Failure
from bot.commands.options import AsJson, Demo, StateDir
from bot.commands.people_changes import change, read
from bot.commands.talking import Person, ask

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from engines.changes.rules import Rule

File = Annotated[Path, typer.Argument(help="A YAML file of rules; `changes rules show` prints one.")]
Request = Annotated[str, typer.Argument(help="Its number, such as REQ-12.")]
Reason = Annotated[str, typer.Argument(help="Why.")]


def build() -> typer.Typer:
    app, rules = typer.Typer(), typer.Typer()
    app.callback()(_changes)
    rules.callback()(_rules)
    for command in (show, check, load):
        rules.command()(command)
    app.add_typer(rules, name="rules", help="What each change needs, as a file.")
    return app


def build_approvals() -> typer.Typer:
    app = typer.Typer()
    app.callback()(_approvals)
    app.command("list")(list_open)
    app.command("show")(show_request)
    for command in (approve, deny, withdraw):
        app.command()(command)
    return app


def _changes() -> None:
    """What changes need."""


def _rules() -> None:
    """What each change needs: at once, a confirmation, approvals by others, or forbidden."""


def _approvals() -> None:
    """Requests: list, show, approve, deny, withdraw."""


def show(
    defaults: Annotated[
        bool, typer.Option(help="Also those that come with the program, which hold after them.")
    ] = True,
    state_dir: StateDir = None,
    demo: Demo = False,
) -> int:
    """Print the rules in force, as a file that can be edited and loaded."""
    from engines.changes import rule_sets
    from engines.changes.rule_files import write
    from engines.changes.rules import DEFAULTS

    async def work(conn: "AsyncConnection") -> str:
        current = await rule_sets.current(conn)
        own = write(current) if current else "rules: []\n"
        lines = write(DEFAULTS).splitlines() if defaults else []
        after = [
            "# What no rule above names is decided by these, which come with the program:",
            *(f"# {x}" for x in lines),
        ]
        return own + ("\n".join(after) if defaults else "")

    typer.echo(read(state_dir, demo, work))
    return OK


def check(file: File) -> int:
    """Say whether a file is in order; a mistake is told with its line."""
    rules = _parsed(file)
    typer.echo(f"{file} is in order: {len(rules)} rules")
    return OK


def load(file: File, state_dir: StateDir = None, demo: Demo = False) -> int:
    """Put the rules of a file in force at once, in the place of those before."""
    rules = _parsed(file)

    async def work(conn: "AsyncConnection") -> str:
        from bot.people import LOCAL
        from engines.changes import rule_sets

        lines = await rule_sets.load(conn, rules, LOCAL)
        return "\n".join([*lines, f"{len(rules)} rules are in force now"])

    return change(state_dir, demo, work, "rules.load", str(file.name))


def _parsed(file: Path) -> "tuple[Rule, ...]":
    from engines.changes.rule_files import MOST_BYTES, RuleFileError, parse

    try:
        with file.open("rb") as opened:
            content = opened.read(MOST_BYTES + 1)
        return parse(content.decode("utf-8-sig"))
    except OSError as error:
        raise Failure(
            f"{file} cannot be read: {(error.strerror or 'unknown').lower()}", "name a file of rules"
        ) from None
    except UnicodeDecodeError:
        raise Failure(f"{file} is not text in UTF-8", "name a file of rules") from None
    except RuleFileError as error:
        raise Failure(f"{file}: {error}", "correct it, then check again") from None


def list_open(
    mine: Annotated[bool, typer.Option("--mine", help="Only your own.")] = False,
    waiting: Annotated[bool, typer.Option("--waiting", help="Only those that you could decide on.")] = False,
    person: Person = "local",
    as_json: AsJson = False,
    state_dir: StateDir = None,
    demo: Demo = False,
) -> int:
    """Requests that are open."""
    said = "my open requests" if mine else "what is waiting for my approval" if waiting else "open requests"
    return _say(said, person, as_json, state_dir, demo)


def show_request(
    request: Request, person: Person = "local", as_json: AsJson = False, state_dir: StateDir = None, demo: Demo = False
) -> int:
    """One request: what it would do, who decides, how it stands."""
    return _say(f"show {request}", person, as_json, state_dir, demo)


def approve(
    request: Request,
    name: Annotated[str, typer.Option("--name", help="The name, where the plan asks for it to be typed.")] = "",
    person: Person = "local",
    as_json: AsJson = False,
    state_dir: StateDir = None,
    demo: Demo = False,
) -> int:
    """Approve what somebody else asked for."""
    return _say(f"approve {request} {name}".rstrip(), person, as_json, state_dir, demo)


def deny(
    request: Request,
    reason: Reason,
    person: Person = "local",
    as_json: AsJson = False,
    state_dir: StateDir = None,
    demo: Demo = False,
) -> int:
    """Deny it, with a reason."""
    return _say(f"deny {request} because {reason}", person, as_json, state_dir, demo)


def withdraw(
    request: Request, person: Person = "local", as_json: AsJson = False, state_dir: StateDir = None, demo: Demo = False
) -> int:
    """Take back what you asked for."""
    return _say(f"withdraw {request}", person, as_json, state_dir, demo)


def _say(said: str, person: str, as_json: bool, state_dir: Path | None, demo: bool) -> int:
    return ask(said, person=person, as_json=as_json, state_dir=state_dir, demo=demo)
