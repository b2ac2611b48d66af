"""`intents`: what is understood, measured and explained. Only `unmatched` needs a database; none needs a model."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.commands.failures import OK, USAGE, Failure
from bot.commands.options import AsJson, Demo, StateDir, settings_for

if TYPE_CHECKING:
    from intents.names import Names

NamesFile = Annotated[Path | None, typer.Option("--names", help="A JSON file with the names of an inventory.")]
Now = Annotated[str | None, typer.Option("--now", help="The time to read as now, ISO 8601; none: the clock's.")]


def build() -> typer.Typer:
    app = typer.Typer()
    app.callback()(_intents)
    app.command("match")(match)
    app.command("list")(list_all)
    app.command("explain")(explain)
    app.command("sample")(sample)
    app.command("docs")(docs)
    app.command("unmatched")(unmatched)
    return app


def _intents() -> None:
    """What is understood, and what was not."""


def match(names: NamesFile = None, now: Now = None) -> int:
    """Read sentences, one JSON object with `text` a line, and write what each means, one line each, in order."""
    from intents.batch import match as match_lines

    sys.stdin.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    if match_lines(sys.stdin, sys.stdout, _names(names), _time(now)):
        raise Failure("some lines were not JSON objects with a text", "their answers name them; the others were read")
    return OK


def explain(
    text: Annotated[str, typer.Argument(help="The sentence, in quotes.")], names: NamesFile = None, now: Now = None
) -> int:
    """How a sentence is understood: which words said what, what else it could have meant, why it would ask back."""
    from intents.explain import explain as explained

    typer.echo(explained(text, _names(names), _time(now)))
    return OK


def list_all(as_json: AsJson = False) -> int:
    """Everything that can be asked: the intents with their risk and an example."""
    import json

    from intents.registry import load_catalogue

    catalogue = load_catalogue()
    for intent in catalogue.intents.values():
        if as_json:
            slots = {"required": list(intent.required), "optional": list(intent.optional)}
            whole = {"intent": intent.name, "topic": intent.topic, "does": intent.does, "risk": intent.risk, **slots}
            typer.echo(json.dumps({**whole, "examples": list(intent.examples)}, ensure_ascii=False))
        else:
            typer.echo(f"{intent.name:20} {intent.risk:8} {intent.does}\n{'':30}“{intent.examples[0]}”")
    return OK


def sample(
    intent: Annotated[str | None, typer.Argument(help="An intent; none: all that have templates.")] = None,
    count: Annotated[int, typer.Option(min=1, max=10_000, help="How many sentences of each intent at most.")] = 5,
    names: NamesFile = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same sentences.")] = 0,
) -> int:
    """Sentences that are understood, made from the templates: one JSON object a line, as `match` reads them.

    Names come from the file of names; without one they stand in braces, as {vm}.
    """
    import json

    from intents.grammar import load_templates
    from intents.registry import load_catalogue

    known = load_catalogue().intents
    if intent is not None and intent not in known:
        raise Failure(f"there is no intent {intent!r}", "`stackhand intents list` shows them all", USAGE)
    found, templates = _names(names), load_templates()
    kinds = {slot for one in known.values() for slot in one.slots}
    slots = {kind: [name.name for name in found.of(kind)] for kind in sorted(kinds)}
    for name in [intent] if intent else known:
        for text in templates.samples(name, count, slots, seed=seed):
            typer.echo(json.dumps({"text": text, "intent": name}, ensure_ascii=False))
    return OK


def docs() -> int:
    """Print docs/questions.md: everything that can be asked, as this version has it."""
    from bot.handlers.registry import find_handlers
    from bot.questions import page
    from intents.registry import load_catalogue

    catalogue = load_catalogue()
    typer.echo(page(catalogue, find_handlers(catalogue).by_intent), nl=False)
    return OK


def unmatched(
    days: Annotated[int, typer.Option(min=1, max=3650, help="How many days back.")] = 7,
    as_json: AsJson = False,
    state_dir: StateDir = None,
    demo: Demo = False,
) -> int:
    """What was said and not understood, judged wrong or corrected, most often first; names are masked."""
    import asyncio

    from bot.commands.unmatched import print_unmatched

    asyncio.run(print_unmatched(settings_for(state_dir, demo), days, as_json))
    return OK


def _names(path: Path | None) -> "Names":
    import json

    from intents.names import Names

    if path is None:
        return Names()
    try:
        return Names.from_json(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise Failure(f"{path} cannot be read ({error.strerror})", "give a file that exists to --names") from None
    except (ValueError, AttributeError, TypeError, RecursionError):
        raise Failure(
            f"{path} is not a file of names", 'write it as JSON: {"vm": ["web-01", …], "project": […]}'
        ) from None


def _time(said: str | None) -> datetime:
    """Without a zone it is UTC."""
    try:
        found = datetime.now(UTC) if said is None else datetime.fromisoformat(said)
    except ValueError:
        raise Failure(f"{said!r} is not a time", "write it as 2026-11-22T09:00:00Z", USAGE) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
