"""The last bar before a change starts unasked: every word of the request is accounted for, or it is asked back.

Words that nobody expected beside an order turn it round as easily as a "not" does ("restart all but web-01", "restart
of web-01: unnecessary", "stop using db-02"), and no list of such words is ever whole. So the list is of what may stand
there: the verb, the objects and their nouns, the values that were read, courtesies, and the small words of the verb.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from intents.lexicon import Mention
from intents.registry import Intent
from intents.scenes import Scene
from intents.slots import Filling
from intents.tokens import fold, word_set

if TYPE_CHECKING:
    from intents.tally import Scored

_LEAD = re.compile(
    r"(?:(?:please|pls|plz|plase|kindly|hey|hi|hello|ok|okay|so|just|now|also|then|quick|quickly|simply|directly|yes|yo|"
    r"alright|well|again|stackhand|bot|@\S+)\s+)*"
    r"(?:(?:(?:can|could|would|will)\s+you|(?:i|we)\s+(?:want|need)(?:\s+you)?\s+to|(?:i|we)(?:'d|\s+would)\s+like(?:\s+you)?"
    r"\s+to|let's|lets|go\s+ahead\s+and|you\s+to|i)\s+)?"
    r"(?:(?:please|pls|plz|plase|kindly|just|also|now|quickly|again)\s+)*"
    r"(?:(?:do|make|take|perform|give|create|trigger|run|start|need|want|(?:i|we)\s+(?:want|need)|(?:i|we)(?:'d|\s+would)"
    r"\s+like)\s+(?:me\s+|us\s+)?)?(?:(?:the|a|an|my|our|one|another|quick|new)\s+)*",
    re.IGNORECASE,
)
_END = word_set(
    "please pls plz plase kindly now asap today again directly immediately quickly thanks thx ty right away"
)
_ENDS = re.compile(r"(?:for (?:me|us)|thank you|if you can|go ahead|do it|right now|straight away)$")
_JESTING = re.compile(
    r"\b(?:lo+l|lmao|rofl|(?:ha|he){2,}h?|yeah right|kidding|jk|what could|last words|nah|nope|any ideas?|i wonder|"
    r"curious|just asking|huh|eh|innit|you reckon|or (?:what|something|whatever)|intend(?:ing)?|planning to|question|"
    r"imh?o|afaik|iirc|put(?:ting)? off|bring(?:ing)? up the|schedul\w+ (?:the|a)|postpon\w+|let go|backup plan)\b|"
    r"\b(?:ok|okay|good|fine|status|how long|bad idea)\W*$|\.\.|!\?|\?!|\?\?",
    re.IGNORECASE,
)
_ARTICLES = word_set("the a an our my this that its")
_FRIENDLY = frozenset("\U0001f64f\U0001f44d\U0001f642\U0001f60a\U0001f609\U0001f680\U0001f600\U0001f60d\ufe0f")
_SMALL = word_set("of on for in at with as to under")
_SMALL_OF: Mapping[str, frozenset[str]] = MappingProxyType({
    **dict.fromkeys(("vm_start", "vm_stop", "vm_reboot"), word_set("of on for up down back off")),
    "snapshot": word_set("of for on from"),
    "snapshot_delete": word_set("of"),
    "snapshot_run": word_set("for on in of all"),
    "restore": word_set("from of to in at as with on under by back next try and"),
    "migration_map": word_set("to onto with as in"),
    "policy_assign": word_set("to with under on for by in of and keeping keep using all"),
    "create": word_set("in for with of as and called named"),
    "tenant_create": word_set("in for with of as and called named"),
    "policy_remove": word_set("from of off on"),
    "tag_add": word_set("to with as on for"),
    "tag_remove": word_set("from of off on"),
    "owner_set": word_set("of to as for on"),
    "override_set": word_set("of to with for on as"),
    "override_clear": word_set("of on for"),
    "quota_set": word_set("of for to in on"),
    "role_grant": word_set("to on in for as of bot stackhand"),
    "role_revoke": word_set("from of on in all off bot stackhand"),
    "freeze": word_set("from until till to on for all in"),
    "delete": word_set(""),
    "enable": word_set(""),
    "disable": word_set(""),
    "approve": word_set(""),
    "deny": word_set("because"),
    "withdraw": word_set(""),
    "restore_cancel": word_set("of for restore recovery job running"),
})  # fmt: skip
"""The small words that may follow the verb of a change; _SMALL where it is not here."""
_OWN_NOUNS: Mapping[str, frozenset[str]] = MappingProxyType({
    "snapshot": word_set("snapshot volume"),
    "restore": word_set("snapshot"),
    "quota_set": word_set("quota volume vm snapshot network port floating_ip"),
    "role_grant": word_set("role"),
    "role_revoke": word_set("role"),
    **dict.fromkeys(("policy_assign", "policy_remove", "snapshot_run"), word_set("snapshot_policy snapshot")),
    "freeze": word_set("change"),
})  # fmt: skip
"""Nouns that belong to the change itself ("the snapshot of web-01", "the quota for acme-dev")."""
_BARE = word_set("delete enable disable approve deny withdraw migration_map")
"""Where no word counts but the verb, the object and its noun."""
_OWNED = word_set("role_revoke role_grant restore quota_set override_set override_clear")
"""Where "'s" may stand, before what is the object's: rights, a snapshot, a quota, a field."""
_LIGHT = word_set("sync subscribe unsubscribe digest_schedule cohort_build wave_build wave_check feedback")
"""Changes that harm nobody: of one's own notices, of drafts, or looked at again before anything comes of them."""
_AILING = word_set(
    "hangs hang hung stuck frozen down slow dead crashed crashing unresponsive is not responding broken again "
    "has keeps doesn't does answer respond still completely it"
)
_TURNING = word_set("of from by like but except without behind besides about around after before into than off over")
_ADDING = word_set("add adding by more extra additional another further fewer less")
_CHANGES = word_set("change changes everything writes all")
_MARKS = frozenset({",", ".", "!", "-", "?", ":", "'s"})
_MARKUP = frozenset("~();{}=%$")
_STARTING = frozenset({"base", ""})


def is_plain(intent: Intent, scene: Scene, filling: Filling, top: "Scored") -> bool:
    """Whether nothing stands in the request that the reading does not account for."""
    if intent.name in _LIGHT:
        return True
    tail, begin = _request_end(intent, scene), _request_begin(scene)
    verb = _verb(scene, top, begin)
    held = _accounted(scene, filling, top)
    return (
        verb < tail
        and not _MARKUP & set(scene.text)
        and not any(_is_strange(intent, scene, filling, held, begin, at) for at in _behind(scene, verb, tail))
        and not any(scene.hits[number].start >= tail for number in filling.used)
        and not any(token.kind in ("request", "job") for token in scene.tokens[tail:])
        and not _other_kind(scene, intent, filling, tail)
        and (intent.name != "quota_set" or _is_one_amount(scene))
        and (intent.name != "freeze" or _is_of_changes(scene, filling))
    )


def _is_one_amount(scene: Scene) -> bool:
    """A quota that is set, not one that is added to."""
    amounts = sum(token.kind in ("number", "size") for token in scene.tokens)
    return amounts == 1 and not _ADDING & set(scene.folds)


def _is_of_changes(scene: Scene, filling: Filling) -> bool:
    """ "freeze changes", "lift the freeze"; not "freeze the release", "freeze, nobody moves"."""
    if filling.slots.get("on_off") == "off":
        return scene.folds[0] != "freeze"
    return bool({"since", "until"} & set(filling.slots)) or bool(_CHANGES & set(scene.folds))


def in_jest(text: str) -> bool:
    """Words and pictures around an order that make a joke or a doubt of it; to a question they are courtesies."""
    return _JESTING.search(text) is not None or _has_signs(text)


def _verb(scene: Scene, top: "Scored", begin: int) -> int:
    """Where the order begins: the last verb or noun of it with nothing but courtesies and light verbs before it."""
    verbs = {feature for need in top.claim.needs for feature in need if feature.isupper()}
    verbs |= set() if top.intent.name in _BARE else {feature for feature in top.claim.also if feature.isupper()}
    starts = [
        mention.start
        for mention in (scene.mentions[number] for number in top.mentions)
        if mention.start >= begin
        and not scene.named[mention.start]
        and any(s.form in _STARTING and s.concept in verbs for s in mention.senses[: mention.own])
    ]
    return max((start for start in starts if _leads(scene, begin, start)), default=len(scene.tokens))


def _leads(scene: Scene, begin: int, verb: int) -> bool:
    """Before the verb: courtesies, and the object that is spoken of ("db-02-data: snap now")."""
    words = [
        scene.folds[at]
        for at in range(begin, verb)
        if not scene.named[at] and scene.tokens[at].kind == "word" and not _is_noun(scene, at)
    ]
    marks = {scene.folds[at] for at in range(begin, verb) if scene.tokens[at].kind == "mark"}
    if any(scene.tokens[at].kind in ("number", "clock", "date") and not scene.named[at] for at in range(begin, verb)):
        return False
    return marks <= _MARKS and _LEAD.fullmatch("".join(f"{word} " for word in words)) is not None


def _is_noun(scene: Scene, at: int) -> bool:
    """The noun of a name ("vm web-01: …")."""
    return any(mention.start <= at < mention.end and scene.beside(mention) for mention in scene.mentions)


def _behind(scene: Scene, verb: int, tail: int) -> Iterator[int]:
    """The places behind the verb, without the courtesies that end the request."""
    words = " ".join(scene.folds[verb:tail]).rstrip(" .!?")
    ends = _ENDS.search(words)
    return iter(range(verb, tail - (len(ends[0].split()) if ends else 0)))


def _request_end(intent: Intent, scene: Scene) -> int:
    """Where a free text begins, for an intent that has one."""
    if "text" in intent.slots or "item" in intent.slots:
        return scene.tail
    return len(scene.tokens)


def _request_begin(scene: Scene) -> int:
    """Behind a first clause that only says what ails the object ("web-01 hangs, reboot it")."""
    parts = scene.parts
    first = parts[0] if len(parts) == 2 else (0, 0)
    ails = all(scene.named[at] or scene.folds[at] in _AILING for at in range(*first))
    return first[1] if ails and any(scene.named[at] for at in range(*first)) and first[1] - first[0] > 1 else 0


def _has_signs(text: str) -> bool:
    """Pictures that may mean the contrary: a crossed circle, a thumb turned down. Friendly ones may stand."""
    return not text.isascii() and any(
        unicodedata.category(one) in ("So", "Sk", "Sm", "Po") and one not in _FRIENDLY for one in text
    )


def _is_strange(intent: Intent, scene: Scene, filling: Filling, held: set[int], begin: int, at: int) -> bool:
    word, token = scene.folds[at], scene.tokens[at]
    if token.kind == "mark":
        return not _is_harmless(intent, scene, held, at)
    small = _SMALL_OF.get(intent.name, _SMALL)
    if word in _TURNING and word not in small and not scene.named[at] and not _in_phrase(scene, at):
        return True
    if word == "it" and begin:
        return False
    if at in held or word in _END or word in _ARTICLES or word in small:
        return False
    return not _is_value(filling, token.text)


def _is_harmless(intent: Intent, scene: Scene, held: set[int], at: int) -> bool:
    """A mark: at the end, before a courtesy, or an "'s" before something that was read."""
    after = scene.folds[at + 1] if at + 1 < len(scene.tokens) else ""
    if scene.folds[at] == "'s":
        return intent.name in _OWNED and at + 1 in held
    told = at + 1 in held and intent.name not in ("role_grant", "role_revoke")  # "give dave a lift, admin"
    told = told or (intent.name == "restore" and after == "try")
    return scene.folds[at] in _MARKS and (scene.folds[at] != "," or not after or after in _END or told)


def _in_phrase(scene: Scene, at: int) -> bool:
    """ "kick off", "switch … off", "power off"."""
    return any(
        (mention.start <= at < mention.end and mention.end - mention.start > 1) or mention.tail == at
        for mention in scene.mentions
    )


def _is_value(filling: Filling, said: str) -> bool:
    low = fold(said)
    return any(
        low == word for value in filling.slots.values() for word in (fold(str(value)), *fold(str(value)).split())
    )


def _accounted(scene: Scene, filling: Filling, top: "Scored") -> set[int]:
    """Places of the objects, of the words that the reading rests on, of times and amounts."""
    found: set[int] = set()
    wanted = {feature for need in top.claim.needs for feature in need}
    wanted |= set() if top.intent.name in _BARE else set(top.claim.also)
    homes = {name.project for name in filling.objects.values()} | {name.domain for name in filling.objects.values()}
    for number, hit in enumerate(scene.hits):
        before = scene.folds[hit.start - 1] if hit.start else ""
        home = before in ("in", "of", "project") and bool({name.name for name in hit.names} & homes)
        if number in filling.used or home:
            found.update(range(hit.start, hit.end))
    for number in top.mentions:
        mention = scene.mentions[number]
        if _is_said(mention) and any(s.concept in wanted or not s.concept.isupper() for s in mention.senses):
            found.update(range(mention.start, mention.end))
            if mention.tail >= 0:
                found.add(mention.tail)
    for mention in scene.mentions:
        if scene.beside(mention):
            found.update(range(mention.start, mention.end))
    if {"since", "time", "until", "retention", "count", "value", "limit"} & set(filling.slots):
        for start, end in [(one.start, one.end) for one in scene.spans] + [
            (one.start, one.end) for one in scene.amounts
        ]:
            found.update(range(start, end))
    return found


def _is_said(mention: Mention) -> bool:
    """As an order or a noun: not in the past, not as a gerund."""
    forms = {sense.form for sense in mention.senses[: mention.own]}
    return not forms or bool(forms & _STARTING) or not forms & {"past", "ing"}


def _other_kind(scene: Scene, intent: Intent, filling: Filling, tail: int) -> bool:
    """ "delete the volumes of project acme-dev": the noun before an object that is not what is to be changed."""
    kinds = {name.kind for name in filling.objects.values()} | {str(filling.slots.get("kind", ""))}
    kinds |= _OWN_NOUNS.get(intent.name, frozenset())
    if "item" in filling.slots or (not filling.objects and "name" not in filling.slots):
        return False
    return any(
        mention.start < tail
        and not scene.named[mention.start]
        and not scene.beside(mention)
        and (own := {s.concept.removeprefix("k:") for s in mention.senses if s.concept.startswith("k:")})
        and not own & kinds
        for mention in scene.mentions
    )
