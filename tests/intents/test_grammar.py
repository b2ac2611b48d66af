"""Templates: parsed, matched, sampled; and every sampled sentence is read as its own intent."""

import random

import pytest

from intents.grammar import GrammarError, load_templates, match, parse, sample
from intents.matcher import Matcher
from intents.registry import load_catalogue
from tests.intents.sets import NOW, names

CATALOGUE = load_catalogue()
MATCHER = Matcher(CATALOGUE)
NAMES = names()
TEMPLATES = load_templates()
SLOTS = {
    "vm": ["shop-web-1", "billing-db", "WIN_FS_02", "vdi-0042"],
    "vm2": ["shop-web-2", "billing-app"],
    "project": ["shop-prod", "shop-dev", "Research"],
    "host": ["node-07", "esx-b2.dc2.example"],
    "cluster": ["cluster-x", "dc2-main"],
    "network": ["VLAN-210", "VLAN-220"],
    "volume": ["billing-data", "old-logs"],
    "router": ["gw-a", "gw-b"],
    "snapshot": ["before-patch", "auto-billing-data-1120"],
    "user": ["mia", "noah"],
    "owner": ["Mia Novak", "Noah Stein"],
    "role": ["viewer", "operator"],
    "tag": ["pci", "gdpr"],
    "policy": ["daily_7", "weekly_4"],
    "runbook": ["orphan_resource_cleanup", "stuck_vm_remediation"],
    "report": ["tenant_quota_usage", "cost_allocation"],
    "migration": ["dc2", "leave-lyon"],
    "tenant": ["Sales", "Legal"],
    "wave": ["wave 1", "wave 2"],
    "request": ["REQ-5", "REQ-44"],
    "job": ["JOB-3", "JOB-88"],
    "platform": ["openstack", "vmware", "nutanix"],
    "ip": ["10.1.2.3", "192.0.2.7"],
    "day": ["monday", "friday"],
    "clock": ["8:30", "17:00"],
    "n": ["3", "5", "12"],
    "words": ["the budget is gone", "ask finance first"],
    "new": ["zeta-1", "nordwind-2"],
}


@pytest.mark.parametrize("intent", CATALOGUE.intents)
def test_every_sampled_sentence_is_its_intent(intent: str) -> None:
    said = TEMPLATES.samples(intent, 200, SLOTS, seed=7)
    assert len(said) >= 150
    wrong = [text for text in said if MATCHER.read(text, NAMES, NOW).intent != intent]
    assert wrong == []


def test_a_template_matches_what_it_samples() -> None:
    rules = {"please": parse("[please|pls]")}
    tree = parse("(show|list) [me] {vm} <please>")
    for seed in range(50):
        said = sample(tree, {"vm": ["web 1", "db"]}, rules, random.Random(seed))
        found = match(tree, said.split(), {"vm": frozenset({"web 1", "db"})}, rules)
        assert found is not None and found["vm"] in {"web 1", "db"}


def test_what_is_not_of_a_template_does_not_match() -> None:
    assert match(parse("show [me] {vm}"), ["show", "it"], {"vm": frozenset({"web"})}) is None


@pytest.mark.parametrize("template", ["(a|b", "a]", "[a", "a)", "((a)"])
def test_a_broken_template_is_named(template: str) -> None:
    with pytest.raises(GrammarError, match="in '"):
        parse(template)


def test_a_line_without_a_template_is_named() -> None:
    with pytest.raises(GrammarError, match="line 2"):
        load_templates("help: help\nnothing")


def test_samples_are_repeatable_and_different() -> None:
    first = TEMPLATES.samples("vm_reboot", 30, SLOTS, seed=1)
    assert first == TEMPLATES.samples("vm_reboot", 30, SLOTS, seed=1)
    assert len(set(first)) == len(first) == 30
    assert TEMPLATES.samples("no such intent", 5, SLOTS) == ()
