"""The data sets that the writer's examples are made from: questions, the texts that answer them, and people's answers.

Licences: QASPER and the claims of SciFact (CC BY 4.0; its abstracts ODC-By 1.0), COVID-QA, SciTLDR and CSAbstruct
(Apache-2.0), XQuAD (CC BY-SA 4.0), PubMedQA and ExpertQA (MIT), and questions that SmolLM2-135M-Instruct (Apache-2.0)
wrote for sentences of arXiv abstracts (CC0). Each lets a model that was trained on it be passed on. The development
questions over the shipped abstracts are no source. Every reader goes through its data in their order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rag.datatypes import Paper
from rag.library.chunking import split_sentences
from rag.text.tokenization import NAME, stems
from training.jsonl import lines

CLAIMS = 2  # of an answer of ExpertQA
_SUMMARY = ("What does the paper '{}' do?", "Summarise '{}'.", "What is the contribution of '{}'?", "{}")
_NAMED = (
    "What problem does {} solve, and how?", "Summarise {}.", "What is {} and what does it achieve?",
    "What does {} do, and how well?",
)  # fmt: skip
_CLAIM = ("Is it true that {}?", "Is there evidence that {}?", "Do studies show that {}?")
_BIBREF = re.compile(r"\s*\b(?:BIBREF|TABREF|FIGREF|INLINEFORM|SECREF|DISPLAYFORM|UID)\d+(?:\s*,)?")
# Of an article's body: '(3, 17)', '[3]', '(Stevens, 1953; Busse et al., 2010)'.
_REFERENCES = re.compile(
    r"\s*\((?:\d{1,3}(?:\s*[,–-]\s*\d{1,3})*|[^()]*(?:\bet al\b|, (?:19|20)\d\d\b)[^()]*)\)|"
    r"\s*\[\d{1,3}(?:\s*[,–-]\s*\d{1,3})*(?:\]|,(?=\s*\())"
)
# 'CONCLUSIONS These results …': the heading of a part that has run into its first sentence.
_PART = re.compile(r"^(?:(?:Text|Abstract): |(?:[A-Z]{5,}(?: (?:AND|OF|&) [A-Z]{3,})*:?\s+)(?=[A-Z]))+")
_INTRODUCED = re.compile(
    rf"\b(?:propos\w+|present\w*|introduc\w+|develop\w*|describ\w+|called|named|dubbed|termed)\b[^.;]{{0,60}}?"
    rf"(?<![\w-])(?P<name>{NAME})(?![\w-])"
)
_THING = re.compile(  # three words at least: 'the neural network' is said of many
    r"\b[Ww]e (?:propose|present|introduce|develop|describe) an? (?:(?:new|novel|simple|fast|efficient|general|first|"
    r"generic|simple|effective|different|practical|yet|powerful|and) |, )*+"
    r"(?P<what>[\w-]+(?: (?!for|that|which|to|in|of|with|using|based|called|capable)[\w-]+){2,4})"
    r"(?=,|\.| (?:for|that|which|to|in|with|using|based|called|by)\b)"
)
_SPEAKER = re.compile(r"\b(?:I|me|my|you|your|we|our|search results|sources? provided|passages?)\b|^\W*References")


@dataclass(frozen=True)
class Item:
    """A question about ``paper``; ``gold`` are sentences of its text, ``answers`` what people wrote or marked.

    ``roles`` says what sentences do in their abstract (objective, method, result), where that is known. What shares
    its ``group`` is about the same text.
    """

    source: str
    question: str
    paper: Paper
    gold: tuple[str, ...]
    answers: tuple[str, ...] = ()
    group: str = ""
    roles: tuple[tuple[str, str], ...] = ()


def arxiv(data: Path) -> Iterator[Item]:
    """Questions that a language model wrote, with the sentence that each was written for."""
    for at, record in enumerate(lines(data / "synthetic" / "arxiv_questions.jsonl")):
        paper = Paper(f"arxiv-{at}", record["title"], " ".join(record["sentences"]))
        yield Item("arxiv", record["question"], paper, (record["sentences"][record["gold"]],), group=paper.id)


def qasper(data: Path) -> Iterator[Item]:
    """Questions about the body of papers; the paragraphs that answer are the text."""
    folder = data / "evidence" / "qasper_evidence"
    for at, record in enumerate(lines(folder / "train_qas.jsonl")):
        text = without_marks(" ".join(record["contexts"]))[:2000]
        answers = tuple(a for a in record["answers"] if a not in ("True", "False", "Yes", "No") and "FLOAT" not in a)
        sentences = [s.text for s in split_sentences(text)]
        gold = _nearest(answers, sentences)
        if gold:
            paper = Paper(f"qasper-{at}", record["title"], text)
            yield Item("qasper", record["question"], paper, gold, answers, f"qasper-{record['title']}")


def xquad(data: Path) -> Iterator[Item]:
    """Questions about paragraphs of an encyclopedia."""
    seen: dict[str, int] = {}  # many questions share a paragraph
    for record in lines(data / "evidence" / "xquad_en" / "qa.jsonl"):
        text = record["context"]
        gold = tuple(s.text for s in split_sentences(text) if s.start <= record["answer_start"] < s.end)
        paper = Paper(f"xquad-{seen.setdefault(text, len(seen))}", _heading(text), text)
        yield Item("xquad", record["question"], paper, gold, tuple(record.get("answers", ())), paper.id)


def covid(data: Path) -> Iterator[Item]:
    """Questions about articles; the text is the answer's sentence and six on either side."""
    folder = data / "evidence" / "covid_qa"
    texts = {r["id"]: list(split_sentences(r["text"])) for r in lines(folder / "contexts.jsonl")}
    for record in lines(folder / "qa.jsonl"):
        sentences, answer = texts[record["context_id"]], record["answers"][0]
        at = next((i for i, s in enumerate(sentences) if s.start <= answer["start"] < s.end), None)
        if at is not None:
            text = " ".join(_without_references(s.text) for s in sentences[max(0, at - 6) : at + 7])
            paper = Paper(f"covid-{record['id']}", _heading(sentences[0].text), text)
            gold = (_without_references(sentences[at].text),)
            yield Item("covid", record["question"], paper, gold, (answer["text"],), f"covid-{record['context_id']}")


def pubmedqa(data: Path) -> Iterator[Item]:
    """Questions that are titles, abstracts without their conclusion, and the conclusion as the answer."""
    for record in lines(data / "collections" / "pubmedqa" / "qa.jsonl"):
        text = " ".join(record["contexts"])
        answer = record["long_answer"]
        gold = _nearest((answer,), [s.text for s in split_sentences(text)], least=0.25)
        paper = Paper(f"pubmedqa-{record['id']}", record["question"].rstrip("?"), text)
        yield Item("pubmedqa", record["question"], paper, gold, (answer,), paper.id)


def scitldr(data: Path) -> Iterator[Item]:
    """Summaries in one sentence, asked for in several ways."""
    for at, record in enumerate(lines(data / "evidence" / "scitldr" / "train.jsonl")):
        gold = tuple(s for s, mark in zip(record["sentences"], record["source_labels"], strict=False) if mark)
        paper = Paper(f"scitldr-{at}", record["title"], " ".join(record["sentences"]))
        question = _SUMMARY[at % len(_SUMMARY)].format(record["title"])
        yield Item("scitldr", question, paper, gold, tuple(record["tldrs"]), paper.id)


def csabstruct(data: Path) -> Iterator[Item]:
    """Abstracts whose sentences are marked by what they do, where one says what it introduces.

    They come without titles: the first words stand for one, and the question goes by what is introduced.
    """
    for at, record in enumerate(lines(data / "evidence" / "csabstruct" / "train.jsonl")):
        sentences = [_PART.sub("", s) for s in record["sentences"]]
        text = " ".join(sentences)
        named = _named(text)
        if named:
            paper = Paper(f"csabstruct-{at}", _heading(text), text)
            question = _NAMED[at % len(_NAMED)].format(named)
            roles = tuple(zip(sentences, record["labels"], strict=True))
            gold = tuple(s for s, role in roles if role in ("objective", "method", "result"))
            yield Item("csabstruct", question, paper, gold, group=paper.id, roles=roles)


def expertqa(data: Path) -> Iterator[Item]:
    """Questions of experts, passages of the web, and claims that an expert found right and borne out by a passage."""
    for at, record in enumerate(lines(data / "evidence" / "expertqa" / "attributed.jsonl")):
        taken = 0
        for system in record["answers"].values():
            for number, claim in enumerate(system["claims"]):
                text = re.sub(r"\s*\[\d+\]", "", claim.get("revised_claim") or claim["claim_string"]).strip()
                if taken == CLAIMS or not _is_borne_out(claim) or _SPEAKER.search(text):
                    continue
                passage = _passage(claim["evidence"][0])
                gold = _nearest((text,), [s.text for s in split_sentences(passage)], least=0.35)
                if gold:
                    taken += 1
                    paper = Paper(f"expertqa-{at}-{number}", _heading(passage), passage)
                    yield Item("expertqa", record["question"].strip(), paper, gold, (text,), f"expertqa-{at}")


def scifact(data: Path) -> Iterator[Item]:
    """Claims turned into questions, answered by the sentences that bear them out or refute them.

    The claim itself is no answer, for it says the question once more, which is a fault of small writers anyhow.
    Abstracts that a development claim cites are left out.
    """
    folder = data / "collections" / "scifact"
    corpus = {r["doc_id"]: r for r in lines(folder / "corpus_sentences.jsonl")}
    held_out = {str(doc) for r in lines(folder / "claims_dev.jsonl") for doc in r["cited_doc_ids"]}
    for at, record in enumerate(lines(folder / "claims_train.jsonl")):
        for doc, found in sorted(record["evidence"].items()):
            if doc in held_out:
                continue
            title, sentences = (
                corpus[doc]["title"],
                [_PART.sub("", " ".join(s.split())) for s in corpus[doc]["abstract"]],
            )
            gold = tuple(sentences[i] for i in found[0]["sentences"])
            claim = _in_a_clause(record["claim"].rstrip(". "), " ".join(sentences))
            paper = Paper(f"scifact-{doc}", title, " ".join(sentences))
            yield Item("scifact", _CLAIM[at % len(_CLAIM)].format(claim), paper, gold, group=paper.id)


SOURCES = {
    "arxiv": arxiv, "qasper": qasper, "xquad": xquad, "covid": covid, "pubmedqa": pubmedqa, "scitldr": scitldr,
    "csabstruct": csabstruct, "expertqa": expertqa, "scifact": scifact,
}  # fmt: skip


def without_marks(text: str) -> str:
    """``text`` without what QASPER leaves where a reference, a table or a formula stood."""
    return _BIBREF.sub("", text)


def _without_references(text: str) -> str:
    return re.sub(r"\s+([.,;])", r"\1", _PART.sub("", _REFERENCES.sub("", text)))


def _named(text: str) -> str:
    """What an abstract introduces, by its name ('DriveNet') or by what it is ('the two-stage parser'); '' for nothing.

    A name that stands once is a thing in passing, and capitals alone are the authors' own name only where they follow
    at once: 'We present DXR'.
    """
    found = _INTRODUCED.search(text)
    if found is not None and text.count(found["name"]) > 1:
        name = found["name"]
        if (not name.isupper() and not name.endswith("s")) or len(found[0].split()) == 2:
            return str(name)
    thing = _THING.search(text)
    return f"the {thing['what']}" if thing is not None else ""


def _is_borne_out(claim: dict[str, object]) -> bool:
    return (
        claim["support"] == "Complete"
        and bool(claim["evidence"])
        and claim["correctness"] in ("Definitely correct", "Probably correct")
        and claim["informativeness"] == "Very relevant"
    )


def _passage(evidence: str) -> str:
    """The text of a passage: without its address, and without the part of a sentence that it may begin with."""
    _, _, text = evidence.partition("\n\n")
    text = re.sub(r"(?<=[a-z])([.!?])(?=[A-Z][a-z])", r"\1 ", " ".join(text.split()))
    return text if text[:1].isupper() else " ".join(s.text for s in list(split_sentences(text))[1:])


def _in_a_clause(claim: str, text: str) -> str:
    """With a small first letter, unless it begins with a name: what ``text`` writes large within a sentence."""
    word = re.split(r"\W", claim, maxsplit=1)[0]
    named = (word != "A" and not word[1:].islower()) or re.search(rf"[^.!?:] {re.escape(word)}\b", text)
    return claim if named else claim[0].lower() + claim[1:]


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
