"""What resolverd finds by walking from the root, asked with dig over UDP and IPv4 unless a scenario says otherwise."""
import time

from kit.runner import check, check_equal, needs_own_daemon, scenario
from kit.tools import ask

AT_ONCE = 4  # less than the 4.5 s after which a question is given up (the limit question-time)


def expect(context, name, type_name, data, status="NOERROR", **how):
    """Asks the shared daemon and compares status and the data of that type."""
    context.shared()
    answer = ask(name, type_name, **how)
    check_equal(answer.status, status, f"status of {name} {type_name}")
    check_equal(answer.data(type_name), sorted(data), f"{type_name} data of {name}")
    check("ra" in answer.flags, f"{name}: recursion is not said to be available: {sorted(answer.flags)}")
    check("aa" not in answer.flags, f"{name}: a resolver's answer claims authority")
    return answer


@scenario
def a_name_under_a_domain_served_by_nsd(context):
    expect(context, "www.alpha.lab-tld", "A", ["192.0.2.80"])


@scenario
def a_name_under_a_domain_served_by_knot(context):
    expect(context, "www.beta.knot-tld", "A", ["192.0.2.81"])


@scenario
def a_name_under_a_domain_served_by_bind(context):
    expect(context, "www.gamma.bind-tld", "A", ["192.0.2.82"])


@scenario
def each_of_three_domains_over_tcp(context):
    expect(context, "www.alpha.lab-tld", "AAAA", ["2001:db8::80"], tcp=True)
    expect(context, "www.beta.knot-tld", "AAAA", ["2001:db8::81"], tcp=True)
    expect(context, "www.gamma.bind-tld", "AAAA", ["2001:db8::82"], tcp=True)


@scenario
def each_of_three_domains_over_ipv6(context):
    expect(context, "www.alpha.lab-tld", "A", ["192.0.2.80"], server="::1")
    expect(context, "www.beta.knot-tld", "A", ["192.0.2.81"], server="::1")
    expect(context, "www.gamma.bind-tld", "A", ["192.0.2.82"], server="::1", tcp=True)


@scenario
def other_types_mx_srv_txt_soa_ns(context):
    expect(context, "alpha.lab-tld", "MX", ["10 mail.alpha.lab-tld."])
    expect(context, "_sip._udp.alpha.lab-tld", "SRV", ["10 20 5060 www.alpha.lab-tld."])
    expect(context, "any.wild.alpha.lab-tld", "TXT", ['"from the wildcard"'])
    expect(context, "alpha.lab-tld", "NS", ["ns1.alpha.lab-tld."])
    expect(context, "gamma.bind-tld", "SOA", ["ns1.gamma.bind-tld. hostmaster.lab-tld. 1 3600 900 604800 60"])


@scenario
def a_type_without_a_name(context):
    expect(context, "typed.alpha.lab-tld", "TYPE65280", ["\\# 4 DEADBEEF"])


@scenario
def a_glueless_delegation(context):
    # The server's address lies under another top-level domain and is looked up first.
    expect(context, "fresh.wild.beta.knot-tld", "A", ["192.0.2.43"])


@scenario
def a_sibling_name_server(context):
    expect(context, "www.delta.lab-tld", "A", ["192.0.2.84"])


@scenario
def a_server_reachable_by_ipv6_alone(context):
    expect(context, "www.six.lab-tld", "A", ["192.0.2.86"])


@scenario
def a_zone_below_a_zone(context):
    expect(context, "www.kappa.iota.knot-tld", "A", ["192.0.2.88"])
    expect(context, "www.iota.knot-tld", "A", ["192.0.2.87"])


@scenario
def an_alias_within_a_zone(context):
    answer = expect(context, "alias.alpha.lab-tld", "A", ["192.0.2.80"])
    check_equal(answer.data("CNAME"), ["www.alpha.lab-tld."], "the alias")


@scenario
def an_alias_across_top_level_domains(context):
    expect(context, "to-knot.alpha.lab-tld", "A", ["192.0.2.81"])
    expect(context, "to-bind.alpha.lab-tld", "AAAA", ["2001:db8::82"])


@scenario
def a_chain_of_aliases_through_three_programs(context):
    answer = expect(context, "tour.alpha.lab-tld", "A", ["192.0.2.84"])
    check_equal(answer.data("CNAME"), ["tour.beta.knot-tld.", "tour.gamma.bind-tld.", "www.delta.lab-tld."], "the aliases")


@scenario
def a_long_chain_of_aliases_in_one_zone(context):
    answer = expect(context, "long-01.alpha.lab-tld", "A", ["192.0.2.80"])
    check_equal(len(answer.data("CNAME")), 4, "aliases")


@scenario
def the_alias_itself_is_asked_for(context):
    expect(context, "tour.alpha.lab-tld", "CNAME", ["tour.beta.knot-tld."])


@scenario
def an_alias_to_nothing_is_nxdomain_with_the_alias(context):
    answer = expect(context, "to-nothing.alpha.lab-tld", "A", [], status="NXDOMAIN")
    check_equal(answer.data("CNAME"), ["missing.gamma.bind-tld."], "the alias")


@scenario
def an_alias_ring_ends(context):
    context.shared()
    began = time.monotonic()
    answer = ask("ring-one.alpha.lab-tld")
    check_equal(answer.status, "SERVFAIL", "status of a ring of aliases")
    check(time.monotonic() - began < AT_ONCE, f"a ring of aliases took longer than {AT_ONCE} s")


@scenario
def a_dname_moves_a_subtree(context):
    answer = expect(context, "www.moved.alpha.lab-tld", "A", ["192.0.2.82"])
    check_equal(answer.data("DNAME"), ["gamma.bind-tld."], "the DNAME")
    check_equal(answer.data("CNAME"), ["www.gamma.bind-tld."], "the CNAME made of it")


@scenario
def a_name_that_does_not_exist(context):
    for name, apex in (("missing.alpha.lab-tld", "alpha.lab-tld."), ("missing.knot-tld", "knot-tld."), ("missing-tld", ".")):
        answer = expect(context, name, "A", [], status="NXDOMAIN")
        check_equal([(record.owner, record.type) for record in answer.authority], [(apex, "SOA")], f"authority of {name}")


@scenario
def a_type_that_does_not_exist(context):
    for name in ("www.delta.lab-tld", "here.wild.alpha.lab-tld", "between.alpha.lab-tld"):
        type_name = "A" if "wild" in name or "between" in name else "AAAA"
        answer = expect(context, name, type_name, [])
        check_equal([record.type for record in answer.authority], ["SOA"], f"authority of {name}")


@scenario
def negative_answers_are_remembered_no_longer_than_the_soa_says(context):
    answer = expect(context, "never.gamma.bind-tld", "A", [], status="NXDOMAIN")
    check(0 < answer.authority[0].ttl <= 60, f"TTL {answer.authority[0].ttl} of the SOA, whose last field is 60 (RFC 2308)")


@scenario
def a_wildcard_answers_for_names_below_it(context):
    expect(context, "one.wild.alpha.lab-tld", "A", ["192.0.2.42"])
    answer = expect(context, "two.levels.wild.alpha.lab-tld", "A", ["192.0.2.42"])
    check_equal({record.owner for record in answer.answers}, {"two.levels.wild.alpha.lab-tld."}, "owner")


@scenario
def names_with_odd_octets(context):
    for name, last in ((r"dot\.inside", 101), (r"space\032inside", 102), (r"back\\slash", 103), (r"zero\000octet", 104),
                       (r"high\255octet", 105), ("sixty-three-octets-are-the-most-that-a-label-may-be-long-like-t", 106)):
        expect(context, name + ".alpha.lab-tld", "A", [f"192.0.2.{last}"])


@scenario
def upper_and_lower_case_are_the_same_name(context):
    expect(context, "upper.case.alpha.lab-tld", "A", ["192.0.2.107"])
    answer = expect(context, "WwW.AlPhA.LaB-tLd", "A", ["192.0.2.80"])
    check("WwW.AlPhA.LaB-tLd." in answer.text, "the question does not come back in the case it was asked in")


@scenario
def too_many_records_for_a_datagram_come_over_tcp(context):
    context.shared()
    answer = ask("many.alpha.lab-tld", options=["+ignore", "+bufsize=1232"])
    check("tc" in answer.flags, f"90 addresses in 1232 octets without the truncation flag: {sorted(answer.flags)}")
    everything = expect(context, "many.alpha.lab-tld", "A", [f"198.51.100.{last}" for last in range(1, 91)], tcp=True)
    check_equal(len(everything.answers), 90, "records over TCP")
    retried = ask("many.alpha.lab-tld", options=["+bufsize=1232"])  # as dig does by itself
    check_equal(len(retried.answers), 90, "records after truncation")


@scenario
def large_sets_from_each_program_come_over_tcp(context):
    for name in ("large.alpha.lab-tld", "large.beta.knot-tld", "large.gamma.bind-tld"):
        context.shared()
        answer = ask(name, "TXT")
        check_equal((answer.status, len(answer.data("TXT"))), ("NOERROR", 40), f"{name} TXT")


@scenario
def a_message_of_forty_thousand_octets(context):
    context.shared()
    answer = ask("huge.alpha.lab-tld", "TXT", tcp=True)
    check_equal((answer.status, len(answer.data("TXT"))), ("NOERROR", 90), "huge.alpha.lab-tld TXT")


@scenario
def an_rrset_with_more_records_than_the_limit_is_not_used(context):
    # 150 addresses; the limit records-per-rrset is 100.
    answer = expect(context, "crowd.alpha.lab-tld", "A", [], status="SERVFAIL", tcp=True)
    check("records-per-rrset" in answer.text, f"the extended error does not name the limit: {answer.text}")


@scenario
@needs_own_daemon
def a_limit_can_be_set(context):
    with context.daemon(settings={"limits": {"records-per-rrset": 200}}):
        answer = ask("crowd.alpha.lab-tld", tcp=True)
        check_equal((answer.status, len(answer.answers)), ("NOERROR", 150), "status and records of 150 addresses")


@scenario
def a_client_without_edns_gets_at_most_512_octets(context):
    context.shared()
    answer = ask("large.alpha.lab-tld", "TXT", options=["+noedns", "+ignore"])
    check("tc" in answer.flags, f"no truncation flag: {sorted(answer.flags)}")
    size = int(answer.text.rsplit("MSG SIZE  rcvd: ", 1)[1].split()[0])
    check(size <= 512, f"{size} octets for a client without EDNS")


@scenario
def a_lifetime_counts_down_and_ends(context):
    context.shared()
    began = time.monotonic()
    first = ask("www.alpha.lab-tld", "AAAA").answers[0].ttl
    time.sleep(2.1)
    second = ask("www.alpha.lab-tld", "AAAA").answers[0].ttl
    passed = time.monotonic() - began
    check(first - passed - 1 <= second <= first - 2, f"TTL {first}, then {second} at most {passed:.1f} s later")
    brief = ask("brief.alpha.lab-tld")
    check(brief.answers[0].ttl <= 1, f"TTL {brief.answers[0].ttl} of a record whose own is 1")
    time.sleep(1.2)
    again = ask("brief.alpha.lab-tld")
    check_equal(again.data("A"), ["192.0.2.1"], "the record after its end")


@scenario
def a_lifetime_of_zero_is_answered(context):
    answer = expect(context, "zero.alpha.lab-tld", "A", ["192.0.2.2"])
    check_equal(answer.answers[0].ttl, 0, "TTL")


@scenario
def one_lame_server_of_two_does_not_matter(context):
    for number in range(5):
        expect(context, f"lame-{number}.wild.epsilon.lab-tld", "A", ["192.0.2.42"])


@scenario
def one_dead_server_of_two_does_not_matter(context):
    began = time.monotonic()
    for number in range(5):
        expect(context, f"dead-{number}.wild.zeta.lab-tld", "A", ["192.0.2.42"])
    check(time.monotonic() - began < 20, f"five names took {time.monotonic() - began:.1f} s")


def expect_failure(context, name, within):
    context.shared()
    began = time.monotonic()
    answer = ask(name)
    took = time.monotonic() - began
    check_equal(answer.status, "SERVFAIL", f"status of {name}")
    check(took < within, f"{name}: SERVFAIL took {took:.1f} s, more than {within} s")


@scenario
def a_zone_with_lame_servers_alone_fails_quickly(context):
    expect_failure(context, "www.eta.lab-tld", AT_ONCE)


@scenario
def a_zone_with_dead_servers_alone_fails_in_time(context):
    expect_failure(context, "www.theta.lab-tld", 12)


@scenario
def zones_whose_servers_need_each_other_fail_quickly(context):
    expect_failure(context, "www.cycle-one.lab-tld", AT_ONCE)


@scenario
def a_zone_whose_server_does_not_exist_fails_quickly(context):
    expect_failure(context, "www.orphan.lab-tld", AT_ONCE)
