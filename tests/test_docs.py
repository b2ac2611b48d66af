"""What the documents say is so: every setting, command, metric, event and key is there, and nothing else."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from typer import Typer

from bot.cli import build
from bot.metrics import Metrics
from bot.settings import PREFIX, Settings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
KEYS = (ROOT / "docs" / "ask-json.md").read_text(encoding="utf-8")
SETTINGS = {PREFIX + name.upper() for name in Settings.model_fields}


def section(text: str, title: str) -> str:
    found = re.search(rf"(?ms)^## {re.escape(title)}$(.*?)(?=^## |\Z)", text)
    assert found, f"no section {title!r}"
    return found[1]


def rows(text: str) -> list[str]:
    """The first cells of a table's rows, without its head."""
    return [found[1] for found in re.finditer(r"(?m)^\| (`[^|]+?) \|", text)]


def commands() -> Iterator[str]:
    """Every command with its group, as it is typed."""
    for command in build().registered_commands:
        yield command.name or getattr(command.callback, "__name__", "").replace("_", "-")
    for group in build().registered_groups:
        assert group.typer_instance is not None
        yield from commands_of(group.typer_instance, str(group.name))


def commands_of(group: Typer, name: str) -> Iterator[str]:
    for command in group.registered_commands:
        yield f"{name} {command.name or getattr(command.callback, '__name__', '')}"
    for inner in group.registered_groups:
        assert inner.typer_instance is not None
        yield from commands_of(inner.typer_instance, f"{name} {inner.name}")


def documented_commands() -> set[str]:
    """`people add`, `link` in one cell are two commands of one group."""
    found: set[str] = set()
    for cell in rows(section(README, "Commands")):
        first, *others = re.findall(r"`([^`]+)`", cell)
        words = re.findall(r"^stackhand ((?:[a-z-]+ ?)+)", first)[0].split()
        found.add(" ".join(words))
        found.update(" ".join([*words[:-1], other]) for other in others)
    return found


def test_every_command_is_in_the_readme_and_none_is_invented() -> None:
    assert documented_commands() == set(commands())


def test_every_setting_is_in_the_readme_and_none_is_invented() -> None:
    assert {cell.strip("`") for cell in rows(section(README, "Settings"))} == SETTINGS
    assert set(re.findall(rf"{PREFIX}\w+", README)) - {"STACKHAND_TEST_CLOUD"} <= SETTINGS


def test_the_defaults_in_the_readme_are_real() -> None:
    for name, field in Settings.model_fields.items():
        (row,) = re.findall(rf"(?m)^\| `{PREFIX}{name.upper()}` \| (.*?) \|", README.replace("| |", "|  |"))
        if field.default not in (None, ""):
            assert f"`{field.default}`" in row


def test_every_setting_is_in_the_example_and_none_is_invented() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert set(re.findall(rf"(?m)^#?({PREFIX}\w+)=", example)) == SETTINGS


def test_the_example_sets_nothing_until_it_is_edited() -> None:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == []


def test_the_composition_passes_only_settings_that_exist() -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    assert set(re.findall(rf"(?m)^\s+({PREFIX}\w+):", text)) <= SETTINGS
    read = set(re.findall(rf"\$\{{({PREFIX}\w+)", text)) - {"STACKHAND_VERSION"}
    assert read <= SETTINGS


async def test_every_metric_is_documented_and_none_is_invented() -> None:
    page = (await Metrics().page(None)).decode()
    from bot.metrics import _GAUGES

    names = set(re.findall(r"(?m)^# TYPE (stackhand_\w+?) ", page)) | {gauge.name for gauge in _GAUGES}
    names = {name for name in names if not name.endswith("_created")}
    assert {cell.strip("`") for cell in rows(section(OPERATIONS, "Metrics"))} == names


def logged_events() -> Iterator[tuple[str, str]]:
    """The first argument of every call of a structlog logger named `log`."""
    for room in ("bot", "scheduler", "engines", "storage", "intents"):
        for path in sorted((ROOT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                match node:
                    case ast.Call(
                        func=ast.Attribute(value=ast.Name(id="log" | "_log" | "logger"), attr=level),
                        args=[ast.Constant(value=str(event)), *_],
                    ) if level in {"debug", "info", "warning", "error", "exception", "critical"}:
                        yield f"{path.relative_to(ROOT)}:{node.lineno}", event


def test_every_event_of_the_log_is_documented() -> None:
    known = set(re.findall(r"`([a-z_]+(?:\.[a-z_]+)?)`", section(OPERATIONS, "Logs")))
    assert [(where, event) for where, event in logged_events() if event not in known] == []


def test_every_key_of_the_json_is_documented() -> None:
    from datetime import UTC, datetime

    from bot.commands.contract import as_json
    from bot.replies import Column, File, Reply, Table
    from bot.told import Told

    reply = Reply((Table((Column("a", "A"),), ((1,),), 1), File("f.csv", "text/csv", b"x")))
    found = as_json(Told((reply, reply), (), 1), "", {}, datetime.now(UTC))
    assert {cell.strip("`") for cell in rows(KEYS)} == set(found)
    assert all(f"`{key}`" in KEYS for key in (*found["table"], *found["files"][0]))


def set_up_commands() -> list[str]:
    return [section(README, title).split("```sh\n")[1].split("\n```")[0] for title in ("Try it", "Run the tests")]


def test_set_up_is_one_line_each() -> None:
    for command in set_up_commands():
        assert "\n" not in command
        assert "--require-hashes" in command
    assert set_up_commands()[0].endswith("stackhand demo")
    assert set_up_commands()[1].endswith("-m pytest -n 3 --dist loadgroup --no-loadscope-reorder")


def test_the_ci_runs_the_readmes_own_test_command() -> None:
    """It takes the line out of the README by this expression, so that the two cannot differ."""
    import subprocess

    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    (taken,) = re.findall(r"(?m)^test_command=\$\((.*)\)$", script)
    done = subprocess.run(["bash", "-c", taken], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == set_up_commands()[1]
    assert 'bash -o pipefail -c "$test_command"' in script


@pytest.mark.parametrize(
    "document", sorted(p for p in (ROOT, ROOT / "docs") for p in p.glob("*.md")), ids=lambda p: p.name
)
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    targets = [t for t in re.findall(r"\]\(([^)#]+)[^)]*\)", text) if "://" not in t]
    assert [target for target in targets if not (document.parent / target).exists()] == []


def test_examples_of_clouds_files_are_valid() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", README, re.S)
    assert "auth_url" in yaml.safe_load(example)["clouds"]["pcd-1"]["auth"]


def test_the_page_of_questions_is_what_the_program_prints(capsys: pytest.CaptureFixture[str]) -> None:
    """When it differs: stackhand intents docs > docs/questions.md"""
    from bot.commands.intents import docs

    assert docs() == 0
    assert (ROOT / "docs" / "questions.md").read_text(encoding="utf-8") == capsys.readouterr().out
