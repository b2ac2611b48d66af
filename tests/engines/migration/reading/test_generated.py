"""Generated exports of every form, with ten seeds, against the answers of the model that they were made of."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engines.migration.reading.reader import read_export
from engines.migration.totals import totals

_SEEDS = [str(seed) for seed in range(1, 1 + int(os.environ.get("STACKHAND_TEST_SEEDS", "2")))]  # 10 take minutes
_FORMS = {
    "clean": [], "legacy": ["--legacy-mb"], "dirty": ["--dirty"], "merged": ["--vcenters", "3"],
    "no folders": ["--no-folders", "--no-custom"], "csv": ["--csv-zip"],
    "csv regional": ["--csv-zip", "--csv-delimiter", ";", "--no-csv-thousands"],
}  # fmt: skip
_SAME = {
    "vms": "vms", "templates": "templates", "powered_on": "powered_on", "powered_off": "powered_off",
    "suspended": "suspended", "vcpus": "vcpu_total", "memory_mib": "memory_mib_total",
    "provisioned_mib": "provisioned_mib_total", "in_use_mib": "in_use_mib_total", "disks": "disk_rows",
    "disk_capacity_mib": "disk_capacity_mib_total", "partitions": "partition_rows",
    "partition_consumed_mib": "partition_consumed_mib_total", "nics": "nic_rows", "snapshots": "snapshot_rows",
    "vms_with_snapshots": "vms_with_snapshots", "os_families": "os_families",
}  # fmt: skip


def expected(path: Path, form: str) -> dict[str, Any]:
    answers = json.loads(Path(f"{path}.answers.json").read_text(encoding="utf-8"))
    wanted = {ours: answers[theirs] for ours, theirs in _SAME.items()}
    if form == "dirty":  # it takes the sheet away
        wanted |= {"partitions": None, "partition_consumed_mib": None}
    return {**wanted, "clusters": answers["cluster_count"], "hosts": answers["host_count"]}


@pytest.mark.parametrize("seed", _SEEDS)
@pytest.mark.parametrize("form", _FORMS)
def test_the_totals_are_the_answers(generated: Callable[..., Path], form: str, seed: str) -> None:
    name = "export.zip" if form.startswith("csv") else "export.xlsx"
    path = generated(name, "--vms", "140", "--seed", seed, *_FORMS[form])
    estate = read_export(path)
    found = totals(estate)
    found |= {"clusters": len(found["clusters"]), "hosts": len(found["hosts"])}
    wanted = expected(path, form)
    assert {key: found[key] for key in wanted} == wanted
    assert estate.report.unreadable == ()
    assert all(reason.startswith("repeated row") for reason in estate.report.left_out)
