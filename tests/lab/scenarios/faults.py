"""Starts that must fail: one clear line, a code other than zero, nothing left."""
import contextlib
import os
import pathlib
import re
import socket
import subprocess

from kit import processes
from kit.daemon import NOBODY
from kit.runner import check, check_equal, needs_own_daemon, scenario

END_SECONDS = 60


def expect_failed_start(daemon, *said, lines=1):
    """said: patterns that the lines together must match, in any order."""
    before = set(processes.descendants_of(os.getpid()))
    daemon.launch()
    try:
        code = daemon.process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        daemon.kill()
        raise AssertionError(f"resolverd still runs after {END_SECONDS} s; it said {daemon.lines()}") from None
    check(code > 0, f"exit code {code}")
    seen = daemon.lines()
    check_equal(len(seen), lines, f"lines on standard error ({seen})")
    for pattern in said:
        check(any(re.search(pattern, line) for line in seen), f"{pattern!r} is missing in {seen}")
    left = {pid: command for pid, command in processes.descendants_of(os.getpid()).items() if pid not in before}
    check(not left, f"left running: {left}")


@scenario
@needs_own_daemon
def a_busy_udp_port_is_one_clear_line(context):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as busy:
        busy.bind(("127.0.0.1", 5300))
        expect_failed_start(context.daemon(), r"127\.0\.0\.1@5300.*(in use|busy)")


@scenario
@needs_own_daemon
def a_busy_tcp_port_is_one_clear_line(context):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as busy:
        busy.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections of earlier scenarios may linger
        busy.bind(("127.0.0.1", 5300))
        busy.listen()
        expect_failed_start(context.daemon(), r"127\.0\.0\.1@5300.*(in use|busy)")


@scenario
@needs_own_daemon
def a_busy_http_port_is_one_clear_line(context):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as busy:
        busy.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        busy.bind(("127.0.0.1", 8053))
        busy.listen()
        expect_failed_start(context.daemon(), r"127\.0\.0\.1@8053.*(in use|busy)")


@scenario
@needs_own_daemon
def all_busy_ports_are_told_at_once(context):
    kinds = {("127.0.0.1", 5300): (socket.SOCK_DGRAM, socket.SOCK_STREAM), ("127.0.0.1", 5301): (socket.SOCK_DGRAM,),
             ("127.0.0.1", 8053): (socket.SOCK_STREAM,)}
    with contextlib.ExitStack() as held:
        for address, of_address in kinds.items():
            for kind in of_address:
                busy = held.enter_context(socket.socket(socket.AF_INET, kind))
                busy.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(kind == socket.SOCK_STREAM))
                busy.bind(address)
                if kind == socket.SOCK_STREAM:
                    busy.listen()
        expect_failed_start(context.daemon(listen=("127.0.0.1@5300", "127.0.0.1@5301")), r"127\.0\.0\.1@5300 \(udp, tcp\).*in use",
                            r"127\.0\.0\.1@5301 \(udp\).*in use", r"control\.http.*127\.0\.0\.1@8053.*in use", lines=3)


@scenario
@needs_own_daemon
def a_second_resolverd_does_not_disturb_the_first(context):
    with context.daemon() as first:
        second = context.daemon()
        # Its own ports, but the socket of the first one.
        second.settings |= {"listen": [{"address": "127.0.0.1@5399", "transports": ["udp"]}],
                            "control": {"socket": first.settings["control"]["socket"], "http": "127.0.0.1@8099"}}
        second.configure()
        second.launch()
        try:
            code = second.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            second.kill()
            raise AssertionError("it runs although another one holds its control socket") from None
        check(code > 0, f"exit code {code}")
        check_equal(len(second.lines()), 1, f"lines on standard error ({second.lines()})")
        code, output, trouble = first.ctl("status")
        check_equal(code, 0, f"exit code of the first one's status ({output}{trouble})")


@scenario
@needs_own_daemon
def a_state_folder_that_is_held_is_one_clear_line(context):
    with context.daemon() as first:
        second = context.daemon(listen=("127.0.0.1@5399",))
        second.settings |= {"state": first.settings["state"],
                            "control": {"socket": str(second.folder / "control.sock"), "http": "127.0.0.1@8099"}}
        second.configure()
        folder = re.escape(first.settings["state"])
        expect_failed_start(second, folder + r": the store of generations and trust anchors cannot be opened: redoubt\.sqlite: another process holds it")


@scenario
@needs_own_daemon
def an_address_that_the_machine_lacks_is_one_clear_line(context):
    daemon = context.daemon(listen=("203.0.113.9@5300",))
    expect_failed_start(daemon, r"203\.0\.113\.9@5300.*no such address")


@scenario
@needs_own_daemon
def an_unwritable_state_folder_is_one_clear_line(context):
    daemon = context.daemon(user=NOBODY)
    folder = daemon.folder / "locked"
    folder.mkdir(mode=0o755)  # root's
    daemon.settings["state"] = str(folder)
    daemon.configure()
    expect_failed_start(daemon, rf"{re.escape(str(folder))}.*(permission|not permitted|writ)")


@scenario
@needs_own_daemon
def a_state_folder_that_is_a_file_is_one_clear_line(context):
    daemon = context.daemon()
    file = daemon.folder / "state-file"
    file.write_text("no folder\n")
    daemon.settings["state"] = str(file)
    daemon.configure()
    expect_failed_start(daemon, re.escape(str(file)))


@scenario
@needs_own_daemon
def a_low_port_without_the_right_is_one_clear_line(context):
    # A namespace of its own starts with the usual limit for privileged ports.
    check_equal(pathlib.Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text().strip(), "1024", "first unprivileged port")
    daemon = context.daemon(user=NOBODY, listen=("127.0.0.1@53",))
    expect_failed_start(daemon, r"127\.0\.0\.1@53\b.*permission denied.*CAP_NET_BIND_SERVICE")


@scenario
@needs_own_daemon
def each_fault_of_a_configuration_is_one_line(context):
    daemon = context.daemon()
    daemon.configure('listen:\n  - {address: "127.0.0.1@5300", transports: [udp]}\nworkes: 2\ncache: {size: 12 potatoes}\n')
    expect_failed_start(daemon, r"redoubt\.yaml:3:1: .*workes.*workers", r"redoubt\.yaml:4:\d+: .*12 potatoes", lines=2)


@scenario
@needs_own_daemon
def a_configuration_that_is_no_yaml_is_one_clear_line(context):
    daemon = context.daemon()
    daemon.configure("listen: [\n")
    expect_failed_start(daemon, r"redoubt\.yaml:\d+:\d+: ")


@scenario
@needs_own_daemon
def a_configuration_that_is_not_there_is_one_clear_line(context):
    daemon = context.daemon()
    daemon.configuration.unlink()
    expect_failed_start(daemon, rf"{re.escape(str(daemon.configuration))}.*[Nn]o such file")


@scenario
@needs_own_daemon
def an_unknown_argument_is_one_clear_line(context):
    daemon = context.daemon()
    result = subprocess.run([str(daemon.programs / "resolverd"), "--confg", "x"], capture_output=True, text=True, timeout=END_SECONDS)
    check(result.returncode > 0, f"exit code {result.returncode}")
    check(len(result.stderr.splitlines()) == 1 and "--confg" in result.stderr, f"said {result.stderr!r}")
