"""What may go of a volume's copies."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from engines.clouds.acting import SnapshotState
from engines.snapshots.retention import good_copies, surplus
from tests.engines.snapshots.small_cloud import auto

NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
REFERENCE = {"created_by": "p9_auto_snapshots", "policy": "daily_2"}


def copy(id_: str, hours: float, status: str = "available", metadata: dict[str, str] | None = None) -> SnapshotState:
    told = auto(id_) if metadata is None else metadata
    return SnapshotState(id_, id_, status, 10, "v", told, NOW - timedelta(hours=hours))


def ids(found: object) -> list[str]:
    return [one.snapshot.id for one in found]  # type: ignore[attr-defined]


def test_the_oldest_go_first() -> None:
    copies = [copy("a", 1), copy("b", 30), copy("c", 60), copy("d", 90)]
    assert ids(surplus(copies, "daily_2", 2, NOW)) == ["d", "c"]


def test_trap_3_prune_never_removes_the_last_good_copy_and_error_copies_do_not_count() -> None:
    copies = [copy("error", 1, "error"), copy("creating", 0, "creating"), copy("good", 50)]
    assert surplus(copies, "daily_2", 1, NOW) == []
    assert surplus([copy("good", 50)], "daily_2", 0, NOW) == []


def test_errored_copies_of_ours_go_after_a_day() -> None:
    copies = [copy("new", 23, "error"), copy("old", 25, "error"), copy("theirs", 50, "error", REFERENCE)]
    assert ids(surplus(copies, "daily_2", 2, NOW)) == ["old"]


def test_what_a_person_made_or_another_policy_or_something_needs_stays() -> None:
    copies = [copy("a", 1), copy("hand", 900, metadata={}), copy("other", 900, metadata=auto("o", "weekly_4")),
              copy("needed", 99), copy("reference", 98, metadata=REFERENCE)]  # fmt: skip
    assert ids(surplus(copies, "daily_2", 1, NOW, needed={"needed"})) == ["reference"]


def test_one_whose_age_is_not_known_is_never_touched() -> None:
    ageless = SnapshotState("x", "x", "available", 10, "v", auto("x"), None)
    assert surplus([ageless, copy("a", 1), copy("b", 2)], "daily_2", 1, NOW) != []
    assert "x" not in ids(surplus([ageless, copy("a", 1), copy("b", 2)], "daily_2", 1, NOW))


_COPIES = st.lists(
    st.tuples(
        st.integers(0, 2000),
        st.sampled_from(["available", "available", "error", "creating", "deleting", "error_deleting"]),
        st.sampled_from(["ours", "reference", "hand", "other"]),
        st.booleans(),
    ),
    max_size=15,
)


@given(_COPIES, st.integers(-2, 10))
def test_whatever_there_is_enough_good_copies_stay(told: list[tuple[int, str, str, bool]], keep: int) -> None:
    marks = {"reference": REFERENCE, "hand": {}, "other": auto("o", "weekly_4")}
    copies = [
        copy(f"s{n}", hours, status, marks.get(who, auto(f"k{n}"))) for n, (hours, status, who, _) in enumerate(told)
    ]
    needed = {f"s{n}" for n, one in enumerate(told) if one[3]}
    gone = set(ids(surplus(copies, "daily_2", keep, NOW, needed=needed)))
    good = good_copies(copies, "daily_2")
    left = [one for one in good if one.id not in gone]
    assert len(left) >= min(max(keep, 1), len(good))
    assert left[: max(keep, 1)] == good[: max(keep, 1)], "the newest stay"
    assert not gone & needed
    assert not [one for one in copies if one.id in gone and one.metadata in ({}, marks["other"])]
    rest = [one for one in copies if one.id not in gone]
    assert surplus(rest, "daily_2", keep, NOW, needed=needed) == [], "a second time there is nothing to do"
