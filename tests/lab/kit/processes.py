"""Starting and ending processes: only ever those that this run started, by their ids."""
import ctypes
import os
import pathlib
import signal
import subprocess
import time

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
LOADED = 6
_libc = ctypes.CDLL(None, use_errno=True)


class LabError(Exception):
    """Something of the lab itself went wrong: one line for a person."""


def adopt_orphans():
    """Makes this process the parent of whatever its descendants leave behind, so that nothing is lost from sight."""
    _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def die_with_parent(number=signal.SIGKILL):
    """For a fresh child: gets this signal when the process that started it ends, however that ends."""
    _libc.prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)


def start(command, log_path, **options):
    """Starts a process in a session of its own, with everything it says in a file, dead with us at the latest."""
    with open(log_path, "ab") as log:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                                preexec_fn=die_with_parent, **options)


def children_of(parent):
    """{pid: command line} of the living children of a process."""
    found = {}
    for folder in pathlib.Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
            if int(fields[1]) == parent and fields[0] != "Z":
                found[int(folder.name)] = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
        except (OSError, IndexError):
            pass  # it ended while we looked
    return found


def descendants_of(parent):
    found = {}
    for pid, command in children_of(parent).items():
        found[pid] = command
        found.update(descendants_of(pid))
    return found


def send(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def reap(seconds=0.0):
    """Takes the exit codes of adopted orphans; waits at most that long for all children to be gone."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            if time.monotonic() >= deadline:
                return
            time.sleep(0.01)


def _is_of_group(pid, group):
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return int(fields[2]) == group and fields[0] != "Z"
    except (OSError, IndexError):
        return False


def end(process):
    """Ends what start() has started, without asking, and whatever that has forked (NSD does): nobody holds its ports then."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()
    wait_until(lambda: not any(_is_of_group(pid, process.pid) for pid in descendants_of(os.getpid())), 5, "killed processes to be gone")


def end_all_descendants(patience=5.0):
    """Ends every process below this one: asks first, then insists."""
    for number, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, 5.0)):
        for pid in descendants_of(os.getpid()):
            send(pid, number)
        reap(seconds)


def wait_until(condition, seconds, what):
    """Polls until condition() is true and returns its value; raises what when it does not become so.

    seconds: how long that may take on a machine with nothing else to do. On a busy one all takes longer and is no fault,
    so six times as long is waited.
    """
    deadline = time.monotonic() + LOADED * seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise LabError(f"waited {LOADED * seconds:g} s for {what}")
        time.sleep(0.005)


def tail(path, lines=40):
    try:
        return pathlib.Path(path).read_text(errors="replace").splitlines()[-lines:]
    except OSError:
        return []
