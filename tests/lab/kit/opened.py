"""The lab for a person: everything started, three commands to try, everything gone at the end."""
import time

from . import plan
from .daemon import DEFAULT_LISTEN, Daemon


def _table():
    lines = [f"  {server.program:5} {server.name:14} {', '.join(server.addresses):30} {' '.join(server.zones)}"
             for server in plan.SERVERS]
    return "\n".join(lines)


def stay_open(programs, folder, near):
    with Daemon(programs, folder / "resolverd") as daemon:
        enter = f"ip netns exec {near}"
        print(f"""
The lab is open. In the namespace {near}-internet:

{_table()}

In the namespace {near}: resolverd (process {daemon.process.pid}) on {', '.join(DEFAULT_LISTEN)}
  configuration  {daemon.configuration}
  log            {daemon.log_path}

Try, as root, in another terminal:

  {enter} dig @127.0.0.1 -p 5300 www.alpha.lab-tld
  {enter} dig @127.0.0.1 -p 5300 +tcp large.beta.knot-tld TXT
  {enter} {programs}/resolverctl --socket {daemon.settings['control']['socket']} query tour.alpha.lab-tld A

Other names are in tests/lab/zones. Ctrl-C ends the lab and removes all of it.""", flush=True)
        while True:
            time.sleep(0.5)
            if daemon.process.poll() is not None:
                print(f"resolverd ended with {daemon.process.returncode}:", *daemon.lines()[-5:], sep="\n  ", flush=True)
                return 1
