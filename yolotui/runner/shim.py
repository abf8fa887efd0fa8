"""The parent of one attempt: claims it, starts the trainer in a session of its own, buries it, writes `exit.json`.

    PYTHON -I -S shim.py ATTEMPT_DIR

Stands alone (standard library, no sibling modules) so that it starts in a few milliseconds. It ignores the signals
that a terminal or a logout sends: only the scheduler decides about the trainer. Exit codes: 0 the attempt has ended
and `exit.json` says how, 2 wrong use, 3 somebody else holds the claim and nothing was started.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import signal
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing typing costs milliseconds
    from typing import Any

DONE, WRONG_USE, CLAIMED_BY_ANOTHER = 0, 2, 3
NOT_FOUND, NOT_EXECUTABLE = 127, 126
DEFAULT_KILL_GRACE_S = 10.0
LONGEST_BACK_OFF_S = 30.0
PR_SET_CHILD_SUBREAPER = 36
IGNORED_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE)


class StartError(Exception):
    """The trainer could not be started; `exit_code` is what a shell would have answered."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class Ending:
    """How the main child ended, and what it left behind."""

    def __init__(self) -> None:
        self.exit_code: int | None = None
        self.signal: int | None = None
        self.error: str | None = None
        self.max_rss_bytes = 0
        self.leftovers_killed = 0
        self.oom_kills: int | None = None

    def take(self, status: int, max_rss_kib: int) -> None:
        """Translate a `wait` status."""
        if os.WIFSIGNALED(status):
            self.signal = os.WTERMSIG(status)
        else:
            self.exit_code = os.WEXITSTATUS(status)
        self.max_rss_bytes = max_rss_kib * 1024


def main(argv: list[str]) -> int:
    """Run one attempt from claim to `exit.json`."""
    if len(argv) != 2:
        sys.stderr.write("usage: shim.py ATTEMPT_DIR\n")
        return WRONG_USE
    attempt_dir = os.path.abspath(argv[1])
    # Blocked before the first child exists, so that sigtimedwait() can wait for "a child ended" without polling.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    for number in IGNORED_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    if not claim(attempt_dir):
        return CLAIMED_BY_ANOTHER
    started_at = time.time()
    ending = Ending()
    launch: dict[str, Any] = {}
    try:
        launch = read_launch(attempt_dir)
        become_subreaper()
        oom_kills_before = oom_kills()
        pid = spawn(attempt_dir, launch, started_at)
        wait_for(pid, ending)
        ending.oom_kills = difference(oom_kills_before, oom_kills())
        ending.leftovers_killed = bury_leftovers(float(launch.get("kill_grace_s", DEFAULT_KILL_GRACE_S)))
    except StartError as problem:
        ending.error, ending.exit_code = str(problem), problem.exit_code
    write_exit(attempt_dir, ending, started_at)
    follow_up(launch.get("follow_up"))
    return DONE


# --- identity and claim ---------------------------------------------------------------------------------------------


def start_ticks(pid: int) -> int | None:
    """The kernel's start time of a process in clock ticks since boot; None when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            return int(stat.read().rpartition(b")")[2].split()[19])
    except OSError:
        return None


def boot_id() -> str:
    """This boot of this machine: pids and ticks mean nothing across a reboot."""
    with open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip()


def claim(attempt_dir: str) -> bool:
    """Take the attempt. False when another has it: a link appears whole, with its content, or not at all.

    Once it is ours it is seen to, whatever the disk says to the rest: nobody else would start it.
    """
    me = {"pid": os.getpid(), "start_ticks": start_ticks(os.getpid()), "boot_id": boot_id(), "by": "shim"}
    temporary = os.path.join(attempt_dir, f"claim.{os.getpid()}.tmp")
    write_durably(temporary, me)
    try:
        os.link(temporary, os.path.join(attempt_dir, "claim"))
    except FileExistsError:
        return False
    finally:
        remove(temporary)
    try:
        fsync_directory(attempt_dir)
    except OSError as problem:
        sys.stderr.write(f"claim: {problem}\n")
    return True


# --- start ----------------------------------------------------------------------------------------------------------


def read_launch(attempt_dir: str) -> dict[str, Any]:
    """What to start; raises StartError when the order can't be read."""
    try:
        with open(os.path.join(attempt_dir, "launch.json"), "rb") as file:
            launch = json.load(file)
        if not launch["argv"]:
            raise ValueError("argv is empty")
        return dict(launch)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as problem:
        raise StartError(f"launch.json can't be used: {problem!r}", NOT_EXECUTABLE) from problem


def become_subreaper() -> None:
    """Orphans of the trainer (daemons, data workers) become our children instead of init's."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def spawn(attempt_dir: str, launch: dict[str, Any], started_at: float) -> int:
    """Start the trainer and return its pid once it has really become that program.

    Nothing of it runs before its pid is written down: were this process killed in between, nobody would find it.

    Raises StartError, with the reason that exec gave. fork + exec by hand: importing subprocess costs more than all
    the rest of this file, and this process has one thread.
    """
    reader, writer = os.pipe()  # both close on exec: end of file means that exec worked
    gate, opener = os.pipe()
    console = open_console(attempt_dir)
    pid = os.fork()
    if pid == 0:
        os.close(opener)
        become_trainer(launch, console, writer, gate)
    os.close(writer)
    os.close(console)
    record_process(attempt_dir, pid, started_at)
    os.write(opener, b"1")  # we hold the gate as well, so that this never meets a closed pipe
    os.close(opener)
    os.close(gate)
    with os.fdopen(reader, "rb") as pipe:
        complaint = pipe.read()
    if complaint:
        os.waitpid(pid, 0)
        forget_process(attempt_dir)
        exit_code, _, message = complaint.decode().partition(" ")
        raise StartError(message, int(exit_code))
    return pid


def open_console(attempt_dir: str) -> int:
    """The trainer's output; a disk that refuses the file costs the output, not the training."""
    try:
        return os.open(os.path.join(attempt_dir, "console.log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError:
        return os.open(os.devnull, os.O_WRONLY)


def become_trainer(launch: dict[str, Any], console: int, writer: int, gate: int) -> None:
    """In the forked child: set the stage, wait for the gate, exec. Never returns."""
    missing = ""
    try:
        os.setsid()
        restore_signals()
        signal.pthread_sigmask(signal.SIG_SETMASK, set())
        os.umask(launch.get("umask", 0o077))
        volunteer_for_oom(launch.get("oom_score_adj"))
        take_stdio(console)
        missing = "no such directory: {}".format(launch["cwd"])
        os.chdir(launch["cwd"])
        argv = [str(word) for word in launch["argv"]]
        if not os.read(gate, 1):  # it can't open any more: the shim is dead
            os._exit(NOT_EXECUTABLE)
        missing = f"no such command: {argv[0]}"
        if len(argv) == 1 and " " in argv[0]:
            missing += " (one word with spaces; a line for a shell is run with sh -c '...')"
        os.execvpe(argv[0], argv, {str(key): str(value) for key, value in launch["env"].items()})  # noqa: S606 - no shell, on purpose
    except BaseException as problem:  # noqa: BLE001 - whatever it was, the parent must hear of it
        code = NOT_FOUND if isinstance(problem, (FileNotFoundError, NotADirectoryError)) else NOT_EXECUTABLE
        # The search through PATH complains about the last place that it looked in, which nobody has asked for.
        message = missing if code == NOT_FOUND and missing else f"{type(problem).__name__}: {problem}"
        os.write(writer, f"{code} {message}".encode())
    os._exit(NOT_EXECUTABLE)


def restore_signals() -> None:
    """Every signal does what it does by default, whatever this process or the one that started it has ignored."""
    for number in (*IGNORED_SIGNALS, signal.SIGQUIT, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)


def volunteer_for_oom(score: int | None) -> None:
    """Let the kernel take a training rather than the scheduler when memory runs out. Refusal is no harm."""
    if score is None:
        return
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write(str(int(score)))
    except OSError:
        pass


def take_stdio(output: int) -> None:
    """stdin from /dev/null, stdout and stderr to `output`."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)


def record_process(attempt_dir: str, pid: int, started_at: float) -> None:
    """Write `process.json`. A full disk must not keep a training from starting: the tag in its environment remains.

    It need not be on the disk: after a power cut no process is left to be found.
    """
    process = {"pid": pid, "start_ticks": start_ticks(pid), "boot_id": boot_id(), "started_at": started_at}
    path = os.path.join(attempt_dir, "process.json")
    try:
        write(path + ".tmp", process)
        os.replace(path + ".tmp", path)
    except OSError as problem:
        sys.stderr.write(f"process.json: {problem}\n")


def forget_process(attempt_dir: str) -> None:
    """Take back `process.json`: what it names has never been the trainer."""
    remove(os.path.join(attempt_dir, "process.json"))


# --- the end --------------------------------------------------------------------------------------------------------


def wait_for(pid: int, ending: Ending) -> None:
    """Reap whatever ends until the main child has ended."""
    while True:
        ended, status, usage = os.wait4(-1, 0)
        if ended == pid:
            ending.take(status, usage.ru_maxrss)
            return


def oom_kills() -> int | None:
    """How often the kernel has killed for want of memory: in our control group, else on the whole machine."""
    for path in memory_counters():
        try:
            with open(path) as file:
                for line in file:
                    name, _, count = line.partition(" ")
                    if name == "oom_kill":
                        return int(count)
        except (OSError, ValueError):
            continue
    return None


def memory_counters() -> list[str]:
    """Where the kernel counts, the nearest first: control groups of version 2, of version 1, the machine."""
    paths = []
    try:
        with open("/proc/self/cgroup") as file:
            for line in file:
                _, controllers, group = line.rstrip("\n").split(":", 2)
                if not controllers:
                    paths.append(f"/sys/fs/cgroup{group}/memory.events")
                elif "memory" in controllers.split(","):
                    paths += [f"/sys/fs/cgroup/memory{each}/memory.oom_control" for each in (group, "")]
    except (OSError, ValueError):
        pass
    return [*paths, "/proc/vmstat"]


def difference(before: int | None, after: int | None) -> int | None:
    """What was counted in between; None where it could not be."""
    return None if before is None or after is None else after - before


def bury_leftovers(grace_s: float) -> int:
    """Give remaining descendants `grace_s` seconds to leave, then kill them. Returns how many had to be killed."""
    deadline = time.monotonic() + grace_s
    killed: set[int] = set()
    while reap_ended():
        remaining_s = deadline - time.monotonic()
        if remaining_s > 0:
            signal.sigtimedwait({signal.SIGCHLD}, remaining_s)
            continue
        # What a killed child leaves becomes our child in turn, so this ends only when nothing is left that can be.
        victims = [child for child in children() if kill(child)]
        if not victims:
            break
        killed.update(victims)
        signal.sigtimedwait({signal.SIGCHLD}, 1.0)
    return len(killed)


def kill(pid: int) -> bool:
    """SIGKILL; False for what is gone already or belongs to somebody else (a set-uid program): that is left alone."""
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        return False
    return True


def reap_ended() -> bool:
    """Reap the children that have ended; True while others live."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return False
        if pid == 0:
            return True


def children() -> list[int]:
    """The direct children of this process that still run."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", "rb") as stat:
                    state, parent = stat.read().rpartition(b")")[2].split()[:2]
            except OSError:
                continue
            if int(parent) == os.getpid() and state != b"Z":
                found.append(int(entry))
    return found


def write_exit(attempt_dir: str, ending: Ending, started_at: float) -> None:
    """Write `exit.json`, for as long as it takes: a full disk delays it, a removed run directory ends it."""
    path = os.path.join(attempt_dir, "exit.json")
    content = dict(vars(ending), started_at=started_at, ended_at=time.time())
    back_off_s = 0.1
    while os.path.isdir(attempt_dir):
        try:
            write_durably(path + ".tmp", content)
            os.replace(path + ".tmp", path)
            fsync_directory(attempt_dir)
            return
        except OSError as problem:
            sys.stderr.write(f"exit.json: {problem}\n")
            time.sleep(back_off_s)
            back_off_s = min(back_off_s * 2, LONGEST_BACK_OFF_S)


def follow_up(order: dict[str, Any] | None) -> None:
    """Start a scheduler where nobody leads: the night goes on although its leader was killed."""
    if not order:
        return
    try:
        lock = os.open(order["lock"], os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return  # somebody leads
    os.close(lock)
    if os.fork() == 0:
        try:
            become_follower(order)
        finally:
            os._exit(NOT_EXECUTABLE)


def become_follower(order: dict[str, Any]) -> None:
    """In the forked child: exec the scheduler, detached."""
    os.setsid()
    os.umask(order.get("umask", 0o022))
    restore_signals()
    signal.pthread_sigmask(signal.SIG_SETMASK, set())
    take_stdio(os.open(os.devnull, os.O_WRONLY))
    os.execvpe(order["argv"][0], order["argv"], order["env"])  # noqa: S606 - no shell, on purpose


# --- durable files --------------------------------------------------------------------------------------------------


def write_durably(path: str, content: dict[str, Any]) -> None:
    """Write JSON and wait until it is on the disk; no half-written file stays behind."""
    write(path, content, durably=True)


def write(path: str, content: dict[str, Any], *, durably: bool = False) -> None:
    """Write JSON; no half-written file stays behind."""
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(content, file)
            file.flush()
            if durably:
                os.fsync(file.fileno())
    except OSError:
        if os.path.exists(path):
            os.unlink(path)
        raise


def remove(path: str) -> None:
    """A disk that refuses costs no more than the room."""
    try:
        os.unlink(path)
    except OSError as problem:
        sys.stderr.write(f"{os.path.basename(path)}: {problem}\n")


def fsync_directory(path: str) -> None:
    """Make a rename or a link durable."""
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
