"""The examples that the writer is taught with: what becomes of a question, its evidence and people's answers."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag import factory, questions
from rag.datatypes import Evidence, Paper, Sentence
from rag.evaluation.systems import _NO_ANSWER
from rag.marks import NO_ANSWER
from rag.pipeline import Pipeline
from rag.prompting import load_prompt
from rag.words import stems
from training.writer import data, sources
from training.writer.answers import _NO_STATEMENT, Example, look, refused, written
from training.writer.followups import followups, shared, with_pronoun
from training.writer.shorten import shorten
from training.writer.sources import Item
from training.writer.varied import joined, keywords, misspelt, varied


@pytest.mark.parametrize(
    ("sentence", "question", "short"),
    [
        (
            "Experimental results show that Quantune reduces the search time by 36.5x with a small loss of accuracy.",
            "By what factor is the search time shortened?",
            "Quantune reduces the search time by 36.5x with a small loss of accuracy.",
        ),
        (
            "The authors find that old crabs learn faster at night, which may explain how they hunt.",
            "When do crabs learn faster?",
            "Old crabs learn faster at night.",
        ),
        (
            "In contrast to earlier nets, the model needs no labels at all, making it cheap to train on new languages.",
            "Does the model need labels?",
            "The model needs no labels at all.",
        ),
        (  # 'also' to what stands elsewhere
            "The authors also train a model on images of the sea at night.",
            "What is trained?",
            "The authors train a model on images of the sea at night.",
        ),
        (  # what was asked for stands in the side clause
            "The authors train on 12 languages, which makes the model cheap.",
            "What makes the model cheap?",
            "The authors train on 12 languages, which makes the model cheap.",
        ),
        (  # too little would be left
            "Crabs learn, which is new.",
            "Do crabs learn?",
            "Crabs learn, which is new.",
        ),
        (  # no bracket is cut through
            "The method is trained on images (for example, which show crabs, and shells) of the sea at night.",
            "What is the method trained on?",
            "The method is trained on images of the sea at night.",
        ),
    ],
)
def test_a_sentence_is_cut_to_what_was_asked(sentence: str, question: str, short: str) -> None:
    assert shorten(sentence, set(stems(question)), False) == short


def test_no_figure_goes_where_a_figure_is_asked_for() -> None:
    sentence = "The model is small and quick to load, achieving 91.2 on the test."
    wanted = set(stems("model"))
    assert shorten(sentence, wanted, True) == sentence
    assert shorten(sentence, wanted, False) == "The model is small and quick to load."


def example(title: str, question: str, answer: str) -> Example:
    sentence = Sentence(answer.replace(" [1]", ""), 0, 10)
    return Example("arxiv", question, (Evidence(1, Paper(title, title, sentence.text), (sentence,), 1.0),), answer)


def test_two_questions_are_answered_from_two_papers() -> None:
    both = joined(
        example("Crabs", "Do crabs learn?", "Crabs learn [1]."),
        example("Shells", "Why shells?", "Shells are hard [1]."),
    )
    assert both is not None
    assert both.question == "Do crabs learn? Why shells?"
    assert both.answer == "Crabs learn [1]. Shells are hard [2]."
    assert [(e.number, e.paper.title) for e in both.evidence] == [(1, "Crabs"), (2, "Shells")]


def test_a_paper_is_not_joined_with_itself() -> None:
    one = example("Crabs", "Do crabs learn?", "Crabs learn [1].")
    assert joined(one, one) is None


def test_misspelt_words_keep_their_letters() -> None:
    question = "How does quantization change accuracy?"
    wrong = misspelt(question, random.Random(1))
    assert wrong != question
    assert sorted(wrong) == sorted(question)


def test_keywords_are_the_words_that_carry_the_question() -> None:
    assert keywords("How does quantization change the accuracy of networks?") == "quantization change accuracy networks"


def test_the_same_seed_makes_the_same_examples() -> None:
    made = [example(f"Paper {i}", f"How does method {i} change accuracy?", f"It falls by {i} [1].") for i in range(40)]
    assert varied(made, random.Random(3)) == varied(made, random.Random(3))
    assert len(varied(made, random.Random(3))) == 40
    assert varied(made, random.Random(3)) != made


# Sources


def lines(path: Path, *records: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(r) + "\n" for r in records), encoding="utf-8")


def test_an_abstract_with_marked_sentences_is_asked_about_by_the_name_it_introduces(tmp_path: Path) -> None:
    marked = ["Crabs are hard to count.", "We propose CrabNet, a net for shells.", "CrabNet counts 95% of them."]
    nameless = ["We study crabs.", "They are counted by hand."]
    lines(
        tmp_path / "evidence" / "csabstruct" / "train.jsonl",
        {"sentences": marked, "labels": ["background", "objective", "result"]},
        {"sentences": nameless, "labels": ["objective", "method"]},
    )
    (item,) = sources.csabstruct(tmp_path)
    assert "CrabNet" in item.question and item.paper.title == "Crabs are hard to count. We propose CrabNet,"
    assert item.gold == tuple(marked[1:]) and dict(item.roles)[marked[2]] == "result"


def test_experts_claims_are_taken_where_one_found_them_right_and_borne_out(tmp_path: Path) -> None:
    passage = "[1] https://crabs.example/a\n\nand walk. Old crabs learn faster at night. They live in shells."
    good = {
        "claim_string": "Old crabs learn faster at night [1].", "evidence": [passage], "support": "Complete",
        "correctness": "Definitely correct", "informativeness": "Very relevant",
    }  # fmt: skip
    others = (
        good | {"support": "Incomplete"}, good | {"correctness": "Unsure"}, good | {"evidence": []},
        good | {"claim_string": "According to my search results, old crabs learn faster at night."},
    )  # fmt: skip
    record = {"question": "When do crabs learn?", "answers": {"a": {"claims": [*others, good, good, good]}}}
    lines(tmp_path / "evidence" / "expertqa" / "attributed.jsonl", record)
    items = list(sources.expertqa(tmp_path))
    assert len(items) == sources.CLAIMS
    assert items[0].answers == ("Old crabs learn faster at night.",) == items[0].gold
    assert items[0].paper.abstract == "Old crabs learn faster at night. They live in shells."


def test_claims_become_questions_and_no_abstract_of_the_development_claims_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "collections" / "scifact"
    abstract = ["Crabs were trained.", "Old crabs learn at night."]
    lines(folder / "corpus_sentences.jsonl", *({"doc_id": d, "title": "Crabs", "abstract": abstract} for d in "123"))
    lines(folder / "claims_dev.jsonl", {"cited_doc_ids": [3]})
    lines(
        folder / "claims_train.jsonl",
        {"claim": "Crabs can learn.", "evidence": {"1": [{"sentences": [1], "label": "SUPPORT"}]}},
        {"claim": "MRNA crabs never learn.", "evidence": {"2": [{"sentences": [1], "label": "REFUTE"}]}},
        {"claim": "Crabs like nights.", "evidence": {"3": [{"sentences": [1], "label": "SUPPORT"}]}},
        {"claim": "Crabs sing.", "evidence": {}},
    )
    held, denied = sources.scifact(tmp_path)
    assert held.question == "Is it true that crabs can learn?"
    assert denied.question == "Is there evidence that MRNA crabs never learn?"
    assert held.gold == denied.gold == ("Old crabs learn at night.",)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("We present DXR. DXR is quick.", "DXR"),
        ("We present a reader of PDF. PDF is old.", ""),
        ("We propose a net called DriveNet. DriveNet drives.", "DriveNet"),
        ("We propose a new two-stage table parser for pictures.", "the two-stage table parser"),
        ("We propose a new neural parser for tables.", ""),
        ("We study crabs.", ""),
    ],
)
def test_an_abstract_is_asked_about_by_what_it_introduces(text: str, named: str) -> None:
    assert sources._named(text) == named


@pytest.mark.parametrize(
    ("claim", "clause"),
    [("A bias is seen.", "a bias is seen."), ("DNA is long.", "DNA is long."), ("Norway is long.", "Norway is long.")],
)
def test_a_claim_begins_small_unless_with_a_name(claim: str, clause: str) -> None:
    assert sources._in_a_clause(claim, "Crabs of Norway were counted.") == clause


def test_an_answer_asks_nothing_and_has_no_gaps() -> None:
    assert all(_NO_STATEMENT.search(t) for t in ("Why do they [1]?", "It has signs such as ( and ) [1]."))
    assert not _NO_STATEMENT.search("It has f(x) and g(y) of two [1].")


def test_the_heading_of_a_part_is_no_word_of_its_first_sentence() -> None:
    texts = ("CONCLUSIONS These nets work.", "MATERIALS AND METHODS: We count.", "SLAM is hard.", "CRISPR works.")
    assert [sources._PART.sub("", t) for t in texts] == ["These nets work.", "We count.", *texts[2:]]


def test_references_in_the_body_of_an_article_are_no_part_of_its_sentences() -> None:
    text = "Text: Crabs moult (3, 17) in spring [4, 5] (Stevens, 1953; Busse et al., 2010) at night (n = 40) ."
    assert sources._without_references(text) == "Crabs moult in spring at night (n = 40)."


# Answers, over a library of the texts, the program's own way

CRABS = (
    "CrabNet counts shells on beaches",
    "Shells on beaches are counted by hand. We propose CrabNet, a network that counts shells in pictures of beaches, "
    "which may help divers. It was trained on 12,400 pictures of beaches in Norway. CrabNet finds 95.2% of the shells.",
)
SNOW = (
    "Snow depth from satellites",
    "Snow depth is needed to forecast floods. We measure snow depth in the Alps from satellites. "
    "The error is 12 cm on average. Forests make the error larger.",
)
OWLS = ("Owls in cities", "Owls live in cities. They hunt rats at night. Lamps disturb their hunting.")


@pytest.fixture(scope="module")
def pipeline(shared_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    papers = [Paper(f"p{at}", *texts) for at, texts in enumerate((CRABS, SNOW, OWLS))]
    yield data._library(tmp_path_factory.mktemp("writer-data"), papers)
    factory.close_all()


def item(source: str, question: str, gold: int, *answers: str, roles: tuple[str, ...] = ()) -> Item:
    sentences = [f"{s.rstrip('.')}." for s in CRABS[1].split(". ")]
    marked = tuple(zip(sentences, roles, strict=True)) if roles else ()
    return Item(source, question, Paper("p0", *CRABS), (sentences[gold],), answers, "crabs", marked)


def test_the_sentence_that_answers_is_cut_to_the_answer(pipeline: Pipeline) -> None:
    seen = look(pipeline, item("xquad", "What counts shells in pictures of beaches?", 1, "CrabNet"))
    assert seen is not None
    made = written(pipeline, seen)
    assert made is not None and made.task == "write" and made.evidence == seen.found
    assert "The authors propose CrabNet, a network that counts shells in pictures of beaches [1]." in made.answer
    assert "divers" not in made.answer


def test_a_persons_answer_is_taken_where_the_evidence_bears_it_out(pipeline: Pipeline) -> None:
    said = "CrabNet was trained on 12,400 pictures of beaches."
    question = "How many pictures was CrabNet trained on?"
    right, wrong = (look(pipeline, item("qasper", question, 2, text)) for text in (said, said.replace("12", "13")))
    assert right is not None and wrong is not None
    made = written(pipeline, right)
    assert made is not None and made.answer == "CrabNet was trained on 12,400 pictures of beaches [1]."
    assert written(pipeline, wrong) is None  # 'It was trained on …' is no answer that stands alone


def test_a_summary_says_the_aim_and_the_result(pipeline: Pipeline) -> None:
    roles = ("background", "objective", "method", "result")
    seen = look(pipeline, item("csabstruct", "Summarise CrabNet.", 1, roles=roles))
    assert seen is not None
    made = written(pipeline, seen)
    assert made is not None and made.task == "summarise"
    assert made.answer.startswith(
        "The authors propose CrabNet, a network that counts shells in pictures of beaches [1]."
    )
    assert made.answer.endswith("CrabNet finds 95.2% of the shells [1].")
    bare = look(pipeline, item("csabstruct", "Summarise CrabNet.", 1, roles=("background",) * 4))
    assert bare is not None and written(pipeline, bare) is None


def test_a_near_miss_has_evidence_without_the_sentence_that_answers(pipeline: Pipeline) -> None:
    seen = look(pipeline, item("xquad", "What share of the shells does CrabNet find?", 3, "95.2%"))
    assert seen is not None
    made = refused(seen)
    assert made is not None and (made.task, made.answer) == ("refuse", NO_ANSWER)
    assert made.evidence[0].paper.title == CRABS[0]
    assert "95.2" not in " ".join(s.text for e in made.evidence for s in e.sentences)


def test_no_near_miss_is_made_where_an_answer_is_left(pipeline: Pipeline) -> None:
    named = look(pipeline, item("xquad", "What finds 95.2% of the shells?", 3, "CrabNet"))  # named elsewhere too
    model = look(pipeline, item("arxiv", "What is CrabNet used for?", 3))  # a model's question, not after a figure
    assert named is not None and model is not None
    assert refused(named) is None and refused(model) is None


def test_details_that_an_abstract_does_not_give_are_near_misses(pipeline: Pipeline) -> None:
    asked = [
        look(pipeline, item("detail", f"What {what} does CrabNet use?", 0, what)) for what in ("optimizer", "picture")
    ]
    assert asked[0] is not None and asked[1] is not None
    assert (made := refused(asked[0])) is not None and made.evidence == asked[0].found
    assert refused(asked[1]) is None


def test_the_refusal_is_one_sentence_everywhere() -> None:
    assert NO_ANSWER in load_prompt("write").templates[0].content
    assert _NO_ANSWER.search(NO_ANSWER)


# Follow-ups


@pytest.mark.parametrize(
    ("question", "phrase", "short"),
    [
        ("How does CrabNet count shells?", "CrabNet", ""),  # 'count' is not known to be a verb
        ("How does CrabNet work?", "CrabNet", "How does it work?"),
        ("What is the accuracy of CrabNet?", "CrabNet", "What is its accuracy?"),
        ("Where was the Summer Theatre?", "Summer Theatre", "Where was it?"),
        ("What are CrabNet's weights trained on?", "CrabNet", "What are its weights trained on?"),
        ("What viruses are linked to airway diseases?", "airway diseases", ""),
        ("What viruses are found in airway diseases?", "airway diseases", "What viruses are found in them?"),
        ("How do airway diseases begin?", "airway diseases", "How do they begin?"),
        ("What does HIV-1 infection cause?", "HIV-1", ""),  # 'it infection'
        ("What type of coronavirus is it?", "coronavirus", ""),
        ("Does the swine flu differ from the swine flu of 1918?", "swine flu", ""),
    ],
)
def test_a_noun_phrase_gives_way_to_a_pronoun_where_that_is_sure(question: str, phrase: str, short: str) -> None:
    assert with_pronoun(question, phrase) == short


def test_only_noun_phrases_and_names_are_shared() -> None:
    assert (
        shared("How does the peeling algorithm work?", "Who made the peeling algorithm?")[0] == "the peeling algorithm"
    )
    assert shared("How fast is growth?", "What is growth?") == []
    assert shared("What is IFITM3?", "Where is IFITM3?") == ["IFITM3"]
    assert shared("Who beat John Elway?", "How old is John Elway?") == []  # no 'it'
    assert shared("Which test is used to build the nets?", "Who has to build nets?") == []


def test_a_follow_up_leans_on_the_turn_before_and_means_the_question(tmp_path: Path) -> None:
    paper = Paper("a", "Coronaviruses", "Bovine coronavirus has 31 kb. Its genome has one strand.")
    items = [
        Item("covid", "What is the size of bovine coronavirus?", paper, ("Bovine coronavirus has 31 kb.",), (), "g"),
        Item("covid", "How many strands are in bovine coronavirus?", paper, ("Its genome has one strand.",), (), "g"),
        Item("covid", "Who eats crabs?", paper, ("Its genome has one strand.",), (), "g"),
        Item("covid", "How many cows have bovine coronavirus?", paper, ("Some.",), (), "another text"),
    ]
    one, two = followups(items)
    assert (one.question, one.answer) == ("What is its size?", items[0].question)
    assert (two.question, two.answer) == ("How many strands are in it?", items[1].question)
    assert [t.content for t in two.history] == [items[0].question, "Bovine coronavirus has 31 kb [1]."]
    for made in (one, two):
        query = questions.understand(made.question, made.history)
        assert query.is_follow_up and questions.keeps_topic(made.answer, query)
    (last,) = data.messages({n: load_prompt(n) for n in ("write", "rewrite")}, two)[-1:]
    assert "User: What is the size of bovine coronavirus?" in last.content and "are in it?" in last.content


# The mixture


def many(task: str, count: int, groups: int = 50) -> list[Example]:
    return [Example("xquad", f"{task} {i}?", (), "A [1].", task, f"g{i % groups}") for i in range(count)]


@pytest.mark.parametrize(("misses", "rewritings"), [(500, 500), (500, 0), (3, 500), (0, 0)])
def test_refusals_and_rewritings_keep_to_their_share(misses: int, rewritings: int) -> None:
    made = data.mixed(many("write", 220), many("refuse", misses), many("rewrite", rewritings), random.Random(1))
    counts = Counter(e.task for e in made)
    assert counts["write"] == 220
    assert counts["refuse"] <= len(made) / data.REFUSED and counts["rewrite"] <= 220 / (data.REWRITTEN - 2)
    assert counts["refuse"] >= min(misses, 18) and counts["rewrite"] >= min(rewritings, 18)


def test_no_text_is_both_trained_on_and_held_out() -> None:
    train, held_out = data.split(many("write", 400), random.Random(1))
    assert len(held_out) == 8 * 8 and len(train) + len(held_out) == 400
    assert not {e.group for e in train} & {e.group for e in held_out}
