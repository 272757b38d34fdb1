#pragma once
// What scenarios about validation share: a signed shop.com. and bank.com., an unsigned plain.com., and what may come of
// a question, asked twice: from servers and from the cache.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/signed_world.hpp"

namespace redoubt::sim {

struct ValidationFixture : testing::TestWithParam<signing::DenialBy> {
  SignedWorld internet{GetParam()};
  void SetUp() override {
    internet.site("shop.com.", "192.0.2.1",
                  "mail A 192.0.2.25\nalias CNAME www\naway CNAME www.bank.com.\n*.wild A 192.0.2.7\n"
                  "deep.ent A 192.0.2.8\nold DNAME new.shop.com.\nwww.new A 192.0.2.9\n*.cn CNAME www\n");
    internet.site("bank.com.", "192.0.2.2", "");
    internet.site("plain.com.", "192.0.2.3", "alias CNAME www.shop.com.\n").signing.reset();
  }
  std::string trace() { return internet.world().trace(); }
  void expect_secure(std::string_view name, std::string_view type = "A", dns::Rcode rcode = dns::Rcode::noerror) {
    const Answer answer = internet.ask(name, type);
    EXPECT_EQ(answer.rcode(), rcode) << name << ' ' << answer.error() << '\n' << trace();
    EXPECT_TRUE(answer.message.header.authentic) << name << ' ' << answer.error() << '\n' << trace();
    const Answer again = internet.ask(name, type);
    EXPECT_EQ(again.rcode(), rcode) << name;
    EXPECT_TRUE(again.message.header.authentic) << name << " from the cache";
    EXPECT_EQ(again.packets, 0U) << name;
  }
  void expect_insecure(std::string_view name, std::string_view type = "A", dns::Rcode rcode = dns::Rcode::noerror) {
    for (int i = 0; i < 2; ++i) {
      const Answer answer = internet.ask(name, type);
      EXPECT_EQ(answer.rcode(), rcode) << name << ' ' << answer.error() << '\n' << trace();
      EXPECT_FALSE(answer.message.header.authentic) << name;
    }
  }
  void expect_bogus(std::string_view name, int code, std::string_view type = "A") {
    for (int i = 0; i < 2; ++i) {
      const Answer answer = internet.ask(name, type);
      EXPECT_EQ(answer.rcode(), dns::Rcode::servfail) << name << '\n' << trace();
      EXPECT_FALSE(answer.message.header.authentic) << name;
      EXPECT_TRUE(answer.message.answer.empty()) << name;
      EXPECT_THAT(answer.error(), testing::StartsWith(std::to_string(code) + " ")) << name << '\n' << trace();
    }
  }
  void spoil(const std::string& apex, std::function<void(std::vector<dns::Record>&)> how) {
    internet.at(apex).spoil = std::move(how);
  }
};

inline const auto both_denials = testing::Values(signing::DenialBy::nsec, signing::DenialBy::nsec3);
inline const auto denial_name = [](const testing::TestParamInfo<signing::DenialBy>& one) {
  return std::string{one.param == signing::DenialBy::nsec ? "nsec" : "nsec3"};
};

}  // namespace redoubt::sim
