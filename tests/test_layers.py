"""Each floor imports only floors below it, and a platform's name stays where it belongs."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "storage": {"storage"},
    "engines": {"engines", "storage"},
    "scheduler": {"scheduler", "engines", "storage"},
    "intents": {"intents"},
    "bot": {"bot", "intents", "scheduler", "engines", "storage"},
}
_PLATFORM = re.compile(r"slack|\bteams\b|microsoft_teams|adaptive_?card|block_?kit", re.I)


def modules(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


def imported(tree: ast.AST, package: str) -> Iterator[tuple[int, str]]:
    """Line and top-level name of every import, wherever it stands; relative ones stay in their room."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.split(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, package if node.level else (node.module or "").split(".")[0]


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_floors_below(room: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in modules(room)
        for line, name in imported(ast.parse(path.read_text(encoding="utf-8")), room)
        if name in MAY_IMPORT and name not in MAY_IMPORT[room]
    ]
    assert not wrong


def test_no_product_module_imports_the_tests() -> None:
    wrong = [
        str(path.relative_to(ROOT))
        for room in MAY_IMPORT
        for path in modules(room)
        for _, name in imported(ast.parse(path.read_text(encoding="utf-8")), room)
        if name == "tests"
    ]
    assert not wrong


def identifiers(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Names that code uses or defines, and modules that it imports; prose is free to speak of any platform."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield getattr(node, "lineno", 0), name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield node.lineno, name
            case ast.ImportFrom(module=name) if name:
                yield node.lineno, name
            case ast.Import(names=names):
                yield from ((node.lineno, alias.name) for alias in names)


def test_chat_platforms_are_named_only_in_adapters_and_settings() -> None:
    allowed = {ROOT / "bot" / "settings.py"}
    wrong = [
        f"{path.relative_to(ROOT)}:{line} {name}"
        for room in MAY_IMPORT
        for path in modules(room)
        if path not in allowed and "adapters" not in path.parts
        for line, name in identifiers(ast.parse(path.read_text(encoding="utf-8")))
        if _PLATFORM.search(name)
    ]
    assert not wrong


_OPENS_CLOUDS = {
    "engines/changes/sagas.py",
    "bot/app.py",
    "bot/workshop.py",
    "engines/clouds/opening.py",
    "engines/clouds/acting.py",
}


def test_only_the_runner_of_approved_plans_opens_clients_that_change_a_cloud() -> None:
    """The composition root puts them together, the runner opens them; nobody else may even name them."""
    wrong = [
        f"{path.relative_to(ROOT)}:{line} {name}"
        for room in MAY_IMPORT
        for path in modules(room)
        if str(path.relative_to(ROOT)) not in _OPENS_CLOUDS
        for line, name in identifiers(ast.parse(path.read_text(encoding="utf-8")))
        if name in ("ActingClouds", "open_acting", "acting_clouds")
    ]
    assert not wrong


def test_the_job_library_is_imported_by_its_adapter_alone() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line}"
        for room in MAY_IMPORT
        for path in modules(room)
        if path != ROOT / "scheduler" / "durable.py"
        for line, name in imported(ast.parse(path.read_text(encoding="utf-8")), room)
        if name == "dbos"
    ]
    assert not wrong


def test_the_check_would_notice() -> None:
    tree = ast.parse("def f():\n    from bot.replies import Reply\n    import slack_sdk\n")
    assert ("bot" in {name for _, name in imported(tree, "storage")}) and "bot" not in MAY_IMPORT["storage"]
    assert any(_PLATFORM.search(name) for _, name in identifiers(tree))
    opening = ast.parse("from engines.clouds.acting import ActingClouds\nclouds: ActingClouds\n")
    assert "ActingClouds" in {name for _, name in identifiers(opening)}


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_the_rooms_that_are_imported_are_ours(room: str) -> None:
    """Their names are ordinary words: a package of the same name must not shadow them."""
    found = __import__(room).__file__
    assert found is not None
    assert (Path(found).parent / "__init__.py").read_bytes() == (ROOT / room / "__init__.py").read_bytes()
