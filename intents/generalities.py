"""Questions about how a thing is done, whether it may be done or is wise, and what a word means.

They are about the world, or the manual; none asks what is in this cloud, and none orders anything.
"""

import re

_WHO = r"(?:i|we|one|you|u|someone|somebody|anyone|anybody|people|a person|an admin|a user|a customer|they)"
_SURELY = r"(?:even|really|ever|actually|generally|usually|normally|technically|at all|still|also|theoretically|safely)"
_DO = (
    r"(?:restart|reboot|stop|start|power|shut|turn|delete|remove|create|make|add|build|set|change|resize|grow|shrink|"
    r"extend|restore|recover|snapshot|back|attach|detach|mount|migrate|move|convert|configure|install|upgrade|patch|"
    r"enable|disable|lock|onboard|assign|revoke|grant|approve|reset|clean|purge|expand|rename|import|export|encrypt|"
    r"deploy|provision|decommission|retire|rescue|rebuild|evacuate|drain|tag|override|exclude|schedule|automate|"
    r"troubleshoot|debug|protect|secure|harden|connect|clone|copy|go about|get rid|take a snapshot|take snapshots|write)"
)
_PATTERNS = (
    rf"\bhow (?:do|does|can|could|should|would|might|shall|must|did) {_WHO} (?:\w+ly |best |ever |even )?{_DO}",
    rf"\bhow (?:do|does|can|could|should|would) (?:i|we|one|people|they|somebody|someone|anyone|customers|admins|users) "
    r"(?!stand\b|look\b|do\b|compare\b|fare\b|get on\b|know\b|see\b|use\b|ask\b|talk\b|tell\b|get\b|reach\b)\w+",
    rf"\bhow to (?:\w+ly |best )?{_DO}",
    r"\bhow (?:is|are|was|were) (?:a|an) \w+(?: \w+){0,2} (?:\w+ed|done|made|built)\b",
    r"\bhow (?:does|do) (?:a|an) [\w ]{3,30} (?:work|works)\b",
    r"\b(?:what|which)(?: is| are|'s| were| would be) (?:the |a |your )?(?!its |their )(?:\w+ )?(?:steps?|procedure|process|command|syntax|method|"
    r"difference|best practices?|right way|best way|correct way|proper way|usual way|easiest way|safest way|recommended way|"
    r"rule of thumb|definition|point of)\b",
    r"\bwhat (?:could|would|might|can|will) (?:possibly )?happen (?:if|when)\b(?!.*\b(?:restor|recover|roll|bring|brought))",
    r"\bwhat (?:is|are) [\w -]{3,40} (?:good|used|meant|needed|useful) for\b",
    r"\b(?:considered|reasonable|recommended|advisable|rule of thumb|best practice)\b.*\?*$",
    r"\bshould one\b|\bis one (?:allowed|supposed)\b|\bhow does [\w ]{3,40} work (?:under|in|internally|exactly|really|anyway)",
    r"\bwould it (?:hurt|help|matter|be \w+) (?:to|if)\b|\bdoes (?:one|anybody|somebody) (?:\w+ly )?\w+|\bin (?:which|what) way does one\b",
    r"\bwhat steps\b|\bwhich command\b|\bbest practices?\b|\bdifference between\b",
    rf"\bis it (?:{_SURELY} )?(?:possible|okay|ok|allowed|permitted|safe|wise|smart|sensible|recommended|advisable|worth|normal|"
    r"legal|a good|a bad|good|bad|risky|dangerous|true that|better|fine|enough|smart|common|necessary|easy|hard)\b",
    rf"\b(?:would|could|can|should|may) (?:it|that|this) (?:{_SURELY} )?be (?:possible|okay|ok|allowed|safe|wise|smart)\b",
    rf"\bcan (?:one|people|someone|somebody) (?:{_SURELY} )?{_DO}",
    r"(?:^|[,;.] )should (?:i|we|one) (?:rather |better |really |maybe )?\w+",
    r"\b(?:in theory|theoretically|hypothetically|in general|generally speaking|purely hypothetical)\b",
    r"\b(?:is|are) there (?:a|an|any|some) (?:good |official |step-by-step )?(?:guide|manual|doc|docs|documentation|tutorial|howto|"
    r"how-to|wiki|article|training|course|book|video|cheat sheet|checklist)\b",
    r"\bwhere (?:is|are|can i find|do i find|do we keep) (?:the |a |our )?(?:\w+ )?(?:guide|manual|docs?|documentation|tutorial|"
    r"wiki|howto|article)\b",
    r"\b(?:what|who)(?:'s| is| was) (?:a|an) [\w-]+(?: [\w-]+)?\s*(?:[?,.]|actually|anyway|exactly|again|$)",
    r"\bwhat (?:does|do|did) [\w .-]{2,40} (?:mean|stand for)\b",
    r"\b(?:explain|teach|show) (?:to )?(?:a |the |our |my )?(?:me |us )?(?:beginner|newbie|junior|intern|new colleague|trainee)",
    r"\bwho (?:would|could|should|may) be allowed\b",
)  # fmt: skip
_SMALL_TALK = re.compile(
    r"\s*(?:(?:hi|hey|hello|ok|okay|oh|and|so|well)[,!]? )*(?:good to (?:see|hear|have)|nice to (?:see|meet|hear)|knock knock|"
    r"(?:many |big |huge |a thousand )?(?:thanks|thank you|thx|sorry|apologies|congrats|congratulations|kudos|welcome back|"
    r"good luck|happy \w+day|cheers|nice work|well done|good job|great job|hats off)"
    r" (?:again )?(?:to |for (?:all|the (?:great|good|nice|quick|hard|help|work|support|effort))|everyone|everybody|all\b|team|guys|folks"
    r"|dear|my friend|mate))",
    re.IGNORECASE,
)
_GENERAL = re.compile("|".join(f"(?:{pattern})" for pattern in _PATTERNS), re.IGNORECASE)
_OURS = re.compile(
    r"\b(?:you|u|bot|stackhand|this tool|your help|these numbers?|this number|that number)\b", re.IGNORECASE
)
_SIZED = re.compile(r"\d/\d|\d+ ?(?:gb|gib|tb|vcpus?|cores?)\b", re.IGNORECASE)
_HELP = re.compile(
    r"\bhow (?:do|can|could|should|would) (?:i|we) (?:\w+ )?(?:use|ask|talk|tell|get you|make you)", re.IGNORECASE
)


def is_general(text: str) -> bool:
    """Is it about the world, and neither about this cloud nor about what the bot itself can do?"""
    head = text[:600]
    if _SIZED.search(head):
        return False  # "is it possible to run three 16/64 machines": will they fit
    if _HELP.search(head):
        return False
    if _SMALL_TALK.match(head):
        return not re.search(r"[,;.!] ", head)
    found = _GENERAL.search(head)
    return found is not None and not (_OURS.search(found[0]) or _OURS.search(head[found.end() : found.end() + 12]))
