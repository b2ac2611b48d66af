"""Names that any cloud takes, and keys that are the same at every attempt."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from engines.snapshots.naming import record_key, snapshot_name

AT = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)


def test_a_name_tells_policy_vm_volume_and_time() -> None:
    assert snapshot_name("daily_5", "web 01", "data/ä", AT) == "auto-daily_5-web_01-data---20261124-020000"
    assert snapshot_name("daily_5", "", "data", AT) == "auto-daily_5-data-20261124-020000"
    assert snapshot_name("", "", "data", AT) == "auto-now-data-20261124-020000"


@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=300))
def test_every_name_is_clean_and_short(policy: str, vm: str, volume: str) -> None:
    name = snapshot_name(policy, vm, volume, AT)
    assert len(name) <= 255 and name.isascii() and not set(name) & set(" ;'\"$`\n/")
    assert name.endswith("-20261124-020000")


@given(st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8)), unique=True, max_size=20))
def test_keys_differ_where_anything_does(told: list[tuple[str, str]]) -> None:
    keys = {record_key(run, "s", volume, "daily_5") for run, volume in told if "\x1f" not in run + volume}
    assert len(keys) == len([one for one in told if "\x1f" not in one[0] + one[1]])
