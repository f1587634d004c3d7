"""HTML from templates: everything is escaped, what is missing is an error, indentation is not part of the page."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.output.templating import Template, _environment, html

ROOT = Path(__file__).parent.parent
TEMPLATES = sorted(ROOT.glob("rag/*/templates/*.html.j2"))


def render(source: str, **values: object) -> str:
    return _environment("rag.ui").from_string(source).render(**values)


def test_text_is_escaped_and_never_a_template() -> None:
    hostile = "<img src=x onerror='alert(1)'> & {{ 7 * 7 }} \"quoted\""
    shown = render('<p title="{{ text }}">{{ text | one_line }}</p>', text=hostile)
    escaped = "&lt;img src=x onerror=&#x27;alert(1)&#x27;&gt; &amp; {{ 7 * 7 }} &quot;quoted&quot;"
    assert shown == f'<p title="{escaped}">{escaped}</p>'
    assert render("{{ text ~ '<b>' }}", text=html("<i>")) == "<i>&lt;b&gt;"


def test_only_what_is_marked_as_html_is_taken_as_it_is() -> None:
    assert render("{{ fragment }}", fragment=html("<b>bold</b>")) == "<b>bold</b>"
    result = Template("rag.output", "presentation").link("a<b", 'https://example.org/?a="1"')
    assert type(result) is str  # a plain string: added to another one, Markup would escape that one
    assert 'href="https://example.org/?a=&quot;1&quot;"' in result and ">a&lt;b</a>" in result


def test_what_is_missing_is_an_error() -> None:
    from jinja2 import UndefinedError

    with pytest.raises(UndefinedError):
        render("{{ absent }}")
    with pytest.raises(AttributeError):
        Template("rag.output", "presentation").absent()


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("<ul>\n  <li>\n    {{ text }}\n  </li>\n</ul>\n", "<ul><li>a\n b</li></ul>"),
        ("<p>Two\n  lines</p>", "<p>Two lines</p>"),
        ('<p class="x"\n  id="y">z</p>', '<p class="x" id="y">z</p>'),
        ("{% if text %}\n  <b>yes</b>\n{% endif %}\n", "<b>yes</b>"),
        ("<b>kept</b> <i>blank</i>", "<b>kept</b> <i>blank</i>"),
    ],
)
def test_indentation_of_a_template_is_not_part_of_the_page_and_that_of_a_text_is(source: str, shown: str) -> None:
    assert render(source, text="a\n b") == shown


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_switches_the_escaping_off(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert "safe" not in source.replace("unsafe", "") and "autoescape" not in source
    assert "{{" in source


def test_there_are_templates() -> None:
    assert len(TEMPLATES) >= 10
