"""A plan as JSON: sums that agree, one VM with all that led to its grade, and the same text each time."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engines.migration.assessment import assess
from engines.migration.calendars import Calendar
from engines.migration.plans import Settings, make_plan
from engines.migration.reading.limits import SENT_FILE, SMALL_FILE, WorkbookRefused, sent_limits
from engines.migration.reading.reader import read_bytes, read_export
from engines.migration.results import as_json, vm_json
from engines.migration.transfer import Transfer
from tests.engines.migration.books import small_book
from tests.engines.migration.estates import assessed, disk, vm

SETTINGS = Settings(Transfer(), Calendar(datetime(2026, 11, 30, tzinfo=UTC), 8, 18))


def test_one_vm_with_everything_that_led_to_its_grade() -> None:
    found = vm_json(assessed(name="erp-db", os_tools="CentOS 7 (64-bit)", disks=(disk(size_gib=0),)))
    assert found["risk"]["colour"] == "RED" and found["risk"]["blockers"] == ["vmware.disk.capacity.invalid"]
    assert {point["rule"]: point["weight"] for point in found["risk"]["points"]} == {
        "guest.out_of_support": 15,
        "database": 10,
    }
    concern = next(one for one in found["concerns"] if one["id"] == "vmware.disk.capacity.invalid")
    assert (concern["sheet"], concern["row"], concern["value"]) == ("vDisk", 2, "Hard disk 1: 0")
    assert concern["todo"] and found["mode"]["reasons"] and found["os"]["confidence"] == "high"
    assert json.loads(json.dumps(found)) == found


def test_the_sums_agree_and_the_text_is_the_same(generated: Callable[..., Path]) -> None:
    path = generated("e.xlsx", "--vms", "250", "--seed", "3")
    texts = []
    for _ in range(2):
        plan = make_plan(assess(read_export(path)), SETTINGS)
        found = as_json(plan, [])
        texts.append(json.dumps(found, indent=1))
    inside = len(plan.assessment.in_scope)
    assert texts[0] == texts[1]
    assert sum(one["vms"] for one in found["tenants"]) + found["without_tenant"] == inside
    assert sum(one["vms"] for one in found["schedule"]["by_day"]) == found["schedule"]["vms"] == inside
    assert set(plan.rows) == set(plan.times) == {one.key for one in plan.assessment.in_scope}
    assert found["totals"]["vms"] + found["totals"]["templates"] == inside + sum(
        plan.assessment.count_left_out().values()
    )


def test_a_vm_that_was_only_graded_is_in_no_schedule() -> None:
    one = vm(template=True)
    assert assessed(template=True).left_out == "template" and one.template


def test_a_file_that_came_by_chat_has_smaller_limits(tmp_path: Path) -> None:
    content = small_book(tmp_path / "b.xlsx").read_bytes()
    assert sent_limits(len(content)) is SMALL_FILE and sent_limits(SMALL_FILE.file_bytes + 1) is SENT_FILE
    assert len(read_bytes(content, "b.xlsx", SMALL_FILE).vms) == 1
    with pytest.raises(WorkbookRefused, match="bytes"):
        read_bytes(content + bytes(SMALL_FILE.file_bytes), "b.xlsx", SMALL_FILE)
