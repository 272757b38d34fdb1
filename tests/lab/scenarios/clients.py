"""How clients reach resolverd: other tools, other addresses, other manners."""
import random
import socket
import threading

from kit import dns_client, plan
from kit.runner import check, check_equal, needs_own_daemon, scenario
from kit.tools import ask


@scenario
def kdig_and_drill_get_the_same_answers(context):
    context.shared()
    for tool in ("kdig", "drill"):
        for name, data in (("www.alpha.lab-tld", "192.0.2.80"), ("www.beta.knot-tld", "192.0.2.81"),
                           ("www.gamma.bind-tld", "192.0.2.82")):
            for tcp in (False, True):
                answer = ask(name, tool=tool, tcp=tcp)
                check_equal((answer.status, answer.data("A")), ("NOERROR", [data]), f"{tool} {'tcp' if tcp else 'udp'} {name}")


@scenario
@needs_own_daemon
def a_wildcard_listener_answers_from_the_address_that_was_asked(context):
    # dig and kdig drop a reply that comes from elsewhere.
    with context.daemon(listen=("0.0.0.0@5300", "::@5300")):
        for address in ("127.0.0.1", "127.0.0.5", "::1", *plan.CLIENT_ADDRESSES):
            for tcp in (False, True):
                answer = ask("www.alpha.lab-tld", server=address, tcp=tcp)
                check_equal((answer.status, answer.data("A")), ("NOERROR", ["192.0.2.80"]), f"asked at {address}, tcp={tcp}")


@scenario
@needs_own_daemon
def clients_outside_the_access_list_are_refused(context):
    four, six = plan.FOREIGN_ADDRESSES
    with context.daemon():
        for source, server in ((four, "127.0.0.1"), (six, "::1")):
            for tcp in (False, True):
                answer = ask("www.alpha.lab-tld", server=server, tcp=tcp, options=["-b", source])
                check_equal((answer.status, answer.answers), ("REFUSED", ()), f"asked from {source}, tcp={tcp}")
        check_equal(ask("www.alpha.lab-tld").status, "NOERROR", "status for a client that is allowed")


@scenario
@needs_own_daemon
def the_access_list_is_the_configured_one(context):
    four, _ = plan.FOREIGN_ADDRESSES
    with context.daemon(settings={"access": {"allow": [four + "/32"]}}) as daemon:
        check_equal(ask("www.alpha.lab-tld", options=["-b", four]).status, "NOERROR", "status for the client in the list")
        check_equal(ask("www.alpha.lab-tld").status, "REFUSED", "status for another client")
        daemon.settings["access"] = {"allow": ["127.0.0.0/8"]}
        daemon.configure()
        code, output, trouble = daemon.ctl("reload")
        check_equal(code, 0, f"exit code of reload ({output}{trouble})")
        check_equal(ask("www.alpha.lab-tld", options=["-b", four]).status, "REFUSED", "status after the list changed")
        check_equal(ask("www.alpha.lab-tld").status, "NOERROR", "status for the other client after that")


@scenario
def many_questions_on_one_connection(context):
    context.shared()
    with socket.create_connection(("127.0.0.1", 5300), timeout=30) as connection:
        identifiers = random.sample(range(65536), 50)
        connection.sendall(b"".join(dns_client.frame(dns_client.query(f"n{one}.wild.gamma.bind-tld", "A", one)) for one in identifiers))
        replies = [dns_client.parse(dns_client.receive_framed(connection)) for _ in identifiers]
    check_equal(sorted(reply.identifier for reply in replies), sorted(identifiers), "ids of 50 answers on one connection")
    check(all(reply.rcode == "NOERROR" and reply.answers == 1 for reply in replies), "an answer lacks its record")


@scenario
def a_question_in_single_octets_over_tcp_is_answered(context):
    context.shared()
    with socket.create_connection(("127.0.0.1", 5300), timeout=30) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for octet in dns_client.frame(dns_client.query("www.alpha.lab-tld", "A", 77)):
            connection.sendall(bytes([octet]))
        reply = dns_client.parse(dns_client.receive_framed(connection))
    check_equal((reply.identifier, reply.rcode, reply.answers), (77, "NOERROR", 1), "the answer")


@scenario
def two_questions_in_one_message_are_a_format_error(context):
    context.shared()
    octets = bytearray(dns_client.query("www.alpha.lab-tld", "A", 4242))
    octets[5] = 2  # QDCOUNT (RFC 9619)
    octets += octets[12:]
    with dns_client.datagram_socket("127.0.0.1", 5300) as opened:
        opened.settimeout(30)
        opened.send(bytes(octets))
        reply = dns_client.parse(opened.recv(65535))
    check_equal((reply.identifier, reply.rcode), (4242, "FORMERR"), "the reply")


@scenario
def noise_does_not_stop_service(context):
    daemon = context.shared()
    before = daemon.roles()
    noise = random.Random(1)
    with dns_client.datagram_socket("127.0.0.1", 5300) as opened:
        for _ in range(5000):
            try:
                opened.send(noise.randbytes(noise.randrange(1, 600)))
            except ConnectionRefusedError:
                pass
    for _ in range(50):
        with socket.create_connection(("127.0.0.1", 5300), timeout=30) as connection:
            connection.sendall(noise.randbytes(noise.randrange(1, 600)))
    check(daemon.answers(seconds=5), "no answer after noise")
    check_equal(daemon.roles(), before, "processes before and after noise")


@scenario
def a_thousand_clients_with_one_question_cost_one_look_up(context):
    """All of them want the same uncached name at once; every one of them gets it."""
    context.shared()
    name = f"same{random.getrandbits(50):x}.wild.beta.knot-tld"
    replies = []

    def clients():
        sockets = [dns_client.datagram_socket("127.0.0.1", 5300) for _ in range(100)]
        for number, opened in enumerate(sockets):
            opened.settimeout(30)
            opened.send(dns_client.query(name, "A", number))
        for opened in sockets:
            replies.append(dns_client.parse(opened.recv(65535)))
            opened.close()

    threads = [threading.Thread(target=clients) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    check_equal(len([reply for reply in replies if reply.rcode == "NOERROR" and reply.answers == 1]), 1000, "good answers")
