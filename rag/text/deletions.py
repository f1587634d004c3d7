"""Which words may be left out of a sentence so that what is left is still said by it.

'The treatment works' stands word for word in 'We doubt that the treatment works', and is not what that sentence says.
A deletion is admitted only where a rule can defend it: nothing that governs what is left (a clause before 'that' or
'whether', an attribution, a doubt), and nothing that limits it (a negation, a condition, a hedge, a restriction, a
quantity), goes alone. A whole clause that stands beside another may go with all that is in it, unless the other
depends on it. What no rule defends is not thereby false: it is for the network to read
(:mod:`rag.verification.entailment`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

# Verbs with which authors say that they found what the clause behind them says.
_FINDING = re.compile(
    r"^(?:show(?:s|ed|n|ing)?|demonstrat(?:e|es|ed|ing)|f(?:ind|inds|ound|inding)|prov(?:e|es|ed|en|ing)|"
    r"observ(?:e|es|ed|ing)|confirm(?:s|ed|ing)?|reveal(?:s|ed|ing)?|establish(?:es|ed|ing)?|verif(?:y|ies|ied)|"
    r"discover(?:s|ed)?|see|saw|not(?:e|es|ed)|conclud(?:e|es|ed)|showcas(?:e|es|ed))$"
)
# Who may stand before such a verb, and with what. Anybody else is a source of their own: 'Critics found that …'.
_OWN = frozenset(
    "we authors author i our the this these their results result experiments experiment findings finding study studies "
    "paper work analysis analyses evaluation evaluations data simulations measurements here in and also further "
    "furthermore moreover finally additionally then thus overall empirically theoretically experimentally clearly "
    "extensive comprehensive experimental empirical first second lastly it is was has have been be can to on of by "
    "extensively conducted several various multiple numerous present".split()
)
_COMPLEMENT = frozenset("that whether".split())
# The clause behind one of these is asked, supposed, wished, denied or said by somebody, not found.
_ATTITUDE = re.compile(
    r"^(?:(?:hypothe|specul|postul|conjectur|claim|alleg|purport|assert|argu|believ|thought|think|suppos|presum|assum|"
    r"doubt|den(?:y|ie)|reject|refut|disput|question|contest|challeng|contradict|disprov|suggest|propos|predict|expect|"
    r"anticipat|hop(?:e|es|ed|ing)$|aim|seek|sought|intend|plan|want|wish|ask|wonder|investigat|examin|explor|test(?:s|ed|ing)?$|"
    r"assess|evaluat|stud(?:y|ied)$|consider|imagin|pretend|report|said$|sa(?:y|ys)$|stat(?:e|es|ed)$|recommend|advis|"
    r"advocat|imply|impli|indicat|seem|appear|tend(?:s|ed)?$|attempt|tr(?:y|ies|ied)$|hypothetical|myth|rumou?r|notion|"
    r"idea|possibilit|view$|according|reportedly|supposedly|allegedly|contrary)\w*)$"
)
# What denies, limits or weakens the clause that it stands in.
_LIMITING = re.compile(
    r"^(?:not|no|never|nor|neither|without|cannot|none|nobody|nothing|fail(?:s|ed|ing)?|failure|lack(?:s|ed|ing)?|hardly|"
    r"barely|scarcely|seldom|rarely|only|solely|merely|just|exclusively|except|excepting|excluding|apart|unless|until|if|"
    r"when|whenever|where|wherever|provided|given|assuming|once|while|although|though|despite|but|however|may|might|could|"
    r"would|should|can|perhaps|possibly|probably|potentially|presumably|likely|unlikely|apparently|seemingly|"
    r"some|most|few|fewer|many|several|all|every|each|any|both|either|half|part|partly|partially|mainly|mostly|largely|"
    r"often|sometimes|usually|generally|typically|occasionally|always|almost|nearly|about|around|approximately|roughly|"
    r"up|least|more|less|than|under|over|below|above|within|among|in|for|at|during|after|before|on|with|by|as|"
    r"non|un|anti|ex|former|so-called|per|relative|compared|versus|vs|respectively|first|second)$|n['’]t$"
)
# Of these a clause that begins with one decides whether, when or of whom the clause beside it holds.
_CONDITION = frozenset(
    "if unless except when whenever where wherever until once provided given assuming without under only despite "
    "although though because since after before as".split()
)
_BESIDE = frozenset("and but while whereas yet which thus thereby hence".split())
_FIGURE = re.compile(r"\d")


def keeps_meaning(words: Sequence[str], begin: int, end: int) -> bool:
    """Whether ``words[begin:end]`` may go from a sentence; ``words`` has punctuation apart, without the full stop.

    Judged by rule and on the safe side: False says only that no rule defends it.
    """
    low = [word.lower() for word in words]
    gone = low[begin:end]
    if not any(word[:1].isalnum() for word in gone):
        return True
    if begin == 0 and end < len(low):
        return _is_finding(gone, low[end])
    return _is_clause_beside(low, begin, end) or _is_aside(words, begin, end)


def _is_finding(gone: Sequence[str], following: str) -> bool:
    """'Our experiments show that' at the beginning, or a connective ('However,')."""
    if following in _COMPLEMENT or gone[-1] not in _COMPLEMENT | {","}:
        return False
    said = [word for word in gone if word[:1].isalpha() and word not in _COMPLEMENT]
    if gone[-1] == ",":
        return all(word in _CONNECTIVES for word in said)
    verbs = [word for word in said if _FINDING.match(word)]
    return gone[-1] == "that" and len(verbs) == 1 and all(word in _OWN or _FINDING.match(word) for word in said)


_CONNECTIVES = frozenset(
    "moreover furthermore additionally finally lastly thus therefore hence consequently also first second third then "
    "here specifically notably importantly interestingly overall in addition particular summary short fact".split()
)


def _is_clause_beside(low: Sequence[str], begin: int, end: int) -> bool:
    """A clause at the end, behind a semicolon or ', and' and the like, that the rest does not depend on."""
    if end < len(low):
        return False
    gone = low[begin:]
    if gone[0] == ";":
        body = gone[1:]
    elif len(gone) > 2 and gone[0] == "," and gone[1] in _BESIDE:
        body = gone[2:]
    else:
        return False
    if not body or body[0] in _CONDITION or (len(body) > 1 and body[1] in _CONDITION):
        return False
    # A list cut short gives the last figure away: ', and 40% on B' behind '30% on A' is no clause.
    return len(body) >= 4 and not _FIGURE.search(body[0]) and not _only_of_rest(body)


def _only_of_rest(body: Sequence[str]) -> bool:
    """Whether the clause says of the rest where it ends: 'but only in mice', 'but not at night'."""
    return any(
        word in ("only", "not", "never", "no", "except", "unless", "neither", "nor", "rarely") for word in body[:3]
    )


def _is_aside(words: Sequence[str], begin: int, end: int) -> bool:
    """A text in brackets that spells out or abbreviates the words before it."""
    gone = " ".join(words[begin:end])
    if not re.fullmatch(r"\([^()]+\)", gone):
        return False
    inner = [word.lower() for word in re.findall(r"[\w'’-]+", gone)]
    return bool(inner) and not any(_FIGURE.search(word) or _LIMITING.match(word) for word in inner)


def loses_governor(words: Sequence[str], begin: int, end: int) -> bool:
    """Whether a deletion takes away what decides how the rest is meant.

    That is: the clause that governs a 'that' or 'whether' which stays or goes with it, unless it reports the authors'
    own finding; an attribution, a doubt or a hedge; a condition; a restriction. For the writer, which may not make such
    a deletion however the network would judge it.
    """
    low = [word.lower() for word in words]
    gone = low[begin:end]
    if not gone or _is_clause_beside(low, begin, end):
        return False
    before_end = end < len(low)
    if begin == 0 and before_end and any(word in _COMPLEMENT for word in (gone[-1], low[end])):
        return not _is_finding([*gone, "that"] if low[end] == "that" else gone, "")
    if any(_ATTITUDE.match(word) for word in gone) and before_end:
        return True
    return any(word in _DECIDING or word.endswith(("n't", "n’t")) for word in gone)


_DECIDING = frozenset(
    "not no never nor neither cannot none fail fails failed lack lacks lacked hardly barely scarcely seldom rarely "
    "only solely exclusively except excluding unless if may might could perhaps possibly probably potentially "
    "presumably likely unlikely apparently seemingly provided until some few most partly partially allegedly "
    "reportedly supposedly".split()
)
