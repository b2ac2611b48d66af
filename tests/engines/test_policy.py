"""Who may do what."""

import pytest

from engines.policy import ROLES, decide
from intents.registry import Intent, load_catalogue

_INTENTS = tuple(load_catalogue().intents.values())


@pytest.mark.parametrize("intent", _INTENTS, ids=lambda intent: intent.name)
def test_without_a_role_nothing_is_allowed(intent: Intent) -> None:
    name, risk = intent.name, intent.risk
    assert not decide(name, risk, ()).allowed
    assert not decide(name, risk, {"guest", "Viewer", "ADMIN", ""}).allowed


@pytest.mark.parametrize("intent", _INTENTS, ids=lambda intent: intent.name)
def test_a_higher_role_may_all_that_a_lower_one_may(intent: Intent) -> None:
    name, risk = intent.name, intent.risk
    verdicts = [decide(name, risk, {role}) for role in ROLES]
    allowed = [verdict.allowed for verdict in verdicts]
    assert allowed == sorted(allowed) and allowed[-1]
    assert {verdict.needs for verdict in verdicts} == {ROLES[allowed.index(True)]}


def test_viewers_read_and_change_nothing_of_a_cloud() -> None:
    own = {"feedback", "subscribe", "unsubscribe", "withdraw"}  # of themselves only
    own |= {"approve", "deny"}  # the rule of each request says who may
    for intent in _INTENTS:
        verdict = decide(intent.name, intent.risk, {"viewer"})
        assert verdict.allowed == (intent.name != "audit_verify" if not intent.writes else intent.name in own)


def test_the_highest_of_several_roles_counts() -> None:
    assert decide("role_grant", "approve", {"viewer", "superadmin"}).allowed
    assert not decide("role_grant", "approve", {"viewer", "admin"}).allowed


@pytest.mark.parametrize("risk", ["", "Read", "unknown", "read "])
def test_an_unknown_risk_is_nobodys(risk: str) -> None:
    for name in ("no_such_intent", "count"):
        verdict = decide(name, risk, set(ROLES))
        assert not verdict.allowed and verdict.needs == ""
