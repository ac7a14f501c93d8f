"""The part of a model's answer that is meant for people: no thoughts, no directives, attachments apart."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from clawlane.invisible import says_nothing
from clawlane.messages import Reply

CHOSEN_SILENCE = "NO_REPLY"
"""The answer of an agent that wants to stay silent."""

_VARIABLE = re.compile(r"\{(identity\.name|model|modelFull|provider|think|thinkingLevel)\}", re.IGNORECASE)
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_MEDIA_LINE = re.compile(r"[ \t]*MEDIA:[ \t]*(\S[^\n]*)", re.IGNORECASE)
_PIECE = re.compile(
    r"(?P<ticks>`+)"
    r"|<(?P<slash>/?)(?:\w{1,20}:)?"
    r"(?:think|thinking|thoughts?|reasoning|reasoning_content|analysis|antthinking)\b[^<>]{0,200}>"
    r"|\[(?P<bracket>/?)THINK\]|◁(?P<triangle>/?)think▷"
    r"|(?:<\|start\|>[^<>|]{0,40})?<\|channel\|>\s*(?P<channel>\w{1,20})[^<>]{0,100}"
    r"(?:<\|constrain\|>[^<>]{0,40})?<\|message\|>"
    r"|<\|(?P<token>start|end|return|call|message|channel)\|>(?:assistant\b)?"
    r"|</?(?P<final>final)>"
    r"|(?P<directive>\[\[\s*(?:reply_to_current|reply_to\s*:[^\[\]\n]{0,100}|audio_as_voice)\s*\]\])[ \t]*"
    r"|!\[[^\[\]\n]{0,300}\]\((?P<image>[^()\s]{1,2000})\)",
    re.IGNORECASE,
)

_THOUGHTS = ("slash", "bracket", "triangle")
"""The groups of `_PIECE` that are set where a thought begins, and hold a slash where it ends."""

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_LONGEST_SILENCE = 100
_SILENCE = re.compile(r"[\W_]*NO[_ ]REPLY[\W_]*", re.IGNORECASE)
_END_ALONE = re.compile(r"\s*(?:</(?:\w{1,20}:)?think(?:ing)?>|\[/THINK\]|◁/think▷)\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as people shall see it.

    `text` is markdown. `media` are the paths and addresses of attachments, in order, as the model wrote them:
    nothing was checked yet.
    """

    text: str
    media: tuple[str, ...] = ()


def read_answer(raw: str, *, attachments: bool = True) -> Answer | None:
    """What a model wrote, ready for people; None if it wrote nothing for them or chose to be silent.

    A thought stands between tags such as `<think>` or `[THINK]`, or in a channel other than `final` of a
    model whose server passes channels on. One that is never closed goes on to the end, and a closing tag
    alone ends one that began with the answer: in doubt too little is shown. Code is left as it is. Characters
    that control a terminal are left out. Without `attachments` their lines and markdown stay in the text.
    """
    text: list[str] = []
    media: list[str] = []
    for kind, piece in _pieces(raw, attachments):
        match kind:
            case "text":
                text.append(piece)
            case "media":
                media.append(piece)
            case "thought so far":
                text.clear()
                media.clear()
    shown = re.sub(r"\n{3,}", "\n\n", _CONTROLS.sub("", "".join(text))).strip()
    if says_nothing(shown) or (len(shown) < _LONGEST_SILENCE and _SILENCE.fullmatch(shown)):
        shown = ""
    return Answer(shown, tuple(dict.fromkeys(media))) if shown or media else None


def prefixed(reply: Reply, prefix: str) -> str:
    """The text of a reply with a prefix before it. `auto` is the agent's name in brackets.

    A prefix may hold `{identity.name}`, `{model}`, `{modelFull}` and `{provider}`, in any case of letters.
    What is not known is left out; if nothing in it is known, the prefix is.
    """
    pattern = "[{identity.name}]" if prefix == "auto" else prefix
    provider, _, model = reply.model.partition("/")
    known = {"identity.name": reply.author, "model": model, "modelfull": reply.model, "provider": provider}
    used = [name.lower() for name in _VARIABLE.findall(pattern)]
    if used and not any(known.get(name) for name in used):
        return reply.text
    written = _VARIABLE.sub(lambda found: known.get(found[1].lower(), ""), pattern).strip()
    return f"{written} {reply.text}" if written else reply.text


def _pieces(raw: str, attachments: bool) -> Iterator[tuple[str, str]]:
    """An answer in pieces: `text`, `media`, and `thought so far` where all that came before was a thought."""
    fence, opened, thinking = "", False, False
    for line in raw.splitlines(keepends=True):
        if line.isspace():  # quickly: an answer may have very many of them
            if not thinking:
                yield "text", line
        elif fence and _END_ALONE.fullmatch(line) and not opened:
            # The thought was in code that it never closed. Code about such tags has both of them.
            yield "thought so far", ""
            fence = ""
        elif fence:
            yield "text", line
            opened = opened or bool(_PIECE.search(line))
            if line.strip().startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
        elif not thinking and (opening := _FENCE.match(line)):
            fence, opened = opening[1], False
            yield "text", line
        elif attachments and not thinking and (media := _MEDIA_LINE.fullmatch(line.rstrip())):
            yield "media", media[1].strip("`\"'<> ")
        else:
            for kind, piece in _line_pieces(line, thinking, attachments):
                if kind == "thinking":
                    thinking = bool(piece)
                else:
                    yield kind, piece


def _line_pieces(line: str, thinking: bool, attachments: bool) -> Iterator[tuple[str, str]]:
    """The pieces of one line outside code blocks.

    A piece of kind `thinking` says that a thought begins ("yes") or ends ("").
    """
    code_ends = _code_spans(line)
    place = at = 0
    while found := _PIECE.search(line, at):
        at = found.end()
        if found["image"] and not attachments:
            continue
        if found["ticks"]:
            if not thinking:
                at = code_ends.get(found.start(), at)
            continue
        if not thinking:
            yield "text", line[place : found.start()]
        place = at
        closes = next((found[name] for name in _THOUGHTS if found[name] is not None), None)
        if found["channel"]:
            if not thinking and found["channel"].lower() == "final":
                continue
            thinking = found["channel"].lower() != "final"
            yield "thinking", "yes" if thinking else ""
        elif closes is not None:
            if closes and not thinking:
                yield "thought so far", ""
            thinking = not closes
            yield "thinking", "yes" if thinking else ""
        elif found["image"] and not thinking:
            yield "media", found["image"]
    if not thinking:
        yield "text", line[place:]


def _code_spans(line: str) -> dict[int, int]:
    """Where code in a line begins, and where it ends: between two runs of as many backticks."""
    runs = [run.span() for run in re.finditer("`+", line)]
    later: dict[int, list[int]] = {}
    for start, end in reversed(runs):
        later.setdefault(end - start, []).append(start)
    spans: dict[int, int] = {}
    free_from = 0
    for start, end in runs:
        same_length = later[end - start]
        while same_length and same_length[-1] <= start:
            same_length.pop()
        if start >= free_from and same_length:
            free_from = spans[start] = same_length[-1] + end - start
    return spans
