"""What must hold for every file of the repository."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
ROOMS = ("bot", "engines", "intents", "scheduler", "storage")
TOP = {*ROOMS, "tests", "docs", "docker-compose.yml", "pyproject.toml", "README.md", "requirements.txt", "LICENSE"}
_SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}
_MOST_FILE_LINES, _MOST_FUNCTION_LINES = 400, 60
# Written in pieces, so that this file does not hold what it looks for.
_REGISTRIES = re.compile("|".join(("pypi" + r"\.org", "python" + "hosted", "npm" + "js", "registry" + r"\.[a-z]")))
_MACHINE = re.compile(r"(?<![\w./-])/(?:work|root|home/\w+|tmp/(?!stackhand|matplotlib)[\w-]+)/[\w.-]+")
_SECRET = re.compile(r"xox[abp]-\w{10}|-----BEGIN [A-Z ]*PRIVATE KEY|AKIA[0-9A-Z]{16}")


def tracked() -> list[Path]:
    """Files of the repository; of a copy without git, those that git would take."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    skipped = {
        ".git",
        ".venv",
        ".venv-test",
        "__pycache__",
        ".mypy_cache",
        ".ruff_cache",
        ".pytest_cache",
        ".hypothesis",
    }
    return [p for p in ROOT.rglob("*") if p.is_file() and not skipped & set(p.relative_to(ROOT).parts)]


def texts() -> Iterator[tuple[str, str]]:
    for path in tracked():
        try:
            yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:  # a picture
            continue


def product() -> list[Path]:
    return [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_the_top_level_is_fixed() -> None:
    tops = {named(path).split("/")[0] for path in tracked()}
    assert {top for top in tops if not top.startswith(".")} <= TOP


@pytest.mark.parametrize("pattern", [_REGISTRIES, _SECRET], ids=["registry hosts", "secrets"])
def test_no_file_holds(pattern: re.Pattern[str]) -> None:
    assert [f"{name}: {found[0]}" for name, text in texts() if (found := pattern.search(text))] == []


def test_no_file_names_a_place_on_somebodys_machine() -> None:
    allowed = ("tests/", "docker-compose.yml", "docs/docker/")
    found = [
        f"{name}: {match[0]}"
        for name, text in texts()
        if not name.startswith(allowed) and (match := _MACHINE.search(text))
    ]
    assert found == []


def test_nothing_outside_the_checkout_is_named_but_by_the_ci() -> None:
    outside = "../" + "shared"
    assert [name for name, text in texts() if outside in text and name != ".ci/run"] == []


def test_requirements_are_pinned_with_hashes_and_name_no_host() -> None:
    for path in (ROOT / "requirements.txt", ROOT / "tests" / "requirements.txt"):
        text = path.read_text(encoding="utf-8")
        assert "://" not in text and "--index" not in text and " @ " not in text
        entries = [entry for entry in re.split(r"\n(?=\S)", text.strip()) if not entry.startswith("#")]
        assert len(entries) > 30
        assert [entry.split()[0] for entry in entries if "==" not in entry or "--hash=sha256:" not in entry] == []


def test_the_test_requirements_hold_the_same_pins() -> None:
    def pins(path: Path) -> set[str]:
        return set(re.findall(r"^[\w.\-\[\]]+==\S+", path.read_text(encoding="utf-8"), re.M))

    assert pins(ROOT / "requirements.txt") <= pins(ROOT / "tests" / "requirements.txt")


def test_every_dependency_of_the_project_is_pinned() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = project["dependencies"] + extras["test"] + extras["models"]
    names = {re.split(r"[\[<>=!~ ;]", line)[0].lower() for line in wanted}
    pinned = set(re.findall(r"^([\w.-]+)", (ROOT / "tests" / "requirements.txt").read_text(), re.M))
    assert names - pinned == set()


@pytest.mark.parametrize("path", product(), ids=named)
def test_a_module_is_short_and_its_functions_too(path: Path) -> None:
    assert path.read_text(encoding="utf-8").count("\n") <= _MOST_FILE_LINES
    sizes = {f.name: (f.end_lineno or f.lineno) - f.lineno + 1 for f in functions(path)}
    assert {name: size for name, size in sizes.items() if size > _MOST_FUNCTION_LINES} == {}


def test_the_median_function_is_short() -> None:
    sizes = sorted((f.end_lineno or f.lineno) - f.lineno + 1 for path in product() for f in functions(path))
    assert sizes[len(sizes) // 2] < 10


def test_names_of_modules_say_something() -> None:
    assert [name for name, _ in texts() if name.endswith(".py") and Path(name).stem in _SAY_NOTHING] == []


def test_every_function_is_annotated() -> None:
    wrong = [f"{named(path)}:{f.lineno} {f.name}" for path in product() for f in functions(path) if f.returns is None]
    assert wrong == []


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def joined(node: ast.expr) -> bool:
    """Whether a text is put together when the program runs."""
    match node:
        case ast.JoinedStr(values=values):
            return any(isinstance(value, ast.FormattedValue) for value in values)
        case ast.BinOp(op=ast.Mod() | ast.Add(), left=left, right=right):
            return not (isinstance(left, ast.Constant) and isinstance(right, ast.Constant))
        case ast.Call(func=ast.Attribute(attr="format" | "join")):
            return True
    return False


@pytest.mark.parametrize("path", product(), ids=named)
def test_sql_is_never_joined_from_pieces_and_no_shell_is_used(path: Path) -> None:
    wrong: list[str] = []
    for call in calls(ast.parse(path.read_text(encoding="utf-8"))):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if name in {"text", "execute", "exec_driver_sql", "fetch"} and call.args and joined(call.args[0]):
            wrong.append(f"line {call.lineno}: {name} of a joined text")
        if name in {"system", "popen", "getoutput"} or any(
            k.arg == "shell" and not (isinstance(k.value, ast.Constant) and k.value.value is False)
            for k in call.keywords
        ):
            wrong.append(f"line {call.lineno}: a shell")
    assert wrong == []


def test_no_module_keeps_state() -> None:
    wrong = [
        f"{named(path)}:{node.lineno}"
        for path in product()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Global)
    ]
    assert wrong == []


def compose() -> dict[str, object]:
    loaded = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


@pytest.mark.parametrize("service", ["database", "bot", "worker"])
def test_a_container_has_no_rights_to_spare(service: str) -> None:
    """The shape only: no container engine is needed for this test, and none was used."""
    services = compose()["services"]
    assert isinstance(services, dict)
    found = services[service]
    assert found["read_only"] is True
    assert found["cap_drop"] == ["ALL"] and "cap_add" not in found and "privileged" not in found
    assert "no-new-privileges:true" in found["security_opt"]
    assert found["user"].split(":")[0] not in ("0", "root")
    assert found["healthcheck"]["test"]
    assert all(port.startswith("127.0.0.1:") for port in found.get("ports", []))


def test_the_composition_has_no_default_password_and_a_new_postgresql() -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    values = re.findall(r"(?m)^\s+\w*PASSWORD: (.+)$", text)
    assert values and all(value.startswith("${POSTGRES_PASSWORD:?") for value in values)
    image = re.search(r"image: postgres:(\d+)", text)
    assert image is not None and int(image[1]) >= 17
    assert "trust" not in text


def test_the_image_is_built_from_hashes_and_runs_as_nobody_special() -> None:
    text = (ROOT / "docs" / "docker" / "Dockerfile").read_text(encoding="utf-8")
    assert text.count("\nFROM ") == 2 and "--require-hashes" in text
    assert re.search(r"(?m)^USER (\d+)", text) and "USER 0" not in text and "USER root" not in text


def test_only_what_the_image_needs_is_sent_to_its_build() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert lines[0] == "*"
    kept = {line[1:] for line in lines if line.startswith("!")}
    assert {*ROOMS, "pyproject.toml", "requirements.txt", "README.md", "LICENSE"} == kept
