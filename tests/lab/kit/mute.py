"""A dead name server: `mute.py ADDRESS...` holds port 53 there, takes whatever comes and never says a word."""
import signal
import socket
import sys


def main(addresses):
    held = []
    for address in addresses:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            held.append(socket.socket(family, kind))
            held[-1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            held[-1].bind((address, 53))
            if kind == socket.SOCK_STREAM:
                held[-1].listen(16)
    signal.pause()


if __name__ == "__main__":
    main(sys.argv[1:])
