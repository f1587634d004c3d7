"""The few sentences that the program itself says around an answer, in the languages that questions are asked in.

As with gettext, the English sentence is the key; a sentence that a language lacks stays English. What papers say is
never translated.
"""

from __future__ import annotations

from collections.abc import Mapping

NOTHING = "Nothing in this library is about it."
RELATED = "The library has related papers, but none of their abstracts answers this."
NOT_IN_ABSTRACT = "The abstract does not say; see the full paper."
NOT_IN_ITS_ABSTRACT = "“{title}” is about it, but its abstract does not say; see the full paper."
DOUBTFUL = "The abstracts here may not answer this; the nearest says:"
DOUBTFUL_LIST = "The papers here may not be about this; the nearest are:"
ONE_FITS = "One of the {papers} papers fits{cited}."
MANY_FIT = "{fitting} of the {papers} papers fit{cited}."
ONE_CITED, MANY_CITED = "; {cited} is cited", "; {cited} are cited"
# Small numbers as words, from 0; larger ones are written as figures.
_NUMBERS: Mapping[str, tuple[str, ...]] = {
    "en": tuple("no one two three four five six seven eight nine ten eleven twelve".split()),
    "de": tuple("keine eine zwei drei vier fünf sechs sieben acht neun zehn elf zwölf".split()),
    "fr": tuple("aucun un deux trois quatre cinq six sept huit neuf dix onze douze".split()),
    "es": tuple("ninguno uno dos tres cuatro cinco seis siete ocho nueve diez once doce".split()),
    "pt": tuple("nenhum um dois três quatro cinco seis sete oito nove dez onze doze".split()),
    "it": tuple("nessuno uno due tre quattro cinque sei sette otto nove dieci undici dodici".split()),
    "zh": (),
}
_SAID: Mapping[str, Mapping[str, str]] = {
    "de": {
        NOTHING: "Nichts in dieser Bibliothek handelt davon.",
        RELATED: "Die Bibliothek hat verwandte Arbeiten, aber keine ihrer Zusammenfassungen beantwortet das.",
        NOT_IN_ABSTRACT: "Die Zusammenfassung sagt es nicht; siehe die ganze Arbeit.",
        NOT_IN_ITS_ABSTRACT: "„{title}“ handelt davon, aber die Zusammenfassung sagt es nicht; siehe die ganze Arbeit.",
        DOUBTFUL: "Die Zusammenfassungen hier beantworten das vielleicht nicht; die nächste sagt:",
        DOUBTFUL_LIST: "Die Arbeiten hier handeln vielleicht nicht davon; die nächsten sind:",
        ONE_FITS: "Eine der {papers} Arbeiten passt{cited}.",
        MANY_FIT: "{fitting} der {papers} Arbeiten passen{cited}.",
        ONE_CITED: "; {cited} wird zitiert",
        MANY_CITED: "; {cited} werden zitiert",
    },
    "fr": {
        NOTHING: "Rien dans cette bibliothèque n'en parle.",
        RELATED: "La bibliothèque contient des articles voisins, mais aucun de leurs résumés n'y répond.",
        NOT_IN_ABSTRACT: "Le résumé ne le dit pas ; voir l'article entier.",
        NOT_IN_ITS_ABSTRACT: "« {title} » en parle, mais son résumé ne le dit pas ; voir l'article entier.",
        DOUBTFUL: "Les résumés réunis ici n'y répondent peut-être pas ; le plus proche dit :",
        DOUBTFUL_LIST: "Les articles réunis ici n'en parlent peut-être pas ; les plus proches sont :",
        ONE_FITS: "Un des {papers} articles convient{cited}.",
        MANY_FIT: "{fitting} des {papers} articles conviennent{cited}.",
        ONE_CITED: " ; {cited} est cité",
        MANY_CITED: " ; {cited} sont cités",
    },
    "es": {
        NOTHING: "Nada en esta biblioteca trata de ello.",
        RELATED: "La biblioteca tiene artículos cercanos, pero ninguno de sus resúmenes responde a esto.",
        NOT_IN_ABSTRACT: "El resumen no lo dice; véase el artículo completo.",
        NOT_IN_ITS_ABSTRACT: "«{title}» trata de ello, pero su resumen no lo dice; véase el artículo completo.",
        DOUBTFUL: "Puede que los resúmenes de aquí no respondan a esto; el más cercano dice:",
        DOUBTFUL_LIST: "Puede que los artículos de aquí no traten de esto; los más cercanos son:",
        ONE_FITS: "Uno de los {papers} artículos encaja{cited}.",
        MANY_FIT: "{fitting} de los {papers} artículos encajan{cited}.",
        ONE_CITED: "; {cited} se cita",
        MANY_CITED: "; {cited} se citan",
    },
    "pt": {
        NOTHING: "Nada nesta biblioteca trata disso.",
        RELATED: "A biblioteca tem artigos próximos, mas nenhum dos seus resumos responde a isso.",
        NOT_IN_ABSTRACT: "O resumo não o diz; ver o artigo completo.",
        NOT_IN_ITS_ABSTRACT: "«{title}» trata disso, mas o resumo não o diz; ver o artigo completo.",
        DOUBTFUL: "Talvez os resumos daqui não respondam a isso; o mais próximo diz:",
        DOUBTFUL_LIST: "Talvez os artigos daqui não tratem disso; os mais próximos são:",
        ONE_FITS: "Um dos {papers} artigos serve{cited}.",
        MANY_FIT: "{fitting} dos {papers} artigos servem{cited}.",
        ONE_CITED: "; {cited} é citado",
        MANY_CITED: "; {cited} são citados",
    },
    "it": {
        NOTHING: "Niente in questa biblioteca ne parla.",
        RELATED: "La biblioteca ha articoli vicini, ma nessuno dei loro abstract risponde a questo.",
        NOT_IN_ABSTRACT: "L'abstract non lo dice; si veda l'articolo intero.",
        NOT_IN_ITS_ABSTRACT: "«{title}» ne parla, ma l'abstract non lo dice; si veda l'articolo intero.",
        DOUBTFUL: "Gli abstract raccolti qui forse non rispondono a questo; il più vicino dice:",
        DOUBTFUL_LIST: "Gli articoli raccolti qui forse non ne parlano; i più vicini sono:",
        ONE_FITS: "Uno dei {papers} articoli è pertinente{cited}.",
        MANY_FIT: "{fitting} dei {papers} articoli sono pertinenti{cited}.",
        ONE_CITED: "; {cited} è citato",
        MANY_CITED: "; {cited} sono citati",
    },
    "zh": {
        NOTHING: "本库中没有与此相关的论文。",
        RELATED: "本库中有相近的论文，但它们的摘要都没有回答这个问题。",
        NOT_IN_ABSTRACT: "摘要没有说明；请看全文。",
        NOT_IN_ITS_ABSTRACT: "《{title}》与此有关，但摘要没有说明；请看全文。",
        DOUBTFUL: "这里的摘要可能没有回答这个问题；最接近的写道：",
        DOUBTFUL_LIST: "这里的论文可能与此无关；最接近的是：",
        ONE_FITS: "{papers} 篇论文中有 1 篇符合{cited}。",
        MANY_FIT: "{papers} 篇论文中有 {fitting} 篇符合{cited}。",
        ONE_CITED: "；引用了 {cited} 篇",
        MANY_CITED: "；引用了 {cited} 篇",
    },
}
LANGUAGES = tuple(_SAID)
_THOUSANDS = {"en": ",", "de": ".", "es": ".", "pt": ".", "it": ".", "fr": "\u202f", "zh": ","}


def said(sentence: str, language: str) -> str:
    """``sentence``, one of the constants here, in the language with this code."""
    return _SAID.get(language, {}).get(sentence, sentence)


def how_many_fit(fitting: int, cited: int, papers: int, language: str = "en") -> str:
    """'Six of the 459 papers fit; four are cited.': of ``papers`` that could be used."""
    rest = ""
    if cited != fitting:
        rest = said(ONE_CITED if cited == 1 else MANY_CITED, language).format(cited=_in_words(cited, language))
    whole = _grouped(papers, language)
    if fitting == 1:
        return said(ONE_FITS, language).format(papers=whole, cited=rest)
    count = _in_words(fitting, language)
    sentence = said(MANY_FIT, language).format(fitting=count, papers=whole, cited=rest)
    return sentence[0].upper() + sentence[1:]


def _in_words(number: int, language: str) -> str:
    words = _NUMBERS.get(language, ())
    return words[number] if number < len(words) else _grouped(number, language)


def _grouped(number: int, language: str) -> str:
    return f"{number:,}".replace(",", _THOUSANDS.get(language, ","))
