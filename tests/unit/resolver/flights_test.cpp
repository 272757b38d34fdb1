#include "resolver/flights.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/sim/zone_text.hpp"

namespace redoubt::resolver {

namespace {
constexpr Flights::Bounds bounds{100, 100};
const dns::Question question{sim::name_from_text("www.example."), dns::type::a};
const dns::Question same_in_other_case{sim::name_from_text("WWW.Example."), dns::type::a};
const dns::Question other{sim::name_from_text("www.example."), dns::type::aaaa};
}  // namespace

TEST(Flights, first_leads_and_others_wait_until_it_lands) {
  Flights flights{dns::HashKey{}};
  int told = 0;
  const auto join = [&](const dns::Question& wanted) {
    Flights::Waiter waiter = [&told](const SharedOutcome& outcome) {
      told += outcome->rcode == dns::Rcode::servfail ? 1 : 0;
    };
    return flights.join(wanted, bounds, nullptr, waiter);
  };
  EXPECT_EQ(join(question), Flights::Joined::leads);
  EXPECT_EQ(join(same_in_other_case), Flights::Joined::waits);
  EXPECT_EQ(join(question), Flights::Joined::waits);
  EXPECT_EQ(join(other), Flights::Joined::leads);
  EXPECT_EQ(flights.waiting(), 2U);
  flights.land(question, failure(dns::EdeCode::other, "x"));
  EXPECT_EQ(told, 2);
  EXPECT_EQ(flights.in_flight(), 1U);
  EXPECT_EQ(flights.waiting(), 0U);
  EXPECT_EQ(join(question), Flights::Joined::leads) << "the next one flies anew";
}

TEST(Flights, withdrawn_waiters_are_never_told) {
  Flights flights{dns::HashKey{}};
  int told = 0;
  const int mine = 0;
  const int theirs = 0;
  Flights::Waiter none;
  flights.join(question, bounds, nullptr, none);
  Flights::Waiter first = [&told](const SharedOutcome&) { told += 1; };
  Flights::Waiter second = [&told](const SharedOutcome&) { told += 10; };
  flights.join(question, bounds, &mine, first);
  flights.join(question, bounds, &theirs, second);
  flights.withdraw(&mine);
  EXPECT_EQ(flights.waiting(), 1U);
  flights.land(question, failure(dns::EdeCode::other, "x"));
  EXPECT_EQ(told, 10);
}

TEST(Flights, waiter_that_throws_does_not_keep_the_others_waiting) {
  Flights flights{dns::HashKey{}};
  bool told = false;
  Flights::Waiter none;
  flights.join(question, bounds, nullptr, none);
  Flights::Waiter throws = [](const SharedOutcome&) { throw std::bad_alloc{}; };
  Flights::Waiter listens = [&told](const SharedOutcome&) { told = true; };
  flights.join(question, bounds, nullptr, throws);
  flights.join(question, bounds, nullptr, listens);
  flights.land(question, failure(dns::EdeCode::other, "x"));
  EXPECT_TRUE(told);
}

TEST(Flights, between_threads_each_waiter_is_told_exactly_once) {
  Flights flights{dns::HashKey{}};
  std::atomic<int> told = 0;
  std::atomic<int> joined = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5000; ++i) {
        Flights::Waiter waiter = [&told](const SharedOutcome&) { ++told; };
        switch (flights.join(question, {100, 1'000'000}, &flights, waiter)) {
          case Flights::Joined::leads:
            flights.land(question, failure(dns::EdeCode::other, "x"));
            break;
          case Flights::Joined::waits:
            ++joined;
            break;
          case Flights::Joined::full:
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
