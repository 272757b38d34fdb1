"""Clients of others that speak TLS and HTTPS, besides kdig, dig, curl and openssl, whose scenarios are in encrypted.py."""
import json
import re
import subprocess
import time

from kit import dns_client, peers, processes
from kit.peers import NAME
from kit.processes import LabError
from kit.runner import check, check_equal, needs_own_daemon, scenario
from kit.tools import ask, metrics
from scenarios.encrypted import DOH, DOT, LISTEN

PROXY = "127.0.0.54"
PROXY_PORT = 5390
PAGE = "Loaded by a name that only the resolver knows."
PAGE_ADDRESS, PAGE_PORT, PAGE_NAME = "192.0.2.80", 8080, "www.alpha.lab-tld"


def settings(certificates):
    return {"listen": LISTEN, "tls": {"names": [NAME], "certificate": str(certificates.certificate), "key": str(certificates.key)}}


def asked_by_streams():
    return metrics()["redoubt_stream_queries_total"]


def proxy_answers():
    return dns_client.exchange("www.alpha.lab-tld", "A", PROXY, PROXY_PORT, seconds=0.5) is not None


def check_proxy(how):
    """What its clients get is what we answered, and it came by one of our streams."""
    before = asked_by_streams()
    for name, data in (("www.beta.knot-tld", ["192.0.2.81"]), ("www.gamma.bind-tld", ["192.0.2.82"])):
        check_equal(ask(name, server=PROXY, port=PROXY_PORT).data("A"), data, f"{how}: {name}")
    check_equal(ask("missing.beta.knot-tld", server=PROXY, port=PROXY_PORT).status, "NXDOMAIN", f"{how}: a name that does not exist")
    large = ask("large.beta.knot-tld", "TXT", server=PROXY, port=PROXY_PORT, tcp=True)
    check(len(large.data("TXT")) > 20, f"{how}: a large answer: {large.text[:300]}")
    check(asked_by_streams() >= before + 4, f"{how}: {asked_by_streams() - before} queries came by streams")


@scenario
@needs_own_daemon
def dnsperf_loses_nothing_by_tls_and_https(context):
    """dnsperf (2.10 of Debian 12; DNS-OARC/dnsperf issue 240) takes one response out of a read and forgets others that came in
    the same TLS record: ours have one each."""
    certificates = peers.Certificates(context.folder / "dnsperf-certificates")
    names = context.folder / "dnsperf-names"
    asked = ["www.alpha.lab-tld", "www.beta.knot-tld", "www.gamma.bind-tld", *(f"n{i}.wild.alpha.lab-tld" for i in range(97))]
    names.write_text("".join(f"{name} A\n" for name in asked))
    by_https = ["-m", "doh", "-p", str(DOH), "-T", "1", "-q", "50", "-O", f"doh-uri=https://127.0.0.1:{DOH}/dns-query", "-O"]
    with context.daemon(settings=settings(certificates)):
        # dnsperf's POST sends its two frames apart and waits 40 ms for an acknowledgement between them: fewer rounds.
        for how, rounds, options in (("DoT", 50, ["-m", "dot", "-p", str(DOT), "-T", "1", "-q", "50"]),
                                     ("DoH with GET", 20, [*by_https, "doh-method=GET"]),
                                     ("DoH with POST", 2, [*by_https, "doh-method=POST"])):
            opened = metrics()["redoubt_tls_handshakes_total"]
            command = [peers.program("dnsperf"), "-s", "127.0.0.1", *options, "-d", str(names), "-c", "4", "-n", str(rounds), "-t", "8"]
            try:
                said = subprocess.run(command, capture_output=True, text=True, timeout=120).stdout
            except subprocess.TimeoutExpired:
                raise LabError(f"{how}: dnsperf did not end within two minutes") from None
            figures = {key: int(value) for key, value in re.findall(r"Queries (sent|completed|lost): +(\d+)", said)}
            total = rounds * len(asked)
            check_equal(figures, {"sent": total, "completed": total, "lost": 0}, f"{how}: {said[-800:]}")
            check(re.search(rf"Response codes: +NOERROR {total} \(100.00%\)", said), f"{how}: {said[-800:]}")
            opened = metrics()["redoubt_tls_handshakes_total"] - opened
            check_equal(opened, 4.0, f"{how}: handshakes for four connections")
            rate = float(re.search(r"Queries per second: +(\S+)", said).group(1))
            context.figure(f"dnsperf by {how}, four connections, all on this machine: {rate:.0f} answers a second")


@scenario
@needs_own_daemon
def stubby_asks_by_tls_and_knows_us_by_name_and_by_pin(context):
    certificates = peers.Certificates(context.folder / "stubby-certificates")
    digests = f'    tls_pubkey_pinset:\n      - digest: "sha256"\n        value: {certificates.pin()}\n'

    def configuration(name, pinned=""):
        return {"stubby.yml": f"""resolution_type: GETDNS_RESOLUTION_STUB
dns_transport_list:
  - GETDNS_TRANSPORT_TLS
tls_authentication: GETDNS_AUTHENTICATION_REQUIRED
tls_ca_file: "{certificates.authority}"
tls_query_padding_blocksize: 128
edns_client_subnet_private: 1
idle_timeout: 10000
listen_addresses:
  - {PROXY}@{PROXY_PORT}
appdata_dir: "@FOLDER@"
upstream_recursive_servers:
  - address_data: 127.0.0.1
    tls_port: {DOT}
    tls_auth_name: "{name}"
{pinned}"""}

    arguments = ["-C", "@FOLDER@/stubby.yml"]
    with context.daemon(settings=settings(certificates)):
        for how, files in (("by name", configuration(NAME)), ("by name and pin", configuration(NAME, digests))):
            with peers.running(context, "stubby", arguments, proxy_answers, files):
                check_proxy(f"stubby, {how}")
        before = asked_by_streams()
        with peers.running(context, "stubby", arguments, proxy_answers, configuration("other.example")):
            answer = ask("www.beta.knot-tld", server=PROXY, port=PROXY_PORT)
            check_equal(answer.data("A"), [], "what stubby gives although we are not who it expects")
        check_equal(asked_by_streams(), before, "queries that stubby sent to somebody it does not know")


@scenario
@needs_own_daemon
def dnsdist_asks_by_tls_and_by_https(context):
    certificates = peers.Certificates(context.folder / "dnsdist-certificates")

    def configuration(server):
        return {"dnsdist.conf": f"""setLocal('{PROXY}:{PROXY_PORT}')
setACL({{'127.0.0.0/8'}})
setSecurityPollSuffix('')
newServer({{{server}, tls='openssl', subjectName='{NAME}', caStore='{certificates.authority}', validateCertificates=true,
           checkName='www.alpha.lab-tld.', checkInterval=1, mustResolve=true, checkTimeout=4000}})
"""}

    arguments = ["--supervised", "--disable-syslog", "-C", "@FOLDER@/dnsdist.conf"]
    with context.daemon(settings=settings(certificates)):
        for how, server in (("dnsdist by TLS", f"address='127.0.0.1:{DOT}'"),
                            ("dnsdist by HTTPS", f"address='127.0.0.1:{DOH}', dohPath='/dns-query'")):
            with peers.running(context, "dnsdist", arguments, proxy_answers, configuration(server)):
                check_proxy(how)
                opened, began = metrics()["redoubt_tls_handshakes_total"], time.monotonic()
                for i in range(20):
                    check_equal(ask(f"d{i}.wild.alpha.lab-tld", server=PROXY, port=PROXY_PORT).data("A"), ["192.0.2.42"], f"{how}: {i}")
                # Health checks come over connections of their own, one a second.
                extra = metrics()["redoubt_tls_handshakes_total"] - opened
                seconds = time.monotonic() - began
                check(extra < 15 + seconds, f"{how}: {extra} handshakes for twenty queries in {seconds:.1f} s")


@scenario
@needs_own_daemon
def curl_loads_a_page_by_a_name_that_our_https_resolves(context):
    certificates = peers.Certificates(context.folder / "curl-certificates")
    with context.daemon(settings=settings(certificates)), peers.web_server(PAGE_ADDRESS, PAGE_PORT, PAGE) as hosts:
        before = asked_by_streams()
        # --cacert counts for the page's server, of which there is none by TLS; the resolver's file is the environment's.
        command = ["curl", "--silent", "--show-error", "--max-time", "30", "--cacert", str(certificates.authority), "--doh-url",
                   f"https://127.0.0.1:{DOH}/dns-query", f"http://{PAGE_NAME}:{PAGE_PORT}/"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        check(PAGE in done.stdout, f"curl did not load the page: {done.stderr}{done.stdout}")
        check_equal(hosts, [f"{PAGE_NAME}:{PAGE_PORT}"], "what the web server was asked for")
        check(asked_by_streams() > before, "no query came by HTTPS")


def chromium(context, profile, certificates, *, port):
    """(what it printed as the page, what it said) of Chromium that resolves by HTTPS alone and trusts the lab's authority."""
    database = profile / ".pki" / "nssdb"
    database.mkdir(parents=True)
    for arguments in (["-N", "--empty-password"], ["-A", "-t", "C,,", "-n", "lab", "-i", str(certificates.authority)]):
        done = subprocess.run([peers.program("certutil"), "-d", f"sql:{database}", *arguments], capture_output=True, text=True)
        if done.returncode != 0:
            raise LabError(f"certutil: {done.stderr}")
    data = profile / "data"
    data.mkdir()
    # What the settings page "Use secure DNS: with a custom provider" writes.
    (data / "Local State").write_text(json.dumps({"dns_over_https": {
        "mode": "secure", "templates": f"https://127.0.0.1:{port}/dns-query{{?dns}}"}}))
    environment = {"HOME": str(profile), "PATH": "/usr/bin:/bin", "XDG_CONFIG_HOME": str(profile), "XDG_CACHE_HOME": str(profile)}
    command = [peers.program("chromium"), "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
               "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
               "--disable-extensions", "--metrics-recording-only", f"--user-data-dir={data}", "--virtual-time-budget=10000",
               "--timeout=60000", "--dump-dom", f"http://{PAGE_NAME}:{PAGE_PORT}/"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
                               env=environment, start_new_session=True)
    try:
        return process.communicate(timeout=180)
    except subprocess.TimeoutExpired:
        raise LabError("Chromium did not end within three minutes") from None
    finally:
        for pid in processes.descendants_of(process.pid):
            processes.send(pid, 9)
        process.kill()


@scenario
@needs_own_daemon
def chromium_loads_a_page_by_a_name_that_our_https_resolves(context):
    """Chromium with secure DNS set to us, in mode `secure`: it asks nobody else, and falls back to nothing."""
    certificates = peers.Certificates(context.folder / "chromium-certificates")
    folder = context.own_folder()
    with context.daemon(settings=settings(certificates)), peers.web_server(PAGE_ADDRESS, PAGE_PORT, PAGE) as hosts:
        before = metrics()
        page, said = chromium(context, folder / "good", certificates, port=DOH)
        check(PAGE in page, f"Chromium did not load the page: {page[:500]}\n{said[-1500:]}")
        check(f"{PAGE_NAME}:{PAGE_PORT}" in hosts, f"the web server was asked for {hosts}")
        after = metrics()
        check(after["redoubt_stream_queries_total"] > before["redoubt_stream_queries_total"], "no query came by HTTPS")
        # The other way round: where nobody speaks DNS over HTTPS there is no page, so it was ours that resolved the name.
        del hosts[:]
        page, _ = chromium(context, folder / "bad", certificates, port=DOH + 1)
        check(PAGE not in page and not hosts, "the page was loaded without our HTTPS")
