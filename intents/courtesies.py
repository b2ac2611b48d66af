"""Courtesies around a request: "I would be interested in …", "would you mind …ing", "…, if you would be so kind".

They say nothing about what is wanted, and their grammar (a wish, a condition, a report) is not that of the request.
What is left is what a terse colleague would have typed. Nothing is cut that could mean "not", "later" or "perhaps".
"""

import re
from collections.abc import Collection, Mapping

_ASKING = frozenset({"how", "what", "why", "who", "when", "where", "which", "whose"})
_I = r"(?:i|we)"
_WOULD = r"(?:\s*'d|\s+would|\s+should)"
_KINDLY = r"(?:\s+(?:kindly|please|really|very much|also|just|quickly|perhaps|maybe))*"
_NICE = r"(?:great|nice|good|helpful|lovely|wonderful|kind|fantastic|awesome|super|perfect|cool|useful|appreciated)"
_LEARN = r"(?:know|see|learn|hear|find out|understand|be told|be shown|get to know|have a look at)"
_START = (
    # what follows is a request to do something
    (rf"{_I}{_WOULD}{_KINDLY} (?:ask|like to ask|want to ask|invite|beg|urge) you{_KINDLY} to\b", "please"),
    (rf"{_I}{_KINDLY} (?:ask|beg|urge) you{_KINDLY} to\b", "please"),
    (rf"{_I}{_WOULD}{_KINDLY} (?:like|love|want|need|prefer) (?:for )?you{_KINDLY} to\b", "please"),
    (rf"{_I}{_WOULD}{_KINDLY} be{_KINDLY} (?:glad|grateful|happy|thankful|obliged|pleased|delighted) if you"
     r" (?:could|would|can)\b", "please"),
    (rf"{_I}{_WOULD}{_KINDLY} appreciate(?: it)?{_KINDLY} if you (?:could|would|can)\b", "please"),
    (rf"(?:it would be|it'd be|would be) (?:so |very |really )?{_NICE} (?:if|when) you (?:could|would|can)\b", "please"),
    (rf"(?:{_I} (?:was|were|am|are|'m|'re) )?(?:just )?wondering (?:if|whether) you (?:could|would|can)\b", "could you"),
    (rf"{_I} wonder (?:if|whether) you (?:could|would|can)\b", "could you"),
    (r"(?:do|would|could) you think you (?:could|can)\b", "could you"),
    (r"(?:could|would|can|will) you (?:please |kindly )?(?:be so (?:kind|good|nice) (?:as to|and|to)|be able to|"
     r"do me (?:a|the) fav(?:o|ou)r (?:and|of)|go ahead and|have the kindness to)\b", "could you"),
    (r"(?:be so (?:kind|good|nice) (?:as to|and|to)|do me (?:a|the) fav(?:o|ou)r (?:and|:|,))", "please"),
    (r"(?:would|could) it be possible (?:for you )?to\b", "could you"),
    (r"any chance (?:that )?(?:you|u) (?:could|can|would)\b", "could you"),
    (r"(?:would|wud) (?:you|u)(?= (?!be\b|have\b|say\b|mind\b|know\b|like\b|need\b|recommend\b))", "could you"),
    # what follows is what somebody wants to know or to see
    (rf"{_I}{_WOULD}{_KINDLY} be{_KINDLY} (?:interested|curious|keen) (?:in|to {_LEARN}|about)\b", ""),
    (rf"{_I}(?:\s*'m|\s+am|\s+are|\s*'re) (?:interested|curious) (?:in|to {_LEARN}|about)\b", ""),
    (rf"{_I}{_WOULD}{_KINDLY} (?:like|love|want|need|be (?:glad|happy|grateful)) to {_LEARN}(?: about)?\b", ""),
    (rf"{_I} (?:{_KINDLY.strip()} )?(?:want|need|wish|have) to {_LEARN}\b(?! (?:that|if i))", ""),
    (r"(?:could|can|may|might) (?:i|we) (?:please |kindly )?(?:ask(?: you)? (?:for )?|inquire |enquire )", ""),
    (r"(?:could|can|may|might) (?:i|we) (?:please |kindly )?(?:get|have|see|know|learn)\b(?! (?:rid|access))", "show"),
    (rf"{_I}{_WOULD}{_KINDLY} (?:like|love|need) (?:to (?:have|get|receive|obtain)|having)"
     r"\b(?= (?:a|an|the|some|all|your)\b(?! (?:vm|volume|user|network|snapshot|tag|note|new|project|customer)))", "show"),
    (r"(?:do|would) you (?:happen to |perhaps |by any chance )know\b", "do you know"),
    (r"(?:unfortunately|sadly|i(?:'m| am) (?:sorry|afraid)(?: to say)?(?: that)?|sorry to say(?: that)?|frankly|honestly)\b,?", ""),
    (r"just (?:curious|wondering|asking)\s*[:,-]\s*", ""),
    (r"(?:quick|small|short|one|simple|silly|stupid) (?:question|one|q)\s*[:,-]\s*", ""),
    (r"question\s*[:,-]\s*", ""),
    (r"(?:tell me|let me know|could you say|can you say|could you tell me|can you tell me),\s*", ""),
)  # fmt: skip
_END = (
    r"if you (?:please|would|could|can|don't mind|dont mind|would be so (?:kind|good|nice)|have (?:a|the) "
    r"(?:minute|moment|second|sec|time)|get (?:a|the) (?:chance|minute|moment)|like)",
    r"if (?:it is |it's |that is |that's |thats )?(?:at all )?(?:possible|not too much trouble|convenient)",
    r"(?:when|whenever) you (?:get|have|find) (?:a|the) (?:chance|minute|moment|second|sec|time)",
    r"(?:many )?(?:thanks|thank you|thx|cheers|ta|tia)(?: (?:a lot|so much|very much|in advance|again|already|mate))*",
    rf"(?:that )?would be (?:very |really |so )?{_NICE}",
    r"much appreciated|i(?:'d| would) appreciate it|at your (?:earliest )?convenience|pretty please|please and thank you",
    r"(?:could|can|would) you (?:say|tell me|tell us|check|have a look|look|help|find out)(?: that| please| for me)?",
    r"do you know|any idea|any ideas|i wonder|just curious|just wondering|for my peace of mind|just asking",
    r"if (?:i|we) (?:may|might|could)|if that works(?: for you)?|before (?:the|my|our|i|we|you) (?:[a-z]+ )?(?:change|update|upgrade|patch"
    r"|maintenance|deployment|deploy|release|touch it|work on it|start|begin|migrate|patch it|change it|change anything)",
    r"once more please|one more time please|for me please",
    r"for (?:the|our|my|an?|tomorrow's|today's|monday's) (?:\w+ ){0,2}(?:audit|auditors?|reviews?|meeting|records?|"
    r"ticket|documentation|boss|slides|presentation|call|handover|protocol|board|steering committee|workshop|standup)",
)  # fmt: skip
_GREETING = re.compile(
    r"^(?:(?:hi|hello|hey|dear|good (?:morning|evening|afternoon|day)|morning|howdy|greetings|gm)"
    r"(?: (?:there|all|team|folks|everybody|everyone|stackhand|bot|guys|mate|friend|buddy))*\s*[,!.:-]\s*)+",
    re.IGNORECASE,
)
_PREFACE = re.compile(
    r"^(?:(?:for|because of|as part of|in preparation for|ahead of|before) (?:the|our|my|an?|tomorrow's|today's) "
    r"(?:[\w-]+ ){0,3}?(?:audit|auditors?|reviews?|meeting|records?|ticket|documentation|boss|slides|presentation|call|"
    r"handover|board|workshop|standup|update|upgrade|maintenance|deployment|release)(?:\s*[:,-]\s*|\s+(?=i\b|we\b|could\b"
    r"|can\b|please\b))"
    r"|(?:the |our |my |an? )?(?:customer|client|boss|manager|management|auditors?|auditor|team|somebody|someone|colleague)"
    r"(?: on the phone| here)? (?:asks?|is asking|are asking|asked|wonders?|(?:needs?|wants?|would like) to (?:know|see)"
    r"|(?:needs?|wants?)(?= (?:the|a list|all|an overview|evidence|proof)\b))"
    r"(?: me| us)?(?: for| about)?\s*[:,]?\s*)",
    re.IGNORECASE,
)
_LEADS = re.compile(r"^(?:please |pls |so |ok |okay |well |and |also |but |then )*", re.IGNORECASE)
_STARTS = tuple((re.compile(rf"(?:{pattern})", re.IGNORECASE), instead) for pattern, instead in _START)
_MIND = re.compile(
    r"(?:would|do|could) you mind(?: terribly)? (?:quickly |please |maybe )?(?:(\w+ing)\b|to\b|if (?:i|we) asked you to\b)",
    re.IGNORECASE,
)
_ENDS = re.compile(rf"(?:\s*[,;.!-]+\s*|\s+)(?:{'|'.join(_END)})\s*[.!]*(?P<asks>\?*)\s*$", re.IGNORECASE)


_SHORT: Mapping[str, str] = {
    "u": "you", "ur": "your", "abt": "about", "gimme": "give me", "lemme": "let me", "wanna": "want to", "thru": "through",
    "w/o": "without", "whats": "what is", "wheres": "where is", "hows": "how is", "pls": "please", "plz": "please",
    "b4": "before", "cuz": "because", "dunno": "i do not know", "whos": "who is",
}  # fmt: skip
_SHORTENED = re.compile(rf"(?<![\w./@#-])(?:{'|'.join(re.escape(word) for word in _SHORT)})(?![\w./@-])", re.IGNORECASE)
_WISE = re.compile(
    r"\b(project|domain|customer|tenant|host|cluster|platform|os|state|owner|user|network)[- ]wise\b", re.IGNORECASE
)
_UNIT = re.compile(
    r"\b(\d+)-(v?cpus?|cores?|gb|gib|tb)\b|\b(\d+) (?:virtual )?(?:processors|cpu cores)\b", re.IGNORECASE
)


def _spelled(text: str, names: Collection[str]) -> str:
    """Abbreviations of the chat, "project-wise" and "32-vcpu" as they are usually written; nothing in quotes changes."""
    if '"' in text or "`" in text:
        return text
    text = _SHORTENED.sub(lambda match: match[0] if match[0].lower() in names else _SHORT[match[0].lower()], text)
    text = _WISE.sub(r"per \1", text)
    return _UNIT.sub(lambda match: f"{match[1]} {match[2]}" if match[1] else f"{match[3]} vcpus", text)


def plain(text: str, bases: Mapping[str, str], names: Collection[str] = ()) -> str:
    """The request without its courtesies, or the text as it is.

    `bases`: "restarting" -> "restart". `names` are words that are names here and stay as they are.
    """
    text = _spelled(text, names)
    bare = _without_end(_PREFACE.sub("", _GREETING.sub("", text, count=1), count=1))
    lead = _LEADS.match(bare)
    at = lead.end() if lead else 0
    if match := _MIND.match(bare, at):
        verb = bases.get((match[1] or "").lower(), match[1] or "")
        bare = f"could you {verb} {bare[match.end() :].strip()}"
    for pattern, instead in _STARTS:
        if match := pattern.match(bare, at):
            bare = f"{instead} {bare[match.end() :].strip(' ,')}".strip()
            break
    return bare if len(bare) > 3 else text


def _without_end(text: str) -> str:
    """ "…, if you would be so kind?" leaves its question mark."""
    for _ in range(2):
        match = _ENDS.search(text)
        left = text[: match.start()].split() if match else []
        if not match or len(left) < 2 or left[-1].lower() in _ASKING:
            break
        text = text[: match.start()] + match["asks"]
    return text
