"""The functions that the texts of strangers meet whole: abstracts, records, drafts and questions."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from rag.datatypes import Paper, Sentence, Turn
from rag.evidence import entity_match, features
from rag.generation import prompting
from rag.library import chunking, run_in_headings
from rag.papers import bibliography, identity
from rag.papers.importers import bibtex, field_mapping, listing, ris
from rag.questions import (
    authors,
    classifier,
    cleaning,
    filters,
    follow_up,
    kinds,
    library_requests,
    parts,
    references,
    sides,
    topics,
    venues,
    years,
)
from rag.survey import agreement, column_extraction, tables, terms, topic_parser
from rag.text import (
    citation_format,
    directions,
    facts,
    folding,
    latex,
    plaintext,
    quantities,
    rhetorical_roles,
    self_contained,
    sentence_compression,
    sentence_roles,
    spelling,
    tokenization,
    wording,
)
from rag.verification import citations, claims, quoting

Reads = Callable[[str], object]

_WORDS = {"network": 3, "transform": 5, "pump": 1}  # the words of a library, by their stems, and their papers
_AUTHORS = ("Pump, Ada", "Well Brown", "P. van der Pump")
_HISTORY = (Turn("user", "What pumps?"), Turn("assistant", "A pump pumps [1].", ((1, "a"), (2, "b"))))
_VENUES = ("Annual Conference on Pumps (ACP)", "Proceedings of the 7th Workshop on Wells", "Pump")


def _record(text: str) -> object:
    with contextlib.suppress(field_mapping.Rejected):  # what is left of the text may be no title
        return field_mapping.paper_from(
            {"title": text, "abstract": text, "author": text, "year": text, "url": text}, "pump"
        )


def _passages(text: str) -> object:
    return chunking.split_passages(Paper("1", "", text), lambda part: len(part.split()), 200)


def _paper(text: str) -> Paper:
    return Paper("1", text, text, (text,), 2020, text, text, text)


def _named(text: str) -> str:
    return text.replace("a", "PumpNet")


def _draft(text: str) -> object:
    return citations.parse(text, chunking.split_sentences)


def _follow_up(text: str) -> object:
    return follow_up.with_history(text, [Turn("user", text), Turn("assistant", text)])


# What is read of files and of the papers that they bring.
OF_ABSTRACTS: dict[str, Reads] = {
    "plain_text": plaintext.plain_text,
    "clean_line": plaintext.clean_line,
    "latex_to_text": latex.latex_to_text,
    "split_sentences": chunking.split_sentences,
    "split_passages": _passages,
    "divided_at_headings": lambda text: run_in_headings.divided_at_headings([Sentence(text, 0, len(text))]),
    "tokens": tokenization.tokens,
    "role_scores": lambda text: sentence_roles.role_scores(text, 0.5),
    "words_of": lambda text: rhetorical_roles.words_of(text.splitlines()),
    "known_sentences": lambda text: column_extraction.known_sentences(chunking.split_sentences(text)),
    "figures_in": quantities.figures_in,
    "figures_with_units": facts.figures_with_units,
    "missing_figures": lambda text: facts.missing_figures(text, text[::-1]),
    "missing_names": lambda text: facts.missing_names(text, text[::-1]),
    "missing_proper_nouns": lambda text: facts.missing_proper_nouns(text, text[::-1]),
    "has_exchanged_fact": lambda text: facts.has_exchanged_fact(text, f"{text[1:]} 1"),
    "is_quote": lambda text: quoting.is_quote(text[: len(text) // 2], text),
    "third_person": wording.third_person,
    "directions": directions.directions,
    "without_opener": self_contained.without_opener,
    "leans_on_previous": self_contained.leans_on_previous,
    "split_units": sentence_compression.split_units,
    "with_numbers": lambda text: citation_format.with_numbers(text, [1]),
    "names_in": features.names_in,
    "proper_words": features.proper_words,
    "fold": folding.fold,
    "written_names": lambda text: spelling.written_names("pump", [text]),
    "prompting.clean": prompting.clean,
    "paper_from": _record,
    "listing.matches": listing.matches,
    "bibtex.matches": bibtex.matches,
    "ris.matches": ris.matches,
    "identity_keys": lambda text: identity.identity_keys(_paper(text)),
    "addresses": lambda text: bibliography.addresses(_paper(text)),
    "markdown_reference": lambda text: bibliography.markdown_reference(_paper(text)),
    "to_bibtex": lambda text: bibliography.to_bibtex([_paper(text)]),
    "to_ris": lambda text: bibliography.to_ris([_paper(text)]),
    "VenueNames": lambda text: venues.VenueNames([text]),
    "only_compared_with": lambda text: entity_match.only_compared_with("Is PumpNet good?", [_named(text)], {}),
    "lacking_proper_words": lambda text: entity_match.lacking_proper_words("Is it Pumpernickel?", text, {}),
    "sentences_of_draft": claims.sentences_of_draft,
    "citations.parse": _draft,
}  # fmt: skip

# What is read of questions, which are cut at some thousand characters before.
OF_QUESTIONS: dict[str, Reads] = {
    "clean": cleaning.clean_or_empty,
    "without_slips": cleaning.without_slips,
    "kind_of": kinds.kind_of,
    "wants_figure": kinds.wants_figure,
    "without_request": kinds.without_request,
    "sides": kinds.sides,
    "is_follow_up": follow_up.is_follow_up,
    "with_history": _follow_up,
    "read_filters": lambda text: filters.read_filters(text, lambda: _VENUES, lambda: _AUTHORS),
    "read_authors": lambda text: authors.read_authors(text, lambda: _AUTHORS),
    "topic_of": topics.topic_of,
    "library_request": library_requests.library_request,
    "with_absolute_years": lambda text: years.with_absolute_years(text, 2026),
    "points_to": lambda text: references.points_to(text, _HISTORY),
    "is_bare": lambda text: references.is_bare(text, _HISTORY),
    "figures": classifier.figures,
    "runs": lambda text: classifier.runs(text, ("pump", "papers")),
    "parse": lambda text: topic_parser.parse(text, str.isalpha),
    "compared_in": sides.compared_in,
    "parts_of": parts.parts_of,
    "asks_for_things": parts.asks_for_things,
    "asks_agreement": agreement.asks_agreement,
    "counted_stems": quantities.counted_stems,
    "corrections": lambda text: spelling.corrections(text, _WORDS),
    "similar_names": lambda text: spelling.similar_names(text, _WORDS),
    "term": terms.term,
    "_figure": tables._figure,
}


# Beside what one thinks of without a function: what only some of them know.
UNITS = (
    "<sup>", "<p ", "<|", "<|a", "|>", "[/INST]", "\\frac{", "\\begin{a}", "\\a{", "\\'", "\\$", "$a$", "$$a", "^{",
    "_{a}", "**", "> ", "# ", "1. ", "`", "~~", "](", "![", "&amp;", "@a{", "a = {", ",\n", "TY  - ", "We a. ", "it ",
    "by A ", "a, ", "both ", "not ", "not (", "(a or ", "“a” ", "what dose ", "can you please ", "please ", "who ",
    "; how ", ", and what a ", "which a did ", "published in 2020 ",
    "papers in ", "2020 ", "compare a and ", "the ", "PumpNet-50 ", "Pump ",
    "e.g. ", "a.a", " . ,", "code ", "[1]. ", "Aa Aa ", "1 million ", "$5 and ", "{\\a ", "-- ", "‘", "AB ",
    "a\u0301", "ﬁ",
)  # fmt: skip
# Opened, then closed: what nests.
PAIRS = (
    "()",
    "[]",
    "{}",
    "<>",
    "“”",
    "$$",
    ("\\frac{", "}"),
    ("<|", "|>"),
    ("not (", ")"),
    ("> ", "\n"),
    ("**", "**"),
    ("[a](", ")"),
    ("(a or ", ")"),
)
