"""A question as typed, to what the steps after it need: self-contained text and what is asked for.

All by rule: no language model is needed to see that 'and how large is it?' leans on the turn
before, that 'summarise …' wants a summary, or that 'how many papers …' is about the library.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from rag.datatypes import Intent, Reading, Turn
from rag.errors import QuestionError
from rag.text.tokenization import NAME, STOPWORDS, stem, stems, unique_stems

MAX_CHARACTERS = 4_000


def understand(question: str, history: Sequence[Turn] = ()) -> Reading:
    """Clean, complete and classify ``question``.

    Raises :class:`QuestionError` when nothing is left after cleaning or it is over
    ``MAX_CHARACTERS`` characters.
    """
    typed = clean(question)
    text = _unhurried(typed)
    leans = bool(history) and is_follow_up(text)
    search = _with_history(text, history) if leans else _without_request(text)
    intent, topic = _intent(text)
    asked = typed if typed != text else ""
    return Reading(text, search, intent, topic, bool(_FIGURE.search(text)), leans, asked=asked)


def clean(question: str) -> str:
    """The question without control characters, white space collapsed."""
    text = _visible(question)
    if not any(c.isalnum() for c in text):
        raise QuestionError("The question is empty. Type a question about the papers of the library.")
    if len(text) > MAX_CHARACTERS:
        raise QuestionError(
            f"The question has {len(text):,} characters; at most {MAX_CHARACTERS:,} are read. Ask it in fewer words."
        )
    return text


def clean_or_empty(text: str) -> str:
    """Like :func:`clean`, but for a turn of the history, which may well be empty or long."""
    return _visible(text)[:2_000]


def _visible(text: str) -> str:
    """Control characters and half surrogates separate words; soft hyphens and direction marks stand within them."""
    kinds = {"Cc": " ", "Cs": " ", "Co": " ", "Cf": ""}
    plain = _TERMINAL.sub("", text)
    return " ".join("".join(kinds.get(unicodedata.category(c), c) for c in plain).split())


# Slips in the words that ask, which say what kind of answer is wanted; those of a topic are put right from the words of
# the library (``rag.text.spelling``).
_SLIPS = {
    "wich": "which", "whcih": "which", "wihch": "which", "whihc": "which", "whch": "which",
    "wat": "what", "waht": "what", "whta": "what", "wht": "what", "whats": "what is", "wats": "what is",
    "hwo": "how", "wehn": "when", "wher": "where", "teh": "the", "hte": "the", "adn": "and", "deos": "does",
    "thier": "their", "paprs": "papers", "papres": "papers", "pappers": "papers", "papes": "papers",
    "pls": "please", "plz": "please", "abt": "about", "abuot": "about", "aobut": "about",
    "mnay": "many", "meny": "many", "muhc": "much",
}  # fmt: skip


# 'What dose it do?', where 'What dose did they give?' asks for one.
_DOSE = re.compile(
    r"(?<=\bwhat )dose(?! (?:of|is|was|were|did|does|in|for|and|or|should|could|can)\b)"
    r"(?= .*\b(?:do|mean|propose|use|say|need|change|reach|get|give|improve|work)\b)|(?<=\b(?:how|why) )dose\b",
    re.IGNORECASE,
)


def _unhurried(text: str) -> str:
    """``text`` with the commonest slips in question words put right; acronyms stay, and so does a capital."""

    def meant(match: re.Match[str]) -> str:
        word = match.group()
        right = word if word.isupper() else _SLIPS.get(word.lower(), word)
        return right[:1].upper() + right[1:] if word[:1].isupper() else right

    return _DOSE.sub("does", re.sub(r"(?<![\w'’-])[a-zA-Z]+(?![\w'’-])", meant, text))


_TERMINAL = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")  # colours and movements of a terminal, as pasted from one


# What asks for a figure rather than for an explanation. 'By what route' does not, 'by what factor' does.
_QUANTITY = (
    r"age|ages|dose|dosage|concentration|capacity|percentage|share|fraction|proportion|prevalence|incidence|mortality|"
    r"sensitivity|specificity|overhead|throughput|latency|bandwidth|runtime|half-life|sample size|aucs?|ic50|odds|"
    r"cost|price|duration|field strength|learning rate|batch size"
)
_STATISTIC = r"(?:mean|average|median|minimum|minimal|maximum|maximal) \w+"
_FIGURE = re.compile(
    r"\b(how (many|much|large|big|small|long|fast|often|far|high|low|well|deep|wide|strong|old|accurate|heavy|finely|"
    r"common|rare|frequent|prevalent|likely)|"
    r"what (size|fraction|percentage|share|factor|number|speed|score|rate|accuracy|error|resolution|ratio)|"
    r"by what (?:\w+ )?(?:factor|percentage|percent|margin|amount|ratio|share|fraction|proportion|multiple)|"
    r"(which|what) [\w@ -]*\b(accuracy|score|ap|map|miou|bleu|f1|fid|psnr|mrr|auc|error|rate|top-1|"
    r"perplexity|percent|speed-?up|factor|year)\b|times faster|how much (smaller|larger|better)|"
    rf"(?:which|what)(?: (?:is|are|was|were))?(?: the)? {_STATISTIC}|"
    r"(?:which|what)(?: (?:is|are|was|were))?(?: the)?"
    rf"(?: (?!(?:do|does|did|is|are|was|were|can|could|of|on|in|for|to|has|have)\b)[\w@-]+){{0,3}} (?:{_QUANTITY}))\b|"
    # A request without a question word: 'F1 score of …', 'please give the number of …'.
    r"^(?:(?:please|can you|could you|give|tell|state|name|report|me|us|the|and|also)\b[ ,]*)*"
    rf"(?:(?!(?:define|explain|describe|how|why|who|where|when|which|what)\b)\w+[ -]){{0,2}}"
    rf"(?:{_STATISTIC}|(?:number of|accuracy of|f1|score of|{_QUANTITY})\b)",
    re.IGNORECASE,
)

_OPENER = re.compile(r"^(?:and|but|also|or|then|what about|how about|what else|which one)\b", re.IGNORECASE)

# Nouns, verbs and adjectives that say what is asked of a paper but not of which: 'What accuracy?', 'Is the code there?'
_GENERIC = """
    paper article study work publication abstract author method approach model framework network system architecture
    result finding conclusion accuracy score metric measure dataset data benchmark baseline task size parameter speed
    cost memory latency time number amount figure percentage difference loss backbone version variant
    limitation drawback weakness advantage benefit strength disadvantage contribution novelty idea code weight
    training train test evaluation evaluate experiment improvement improve performance perform publish year available
    get reach achieve report obtain need require use compare comparison release work beat help say claim show mean
    good better best bad worse worst fast faster fastest slow slower large larger largest small smaller smallest big
    bigger high higher low lower few fewer less more most main other another same second first third last next
    do done make often exactly tell explain elaborate describe give detail further example reason continue again please
    summary
"""

# Words that point to something named before, first those that cannot mean the subject of their own clause.
_NOUNS = (
    r"(?:papers?|articles?|study|authors?|models?|methods?|approach|framework|networks?|system|technique|architecture|"
    r"algorithm|experiments?|dataset|results?|work)"
)
_POINTER = re.compile(
    rf"\b(?P<subject>it|they|them|he|she|him|this(?! (?:library|collection))|these|"
    rf"those(?! (?:who|that|which|with|without|of|in|for)\b)|"
    rf"(?:is|was|does|did|do|can|could|has|of|about|for|with|in|on|like|after|to|by|than) that|that {_NOUNS}|"
    rf"that(?=[?.!]*$)|there(?=[?.!]*$)|the same(?=[?.!]*$)|"
    rf"(?:does|did|do|is|are|was|were|has|have|can) the {_NOUNS}"
    rf"(?! (?:of|for|that|which|called|named|by|with|in|on|from|about|behind)\b))\b|"
    rf"\b(?P<any>its|theirs?|his|hers?|the (?:latter|former|others?|other {_NOUNS})|"
    rf"(?:which|this|another|the (?:[\w-]+ )?)\s?ones?(?![- ]\w))\b",
    re.IGNORECASE,
)
# 'How is it that …', 'Is it possible to …', 'How long does it take to …': this 'it' points to nothing.
_EXPLETIVE = re.compile(
    r"\bit(?:['’]s)?(?: (?:is|was|be|really|still|ever|also))* (?:that\b(?! \w+[?.!]*$)|(?:takes?|mean|pay|called|true|"
    r"possible|feasible|better|best|worth|worthwhile|necessary|hard|easy|difficult|safe|enough|common|important|useful|"
    r"helpful|known|good|bad|wise|sensible|make sense) (?:to|that|if|when|whether|for)\b)",
    re.IGNORECASE,
)
_CLAUSE = re.compile(
    r"[,;:.?!]|\b(?:and|or|but|when|if|because|while|where|which|that|what|whether|until|once|how|why|since|though|although|"
    r"so|than|as|before|after)\b",
    re.IGNORECASE,
)
_SETTING = re.compile(r"^(?:on|for|with|in|under|at|without|compared (?:to|with)) [^,?.!]{1,40},", re.IGNORECASE)
_FRAGMENT = re.compile(
    r"^(?:(?:on|for|with|in|under|at|without|using|by|from|(?:when )?compared (?:to|with)|than)(?: \S+){1,4}|"
    r"(?:which|what|whose|how many|how much) \S+|\S+)$",
    re.IGNORECASE,
)
# 'the accuracy', but not 'the smallest EdgeNeXt'
_THE_GENERIC = re.compile(r"\bthe (?P<noun>[a-z]+)\b(?! (?:of|for|behind|between)\b)(?! (?-i:[A-Z]))", re.IGNORECASE)


def is_follow_up(text: str) -> bool:
    """Whether a question leans on the turn before: it is no whole question, or points to what it does not name."""
    content = stems(text)
    if _OPENER.match(text) and len(content) <= 8:
        return True
    generic = _generic()
    own = [s for s in content if s not in generic]
    if not own or (len(own) <= 2 and _FRAGMENT.match(text)):
        return True
    if len(own) == 1 and any(stem(m["noun"].lower()) in generic for m in _THE_GENERIC.finditer(text)):
        return True  # 'What is the accuracy on ImageNet?'
    return len(content) <= 14 and _points_outside(_EXPLETIVE.sub(" ", text))


@lru_cache(maxsize=1)
def _generic() -> set[str]:
    return unique_stems([_GENERIC])


def _points_outside(text: str) -> bool:
    """Whether a pronoun or the like means nothing that the same text names before it."""
    for pointer in _POINTER.finditer(text):
        before = text[: pointer.start()]
        if pointer.group().lower() in ("it", "its", "this"):
            before = _SETTING.sub("", before)  # 'On ImageNet, how does it …'
        named = [m for m in re.finditer(r"[^\W_]+", before) if unique_stems([m.group()]) - _generic()]
        if not named:
            return True
        if pointer["subject"] and not _CLAUSE.search(before, named[0].end()):
            return True  # 'Does Swin beat it?': were it Swin, it would be 'itself'
    return False


def _with_history(text: str, history: Sequence[Turn]) -> str:
    """``text`` after the questions that it leans on and, where they name nothing, the names of the last answer."""
    asked = [clean_or_empty(t.content) for t in history if t.role == "user"]
    carried: list[str] = []
    for previous in reversed(asked):
        if previous:
            carried.insert(0, previous)
            if not is_follow_up(previous):
                break
    answered = next((clean_or_empty(t.content) for t in reversed(history) if t.role == "assistant"), "")
    # A question that names its subject needs no name from the answer, which may have brought in many others.
    names = [] if _names(" ".join(carried)) else [n for n in _names(answered) if n.lower() not in text.lower()]
    before = " ".join([*carried, *names[:4]])
    room = max(0, MAX_CHARACTERS - len(text) - 1)  # the question itself is never cut
    return " ".join([*([before[-room:]] if before and room else []), text])


_DEAL_WITH = re.compile(
    r"^(?:(?:which|what|any|list|find|show(?: me)?|(?:are|is) there(?: any)?|do (?:you|we) have(?: any)?)\s+)?"
    r"(?:(?:the|all)\s+)?(?:papers?|works?|articles?|studies|publications?)\s+"
    r"(?:(?:that|which)\s+)?(?:there\s+)?(?:(?:are|is)\s+)?"
    r"(?:about|on|concerning|regarding|deal(?:s|ing)?\s+with|work(?:s|ing)?\s+on|look(?:s|ing)?\s+at|"
    r"talk(?:s|ing)?\s+about|discuss(?:es|ing)?|treat(?:s|ing)?|address(?:es|ing)?|study|consider(?:s|ing)?|"
    r"cover(?:s|ing)?|us(?:e|es|ing))\s+",
    re.IGNORECASE,
)
_EXPLAIN = re.compile(
    r"^(?:please |(?:can|could|would|will) you (?:please )?|i (?:want|would like|need) to know )*"
    r"(?:explain(?: to me)?|describe|tell me(?: more)?(?: about)?|say|define)\s+(?:me )?(?:please )?",
    re.IGNORECASE,
)


def _without_request(text: str) -> str:
    """``text`` without 'can you explain' or 'which papers deal with' at its start: no paper's topic."""
    rest = _DEAL_WITH.sub("", _EXPLAIN.sub("", text, count=1), count=1)
    return rest if stems(rest) else text


def keeps_topic(rewritten: str, query: Reading) -> bool:
    """Whether a language model's rewriting of a follow-up can be used: it brings in words of the
    conversation, and not much else."""
    known = set(stems(query.search))
    words = set(stems(rewritten))
    carried = known - set(stems(query.text))
    return bool(words & carried) and len(words - known) <= 2 and len(words) <= 60


_NAME = re.compile(rf"\b(?=\w*[A-Z]){NAME}")


def _names(text: str) -> list[str]:
    """Acronyms and names in mixed case, in order, each once: what a pronoun most likely stands for."""
    return list(dict.fromkeys(m.group() for m in _NAME.finditer(text)))


_PAPERS = r"(?:papers?|works?|articles?|abstracts?|publications?|studies|study|records?|documents?)"
# What politeness puts before a request.
_POLITE = (
    r"^(?:(?:please|kindly|hi|hello|hey|so|ok(?:ay)?|and|also|now|then|can you|could you|would you|will you|"
    r"i(?: would|['’]d) like(?: to)?|i want(?: to)?|let me|tell me|know|see|have|get|do you know|you|give me|show me|"
    r"write(?: me)?|make(?: me)?)\b[\s,]*)*"
)
_COUNT = re.compile(
    rf"{_POLITE}(?:how many (?:of (?:the|these|your|our) |different |other )?{_PAPERS}\b"
    # 'How many papers does the survey read?' is about a survey, not about the library.
    r"(?! (?:does|did|do) (?!you|we|i\b|not\b))(?! (?:is|are|was|were) (?:\w+ )?(?:used|needed|required|read|reviewed|"
    r"surveyed|analy[sz]ed|annotated)\b)|"
    rf"(?:what is |what['’]s )?(?:the )?number of {_PAPERS}\b|count (?:all |of )?(?:the )?{_PAPERS}\b)(?P<topic>.*)",
    re.IGNORECASE,
)
_LIST = re.compile(
    rf"{_POLITE}(?:(?:(?:list|show|name|give|find|get|enumerate)(?: me)? )?(?:a list of )?(?:all|every)(?: of)?"
    rf"(?: the| these| your)?|(?:list|enumerate|a list of)(?: me)?(?: the)?)(?: (?P<kind>[\w-]+))?? {_PAPERS}\b"
    r"(?! (?:is|are|was|were|have|has|do|does)\b)"
    # A second question after the request asks something of each paper.
    r"(?P<topic>(?!.*(?:[.?!;:,] *(?:which|what|how|why|who|where|when)|\band (?:which|what|how|why|say|tell))\b).*)",
    re.IGNORECASE,
)
_YEARS = re.compile(
    rf"{_POLITE}(?:(?:in |from )?(?:which|what) years?\b(?P<topic>.*\b(?:{_PAPERS}|library|collection)\b.*)|"
    rf"when (?:were|was|have|has) (?P<when>(?:the |these |your )?{_PAPERS}\b.*))",
    re.IGNORECASE,
)
_SUMMARY = re.compile(
    rf"{_POLITE}(?:(?:an?|the) )?(?:(?:short|brief|quick|concise|one-paragraph) )?"
    r"(?:summar(?:y|ise|ize|isation|ization)|overview|tl;?dr|sum up|outline)\b(?: (?:of|on|for)\b|:)?(?P<topic>.*)",
    re.IGNORECASE,
)
# 'Who wrote X?', 'when was X published?': the record of one paper says, its abstract does not.
_RECORD = re.compile(
    rf"{_POLITE}(?:"
    r"who (?:wrote|authored|published)(?P<wrote>.+)|"
    r"(?:(?:who|what) (?:are|is|were|was) )?(?:the )?(?:names? of )?(?:the )?authors? (?:of|behind)(?P<authors>.+)|"
    r"who (?:are|is|were|was) (?P<possessor>\S.*?)['’]s? authors?|"
    r"(?:when|where|in (?:which|what) (?:year|venue|journal|conference)) (?:was|were|has|did)(?P<appeared>.+?)"
    r"\b(?:been )?(?:published|written|appear(?:ed)?|presented)|"
    r"(?:(?:what|which) (?:is|was) )?(?:the )?(?:year|venue|journal|conference|doi|publication (?:date|year)) of"
    r"(?P<of>.+)"
    r")[\s?.!]*$",
    re.IGNORECASE,
)
_ABOUT = re.compile(rf"^what (?:is|are) (?P<topic>(?:the )?{_PAPERS} .+) about\W*$", re.IGNORECASE)
_AUXILIARY = r"do|does|did|is|are|was|were|can|could|has|have|had|will|would|should|the|of|on|in|for|to|by|with|from|at"
_SEVERAL = re.compile(
    r"(?:^|[.?!:;–-] )(?:compare|contrast|list|survey|name (?:some|the \w+s))\b|"
    # 'it works' is a verb
    r"\b(?:papers|(?<!\bit )(?<!\bthat )works|studies|articles|publications)\b|\bwhat \w+ exist\b|"
    r"\beach (?:of them|version|paper|work|approach|method|one|say|gains?|adds?|fix\w*|contribut\w+)\b|"
    r"\b(?:how|what|which|where) (?:do|does|did) each\b"
    r"(?! (?:layer|head|stage|step|block|part|level|token|agent|component|module|sample|node)s?\b)|"
    r"\b(?:give|name|list)(?: me)? (?:two|three|several|some|different)\b|"
    r"^(?:what|which|how|where)\b.*\b(?:have|has) (?:been|people) (?:tried|proposed|found|suggested|put forward|made|"
    r"combined|extended|adapted|applied|brought|developed|described|explored)\b|"
    r"\bwho\b.*\band who\b|\bwhich \w+ did\b.*\band which did\b|"
    rf"^(?:which|what)(?: (?!(?:{_AUXILIARY})\b)[\w-]+){{0,4}} (?:methods|approaches|models|techniques|schemes|"
    r"detectors|nets|networks|systems|algorithms|frameworks|datasets|data sets|benchmarks|architectures|losses|"
    r"remedies|ways|authors|strategies|transformers|classifiers|encoders|functions|shortcomings|changes|arguments|"
    r"signals|tricks|ideas|extensions|variants)\b|\bdifferences? between\b",
    re.IGNORECASE,
)
# 'How do DaViT and CoCa each …?', 'SteloCoder vs Telly': two named things, and a word that sets them side by side.
_BESIDE = re.compile(
    r"\b(?:both|each|respectively|versus|vs|differ(?:s|ent|ences?)?|compare|contrast)\b", re.IGNORECASE
)
_NAMED = r"[A-Z][\w'’.-]*(?: [A-Z][\w'’.-]*)*"
_TWO = re.compile(
    rf"(?P<one>{_NAMED}),? (?:and|with|or|to|(?:differs? )?from|against|versus|vs\.?) (?:the )?(?P<other>{_NAMED})"
)
_VERB = re.compile(r"^(?:Compare|Contrast|Do|Does|Is|Are|How|Both|Between) |['’]s$")
# 'What datasets is SimCLR tested on?' asks for several things of one paper.
_OF_ONE = re.compile(
    r"^(?:[Ww]hich|[Ww]hat) (?!papers|works|studies|articles|publications)[\w -]*?"
    r"\b(?:do|does|did|is|are|was|were|has|have|can) (?:the )?(?=\S*[A-Z]\S*[A-Z\d])"
)
_LEAD = re.compile(
    r"^\s*(?:(?:are|is|were|was|do|does|there|that|which|who|have|has|been|in|on|of|about|from|for|with|regarding|"
    r"dealing|deal|concerning|mention(?:s|ing|ed)?|use(?:s|d)?|using|discuss(?:es|ing)?|this|the|my|your|our|library|"
    r"collection|you|it|contain(?:s|ed|ing)?|hold(?:s|ing)?|cover(?:s|ed|ing)?|most|"
    rf"{_PAPERS}|"
    r"know|we|i|here|call(?:ed)?|titled|entitled|published|by)\b[\s,:]*)+",
    re.IGNORECASE,
)


def _intent(text: str) -> tuple[Intent, str]:
    for intent, pattern in (
        (Intent.COUNT, _COUNT),
        (Intent.LIST, _LIST),
        (Intent.YEARS, _YEARS),
        (Intent.RECORD, _RECORD),
        (Intent.SUMMARY, _SUMMARY),
        (Intent.SUMMARY, _ABOUT),
    ):
        found = pattern.match(text)
        if found:
            groups = found.groupdict()
            kind = groups.pop("kind", None) or ""
            rest = next(g for g in groups.values() if g is not None)
            if kind and kind.lower() not in _ANY_KIND:  # 'all vision papers'
                rest = f"{kind} {rest}"
            return intent, _library_topic(rest) if intent in _OVER_THE_LIBRARY else _topic(rest)
    several = (_SEVERAL.search(text) and not _OF_ONE.match(text)) or compares(text)
    return (Intent.MULTI if several else Intent.FACT), text


def compares(text: str) -> bool:
    """Whether two things that are named are set side by side."""
    return bool(_BESIDE.search(text) and _TWO.search(text))


def sides(text: str) -> tuple[str, ...]:
    """The two things that a comparison names, as they stand; () where it names none."""
    found = _TWO.search(text) if compares(text) else None
    if found is None:
        return ()
    return tuple(_VERB.sub("", found[part]) for part in ("one", "other"))


_ANY_KIND = frozenset(
    "academic available different distinct existing imported known other published relevant research scientific stored "
    "such".split()
)
_OVER_THE_LIBRARY = (Intent.COUNT, Intent.LIST, Intent.YEARS)
_BY = re.compile(
    r"(?:(?:that|which|are|is|were|was|there|have|been|the|my|your|our|papers|published)\s+)*\bby\s", re.IGNORECASE
)
_NAMED_WORD = re.compile(r"\bthe (?:words?|terms?|phrases?|expressions?)\s+(?=\S)", re.IGNORECASE)
_OBJECT = re.compile(
    r"\b(?:about|on|mention(?:s|ing)?|discuss(?:es|ing)?|concerning|regarding|contain(?:s|ing)?)\s+(?P<word>[\w-]+)\W*$",
    re.IGNORECASE,
)


def _library_topic(rest: str) -> str:
    """Like :func:`_topic`, but keeps what a count depends on: quotation marks, 'by' before authors, a verb as topic."""
    rest = _NAMED_WORD.sub("", rest)
    by = _BY.match(rest.lstrip())
    led = rest.lstrip()[by.end() - 3 :] if by else _LEAD.sub("", rest)
    topic = _TAIL.sub("", led).strip(" ?.!:;,'‘’")
    if not topic and (named := _OBJECT.search(rest)) and named["word"].lower() not in STOPWORDS | _REQUEST:
        topic = named["word"]
    return "" if all(w in STOPWORDS or w in _REQUEST for w in topic.lower().split()) else topic


def _topic(rest: str) -> str:
    """What is left of a request once the words of the request itself are gone."""
    topic = _TAIL.sub("", _LEAD.sub("", rest)).strip(_MARKS)
    return "" if all(w in STOPWORDS or w in _REQUEST for w in topic.lower().split()) else topic


_MARKS = " ?.!:;,\"'“”‘’"
_TAIL = re.compile(
    r"(?:(?:^|[\s?.!,]+)(?:(?:are|is) there|do (?:you|we) have|(?:been )?published|appear(?:ed)?|please|for me|"
    r"(?:in|of|from) (?:this|the|my|your|our) (?:library|collection)))+\W*$",
    re.IGNORECASE,
)
_REQUEST = frozenset("all total exist library collection papers covered cover published contain most span".split())
