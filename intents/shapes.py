"""Features of a sentence that come from how its parts stand to each other."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from intents.items import EDGES, item_run
from intents.lexicon import Mention
from intents.tokens import word_set

if TYPE_CHECKING:
    from intents.scenes import Scene

_SPREAD = word_set("per by over across each every")
_SPREAD_PAIRS = frozenset({("for", "every"), ("in", "every"), ("on", "each"), ("of", "each"), ("for", "each"),
                           ("in", "each"), ("each", "of")})  # fmt: skip
_DIMENSIONS = word_set("os platform state status platforms states")
_BOT = word_set("bot stackhand you yourself")
_ASSIGNS = frozenset({":", "=", "->", "=>"})
_ASKING = word_set("who whose why when where how which")
_POLITE = word_set("hm and but no please pls plz stackhand bot hey hmm ok so")
_BRINGING = word_set("have want wants need needs get like")
_WHOM = frozenset(
    (who, do, me) for who in ("who", "whom") for do in ("do", "should", "must", "could") for me in ("i", "we")
)
_WHATIS = frozenset({"what 's", "what is", "what 's ?", "what is ?", "what are", "what are ?"})
_WHY = frozenset({"why", "how so", "but why", "how come", "and why", "why that", "why is that"})


def shape(scene: "Scene") -> dict[str, float]:
    """Feature -> weight; the names are those of claims.txt."""
    return {**dict(_plain(scene)), **dict(_emptiness(scene)), **dict(_kinds(scene))}


def _plain(scene: "Scene") -> Iterator[tuple[str, float]]:
    folds = set(scene.folds)
    kinds = {token.kind for token in scene.tokens}
    waves = {at for hit in scene.hits if hit.of("wave") for at in range(hit.start, hit.end)}
    tests = (
        ("time", 1.0, bool(scene.spans)),
        ("SINCETIME", 0.5, any(scene.folds[span.start] in {"since", "from", "after"} for span in scene.spans)),
        ("q", 0.3, scene.asks),
        ("cmd", 0.1, scene.mood == "command"),
        ("cond", 0.5, scene.mood == "conditional"),
        ("quotaof", 0.0, any(hit.of("project") for hit in scene.hits) and bool(scene.mentions_of("k:quota"))),
        ("CAUSED", 0.5, scene.mood == "command" and _is_caused(scene)),
        ("neg", 0.5, scene.mood == "negated"),
        ("quoted", 1.0, "quoted" in kinds),
        ("unknown", 1.0, bool(scene.namelike)),
        ("UNKNOWNWORD", 0.3, len(scene.unknown) in {1, 2}),
        ("TWOVMS", 1.0, sum(bool(hit.of("vm")) for hit in scene.hits) > 1),
        ("SELFBOT", 0.5, bool(_BOT & folds)),
        ("VALUE", 0.5, bool(_ASSIGNS & folds or scene.namelike or kinds & {"ip", "quoted"})),
        ("ITEM", 0.5, bool(waves) and _has_item(scene, waves)),
        ("WHOQ", 0.3, "who" in scene.folds[:3]),
        ("WHATQ", 0.3, bool({"what", "which"} & set(scene.folds[:3]))),
        ("RUNS", 0.5, "runs" in folds),
        ("WHENEVER", 0.5, _whenever(scene)),
        ("CALLED", 0.5, bool({"called", "named", "call"} & folds)),
        ("WHYBARE", 1.0, " ".join(f for f in scene.folds if f.isalpha() and f not in _POLITE) in _WHY),
    )
    return ((name, weight) for name, weight, there in tests if there)


def _is_allowance(scene: "Scene") -> bool:
    """ "how many cores may acme-prod use": what a project may take."""
    folds = scene.folds
    may = next((at for at, fold in enumerate(folds) if fold in {"may", "can", "could"}), -1)
    named = any(hit.of("project") and hit.start == may + 1 for hit in scene.hits) if may > 0 else False
    return named and bool({"use", "have", "consume", "take", "own", "hold"} & set(folds[may + 2 :]))


def _whenever(scene: "Scene") -> bool:
    """ "tell me when ...", "let me know every time ...", "write here if ..."."""
    at = next((m.end for m in scene.mentions_of("TELLWORD")), -1)
    return at >= 0 and bool(_WHENEVER & set(scene.folds[at : at + 6]))


_WHENEVER = word_set("when whenever if once time soon")


def _is_caused(scene: "Scene") -> bool:
    """ "have web-01 rebooted", "i want it stopped": a participle that is to be brought about."""
    kinds = [m.start for m in scene.mentions if _is_kind(m) and _plural(scene, m) and not scene.beside(m)]
    return any(
        s.form in {"past", "ing"}
        and s.concept.isupper()
        and not any(at < m.start for at in kinds)  # "i need all vms tagged pci": which ones
        and bool(_BRINGING & set(scene.folds[max(0, m.start - 8) : m.start]))
        for m in scene.mentions
        for s in m.senses
    )


def _has_item(scene: "Scene", waves: set[int]) -> bool:
    return item_run(scene.tokens, waves | {m.start for m in scene.mentions if m.repaired in EDGES}) is not None


def _emptiness(scene: "Scene") -> Iterator[tuple[str, float]]:
    """BARE: hardly more than one meaning was said; NAMEONLY: nothing but a name and its noun; HELPWORD: "help" and one
    word, known or not."""
    if len(words := [fold for fold in scene.folds if fold not in _POLITE]) == 2 and words[0] == "help":
        yield "HELPWORD", 1.0
    solid = [m for m in scene.mentions if not m.filler]
    if len(solid) + len(scene.hits) <= 2 and not scene.unknown:
        yield "BARE", 0.3
    rest = [m for m in scene.mentions if not scene.beside(m) and m.senses and not scene.named[m.start]]
    if (
        "what" in scene.folds
        and " ".join(f for at, f in enumerate(scene.folds) if f not in _POLITE and not _is_name(scene, at)) in _WHATIS
    ):
        yield "WHATIS", 1.0
    asked = _ASKING & set(scene.folds)
    more = [f for at, f in enumerate(scene.folds) if f not in _POLITE and f.isalpha() and not _is_name(scene, at)]
    alone = len(more) < 2 and not scene.aside
    if scene.hits and alone and not scene.unknown and not rest and not scene.spans and not asked:
        yield "NAMEONLY", 1.0


def _is_name(scene: "Scene", at: int) -> bool:
    return scene.named[at] or any(m.start <= at < m.end and scene.beside(m) for m in scene.mentions)


def _kinds(scene: "Scene") -> Iterator[tuple[str, float]]:
    """ "vms per project", "which domain has how many users": one kind broken down by another; a list of kinds."""
    words = scene.folds
    kinds = [m for m in scene.mentions if _is_kind(m)]
    if any(
        ("how", "much") in (words[m.start - 2 : m.start], words[m.start - 3 : m.start - 1]) and _plural(scene, m)
        for m in kinds
    ):
        yield "COUNT", 1.0
    if _is_allowance(scene):
        yield "QUOTA", 2.0
    if any(words[at : at + 3] in _WHOM for at in range(len(words))):
        yield "OWNER", 2.2
    if any(_plural(scene, m) and not scene.beside(m) for m in kinds):
        yield "PLURALKIND", 0.3
    if any(_sized(scene, m) for m in kinds):
        yield "TOPKIND", 1.0
    free = {s.value for m in kinds for s in m.senses if s.concept.startswith("k:") and not scene.beside(m)}
    if len(free) > 2 and "," in words:
        yield "OVERVIEW", 2.0
        yield "MANYKINDS", 2.0
    asked = words.index("how") if "how" in words else -1
    if (
        any(_spreads(scene, mention, len(kinds)) for mention in scene.mentions)
        or any(word in _DIMENSIONS and words[at] in _SPREAD for at, word in enumerate(words[1:]))
        or (len(kinds) == 2 and kinds[0].start < asked < kinds[1].start)
    ):
        yield "PERKINDS", 1.5


_SORTABLE = frozenset({"volume", "snapshot", "image", "flavor"})


def _plural(scene: "Scene", mention: Mention) -> bool:
    return scene.folds[mention.end - 1].endswith("s")


def _sized(scene: "Scene", noun: Mention) -> bool:
    """ "biggest 3 disks", "top 5 volumes": things that have a size of their own, put in order."""
    if not _plural(scene, noun) or not any(s.value in _SORTABLE for s in noun.senses if s.concept.startswith("k:")):
        return False
    before = {s.concept for m in scene.mentions if noun.start - 2 <= m.start and m.end <= noun.start for s in m.senses}
    return "sort" in before or "TOP" in before


def _is_kind(mention: Mention) -> bool:
    return any(sense.concept.startswith("k:") for sense in mention.senses)


def _spreads(scene: "Scene", mention: Mention, kinds: int) -> bool:
    """Does "per", "by", "for each" stand before a kind (beside another) or before os, platform, state?"""
    dimension = any(s.concept in {"os", "platform", "state"} or s.value == "os" for s in mention.senses)
    if not mention.start or not (_is_kind(mention) or dimension):
        return False
    before = scene.folds[mention.start - 1]
    spread = before in _SPREAD or tuple(scene.folds[mention.start - 2 : mention.start]) in _SPREAD_PAIRS
    return spread and (kinds > 1 or not _is_kind(mention))
