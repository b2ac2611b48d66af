"""What a plan is not about is counted by its reason; what only looks like it stays in."""

from typing import Any

import pytest

from engines.migration.scope import count_left_out, left_out, marks_of
from tests.engines.migration.estates import vm


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"template": True}, "template"),
        ({"name": "vCLS-4a1b2c"}, "vcls"),
        ({"name": "vCLS (3)"}, "vcls"),
        ({"marks": ("vcls",)}, "vcls"),
        ({"srm": True}, "srm_placeholder"),
        ({"disks": (), "path": "[ds] srm-placeholder/x.vmx"}, "srm_placeholder"),
        ({"connection": "orphaned"}, "orphaned"),
        ({"connection": "Inaccessible"}, "inaccessible"),
        ({"connection": "invalid"}, "invalid"),
        ({"connection": "disconnected"}, "disconnected"),
        ({"name": "VCSA"}, "vmware_appliance"),
        ({"name": "vcenter-01"}, "vmware_appliance"),
        ({"name": "nsx-manager-2"}, "vmware_appliance"),
        ({"name": "veeam-proxy-01"}, "backup_proxy"),
        ({"name": "vclsomething"}, None),
        ({"name": "invcsales"}, None),
        ({"name": "backup-server"}, None),
        ({"connection": None}, None),
        ({"srm": False, "path": "[ds] srm-placeholder/x.vmx", "disks": ()}, None),
    ],
)
def test_the_reason(more: dict[str, Any], reason: str | None) -> None:
    assert left_out(vm(**more)) == reason


def test_reasons_are_counted_in_one_order() -> None:
    found = count_left_out([vm(connection="orphaned"), vm(), vm(template=True), vm(template=True)])
    assert list(found.items()) == [("template", 2), ("orphaned", 1)]


def test_marks_are_all_that_is_kept_of_a_note() -> None:
    assert marks_of("VMware vCenter Server Appliance") == ("vmware_appliance",)
    assert marks_of("hotadd proxy") == ("backup_proxy",) and marks_of("web") == marks_of(None) == ()
