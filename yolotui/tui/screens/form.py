"""The form: a new job, the like of another, or a change of one that waits; checked and foreseen while it is written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Container, Horizontal, Vertical
from textual.suggester import Suggester
from textual.widgets import Input, Static

from yolotui.core.jobs import Job
from yolotui.errors import YolotuiError
from yolotui.tui import deeds
from yolotui.tui.actions import Place, bindings
from yolotui.tui.completing import Completer, explained
from yolotui.tui.draft import COMMAND_FIELDS, FIELDS, TRAINER_FIELDS, Draft, Field
from yolotui.tui.examining import Examined, examine
from yolotui.tui.live import Live
from yolotui.tui.messages import DraftExamined, VerbDone
from yolotui.tui.newest import Newest
from yolotui.tui.palette import QUIET, STRONG
from yolotui.tui.panels.form import advice_row, verdict_rows
from yolotui.tui.panels.texts import cut, pieces
from yolotui.tui.plot import Row
from yolotui.tui.screens.acting import Setting
from yolotui.tui.screens.base import DashboardScreen
from yolotui.tui.words import named, plain


class FieldSuggester(Suggester):
    """Shows behind the cursor how the text probably goes on."""

    def __init__(self, key: str, complete: Callable[[str, str], list[str]]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._key = key
        self._complete = complete

    async def get_suggestion(self, value: str) -> str | None:
        """The likeliest completion."""
        found = await asyncio.to_thread(self._complete, self._key, value)
        return next((each for each in found if each.startswith(value)), None)


class FormScreen(DashboardScreen):
    """A line for each thing that can be said of a job, and below what would become of it."""

    PLACE = Place.FORM
    BINDINGS = [*bindings(Place.FORM)]  # noqa: RUF012 — Textual's way
    AUTO_FOCUS = ""

    def __init__(self, setting: Setting, live: Live, draft: Draft, left: Callable[[Draft | None], object]) -> None:
        """`left` is given what was written when a person leaves, None when it was submitted."""
        super().__init__(setting, live)
        self._draft = draft
        self._left = left
        self._examined: Examined | None = None
        self._submits = False
        self._candidates: list[str] = []
        self._completer = Completer(live.snapshot.jobs, live.snapshot.published, Path.cwd())
        self._examiner = Newest("examiner", self._examine)
        self.add_lines(title=self._title, advice=self._advice, verdict=self._verdict)

    def compose(self) -> ComposeResult:
        """The fields above or beside what is known of the draft."""
        yield self.lines["header"]
        yield self.lines["title"]
        with Container(id="form"):
            with Vertical(id="fields"):
                for each in FIELDS:
                    yield from self._field(each)
                yield self.lines["advice"]
            yield self.lines["verdict"]
        yield self.lines["keys"]
        yield self.too_small("The form")

    def _field(self, each: Field) -> ComposeResult:
        with Horizontal(classes="field", id=f"row-{each.key}"):
            yield Static(each.label)
            yield Input(
                self._draft.text(each.key), placeholder=each.hint, id=each.key, compact=True, select_on_focus=False,
                suggester=FieldSuggester(each.key, self._complete), disabled=self._draft.edits and each.fixed,
            )  # fmt: skip

    def on_mount(self) -> None:
        """Begin at the first field that can be written."""
        for field in self.query(Input):
            field.cursor_blink = False
        for thread in (self._clerk, self._examiner):
            thread.start()
        self._show_fitting_fields()
        self._usable()[0].focus()
        self._examiner.ask(self._draft)

    def on_unmount(self) -> None:
        """What was asked for is still done."""
        self._clerk.stop()
        self._examiner.stop()

    def size_changed(self) -> None:
        """Fields and verdict stand beside each other where there is room."""
        self.repaint()

    def snapshot_changed(self) -> None:
        """Only the header tells of it: what is written is a person's."""
        self.lines["header"].repaint()

    @property
    def chosen(self) -> list[Job]:
        """The job that the form was filled from."""
        return [self._draft.source] if self._draft.source else []

    # What is shown

    def _title(self, width: int, _height: int) -> list[Row]:
        source = self._draft.source
        if source is None:
            text = "A new job"
        else:
            text = f"{'Change' if self._draft.edits else 'A new job like'} {named(source)}"
        return [cut(pieces((f" {text}", STRONG)), width, self._glyphs.ellipsis)]

    def _advice(self, width: int, height: int) -> list[Row]:
        field = self.focused
        if not isinstance(field, Input) or not field.id:
            return []
        said = explained(field.id, field.value)
        rows = [advice_row(self._candidates, field.value, width, self._glyphs)]
        rows.append(cut(pieces((f" {plain(said)}", QUIET)), width, self._glyphs.ellipsis) if said else [])
        return rows[:height]

    def _verdict(self, width: int, height: int) -> list[Row]:
        return verdict_rows(self._examined, self._draft, self.key_of("submit"), width, self._glyphs)[:height]

    # Writing

    def _complete(self, key: str, text: str) -> list[str]:
        """Called from the suggester's thread; what it finds is shown below the field as well."""
        found = self._completer.candidates(key, text)
        self.app.call_from_thread(self._show_candidates, key, text, found)
        return found

    def _show_candidates(self, key: str, text: str, found: list[str]) -> None:
        field = self.focused
        if isinstance(field, Input) and (field.id, field.value) == (key, text):
            self._candidates = found
            self.lines["advice"].repaint()

    def on_input_changed(self) -> None:
        """Look at what it means by now."""
        texts = {field.id: field.value for field in self.query(Input) if field.id}
        self._draft = Draft(texts, self._draft.source, self._draft.edits)
        self._candidates = []
        self._submits = False
        self._show_fitting_fields()
        self._examiner.ask(self._draft)
        self.lines["verdict"].repaint()
        self.lines["advice"].repaint()

    def on_input_submitted(self) -> None:
        """To the next field."""
        self.action_field_below()

    def on_descendant_focus(self) -> None:
        """Other advice."""
        self._candidates = []
        field = self.focused
        if isinstance(field, Input) and field.id:
            key, value = field.id, field.value
            self.run_worker(lambda: self._complete(key, value), thread=True, group="advice", exclusive=True)
        self.lines["advice"].repaint()

    def _show_fitting_fields(self) -> None:
        """A command has no model, a training no command line."""
        hidden = TRAINER_FIELDS if self._draft.is_command else COMMAND_FIELDS
        for each in FIELDS:
            self.query_one(f"#row-{each.key}").display = each.key not in hidden

    def _usable(self) -> list[Input]:
        return [field for field in self.query(Input) if not field.disabled and field.parent and field.parent.display]

    def action_field_above(self) -> None:
        """To the field above."""
        self._step(-1)

    def action_field_below(self) -> None:
        """To the field below."""
        self._step(1)

    def _step(self, step: int) -> None:
        fields = self._usable()
        if self.focused in fields:
            self.set_focus(fields[(fields.index(self.focused) + step) % len(fields)])  # at once: more may be typed

    # Examining and submitting

    def _examine(self, draft: Draft) -> None:
        try:
            with self.setting.open_queue() as queue:
                examined = examine(draft, queue, self.setting.now())
        except YolotuiError as error:
            examined = Examined(draft, mistakes=(str(error),))
        self.post_message(DraftExamined(examined))

    def on_draft_examined(self, message: DraftExamined) -> None:
        """Show it, if it is of what stands there now."""
        if message.examined.draft == self._draft:
            self._examined = message.examined
            self.lines["verdict"].repaint()
            if self._submits:
                self._submit(message.examined)

    def action_submit(self) -> None:
        """Submit what is meant, as soon as it has been looked at."""
        if not self._may_change():
            return
        if self._examined and self._examined.draft == self._draft:
            self._submit(self._examined)
        else:
            self._submits = True

    def _submit(self, examined: Examined) -> None:
        self._submits = False
        if examined.spec is None:
            self.notify("\n".join(examined.mistakes), severity="error", markup=False)
            self._go_to_mistake(examined.mistakes[0])
        elif examined.draft.edits and examined.draft.source:
            self._clerk.ask(deeds.change(examined.draft.source, examined.spec, examined.priority, self.setting.now()))
        else:
            self._clerk.ask(deeds.submit(examined.spec, examined.priority))

    def _go_to_mistake(self, mistake: str) -> None:
        key = mistake.partition(":")[0]
        fields = {field.id: field for field in self._usable()}
        field = fields.get(key) or fields.get("arguments")
        if field is not None:
            field.focus()

    def on_verb_done(self, message: VerbDone) -> None:
        """Leave when it is done; stay with what was written when it was refused."""
        super().on_verb_done(message)
        if not message.refused:
            self._left(None)
            self.dismiss(None)

    def action_leave_form(self) -> None:
        """Leave; what was written is there again the next time."""
        self._left(self._draft)
        self.dismiss(None)
