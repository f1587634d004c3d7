"""Preprint servers: their DOIs, their addresses, and what journals' names are not; pure.

The prefixes are those that the servers registered with Crossref and DataCite. A server that shares its prefix with
journals (Cold Spring Harbor's 10.1101, Copernicus' 10.5194) is told by the form of what follows.
"""

from __future__ import annotations

import re

_DOI = re.compile(
    r"10\.(?:48550/arxiv\.|2139/ssrn\.|64898/|21203/rs\.|20944/preprints|26434/chemrxiv|36227/techrxiv\.|22541/"
    r"|1002/essoar\.|1590/scielopreprints\.|7287/peerj\.preprints\.|2196/preprints\.|33774/|51094/jxiv\.|32942/|35542/"
    r"|31730/|14293/pr2199\.|3386/w\d|1038/npre\.|12074/|312(?:19|2\d|3[0-7])/"  # 312xx: servers on OSF
    r"|1101/(?:\d{4}\.\d\d\.\d\d\.)?\d{6,}(?:v\d{1,3})?\Z"  # bioRxiv, medRxiv; journals have letters first
    r"|5194/(?:egusphere-|[a-z]{1,6}-(?:19|20)\d\d-\d))",  # discussion papers; articles begin with a volume
    re.I,
)
# bioRxiv writes …123456v2, Research Square …/v1, Preprints.org ….v1, ChemRxiv …-v2, PsyArXiv …_v1.
_VERSION = re.compile(r"[/._-]?v\d{1,3}\Z", re.I)
_RXIV_ADDRESS = re.compile(
    r"\A(?:https?://)?(?:www\.|connect\.)?(?:bio|med)rxiv\.org/(?:content|cgi/content/\w{1,20})/(?:early/[\d/]{1,20}/)?"
    r"(10\.(?:1101|64898)/(?:\d{4}\.\d\d\.\d\d\.)?\d{6,12})",
    re.I,
)
_SSRN = re.compile(
    r"\A(?:ssrn[:\s-]*+|(?:https?://)?(?:www\.|papers\.)?ssrn\.com/(?:sol3/papers\.cfm\?abstract_?id=|abstract=))(\d{4,9})\b",
    re.I,
)
_SERVER = re.compile(
    r"\b(?:\w{0,12}(?:ar|bio|med|chem|tech|psy|soc|ed|eco)xiv|\w{0,12}rxiv|ssrn|research\s+square|preprints?|authorea"
    r"|social\s+science\s+research\s+network|corr|e-?prints?|(?:working|discussion)\s+papers?|essoar)\b",
    re.I,
)
_ARXIV_IN_VENUE = re.compile(r"\barxiv:\s*+(\d{4}\.\d{4,5}|[a-z][a-z-]{1,12}(?:\.[a-z]{2})?/\d{7})(?:v\d+)?\b", re.I)


def is_preprint_doi(doi: str) -> bool:
    """Whether a normalised DOI is a preprint server's."""
    return _DOI.match(doi) is not None


def without_version(doi: str) -> str:
    """A normalised DOI without the version of a preprint; that of an article as it is."""
    return _VERSION.sub("", doi) if is_preprint_doi(doi) else doi


def doi_in_address(text: str) -> str:
    """The DOI, normalised and without version, of a preprint at bioRxiv, medRxiv or SSRN; ``''`` for any other text."""
    text = text.strip()
    if found := _RXIV_ADDRESS.match(text):
        return found[1].lower()
    found = _SSRN.match(text)
    return f"10.2139/ssrn.{found[1]}" if found else ""


def is_server(venue: str) -> bool:
    """Whether a venue is the name of a preprint server or of a series of working papers."""
    return _SERVER.search(venue) is not None


def arxiv_id_in_venue(venue: str) -> str:
    """The id in a venue such as ``arXiv preprint arXiv:1706.03762``, without version; ``''`` where there is none."""
    found = _ARXIV_IN_VENUE.search(venue)
    return found[1].lower() if found else ""
