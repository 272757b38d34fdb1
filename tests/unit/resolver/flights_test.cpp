#include "resolver/flights.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/sim/zone_text.hpp"

namespace redoubt::resolver {

namespace {
using As = Flights::Joined::As;
constexpr Flights::Bounds bounds{100, 100};
const dns::Question question{sim::name_from_text("www.example."), dns::type::a};
const dns::Question same_in_other_case{sim::name_from_text("WWW.Example."), dns::type::a};
const dns::Question other{sim::name_from_text("www.example."), dns::type::aaaa};
}  // namespace

TEST(Flights, first_leads_and_others_wait_until_it_lands) {
  Flights flights{dns::HashKey{}};
  int told = 0;
  const auto join = [&](const dns::Question& wanted) {
    Flights::Waiter waiter = [&told](const SharedOutcome& outcome) noexcept {
      told += outcome->rcode == dns::Rcode::servfail ? 1 : 0;
    };
    return flights.join(wanted, bounds, nullptr, waiter).as;
  };
  EXPECT_EQ(join(question), As::leads);
  EXPECT_EQ(join(same_in_other_case), As::waits);
  EXPECT_EQ(join(question), As::waits);
  EXPECT_EQ(join(other), As::leads);
  EXPECT_EQ(flights.waiting(), 4U);
  flights.land(question, failure(dns::EdeCode::other, "x"));
  EXPECT_EQ(told, 3) << "the one who leads among them";
  EXPECT_EQ(flights.in_flight(), 1U);
  EXPECT_EQ(flights.waiting(), 1U);
  EXPECT_EQ(join(question), As::leads) << "the next one flies anew";
}

TEST(Flights, withdrawn_waiters_are_never_told) {
  Flights flights{dns::HashKey{}};
  int told = 0;
  const int mine = 0;
  const int theirs = 0;
  Flights::Waiter none = [](const SharedOutcome&) noexcept {};
  flights.join(question, bounds, nullptr, none);
  Flights::Waiter first = [&told](const SharedOutcome&) noexcept { told += 1; };
  Flights::Waiter second = [&told](const SharedOutcome&) noexcept { told += 10; };
  flights.join(question, bounds, &mine, first);
  flights.join(question, bounds, &theirs, second);
  flights.withdraw(&mine);
  EXPECT_EQ(flights.waiting(), 2U) << "the leader and the other";
  flights.land(question, failure(dns::EdeCode::other, "x"));
  EXPECT_EQ(told, 10);
}

TEST(Flights, that_takes_long_gives_an_outcome_meanwhile_to_who_waits_and_to_who_comes) {
  Flights flights{dns::HashKey{}};
  const SharedOutcome old = failure(dns::EdeCode::stale_answer, "old");
  std::vector<SharedOutcome> told;
  const auto join = [&] {
    Flights::Waiter waiter = [&told](SharedOutcome outcome) noexcept { told.push_back(std::move(outcome)); };
    return flights.join(question, bounds, nullptr, waiter);
  };
  EXPECT_EQ(join().as, As::leads);
  EXPECT_EQ(join().as, As::waits);
  flights.give_meanwhile(question, old);
  EXPECT_EQ(told, (std::vector{old, old}));
  const auto joined = join();
  EXPECT_EQ(joined.as, As::late);
  EXPECT_EQ(joined.outcome, old);
  EXPECT_EQ(flights.waiting(), 0U);
  EXPECT_EQ(flights.in_flight(), 1U) << "it goes on";
  flights.land(question, failure(dns::EdeCode::other, "x"));
  EXPECT_EQ(told.size(), 2U) << "nobody is told twice";
  EXPECT_EQ(join().as, As::leads);
}

TEST(Flights, unasked_are_bounded_and_step_back_before_the_table_is_full) {
  Flights flights{dns::HashKey{}};
  const dns::Question third{sim::name_from_text("www.example."), dns::type::txt};
  EXPECT_TRUE(flights.lead_unasked(question, bounds, 2));
  EXPECT_FALSE(flights.lead_unasked(same_in_other_case, bounds, 2)) << "it flies already";
  EXPECT_TRUE(flights.lead_unasked(other, bounds, 2));
  EXPECT_FALSE(flights.lead_unasked(third, bounds, 2));
  flights.land(other, failure(dns::EdeCode::other, "x"));
  EXPECT_FALSE(flights.lead_unasked(third, {2, 100}, 2)) << "half of the table is taken";
  EXPECT_TRUE(flights.lead_unasked(third, bounds, 2));
}

TEST(Flights, whoever_finds_no_room_leaves_nothing_behind) {
  Flights flights{dns::HashKey{}};
  constexpr Holder client{7};
  const auto join = [&](const dns::Question& wanted, Flights::Bounds bound) {
    Flights::Waiter waiter = [](const SharedOutcome&) noexcept {};
    return flights.join(wanted, bound, nullptr, waiter, client);
  };
  EXPECT_EQ(join(question, {1, 100, 1}).as, As::leads);
  EXPECT_EQ(join(other, {1, 100, 9}).bound, Limit::flights);
  EXPECT_EQ(join(question, {1, 100, 9}).as, As::waits) << "a full table still has what it has";
  const auto alone = join(other, {9, 100, 1});
  EXPECT_EQ(alone.as, As::full);
  EXPECT_EQ(alone.bound, Limit::flights_of_one_client);
  EXPECT_EQ(flights.in_flight(), 1U);
  EXPECT_EQ(flights.waiting(), 2U);
  flights.land(question, failure(dns::EdeCode::other, "x"));
  EXPECT_EQ(join(other, {9, 100, 1}).as, As::leads) << "its place came back";
}

TEST(Flights, between_threads_each_waiter_is_told_exactly_once) {
  Flights flights{dns::HashKey{}};
  std::atomic<int> told = 0;
  std::atomic<int> joined = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5000; ++i) {
        Flights::Waiter waiter = [&told](const SharedOutcome&) noexcept { ++told; };
        switch (flights.join(question, {100, 1'000'000}, &flights, waiter).as) {
          case As::leads:
            ++joined;
            flights.land(question, failure(dns::EdeCode::other, "x"));
            break;
          case As::waits:
            ++joined;
            break;
          case As::late:
          case As::full:
            ADD_FAILURE();
            break;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(told, joined);
  EXPECT_EQ(flights.in_flight(), 0U);
}

}  // namespace redoubt::resolver
