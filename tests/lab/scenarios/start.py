"""Start and end of a healthy resolverd."""
import signal
import statistics
import time

from kit import processes
from kit.daemon import END_SECONDS, NOBODY, first_answer_seconds
from kit.load import DatagramLoad
from kit.runner import check, check_equal, needs_own_daemon, scenario
from kit.tools import ask

FIRST_ANSWER_ROUNDS = 11
FIRST_ANSWER_BOUND = 5.0  # generous: the machine may be busy; the figure is what counts


def account_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        fields = dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)
    return fields


@scenario
@needs_own_daemon
def five_processes_each_with_its_own_user(context):
    with context.daemon() as daemon:
        roles = daemon.wait_for_roles()
        users = {role: account_of(pid)["Uid"].split() for role, pid in roles.items()}
        for role, ids in users.items():
            check(len(set(ids)) == 1 and ids[0] != "0", f"{role} runs with user ids {ids}")
        check_equal(len({ids[0] for ids in users.values()}), len(roles), f"different users ({users})")
        for role, pid in roles.items():
            status = account_of(pid)
            check_equal((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"), f"no-new-privileges and seccomp mode of {role}")
            check_equal((status["CapEff"], status["CapPrm"]), ("0" * 16, "0" * 16), f"capabilities of {role}")


@scenario
@needs_own_daemon
def an_ordinary_user_runs_it_on_high_ports(context):
    with context.daemon(user=NOBODY) as daemon:
        check_equal(ask("www.alpha.lab-tld").data("A"), ["192.0.2.80"], "the answer over UDP")
        check_equal(ask("www.gamma.bind-tld", tcp=True).data("A"), ["192.0.2.82"], "the answer over TCP")
        code, output, trouble = daemon.ctl("status")
        check_equal(code, 0, f"exit code of status ({output}{trouble})")
        for role, pid in daemon.wait_for_roles().items():
            status = account_of(pid)
            check_equal((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"), f"no-new-privileges and seccomp mode of {role}")


@scenario
@needs_own_daemon
def sigterm_ends_it_cleanly(context):
    with context.daemon() as daemon:
        daemon.wait_for_roles()
        load = DatagramLoad(200)
        load.start()
        load.wait_for_more(100)
        load.finish()
        began = time.monotonic()
        daemon.process.send_signal(signal.SIGTERM)
        code = daemon.process.wait(END_SECONDS)
        took = time.monotonic() - began
        check_equal(code, 0, "exit code after SIGTERM")
        check(took < 10, f"the end took {took:.1f} s")
        check(not daemon.leftovers(), f"left running: {daemon.leftovers()}")
        context.figure(f"SIGTERM to exit: {took * 1000:.0f} ms")


@scenario
@needs_own_daemon
def sigterm_ends_it_cleanly_under_load(context):
    with context.daemon() as daemon:
        load = DatagramLoad(500)
        load.start()
        load.wait_for_more(250)
        daemon.process.send_signal(signal.SIGTERM)
        code = daemon.process.wait(END_SECONDS)
        load.finish()
        check_equal(code, 0, "exit code after SIGTERM under load")
        check(not daemon.leftovers(), f"left running: {daemon.leftovers()}")


@scenario
@needs_own_daemon
def it_starts_again_in_the_state_that_it_left(context):
    daemon = context.daemon()
    for _ in range(3):
        with daemon:
            check(daemon.answers(seconds=5), "no answer")
            daemon.process.send_signal(signal.SIGKILL)  # the roughest end, with everything left lying around
            daemon.process.wait()
            processes.wait_until(lambda: not daemon.leftovers(), 5, "the roles to end")


@scenario
@needs_own_daemon
def the_first_answer_comes_soon_after_exec(context):
    seconds = []
    for _ in range(FIRST_ANSWER_ROUNDS):
        daemon = context.daemon()
        try:
            seconds.append(first_answer_seconds(daemon))
        finally:
            daemon.__exit__()
    median = statistics.median(seconds)
    context.figure(f"exec to first answer, resolved from the root: median {median * 1000:.1f} ms of {len(seconds)} "
                   f"({min(seconds) * 1000:.1f} to {max(seconds) * 1000:.1f})")
    check(median < FIRST_ANSWER_BOUND, f"median {median:.3f} s")
