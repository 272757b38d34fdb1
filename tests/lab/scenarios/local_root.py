"""The root zone as a local copy (RFC 8806), verified by its digest (RFC 8976)."""
import os
import shutil
import signal

from kit import authorities, plan, processes
from kit.runner import check, check_equal, needs_own_daemon, scenario
from kit.tools import ask

# Nobody lives there: what is answered all the same was answered from the copy.
NO_ROOT = {"a.root.": ["10.53.99.99"]}
ROOT = plan.ROOT_HINTS["a.root."][0]
USED = r"root zone is answered from a copy, serial 1\b"


def resolution(hints, **more):
    return {"resolution": {"root-hints": hints, **more}}


def transferring(hints=NO_ROOT):
    return resolution(hints, **{"local-root": "transfer", "local-root-from": ["10.53.99.98", ROOT]})


def zone_of(context):
    return context.folder / authorities.ZONES / authorities.zone_file(".")


def check_served(daemon):
    check_equal(ask("www.alpha.lab-tld").status, "NOERROR", "a name below the copied root")
    check_equal(ask("www.no-such-tld").status, "NXDOMAIN", "a top-level domain that does not exist")
    status = daemon.ctl_json("status")["local_root"]
    check_equal((status["serial"], status["trouble"]), (1, ""), "the copy in the status")
    check("local copy, serial 1, good for 6d" in daemon.ctl("status")[1], "the copy is missing in the status")


@scenario
@needs_own_daemon
def the_root_zone_is_transferred_and_answers_in_its_servers_place(context):
    with context.daemon(settings=transferring()) as daemon:
        daemon.wait_for_line(USED, 20)
        check_served(daemon)


@scenario
@needs_own_daemon
def the_copy_outlives_restarts_of_everything(context):
    daemon = context.daemon(settings=transferring())
    with daemon:
        daemon.wait_for_line(USED, 20)
        for role in ("resolver", "control", "transport"):
            pid = daemon.wait_for_roles()[role]
            os.kill(pid, signal.SIGKILL)
            processes.wait_until(lambda: daemon.roles().get(role, pid) != pid, 5, f"{role} to be started again")
            # What is asked before the copy is there fails, and that is remembered for five seconds.
            processes.wait_until(lambda: ask("www.no-such-tld").status == "NXDOMAIN", 15, f"the copy after {role} was killed")
    # Nobody gives the zone away any more: it comes from the store.
    daemon.settings |= resolution(NO_ROOT, **{"local-root": "transfer", "local-root-from": ["10.53.99.98"]})
    daemon.configure()
    with daemon:
        daemon.wait_for_line(USED, 5, since=daemon.launched_at)
        check_served(daemon)


@scenario
@needs_own_daemon
def a_copy_from_a_file_answers_too(context):
    daemon = context.daemon(settings=resolution(NO_ROOT, **{"local-root": "root.zone"}))
    shutil.copy(zone_of(context), daemon.folder)
    with daemon:
        daemon.wait_for_line(USED, 5)
        check_served(daemon)


@scenario
@needs_own_daemon
def an_altered_copy_is_refused_and_the_servers_are_asked(context):
    text = zone_of(context).read_text()
    check("10.53.1.2" in text, "the zone lacks what is to be altered")
    daemon = context.daemon(settings=resolution(plan.ROOT_HINTS, **{"local-root": "altered.zone"}))
    (daemon.folder / "altered.zone").write_text(text.replace("10.53.1.2", "10.53.66.66"))
    with daemon:
        daemon.wait_for_line(r"copy of the root zone is not renewed: altered\.zone: its ZONEMD digest does not fit", 5)
        check_equal(ask("www.beta.knot-tld").status, "NOERROR", "a name whose glue was altered in the copy")
        check("digest does not fit" in daemon.ctl_json("status")["local_root"]["trouble"], "the trouble is not in the status")


@scenario
@needs_own_daemon
def the_copy_is_given_up_with_its_setting(context):
    with context.daemon(settings=transferring(plan.ROOT_HINTS)) as daemon:
        daemon.wait_for_line(USED, 20)
        daemon.settings |= resolution(plan.ROOT_HINTS)
        daemon.configure()
        check_equal(daemon.ctl("reload")[0], 0, "exit code of the reload")
        check_equal(daemon.ctl_json("status")["local_root"], None, "the copy in the status")
        check_equal(ask("www.no-such-tld").status, "NXDOMAIN", "an answer by the root's servers")
