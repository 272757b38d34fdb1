// What is kept is what the next asker would have got.
#include "dns/packet/packet_cache.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "tests/unit/resolver/packet_answers.hpp"

namespace redoubt::resolver {
namespace {

using namespace packets;

TEST(PacketCache, second_asker_gets_what_the_first_got) {
  Counter counter;
  const Outcome outcome = address_of("www.example.");
  const Octets query = query_octets("www.example.");
  const Octets first = counter.answer(query, outcome);
  EXPECT_FALSE(counter.served);
  EXPECT_EQ(counter.answer(query, outcome), first);
  EXPECT_TRUE(counter.served);
}

TEST(PacketCache, id_and_case_are_the_askers_own) {
  Counter counter;
  const Outcome outcome = address_of("www.example.");
  counter.answer(query_octets("www.example."), outcome);
  const Octets query = query_octets("wWw.EXAMPLE.", [](dns::Message& message) { message.header.id = 0x0815; });
  const Octets answer = counter.answer(query, outcome);
  ASSERT_TRUE(counter.served);
  EXPECT_EQ(answer, rendered(query, outcome));
}

TEST(PacketCache, aliases_and_denials_are_kept_whole) {
  Counter counter;
  Outcome alias = address_of("host.example.");
  alias.answer.insert(alias.answer.begin(), rrset("www.example.", dns::type::cname, 60, {name_rdata("host.example.")}));
  Outcome denial;
  denial.rcode = dns::Rcode::nxdomain;
  Octets soa = name_rdata("ns.example.");
  for (const std::uint8_t octet : name_rdata("hostmaster.example.")) soa.push_back(octet);
  soa.resize(soa.size() + 20);
  denial.authority = rrset("example.", dns::type::soa, 30, {soa});
  for (const auto& [name, outcome] : {std::pair{"www.example.", &alias}, std::pair{"no.example.", &denial}}) {
    const Octets query = query_octets(name, [](dns::Message& message) { message.edns.emplace(); });
    counter.answer(query, *outcome);
    for (const auto later : {0s, 1s, 17s, 28s}) {
      EXPECT_EQ(counter.answer(query, *outcome, start + later), rendered(query, *outcome, start + later)) << name;
      EXPECT_TRUE(counter.served) << name << " after " << later.count() << " s";
    }
  }
}

/// One record, of the name and type that were asked for or not, in whatever section.
TEST(PacketCache, answers_of_one_record_are_given_back_to_the_octet) {
  struct Case {
    std::string_view owner;
    dns::RrType type;
    Octets rdata;
    bool is_denial = false;
  };
  const std::vector<Case> cases{
      {"www.example.", dns::type::a, {192, 0, 2, 1}},
      {"www.example.", dns::type::aaaa, Octets(16, 1)},
      {"www.example.", dns::type::txt, {}},
      {"www.example.", dns::type::txt, Octets(255, 254)},
      {"www.example.", dns::type::cname, name_rdata("www.example.")},
      {"www.example.", dns::type::ns, name_rdata("ns.www.example.")},
      {".", dns::type::ns, name_rdata("a.example.")},
      {"example.", dns::type::txt, {3, 'f', 'a', 'r'}},
      {"example.", dns::type::txt, {3, 'n', 'o', 't'}, true},
  };
  for (const Case& each : cases) {
    for (const bool asks_for_it : {true, false}) {
      const std::string_view qname = each.owner == "." ? "." : "www.example.";
      const Octets query = query_octets(qname, [&](dns::Message& message) {
        message.question->type = asks_for_it ? each.type : dns::type::mx;
        if (asks_for_it) message.edns.emplace();
      });
      Outcome outcome;
      outcome.rcode = each.is_denial ? dns::Rcode::nxdomain : dns::Rcode::noerror;
      const SharedRRset set = rrset(each.owner, each.type, 300, {each.rdata});
      if (each.is_denial)
        outcome.authority = set;
      else
        outcome.answer = {set};
      for (const auto later : {0s, 7s, 200s}) {
        Counter counter;
        counter.answer(query, outcome);
        EXPECT_EQ(counter.answer(query, outcome, start + later), rendered(query, outcome, start + later))
            << each.owner << " " << dns::to_text(each.type) << " " << asks_for_it;
        EXPECT_TRUE(counter.served);
      }
    }
  }
}

TEST(PacketCache, ttls_are_never_more_than_what_is_left) {
  Counter counter;
  const Outcome outcome = address_of("www.example.", 100);
  const Octets query = query_octets("www.example.");
  const Instant kept = start + 300ms;
  counter.answer(query, outcome, kept);
  for (Duration since = 0ms; since < 98s; since += 333ms) {
    const auto answer = dns::Message::parse(counter.answer(query, outcome, kept + since));
    ASSERT_TRUE(counter.served) << since.count();
    const auto left = std::chrono::ceil<std::chrono::seconds>(outcome.answer.front()->expires() - kept - since).count();
    EXPECT_LE(answer->answer.front().ttl.seconds(), left);
    EXPECT_GE(answer->answer.front().ttl.seconds() + 1, left);
  }
}

TEST(PacketCache, answers_end_before_their_least_ttl_by_the_lead) {
  for (const auto lead : {0s, 10s}) {
    Counter counter;
    const Outcome outcome = address_of("www.example.", 100);
    const Octets query = query_octets("www.example.");
    counter.answer(query, outcome, start, lead);
    const auto last = 99s - lead;
    counter.answer(query, outcome, start + last);
    EXPECT_TRUE(counter.served);
    counter.answer(query, outcome, start + last + 1ms);
    EXPECT_FALSE(counter.served);
  }
}

TEST(PacketCache, nothing_is_served_before_it_was_kept) {
  Counter counter;
  const Outcome outcome = address_of("www.example.", 100);
  const Octets query = query_octets("www.example.");
  counter.answer(query, outcome);
  counter.answer(query, outcome, start - 1s);  // a clock that jumped back
  EXPECT_FALSE(counter.served);
}

TEST(PacketCache, answers_without_records_truncated_or_with_options_are_not_kept) {
  const auto kept = [](const Octets& query, const Outcome& outcome) {
    Counter counter;
    counter.answer(query, outcome);
    counter.answer(query, outcome);
    return counter.served;
  };
  const Octets plain = query_octets("www.example.");
  const Octets with_edns = query_octets("www.example.", [](dns::Message& message) { message.edns.emplace(); });
  EXPECT_TRUE(kept(with_edns, address_of("www.example.")));
  EXPECT_FALSE(kept(plain, *failure(dns::EdeCode::network_error, "")));
  EXPECT_FALSE(kept(with_edns, *failure(dns::EdeCode::network_error, "")));
  Outcome told = address_of("www.example.");
  told.error = dns::ExtendedError{dns::EdeCode::stale_answer, ""};
  EXPECT_FALSE(kept(with_edns, told));
  Outcome large;
  large.rcode = dns::Rcode::noerror;
  large.answer = {rrset("www.example.", dns::type::a, 300, sixty_addresses())};
  EXPECT_FALSE(kept(plain, large)) << "60 addresses do not fit 512 octets";
  EXPECT_TRUE(kept(with_edns, large));
}

TEST(PacketCache, asker_with_less_room_does_not_get_a_longer_answer) {
  Counter counter;
  Outcome large;
  large.rcode = dns::Rcode::noerror;
  large.answer = {rrset("www.example.", dns::type::a, 300, sixty_addresses())};
  const Octets roomy = query_octets("www.example.", [](dns::Message& message) { message.edns.emplace(); });
  counter.answer(roomy, large);
  for (const std::uint16_t payload : std::initializer_list<std::uint16_t>{0, 512, 900}) {
    const Octets narrow = query_octets("www.example.", [payload](dns::Message& message) {
      message.edns.emplace();
      message.edns->udp_payload = payload;
    });
    EXPECT_EQ(counter.answer(narrow, large), rendered(narrow, large)) << payload;
    EXPECT_FALSE(counter.served);
  }
}

/// attacks: whole-packet pollution. Every pair of a first and a second asker who differ in flags, EDNS, options, type
/// or class.
TEST(PacketCache, no_flag_or_option_of_one_asker_changes_the_answer_of_another) {
  std::vector<Octets> queries;
  for (unsigned bits = 0; bits < 64; ++bits) {
    queries.push_back(query_octets("www.example.", [bits](dns::Message& message) {
      message.header.authentic = (bits & 1) != 0;
      message.header.checking_disabled = (bits & 2) != 0;
      if ((bits & 4) != 0) {
        message.edns.emplace();
        message.edns->dnssec_ok = (bits & 8) != 0;
        if ((bits & 16) != 0) message.edns->nsid.emplace();
        if ((bits & 32) != 0) message.edns->cookie = dns::Cookie{{1, 2, 3, 4, 5, 6, 7, 8}, {}};
      } else {
        message.header.recursion_desired = (bits & 8) == 0;
        if ((bits & 16) != 0) message.question->type = dns::type::aaaa;
        if ((bits & 32) != 0) message.question->rr_class = dns::rr_class::ch;
      }
    }));
  }
  const Outcome address = address_of("www.example.");
  Outcome other = address_of("www.example.", 200);
  for (const Octets& first : queries) {
    for (const Octets& second : queries) {
      const auto outcome_of = [&](const Octets& query) -> const Outcome& {
        return dns::parse_query(query)->question.type == dns::type::a ? address : other;
      };
      Counter counter;
      counter.answer(first, outcome_of(first));
      counter.answer(first, outcome_of(first));
      ASSERT_EQ(counter.answer(second, outcome_of(second)), rendered(second, outcome_of(second)));
    }
  }
}

/// AD is for those who ask for it, whoever asked first (RFC 6840 §5.7, §5.8).
TEST(PacketCache, secure_answers_say_so_to_those_alone_who_want_to_hear_it) {
  Outcome outcome = address_of("www.example.");
  outcome.security = Security::secure;
  for (unsigned first = 0; first < 8; ++first) {
    Counter counter;
    const auto query = [](unsigned bits) {
      return query_octets("www.example.", [bits](dns::Message& message) {
        message.header.authentic = (bits & 1) != 0;
        message.header.checking_disabled = (bits & 2) != 0;
        if ((bits & 4) != 0) message.edns.emplace().dnssec_ok = true;
      });
    };
    counter.answer(query(first), outcome);
    for (unsigned second = 0; second < 8; ++second) {
      EXPECT_EQ(counter.answer(query(second), outcome), rendered(query(second), outcome)) << first << " " << second;
    }
  }
}

/// The cookie in an answer is its asker's own; what stands before it is everybody's.
TEST(PacketCache, answers_with_a_cookie_are_kept_without_it) {
  dns::PacketCache cache{plenty, packet_key};
  const Outcome outcome = address_of("www.example.");
  const dns::Cookie cookie{{1, 2, 3, 4, 5, 6, 7, 8}, {}};
  const Octets with =
      query_octets("www.example.", [&](dns::Message& message) { message.edns.emplace().cookie = cookie; });
  const Octets without = query_octets("www.example.", [](dns::Message& message) { message.edns.emplace(); });
  dns::QueryGlance glance;
  ASSERT_TRUE(dns::look_at(with, glance));
  EXPECT_EQ(Octets(glance.cookie.begin(), glance.cookie.end()), Octets(cookie.client.begin(), cookie.client.end()));
  Octets answer(1232);
  const dns::Cookie whole{cookie.client, Octets(16, 9)};
  answer.resize(render(*dns::parse_query(with), outcome, start, answer, {.cookie = whole}).octets);
  cache.keep(glance, answer, {}, start);
  ASSERT_TRUE(dns::look_at(without, glance));
  Octets room(1232);
  room.resize(cache.find(glance, without, start, room).octets);
  EXPECT_EQ(room, rendered(without, outcome));
}

TEST(PacketCache, answers_with_padding_are_kept_without_it_and_padded_as_render_does) {
  dns::PacketCache cache{plenty, packet_key};
  const Outcome outcome = address_of("www.example.");
  const Octets padded = query_octets("www.example.", [](dns::Message& message) { message.edns.emplace().padding = 7; });
  dns::QueryGlance glance;
  ASSERT_TRUE(dns::look_at(padded, glance));
  EXPECT_TRUE(glance.padded);
  Octets expected(1232);
  expected.resize(render(*dns::parse_query(padded), outcome, start, expected, {.padding_block = padding_block}).octets);
  ASSERT_EQ(expected.size(), padding_block);
  cache.keep(glance, expected, {}, start);
  Octets room(1232);
  const auto served = cache.find(glance, padded, start, room);
  ASSERT_NE(served.octets, 0U);
  EXPECT_LT(served.octets, padding_block);
  const std::size_t opt_at = served.octets - dns::plain_opt_octets;
  const std::size_t whole = dns::pad_answer(room, served.octets, opt_at, padding_block);
  EXPECT_EQ(Octets(room.begin(), room.begin() + static_cast<std::ptrdiff_t>(whole)), expected);

  Octets narrow(room.begin(), room.begin() + static_cast<std::ptrdiff_t>(served.octets + 3));
  EXPECT_EQ(dns::pad_answer(narrow, served.octets, opt_at, padding_block), served.octets) << "no room for an option";
  for (const auto code : {std::uint8_t{3}, std::uint8_t{15}}) {  // NSID, extended error: somebody's own
    Octets other = expected;
    other[opt_at + dns::plain_opt_octets + 1] = code;
    dns::PacketCache fresh{plenty, packet_key};
    fresh.keep(glance, other, {}, start);
    EXPECT_EQ(fresh.octets(), 0U);
  }
}

}  // namespace
}  // namespace redoubt::resolver
