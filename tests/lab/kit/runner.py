"""Scenarios: functions with a name that is a sentence, run one after the other, `ok NAME` or `FAIL NAME: why`."""
import pathlib
import shutil
import time
import traceback

from . import processes
from .daemon import Daemon
from .processes import LabError

SCENARIOS = []


def scenario(function):
    """Registers a scenario. It takes a Context; it fails by raising, most often through `check`."""
    SCENARIOS.append(function)
    return function


def check(condition, why):
    """why: what was seen, and what was expected."""
    if not condition:
        raise AssertionError(why)


def check_equal(seen, expected, what):
    check(seen == expected, f"{what}: seen {seen!r}, expected {expected!r}")


class Context:
    """What a scenario has to work with. daemon() is its own; shared() is one that all reading scenarios use."""

    def __init__(self, programs, folder):
        self.programs = programs
        self.folder = folder
        self.mark = 0
        self.used = []  # daemons of the running scenario, for their logs
        self._shared = None
        self._count = 0

    def own_folder(self):
        self._count += 1
        return self.folder / f"run-{self._count}"

    def daemon(self, **options):
        made = Daemon(self.programs, self.own_folder(), **options)
        self.used.append((made, 0))
        return made

    def shared(self):
        if self._shared is None or self._shared.process.poll() is not None:
            fresh = Daemon(self.programs, self.own_folder())
            self.used.append((fresh, 0))
            self._shared = fresh.__enter__()
        elif all(made is not self._shared for made, _ in self.used):
            self.used.append((self._shared, self._shared.mark()))
        return self._shared

    def end_shared(self):
        """Own daemons use the same ports: the shared one makes room."""
        if self._shared is not None:
            self._shared.__exit__()
            self._shared = None

    def figure(self, text):
        """A measured number, for the closing report."""
        print(f"figure {text}", flush=True)


def needs_own_daemon(function):
    function.own_daemon = True
    return function


def run(programs, folder, names, keep_logs):
    """Runs all scenarios, or those whose names contain one of names. Returns how many failed."""
    chosen = [one for one in SCENARIOS if not names or any(name in one.__name__ for name in names)]
    if not chosen:
        raise LabError(f"no scenario has a name with {' or '.join(names)}")
    # Scenarios that share a daemon first, so that it is started once.
    chosen.sort(key=lambda one: hasattr(one, "own_daemon"))
    context = Context(programs, folder)
    failures = 0
    for one in chosen:
        failures += 0 if _run_one(one, context, keep_logs) else 1
    context.end_shared()
    print(f"{len(chosen) - failures} scenarios passed, {failures} failed", flush=True)
    return failures


def _run_one(one, context, keep_logs):
    context.used = []
    if hasattr(one, "own_daemon"):
        context.end_shared()
    began = time.monotonic()
    trouble = None
    try:
        one(context)
    except (AssertionError, LabError) as seen:
        trouble = str(seen) or "an assertion failed"
    except Exception as seen:  # a fault of the scenario itself fails that scenario alone
        trouble = f"{type(seen).__name__}: {seen}\n{traceback.format_exc()}"
    if hasattr(one, "own_daemon"):
        for made, _ in context.used:
            made.remove_leftovers() if made.process else None
    if trouble is None:
        print(f"ok {one.__name__} ({time.monotonic() - began:.1f} s)", flush=True)
        return True
    first, *rest = trouble.splitlines()
    print(f"FAIL {one.__name__}: {first}", flush=True)
    for line in rest:
        print(f"    {line}")
    for made, since in context.used:
        print(f"    -- log of {made.log_path}")
        for line in made.lines()[since:][-60:]:
            print(f"    {line}")
        if keep_logs:
            kept = pathlib.Path(keep_logs) / f"{one.__name__}.log"
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(made.log_path, kept) if made.log_path.exists() else None
    return False
