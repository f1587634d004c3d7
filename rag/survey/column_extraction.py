"""Which sentence of an abstract says what the problem, the method, the data, the results and the limits are.

What a sentence does in its abstract is learned (:mod:`rag.text.rhetorical_roles`); which of the sentences that do the
same says it best is told by cue words that no field owns: 'however', 'we propose', a figure. Below a threshold the cell
stays empty, and one sentence may fill two columns ('results' and 'data'). ``benchmarks/LOG.md`` says how many cells
were right.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rag.datatypes import Sentence
from rag.text.rhetorical_roles import role_model
from rag.text.sentence_roles import MEASURED_VALUE
from rag.text.tokenization import NAME

Roles = Mapping[str, float]  # what :meth:`RoleModel.read` says of a sentence
Reader = Callable[[str, float, Roles], float]  # (sentence, place from 0 first to 1 last, roles) → how well it fits


def _cues(*parts: str, flags: re.RegexFlag = re.IGNORECASE) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(parts)})", flags)


_TURN = _cues("however", "but", "yet", "although", "though", "despite", "unfortunately", "nevertheless")
_PROBLEM = _cues(
    r"however\b|but\b|yet\b|although\b|despite\b|unfortunately\b|challeng|problem|difficult|limitations?\b|"
    r"limited\b|lack",
    r"suffer|expensive|costly|bottleneck|ignor|overlook|neglect|unclear|poor(?:ly)?\b|fails?\b|hinder|prohibitive",
    r"insufficient|inefficien|cannot\b|hard to\b|little (?:is known|attention)|(?:less|under-?)explored|"
    r"remains?\b|issues?\b",
    r"degrad|struggl|restrict|impractical|need for\b|requires? (?:large|huge|a lot|many|massive)|vulnerab",
    r"computational(?:ly)? (?:cost|expens|intensive|demand)|not (?:yet )?(?:been )?well",
)
_OWN = _cues(
    r"we\b|ours?\b|this (?:paper|work|article|study|report|thesis)\b|(?:the )?authors\b|(?:the|is|are) proposed\b"
)
# Between the authors and what they do: 'we also', 'this paper aims to', and not 'we evaluate the proposed'.
_WE = (
    r"(?:we|this (?:paper|work|article|study|report|thesis)|(?:the )?authors)\b"
    r"(?:\W+(?:\w+ly|also|then|first|further|here|thus|to|aims?|attempts?|seeks?|tr(?:y|ies)|however|instead|"
    r"hence|next|"
    r"have|has|now|in this (?:paper|work|article|study))){0,8}\W+"
)
_PROPOSAL = _cues(
    rf"{_WE}(?:propos|introduc|present|develop|devis|design)(?!ing)",
    r"(?:is|are) (?:proposed|presented|introduced|developed)\b(?! (?:by|in terms)\b)",
)
_DOES = _cues(
    rf"{_WE}(?:describ|stud(?:y|ies|ied)|investigat|explor|formulat|address|consider|tackl|us(?:e|es|ed)\b|"
    rf"adopt|employ|buil[dt]|"
    r"argue|examin|analy[sz]|extend|combin|train|leverag|revisit|creat|construct|provid|suggest|compar|collect|"
    r"apply|appli|"
    r"establish|review|survey|report on|offer|take\b|reformulat|conduct)(?!\w*ing\b)",
    r"in this (?:paper|work|article|study|report)\b",
    r"our (?:method|approach|model|framework|key|main|core|idea|goal|proposed|algorithm|system|solution|"
    r"network|architecture)\b",
)
_DATA_NOUN = _cues(r"(?:data ?sets?|benchmarks?|corpus|corpora|test ?sets?|leaderboards?|collections?)\b")
# From the first digit of a number on: a later one reaches no further.
_SAMPLES = re.compile(
    r"(?<![\d,.])(?>[\d,.]*?\b(?=\d))[\d,.]++(?:\s*+(?:(?:[KMB]\b|thousand|million|billion)\+?|\+))?\s++"
    r"(?:[\w-]++\s++){0,3}?(?:images?|patients?|"
    r"participants?|subjects?|"
    r"samples?|recordings?|articles?|documents?|sentences?|videos?|clips?|hours|speakers?|users?|scans?|"
    r"examples|questions|"
    r"records|languages|annotations|masks|utterances|scenes|data ?sets?|benchmarks?)\b",
    re.IGNORECASE,
)
_DATA_NAME = re.compile(rf"\b(?:{NAME}|[A-Z][a-z]+(?=[ -](?:data ?set|benchmark|corpus)))")
_ON_NAME = re.compile(
    rf"\b[Oo]n (?:the |both )?(?>{NAME})[^;]{{0,60}}?(?:outperform|achiev|accura|evaluat|test|scor|performance|error)"
)
_TESTED_ON = _cues(
    r"(?:evaluat|experiment|test(?:ed|s)?\b|train(?:ed|ing)?\b|validat|results?\b|performance|accuracy|"
    r"benchmark(?:ed)?\b|achiev|"
    r"outperform|tasks?\b|state-of-the-art|score)[^;]{0,90}?\b(?:on|over|across|using|with|from)\b"
)
_DESIGN = _cues(
    r"randomi[sz]ed|cohort\b|case-control|cross-sectional|retrospective(?:ly)?\b|prospective(?:ly)?\b|longitudinal|"
    r"meta-analys[ei]s|systematic(?:ally)? review|observational|survey\b|interviews?\b|double-blind|crossover|"
    r"(?:field|laboratory|natural) experiment|case (?:study|series|report)|qualitative study",
)
_RESULT = _cues(
    r"outperform|achiev|demonstrat|show(?:s|n|ed)?\b|improv|state-of-the-art|sota\b|surpass|superior|faster|"
    r"speed-?ups?\b|reduc",
    r"gains?\b|competitive|finds?\b|found\b|observe|reach(?:es|ed)\b|obtain|yields?\b|attain|exceed|"
    r"better than\b|reveal|confirm",
    r"results? (?:in|show|suggest|indicate|demonstrate)\b|conclude|comparable|on par|effectiveness|increas|"
    r"boosts?\b|saves?\b",
)
_MEASURED_VALUE = re.compile(rf"{MEASURED_VALUE}|\d\s*percent", re.IGNORECASE)
_WE_DID = re.compile(
    r"(?:here,? |in this \w{4,8},? |then,? |first,? |to [^,]{0,80}, )?(?:we|I)\b"
    r"(?! (?:\w+ly |also |then )?(?:evaluat|test|validat|show|find|found|demonstrat|observ|report|conclud|"
    r"discuss|hope))",
    re.IGNORECASE,
)
_UNNAMED = _cues(r"(?:several|various|many|multiple|different|public|standard|challenging) (?:[\w-]+ )?(?:data|bench)")
_FINDING = _cues(
    r"experiment|results?\b|evaluations?\b|empirical|outperform|extensive|(?:study|studies|analysis|"
    r"analyses) shows?\b",
    r"we (?:also |further |then |finally )?(?:show|find|demonstrate|observe|prove|achieve|obtain|conclude|reveal)\b",
    r"our (?:method|approach|model|algorithm|framework|system|network)s? (?:also |further |significantly |"
    r"consistently )?"
    r"(?:achiev|outperform|improv|obtain|reduc|reach|yield|surpass|attain)",
)
_ASIDE = re.compile(r"\b(?:also|additionally|furthermore|moreover)\b", re.IGNORECASE)  # not the main thing
_STARTS_WITH_FINDING = re.compile(r"(?:extensive |our |the )?(?:experiment|result|evaluation)", re.IGNORECASE)
_LIMITATION = _cues(
    r"limitations? of (?:our|this|the proposed)\b|drawbacks? of (?:our|this|the proposed)\b|"
    r"shortcomings? of (?:our|this)\b",
    r"our (?:method|approach|model|results?|findings?)[^.]{0,40}\b(?:limited|cannot|does not|do not|fails?)\b",
    r"we (?:do not|cannot|could not|did not)\b|only (?:works?|applies|holds?|valid)\b|room for improvement|"
    r"caveats?\b",
    r"(?:is|are|remains?) (?:still )?(?:limited to|restricted to|an open|open (?:problem|question)|far from|"
    r"unsolved|unresolved)",
    r"at the (?:cost|expense|price) of\b|(?:leav\w+|left|for|in|as|to|needs?|"
    r"requires?) (?:\w+ )?future (?:work|research)\b|while preliminary",
    r"not (?:generali[sz]e|transfer|hold|sufficient)|still (?:lags?|struggles?|falls?|"
    r"fails?|far|suffers?)\b",
    r"fall(?:s|ing)? short|further (?:research|work|study|investigation) (?:is|are|needs)|(?:slightly|somewhat|"
    r"marginally) (?:worse|"
    r"lower|slower|less)|fail(?:s|ure)? cases?\b",
)
_OTHERS = _cues(
    r"(?:existing|previous|prior|current|traditional|conventional|most|many|recent|state-of-the-art|"
    r"other)\s+(?:[\w-]+\s+){0,3}"
    r"(?:methods?|works?|approach(?:es)?|models?|techniques?|studies|systems?|networks?|algorithms?|detectors?|"
    r"solutions?|applications?|"
    r"frameworks?|strategies)\b"
)
# Up to the next full stop from the first thing of its kind on: a later one reaches no further.
_PUBLISHED_CODE = re.compile(
    r"(?<![^.])(?>[^.]*?\b(?:code|project page|demo|models?|dataset)\b)[^.]*\b(?:available|released?|found at|"
    r"open-?sourced?|public)\b|https?://|"
    r"(?<![^.])(?>[^.]*?\b(?:provide|release|open-?source)\b)[^.]*\bcode\b|github",
    re.IGNORECASE,
)
_NO = -1.0


def _problem(text: str, place: float, roles: Roles) -> float:
    """What is difficult, lacking or asked, before the method is described."""
    cues = min(len({m.group().lower() for m in _PROBLEM.finditer(text)}), 3)
    before = roles["background"] + roles["objective"]
    if place > 0.75 or _PUBLISHED_CODE.search(text) or _PROPOSAL.search(text):
        return _NO
    if cues and (before < 0.3 or (_OWN.search(text) and _RESULT.search(text)) or _DOES.search(text)):
        cues = 0
    return before + 0.5 * cues + 0.8 * roles["objective"] + 0.5 * (bool(_TURN.match(text)) and cues > 0)


def _method(text: str, place: float, roles: Roles) -> float:
    """What the authors propose or do."""
    proposes, does = bool(_PROPOSAL.search(text)), bool(_DOES.search(text) or _WE_DID.match(text))
    if _PUBLISHED_CODE.search(text):
        return _NO
    finding = bool(_STARTS_WITH_FINDING.match(text)) or (bool(_FINDING.search(text)) and not proposes)
    finding = finding or bool(_ASIDE.search(text))
    told = 1.5 * proposes + 0.5 * does
    own = roles["method"] + (roles["objective"] + roles["background"] if told else 0.0)
    return 1.5 * own + told - 1.5 * finding - roles["result"] - roles["conclusion"] - 0.6 * abs(place - 0.4)


def _data(text: str, place: float, roles: Roles) -> float:
    """The data that something was trained or tested on, the people or things that were studied."""
    if _PUBLISHED_CODE.search(text) and not _SAMPLES.search(text):
        return _NO
    noun = bool(_DATA_NOUN.search(text))
    score = 1.5 * bool(_SAMPLES.search(text)) + 2.2 * bool(_ON_NAME.search(text)) + 3.0 * roles["population"]
    score += noun + bool(_TESTED_ON.search(text)) - 0.6 * bool(_UNNAMED.search(text))
    score += 0.5 * (noun and bool(_DATA_NAME.search(text))) + 0.2 * place
    return score - bool(_OTHERS.search(text) and not _OWN.search(text) and place < 0.4)


def _results(text: str, place: float, roles: Roles) -> float:
    """The outcome; figures count in favour."""
    figure = bool(_MEASURED_VALUE.search(text))
    cues = min(len({m.group().lower() for m in _RESULT.finditer(text)}), 2)
    finding = bool(_FINDING.search(text))
    if _PUBLISHED_CODE.search(text) and not (figure or finding):
        return _NO
    others = bool(_OTHERS.search(text)) and not _OWN.search(text) and place < 0.5
    said = roles["result"] + roles["conclusion"]
    return 2.0 * said + 0.3 * cues + 0.4 * figure + 0.3 * finding - bool(_PROPOSAL.search(text)) - 1.5 * others


def _limits(text: str, place: float, roles: Roles) -> float:
    """Limits of the authors' own work, as they state them; few abstracts do."""
    about_others = _OTHERS.search(text) and not _OWN.search(text)
    if place < 0.4 or not _LIMITATION.search(text) or _PUBLISHED_CODE.search(text) or about_others:
        return _NO
    return 1.0 + place


def _population(text: str, place: float, roles: Roles) -> float:
    """Who or what was studied; a count counts in favour."""
    return roles["population"] + 0.2 * bool(_SAMPLES.search(text)) * (roles["method"] + roles["result"])


def _design(text: str, place: float, roles: Roles) -> float:
    """How the study was made: a trial, a cohort, a survey."""
    return roles["design"] + 0.3 * bool(_DESIGN.search(text))


@dataclass(frozen=True, slots=True)
class Known:
    """A column read by cue words: its heading, the scoring function, the least score of a cell, other names."""

    title: str
    read: Reader
    threshold: float
    also: tuple[str, ...]


KNOWN: Mapping[str, Known] = {
    "problem": Known("Problem", _problem, 1.4, ("problems", "motivation", "challenge", "gap", "aim", "objective")),
    "method": Known("Method", _method, 0.95, ("methods", "approach", "approaches", "technique", "idea")),
    "data": Known("Data", _data, 2.3, ("dataset", "datasets", "data set", "data sets", "benchmark", "benchmarks")),
    "results": Known("Results", _results, 1.75, ("result", "findings", "finding", "outcome", "outcomes", "conclusion")),
    "limits": Known("Limits", _limits, 1.0, ("limit", "limitation", "limitations", "weaknesses", "drawbacks")),
    "population": Known("Population", _population, 0.24, ("participants", "patients", "subjects", "who was studied")),
    "design": Known("Design", _design, 0.48, ("study design", "type of study", "kind of study")),
}


def known_sentences(sentences: Sequence[Sentence]) -> dict[str, tuple[Sentence, float] | None]:
    """For every key of :data:`KNOWN` the best sentence with its score, None where the abstract does not say.

    The sentence that is the method is not the problem as well.
    """
    last = max(len(sentences) - 1, 1)
    roles = role_model().read([one.text for one in sentences])
    found: dict[str, tuple[Sentence, float] | None] = {}
    for key in ("method", *(key for key in KNOWN if key != "method")):
        method = found.get("method") if key == "problem" else None
        # The problem stands before the method. After it come difficulties of the method itself, so sentences there are
        # considered only where the abstract starts with its method.
        before = [at for at, one in enumerate(sentences) if method is None or one.start < method[0].start]
        asked = before or [at for at, one in enumerate(sentences) if method is None or one != method[0]]
        scored = [(KNOWN[key].read(sentences[at].text, at / last, roles[at]), -at) for at in asked]
        score, index = max(scored, default=(_NO, 0))
        found[key] = (sentences[-index], score) if score >= KNOWN[key].threshold else None
    return found
