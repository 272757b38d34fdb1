#include "dns/packet/packet_cache.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <string>
#include <vector>

#include "dns/message.hpp"
#include "dns/packet/query_glance.hpp"
#include "resolver/render/render.hpp"

namespace redoubt::resolver {
namespace {

using namespace std::chrono_literals;
using Octets = std::vector<std::uint8_t>;

constexpr dns::HashKey key{1, 2, 3};
constexpr std::size_t plenty = 1U << 20;
const Instant start{1000s};

Octets query_octets(std::string_view name, const std::function<void(dns::Message&)>& change = {}) {
  dns::Message message;
  message.header.id = 0x4711;
  message.header.recursion_desired = true;
  message.question = dns::Question{dns::Name::literal(name), dns::type::a, dns::rr_class::in};
  if (change) change(message);
  return message.to_wire();
}

SharedRRset rrset(std::string_view owner, dns::RrType type, std::uint32_t ttl, const std::vector<Octets>& rdata,
                  Instant now = start) {
  dns::RRset made{dns::Name::literal(owner), type, dns::rr_class::in, dns::Ttl::from_wire(ttl), {}};
  for (const Octets& one : rdata) made.rdata.add(one);
  return HeldRRset::make(made, now + std::chrono::seconds{ttl});
}

Octets name_rdata(std::string_view name) {
  const dns::Name made = dns::Name::literal(name);
  return {made.wire().begin(), made.wire().end()};
}

Outcome address_of(std::string_view owner, std::uint32_t ttl = 300) {
  Outcome outcome;
  outcome.rcode = dns::Rcode::noerror;
  outcome.answer = {rrset(owner, dns::type::a, ttl, {{192, 0, 2, 1}, {192, 0, 2, 2}})};
  return outcome;
}

/// More than 512 octets.
std::vector<Octets> sixty_addresses() {
  std::vector<Octets> many;
  for (std::uint8_t i = 0; i < 60; ++i) many.push_back({192, 0, 2, i});
  return many;
}

Octets rendered(const Octets& query, const Outcome& outcome, Instant now = start) {
  const auto parsed = dns::parse_query(query);
  if (!parsed) return {};
  Octets room(1232);
  const std::size_t limit = parsed->edns ? std::min<std::size_t>(parsed->edns->usable_payload(), room.size()) : 512;
  room.resize(render(*parsed, outcome, now, std::span{room}.first(limit)).octets);
  return room;
}

/// As a worker does it: from the packet cache, else rendered and kept.
struct Counter {
  dns::PacketCache cache{plenty, key};
  bool served = false;

  Octets answer(const Octets& query, const Outcome& outcome, Instant now = start, std::chrono::seconds lead = 0s) {
    dns::QueryGlance glance;
    const bool plain = dns::look_at(query, glance);
    Octets room(1232);
    served = false;
    if (plain) {
      const std::size_t limit = std::min<std::size_t>(glance.udp_payload, room.size());
      const auto found = cache.find(glance, query, now, std::span{room}.first(limit));
      served = found.octets != 0;
      room.resize(found.octets);
      if (served) return room;
    }
    Octets answer = rendered(query, outcome, now);
    if (plain) cache.keep(glance, answer, {.secure = outcome.is_secure(), .lead = lead}, now);
    return answer;
  }
};

TEST(PacketCache, second_asker_gets_what_the_first_got) {
  Counter counter;
  const Outcome outcome = address_of("www.example.");
  const Octets query = query_octets("www.example.");
  const Octets first = counter.answer(query, outcome);
  EXPECT_FALSE(counter.served);
  EXPECT_EQ(counter.answer(query, outcome), first);
  EXPECT_TRUE(counter.served);
}

TEST(PacketCache, may_wait_for_a_question_to_come_a_second_time) {
  dns::PacketCache cache{plenty, key};
  const Octets query = query_octets("www.example.");
  const Octets answer = rendered(query, address_of("www.example."));
  dns::QueryGlance glance;
  ASSERT_TRUE(dns::look_at(query, glance));
  Octets room(1232);
  for (int time = 1; time <= 3; ++time) {
    EXPECT_EQ(cache.find(glance, query, start, room).octets != 0, time == 3) << time;
    cache.keep(glance, answer, {.admission = dns::PacketCache::Admission::at_second_time}, start);
  }
}

TEST(PacketCache, names_that_come_a_second_time_are_not_lost_to_others_among_them) {
  dns::PacketCache cache{32U << 20, key};
  constexpr int names = 10'000;
  Octets room(1232);
  int found = 0;
  for (int time = 1; time <= 3; ++time) {
    for (int i = 0; i < names; ++i) {
      const std::string name = "n" + std::to_string(i) + ".example.";
      const Octets query = query_octets(name);
      dns::QueryGlance glance;
      ASSERT_TRUE(dns::look_at(query, glance));
      if (cache.find(glance, query, start, room).octets != 0)
        ++found;
      else
        cache.keep(glance, rendered(query, address_of("n.example.")),
                   {.admission = dns::PacketCache::Admission::at_second_time}, start);
    }
    EXPECT_TRUE(time == 3 || found == 0) << time;
  }
  EXPECT_GT(found, names * 99 / 100);
}

/// Clients ask for a working set; for each of their questions nine are for names that nobody asks twice, each denied by
/// a proof of some hundred octets.
struct Flood {
  static constexpr int names = 500;
  dns::PacketCache::Admission admission;
  dns::PacketCache cache{1U << 18, key};
  int asked = 0;
  int served = 0;

  void ask(const std::string& name, const Outcome& outcome, bool counts) {
    const Octets query = query_octets(name);
    dns::QueryGlance glance;
    ASSERT_TRUE(dns::look_at(query, glance));
    Octets room(1232);
    const bool found = cache.find(glance, query, start, room).octets != 0;
    asked += counts ? 1 : 0;
    served += counts && found ? 1 : 0;
    if (!found) cache.keep(glance, rendered(query, outcome), {.admission = admission}, start);
  }
  /// In percent.
  int hit_ratio() {
    for (int round = 0; round < 10; ++round) {
      for (int i = 0; i < names; ++i) {
        for (int twice = 0; twice < 2; ++twice)
          ask("n" + std::to_string(i) + ".example.", address_of("n.example."), false);
      }
    }
    Outcome denial;
    denial.rcode = dns::Rcode::nxdomain;
    denial.answer = {};
    denial.authority = rrset("example.", dns::type::txt, 300, {Octets(180, 7), Octets(180, 8)});
    std::mt19937_64 random{4};
    for (int i = 0; i < 30'000; ++i) {
      if (i % 10 == 0) {
        ask("n" + std::to_string(random() % names) + ".example.", address_of("n.example."), true);
      } else {
        ask("r" + std::to_string(random()) + ".example.", denial, false);
      }
    }
    return served * 100 / asked;
  }
};

TEST(PacketCache, random_names_do_not_push_out_what_others_ask_for) {
  Flood guarded{dns::PacketCache::Admission::at_second_time};
  const int with = guarded.hit_ratio();
  Flood open{dns::PacketCache::Admission::at_once};
  const int without = open.hit_ratio();
  RecordProperty("hit_ratio_percent", with);
  std::printf("hit ratio under the flood: %d %%; if everything is kept at once: %d %%\n", with, without);
  EXPECT_GT(with, 95);
  EXPECT_LT(without, 90) << "the flood is none, and this shows nothing";
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
  dns::PacketCache cache{plenty, key};
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

TEST(PacketCache, cleared_cache_serves_nothing) {
  Counter counter;
  const Outcome outcome = address_of("www.example.");
  const Octets query = query_octets("www.example.");
  counter.answer(query, outcome);
  counter.cache.clear();
  EXPECT_EQ(counter.cache.octets(), 0U);
  counter.answer(query, outcome);
  EXPECT_FALSE(counter.served);
  counter.answer(query, outcome);
  EXPECT_TRUE(counter.served);
}

TEST(PacketCache, too_little_memory_keeps_nothing) {
  dns::PacketCache cache{1000, key};
  const Octets query = query_octets("www.example.");
  dns::QueryGlance glance;
  ASSERT_TRUE(dns::look_at(query, glance));
  cache.keep(glance, rendered(query, address_of("www.example.")), {}, start);
  Octets room(1232);
  EXPECT_EQ(cache.find(glance, query, start, room).octets, 0U);
  EXPECT_EQ(cache.octets(), 0U);
}

/// What is asked again stays through a flood of names that are each asked once; nothing is ever answered wrongly.
TEST(PacketCache, flood_leaves_what_is_asked_for_and_stays_within_its_octets) {
  constexpr std::size_t octets = 256U << 10;
  dns::PacketCache cache{octets, key};
  std::mt19937 dice{7};
  const auto name_of = [](unsigned number) { return "host" + std::to_string(number) + ".example."; };
  const auto ask = [&](unsigned number) {
    const Octets query = query_octets(name_of(number));
    dns::QueryGlance glance;
    EXPECT_TRUE(dns::look_at(query, glance));
    Octets room(1232);
    const auto found = cache.find(glance, query, start, room);
    const Octets expected = rendered(query, address_of(name_of(number)));
    if (found.octets != 0) {
      room.resize(found.octets);
      EXPECT_EQ(room, expected);
      return true;
    }
    cache.keep(glance, expected, {}, start);
    return false;
  };
  unsigned hits = 0;
  unsigned asked = 0;
  for (unsigned round = 0; round < 30'000; ++round) {
    ask(1'000'000 + static_cast<unsigned>(dice() % 1'000'000));
    if (round % 4 != 0) continue;
    const bool hit = ask(static_cast<unsigned>(dice() % 100));
    if (round < 10'000) continue;
    ++asked;
    hits += hit ? 1 : 0;
    ASSERT_LE(cache.octets(), octets);
  }
  EXPECT_GT(hits, asked * 95 / 100) << hits << " of " << asked;
}

/// Entries of every size, so that the ring's end is met in every way.
TEST(PacketCache, ring_of_mixed_sizes_never_mixes_answers_up) {
  dns::PacketCache cache{64U << 10, key};
  std::mt19937 dice{11};
  for (unsigned round = 0; round < 20'000; ++round) {
    const unsigned number = static_cast<unsigned>(dice() % 400);
    Outcome outcome;
    outcome.rcode = dns::Rcode::noerror;
    const std::string name = std::string(1 + number % 60, 'a') + "." + std::to_string(number) + ".example.";
    std::vector<Octets> addresses;
    for (unsigned i = 0; i < 1 + number % 29; ++i)
      addresses.push_back({10, 0, static_cast<std::uint8_t>(number), static_cast<std::uint8_t>(i)});
    outcome.answer = {rrset(name, dns::type::a, 300, addresses)};
    const Octets query = query_octets(name, [](dns::Message& message) { message.edns.emplace(); });
    const Octets expected = rendered(query, outcome);
    dns::QueryGlance glance;
    ASSERT_TRUE(dns::look_at(query, glance));
    Octets room(1232);
    const auto found = cache.find(glance, query, start, room);
    if (found.octets == 0) {
      cache.keep(glance, expected, {}, start);
    } else {
      room.resize(found.octets);
      ASSERT_EQ(room, expected);
    }
  }
}

TEST(QueryGlance, plain_queries_are_read_as_parse_query_reads_them) {
  for (unsigned bits = 0; bits < 16; ++bits) {
    const Octets query = query_octets("wWw.eXaMple.", [bits](dns::Message& message) {
      message.header.authentic = (bits & 1) != 0;
      message.header.checking_disabled = (bits & 2) != 0;
      if ((bits & 4) != 0) message.edns.emplace().dnssec_ok = (bits & 8) != 0;
    });
    dns::QueryGlance glance;
    ASSERT_TRUE(dns::look_at(query, glance));
    const auto parsed = dns::parse_query(query);
    ASSERT_TRUE(parsed);
    EXPECT_TRUE(dns::Name::from_wire(glance.lower_name())->identical(parsed->question.name.lowercased()));
    EXPECT_EQ(glance.type, parsed->question.type);
    EXPECT_EQ(glance.authentic, parsed->header.authentic);
    EXPECT_EQ(glance.checking_disabled, parsed->header.checking_disabled);
    EXPECT_EQ(glance.edns, parsed->edns.has_value());
    EXPECT_EQ(glance.dnssec_ok, parsed->edns && parsed->edns->dnssec_ok);
  }
}

TEST(QueryGlance, longest_name_is_plain_and_a_longer_one_is_not) {
  const std::string label(63, 'x');
  const std::string longest = label + "." + label + "." + label + "." + std::string(61, 'y') + ".";
  dns::QueryGlance glance;
  Octets query = query_octets(longest);
  ASSERT_TRUE(dns::look_at(query, glance));
  EXPECT_EQ(glance.name_octets, 255);
  query[12 + 192] = 62;  // the last label, one octet longer than there is room
  query.insert(query.begin() + 12 + 193, 'z');
  EXPECT_FALSE(dns::look_at(query, glance));
  EXPECT_FALSE(dns::parse_query(query));
}

TEST(QueryGlance, whatever_is_not_plain_is_left_to_parse_query) {
  dns::QueryGlance glance;
  const auto plain = [&](const std::function<void(dns::Message&)>& change) {
    return dns::look_at(query_octets("www.example.", change), glance);
  };
  EXPECT_TRUE(plain({}));
  EXPECT_FALSE(plain([](dns::Message& message) { message.header.recursion_desired = false; }));
  EXPECT_FALSE(plain([](dns::Message& message) { message.header.response = true; }));
  EXPECT_FALSE(plain([](dns::Message& message) { message.header.truncated = true; }));
  EXPECT_FALSE(plain([](dns::Message& message) { message.header.reserved = true; }));
  EXPECT_FALSE(plain([](dns::Message& message) { message.header.opcode = dns::Opcode::notify; }));
  EXPECT_FALSE(plain([](dns::Message& message) { message.question->type = dns::type::any; }));
  EXPECT_FALSE(plain([](dns::Message& message) { message.question->rr_class = dns::rr_class::ch; }));
  EXPECT_FALSE(plain([](dns::Message& message) { message.edns.emplace().version = 1; }));
  EXPECT_FALSE(plain([](dns::Message& message) { message.edns.emplace().reserved_flags = 1; }));
  EXPECT_FALSE(plain([](dns::Message& message) { message.edns.emplace().nsid.emplace(); }));
  Octets query = query_octets("www.example.");
  query.push_back(0);
  EXPECT_FALSE(dns::look_at(query, glance));
  for (std::size_t octets = 0; octets + 1 < query.size(); ++octets)
    EXPECT_FALSE(dns::look_at(std::span{query}.first(octets), glance)) << octets;
}

TEST(PacketCache, answers_with_padding_are_kept_without_it_and_padded_as_render_does) {
  dns::PacketCache cache{plenty, key};
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
    dns::PacketCache fresh{plenty, key};
    fresh.keep(glance, other, {}, start);
    EXPECT_EQ(fresh.octets(), 0U);
  }
}

TEST(QueryGlance, cookies_of_wrong_lengths_and_second_options_are_left_to_parse_query) {
  for (std::size_t octets = 0; octets <= 41; ++octets) {
    Octets query = query_octets("www.example.", [](dns::Message& message) { message.edns.emplace(); });
    query.back() = static_cast<std::uint8_t>(4 + octets);
    query.insert(query.end(), {0, 10, 0, static_cast<std::uint8_t>(octets)});
    query.resize(query.size() + octets, 7);
    dns::QueryGlance glance;
    const bool right = octets == 8 || (octets >= 16 && octets <= 40);
    EXPECT_EQ(dns::look_at(query, glance), right) << octets;
    EXPECT_EQ(dns::parse_query(query).has_value(), right) << octets;
    if (right) {
      EXPECT_EQ(glance.cookie.size(), octets);
    }
    EXPECT_FALSE(glance.padded);
    query.insert(query.end(), {0, 3, 0, 0});
    EXPECT_FALSE(dns::look_at(query, glance));
  }
}

TEST(PlainOpt, is_the_opt_of_an_edns_as_it_is_made) {
  for (const bool dnssec_ok : {false, true}) {
    dns::Edns edns;
    edns.dnssec_ok = dnssec_ok;
    const auto plain = dns::plain_opt(dnssec_ok);
    EXPECT_EQ(dns::edns_to_wire(edns), Octets(plain.begin(), plain.end()));
  }
}

}  // namespace
}  // namespace redoubt::resolver
