"""Days on which the machine has nothing left: what is known is answered, the rest fails with a reason, and it passes."""
import os
import pathlib
import resource
import signal
import subprocess
import time

from kit import dns_client, plan, processes
from kit.daemon import NOBODY
from kit.runner import check, check_equal, needs_own_daemon, scenario
from kit.tools import ask, metrics

UNVALIDATED = {"validation": {"enabled": False}}
MANY = 30_000
STUCK_SECONDS = 16  # asked every two seconds, ten of patience, and the start


def counted(name, label=""):
    return sum(value for series, value in metrics().items() if series.split("{")[0] == name and label in series)


def rcode(name):
    reply = dns_client.exchange(name, "A", "127.0.0.1", 5300, seconds=8)
    return reply.rcode if reply else "silence"


def ask_many(count, batch=50):
    """Names never asked before, as fast as they are answered: how many were."""
    answered = 0
    with dns_client.datagram_socket("127.0.0.1", 5300) as opened:
        for first in range(0, count, batch):
            got = 0
            try:
                for number in range(first, first + batch):
                    opened.send(dns_client.query(f"m{number}.wild.alpha.lab-tld", "A", number & 0xffff))
                opened.settimeout(0.1)
                while got < batch:
                    got += dns_client.parse(opened.recv(4096)).rcode == "NOERROR"
            except OSError:
                pass  # nothing more comes of this batch, or nobody is there at the moment
            answered += got
    return answered


def limit(pid, option):
    """As that process's own user, which is allowed to."""
    subprocess.run(["prlimit", "--pid", str(pid), option], check=True, user=NOBODY, group=NOBODY, extra_groups=[])


@scenario
@needs_own_daemon
def without_descriptors_what_is_known_is_answered_and_the_rest_says_why(context):
    # Ports that the kernel gives to no kept socket: with one of those the next question would be answered.
    resolution = {"root-hints": plan.ROOT_HINTS, "outgoing": {"ports": "1024-32767"}}
    with context.daemon(settings={"resolution": resolution} | UNVALIDATED, user=NOBODY) as daemon:
        resolver = daemon.wait_for_roles()["resolver"]
        check_equal(rcode("www.alpha.lab-tld"), "NOERROR", "rcode before")
        limit(resolver, "--nofile=0:")
        unknown = ask("w1.wild.alpha.lab-tld")
        check_equal(unknown.status, "SERVFAIL", "status of what is not known")
        check("no local port or descriptor left" in unknown.text, f"the reason is missing in {unknown.text}")
        check_equal(rcode("www.alpha.lab-tld"), "NOERROR", "rcode of what is known")
        check(counted("redoubt_upstream_no_resources_total") > 0, "no query was counted")
        limit(resolver, "--nofile=4096:")
        check_equal(rcode("w2.wild.alpha.lab-tld"), "NOERROR", "rcode once there are descriptors again")
        check_equal(daemon.wait_for_roles()["resolver"], resolver, "the resolver's process")


@scenario
@needs_own_daemon
def without_memory_work_is_lost_or_the_resolver_begins_anew_and_it_passes(context):
    with context.daemon(settings=UNVALIDATED, user=NOBODY) as daemon:
        resolver = daemon.wait_for_roles()["resolver"]
        check_equal(rcode("www.alpha.lab-tld"), "NOERROR", "rcode before")
        # What it may write to, for an allocator reserves addresses long before it uses them.
        size = int(pathlib.Path(f"/proc/{resolver}/statm").read_text().split()[5]) * resource.getpagesize()
        limit(resolver, f"--data={size}:")
        answered = ask_many(MANY)
        after = daemon.wait_for_roles()["resolver"]
        if after == resolver:
            try:
                limit(resolver, "--data=unlimited:")
            except subprocess.CalledProcessError:  # it has ended since, for want of memory: the next one has no limit
                after = processes.wait_until(lambda: (now := daemon.wait_for_roles())["resolver"] != resolver and now, 15,
                                             "a resolver in the place of the one that ended")["resolver"]
        context.figure(f"{answered} of {MANY} names answered without memory; resolver {'lived on' if after == resolver else 'was started again'}, "
                       f"{counted('redoubt_work_lost_total'):.0f} steps lost")
        processes.wait_until(lambda: rcode("www.alpha.lab-tld") == "NOERROR", 15, "answers once there is memory again")
        check_equal(rcode("w3.wild.alpha.lab-tld"), "NOERROR", "rcode of a new name")


@scenario
@needs_own_daemon
def a_resolver_that_stands_still_is_started_again(context):
    with context.daemon(settings=UNVALIDATED) as daemon:
        before = daemon.wait_for_roles()
        began = time.monotonic()
        os.kill(before["resolver"], signal.SIGSTOP)
        processes.wait_until(lambda: daemon.roles().get("resolver", before["resolver"]) != before["resolver"], STUCK_SECONDS,
                             "the resolver to be started again")
        processes.wait_until(daemon.answers, 5, "the resolver to answer again")
        context.figure(f"answers again after {time.monotonic() - began:.1f} s")
        processes.wait_until(lambda: counted("redoubt_role_stuck_total", "resolver") == 1, 5, "it to be counted once")
        after = daemon.wait_for_roles()
        check_equal({one: after[one] for one in after if one != "resolver"},
                    {one: before[one] for one in before if one != "resolver"}, "the other roles")
