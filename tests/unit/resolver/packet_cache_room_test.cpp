// What is kept when not all of it can be: admission, floods, the ring's end.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "dns/packet/packet_cache.hpp"
#include "tests/unit/resolver/packet_answers.hpp"

namespace redoubt::resolver {
namespace {

using namespace packets;

TEST(PacketCache, may_wait_for_a_question_to_come_a_second_time) {
  dns::PacketCache cache{plenty, packet_key};
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
  dns::PacketCache cache{32U << 20, packet_key};
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
  dns::PacketCache cache{1U << 18, packet_key};
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

/// Whatever memory it may have: its index is as large as what is kept asks for.
TEST(PacketCache, short_name_with_an_address_takes_about_fifty_octets) {
  constexpr unsigned names = 30'000;
  for (const std::size_t octets : {std::size_t{4} << 20, std::size_t{1} << 30}) {
    dns::PacketCache cache{octets, packet_key};
    std::size_t before = 0;
    for (unsigned i = 0; i <= names; ++i) {
      const std::string name = "m" + std::to_string(100'000 + i) + ".bench.";
      const Octets query = query_octets(name);
      dns::QueryGlance glance;
      ASSERT_TRUE(dns::look_at(query, glance));
      Outcome outcome;
      outcome.rcode = dns::Rcode::noerror;
      outcome.answer = {rrset(name, dns::type::a, 300, {{192, 0, 2, 1}})};
      cache.keep(glance, rendered(query, outcome), {}, start);
      if (i == 0) before = cache.octets();
    }
    const double each = static_cast<double>(cache.octets() - before) / names;
    RecordProperty("octets_per_name", static_cast<int>(each));
    std::printf("octets of the packet cache for a short name with an address: %.1f\n", each);
    EXPECT_LE(each, 52);
  }
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
  dns::PacketCache cache{1000, packet_key};
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
  dns::PacketCache cache{octets, packet_key};
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
  dns::PacketCache cache{64U << 10, packet_key};
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

}  // namespace
}  // namespace redoubt::resolver
