// A question whose time ends while it waits for a signature check fails as late: what was not checked says nothing of
// the zone, and must neither be told nor remembered as bogus (docs/decisions/0092). Time ends at every turn of the loop
// once, so at every check too.
#include <array>

#include "resolver/trace.hpp"
#include "tests/sim/validation_fixture.hpp"
#include "tests/sim/zone_text.hpp"

namespace redoubt::sim {
namespace {

using dns::EdeCode;
using resolver::Security;

struct Deaf final : resolver::Trace {
  void note(resolver::TraceEvent) override {}
};

bool is_of_dnssec(EdeCode code) {
  return (code >= EdeCode::dnssec_indeterminate && code <= EdeCode::nsec_missing) ||
         code == EdeCode::signature_expired_before_valid;
}

/// A name, and what it is when there is time.
struct Case {
  const char* name;
  Security security;
  dns::Rcode rcode;
};

constexpr std::array cases{
    Case{"www.shop.com.", Security::secure, dns::Rcode::noerror},
    Case{"away.shop.com.", Security::secure, dns::Rcode::noerror},
    Case{"a.wild.shop.com.", Security::secure, dns::Rcode::noerror},
    Case{"nothing.shop.com.", Security::secure, dns::Rcode::nxdomain},
    Case{"www.plain.com.", Security::insecure, dns::Rcode::noerror},
};

struct Late : testing::TestWithParam<std::tuple<signing::DenialBy, Case>> {
  static std::unique_ptr<SignedWorld> fresh_world() {
    auto internet = std::make_unique<SignedWorld>(std::get<0>(GetParam()));
    internet->site("shop.com.", "192.0.2.1", "away CNAME www.bank.com.\n*.wild A 192.0.2.7\n");
    internet->site("bank.com.", "192.0.2.2", "");
    internet->site("plain.com.", "192.0.2.3", "").signing.reset();
    internet->publish();
    return internet;
  }
  static resolver::SharedOutcome ask(SignedWorld& internet) {
    Deaf nobody;
    return internet.world().trace(World::query(std::get<1>(GetParam()).name), nobody);
  }
  /// Nothing that is remembered says bogus.
  static void expect_nothing_bogus_is_kept(World& world) {
    const Instant now = world.clock().now();
    for (const char* zone : {".", "com.", "shop.com.", "bank.com.", "plain.com."}) {
      const auto trust = world.shared().trust.find(name_from_text(zone), now);
      EXPECT_TRUE(!trust || trust->kind != resolver::ZoneTrust::Kind::bogus) << zone << ' ' << trust->reason.text;
    }
    for (const char* name : {std::get<1>(GetParam()).name, "www.bank.com."}) {
      const auto kept = world.shared().cache.find(name_from_text(name), dns::type::a, now);
      EXPECT_TRUE(!kept || kept->standing.security != Security::bogus) << name;
    }
  }
};

TEST_P(Late, whenever_time_ends_it_is_late_and_never_bogus) {
  const Case& wanted = std::get<1>(GetParam());
  std::uint64_t checks = 0;
  std::size_t turns = 0;
  {
    const auto internet = fresh_world();
    ASSERT_EQ(ask(*internet)->security, wanted.security);
    checks = internet->world().spent(resolver::Limit::signature_checks);
    turns = internet->world().turns();
  }
  ASSERT_GE(turns, 2 * checks) << "each check has a turn before it and one behind it";
  std::uint64_t late_at_a_check = 0;
  for (std::size_t at = 0; at < turns; ++at) {
    SCOPED_TRACE("time ends before turn " + std::to_string(at));
    const auto internet = fresh_world();
    World& world = internet->world();
    bool is_over = false;
    world.before_each_turn([&](std::size_t turn) {
      if (turn == at && !std::exchange(is_over, true)) world.pass(5s);
    });
    const auto outcome = ask(*internet);
    if (outcome->failed()) {
      EXPECT_FALSE(outcome->is_bogus());
      EXPECT_EQ(outcome->limit, resolver::Limit::question_time_ms);
      ASSERT_TRUE(outcome->error);
      EXPECT_FALSE(is_of_dnssec(outcome->error->code)) << outcome->error->text;
      if (outcome->error->text.ends_with("no time was left to check the signatures")) ++late_at_a_check;
    } else {
      EXPECT_EQ(outcome->security, wanted.security) << "it was in time, and then it is what it is";
    }
    expect_nothing_bogus_is_kept(world);
    world.pass(6s);  // a failure is remembered for five
    const auto again = ask(*internet);
    EXPECT_EQ(again->rcode, wanted.rcode) << (again->error ? again->error->text : "");
    EXPECT_EQ(again->security, wanted.security);
  }
  EXPECT_GE(late_at_a_check, checks) << "each check was waited for until it was too late";
}

INSTANTIATE_TEST_SUITE_P(For, Late, testing::Combine(both_denials, testing::ValuesIn(cases)), [](const auto& one) {
  std::string name = std::get<1>(one.param).name;
  std::ranges::replace(name, '.', '_');
  return name + (std::get<0>(one.param) == signing::DenialBy::nsec ? "by_nsec" : "by_nsec3");
});

}  // namespace
}  // namespace redoubt::sim
