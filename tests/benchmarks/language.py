"""Scores the language on a file of sentences: accuracy, wrong writes, CPU.

    python -m tests.benchmarks.language SENTENCES.jsonl NAMES.json [--now TIME] [--part all|work|held]
        [--typos SEED] [--show]

A line is {"text", "intent", "slots", "missing"}. `--part`: "held" is every third sentence, "work" the others.
"""

import argparse
import json
import random
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from intents.matcher import Matcher
from intents.names import Names
from intents.readings import Reading
from intents.registry import Catalogue, load_catalogue

NOW = "2026-11-22T09:00:00Z"


def judge(said: Mapping[str, Any], reading: Reading, catalogue: Catalogue) -> str:
    """right, asked (rightly), wrong_slots, wrong, refused, answered (should be silent), or wrong_write."""
    wanted, slots, missing = said.get("intent"), said.get("slots") or {}, said.get("missing") or []
    writes = reading.intent is not None and catalogue.intents[reading.intent].writes
    if reading.intent != wanted:
        if writes and reading.ask is None:
            return "wrong_write"
        return "refused" if reading.intent is None else "answered" if wanted is None else "wrong"
    if missing and (reading.ask is None or reading.ask.slot not in missing):
        return "wrong_slots"
    if dict(reading.slots) == dict(slots):
        return "asked" if reading.ask and (missing or reading.ask.why == "ambiguous") else "right"
    if reading.ask and reading.ask.why in {"ambiguous", "missing", "unknown"} and missing:
        return "asked"
    return "wrong_slots"


def load(path: Path, part: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    if part == "all":
        return lines
    return [line for at, line in enumerate(lines) if (at % 3 == 2) == (part == "held")]


_FREE = ("text", "value", "query", "name", "new_name", "domain", "project", "target")


def free_text(said: Mapping[str, Any]) -> str:
    """What a note, a reason, a search or a new name is made of: it is kept as typed, with its errors."""
    return " ".join(str(value) for slot, value in (said.get("slots") or {}).items() if slot in _FREE).lower()


def with_typo(text: str, names: Names, dice: random.Random, free: str = "") -> str:
    """One letter dropped, doubled, swapped or replaced in one ordinary word of five letters or more, none of `free`."""
    words = [w for w in re.finditer(r"(?<![\w.-])[A-Za-z]{5,}(?![\w.-])", text) if not names.at(w[0].lower())]
    words = [w for w in words if w[0].lower() not in free]
    named = {part for w in words for part in (w[0].lower(),) if names.like(part)}
    words = [w for w in words if w[0].lower() not in named]
    if not words:
        return text
    word = dice.choice(words)
    at = dice.randrange(1, len(word[0]) - 1)
    said = word[0]
    edited = {
        0: said[:at] + said[at + 1 :],
        1: said[:at] + said[at] + said[at:],
        2: said[:at] + said[at + 1] + said[at] + said[at + 2 :],
        3: said[:at] + dice.choice("abcdefghijklmnopqrstuvwxyz") + said[at + 1 :],
    }[dice.randrange(4)]
    return text[: word.start()] + edited + text[word.end() :]


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def run(sentences: Sequence[Mapping[str, Any]], names: Names, now: datetime, show: bool) -> Counter[str]:
    catalogue = load_catalogue()
    matcher = Matcher(catalogue)
    verdicts: Counter[str] = Counter()
    spent = []
    for said in sentences:
        reading = matcher.read(said["text"], names, now)
        verdict = judge(said, reading, catalogue)
        verdicts[verdict] += 1
        spent.append(reading.cpu_ms)
        if show and verdict not in {"right", "asked"}:
            print(f"{verdict:12} {said['text']}\n    wanted {said.get('intent')} {said.get('slots') or ''} "
                  f"{said.get('missing') or ''}\n    got    {reading.intent} {dict(reading.slots)} {reading.mood} "
                  f"{reading.confidence} {reading.ask.why + ':' + reading.ask.slot if reading.ask else ''} "
                  f"{reading.rivals}")  # fmt: skip
    total = len(sentences)
    good = verdicts["right"] + verdicts["asked"]
    intents = good + verdicts["wrong_slots"]
    print(f"{total} sentences: {100 * good / total:.1f} % right or rightly asked, {100 * intents / total:.1f} % intent "
          f"right, {verdicts['wrong_write']} wrong writes; {dict(verdicts)}")  # fmt: skip
    print(f"cpu ms: p50 {percentile(spent, 0.5):.2f}  p95 {percentile(spent, 0.95):.2f}  p99 "
          f"{percentile(spent, 0.99):.2f}  max {max(spent):.2f}")  # fmt: skip
    return verdicts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sentences", type=Path)
    parser.add_argument("names", type=Path)
    parser.add_argument("--now", default=NOW)
    parser.add_argument("--part", choices=("all", "work", "held"), default="all")
    parser.add_argument("--typos", type=int, help="edit one word of each sentence, by this seed")
    parser.add_argument("--show", action="store_true")
    given = parser.parse_args()
    names = Names.from_json(json.loads(given.names.read_text(encoding="utf-8")))
    sentences = load(given.sentences, given.part)
    if given.typos is not None:
        dice = random.Random(given.typos)
        sentences = [{**said, "text": with_typo(said["text"], names, dice, free_text(said))} for said in sentences]
    run(sentences, names, datetime.fromisoformat(given.now), given.show)


if __name__ == "__main__":
    main()
