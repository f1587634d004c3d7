"""In which language a question is asked: English, unless closed-class words say otherwise.

A question always has such words (articles, prepositions, question words), and they make up half of it; so counting
those of six languages tells them apart in microseconds, where detectors by letters take a hundred megabytes and see
Italian in 'Dyn-Perceiver'. What has none of them (a keyword, a title) counts as English, as everything did before.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

ENGLISH = "en"
CHINESE = "zh"
# Words that a language has and English has not, or that English hardly has within a question. Those that ask come
# second: one of them is enough.
_WORDS: Mapping[str, tuple[str, str]] = {
    "de": (
        "der die das den dem des ein eine einen einem einer eines und oder ist sind war wird werden wurde wurden hat "
        "haben kann können man sich nicht mit von vom zu zum zur im auf für bei beim über durch nach aus als auch es "
        "er sie wir ihr mir mich uns dir dich ihn ihm ihnen dieser diese dieses keine kein wenn ob dass daß ohne um "
        "zwischen gegen unter seit bis gibt lässt nur noch schon sehr mehr dazu dafür davon dabei zugleich statt am "
        "bitte artikel arbeiten arbeit studien paper beiträge ins",
        "wie was wer warum wieso weshalb wozu wann wo woher wohin welche welcher welches welchen welchem womit wofür "
        "wodurch worin woran wovon worauf worum wieviel wieviele wem wen wessen inwiefern "
        "erkläre erklär erklären nenne "
        "vergleiche vergleichen beschreibe beschreiben zeige fasse zusammen",
    ),
    "fr": (
        "le la les l un une des du de d et ou est sont été être ont a-t-il fait peut peuvent on il ils elle elles nous "
        "vous je se s ne n pas avec sans pour par sur dans en au aux entre sous vers chez depuis ce cet cette ces cela "
        "ça c son sa ses leur leurs mon ma mes que qu qui dont où y plus moins très même aussi moi toi lui faut il-y "
        "articles travaux études papiers",
        "comment pourquoi quel quelle quels quelles combien quoi quand lequel laquelle lesquels lesquelles "
        "peux-tu pouvez-vous expliquer décrire explique expliquez décris compare comparez comparer résume "
        "résumer liste listez "
        "est-ce qu'est-ce y-a-t-il",
    ),
    "es": (
        "el la los las lo un una unos unas y e o u es son fue fueron ser está están ha han hay puede pueden se no con "
        "sin por para en de del al a sobre entre desde hasta su sus este esta estos estas ese esa eso esto que como "
        "cuando donde más menos muy también mi me te le les nos yo tú él ella ellos artículos trabajos estudios",
        "explicar explicarme describir comparar resumir "
        "qué cómo cuál cuáles cuánto cuánta cuántos cuántas quién quiénes cuándo dónde porqué explícame explica "
        "describe compara resume dime muéstrame",
    ),
    "pt": (
        "o a os as um uma uns umas e ou é são foi foram ser está estão há pode podem podemos se não com sem por para "
        "em no na nos nas de do da dos das ao aos à às num numa sobre entre desde até seu sua seus suas este esta "
        "estes estas esse essa isso isto que quando mais menos muito também me eu ele ela eles elas pelo pela pelos "
        "pelas artigos trabalhos estudos cujo cuja",
        "explicar descrever comparar resumir "
        "quê que qual quais quanto quanta quantos quantas quem como onde porquê explica explique explica-me compara "
        "compare descreva resume resuma diz-me",
    ),
    "it": (
        "il lo la i gli le l un uno una e ed o è sono fu furono essere ha hanno può possono si non con senza per in "
        "di del dello della dei degli delle d al allo alla ai agli alle dal dallo dalla dai dagli dalle nel nello "
        "nella nei negli nelle sul sullo sulla sui sugli sulle da su tra fra suo sua suoi sue questo questa questi "
        "queste che ci c più meno molto anche mi io lui lei loro noi dopo se articoli lavori studi",
        "spiegare descrivere confrontare riassumere "
        "cosa cos come perché perchè qual quale quali quanto quanta quanti quante chi quando dove spiega spiegami "
        "descrivi confronta riassumi dimmi elenca",
    ),
}
# What papers are called: without one of these, a number that is asked for is not one of papers.
_PAPERS = re.compile(
    r"\b(?:artikeln?|arbeiten|studien|publikationen|veröffentlichungen|papers?|beiträge|aufsätze|articles?|études|"
    r"travaux|publications|papiers|artículos|estudios|trabajos|publicaciones|artigos|estudos|trabalhos|publicações|"
    r"articoli|studi|lavori|pubblicazioni)\b|论文|文章|文献|篇",
    re.IGNORECASE,
)
_OF_ENGLISH = frozenset(
    """the a an of and or in on at by for from to with without is are was were be been do does did has have had can
    could will would may might should must what which who whom whose how why when where that this these those there
    it its they them their he she we you i my our your me us not no than then as if into over between under about
    after before during more most less least many much any some all each both such does papers paper studies study
    show list find compare explain describe tell give summarise summarize use uses used using""".split()
)
_ORDINARY = {code: frozenset(words.split()) for code, (words, _) in _WORDS.items()}
_ASKING = {code: frozenset(words.split()) for code, (_, words) in _WORDS.items()}
_LETTERS: Mapping[str, str] = {"de": "äöüß", "fr": "çêœëîû", "es": "ñ¿¡", "pt": "ãõ", "it": "èìò"}
_WORD = re.compile(r"[^\W\d_]++(?:-[^\W\d_]++)*+")
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_KANA = re.compile(r"[\u3040-\u30ff]")
_LEAST = 2.0  # points: two words of the language, or one that asks
_HAN_SHARE = 0.2  # of the letters, from which on a question is Chinese whatever names stand in it
NAMES: Mapping[str, str] = {
    "en": "English", "de": "German", "fr": "French", "es": "Spanish", "pt": "Portuguese", "it": "Italian",
    "zh": "Chinese",
}  # fmt: skip


def language_of(text: str) -> str:
    """The language of a question: ``de``, ``fr``, ``es``, ``pt``, ``it`` or ``zh``; ``en`` of anything else."""
    letters = sum(c.isalpha() for c in text)
    if len(_HAN.findall(text)) > _HAN_SHARE * letters and not _KANA.search(text):
        return CHINESE
    found = _WORD.findall(text)
    # Within a sentence a capital begins a name ('El Niño and La Niña'), and several are one ('IL-6 in vivo').
    words = [one.lower() for at, one in enumerate(found) if one[0].islower() or (at == 0 and not one[1:].isupper())]
    points = {code: _points(code, words, text) for code in _WORDS}
    best = max(points, key=lambda code: points[code])  # the first of equal ones
    english = len(_OF_ENGLISH.intersection(words) - words_of(best))
    return best if points[best] >= _LEAST and points[best] > english else ENGLISH


def _points(code: str, words: Sequence[str], text: str) -> float:
    """One for each different word of the language and more for one that asks, most where the question begins with it.

    Letters of its own decide between two languages. 0 where there are but single letters: 'Landolt C and Snellen E'.
    """
    found, long = 0.0, False
    for at, word in enumerate(dict.fromkeys(words)):
        if word in _ASKING[code]:
            found += 2.5 if at == 0 and word not in _OF_ENGLISH else 1.5
        elif word in _ORDINARY[code] and word not in _OF_ENGLISH:
            found += 1.0 if len(word) > 1 else 0.5  # an 's' may be a genitive
        else:
            continue
        long = long or len(word) > 1
    if not long:
        return 0.0
    return found + 0.5 * any(letter in text.lower() for letter in _LETTERS[code])


def names_papers(text: str) -> bool:
    """Whether a question in one of these languages speaks of papers."""
    return bool(_PAPERS.search(text))


def words_of(language: str) -> frozenset[str]:
    """The closed-class words of a language, which name no topic; of Chinese none, as it writes no spaces."""
    return _ORDINARY.get(language, frozenset()) | _ASKING.get(language, frozenset())
