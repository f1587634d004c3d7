"""citeproc-py, as it is used here: one style that is read once, and papers rendered one at a time.

Its elements are classes that lxml puts over the parts of a style. They are extended here where the library leaves it
open: macros are looked up once and not at every call (a reference in APA's style takes a third of the time), what
stands for missing authors is not said a second time in the same reference, as CSL 1.0.2 wants it ('Substitute'), first
names stay whole where a style says so ('initialize'), and years get letters where citations would be alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from citeproc import Citation, CitationItem, CitationStylesBibliography, model
from citeproc.source import Reference
from citeproc.string import String
from lxml import etree

from rag.papers.styles.checking import NAMESPACE, SAFE, parsed
from rag.papers.styles.marks import Formatter, mended, without_marks
from rag.papers.styles.year_suffixes import SuffixRules

_LETTERS = "year_suffix"  # beside the parts of a date: what stands behind the year where it is written first
_NS = {"cs": NAMESPACE}


class _Remembering:
    """An element that looks once for macros and for whether it uses a variable."""

    def get_macro(self, name: str) -> Any:
        return self.get_root().macros[name]  # type: ignore[attr-defined]

    def calls_variable(self) -> bool:
        known = self.__dict__.get("calls")
        if known is None:
            known = self.__dict__["calls"] = super().calls_variable()  # type: ignore[misc]
        return bool(known)


class _Cased(_Remembering):
    """An element that changes small letters and capitals, also of a name, which the library hands it as plain text."""

    def case(self, text: Any, language: str | None = None) -> Any:
        if not text:
            return text
        text = String(text) if type(text) is str else text
        return super().case(text, language)  # type: ignore[misc]


class _Substitute(_Remembering, model.Substitute):  # type: ignore[misc]
    """What stands where authors are missing."""

    def render(self, item: Any, context: Any = None, **options: Any) -> Any:
        text = super().render(item, context=context, **options)
        if text and not options.get("sort_options"):
            self._keep_silent(item, context.get_layout(), without_marks(str(text)).casefold())
        return text

    def _keep_silent(self, item: Any, layout: Any, said: str) -> None:
        """Every variable whose value was said is not said again."""
        waiting, seen = [*self.iterchildren()], set()
        while waiting:
            for one in waiting.pop().iter():
                macro, variable = one.get("macro"), one.get("variable")
                if macro is not None and macro not in seen:
                    seen.add(macro)
                    waiting.append(self.get_macro(macro))
                if variable is None or not one.tag.endswith("}text"):
                    continue
                value = str(item.reference.get(variable.replace("-", "_")) or "").casefold()
                if value and value in said:
                    layout.repressed.setdefault(one.tag, []).append(variable)


class _Name(_Remembering, model.Name):  # type: ignore[misc]
    """A name. Where a style says ``initialize="false"``, first names stay whole, and initials as they are."""

    def initialize(self, given: str, mark: str, context: Any) -> str:
        bibliography = self.get_root().find("cs:bibliography", _NS)
        said = (one.get("initialize") for one in (self, bibliography, self.get_root()))
        whole = next((value for value in said if value is not None), "true") == "false"
        return given if whole else str(super().initialize(given, mark, context))


class _DatePart(_Remembering, model.Date_Part):  # type: ignore[misc]
    """A part of a date. The letters of a year stand behind it once, in a style that gives them no other place."""

    def process(self, date: Any, context: Any = None) -> Any:
        text = super().process(date, context)
        return f"{text}{date.pop(_LETTERS, '')}" if self.get("name") == "year" else text


@cache
def _parser() -> Any:
    lookup = etree.ElementNamespaceClassLookup()
    classes = lookup.get_namespace(NAMESPACE)
    classes[None] = model.CitationStylesElement
    own = {model.Substitute: _Substitute, model.Name: _Name, model.Date_Part: _DatePart}
    for plain in model.CitationStylesElement.__subclasses__():
        base = _Cased if hasattr(plain, "case") else _Remembering
        extended = own.get(plain) or type(plain.__name__, (base, plain), {})
        classes[plain.__name__.replace("_", "-").lower()] = extended
    parser = etree.XMLParser(**SAFE)
    parser.set_element_class_lookup(lookup)
    return parser


class Style:
    """A citation style, ready to render. Not for several threads at once.

    ``label`` is what stands around a number where the style numbers its references ('[', ']'), None where it does not.
    Raises :class:`rag.errors.StyleError` for a file that is no style with a list of references.
    """

    def __init__(self, data: bytes) -> None:
        self._root = root = parsed(data, _parser())
        # lxml forgets what was learnt of an element that nobody holds.
        self._held = [*root.iter()]
        root.macros = {macro.get("name"): macro for macro in root.iterfind("cs:macro", _NS)}
        root.formatter = Formatter
        root.set_locale_list(root.get("default-locale", "en-US"), validate=False)
        self._stops_in_quotes = root.get_locale_option("punctuation-in-quote") == "true"
        self.label = self._take_number()
        self._suffixes = SuffixRules(root.find("cs:citation", _NS))
        self._places_letters = root.find(".//cs:text[@variable='year-suffix']", _NS) is not None

    def _take_number(self) -> tuple[str, str] | None:
        """Take the numbers of references out, and give what stands around them: whoever lists them sets them."""
        found = None
        used = [self._root.find("cs:bibliography", _NS), *self._root.macros.values()]
        for part in used:
            for one in [*part.iterfind(".//cs:text[@variable='citation-number']", _NS)]:
                found = found or (str(one.get("prefix", "")).strip(), str(one.get("suffix", "")).strip())
                one.getparent().remove(one)
        return found

    def rendered(self, references: Sequence[Reference]) -> tuple[list[int], list[str]]:
        """The order that the style wants, as indices, and the text of each reference, with marks, in the order given.

        A text is empty where the processor could not render the reference.
        """
        source = {one.key: one for one in references}
        items = [CitationItem(one.key) for one in references]
        listed = CitationStylesBibliography(_Rooted(self._root), source, Formatter)
        listed.items, listed.keys = items, [one.key for one in items]
        Citation(items).bibliography = listed
        order = self._order(items)
        for place, letters in self._suffixes.suffixes(references, order).items():
            if self._places_letters:
                references[place][_LETTERS] = String(letters)
            elif "issued" in references[place]:
                references[place]["issued"][_LETTERS] = letters
        return order, [self._text(item) for item in items]

    def _order(self, items: list[Any]) -> list[int]:
        places = {id(item): place for place, item in enumerate(items)}
        try:
            return [places[id(item)] for item in self._root.bibliography.sort(items)]
        except Exception:  # the library fails in many ways on what it does not foresee; the list is worth more
            return list(range(len(items)))

    def _text(self, item: Any) -> str:
        try:
            texts = self._root.bibliography.render([item])
        except Exception:  # as above: the caller has another way to write the reference
            return ""
        return mended(str(texts[0]), self._stops_in_quotes) if texts else ""


class _Rooted:
    """What a bibliography of the library wants to know of a style."""

    def __init__(self, root: Any) -> None:
        self.root = root
