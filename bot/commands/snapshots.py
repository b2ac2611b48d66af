"""`snapshots`: the rules that put volumes under snapshot policies."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.commands.failures import OK, USAGE, Failure
from bot.commands.options import Demo, StateDir
from bot.commands.people_changes import change, read

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from engines.snapshots.assigning import Change
    from engines.snapshots.rule_files import RuleFile

File = Annotated[Path, typer.Argument(help="A YAML file with policies, rules and exclusions.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only tell what would change.")]
_SHOWN = 50


def build() -> typer.Typer:
    app = typer.Typer()
    app.callback()(_snapshots)
    rules = typer.Typer()
    rules.callback()(_rules)
    for command in (show, check, load):
        rules.command()(command)
    app.add_typer(rules, name="rules", help="Which volumes are under which policies.")
    return app


def _snapshots() -> None:
    """Snapshot policies and the rules that assign them."""


def _rules() -> None:
    """Which volumes are under which policies."""


def show(state_dir: StateDir = None, demo: Demo = False) -> int:
    """Print the policies, rules and exclusions that count now."""
    from datetime import UTC, datetime

    from engines.snapshots.rule_files import loaded

    now = datetime.now(UTC)

    async def look(conn: "AsyncConnection") -> list[str]:
        policies, rules, exclusions = await loaded(conn, now)
        lines = [f"policy {p.name}: {p.calendar.cron} {p.calendar.zone}, keeps {p.retention}"
                 for p in policies.custom.values()]  # fmt: skip
        for rule in sorted(rules, key=lambda one: (not one.denies, one.priority, one.name)):
            does = f"allows {', '.join(rule.allow)}" if rule.allow else f"denies {', '.join(rule.deny) or 'everything'}"
            lines.append(f"rule {rule.name} (priority {rule.priority}): {does}")
        for place, reason, until, _ in exclusions:
            end = f" until {until:%Y-%m-%d %H:%M} UTC" if until else ""
            lines.append(f"excluded {' '.join(place)}{end}: {reason}")
        return lines

    for line in read(state_dir, demo, look) or ["no rule is loaded; volumes say themselves, or people assign"]:
        typer.echo(line)
    return OK


def check(file: File) -> int:
    """Say whether a file can be loaded."""
    told = _read(file)
    typer.echo(f"{file} is well: {_counts(told)}")
    return OK


def load(file: File, dry_run: DryRun = False, state_dir: StateDir = None, demo: Demo = False) -> int:
    """Load a file in place of the one before; with --dry-run only tell what would change."""
    from datetime import UTC, datetime

    from engines.snapshots import rule_files, ticks

    told = _read(file)
    now = datetime.now(UTC)
    if dry_run:
        changes = read(state_dir, demo, lambda conn: rule_files.would_change(conn, told, now))
        for one in changes[:_SHOWN]:
            typer.echo(_line(one))
        more = f", {len(changes) - _SHOWN:,} of them not shown" if len(changes) > _SHOWN else ""
        typer.echo(f"{len(changes):,} volumes would change{more}; nothing was loaded")
        return OK

    async def work(conn: "AsyncConnection") -> str:
        changes = await rule_files.would_change(conn, told, now)
        await rule_files.load(conn, told, "local")
        await ticks.ensure_schedules(conn)
        return f"loaded: {_counts(told)}; {len(changes):,} volumes change"

    return change(state_dir, demo, work, "snapshots.rules", str(file.name))


def _read(file: Path) -> "RuleFile":
    from engines.snapshots.rule_files import read_file
    from engines.snapshots.rules import RuleError

    try:
        return read_file(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"{file} cannot be read: {type(error).__name__}", "give a YAML file in UTF-8", USAGE) from None
    except RuleError as error:
        raise Failure(f"{file}: {error}", "mend it; nothing was loaded", USAGE) from None


def _counts(told: "RuleFile") -> str:
    return f"{len(told.policies)} policies, {len(told.rules)} rules, {len(told.exclusions)} exclusions"


def _line(one: "Change") -> str:
    words = [f"+{name}" for name in one.gains] + [f"-{name}" for name in one.loses] + list(one.keeps)
    return f"{one.volume.source} {one.volume.project or one.volume.project_id} {one.volume.name}: {' '.join(words)}"
