"""The cache outlives the resolver, and by setting the daemon: names that were known are known again, without their servers."""
import os
import signal

from kit import dns_client, processes
from kit.daemon import END_SECONDS
from kit.runner import check, check_equal, needs_own_daemon, scenario
from kit.tools import metrics

NAMES = [f"w{number}.wild.alpha.lab-tld" for number in range(200)]
UNVALIDATED = {"validation": {"enabled": False}}


def counted(name):
    return sum(value for series, value in metrics().items() if series.split("{")[0] == name)


def upstream_queries():
    return counted("redoubt_upstream_queries_total")


def ask_all(names):
    """How many are answered."""
    replies = [dns_client.exchange(name, "A", "127.0.0.1", 5300) for name in names]
    return sum(reply is not None and reply.rcode == "NOERROR" for reply in replies)


def fill(daemon):
    check_equal(ask_all(NAMES), len(NAMES), "names answered at first")
    processes.wait_until(lambda: counted("redoubt_kept_cache_entries") >= len(NAMES), 60, "an image with all names")


def hit_ratio(context, what):
    """Of the same names in the first minute of the next life, by what their servers were asked."""
    processes.wait_until(lambda: counted("redoubt_kept_cache_taken_over_total") > 0, 10, "entries to be taken over")
    before = upstream_queries()
    answered = ask_all(NAMES)
    missed = upstream_queries() - before
    ratio = 1 - missed / len(NAMES)
    context.figure(f"{what}: {answered} of {len(NAMES)} names answered, {missed:.0f} queries to servers, hit ratio {ratio:.1%}")
    check_equal(answered, len(NAMES), "names answered in the next life")
    check(ratio > 0.9, f"hit ratio {ratio:.1%}")


def end(daemon):
    daemon.process.send_signal(signal.SIGTERM)
    check_equal(daemon.process.wait(END_SECONDS), 0, "exit code")


def kill_resolver(daemon):
    roles = daemon.wait_for_roles()
    os.kill(roles["resolver"], signal.SIGKILL)
    processes.wait_until(lambda: daemon.roles().get("resolver", roles["resolver"]) != roles["resolver"], 5,
                         "the resolver to be started again")
    processes.wait_until(daemon.answers, 5, "the resolver to answer again")


@scenario
@needs_own_daemon
def a_killed_resolver_knows_again_what_it_knew(context):
    with context.daemon(settings=UNVALIDATED) as daemon:
        fill(daemon)
        kill_resolver(daemon)
        hit_ratio(context, "resolver killed")


@scenario
@needs_own_daemon
def the_cache_outlives_the_daemon_where_the_setting_says_so(context):
    with context.daemon(settings=UNVALIDATED | {"cache": {"keep": True}}) as daemon:
        fill(daemon)
        end(daemon)
        image = daemon.folder / "state" / "cache.image"
        check_equal(oct(image.stat().st_mode & 0o777), "0o600", "mode of the image")
        daemon.__enter__()
        hit_ratio(context, "daemon started again")


@scenario
@needs_own_daemon
def without_the_setting_nothing_is_left_behind(context):
    with context.daemon(settings=UNVALIDATED) as daemon:
        fill(daemon)
        end(daemon)
        left = sorted(path.name for path in (daemon.folder / "state").iterdir() if path.name.startswith("cache"))
        check_equal(left, [], "files of the cache in the state folder")


@scenario
@needs_own_daemon
def a_damaged_image_is_an_empty_cache(context):
    with context.daemon(settings=UNVALIDATED | {"cache": {"keep": True}}) as daemon:
        fill(daemon)
        end(daemon)
        image = daemon.folder / "state" / "cache.image"
        octets = bytearray(image.read_bytes())
        octets[len(octets) // 2] ^= 1
        image.write_bytes(octets)
        since = daemon.mark()
        daemon.__enter__()
        daemon.wait_for_line("cache of the former life is not used: a checksum is wrong", 10, since=since)
        processes.wait_until(lambda: counted("redoubt_kept_cache_refused_total") == 1, 5, "the image to be counted as refused")
        check_equal(counted("redoubt_kept_cache_taken_over_total"), 0, "entries taken over")
        check_equal(ask_all(NAMES[:5]), 5, "names answered all the same")


@scenario
@needs_own_daemon
def what_was_flushed_does_not_come_back(context):
    with context.daemon(settings=UNVALIDATED) as daemon:
        fill(daemon)
        check_equal(daemon.ctl("cache", "flush", "wild.alpha.lab-tld", "--below")[0], 0, "the flush")
        kill_resolver(daemon)
        # Once this life writes an image of its own, nothing of a former one is taken over any more.
        processes.wait_until(lambda: counted("redoubt_kept_cache_images_total") > 0, 30, "an image of this life")
        before = upstream_queries()
        ask_all(NAMES[:20])
        check(upstream_queries() - before >= 20, "names that were flushed were answered without their servers")


@scenario
@needs_own_daemon
def other_settings_make_the_image_worthless(context):
    with context.daemon(settings=UNVALIDATED | {"cache": {"keep": True}}) as daemon:
        fill(daemon)
        end(daemon)
        daemon.settings |= {"cache": {"keep": True, "max-ttl": "1h"}}
        daemon.configure()
        since = daemon.mark()
        daemon.__enter__()
        daemon.wait_for_line("cache of the former life is not used: it was made under other settings", 10, since=since)
