"""A role that dies: the others go on, it is back within a second, no client waits longer than its patience."""
import os
import signal
import socket
import time

from kit import dns_client, processes
from kit.load import PATIENCE, DatagramLoad, StreamLoad
from kit.runner import check, check_equal, needs_own_daemon, scenario
from kit.tools import http

BACK_WITHIN = PATIENCE  # the figure says how long it takes; on a busy machine no client has to give up


def kill_under_load(context, role, lossless):
    """lossless: datagrams must not even need to be sent again, for the role has no part in them."""
    with context.daemon() as daemon:
        before = daemon.wait_for_roles()
        datagrams = DatagramLoad(300, repeat_after=None if lossless else 1.0)
        streams = StreamLoad(50)
        datagrams.start(), streams.start()
        datagrams.wait_for_more(200), streams.wait_for_more(30)
        killed = time.monotonic()
        os.kill(before[role], signal.SIGKILL)
        processes.wait_until(lambda: daemon.roles().get(role, before[role]) != before[role], 5, f"{role} to be started again")
        serves_again(daemon, role)
        back = time.monotonic() - killed
        after = daemon.wait_for_roles()
        datagrams.wait_for_more(200), streams.wait_for_more(30)
        datagrams.finish(), streams.finish()
        context.figure(f"{role} killed: serves again after {back * 1000:.0f} ms; UDP {datagrams.summary()}; TCP {streams.summary()}")
        check(back < BACK_WITHIN, f"{role} was away for {back:.2f} s")
        check_equal({one: after[one] for one in after if one != role}, {one: before[one] for one in before if one != role},
                    "the other roles")
        check_equal((datagrams.lost, streams.lost), (0, 0), f"clients without an answer after {PATIENCE} s "
                    f"(UDP {datagrams.summary()}; TCP {streams.summary()})")
        check_equal(set(datagrams.rcodes), {"NOERROR"}, "rcodes over UDP")
        return daemon


def serves_again(daemon, role):
    """Waits until the role does its own work again."""
    def works():
        if role == "resolver":
            return daemon.answers(seconds=1.0)
        if role == "transport":
            return ask_once_by_tcp()
        if role == "control":
            return http("/ready")[0] == 200
        return "keykeeper" in daemon.roles()  # it serves nobody yet but its siblings

    processes.wait_until(works, 5, f"{role} to work again")


def ask_once_by_tcp():
    """One question over a new connection; None when that fails."""
    try:
        with socket.create_connection(("127.0.0.1", 5300), timeout=1.0) as connection:
            connection.sendall(dns_client.frame(dns_client.query("www.alpha.lab-tld", "A", 1)))
            return dns_client.receive_framed(connection)
    except OSError:
        return None


@scenario
@needs_own_daemon
def the_resolver_is_killed_under_load(context):
    kill_under_load(context, "resolver", lossless=False)


@scenario
@needs_own_daemon
def the_transport_is_killed_under_load(context):
    kill_under_load(context, "transport", lossless=True)


@scenario
@needs_own_daemon
def the_control_is_killed_under_load(context):
    kill_under_load(context, "control", lossless=True)


@scenario
@needs_own_daemon
def the_keykeeper_is_killed_under_load(context):
    kill_under_load(context, "keykeeper", lossless=True)


@scenario
@needs_own_daemon
def control_still_reloads_after_it_was_killed(context):
    with context.daemon() as daemon:
        first = daemon.wait_for_roles()["control"]
        os.kill(first, signal.SIGKILL)
        processes.wait_until(lambda: daemon.roles().get("control", first) != first, 5, "control to be started again")
        processes.wait_until(lambda: http("/ready")[0] == 200, 5, "control to work again")
        code, output, trouble = daemon.ctl("reload")
        check_equal(code, 0, f"exit code of reload ({output}{trouble})")
        check(daemon.answers(), "no answer after that reload")


@scenario
@needs_own_daemon
def no_role_outlives_a_killed_monitor(context):
    with context.daemon() as daemon:
        daemon.wait_for_roles()
        daemon.kill()
        processes.wait_until(lambda: not daemon.leftovers(), 5, "the roles to end after their monitor")
