#include "resolver/cache/cache.hpp"

#include <gtest/gtest.h>
#include <malloc.h>

#include <functional>
#include <random>
#include <thread>

#include "tests/sim/zone_text.hpp"

namespace redoubt::resolver {

using namespace std::chrono_literals;
using sim::name_from_text;

namespace {

constexpr dns::HashKey key{7};
constexpr Instant start{std::chrono::hours{1}};

SharedRRset rrset(std::string_view text, Duration lifetime = 100s) {
  const auto records = sim::records_from_text(text);
  dns::RRset set{records.front().owner, records.front().type, dns::rr_class::in, dns::Ttl::from_wire(100), {}};
  for (const dns::Record& record : records) set.rdata.add(record.rdata);
  return HeldRRset::make(set, start + lifetime);
}

const dns::Name www = name_from_text("www.example.");

}  // namespace

TEST(Cache, finds_what_was_stored_in_any_case_until_it_expires) {
  Cache cache{1 << 20, key};
  cache.store_data(rrset("www.example. A 192.0.2.1"), Rank::answer, start);
  ASSERT_TRUE(cache.find(name_from_text("WWW.example."), dns::type::a, start));
  EXPECT_TRUE(cache.find(www, dns::type::a, start + 99s));
  EXPECT_FALSE(cache.find(www, dns::type::a, start + 100s));
  EXPECT_FALSE(cache.find(www, dns::type::aaaa, start));
  EXPECT_FALSE(cache.find(name_from_text("example."), dns::type::a, start));
}

TEST(Cache, an_alias_is_found_where_there_is_nothing_of_the_type_itself) {
  for (const bool alias_first : {true, false}) {
    Cache cache{1 << 20, key};
    const auto alias = rrset("www.example. CNAME web.example.", 200s);
    if (alias_first) cache.store_data(alias, Rank::answer, start);
    cache.store_data(rrset("www.example. A 192.0.2.1"), Rank::answer, start);
    if (!alias_first) cache.store_data(alias, Rank::answer, start);
    const auto type_at = [&](dns::RrType type, Instant now) {
      const auto found = cache.find_or_alias(www, type, now, Asker::client);
      return found ? found->rrset->type() : dns::RrType{};
    };
    EXPECT_EQ(type_at(dns::type::a, start), dns::type::a) << alias_first;
    EXPECT_EQ(type_at(dns::type::aaaa, start), dns::type::cname);
    EXPECT_EQ(type_at(dns::type::a, start + 100s), dns::type::cname) << "the address has expired";
    EXPECT_EQ(type_at(dns::type::cname, start + 199s), dns::type::cname);
    EXPECT_EQ(type_at(dns::type::a, start + 200s), dns::RrType{});
  }
  Cache cache{1 << 20, key};
  cache.store_denial(www, dns::type::cname, nullptr, Rank::authoritative_answer, start + 50s, start);
  EXPECT_FALSE(cache.find_or_alias(www, dns::type::a, start, Asker::client)) << "a denial is no alias";
  cache.store_denial(www, std::nullopt, nullptr, Rank::authoritative_answer, start + 50s, start);
  EXPECT_EQ(cache.find_or_alias(www, dns::type::a, start, Asker::client)->kind, EntryKind::no_name);
}

TEST(Cache, knows_a_name_by_anything_that_it_has) {
  Cache cache{1 << 20, key};
  EXPECT_FALSE(cache.knows(www));
  auto cut = std::make_shared<Delegation>();
  cut->zone = www;
  cut->servers = {{www, {}}};
  cut->expires = start + 100s;
  cache.store_delegation(cut, start);
  EXPECT_TRUE(cache.knows(www));
  cache.flush(www, false);
  EXPECT_FALSE(cache.knows(www));
  cache.store_data(rrset("www.example. A 192.0.2.1"), Rank::answer, start);
  EXPECT_TRUE(cache.knows(name_from_text("WWW.example.")));
  EXPECT_FALSE(cache.knows(name_from_text("example.")));
  cache.flush(www, false);
  EXPECT_FALSE(cache.knows(www));
}

TEST(Cache, lower_rank_never_replaces_higher_while_that_is_fresh) {
  for (const Rank held : {Rank::additional, Rank::authority, Rank::answer, Rank::authoritative_answer}) {
    for (const Rank newer : {Rank::additional, Rank::authority, Rank::answer, Rank::authoritative_answer}) {
      Cache cache{1 << 20, key};
      cache.store_data(rrset("www.example. A 192.0.2.1"), held, start);
      cache.store_data(rrset("www.example. A 192.0.2.2", 200s), newer, start);
      const auto found = cache.find(www, dns::type::a, start);
      ASSERT_TRUE(found);
      EXPECT_EQ(found->rank, std::max(held, newer));
      EXPECT_EQ(found->rrset->rdata().front()[3], newer >= held ? 2 : 1);
      // Once it has expired anything is better.
      cache.store_data(rrset("www.example. A 192.0.2.3", 300s), newer, start + 201s);
      EXPECT_EQ(cache.find(www, dns::type::a, start + 201s)->rank, newer);
    }
  }
}

TEST(Cache, a_hundred_odd_types_of_a_name_do_not_keep_its_data_or_its_cut_out) {
  Cache cache{1 << 20, key};
  const auto deny_odd_types = [&](Instant now) {
    for (std::uint16_t type = 1000; type < 1120; ++type) {
      cache.store_denial(www, dns::RrType{type}, nullptr, Rank::authoritative_answer, now + 50s, now);
    }
  };
  deny_odd_types(start);
  cache.store_data(rrset("www.example. A 192.0.2.1"), Rank::authoritative_answer, start);
  EXPECT_TRUE(cache.find(www, dns::type::a, start));
  cache.store_data(rrset("www.example. A 192.0.2.2"), Rank::authoritative_answer, start);
  EXPECT_TRUE(cache.find(www, dns::type::a, start)) << "a refresh must not lose what was there";
  auto cut = std::make_shared<Delegation>();
  cut->zone = www;
  cut->servers = {{www, {}}};
  cut->expires = start + 100s;
  cache.store_delegation(cut, start);
  EXPECT_TRUE(cache.deepest_delegation(www, start));
  deny_odd_types(start + 60s);  // the first hundred have expired and make room by themselves
  EXPECT_TRUE(cache.find(www, dns::type::a, start + 60s)) << "of a name with too many entries, denials go before data";
  EXPECT_LE(cache.counters().entries, 102U);
}

TEST(Cache, a_denial_without_authority_does_not_replace_authoritative_data) {
  Cache cache{1 << 20, key};
  cache.store_data(rrset("www.example. A 192.0.2.1"), Rank::authoritative_answer, start);
  cache.store_denial(www, std::nullopt, nullptr, Rank::answer, start + 50s, start);
  ASSERT_TRUE(cache.find(www, dns::type::a, start));
  EXPECT_EQ(cache.find(www, dns::type::a, start)->kind, EntryKind::data);
}

TEST(Cache, denial_of_the_name_and_data_of_it_exclude_each_other) {
  Cache cache{1 << 20, key};
  cache.store_data(rrset("www.example. A 192.0.2.1"), Rank::authoritative_answer, start);
  cache.store_data(rrset("www.example. TXT x"), Rank::authoritative_answer, start);
  cache.store_denial(www, std::nullopt, nullptr, Rank::authoritative_answer, start + 50s, start);
  EXPECT_EQ(cache.find(www, dns::type::a, start)->kind, EntryKind::no_name);
  EXPECT_EQ(cache.find(www, dns::type::mx, start)->kind, EntryKind::no_name);
  EXPECT_EQ(cache.counters().entries, 1U);
  cache.store_data(rrset("www.example. A 192.0.2.1"), Rank::authoritative_answer, start);
  EXPECT_EQ(cache.find(www, dns::type::a, start)->kind, EntryKind::data);
  EXPECT_FALSE(cache.find(www, dns::type::mx, start));
}

TEST(Cache, failure_hides_nothing_that_is_known) {
  Cache cache{1 << 20, key};
  cache.store_data(rrset("www.example. A 192.0.2.1"), Rank::answer, start);
  cache.store_failure(www, dns::type::a, {dns::EdeCode::other, "x"}, start + 5s, start);
  EXPECT_EQ(cache.find(www, dns::type::a, start)->kind, EntryKind::data);
  cache.store_failure(www, dns::type::txt, {dns::EdeCode::other, "why"}, start + 5s, start);
  EXPECT_EQ(cache.find(www, dns::type::txt, start)->error->text, "why");
  EXPECT_FALSE(cache.find(www, dns::type::txt, start + 5s));
  cache.store_data(rrset("www.example. TXT x"), Rank::additional, start);
  EXPECT_EQ(cache.find(www, dns::type::txt, start)->kind, EntryKind::data) << "any data is better than a failure";
}

TEST(Cache, what_expired_is_found_only_by_who_asks_for_it_and_only_as_long_as_it_is_kept) {
  Cache cache{1 << 20, key};
  cache.store_data(rrset("www.example. A 192.0.2.1"), Rank::answer, start);
  EXPECT_FALSE(cache.find_kept(www, dns::type::a, start + 100s)) << "nothing is kept unless it is said for how long";
  cache.keep_expired(1h);
  EXPECT_FALSE(cache.find(www, dns::type::a, start + 100s));
  EXPECT_TRUE(cache.find_kept(www, dns::type::a, start));
  EXPECT_TRUE(cache.find_kept(www, dns::type::a, start + 100s + 1h - 1s));
  EXPECT_FALSE(cache.find_kept(www, dns::type::a, start + 100s + 1h));
  EXPECT_FALSE(cache.find_kept(www, dns::type::aaaa, start + 100s));
}

TEST(Cache, failure_stands_beside_what_expired_and_is_never_found_as_such) {
  Cache cache{1 << 20, key};
  cache.keep_expired(1h);
  cache.store_data(rrset("www.example. A 192.0.2.1"), Rank::authoritative_answer, start);
  const Instant later = start + 200s;
  cache.store_failure(www, dns::type::a, {dns::EdeCode::other, "x"}, later + 5s, later);
  EXPECT_EQ(cache.find(www, dns::type::a, later)->kind, EntryKind::failure);
  EXPECT_EQ(cache.find_kept(www, dns::type::a, later)->kind, EntryKind::data);
  EXPECT_FALSE(cache.find(www, dns::type::a, later + 5s));
  cache.store_data(rrset("www.example. A 192.0.2.2", 400s), Rank::answer, later);
  EXPECT_EQ(cache.find(www, dns::type::a, later)->rank, Rank::answer) << "anything new is better than what expired";
  EXPECT_EQ(cache.counters().entries, 1U);
}

TEST(Cache, what_expired_goes_with_the_news_even_if_that_is_not_kept_itself) {
  const auto deny = [](std::optional<dns::RrType> type) {
    return [type](Cache& cache) { cache.store_denial(www, type, nullptr, Rank::answer, start + 200s, start + 200s); };
  };
  const std::vector<std::function<void(Cache&)>> news{
      deny(std::nullopt), deny(dns::type::a),
      [](Cache& cache) { cache.store_data(rrset("www.example. A 192.0.2.2", 200s), Rank::answer, start + 200s); },
      [](Cache& cache) { cache.store_data(rrset("www.example. CNAME x.example.", 900s), Rank::answer, start + 200s); }};
  for (const auto& tell : news) {
    Cache cache{1 << 20, key};
    cache.keep_expired(1h);
    cache.store_data(rrset("www.example. A 192.0.2.1"), Rank::authoritative_answer, start);
    tell(cache);
    EXPECT_FALSE(cache.find_kept(www, dns::type::a, start + 200s));
  }
}

TEST(Cache, denial_above_withdraws_what_expired_below_unless_that_is_newer) {
  const auto soa = rrset("example. SOA ns.example. host.example. 1 2 3 4 5", 250s);  // learned at 150 s
  for (const bool newer : {false, true}) {
    Cache cache{1 << 20, key};
    cache.keep_expired(1h);
    cache.store_data(rrset("www.example. A 192.0.2.1", newer ? 260s : 100s), Rank::authoritative_answer, start);
    cache.store_denial(name_from_text("example."), std::nullopt, soa, Rank::answer, start + 250s, start + 150s);
    for (const Instant now : {start + 270s, start + 30min})
      EXPECT_EQ(cache.find_kept(www, dns::type::a, now).has_value(), newer);
  }
}

TEST(Cache, of_what_expired_only_what_was_needed_since_is_spared_by_eviction) {
  Cache cache{64 * 4096, key};
  cache.keep_expired(24h);
  cache.store_data(rrset("www.example. A 192.0.2.1"), Rank::answer, start);
  const dns::Name unneeded = name_from_text("unneeded.example.");
  cache.store_data(rrset("unneeded.example. A 192.0.2.1"), Rank::answer, start);
  EXPECT_TRUE(cache.find(unneeded, dns::type::a, start)) << "was visited while it was fresh";
  const Instant later = start + 200s;
  bool needed_is_there = true;
  for (int i = 0; i < 20'000; ++i) {
    if (i % 50 == 0) needed_is_there = needed_is_there && cache.find_kept(www, dns::type::a, later);
    cache.store_data(rrset("n" + std::to_string(i) + ".example. A 192.0.2.1", 900s), Rank::answer, later);
  }
  EXPECT_TRUE(needed_is_there);
  EXPECT_FALSE(cache.find_kept(unneeded, dns::type::a, later));
}

TEST(Cache, delegations_are_no_answers_and_answers_no_delegations) {
  Cache cache{1 << 20, key};
  cache.store_delegation(std::make_shared<const Delegation>(Delegation{
                             name_from_text("example."), {{name_from_text("ns.example."), {}}}, start + 60s}),
                         start);
  cache.store_data(rrset("sub.example. NS ns.elsewhere."), Rank::authoritative_answer, start);
  EXPECT_FALSE(cache.find(name_from_text("example."), dns::type::ns, start));
  const auto deepest = cache.deepest_delegation(name_from_text("www.sub.example."), start);
  ASSERT_TRUE(deepest);
  EXPECT_EQ(deepest->zone, name_from_text("example."));
  EXPECT_FALSE(cache.deepest_delegation(name_from_text("www.sub.example."), start + 60s));
  EXPECT_FALSE(cache.deepest_delegation(name_from_text("other."), start));
}

TEST(Cache, stays_in_its_bound_whatever_is_stored_in_whatever_order) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    std::mt19937_64 random{seed};
    Cache cache{1 << 18, key};
    for (int i = 0; i < 5000; ++i) {
      const dns::Name name = name_from_text("n" + std::to_string(random() % 3000) + ".example.");
      const Instant now = start + std::chrono::seconds{i / 100};
      switch (random() % 5) {
        case 0: {
          dns::RRset set{name, dns::type::txt, dns::rr_class::in, dns::Ttl::from_wire(100), {}};
          set.rdata.add(std::vector<std::uint8_t>(random() % 9000, 1));
          cache.store_data(HeldRRset::make(set, now + 100s), Rank::answer, now);
          break;
        }
        case 1:
          cache.store_denial(name, std::nullopt, rrset("example. SOA a b 1 2 3 4 5"), Rank::authoritative_answer,
                             now + 100s, now);
          break;
        case 2:
          cache.store_failure(name, dns::type::a, {dns::EdeCode::other, std::string(random() % 200, 'x')}, now + 100s,
                              now);
          break;
        case 3:
          cache.store_delegation(std::make_shared<const Delegation>(
                                     Delegation{name, std::vector<NameServer>(random() % 13, {name, {}}), now + 100s}),
                                 now);
          break;
        default:
          cache.find(name, dns::type::txt, now);
      }
      ASSERT_LE(cache.counters().octets, 1U << 18) << "seed " << seed;
    }
    cache.resize(1 << 16);
    EXPECT_LE(cache.counters().octets, 1U << 16);
    cache.flush(dns::Name{}, true);
    EXPECT_EQ(cache.counters().entries, 0U);
    EXPECT_EQ(cache.counters().octets, 0U) << "an octet was counted in and not out";
  }
}

TEST(Cache, entry_larger_than_the_limit_is_not_kept) {
  Cache cache{1 << 24, key};
  dns::RRset set{www, dns::type::txt, dns::rr_class::in, dns::Ttl::from_wire(100), {}};
  set.rdata.add(std::vector<std::uint8_t>(max_entry_octets, 1));
  cache.store_data(HeldRRset::make(set, start + 100s), Rank::answer, start);
  EXPECT_EQ(cache.counters().entries, 0U);
}

TEST(Cache, keeps_a_hundred_types_of_one_name_and_no_more) {
  Cache cache{1 << 22, key};
  for (std::uint16_t type = 1000; type < 1500; ++type) {
    dns::RRset set{www, dns::RrType{type}, dns::rr_class::in, dns::Ttl::from_wire(100), {}};
    set.rdata.add(std::vector<std::uint8_t>{1});
    cache.store_data(HeldRRset::make(set, start + 100s), Rank::answer, start);
  }
  EXPECT_LE(cache.counters().entries, 101U);
}

TEST(Cache, shows_up_to_the_limit_and_says_that_there_is_more) {
  Cache cache{1 << 20, key};
  for (int i = 0; i < 10; ++i)
    cache.store_data(rrset("n" + std::to_string(i) + ".example. A 192.0.2.1"), Rank::answer, start);
  cache.store_data(rrset("other. A 192.0.2.1"), Rank::answer, start);
  bool more = true;
  EXPECT_EQ(cache.show(name_from_text("example."), true, 100, start, more).size(), 10U);
  EXPECT_FALSE(more);
  EXPECT_EQ(cache.show(name_from_text("example."), true, 4, start, more).size(), 4U);
  EXPECT_TRUE(more);
  EXPECT_EQ(cache.show(name_from_text("n3.example."), false, 100, start, more).size(), 1U);
  EXPECT_EQ(cache.flush(name_from_text("n3.example."), false), 1U);
  EXPECT_EQ(cache.flush(name_from_text("example."), true), 9U);
  EXPECT_EQ(cache.counters().entries, 1U);
}

TEST(Cache, a_scan_of_names_asked_once_leaves_those_asked_twice) {
  Cache cache{1 << 19, key};
  const auto name_of = [](int i) { return name_from_text("kept" + std::to_string(i) + ".example."); };
  for (int i = 0; i < 200; ++i)
    cache.store_data(rrset("kept" + std::to_string(i) + ".example. A 192.0.2.1"), Rank::answer, start);
  int kept = 0;
  for (int i = 0; i < 20'000; ++i) {
    cache.store_data(rrset("scan" + std::to_string(i) + ".example. A 192.0.2.1"), Rank::answer, start);
    if (i % 200 == 0) {
      for (int k = 0; k < 200; ++k) cache.find(name_of(k), dns::type::a, start);
    }
  }
  for (int i = 0; i < 200; ++i) kept += cache.find(name_of(i), dns::type::a, start) ? 1 : 0;
  EXPECT_GE(kept, 190);
}

/// Two of three questions are for names that nobody asks twice; each is denied, and that is kept.
TEST(Cache, random_names_without_number_leave_a_working_set_where_it_is) {
  constexpr int names = 1000;
  for (const bool guarded : {true, false}) {
    Guards guards;
    guards.spares_visited = guarded;
    Cache cache{2U << 20, key, guards};
    const auto soa = rrset("example. SOA ns.example. host.example. 1 2 3 4 5");
    const auto ask = [&](int number) {
      const std::string name = "n" + std::to_string(number) + ".example.";
      if (cache.find(name_from_text(name), dns::type::a, start)) return 1;
      cache.store_data(rrset(name + " A 192.0.2.1"), Rank::answer, start);
      return 0;
    };
    for (int i = 0; i < names; ++i) ask(i);
    std::mt19937_64 random{3};
    int asked = 0;
    int served = 0;
    for (int i = 0; i < 90'000; ++i) {
      if (i % 3 == 0) {
        ++asked;
        served += ask(static_cast<int>(random() % names));
      } else {
        cache.store_denial(name_from_text("r" + std::to_string(random()) + ".example."), std::nullopt, soa,
                           Rank::authoritative_answer, soa->expires(), start);
      }
    }
    std::printf("hit ratio under the flood: %.1f %%%s\n", served * 100.0 / asked, guarded ? "" : " without SIEVE");
    if (guarded) {
      EXPECT_GT(served * 100, asked * 95);
      EXPECT_GT(cache.counters().evictions, 20'000U);
    } else {
      EXPECT_LT(served * 100, asked * 95) << "the flood is none, and this shows nothing";
    }
  }
}

#ifndef REDOUBT_SANITIZED
TEST(Cache, counts_about_what_the_heap_gives) {
  Cache cache{64U << 20, key};
  const auto before = mallinfo2().uordblks;
  for (int i = 0; i < 50'000; ++i)
    cache.store_data(rrset("name" + std::to_string(i) + ".example. A 192.0.2.1"), Rank::answer, start);
  const auto taken = static_cast<double>(mallinfo2().uordblks - before);
  const auto counted = static_cast<double>(cache.counters().octets);
  RecordProperty("octets_per_name", static_cast<int>(counted / 50'000));
  std::printf("octets for a short name and an address: %.0f counted, %.0f of the heap\n", counted / 50'000,
              taken / 50'000);
  EXPECT_LE(counted / 50'000, 160) << "a million short names, packet cache included (docs/performance.md)";
  EXPECT_EQ(cache.counters().entries, 50'000U);
  EXPECT_LE(taken, counted * 1.1) << "more is held than the bound knows of";
  EXPECT_GE(taken, counted * 0.6) << "the bound is wasted";
}
#endif

TEST(Cache, is_shared_by_threads) {
  Cache cache{1 << 18, key};
  std::vector<std::thread> threads;
  for (unsigned thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&cache, thread] {
      std::mt19937_64 random{thread};
      for (int i = 0; i < 3000; ++i) {
        const std::string name = "n" + std::to_string(random() % 500) + ".example.";
        cache.store_data(rrset(name + " A 192.0.2.1"), Rank::answer, start);
        if (const auto found = cache.find(name_from_text(name), dns::type::a, start)) {
          EXPECT_EQ(found->rrset->rdata().count(), 1U);
        }
        if (i % 500 == 0) cache.flush(name_from_text("example."), true);
        if (i % 100 == 0) cache.resize((1U << 17) + random() % (1U << 17));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(cache.counters().octets, 1U << 18);
}

}  // namespace redoubt::resolver
