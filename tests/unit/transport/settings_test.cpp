#include "transport/role/settings.hpp"

#include "tests/unit/transport/snapshot_maker.hpp"

namespace redoubt::transport::test {

namespace {

std::expected<Settings, std::string> settings_of(const SnapshotParts& parts) {
  const Octets octets = compiled(parts);
  return settings_from(*snapshot::flat::GetSnapshot(octets.data()));
}

TEST(TransportSettings, take_what_concerns_streams) {
  const auto settings = settings_of({.limits = {{"stream-connections", 77}, {"upstream-queries", 12}},
                                     .outgoing = {"192.0.2.1", "2001:db8::1"},
                                     .listeners = {{1, true}, {2, false}, {5, true}}});
  ASSERT_TRUE(settings.has_value()) << settings.error();
  EXPECT_EQ(settings->generation, 9U);
  EXPECT_EQ(settings->limits[Limit::connections], 77U);
  ASSERT_EQ(settings->outgoing_addresses.size(), 2U);
  EXPECT_EQ(settings->outgoing_addresses[0].to_text(), "192.0.2.1");
  EXPECT_EQ(settings->outgoing_addresses[1].to_text(), "2001:db8::1");
  const ListenerManner plain{Protocol::tcp, ""};
  EXPECT_EQ(settings->listeners, (std::map<ListenerId, ListenerManner>{{1, plain}, {5, plain}}));
  EXPECT_FALSE(settings->encrypted());
}

TEST(TransportSettings, a_limit_out_of_range_is_refused) {
  const auto settings = settings_of({.limits = {{"stream-connections", 1'000'000}}});
  ASSERT_FALSE(settings.has_value());
  EXPECT_EQ(settings.error(), "limit stream-connections is out of range: 1000000");
}

}  // namespace

}  // namespace redoubt::transport::test
