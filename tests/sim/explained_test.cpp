// Which extended error a client is told (RFC 8914), for each thing that can go wrong.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/world.hpp"
#include "tests/sim/zone_text.hpp"

namespace redoubt::sim {

namespace {

using dns::EdeCode;
using testing::ElementsAre;
using testing::StartsWith;

std::vector<EdeCode> codes_of(const Answer& answer) {
  std::vector<EdeCode> codes;
  if (!answer.message.edns) return codes;
  for (const dns::ExtendedError& error : answer.message.edns->extended_errors) codes.push_back(error.code);
  return codes;
}

Answer asked_of(
    Behaviour behaviour, const std::function<void(World&)>& prepare = [](World&) {}) {
  World world;
  world.site("shop.com.", "192.0.2.1").behaves(std::move(behaviour));
  prepare(world);
  return world.ask("www.shop.com.");
}

struct AtAServer {
  const char* name;
  Behaviour behaviour;
  EdeCode code;
};
class ExplainedServer : public testing::TestWithParam<AtAServer> {};

}  // namespace

TEST_P(ExplainedServer, has_its_code) {
  const Answer answer = asked_of(GetParam().behaviour);
  EXPECT_EQ(answer.rcode(), dns::Rcode::servfail);
  EXPECT_THAT(codes_of(answer), ElementsAre(GetParam().code)) << answer.error();
  EXPECT_THAT(answer.error(), testing::HasSubstr("192.0.2.1")) << "the server is named";
}

TEST_P(ExplainedServer, has_the_same_code_behind_a_forward_zone) {
  const Answer answer = asked_of(GetParam().behaviour, [](World& world) {
    resolver::Route route;
    route.zone = name_from_text("shop.com.");
    route.to = {*dns::Endpoint::from_text("192.0.2.1", 53)};
    world.settings().routes = resolver::Routes{{route}};
    world.use();
  });
  EXPECT_EQ(answer.rcode(), dns::Rcode::servfail);
  EXPECT_THAT(codes_of(answer), ElementsAre(GetParam().code)) << answer.error();
}

INSTANTIATE_TEST_SUITE_P(
    Servers, ExplainedServer,
    testing::Values(AtAServer{"silent", silent(), EdeCode::no_reachable_authority},
                    AtAServer{"unreachable", unreachable(), EdeCode::no_reachable_authority},
                    AtAServer{"refuses", says(dns::Rcode::refused), EdeCode::no_reachable_authority},
                    AtAServer{"does_not_serve_the_zone", says(dns::Rcode::notauth), EdeCode::no_reachable_authority},
                    AtAServer{"is_lame", edits([](const Heard&, dns::Message& message) {
                                message.header.authoritative = false;
                                message.answer.clear();
                                message.authority = records_from_text(". NS a.root.");
                              }),
                              EdeCode::no_reachable_authority},
                    AtAServer{"fails", says(dns::Rcode::servfail), EdeCode::network_error},
                    AtAServer{"finds_every_query_malformed", says(dns::Rcode::formerr), EdeCode::network_error},
                    AtAServer{"says_an_unknown_code", says(dns::Rcode{11}), EdeCode::network_error},
                    AtAServer{"truncates_everything", truncates(true), EdeCode::network_error},
                    AtAServer{"talks_garbage", talks_garbage(), EdeCode::network_error}),
    [](const auto& one) { return std::string{one.param.name}; });

TEST(Explained, broken_server_is_told_rather_than_one_that_is_silent) {
  World world;
  world.site("shop.com.", "192.0.2.1", "@ NS ns2\nns2 A 192.0.2.2").behaves(silent());
  world.delegate("com.", "shop.com. NS ns2.shop.com.\nns2.shop.com. A 192.0.2.2");
  world.internet().server("192.0.2.2").behaves(says(dns::Rcode::servfail));
  EXPECT_THAT(codes_of(world.ask("www.shop.com.")), ElementsAre(EdeCode::network_error));
}

TEST(Explained, failure_from_memory_says_so_beside_its_reason) {
  World world;
  world.site("shop.com.", "192.0.2.1").behaves(says(dns::Rcode::servfail));
  const Answer first = world.ask("www.shop.com.");
  EXPECT_THAT(codes_of(first), ElementsAre(EdeCode::network_error));
  const Answer again = world.ask("www.shop.com.");
  EXPECT_EQ(again.packets, 0U);
  EXPECT_THAT(codes_of(again), ElementsAre(EdeCode::network_error, EdeCode::cached_error));
  EXPECT_EQ(again.error(), first.error());
  world.pass(6s);
  EXPECT_THAT(codes_of(world.ask("www.shop.com.")), ElementsAre(EdeCode::network_error)) << "asked anew";
}

TEST(Explained, time_that_ran_out_at_silent_servers_is_no_reachable_authority) {
  const Answer answer = asked_of(silent(), [](World& world) { world.limit("question-time", 1000); });
  EXPECT_THAT(codes_of(answer), ElementsAre(EdeCode::no_reachable_authority));
  EXPECT_THAT(answer.error(), StartsWith("22 limit question-time reached: at delegation shop.com.: "));
}

TEST(Explained, servers_that_were_put_aside_are_told_beside_the_one_that_is_silent) {
  World world;
  world.site("shop.com.", "192.0.2.1", "@ NS ns2\nns2 A 192.0.2.2").behaves(says(dns::Rcode::noerror));
  world.delegate("com.", "shop.com. NS ns2.shop.com.\nns2.shop.com. A 192.0.2.2");
  world.internet().server("192.0.2.2").behaves(silent());
  world.limit("question-time", 1000);
  for (const char* name : {"a.shop.com.", "b.shop.com."}) {  // with the third the silent one goes aside, too
    const Answer answer = world.ask(name);
    EXPECT_THAT(answer.error(), testing::HasSubstr("at delegation shop.com.: "));
    EXPECT_THAT(answer.error(), testing::HasSubstr("1 of 2 addresses put aside")) << name;
  }
}

TEST(Explained, limit_of_ours_is_none_of_the_servers_faults) {
  const Answer answer = asked_of(silent(), [](World& world) { world.limit("upstream-queries", 10); });
  EXPECT_THAT(codes_of(answer), ElementsAre(EdeCode::no_reachable_authority)) << "three packets are within it";
  World world;
  for (int i = 1; i <= 9; ++i) {
    world.delegate("com.", fmt::format("dark.com. NS ns{}.dark.com.\nns{}.dark.com. A 192.0.2.{}\n", i, i, 20 + i));
  }
  world.limit("upstream-queries", 10);
  EXPECT_THAT(codes_of(world.ask("www.dark.com.")), ElementsAre(EdeCode::other));
}

TEST(Explained, ring_of_aliases_and_too_long_a_chain) {
  World world;
  world.limit("alias-steps", 3);
  world.site("shop.com.", "192.0.2.1",
             "self CNAME self\na CNAME b.shop.net.\nc CNAME d.shop.net.\ne CNAME f.shop.net.");
  world.site("shop.net.", "192.0.2.2", "b CNAME c.shop.com.\nd CNAME e.shop.com.\nf A 192.0.2.9");
  for (const char* name : {"self.shop.com.", "a.shop.com."}) {
    const Answer answer = world.ask(name);
    EXPECT_EQ(answer.rcode(), dns::Rcode::servfail) << name;
    EXPECT_THAT(codes_of(answer), ElementsAre(EdeCode::other)) << name;
    EXPECT_GT(answer.error().size(), 20U) << "with a text: " << name;
  }
}

TEST(Explained, questions_that_are_not_resolved) {
  struct Case {
    const char* type;
    dns::Rcode rcode;
    EdeCode code;
  };
  World world;
  for (const Case& one : {Case{"AXFR", dns::Rcode::refused, EdeCode::not_supported},
                          Case{"MAILA", dns::Rcode::notimp, EdeCode::not_supported},
                          Case{"OPT", dns::Rcode::formerr, EdeCode::invalid_query_type},
                          Case{"TYPE0", dns::Rcode::formerr, EdeCode::invalid_query_type},
                          Case{"NXNAME", dns::Rcode::formerr, EdeCode::invalid_query_type}}) {  // RFC 9824 §3.5
    const Answer answer = world.ask("www.shop.com.", one.type);
    EXPECT_EQ(answer.rcode(), one.rcode) << one.type;
    EXPECT_THAT(codes_of(answer), ElementsAre(one.code)) << one.type;
    EXPECT_EQ(answer.packets, 0U) << one.type;
  }
  dns::Query query = World::query("www.shop.com.");
  query.header.recursion_desired = false;
  EXPECT_THAT(codes_of(world.ask(query)), ElementsAre(EdeCode::not_authoritative));
  query.header.recursion_desired = true;
  query.question.rr_class = dns::rr_class::hs;
  EXPECT_THAT(codes_of(world.ask(query)), ElementsAre(EdeCode::not_supported));
}

TEST(Explained, nothing_where_nothing_is_wrong) {
  World world;
  world.site("shop.com.", "192.0.2.1");
  for (const char* name : {"www.shop.com.", "gone.shop.com.", "localhost."}) {
    EXPECT_THAT(codes_of(world.ask(name)), testing::IsEmpty()) << name;
  }
}

}  // namespace redoubt::sim
