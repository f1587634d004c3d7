"""A file of ``prompts/`` and evidence into chat messages.

A prompt file names its variables between two ``---`` lines and then holds one section a message::

    ---
    variables: evidence, question
    ---
    # system
    Answer from the sources.

    # user
    {{evidence}}
    Question: {{question}}

Sections are ``# system``, ``# user`` and ``# assistant`` (worked examples come as a user and an assistant
section); the last one is what the model answers to. What is declared and what is used must agree, which is
checked when the file is loaded, not when a question is asked.

Text of papers and of users is data. It goes in as one line an item, with control characters, chat-template
tokens and numbers in brackets taken out, so that it can neither end its message nor pass for a source number.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rag.datatypes import Evidence, Message, Option, Turn
from rag.errors import PromptError
from rag.evidence.third_person import in_third_person
from rag.system.shipped import shipped_path
from rag.text.citation_format import LABELS
from rag.text.unseen import without_hidden

VARIABLES = frozenset({"evidence", "history", "question", "quotes", "sentences"})
TITLE_CHARACTERS = 80
SENTENCE_CHARACTERS = 500
QUOTE_CHARACTERS = 1200  # of a sentence that is to be shortened: what is cut off here cannot be said
OPTION_TITLE, OPTION_SENTENCE = 60, 320  # characters of a sentence to choose from, and of its title
TURN_CHARACTERS = 300
TURNS = 4

_PLACEHOLDER = re.compile(r"\{\{([^{}]*)\}\}")
_SECTION = re.compile(r"^# (\S.*)$", re.MULTILINE)
_ROLES = ("system", "user", "assistant")
# Marks of the common chat templates (ChatML, Llama, Gemma, Mistral, DeepSeek). The generator strips in
# addition whatever its own model's vocabulary calls a control token.
_TEMPLATE_TOKEN = re.compile(
    r"<[|｜][^<>]{0,60}?[|｜]>|</?s>|<</?SYS>>|\[/?INST\]|</?(?:start|end)_of_turn>|</?think(?:ing)?>|<(?:bos|eos|pad|unk)>",
    re.IGNORECASE,
)
_TOKEN_BRACKET = re.compile(r"<[|｜]|[|｜]>")
_MOST_TIMES = 8  # that tokens within tokens are taken out one after another
_BRACKETED_NUMBER = re.compile(r"\[(\s*\d+(?:\s*[,;–-]\s*\d+)*\s*)\]")


@dataclass(frozen=True, slots=True)
class Prompt:
    """A checked prompt file. ``sha256`` is that of the file's bytes, for the trace of an answer."""

    name: str
    templates: tuple[Message, ...]
    variables: frozenset[str]
    sha256: str

    def render(
        self,
        question: str,
        evidence: Sequence[Evidence] = (),
        history: Sequence[Turn] = (),
        sentences: Sequence[Option] = (),
    ) -> tuple[Message, ...]:
        """The finished chat messages. What the prompt does not declare is left out."""
        values = {
            "question": clean(question),
            "evidence": format_evidence(evidence),
            "history": format_history(history),
            "quotes": format_quotes(evidence),
            "sentences": format_options(sentences),
        }
        return tuple(Message(t.role, _fill(t.content, values)) for t in self.templates)


def load_prompt(name: str, folder: Path | None = None) -> Prompt:
    """Read and check ``<folder>/<name>.md``; the folder is the one that came with the program by default.

    Raises :class:`PromptError` naming the file and the variable or section that is wrong.
    """
    path = (folder or prompts_folder()) / f"{name}.md"
    try:
        raw = path.read_bytes()
        text = raw.decode("utf-8")
    except FileNotFoundError as error:
        known = sorted(p.stem for p in path.parent.glob("*.md"))
        raise PromptError(
            f"There is no prompt '{name}' in {path.parent}; it holds {', '.join(known) or 'none'}."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise PromptError(f"The prompt {path} cannot be read ({error}). Correct the file or reinstall.") from error
    declared, body = _front_matter(path, text.replace("\r\n", "\n"))
    templates = _sections(path, body)
    _check_variables(path, declared, {v.strip() for t in templates for v in _PLACEHOLDER.findall(t.content)})
    return Prompt(name, templates, frozenset(declared), hashlib.sha256(raw).hexdigest())


def prompts_folder() -> Path:
    """``rag/prompts`` of an installed wheel, else ``prompts`` beside the package in a checkout."""
    folder = shipped_path("prompts")
    if folder.is_dir():
        return folder
    raise PromptError(f"The folder of prompts is missing: there is no {folder}. Install the program again.")


def format_evidence(evidence: Sequence[Evidence]) -> str:
    """One line a paper: ``[1] Title: sentences in the order of the abstract``."""
    lines = []
    for item in evidence:
        sentences = sorted(item.sentences, key=lambda s: (s.start, s.end))
        text = " ".join(clip(clean(s.text), SENTENCE_CHARACTERS) for s in sentences)
        title = clip(clean(item.paper.title), TITLE_CHARACTERS).rstrip(".:")
        lines.append(f"[{item.number}] {title}: {text}".rstrip(": "))
    return "\n".join(lines)


def format_quotes(evidence: Sequence[Evidence]) -> str:
    """One line a sentence, in the order of the answer and in the third person: ``[1] The authors propose …``"""
    return "\n".join(f"[{number}] {clip(clean(text), QUOTE_CHARACTERS)}" for number, text in in_third_person(evidence))


def format_options(options: Sequence[Option]) -> str:
    """One line a sentence: ``A. Title: sentence``; at most as many as there are ``LABELS``."""
    lines = []
    for label, option in zip(LABELS, options, strict=False):
        title = clip(clean(option.paper.title), OPTION_TITLE).rstrip(".:")
        lines.append(f"{label}. {title}: {clip(clean(option.sentence.text), OPTION_SENTENCE)}")
    return "\n".join(lines)


def format_history(history: Sequence[Turn]) -> str:
    """The last turns, one line each, oldest first."""
    names = {"user": "User", "assistant": "Assistant"}
    return "\n".join(
        f"{names.get(turn.role, 'User')}: {clip(clean(turn.content), TURN_CHARACTERS)}" for turn in history[-TURNS:]
    )


def clean(text: str) -> str:
    """``text`` as one line of plain data: no control characters, template tokens or numbers in brackets."""
    text = "".join(_printable(c) for c in without_hidden(text))
    for _ in range(_MOST_TIMES):
        # Repeated, because taking a token out may put together another: <|im_<|im_end|>end|>.
        stripped = _TEMPLATE_TOKEN.sub(" ", text)
        if stripped == text:
            break
        text = stripped
    else:  # nobody nests them so deep but to keep a machine busy
        text = _TEMPLATE_TOKEN.sub(" ", _TOKEN_BRACKET.sub(" ", text))
    return " ".join(_BRACKETED_NUMBER.sub(r"(\1)", text).split())


def clip(text: str, characters: int) -> str:
    """At most ``characters`` of ``text``, cut between words and marked with ``…``."""
    if len(text) <= characters:
        return text
    head = text[: characters - 1]
    return (head[: head.rfind(" ")] if " " in head[characters // 2 :] else head).rstrip(" ,;:") + "…"


def _printable(character: str) -> str:
    """The character; a blank for controls and line ends, nothing for what is not seen."""
    category = unicodedata.category(character)
    if category in {"Cc", "Zl", "Zp"}:
        return " "
    # Format characters hide or reorder text (zero-width, bidirectional marks); the others have no meaning here.
    return "" if category in {"Cf", "Co", "Cs"} else character


def _fill(template: str, values: Mapping[str, str]) -> str:
    # One pass: braces inside a value are never looked at.
    return _PLACEHOLDER.sub(lambda match: values[match.group(1).strip()], template)


def _front_matter(path: Path, text: str) -> tuple[list[str], str]:
    match = re.match(r"---\nvariables:([^\n]*)\n---\n", text)
    if match is None:
        raise PromptError(f"{path} must begin with '---', a line 'variables: …' and '---'.")
    declared = [v.strip() for v in match.group(1).split(",") if v.strip()]
    return declared, text[match.end() :]


def _sections(path: Path, body: str) -> tuple[Message, ...]:
    parts = _SECTION.split(body)
    if parts[0].strip():
        raise PromptError(f"{path} has text before its first section; begin with '# system' or '# user'.")
    messages = []
    for heading, content in zip(parts[1::2], parts[2::2], strict=True):
        role = heading.rstrip(" \t")
        if role not in _ROLES:
            raise PromptError(f"{path} has a section '# {role}'; use {', '.join(_ROLES)}.")
        messages.append(Message(role, content.strip()))
    if not messages or messages[-1].role != "user":
        raise PromptError(f"{path} must end with a section '# user': that is what the model answers to.")
    return tuple(messages)


def _check_variables(path: Path, declared: Sequence[str], used: set[str]) -> None:
    unknown = sorted((set(declared) | used) - VARIABLES)
    if unknown:
        raise PromptError(
            f"{path} names the unknown variable '{unknown[0]}'; known are {', '.join(sorted(VARIABLES))}."
        )
    undeclared = sorted(used - set(declared))
    if undeclared:
        raise PromptError(f"{path} uses the variable '{undeclared[0]}' without declaring it; add it to 'variables:'.")
    unused = sorted(set(declared) - used)
    if unused:
        raise PromptError(
            f"{path} declares the variable '{unused[0]}' but lacks {{{{{unused[0]}}}}}; use it or remove it."
        )
