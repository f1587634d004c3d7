"""What kind of answer a question wants, by the words with which it asks."""

from __future__ import annotations

import re

from rag.datatypes import OVER_THE_LIBRARY, Intent
from rag.text.tokenization import STOPWORDS, stems

# What asks for a figure rather than for an explanation. 'By what route' does not, 'by what factor' does.
_QUANTITY = (
    r"age|ages|dose|dosage|concentration|capacity|percentage|share|fraction|proportion|prevalence|incidence|mortality|"
    r"sensitivity|specificity|overhead|throughput|latency|bandwidth|runtime|half-life|sample size|aucs?|ic50|odds|"
    r"cost|price|duration|field strength|learning rate|batch size"
)
_STATISTIC = r"(?:mean|average|median|minimum|minimal|maximum|maximal) \w+"
_ASKS_FOR_FIGURE = re.compile(
    r"\b(how (many|much|large|big|small|long|fast|often|far|high|low|well|deep|wide|strong|old|accurate|heavy|finely|"
    r"common|rare|frequent|prevalent|likely)|"
    r"what (size|fraction|percentage|share|factor|number|speed|score|rate|accuracy|error|resolution|ratio)|"
    r"by what (?:\w+ )?(?:factor|percentage|percent|margin|amount|ratio|share|fraction|proportion|multiple)|"
    r"times faster|how much (smaller|larger|better)|"
    rf"(?:which|what)(?: (?:is|are|was|were))?(?: the)? {_STATISTIC}|"
    r"(?:which|what)(?: (?:is|are|was|were))?(?: the)?"
    rf"(?: (?!(?:do|does|did|is|are|was|were|can|could|of|on|in|for|to|has|have)\b)[\w@-]+){{0,3}} (?:{_QUANTITY}))\b|"
    # From the first 'which' or 'what' of a clause: a later one reaches no further.
    r"(?<![\w@ -])(?>[\w@ -]*?\b(?:which|what) )[\w@ -]*\b(?:accuracy|score|ap|map|miou|bleu|f1|fid|psnr|mrr|auc|error|"
    r"rate|top-1|perplexity|percent|speed-?up|factor|year)\b|"
    # A request without a question word: 'F1 score of …', 'please give the number of …'.
    r"^(?:(?:please|can you|could you|give|tell|state|name|report|me|us|the|and|also)\b[ ,]*)*"
    rf"(?:(?!(?:define|explain|describe|how|why|who|where|when|which|what)\b)\w+[ -]){{0,2}}"
    rf"(?:{_STATISTIC}|(?:number of|accuracy of|f1|score of|{_QUANTITY})\b)",
    re.IGNORECASE,
)


def wants_figure(text: str) -> bool:
    """Whether a figure is asked for rather than an explanation."""
    return bool(_ASKS_FOR_FIGURE.search(text))


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
    r"^(?:please |(?:can|could|would|will) you |i (?:want|would like|need) to know )*"
    r"(?:explain(?: to me)?|describe|tell me(?: more)?(?: about)?|say|define)\s+(?:me )?(?:please )?",
    re.IGNORECASE,
)


def without_request(text: str) -> str:
    """``text`` without 'can you explain' or 'which papers deal with' at its start: no paper's topic."""
    rest = _DEAL_WITH.sub("", _EXPLAIN.sub("", text, count=1), count=1)
    return rest if stems(rest) else text


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
    r"(?m:^)(?>.*?\bwho\b).*\band who\b|(?m:^)(?>.*?\bwhich \w+ did\b).*\band which did\b|"
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
_NAMED = r"[A-Z][\w'’.-]*+(?: [A-Z][\w'’.-]*+)*+"
# A name, and the one beside it where there is one: a name without is passed over as a whole.
_TWO = re.compile(
    rf"(?P<one>{_NAMED})(?:,? (?:and|with|or|to|(?:differs? )?from|against|versus|vs\.?) (?:the )?(?P<other>{_NAMED}))?"
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


def kind_of(text: str) -> tuple[Intent, str]:
    """The kind of answer, and what the request is about once its own words are gone (for a fact the whole text)."""
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
            return intent, library_topic(rest) if intent in OVER_THE_LIBRARY else _topic(rest)
    several = (_SEVERAL.search(text) and not _OF_ONE.match(text)) or compares(text)
    return (Intent.MULTI if several else Intent.FACT), text


def compares(text: str) -> bool:
    """Whether two things that are named are set side by side."""
    return _two(text) is not None


def _two(text: str) -> re.Match[str] | None:
    """Two names side by side in a question that sets things side by side."""
    if not _BESIDE.search(text):
        return None
    return next((match for match in _TWO.finditer(text) if match["other"]), None)


def sides(text: str) -> tuple[str, ...]:
    """The two things that a comparison names, as they stand; () where it names none."""
    found = _two(text)
    if found is None:
        return ()
    return tuple(_VERB.sub("", found[part]) for part in ("one", "other"))


_ANY_KIND = frozenset(
    "academic available different distinct existing imported known other published relevant research scientific stored "
    "such".split()
)
_BY = re.compile(
    r"\A(?:(?:that|which|are|is|were|was|there|have|been|the|my|your|our|papers|published)\s++)*+\bby\s", re.IGNORECASE
)
_NAMED_WORD = re.compile(r"\bthe (?:words?|terms?|phrases?|expressions?)\s+(?=\S)", re.IGNORECASE)
_OBJECT = re.compile(
    r"\b(?:about|on|mention(?:s|ing)?|discuss(?:es|ing)?|concerning|regarding|contain(?:s|ing)?)\s++(?P<word>[\w-]++)\W*+$",
    re.IGNORECASE,
)


def library_topic(rest: str) -> str:
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
    r"(?:(?:^|(?<![\s?.!,])[\s?.!,]++)(?:(?:are|is) there|do (?:you|we) have|(?:been )?published|appear(?:ed)?|please|"
    r"for me|(?:in|of|from) (?:this|the|my|your|our) (?:library|collection))){1,8}+\W*+$",
    re.IGNORECASE,
)
_REQUEST = frozenset("all total exist library collection papers covered cover published contain most span".split())
