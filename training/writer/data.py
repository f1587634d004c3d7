"""Examples for the writer: a question, the evidence that the program itself would show it, and a short answer.

    python -m training.writer.data --data ../shared/data --out build/writer --preset cpu

All texts go into one library, and every question goes the way of a question of a user: search, ranking, selection.
An example is kept where a sentence that answers is among the evidence. Its answer is

* a person's own (QASPER, PubMedQA's conclusions, SciTLDR's summaries) where it is a sentence, is shorter than what
  it rests on and the support checker accepts it, in the third person;
* else the sentences that answer, in the third person, without the clauses that say nothing of it
  (:mod:`training.writer.shorten`).

Sources and licences: QASPER (CC BY 4.0), COVID-QA and SciTLDR (Apache-2.0), XQuAD (CC BY-SA 4.0), PubMedQA (MIT), and
questions that SmolLM2-135M-Instruct (Apache-2.0) wrote for sentences of arXiv abstracts (CC0), kept where the ranker
puts that sentence among its first two (a round trip, Alberti et al. 2019). The development questions over the shipped
abstracts are never read. Some questions are joined in pairs, misspelt, or cut down to keywords. Seeded.

Writes ``train.jsonl`` and ``heldout.jsonl``: ``source``, ``question``, ``prompt`` (chat messages), ``answer``.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path

from rag import selection, support
from rag.chunking import split_sentences
from rag.config import Settings
from rag.datatypes import Evidence, Intent, Message, Paper
from rag.encoders import PaperEncoder
from rag.errors import QuestionError
from rag.factory import embedder_id, open_answerer
from rag.generators.quote import third_person
from rag.library import Library
from rag.marks import with_numbers
from rag.pipeline import Clock, Pipeline
from rag.prompting import Prompt, load_prompt
from rag.words import stems
from training.support.data import lines
from training.writer.shorten import shorten

# Questions of each source that are looked at.
PRESETS = {
    "smoke": {"arxiv": 60, "qasper": 30, "xquad": 20, "covid": 20, "pubmedqa": 30, "scitldr": 30},
    "cpu": {"arxiv": 1200, "qasper": 450, "xquad": 120, "covid": 120, "pubmedqa": 350, "scitldr": 250},
    "gpu": {"arxiv": 4315, "qasper": 2600, "xquad": 1190, "covid": 1380, "pubmedqa": 1000, "scitldr": 1992},
}
HELD_OUT = 0.03
SENTENCES = 3  # as many as an answer shows
PAPERS = 6  # as many as the program ranks
LONGEST_ANSWER = 60  # words
BESIDE = 0.45  # share of the question that a sentence beside the one that answers must hold to be in the answer
JOINED, MISSPELT, KEYWORDS = 0.12, 0.06, 0.06  # shares
_FIGURES = re.compile(
    r"\bhow (?:many|much|large|big|long|often|fast|far|well|accurate|small|high)\b|"
    r"\b(?:percentage|percent|share|accuracy|score|size|number|rate|factor|ratio|speed-?up|improvement)\b",
    re.IGNORECASE,
)
_IDLE = frozenset(
    stems("what which how many much does do did is are was were be the a an of in for to on with by and or it its this "
          "that these paper papers work study authors approach method used use using their they from as at can")
)  # fmt: skip
_SUMMARY = ("What does the paper '{}' do?", "Summarise '{}'.", "What is the contribution of '{}'?", "{}")
_BIBREF = re.compile(r"\s*\b(?:BIBREF|TABREF|FIGREF|INLINEFORM|SECREF|DISPLAYFORM|UID)\d+(?:\s*,)?")


@dataclass(frozen=True)
class Item:
    """A question about ``paper``; ``gold`` are sentences of its text, ``answers`` what people wrote or marked."""

    source: str
    question: str
    paper: Paper
    gold: tuple[str, ...]
    answers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Example:
    """``answer`` ends every sentence with the number of its evidence."""

    source: str
    question: str
    evidence: tuple[Evidence, ...]
    answer: str


def arxiv(data: Path) -> Iterator[Item]:
    """Questions that a language model wrote, with the sentence that each was written for."""
    for at, record in enumerate(lines(data / "synthetic" / "arxiv_questions.jsonl")):
        paper = Paper(f"arxiv-{at}", record["title"], " ".join(record["sentences"]))
        yield Item("arxiv", record["question"], paper, (record["sentences"][record["gold"]],))


def qasper(data: Path) -> Iterator[Item]:
    """Questions about the body of papers; the paragraphs that answer are the text."""
    folder = data / "evidence" / "qasper_evidence"
    for at, record in enumerate(lines(folder / "train_qas.jsonl")):
        text = _BIBREF.sub("", " ".join(record["contexts"]))[:2000]
        answers = tuple(a for a in record["answers"] if a not in ("True", "False", "Yes", "No") and "FLOAT" not in a)
        sentences = [s.text for s in split_sentences(text)]
        gold = _nearest(answers, sentences)
        if gold:
            yield Item("qasper", record["question"], Paper(f"qasper-{at}", record["title"], text), gold, answers)


def xquad(data: Path) -> Iterator[Item]:
    """Questions about paragraphs of an encyclopedia."""
    seen: dict[str, int] = {}  # many questions share a paragraph
    for record in lines(data / "evidence" / "xquad_en" / "qa.jsonl"):
        sentences = list(split_sentences(record["context"]))
        gold = tuple(s.text for s in sentences if s.start <= record["answer_start"] < s.end)
        paper = Paper(
            f"xquad-{seen.setdefault(record['context'], len(seen))}", _heading(record["context"]), record["context"]
        )
        yield Item("xquad", record["question"], paper, gold, tuple(record.get("answers", ())))


def covid(data: Path) -> Iterator[Item]:
    """Questions about articles; the text is the answer's sentence and six on either side."""
    folder = data / "evidence" / "covid_qa"
    texts = {r["id"]: list(split_sentences(r["text"])) for r in lines(folder / "contexts.jsonl")}
    for record in lines(folder / "qa.jsonl"):
        sentences, answer = texts[record["context_id"]], record["answers"][0]
        at = next((i for i, s in enumerate(sentences) if s.start <= answer["start"] < s.end), None)
        if at is not None:
            text = " ".join(s.text for s in sentences[max(0, at - 6) : at + 7])
            paper = Paper(f"covid-{record['id']}", _heading(sentences[0].text), text)
            yield Item("covid", record["question"], paper, (sentences[at].text,), (answer["text"],))


def pubmedqa(data: Path) -> Iterator[Item]:
    """Questions that are titles, abstracts without their conclusion, and the conclusion as the answer."""
    for record in lines(data / "collections" / "pubmedqa" / "qa.jsonl"):
        text = " ".join(record["contexts"])
        answer = record["long_answer"]
        gold = _nearest((answer,), [s.text for s in split_sentences(text)], least=0.25)
        paper = Paper(f"pubmedqa-{record['id']}", record["question"].rstrip("?"), text)
        yield Item("pubmedqa", record["question"], paper, gold, (answer,))


def scitldr(data: Path) -> Iterator[Item]:
    """Summaries in one sentence, asked for in several ways."""
    for at, record in enumerate(lines(data / "evidence" / "scitldr" / "train.jsonl")):
        gold = tuple(s for s, mark in zip(record["sentences"], record["source_labels"], strict=False) if mark)
        paper = Paper(f"scitldr-{at}", record["title"], " ".join(record["sentences"]))
        question = _SUMMARY[at % len(_SUMMARY)].format(record["title"])
        yield Item("scitldr", question, paper, gold, tuple(record["tldrs"]))


SOURCES = {"arxiv": arxiv, "qasper": qasper, "xquad": xquad, "covid": covid, "pubmedqa": pubmedqa, "scitldr": scitldr}


def example(pipeline: Pipeline, item: Item) -> Example | None:
    """The example that an item makes, None where no sentence that answers is among the evidence."""
    try:
        query = pipeline.understand(item.question)
    except QuestionError:
        return None
    if query.intent not in (Intent.FACT, Intent.SUMMARY):
        return None
    ranked = pipeline.rank(query, PAPERS, Clock())
    found = selection.select(query, ranked, SENTENCES)
    own = next((e for e in found if e.paper.title == item.paper.title), None)
    keys = {_key(g) for g in item.gold}
    if own is None:
        return None
    gold = [s.text for s in sorted(own.sentences, key=lambda s: s.start) if _key(s.text) in keys]
    if item.source == "arxiv":  # the way back: the best two of all sentences
        first = {_key(c.sentence.text) for c in ranked.candidates[:2]}
        gold = [g for g in gold if _key(g) in first]
    persons = _persons(item, own)
    if persons:
        parts = [with_numbers(s.text, (own.number,)) for s in split_sentences(persons)]
    elif gold and item.source not in ("pubmedqa", "scitldr"):
        parts = _cut(item, found, own, gold)
    else:
        return None
    answer = " ".join(parts)
    if _POINTS_BACK.match(answer) or len(answer.split()) > LONGEST_ANSWER:
        return None
    return Example(item.source, item.question, found, answer)


def _persons(item: Item, own: Evidence) -> str:
    """What a person answered, where it is a sentence that the evidence bears out."""
    shown = " ".join(s.text for s in own.sentences)
    for answer in item.answers:
        text = third_person(_BIBREF.sub("", answer)).strip()
        words = text.split()
        if not 6 <= len(words) <= max(8, 0.9 * len(shown.split())) or not text[0].isupper() or "[" in text:
            continue
        text = text if text[-1] in ".!" else text + "."
        if not _VERB.search(text):
            continue
        if len(split_sentences(text)) <= 2 and _supported(text, own):
            return text
    return ""


_VERB = re.compile(
    r"\b(?:is|are|was|were|has|have|had|can|could|may|might|does|do|did|will|should|"
    r"(?:authors|paper|method|model|approach|framework|algorithm|system|network|they|it|which) \w+(?:s|ed|e|d|n|ow))\b"
)
_POINTS_BACK = re.compile(r"(?:This|These|It|They|Such|The former|The latter) (?:\w+s|are|were|can|may|will|have)\b")


def _supported(text: str, own: Evidence) -> bool:
    return support.probability(text, own.paper.title, [s.text for s in own.sentences]) >= support.weights().supported


def _cut(item: Item, found: Sequence[Evidence], own: Evidence, gold: Sequence[str]) -> list[str]:
    """The sentences that answer, cut down to what was asked, and the one beside them that shares most with it."""
    marked = " ".join(item.answers) if item.source in ("qasper", "xquad", "covid") else ""
    asked = set(stems(item.question)) - _IDLE
    figures = bool(_FIGURES.search(item.question) or re.search(r"\d", marked))
    shown = [(e.number, s.text) for e in found for s in sorted(e.sentences, key=lambda s: s.start)]
    others = [(_share(asked, text), text) for _, text in shown if text not in gold]
    beside = [text for share, text in sorted(others, reverse=True)[:1] if share >= BESIDE]
    parts, introduced = [], False
    for number, sentence in shown:
        if sentence in beside or (number == own.number and sentence in gold):
            text = third_person(sentence, introduced=introduced)
            introduced = introduced or "the authors" in text.lower()
            parts.append(with_numbers(shorten(text, asked | (set(stems(marked)) - _IDLE), figures), (number,)))
    return parts[:3]


def _share(asked: Set[str], text: str) -> float:
    """The share of the question's words that a sentence holds; two of them at least."""
    held = len(asked & set(stems(text)))
    return held / len(asked) if held > 1 else 0.0


def joined(one: Example, two: Example) -> Example | None:
    """Both questions at once, answered from two papers; each of the two cites one paper alone."""
    (number_one,), (number_two,) = _cited(one), _cited(two)
    first = next(e for e in one.evidence if e.number == number_one)
    second = next(e for e in two.evidence if e.number == number_two)
    if first.paper.title == second.paper.title:
        return None
    found = (replace(first, number=1), replace(second, number=2))
    answer = f"{one.answer.replace(f'[{number_one}]', '[1]')} {two.answer.replace(f'[{number_two}]', '[2]')}"
    question = f"{one.question} {two.question}"
    return Example("joined", question, found, answer) if len(question) < 300 else None


def misspelt(question: str, rng: random.Random) -> str:
    """Two neighbouring letters of one long word change places."""
    words = question.split()
    long = [i for i, w in enumerate(words) if len(w) > 5 and w.isalpha() and w.islower()]
    if not long:
        return question
    at = rng.choice(long)
    letter = rng.randrange(1, len(words[at]) - 2)
    word = words[at]
    words[at] = word[:letter] + word[letter + 1] + word[letter] + word[letter + 2 :]
    return " ".join(words)


def keywords(question: str) -> str:
    """The words that carry the question."""
    return " ".join(w.strip("?.,'\"") for w in question.split() if not set(stems(w)) <= _IDLE)


def varied(examples: Sequence[Example], rng: random.Random) -> list[Example]:
    """The examples, some joined, misspelt or cut down to keywords."""
    result = []
    pool = [e for e in examples if e.source != "scitldr" and len(e.answer.split()) < 30 and len(_cited(e)) == 1]
    for made in examples:
        draw = rng.random()
        if draw < JOINED and made in pool:
            result.append(joined(made, rng.choice(pool)) or made)
        elif draw < JOINED + MISSPELT:
            result.append(replace(made, question=misspelt(made.question, rng)))
        elif draw < JOINED + MISSPELT + KEYWORDS and made.source != "scitldr":
            short = keywords(made.question)
            result.append(replace(made, question=short) if len(short.split()) >= 3 else made)
        else:
            result.append(made)
    return result


def messages(prompt: Prompt, made: Example) -> list[Message]:
    """What the model reads, as the program would put it."""
    return list(prompt.render(made.question, made.evidence))


def main() -> int:
    """Make the examples."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--preset", choices=sorted(PRESETS), default="cpu")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    items = []
    for name, most in PRESETS[options.preset].items():
        found = list(SOURCES[name](options.data))
        items += random.Random(options.seed).sample(found, len(found))[:most]
    options.out.mkdir(parents=True, exist_ok=True)
    pipeline = _library(options.out, [item.paper for item in items])
    examples = []
    for at, item in enumerate(items, start=1):
        if (made := example(pipeline, item)) is not None:
            examples.append(made)
        if at % 100 == 0:
            sys.stderr.write(f"{at} of {len(items)} questions, {len(examples)} examples\n")
    rng.shuffle(examples)
    prompt = load_prompt("write")
    cut = max(4, round(HELD_OUT * len(examples)))
    _write(options.out / "heldout.jsonl", prompt, examples[:cut])
    _write(options.out / "train.jsonl", prompt, varied(examples[cut:], rng))
    return 0


def _library(folder: Path, papers: Sequence[Paper]) -> Pipeline:
    """The program over all the texts; a library that an earlier run has begun is completed."""
    once = list({p.id: p for p in papers}.values())
    sys.stderr.write(f"{len(once)} texts\n")
    path = folder / "texts"
    begun = Library.exists(path)
    opened = Library.open(path, embedder=embedder_id(), read_only=False) if begun else None
    with opened or Library.create(path, embedder=embedder_id()) as library:
        library.add(once, PaperEncoder())
    return open_answerer(Settings(home=folder, library=path))


def _write(path: Path, prompt: Prompt, examples: Sequence[Example]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for made in examples:
            record = {
                "source": made.source, "question": made.question, "answer": made.answer,
                "prompt": [{"role": m.role, "content": m.content} for m in messages(prompt, made)],
            }  # fmt: skip
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
    counts = {s: sum(e.source == s for e in examples) for s in sorted({e.source for e in examples})}
    print(path.name, len(examples), counts)


def _cited(made: Example) -> set[int]:
    return set(map(int, re.findall(r"\[(\d+)\]", made.answer)))


def _nearest(answers: Sequence[str], sentences: Sequence[str], least: float = 0.5) -> tuple[str, ...]:
    """The sentence that holds most of the words of an answer, where it holds more than ``least`` of them."""
    best, gold = least, ""
    for answer in answers:
        words = set(stems(answer))
        for sentence in sentences:
            share = len(words & set(stems(sentence))) / len(words) if words else 0.0
            if share > best:
                best, gold = share, sentence
    return (gold,) if gold else ()


def _heading(text: str) -> str:
    return " ".join(text.split()[:8])


def _key(text: str) -> str:
    return re.sub(r"\W+", "", text.lower())


if __name__ == "__main__":
    raise SystemExit(main())
