// The root zone as a local copy (RFC 8806, attacks T11).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/world.hpp"
#include "tests/sim/zone_text.hpp"

namespace redoubt::sim {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view root_server = "198.51.100.1";
constexpr std::string_view root_text =
    "@ 86400 SOA a.root. nstld.example. 2026112000 1800 900 604800 86400\n"
    "@ 518400 NS a.root.\n"
    "a.root. 518400 A 198.51.100.1\n"
    "com. 172800 NS a.gtld.com.\n"
    "a.gtld.com. 172800 A 198.51.100.2\n"
    "com. 86400 DS \\# 000100020101\n"
    "net. 172800 NS a.gtld.com.\n";

std::shared_ptr<const resolver::LocalZone> copy(World& world, Duration lifetime, std::string_view text = root_text) {
  auto zone = resolver::LocalZone::make(dns::Name{}, records_from_text(text), world.clock().now() + lifetime);
  EXPECT_TRUE(zone) << (zone ? "" : zone.error());
  return std::make_shared<const resolver::LocalZone>(std::move(*zone));
}

void use_copy(World& world, Duration lifetime = 24h) {
  world.settings().local_root = copy(world, lifetime);
  world.use();
}

TEST(LocalRoot, spares_the_root_servers) {
  World world;
  world.site("example.com.", "192.0.2.10");
  use_copy(world);
  const Answer answer = world.ask("www.example.com.");
  EXPECT_THAT(answer.answer(), ElementsAre("www.example.com. A 192.0.2.80"));
  EXPECT_EQ(world.internet().packets_to(root_server), 0U) << world.trace();
}

TEST(LocalRoot, denies_what_is_not_in_it_without_a_packet) {
  World world;
  use_copy(world);
  const Answer answer = world.ask("www.nonexistent.");
  EXPECT_EQ(answer.rcode(), dns::Rcode::nxdomain);
  EXPECT_THAT(answer.authority(), ElementsAre(HasSubstr("SOA")));
  EXPECT_EQ(answer.packets, 0U) << world.trace();
}

TEST(LocalRoot, answers_for_the_root_itself) {
  World world;
  use_copy(world);
  EXPECT_THAT(world.ask(".", "NS").answer(), ElementsAre(". NS a.root."));
  EXPECT_THAT(world.ask(".", "SOA").answer(), ElementsAre(HasSubstr("SOA")));
  EXPECT_EQ(world.internet().packets(), 0U) << world.trace();
}

TEST(LocalRoot, answers_for_a_delegation_signer_of_a_top_level_domain) {
  World world;
  use_copy(world);
  EXPECT_EQ(world.ask("com.", "DS").message.answer.size(), 1U);
  EXPECT_EQ(world.ask("net.", "DS").rcode(), dns::Rcode::noerror);
  EXPECT_EQ(world.internet().packets(), 0U) << world.trace();
}

TEST(LocalRoot, its_glue_is_no_answer) {
  World world;
  use_copy(world);
  world.ask("a.gtld.com.");
  EXPECT_GE(world.internet().packets_to("198.51.100.2"), 1U) << "the top-level domain itself was asked";
}

TEST(LocalRoot, that_has_expired_is_left_for_the_network) {
  World world;
  world.site("example.com.", "192.0.2.10");
  world.site("example.net.", "192.0.2.11");
  use_copy(world, 1h);
  world.pass(1h);
  EXPECT_THAT(world.ask("www.example.com.").answer(), ElementsAre("www.example.com. A 192.0.2.80"));
  EXPECT_GE(world.internet().packets_to(root_server), 1U) << world.trace();
}

TEST(LocalRoot, a_name_under_a_top_level_domain_that_went_is_gone_when_its_time_is_up) {
  World world;
  world.site("example.com.", "192.0.2.10");
  use_copy(world);
  world.ask("www.example.com.");
  world.settings().local_root =
      copy(world, 48h, "@ 86400 SOA a.root. x. 2026112001 1800 900 604800 86400\n@ NS a.root.\n");
  world.use();
  world.pass(24h);
  EXPECT_EQ(world.ask("www.example.com.").rcode(), dns::Rcode::nxdomain);
}

TEST(LocalRoot, with_foreign_records_without_soa_or_with_wildcards_is_none) {
  const auto made = [](std::string_view text, std::string_view apex) {
    return resolver::LocalZone::make(dns::Name::literal(apex), records_from_text(text), Instant::max()).has_value();
  };
  constexpr std::string_view soa = "example. SOA a. b. 1 2 3 4 5\n";
  EXPECT_TRUE(made(std::string{soa} + "example. NS a.\n", "example."));
  EXPECT_FALSE(made(std::string{soa} + "example.com. NS a.\n", "example."));
  EXPECT_FALSE(made("example. NS a.\n", "example."));
  EXPECT_FALSE(made(std::string{soa} + "example. SOA a. b. 2 2 3 4 5\n", "example."));
  EXPECT_FALSE(made(std::string{soa} + "*.example. A 192.0.2.1\n", "example."));
}

}  // namespace redoubt::sim
