#include "appliance/config/compile.hpp"

#include <gtest/gtest.h>

#include "appliance/config/check.hpp"
#include "appliance/config/limits.hpp"
#include "appliance/snapshot/snapshot.hpp"
#include "snapshot_generated.h"

namespace redoubt::config {
namespace {

Configuration configuration(std::string_view text) {
  auto checked = check(text, {.limits = all_limits(),
                              .read_file = [](const std::string& path) -> std::expected<std::string, std::string> {
                                return std::unexpected{path};
                              }});
  EXPECT_TRUE(checked.configuration);
  return checked.configuration.value_or(Configuration{});
}

std::shared_ptr<const snapshot::Mapped> compiled(std::string_view text, Circumstances circumstances) {
  const auto memfd = snapshot::seal(compile(configuration(text), circumstances));
  EXPECT_TRUE(memfd);
  auto mapped = snapshot::Mapped::map(*memfd);
  EXPECT_TRUE(mapped) << mapped.error();
  return mapped ? *mapped : nullptr;
}

TEST(Compile, the_default_verifies_and_says_the_same) {
  const auto mapped = compiled("", {.generation = 7, .workers = 3, .listener_ids = {4, 5, 6}, .own_addresses = {}});
  ASSERT_TRUE(mapped);
  const auto& snapshot = **mapped;
  EXPECT_EQ(snapshot.generation(), 7U);
  EXPECT_EQ(snapshot.workers(), 3U);
  ASSERT_EQ(snapshot.listeners()->size(), 3U);
  EXPECT_EQ(snapshot.listeners()->Get(0)->id(), 4U);
  EXPECT_EQ(snapshot.listeners()->Get(0)->at()->port(), 5300);
  EXPECT_TRUE(snapshot.listeners()->Get(0)->tcp());
  EXPECT_EQ(snapshot.cache()->size(), 268'435'456U);
  EXPECT_EQ(snapshot.cache()->max_ttl(), 86'400U);
  EXPECT_EQ(snapshot.cache()->negative_max_ttl(), 3600U);
  EXPECT_EQ(snapshot.resolution()->root_servers()->size(), 13U);
  EXPECT_EQ(snapshot.resolution()->port(), 53);
  EXPECT_TRUE(snapshot.resolution()->case_randomisation());
  EXPECT_EQ(snapshot.limits()->size(), all_limits().size());
  EXPECT_EQ(snapshot.access()->allow()->size(), 9U);
}

TEST(Compile, workers_of_the_file_win_over_the_number_of_processors) {
  const auto mapped =
      compiled("workers: 5\n", {.generation = 1, .workers = 3, .listener_ids = {0, 1, 2}, .own_addresses = {}});
  EXPECT_EQ((*mapped)->workers(), 5U);
}

TEST(Compile, each_transport_is_in_the_snapshot) {
  const auto mapped = compiled("listen: [{address: 127.0.0.1@853, transports: [udp, tls]}]",
                               {.generation = 1, .workers = 1, .listener_ids = {0, 1, 2}, .own_addresses = {}});
  EXPECT_TRUE((*mapped)->listeners()->Get(0)->udp());
  EXPECT_FALSE((*mapped)->listeners()->Get(0)->tcp());
  EXPECT_TRUE((*mapped)->listeners()->Get(0)->tls());
}

TEST(Compile, own_addresses_are_never_asked_unless_a_list_says_otherwise) {
  const Circumstances here{
      .generation = 1,
      .workers = 1,
      .listener_ids = {0, 1, 2},
      .own_addresses = {*dns::IpAddress::from_text("192.0.2.5"), *dns::IpAddress::from_text("127.0.0.1")}};
  const std::size_t builtin = builtin_do_not_query().size();
  EXPECT_EQ((*compiled("", here))->resolution()->do_not_query()->size(),
            builtin + 1);  // loopback is among the ranges already
  EXPECT_EQ((*compiled("resolution: {do-not-query: []}", here))->resolution()->do_not_query()->size(), 0U);
}

TEST(Compile, metadata_services_and_disguised_loopback_are_never_asked) {
  const auto never = [](const char* text) {
    const auto address = *dns::IpAddress::from_text(text);
    return std::ranges::any_of(builtin_do_not_query(),
                               [&](const dns::Prefix& prefix) { return prefix.contains(address); });
  };
  for (const char* text : {"0.0.0.0", "127.0.0.53", "169.254.169.254", "224.0.0.251", "255.255.255.255", "::", "::1",
                           "fe80::1", "ff02::1", "::ffff:127.0.0.1"}) {
    EXPECT_TRUE(never(text)) << text;
  }
  for (const char* text : {"198.41.0.4", "10.0.0.1", "2001:503:ba3e::2:30", "fd00::1"})
    EXPECT_FALSE(never(text)) << text;
}

TEST(Compile, what_is_known_beside_the_file_takes_its_place) {
  constexpr auto text = R"(validation:
  trust-anchors: [". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
                  "example. IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16"]
  negative-trust-anchors: [forever.example.]
)";
  Circumstances circumstances{.generation = 1, .workers = 1, .listener_ids = {0, 1, 2}, .own_addresses = {}};
  EXPECT_EQ((*compiled(text, circumstances))->validation()->anchors()->size(), 2U);
  circumstances.followed_zones = {dns::Name{}};
  circumstances.followed_anchors = {{dns::Name{}, dns::type::dnskey, dns::rr_class::in, dns::Ttl{}, {1, 1, 3, 15, 7}}};
  circumstances.negative_anchors = {{dns::Name::literal("broken.example."), 4711}};
  const auto mapped = compiled(text, circumstances);
  const auto& validation = *(**mapped).validation();
  ASSERT_EQ(validation.anchors()->size(), 2U);
  EXPECT_EQ(validation.anchors()->Get(0)->type(), dns::type::ds.value) << "example. stays as it is configured";
  EXPECT_EQ(validation.anchors()->Get(0)->zone()->size(), 9U);
  EXPECT_EQ(validation.anchors()->Get(1)->type(), dns::type::dnskey.value);
  ASSERT_EQ(validation.negative_anchors()->size(), 2U);
  EXPECT_EQ(validation.negative_anchors()->Get(0)->until(), 0U);
  EXPECT_EQ(validation.negative_anchors()->Get(1)->until(), 4711U);
}

}  // namespace
}  // namespace redoubt::config
