"""A list in the terminal to choose several from: type to filter, Tab to mark, Enter to go on.

Only the rows that are seen are drawn, so that thousands of names are no slower than ten.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.layout import BufferControl, FormattedTextControl, HSplit, Layout, VSplit, Window
from prompt_toolkit.output.defaults import create_output
from prompt_toolkit.styles import Style

from clawlane.cli.output import columns, echo_wrapped
from clawlane.cli.prompt_options import Check, Option, marked_names
from clawlane.texts import later, t

Filter = Callable[[Sequence[Option], str], list[Option]]

_ROWS = 12
_AROUND = 9
"""Lines of the terminal that are not rows of the list."""

_HINT = later("Type to filter, Up and Down move, Tab marks, Enter continues, Ctrl-C stops.")


def style() -> Style:
    """Bold and reverse alone: it reads well on any ground, and without colours."""
    return Style.from_dict(
        {
            "qmark": "bold",
            "question": "bold",
            "answer": "bold",
            "pointer": "bold",
            "highlighted": "bold",
            "selected": "",
            "instruction": "",
            "row": "",
            "here": "reverse",
            "hint": "italic",
            "validation-toolbar": "reverse",
            "bottom-toolbar": "noreverse",
        }
    )


def pick(question: str, options: Sequence[Option], filtered: Filter, extra: Check | None = None) -> list[str]:
    """The values that were marked, in the order in which they were. Ctrl-C raises `KeyboardInterrupt`.

    With `extra`, what was typed may be added too, if it finds nothing wrong with it.
    """
    return _Picker(question, options, filtered, extra).run()


class _Picker:
    def __init__(
        self, question: str, options: Sequence[Option], filtered: Filter, extra: Check | None
    ) -> None:
        self._question, self._options, self._filtered, self._extra = question, options, filtered, extra
        self._marked: dict[str, Option] = {}
        self._shown: list[Option] = list(options)
        self._at = self._top = 0
        self._error = ""
        self._typed = Buffer(multiline=False, on_text_changed=self._narrow)

    def run(self) -> list[str]:
        typed = Window(BufferControl(self._typed), height=1)
        head = f"  {t('Filter')}: "
        body = HSplit(
            [
                Window(FormattedTextControl(self._head), dont_extend_height=True, wrap_lines=True),
                VSplit([Window(FormattedTextControl(head), width=columns(head), height=1), typed]),
                Window(FormattedTextControl(self._rows), dont_extend_height=True, wrap_lines=False),
                Window(FormattedTextControl(self._foot), dont_extend_height=True, wrap_lines=True),
            ]
        )
        application: Application[None] = Application(
            layout=Layout(body, focused_element=typed),
            key_bindings=self._keys(),
            style=style(),
            erase_when_done=True,
            output=create_output(),
        )
        application.run()
        echo_wrapped(f"? {self._question} {self._names()}")
        return list(self._marked)

    def _narrow(self, _buffer: Buffer) -> None:
        self._shown = self._filtered(self._options, self._typed.text)
        self._at = self._top = 0
        self._error = ""

    def _head(self) -> StyleAndTextTuples:
        return [("class:qmark", "? "), ("class:question", self._question)]

    def _rows(self) -> StyleAndTextTuples:
        room = self._room()
        self._top = min(max(self._top, self._at - room + 1), self._at)
        out: StyleAndTextTuples = []
        for place, one in enumerate(self._shown[self._top : self._top + room], self._top):
            mark = "[x]" if one.value in self._marked else "[ ]"
            here = place == self._at
            out.append(("class:here" if here else "class:row", f"{'>' if here else ' '} {mark} {_row(one)}"))
            out.append(("", "\n"))
        if not self._shown:
            out.append(("class:row", f"  {self._none()}\n"))
        return out[:-1] if self._shown else out

    def _none(self) -> str:
        if self._extra is not None and self._typed.text.strip() and not self._extra(self._typed.text.strip()):
            return t("Not in the list. Tab adds '{typed}'.", typed=self._typed.text.strip())
        return t("Nothing fits.")

    def _foot(self) -> StyleAndTextTuples:
        count = t(
            "{shown} of {all}, {marked} marked",
            shown=len(self._shown),
            all=len(self._options),
            marked=len(self._marked),
        )
        if self._marked:
            count += f": {self._names()}"
        told: StyleAndTextTuples = [("", f"\n  {count}\n"), ("class:hint", f"  {t(_HINT)}")]
        return [("", f"\n  {self._error}"), *told] if self._error else told

    def _names(self) -> str:
        return marked_names(list(self._marked.values()))

    def _room(self) -> int:
        from prompt_toolkit.application import get_app

        return max(3, min(_ROWS, get_app().output.get_size().rows - _AROUND))

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()

        @keys.add("down")
        def _(_event: KeyPressEvent) -> None:
            self._move(1)

        @keys.add("up")
        def _(_event: KeyPressEvent) -> None:
            self._move(-1)

        @keys.add("pagedown")
        def _(_event: KeyPressEvent) -> None:
            self._move(self._room())

        @keys.add("pageup")
        def _(_event: KeyPressEvent) -> None:
            self._move(-self._room())

        @keys.add("tab")
        @keys.add(" ", filter=Condition(lambda: not self._typed.text))  # else it is a part of a name
        def _(_event: KeyPressEvent) -> None:
            self._mark()

        @keys.add("enter")
        def _(event: KeyPressEvent) -> None:
            if self._marked or not self._typed.text.strip():
                event.app.exit()
            else:
                self._error = t(
                    "Nothing is marked: press Tab to mark, or clear the filter to continue without."
                )

        @keys.add("escape", eager=True)
        def _(_event: KeyPressEvent) -> None:
            self._typed.document = Document()

        @keys.add("c-c")
        @keys.add("c-d")
        def _(event: KeyPressEvent) -> None:
            event.app.exit(exception=KeyboardInterrupt)

        return keys

    def _move(self, by: int) -> None:
        self._at = max(0, min(len(self._shown) - 1, self._at + by))

    def _mark(self) -> None:
        """Mark or unmark the row, or add what was typed if nothing fits it."""
        if not self._shown:
            self._add(self._typed.text.strip())
            return
        one = self._shown[self._at]
        if one.value in self._marked:
            del self._marked[one.value]
        else:
            self._marked[one.value] = one

    def _add(self, typed: str) -> None:
        if self._extra is None or not typed:
            return
        if wrong := self._extra(typed):
            self._error = wrong
            return
        self._marked[typed] = Option(typed, typed)
        self._typed.document = Document()


def _row(one: Option) -> str:
    return f"{one.label}  {one.note}" if one.note else one.label
