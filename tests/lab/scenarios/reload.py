"""A new configuration takes over without a query lost; a faulty one changes nothing."""
import signal

from kit import processes
from kit.load import DatagramLoad, StreamLoad
from kit.runner import check, check_equal, needs_own_daemon, scenario
from kit.tools import ask

RATE = 300


def under_load(*loads):
    for load in loads:
        load.start()
    return loads


@scenario
@needs_own_daemon
def reload_by_signal_loses_no_query(context):
    with context.daemon() as daemon:
        datagrams, streams = under_load(DatagramLoad(RATE), StreamLoad(50))
        datagrams.wait_for_more(RATE // 2)
        for number in range(10):
            daemon.settings["cache"] = {"size": f"{64 + number}MiB"}  # a change each time
            daemon.configure()
            since = daemon.mark()
            daemon.process.send_signal(signal.SIGHUP)
            daemon.wait_for_line(r"generation \d+ is in force", 5, since)
            datagrams.wait_for_more(RATE // 5)
        datagrams.finish(), streams.finish()
        context.figure(f"ten reloads under load: UDP {datagrams.summary()}; TCP {streams.summary()}")
        check_equal(datagrams.lost, 0, f"datagrams lost ({datagrams.summary()})")
        check_equal(streams.lost, 0, f"TCP questions lost ({streams.summary()})")
        check_equal(set(datagrams.rcodes), {"NOERROR"}, "rcodes over UDP")
        check_equal(set(streams.rcodes), {"NOERROR"}, "rcodes over TCP")


@scenario
@needs_own_daemon
def reload_by_resolverctl_adds_and_drops_a_listener(context):
    with context.daemon() as daemon:
        both = daemon.settings["listen"] + [{"address": "127.0.0.2@5301", "transports": ["udp", "tcp"]}]
        daemon.settings["listen"] = both
        daemon.configure()
        code, output, trouble = daemon.ctl("reload")
        check_equal(code, 0, f"exit code of reload ({output}{trouble})")
        for tcp in (False, True):
            answer = ask("www.alpha.lab-tld", server="127.0.0.2", port=5301, tcp=tcp)
            check_equal(answer.data("A"), ["192.0.2.80"], f"at the new listener, tcp={tcp}")
        daemon.settings["listen"] = both[:-1]
        daemon.configure()
        code, output, trouble = daemon.ctl("reload")
        check_equal(code, 0, f"exit code of the second reload ({output}{trouble})")
        processes.wait_until(lambda: not daemon.answers(address="127.0.0.2", port=5301, seconds=1.0), 5, "the dropped listener to be silent")
        check(daemon.answers(), "the listener that stayed does not answer")


@scenario
@needs_own_daemon
def an_empty_file_is_a_fault_at_a_reload(context):
    with context.daemon() as daemon:
        before = daemon.ctl_json("status")["configuration"]["generation"]
        for text in ("", "# all gone\n"):
            daemon.configure(text)
            code, output, trouble = daemon.ctl("reload")
            check_equal(code, 1, f"exit code of reload with {text!r} ({output}{trouble})")
            check(f"{daemon.configuration}: found no setting" in output + trouble, f"what is said of {text!r}: {output}{trouble}")
            check_equal(daemon.ctl_json("status")["configuration"]["generation"], before, f"the generation after {text!r}")
            check(daemon.answers(), f"no answer after {text!r}")
        daemon.configure()
        code, output, trouble = daemon.ctl("reload")
        check_equal(code, 0, f"exit code of reload with the file repaired ({output}{trouble})")


@scenario
@needs_own_daemon
def a_certificate_that_is_missing_is_told_with_its_place(context):
    with context.daemon() as daemon:
        daemon.settings["listen"] = daemon.settings["listen"] + [{"address": "127.0.0.1@8853", "transports": ["tls"]}]
        daemon.configure()
        text = daemon.configuration.read_text()
        daemon.configure(text + "tls:\n  certificate: /nowhere/c.pem\n  key: /nowhere/k.pem\n")
        line = text.count("\n") + 2
        code, output, trouble = daemon.ctl("reload")
        wanted = f"{daemon.configuration}:{line}:16: tls.certificate: /nowhere/c.pem: No such file or directory"
        check(code == 1 and wanted in output + trouble, f"{wanted!r} is missing: {output}{trouble}")


@scenario
@needs_own_daemon
def a_faulty_configuration_leaves_the_old_one_in_force(context):
    with context.daemon() as daemon:
        text = daemon.configuration.read_text()
        daemon.configure(text + "worksers: 4\n")
        line = text.count("\n") + 1
        code, output, trouble = daemon.ctl("reload")
        said = output + trouble
        check(code != 0, "resolverctl reload takes a faulty configuration for good")
        check(f":{line}:1" in said and "worksers" in said and "workers" in said,
              f"place, finding or suggestion is missing: {said!r}")
        check(daemon.answers(), "no answer after a faulty reload")
        since = daemon.mark()
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_for_line(rf":{line}:1.*worksers", 5, since)
        check(daemon.answers(), "no answer after a faulty reload by signal")
        daemon.configure(text)
        code, output, trouble = daemon.ctl("reload")
        check_equal(code, 0, f"exit code of reload with the fault repaired ({output}{trouble})")


@scenario
@needs_own_daemon
def a_reload_that_cannot_bind_leaves_the_old_one_in_force(context):
    with context.daemon() as daemon:
        daemon.settings["listen"] = daemon.settings["listen"] + [{"address": "203.0.113.77@5300", "transports": ["udp"]}]
        daemon.configure()
        code, output, trouble = daemon.ctl("reload")
        check(code != 0, "reload claims to have bound an address that the machine has not")
        check("203.0.113.77" in output + trouble, f"the address is not named: {output}{trouble}")
        check(daemon.answers(), "no answer after a reload that could not bind")
