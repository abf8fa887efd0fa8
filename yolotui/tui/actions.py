"""Everything that a key can do, screen by screen. The one registry: keys, footer, help and palette come from here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from textual.binding import Binding
from textual.keys import key_to_character

KEY_SIGNS: Final = {
    "plus": "+",
    "minus": "-",
    "equals_sign": "=",
    "slash": "/",
    "question_mark": "?",
    "colon": ":",
    "enter": "Enter",
    "escape": "Esc",
    "space": "Space",
    "up": "Up",
    "down": "Down",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "home": "Home",
    "end": "End",
    "left": "Left",
    "right": "Right",
    "tab": "Tab",
    "shift+tab": "Shift-Tab",
    "f2": "F2",
}


class Place(StrEnum):
    """A screen that has keys. The same key may do different things in different places."""

    QUEUE = "queue"
    TIMETABLE = "timetable"
    RUN = "run"
    FORM = "form"
    FILE = "file of jobs"
    COMPARE = "compare"
    EVENTS = "events"
    REPORT = "report"


class Topic(StrEnum):
    """What an action is about."""

    ACT = "Act on the marked jobs, else on the one under the cursor"
    LOOK = "Look"
    MOVE = "Move"
    PROGRAM = "Program"


@dataclass(frozen=True)
class Action:
    """One thing that a key does.

    `name` is the handler (`action_<name>`) and what `[keys]` in the configuration calls it; `label` stands in the
    footer, `help` is a line for people. `changes` marks what a read-only dashboard refuses. `rank` orders the footer;
    0 keeps an action out of it. `places` are the screens where it works; its keys are the same in all of them.
    """

    name: str
    keys: tuple[str, ...]
    label: str
    help: str
    topic: Topic
    changes: bool = False
    rank: int = 0
    places: tuple[Place, ...] = (Place.QUEUE,)

    @property
    def key_sign(self) -> str:
        """The first key as people read it."""
        return sign_of(self.keys[0])


TIMETABLE_ACTIONS: Final = tuple(
    Action(name, keys, label, text, topic, rank=rank, places=(Place.TIMETABLE,))
    for name, keys, label, text, topic, rank in (
        ("track_above", ("up", "k"), "GPU above", "To the GPU above.", Topic.MOVE, 0),
        ("track_below", ("down", "j"), "GPU below", "To the GPU below.", Topic.MOVE, 0),
        ("earlier", ("left", "h"), "earlier", "Earlier by a cell; the window follows.", Topic.MOVE, 0),
        ("later", ("right", "l"), "later", "Later by a cell; the window follows.", Topic.MOVE, 0),
        ("earlier_page", ("pageup",), "page back", "Earlier by most of a window.", Topic.MOVE, 0),
        ("later_page", ("pagedown",), "page on", "Later by most of a window.", Topic.MOVE, 0),
        ("previous_span", ("left_square_bracket",), "job before", "To the job or booking before.", Topic.MOVE, 5),
        ("next_span", ("right_square_bracket",), "job after", "To the job or booking after.", Topic.MOVE, 6),
        ("to_now", ("n", "home"), "now", "Back to now, with all plans in sight.", Topic.MOVE, 7),
        ("finer", ("plus", "equals_sign"), "zoom", "Less time in more room.", Topic.LOOK, 3),
        ("coarser", ("minus",), "wider", "More time in less room.", Topic.LOOK, 4),
        ("find_job", ("slash",), "find", "Go to a job: its id, or words of it.", Topic.LOOK, 8),
        ("show_job", ("enter",), "show job", "Back to the queue, with the cursor on this job.", Topic.LOOK, 9),
        ("colour_by", ("o",), "colours", "Colour by owner, or by group.", Topic.LOOK, 10),
        ("leave_timetable", ("escape", "t"), "back", "Back to the queue.", Topic.LOOK, 2),
    )
)

EVERYWHERE: Final = tuple(place for place in Place if place not in {Place.FORM, Place.FILE})
"""Where letters are keys: not where people write with them."""

FORM_ACTIONS: Final = (
    Action("submit", ("f2",), "submit", "Submit what is written, or the whole file.", Topic.ACT, changes=True, rank=1,
           places=(Place.FORM, Place.FILE)),
    Action("field_above", ("up",), "field above", "To the field above.", Topic.MOVE, rank=4, places=(Place.FORM,)),
    Action("field_below", ("down",), "field below", "To the field below; Enter does so, too.", Topic.MOVE, rank=5,
           places=(Place.FORM,)),
    Action("leave_form", ("escape",), "back", "Back to the queue; what was written stays for the next time.",
           Topic.LOOK, rank=2, places=(Place.FORM,)),
    Action("rows_up", ("pageup",), "page up", "Towards the first job of the file.", Topic.MOVE, places=(Place.FILE,)),
    Action("rows_down", ("pagedown",), "page down", "Towards the last job of the file.", Topic.MOVE,
           places=(Place.FILE,)),
    Action("leave_file", ("escape",), "back", "Back to the queue.", Topic.LOOK, rank=2, places=(Place.FILE,)),
)  # fmt: skip

BOTH: Final = (Place.QUEUE, Place.TIMETABLE)
ON_JOBS: Final = (Place.QUEUE, Place.RUN)
WITH_CURVES: Final = (Place.RUN, Place.COMPARE)
WITH_ROWS: Final = (*ON_JOBS, Place.COMPARE, Place.EVENTS, Place.REPORT)
"""The screens on which rows are moved through."""

VIEW_ACTIONS: Final = (
    Action("next_page", ("tab",), "next page", "The next page.", Topic.LOOK, rank=1, places=(Place.RUN,)),
    Action("previous_page", ("shift+tab",), "page before", "The page before.", Topic.LOOK, places=(Place.RUN,)),
    Action("left", ("left", "h"), "cursor", "Move the cursor of the curves back, and read their values.", Topic.LOOK,
           rank=1, places=WITH_CURVES),
    Action("right", ("right", "l"), "on", "Move the cursor of the curves on.", Topic.LOOK, places=WITH_CURVES),
    Action("health", ("exclamation_mark",), "health", "What the health rules have found in the run, and what to do.",
           Topic.LOOK, rank=13, places=ON_JOBS),
    Action("search", ("slash",), "search", "Search: in the log of a run, in events.", Topic.LOOK, rank=1,
           places=(Place.RUN, Place.EVENTS)),
    Action("next_match", ("n",), "next", "The next line that was searched for.", Topic.LOOK, places=(Place.RUN,)),
    Action("previous_match", ("N",), "before", "The line before that was searched for.", Topic.LOOK,
           places=(Place.RUN,)),
    Action("axis", ("t",), "epochs/time", "Curves by epoch, or by hours of training.", Topic.LOOK, rank=1,
           places=(Place.COMPARE,)),
    Action("next_metric", ("m",), "metric", "Curves of the next score or loss.", Topic.LOOK, rank=1,
           places=(Place.COMPARE,)),
    Action("period", ("t",), "period", "Today, the night, the week.", Topic.LOOK, rank=1, places=(Place.REPORT,)),
    Action("compare", ("V",), "compare", "Lay the marked runs over one another: curves, arguments, cost.", Topic.LOOK,
           rank=15),
    Action("events", ("E",), "events", "Who did what and when, and what needs attention.", Topic.LOOK, rank=16,
           places=ON_JOBS),
    Action("report", ("w",), "report", "Who used the GPUs for what, and when they were idle.", Topic.LOOK, rank=17),
    Action("enlarge", ("enter",), "enlarge", "Give the picture of a file the whole room, and back.", Topic.LOOK,
           places=(Place.RUN,)),
)  # fmt: skip

ACTIONS: Final = (
    Action("up", ("up", "k"), "up", "To the row above.", Topic.MOVE,
           places=WITH_ROWS),
    Action("down", ("down", "j"), "down", "To the row below.", Topic.MOVE,
           places=WITH_ROWS),
    Action("page_up", ("pageup",), "page up", "A screenful up; in curves a tenth of the epochs back.", Topic.MOVE,
           places=WITH_ROWS),
    Action("page_down", ("pagedown",), "page down", "A screenful down; in curves a tenth of the epochs on.", Topic.MOVE,
           places=WITH_ROWS),
    Action("first", ("home", "g"), "first", "To the first row.", Topic.MOVE,
           places=WITH_ROWS),
    Action("last", ("end", "G"), "last", "To the last row; a log is followed from there on.", Topic.MOVE,
           places=WITH_ROWS),
    Action("mark", ("space",), "mark", "Mark the job, or unmark it, and go on to the next.", Topic.MOVE, rank=7),
    Action("mark_range", ("v",), "range", "Mark from here to where the cursor goes; once more ends the range.",
           Topic.MOVE),
    Action("fold", ("o",), "fold", "Show the job's group in one row, or its jobs again.", Topic.LOOK, rank=11),
    Action("fold_all", ("O",), "fold all", "Show every group in one row, or all jobs again.", Topic.LOOK),
    Action("filter", ("slash",), "filter", "Show only jobs with these words in name, state, owner, @group, P1.",
           Topic.LOOK, rank=4),
    Action("sort", ("s",), "sort", "Next order: queue, newest, priority, name, metric.", Topic.LOOK, rank=12),
    Action("open_run", ("enter",), "open", "Open the run: curves, log, arguments, attempts, files.", Topic.LOOK,
           rank=5, places=(Place.QUEUE, Place.EVENTS, Place.REPORT)),
    Action("zoom", ("z",), "zoom", "Give the run's panel the whole screen, and back.", Topic.LOOK),
    Action("log", ("l",), "log", "Show the end of the run's log, or hide it.", Topic.LOOK, rank=6),
    Action("back", ("escape",), "back", "Back: leave screen, zoom, cursor, search; take the marks away.", Topic.LOOK,
           rank=18, places=WITH_ROWS),
    Action("copy", ("y",), "copy path", "Copy the path of the run's directory, or of the file.", Topic.LOOK, rank=14,
           places=ON_JOBS),
    Action("raise_priority", ("plus", "equals_sign"), "priority", "More urgent by one class, up to P0.", Topic.ACT,
           changes=True, rank=3,
           places=ON_JOBS),
    Action("lower_priority", ("minus",), "later", "Less urgent by one class, down to P3.", Topic.ACT, changes=True,
           places=ON_JOBS),
    Action("pause", ("p",), "pause", "Stop trainings at the end of their epoch; resume paused ones.", Topic.ACT,
           changes=True, rank=2, places=(*BOTH, Place.RUN)),
    Action("kill", ("x",), "kill", "End what runs, take out of the queue what waits; asks first.", Topic.ACT,
           changes=True, rank=1, places=(*BOTH, Place.RUN)),
    Action("hold", ("H",), "hold", "Keep waiting jobs from starting; release those that are held.", Topic.ACT,
           changes=True, rank=9, places=(*BOTH, Place.RUN)),
    Action("undo", ("u",), "undo", "Take back your last change of priority, hold, release or cancel.", Topic.ACT,
           changes=True, rank=8, places=BOTH),
    Action("retry", ("R",), "retry", "Try failed, cancelled or skipped jobs again.", Topic.ACT, changes=True, rank=10,
           places=ON_JOBS),
    Action("checkpoint", ("c",), "checkpoint", "Have running trainings write a checkpoint now.", Topic.ACT,
           changes=True, rank=13,
           places=ON_JOBS),
    Action("finish", ("f",), "finish", "Have trainings end now with what they have; asks first.", Topic.ACT,
           changes=True, rank=12,
           places=ON_JOBS),
    Action("start_scheduler", ("S",), "scheduler", "Start a scheduler where none runs.", Topic.PROGRAM, changes=True,
           places=EVERYWHERE),
    Action("palette", ("colon",), "commands", "Search for a command.", Topic.PROGRAM, places=EVERYWHERE),
    Action("timetable", ("t",), "timetable", "Show what each GPU did, does and will do.", Topic.LOOK, rank=11),
    Action("book", ("b",), "book", "Book GPUs from the cursor on; what it moves is shown before.", Topic.ACT,
           changes=True, rank=3, places=(Place.TIMETABLE,)),
    Action("move_booking", ("m",), "move booking", "Give the booking under the cursor another window.", Topic.ACT,
           changes=True, places=(Place.TIMETABLE,)),
    Action("extend_booking", ("e",), "extend", "Let the booking under the cursor end later, or sooner.", Topic.ACT,
           changes=True, places=(Place.TIMETABLE,)),
    Action("transfer_booking", ("T",), "hand over", "Make the booking under the cursor somebody else's.", Topic.ACT,
           changes=True, places=(Place.TIMETABLE,)),
    Action("unbook", ("d",), "unbook", "Take the booking under the cursor back; asks first.", Topic.ACT, changes=True,
           places=(Place.TIMETABLE,)),
    Action("add", ("a",), "add", "Write a new job into the form.", Topic.ACT, changes=True, rank=4),
    Action("clone", ("C",), "clone", "Open the form filled from this job.", Topic.ACT, changes=True),
    Action("edit", ("e",), "edit", "Change a job that waits.", Topic.ACT, changes=True, rank=11),
    Action("jobs_file", ("F",), "file", "Look into a file of jobs, and submit it.", Topic.ACT, changes=True),
    *TIMETABLE_ACTIONS,
    *VIEW_ACTIONS,
    *FORM_ACTIONS,
    Action("help", ("question_mark",), "help", "Show this help.", Topic.PROGRAM, rank=-2, places=EVERYWHERE),
    Action("quit", ("q",), "quit", "Leave the dashboard. Jobs and scheduler go on without it.", Topic.PROGRAM, rank=-1,
           places=EVERYWHERE),
)  # fmt: skip


def sign_of(key: str) -> str:
    """A key as people read it."""
    return KEY_SIGNS.get(key) or key_to_character(key) or key


def at(place: Place, actions: Iterable[Action] = ACTIONS) -> tuple[Action, ...]:
    """The actions that work on a screen."""
    return tuple(action for action in actions if place in action.places)


def bindings(place: Place, actions: Iterable[Action] = ACTIONS) -> list[Binding]:
    """The key bindings of a screen. The application's keymap replaces their keys by those of the configuration.

    In a form they go before what the fields do with keys, so that what is typed quickly lands where it is meant.
    """
    first = place is Place.FORM
    return [
        Binding(",".join(action.keys), action.name, action.help, show=False, id=action.name, priority=first)
        for action in at(place, actions)
    ]
