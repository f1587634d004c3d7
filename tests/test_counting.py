"""Counts are true: which words count, and how questions are read, against counts made in other ways."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace

import pytest

from rag.datatypes import Paper
from rag.questions.catalogue import RecordCatalogue
from rag.questions.filters import read_filters_of
from rag.questions.reading import understand
from rag.questions.scope import EVERYTHING, admitted
from rag.survey.aggregate import SurveyAnswer, answer
from rag.survey.expressions import Record
from rag.survey.terms import PREFIXES, term
from rag.survey.topic_parser import parse
from rag.text.folding import fold
from rag.text.inflection import forms
from tests.library_parts import shipped_papers
from tests.test_aggregate import RecordsInMemory

AUTHORS = (("Geoffrey Hinton", "Yann LeCun"), ("G. E. Hinton",), ("Yann LeCun",), ("Ada de Vries",), ())
VENUES = ("Nature", "ICML 2021", "")
PAPERS = [
    replace(p, authors=AUTHORS[n % 5], year=2014 + n % 9 if n % 7 else None, venue=VENUES[n % 3])
    for n, p in enumerate(shipped_papers())
]
LIBRARY = RecordsInMemory(PAPERS)
SHIPPED = RecordsInMemory(shipped_papers())


def ask(question: str, library: RecordsInMemory = LIBRARY) -> SurveyAnswer:
    papers = library.papers()
    venues = {p.venue for p in papers if p.venue}
    reading = read_filters_of(understand(question), EVERYTHING, lambda: venues, understand)
    return answer(reading, library, admitted(reading, RecordCatalogue(papers)))


def counted(result: SurveyAnswer) -> int:
    return 0 if result.refusal else int(result.sentences[0].text.split()[0])


def has(paper: Paper, word: str) -> bool:
    """Whether one of these forms, separated by '|', stands in title or abstract."""
    text = f"{paper.title} | {paper.abstract}".lower()
    return re.search(rf"(?<![a-z])(?:{word})(?![a-z])", text) is not None


NOISE, SPEECH, ATTENTION = "noise|noises|noised|noising", "speech|speeches", "attentions?"
HINTON, LECUN = ("Geoffrey Hinton", "G. E. Hinton"), ("Yann LeCun",)


def wrote(paper: Paper, names: tuple[str, ...]) -> bool:
    return bool(set(names) & set(paper.authors))


# --- every word of the library ---


def words_of(text: str) -> set[str]:
    """The words of a text, and what hyphens (and a space behind a prefix) join to words."""
    found: set[str] = set()
    for run in re.findall(r"[a-z]+(?:-[a-z]+)*", text):
        parts = run.split("-")
        found |= {"".join(parts[i:j]) for i in range(len(parts)) for j in range(i + 1, len(parts) + 1)}
    for prefix, word in re.findall(r"(?<![a-z])([a-z]+)\s(?=([a-z]+))", text):
        if prefix in PREFIXES:
            found.add(prefix + word)
    return found


def test_every_common_word_is_counted_as_a_plain_count_finds_it() -> None:
    records = [Record.of(p) for p in shipped_papers()]
    papers_with: dict[str, set[str]] = defaultdict(set)
    plain: dict[str, int] = defaultdict(int)
    for record in records:
        for word in words_of(record.text):
            papers_with[word].add(record.paper.id)
        for word in set(re.findall(r"(?<![^\W_])[a-z]{3,}(?![^\W_])", record.text)):
            plain[word] += 1
    common = sorted(word for word, n in plain.items() if n >= 3)
    assert len(common) > 1_700

    for word in common:
        wanted = term(word)
        assert wanted is not None
        found = {r.paper.id for r in records if wanted.may_occur(r.unhyphenated) and any(wanted.hits(r.text))}
        expected = set().union(*(papers_with.get(form, set()) for form in forms(word)))
        assert found == expected, word
        assert len(found) >= plain[word], word


@pytest.mark.parametrize("word", ["noise", "speech", "attention", "images", "learning", "robustness", "proposed", "ai"])
def test_the_whole_answer_counts_the_same(word: str) -> None:
    result = ask(f"How many papers mention {word}?", SHIPPED)
    expected = sum(has(p, "|".join(forms(word))) for p in shipped_papers())

    assert counted(result) == expected > 0
    assert all(any(has(Paper("", c.quote), form) for form in forms(word)) for c in result.citations)


# --- which forms are one word ---


@pytest.mark.parametrize(
    ("typed", "also", "not_these"),
    [
        ("noise", "noises noised", "noisy denoise"),
        ("token", "tokens", "tokenization tokenize"),
        ("tokenization", "tokenisation tokenizations", "token tokens tokenizer"),
        ("learner", "learners", "learn learning"),
        ("learn", "learns learned learning learnt", "learner learnable"),
        ("coding", "code codes coded", "cod"),
        ("using", "use uses used", "us user"),
        ("rate", "rates rated rating", "rat rats"),
        ("rat", "rats", "rate rating"),
        ("plan", "plans planned planning", "plane planes"),
        ("study", "studies studied studying", "student"),
        ("modelling", "model models modeled modelled modeling", "modeler"),
        ("embedded", "embed embeds embedding", ""),
        ("embeddings", "embedding", ""),
        ("class", "classes", "classify clas"),
        ("bias", "biases biased", "bi"),
        ("analysis", "analyses", "analyze analyst"),
        ("analyse", "analyze analyzed analysing analyses", "analysis"),
        ("optimise", "optimize optimized optimising", "optimizer optimal"),
        ("behaviour", "behavior behaviors", "behavioral"),
        ("neighbors", "neighbour neighbours neighbor", "neighborhood"),
        ("matrix", "matrices matrixes", ""),
        ("criteria", "criterion", ""),
        ("epochs", "epoch", ""),
        ("found", "find finds finding", ""),
        ("news", "", "new"),
        ("dynamics", "", "dynamic"),
        ("metrics", "metric", ""),
        ("unit", "units", "united"),
        ("setting", "settings", "set"),
        ("string", "strings", ""),
        ("seed", "seeds seeded", "see"),
        ("thing", "things", "the"),
        ("llms", "llm", ""),
        ("species", "", ""),
    ],
)
def test_forms_of_a_word(typed: str, also: str, not_these: str) -> None:
    found = forms(typed)

    assert {typed, *also.split()} <= found
    assert not found & set(not_these.split())
    for form in also.split():
        assert typed in forms(form), "whichever form is typed"


@pytest.mark.parametrize(
    ("typed", "text", "occurs"),
    [
        ("pre-training", "We use pretraining.", True),
        ("pretraining", "We use pre-training.", True),
        ("pretraining", "We use pre training.", True),
        ("pre-training", "pre-trained nets", True),
        ("training", "pre-training", True),
        ("training", "pretraining", False),
        ("overall", "over all classes", False),
        ("dataset", "data-sets", True),
        ("Parkinson's", "Parkinson disease", True),
        ("ResNet-50", "a ResNet50", True),
        ("ResNet", "a ResNet50", True),
        ("3.5", "13.5 and 3.51", False),
        ("5", "3.5", False),
        ("C++", "written in C++.", True),
        ("Öre", "ore", True),
        ("学習", "深層学習の研究", True),
        ("neural network", "Neural-networks learn", True),
        ("neural network", "network of neural cells", False),
        ("GAN", "organ", False),
        ("time series", "a time\nseries", True),
    ],
)
def test_spellings_and_places_of_a_term(typed: str, text: str, occurs: bool) -> None:
    wanted = term(typed)
    assert wanted is not None
    record = Record.of(Paper("a", text))

    assert record.has(wanted) is occurs
    assert any(wanted.hits(fold(text))) is occurs


def test_a_phrase_does_not_go_from_the_title_into_the_abstract() -> None:
    wanted = term("deep nets")
    assert wanted is not None
    assert not Record.of(Paper("a", "Deep", "Nets learn.")).has(wanted)


# --- and, or, not, authors, years, venues ---


Condition = Callable[[Paper], bool]


@pytest.mark.parametrize(
    ("question", "fits"),
    [
        ("How many papers mention noise?", lambda p: has(p, NOISE)),
        ("How many papers mention noise or speech?", lambda p: has(p, NOISE) or has(p, SPEECH)),
        ("How many papers mention noise, attention or speech?",
         lambda p: has(p, NOISE) or has(p, SPEECH) or has(p, ATTENTION)),
        ("How many papers mention noise and speech?", lambda p: has(p, NOISE) and has(p, SPEECH)),
        ("How many papers mention both noise and attention?", lambda p: has(p, NOISE) and has(p, ATTENTION)),
        ("How many papers mention speech attention?", lambda p: has(p, SPEECH) and has(p, ATTENTION)),
        ("List all papers without attention", lambda p: not has(p, ATTENTION)),
        ("How many papers are there without attention?", lambda p: not has(p, ATTENTION)),
        ("How many papers do not mention attention?", lambda p: not has(p, ATTENTION)),
        ("How many papers are not about attention?", lambda p: not has(p, ATTENTION)),
        ("How many papers are about speech but not noise?", lambda p: has(p, SPEECH) and not has(p, NOISE)),
        ("How many papers are about speech and not about noise?", lambda p: has(p, SPEECH) and not has(p, NOISE)),
        ("How many papers mention noise except speech?", lambda p: has(p, NOISE) and not has(p, SPEECH)),
        ("How many papers mention noise or speech without attention?",
         lambda p: (has(p, NOISE) or has(p, SPEECH)) and not has(p, ATTENTION)),
        ("How many papers mention noise without speech or attention?",
         lambda p: has(p, NOISE) and not has(p, SPEECH) and not has(p, ATTENTION)),
        ("How many papers with noise and without attention?", lambda p: has(p, NOISE) and not has(p, ATTENTION)),
        ("How many papers without attention and with noise?", lambda p: has(p, NOISE) and not has(p, ATTENTION)),
        ("How many papers without attention and noise?", lambda p: not has(p, NOISE) and not has(p, ATTENTION)),
        ("How many papers mention neither noise nor speech?", lambda p: not has(p, NOISE) and not has(p, SPEECH)),
        ("How many papers mention noise or attention but not both?",
         lambda p: has(p, NOISE) != has(p, ATTENTION)),
        ("How many papers mention (noise or speech) and attention?",
         lambda p: (has(p, NOISE) or has(p, SPEECH)) and has(p, ATTENTION)),
        ("How many papers mention noise or speech and attention?",
         lambda p: has(p, NOISE) or (has(p, SPEECH) and has(p, ATTENTION))),
        ("How many papers are about noise or speech that use attention?",
         lambda p: (has(p, NOISE) or has(p, SPEECH)) and has(p, ATTENTION)),
        ("How many papers mention the phrase “neural network”?", lambda p: has(p, r"neural[-\s]+networks?")),
        ('How many papers mention "neural network" or noise?',
         lambda p: has(p, r"neural[-\s]+networks?") or has(p, NOISE)),
        ("How many papers contain the word noise?", lambda p: has(p, NOISE)),
        ("How many papers mention use?", lambda p: has(p, "use|uses|used|using")),
        ("List all speech papers", lambda p: has(p, SPEECH)),
        ("List all papers by Hinton", lambda p: wrote(p, HINTON)),
        ("How many papers by hinton?", lambda p: wrote(p, HINTON)),
        ("How many papers are by Geoffrey Hinton?", lambda p: wrote(p, HINTON)),
        ("How many papers by G. Hinton et al.?", lambda p: wrote(p, HINTON)),
        ("How many papers were written by Ada de Vries?", lambda p: wrote(p, ("Ada de Vries",))),
        ("List papers authored by Hinton and LeCun", lambda p: wrote(p, HINTON) and wrote(p, LECUN)),
        ("How many papers by Hinton or LeCun mention noise?",
         lambda p: (wrote(p, HINTON) or wrote(p, LECUN)) and has(p, NOISE)),
        ("How many papers on noise by Hinton?", lambda p: wrote(p, HINTON) and has(p, NOISE)),
        ("How many papers mention noise except those by Hinton?", lambda p: has(p, NOISE) and not wrote(p, HINTON)),
        ("How many papers that are not by Hinton mention noise?", lambda p: has(p, NOISE) and not wrote(p, HINTON)),
        ("How many papers since 2019?", lambda p: (p.year or 0) >= 2019),
        ("How many papers since 2019 mention noise or speech?",
         lambda p: (p.year or 0) >= 2019 and (has(p, NOISE) or has(p, SPEECH))),
        ("How many papers since 2019 by Hinton mention attention?",
         lambda p: (p.year or 0) >= 2019 and wrote(p, HINTON) and has(p, ATTENTION)),
        ("How many papers published in Nature mention noise or speech?",
         lambda p: p.venue == "Nature" and (has(p, NOISE) or has(p, SPEECH))),
        ("How many Nature papers by LeCun since 2016 without attention?",
         lambda p: p.venue == "Nature" and wrote(p, LECUN) and (p.year or 0) >= 2016 and not has(p, ATTENTION)),
    ],
)  # fmt: skip
def test_counts_of_combinations(question: str, fits: Condition) -> None:
    expected = {p.id for p in PAPERS if fits(p)}
    result = ask(question)

    assert counted(result) == len(expected) > 0, result
    assert {e.paper.id for e in result.evidence} <= expected
    assert sum(result.years.values()) == sum(p.year is not None for p in PAPERS if p.id in expected)


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("How many papers mention noise or tokenization?", "counting “noise, noised” or “tokenization”"),
        ("How many papers mention GANs?", "counting “GAN, GANs”."),
        ("How many papers by Ada de Vries are about speech without noise?",
         "counting author “Ada de Vries” and “speech” and not “noise”."),
        ("How many papers mention pretraining and labelling?", "counting “pre-train"),
        ('How many papers mention "neural network"?', "papers fit “neural network” (checked 459 of 459), counting “n"),
    ],
)  # fmt: skip
def test_the_answer_names_what_it_counted(question: str, text: str) -> None:
    assert text in ask(question).sentences[0].text


def test_tokenization_is_not_token() -> None:
    assert counted(ask("How many papers mention tokenization?", SHIPPED)) == 6
    assert counted(ask("How many papers mention noise?", SHIPPED)) == 28  # 26 have 'noise', two more 'noised'


def test_records_without_authors_or_years_say_so() -> None:
    unsigned = RecordsInMemory([replace(p, authors=(), year=None) for p in PAPERS])
    by, since = ask("How many papers by Hinton?", unsigned), ask("How many papers since 2021?", unsigned)

    assert by.refusal is not None and since.refusal is not None
    assert by.refusal.message == (
        "The records of this library name no authors, so papers cannot be counted by author (checked 459 of 459)."
    )
    assert since.refusal.message == (
        "The records of this library carry no years, so papers cannot be counted by year (checked 459 of 459)."
    )


def test_by_belongs_to_the_topic_where_no_author_follows() -> None:
    expected = sum(
        all(has(p, w) for w in ("improve|improves|improved|improving", "accurac(?:y|ies)", "prun(?:e|es|ed|ing|ings)"))
        for p in PAPERS
    )
    assert counted(ask("How many papers improve accuracy by pruning?")) == expected > 0


@pytest.mark.parametrize("topic", ["", "🙂", "or", "not", "( or )", "and without", '"', "by", "((", "not not", "or or"])
def test_a_topic_without_a_word_is_no_expression(topic: str) -> None:
    assert parse(topic, lambda word: False) is None


@pytest.mark.parametrize(
    ("topic", "same"),
    [
        ("noise) or speech", "noise or speech"),
        ("(noise or speech", "noise or speech"),
        ("(" * 600 + "noise", "noise"),
        ("(" * 600 + "noise" + ")" * 600, "noise"),
        ("not " * 900 + "noise", "not noise"),
    ],
)
def test_brackets_without_partners_and_too_many_do_not_count(topic: str, same: str) -> None:
    assert parse(topic, None) == parse(same, None) is not None


def test_the_sentence_with_most_of_the_words_is_cited() -> None:
    paper = Paper("a", "On sound", "Noise is loud. Noise spoils speech. Speech is quiet.")
    apart = Paper("b", "On noise", "Nothing. We hear speech.")
    result = ask("How many papers mention noise and speech?", RecordsInMemory([paper, apart]))

    assert counted(result) == 2
    assert {c.quote for c in result.citations} == {"Noise spoils speech.", "We hear speech."}
