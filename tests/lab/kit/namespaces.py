"""Two network namespaces and the cable between them."""
import subprocess

from . import plan
from .processes import LabError


def ip(*arguments):
    result = subprocess.run(["ip", *arguments], capture_output=True, text=True)
    if result.returncode != 0:
        raise LabError(f"ip {' '.join(arguments)}: {result.stderr.strip() or result.stdout.strip()}")


def exists(name):
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True).stdout
    return name in (line.split()[0] for line in listed.splitlines() if line)


def _prefix(address):
    return f"{address}/{plan.PREFIX_LENGTH_6 if ':' in address else plan.PREFIX_LENGTH_4}"


def _add_address(namespace, address, device):
    # nodad: no second of waiting until IPv6 believes that nobody else has the address.
    ip("-n", namespace, "address", "add", address, "dev", device, *(["nodad"] if ":" in address else []))


class Namespaces:
    """`name` holds resolverd and clients, `name`-internet the servers. Use as a context."""

    def __init__(self, name):
        self.near = name
        self.far = name + "-internet"
        self._made = []

    def __enter__(self):
        try:
            for name in (self.near, self.far):
                if exists(name):
                    raise LabError(f"the network namespace {name} is there already; is another lab open? "
                                   f"otherwise: ip netns delete {name}")
                ip("netns", "add", name)
                self._made.append(name)
            self._lay_cable()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _lay_cable(self):
        ip("link", "add", "name", "lab", "netns", self.near, "type", "veth", "peer", "name", "lab", "netns", self.far)
        for name in (self.near, self.far):
            # Where IPv6 is off by default; a kernel without it is met two lines below.
            subprocess.run(["ip", "netns", "exec", name, "sh", "-c", "echo 0 >/proc/sys/net/ipv6/conf/all/disable_ipv6"],
                           capture_output=True)
            ip("-n", name, "link", "set", "lo", "up")
            ip("-n", name, "link", "set", "lab", "up")
        for address in plan.CLIENT_ADDRESSES:
            _add_address(self.near, _prefix(address), "lab")
        for address in plan.FOREIGN_ADDRESSES:
            _add_address(self.near, address + ("/128" if ":" in address else "/32"), "lo")
        for address in plan.RESOLVER_ADDRESSES:
            _add_address(self.near, address + "/32", "lo")
        for server in plan.SERVERS:
            for address in server.addresses:
                _add_address(self.far, _prefix(address), "lab")

    def __exit__(self, *_):
        while self._made:
            subprocess.run(["ip", "netns", "delete", self._made.pop()], capture_output=True)


def inside(namespace, command):
    """The command, to be run in a namespace. It keeps its process id: `ip netns exec` replaces itself."""
    return ["ip", "netns", "exec", namespace, *command]
