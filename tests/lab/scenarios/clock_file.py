"""Time as a file says: in builds with test hooks alone (`tests/lab/lab test --programs build/test-hooks clock_file`)."""
import subprocess
import time

from kit import processes
from kit.runner import check, check_equal, needs_own_daemon, scenario
from kit.tools import ask

NAME = "five-minutes.alpha.lab-tld"


def run(context, *arguments):
    return subprocess.run([str(context.programs / "resolverd"), *arguments], capture_output=True, text=True, timeout=10)


def has_hooks(context):
    return run(context, "--clock-offset-file", "anything", "--version").returncode == 0


def ttl():
    answer = ask(NAME)
    check_equal(answer.data("A"), ["192.0.2.83"], "the address")
    return answer.answers[0].ttl


def check_refused(context):
    refused = run(context, "--clock-offset-file", "anything")
    check_equal(refused.returncode, 2, "the exit code of shipped programs")
    check("unknown argument '--clock-offset-file'" in refused.stderr, f"it said {refused.stderr!r}")


@scenario
@needs_own_daemon
def the_clock_file_lets_time_pass_in_test_builds_and_is_unknown_to_others(context):
    if not has_hooks(context):
        return check_refused(context)
    file = context.folder / "clock-offset"
    file.write_text("0\n")
    with context.daemon(arguments=("--clock-offset-file", str(file))) as daemon:
        check(ttl() >= 295, "a fresh TTL of 300")
        file.write_text("200\n")
        processes.wait_until(lambda: 90 <= ttl() <= 100, 5, "200 s to have passed")
        check_equal(daemon.ctl("cache", "show", NAME)[0], 0, "the cache's exit code")
        begin = time.monotonic()
        file.write_text("301.5\n")
        processes.wait_until(lambda: ttl() >= 295, 5, "the record to be fetched again")
        context.figure(f"clock file: a jump is seen after {(time.monotonic() - begin) * 1000:.0f} ms, a dig included")
        check_equal(ask("www.alpha.lab-tld").status, "NOERROR", "another name after the jump")
