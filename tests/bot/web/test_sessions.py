from datetime import UTC, datetime, timedelta

from bot.web.sessions import LINK_LIFETIME, SESSION_LIFETIME, Sessions


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 25, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def test_a_link_is_good_once_and_names_its_person() -> None:
    sessions = Sessions()
    token = sessions.mint("ann")
    secret = sessions.redeem(token)
    found = sessions.find(secret)
    assert found is not None and found.person == "ann"
    assert sessions.redeem(token) is None


def test_nonsense_opens_nothing() -> None:
    sessions = Sessions()
    sessions.mint()
    for bad in ("", "x", "\ud800", "a" * 10_000):
        assert sessions.redeem(bad) is None and sessions.find(bad) is None
    assert sessions.find(None) is None


def test_a_link_and_a_session_expire() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    late, used = sessions.mint(), sessions.mint()
    secret = sessions.redeem(used)
    clock.now += LINK_LIFETIME
    assert sessions.redeem(late) is None and sessions.find(secret) is not None
    clock.now += SESSION_LIFETIME - LINK_LIFETIME - timedelta(seconds=1)
    assert sessions.find(secret) is not None
    clock.now += timedelta(seconds=1)
    assert sessions.find(secret) is None


def test_secrets_are_not_kept_nor_are_sessions_without_end() -> None:
    sessions = Sessions()
    token = sessions.mint()
    secret = sessions.redeem(token)
    assert secret is not None and secret not in str(vars(sessions)) and token not in str(vars(sessions))
    for _ in range(1200):
        newest = sessions.redeem(sessions.mint())
    assert sessions.find(newest) is not None and sessions.find(secret) is None
