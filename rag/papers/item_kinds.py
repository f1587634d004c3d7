"""What BibTeX and RIS call the types of items that CSL 1.0.2 knows, both ways.

Several of their types are one of CSL's. A type that its CSL type would not be written back as is kept beside it, under
:data:`BIBTEX_NAME` or :data:`RIS_NAME`, so that a master's thesis stays one. The tables follow Pandoc's reader of
BibTeX, the manual of biblatex (3.20, section 2.1) and Zotero's translator of RIS.
"""

from __future__ import annotations

BIBTEX_NAME = "entry_type"  # the names of the kept fields with the file's own type
RIS_NAME = "TY"

# The first name of each of CSL's types is the one that it is written as.
_BIBTEX = {
    "article-journal": "article suppperiodical", "book": "book mvbook collection mvcollection proceedings "
    "mvproceedings reference mvreference manual", "chapter": "incollection inbook bookinbook suppbook suppcollection",
    "paper-conference": "inproceedings conference", "thesis": "thesis phdthesis mastersthesis", "report":
    "report techreport", "document": "misc", "dataset": "dataset", "software": "software", "webpage": "online www "
    "electronic", "manuscript": "unpublished", "pamphlet": "booklet", "patent": "patent", "periodical": "periodical",
    "entry-encyclopedia": "inreference", "graphic": "artwork image", "motion_picture": "movie video", "song": "audio "
    "music", "performance": "performance", "legal_case": "jurisdiction", "legislation": "legislation", "review":
    "review", "standard": "standard", "personal_communication": "letter",
}  # fmt: skip
_RIS = {
    "article-journal": "JOUR EJOUR ABST INPR JA", "periodical": "JFULL", "article-magazine": "MGZN",
    "article-newspaper": "NEWS", "book": "BOOK EBOOK EDBOOK SER", "chapter": "CHAP ECHAP", "paper-conference":
    "CPAPER CONF", "thesis": "THES", "report": "RPRT GOVDOC", "document": "GEN GRANT EQUA MULTI", "dataset":
    "DATA AGGR DBASE", "software": "COMP", "webpage": "ELEC WEB", "post-weblog": "BLOG", "manuscript": "UNPB MANSCPT",
    "pamphlet": "PAMP", "patent": "PAT", "standard": "STAND", "entry-encyclopedia": "ENCYC", "entry-dictionary": "DICT",
    "map": "MAP", "graphic": "ART SLIDE", "figure": "FIGURE CHART", "motion_picture": "MPCT VIDEO ADVS", "song":
    "SOUND", "musical_score": "MUSIC", "legal_case": "CASE", "bill": "BILL UNBILL", "legislation": "STAT", "hearing":
    "HEAR", "regulation": "LEGAL", "personal_communication": "PCOMM ICOMM", "classic": "ANCIENT CLSWK", "article":
    "PREPRINT",
}  # fmt: skip

BIBTEX_OF = {kind: names.split()[0] for kind, names in _BIBTEX.items()}
RIS_OF = {kind: names.split()[0] for kind, names in _RIS.items()}
KIND_OF_BIBTEX = {name: kind for kind, names in _BIBTEX.items() for name in names.split()}
KIND_OF_RIS = {name: kind for kind, names in _RIS.items() for name in names.split()}


def of_bibtex(entry_type: str) -> tuple[str, str]:
    """CSL's type of item for a type of entries, and that type where it must be kept beside; a strange one is itself."""
    name = entry_type.strip().lower()
    kind = KIND_OF_BIBTEX.get(name, name)
    return kind, "" if BIBTEX_OF.get(kind, kind) == name else name


def of_ris(type_of_reference: str) -> tuple[str, str]:
    """CSL's type of item for a value of ``TY``, and that value where it must be kept beside."""
    name = type_of_reference.strip()
    kind = KIND_OF_RIS.get(name.upper(), name)
    return kind, "" if RIS_OF.get(kind, kind) == name else name
