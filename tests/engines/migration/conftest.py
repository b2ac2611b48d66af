"""Exports to read: small ones made here, and those of the test bed beside the checkout where there is one."""

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

Make = Callable[..., Path]


def shared() -> Path:
    """The place that holds `data/rvtools` and `testbed/rvtools`: named, or beside the checkout."""
    told = os.environ.get("STACKHAND_TEST_RVTOOLS")
    return Path(told) if told else Path(__file__).parents[4] / "shared"


@pytest.fixture(scope="session")
def workbooks() -> Path:
    found = shared() / "data" / "rvtools"
    if not found.is_dir():
        pytest.skip("no real workbooks beside the checkout")
    return found


@pytest.fixture(scope="session")
def generator() -> ModuleType:
    path = shared() / "testbed" / "rvtools" / "make_rvtools.py"
    if not path.is_file():
        pytest.skip("no generator beside the checkout")
    spec = importlib.util.spec_from_file_location("make_rvtools", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def generated(generator: ModuleType, tmp_path: Path) -> Make:
    """Call with a name and the generator's options; the answers lie beside the file as `NAME.answers.json`."""

    def make(name: str, *options: str) -> Path:
        path = tmp_path / name
        assert generator.main([str(path), "--answers", f"{path}.answers.json", *options]) == 0
        return path

    return make
