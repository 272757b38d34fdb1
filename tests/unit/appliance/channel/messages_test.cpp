// Every message of every channel: there and back, and what a hostile peer could send in its place.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/unit/appliance/channel/samples.hpp"

namespace redoubt::channel {
namespace {

using Octets = std::vector<std::uint8_t>;

/// What all decoders owe: `samples` survive, and no octet less or more is taken for them.
template <class Message, class Decode>
void expect_exact(const std::vector<Message>& messages, Decode decode, std::size_t kinds) {
  std::vector<bool> seen(kinds, false);
  for (const Message& message : messages) {
    const Octets octets = encode(message);
    SCOPED_TRACE("kind " + std::to_string(octets[0]));
    seen.at(octets[0]) = true;
    const auto decoded = decode(octets);
    ASSERT_TRUE(decoded.has_value()) << describe(decoded.error());
    EXPECT_EQ(decoded->index(), message.index());
    EXPECT_EQ(encode(*decoded), octets);
    EXPECT_EQ(descriptors_of(*decoded), descriptors_of(message));

    // Long ones at every 97th length: their body is one run of octets.
    for (std::size_t size = 0; size<octets.size(); size += octets.size()> 10'000 ? 97 : 1) {
      const auto part = decode(std::span{octets}.first(size));
      ASSERT_FALSE(part.has_value()) << size << " octets of " << octets.size();
      EXPECT_EQ(part.error(), DecodeFault::short_message) << size;
    }
    Octets longer = octets;
    longer.push_back(0);
    const auto trailing = decode(longer);
    ASSERT_FALSE(trailing.has_value());
    EXPECT_EQ(trailing.error(), DecodeFault::left_over);
  }
  EXPECT_TRUE(std::ranges::all_of(seen, [](bool is_seen) { return is_seen; })) << "a kind without a sample";

  for (const std::size_t kind : {kinds, kinds + 1, std::size_t{255}}) {
    const auto unknown = decode(Octets{static_cast<std::uint8_t>(kind), 0, 0, 0, 0, 0, 0, 0, 0});
    ASSERT_FALSE(unknown.has_value());
    EXPECT_EQ(unknown.error(), DecodeFault::unknown_kind);
  }
  const auto oversized = decode(Octets(max_message_octets + 1, 0));
  ASSERT_FALSE(oversized.has_value());
  EXPECT_EQ(oversized.error(), DecodeFault::too_large);
}

TEST(Messages, monitor_to_child) {
  expect_exact(samples::monitor_to_child(), decode_monitor_to_child, std::variant_size_v<MonitorToChild>);
}
TEST(Messages, child_to_monitor) {
  expect_exact(samples::child_to_monitor(), decode_child_to_monitor, std::variant_size_v<ChildToMonitor>);
}
TEST(Messages, control_to_resolver) {
  expect_exact(samples::control_to_resolver(), decode_control_to_resolver, std::variant_size_v<ControlToResolver>);
}
TEST(Messages, resolver_to_control) {
  expect_exact(samples::resolver_to_control(), decode_resolver_to_control, std::variant_size_v<ResolverToControl>);
}
TEST(Messages, control_to_transport) {
  expect_exact(samples::control_to_transport(), decode_control_to_transport, std::variant_size_v<ControlToTransport>);
}
TEST(Messages, transport_to_control) {
  expect_exact(samples::transport_to_control(), decode_transport_to_control, std::variant_size_v<TransportToControl>);
}
TEST(Messages, control_to_keykeeper) {
  expect_exact(samples::control_to_keykeeper(), decode_control_to_keykeeper, std::variant_size_v<ControlToKeykeeper>);
}
TEST(Messages, keykeeper_to_control) {
  expect_exact(samples::keykeeper_to_control(), decode_keykeeper_to_control, std::variant_size_v<KeykeeperToControl>);
}
TEST(Messages, transport_to_keykeeper) {
  expect_exact(samples::transport_to_keykeeper(), decode_transport_to_keykeeper,
               std::variant_size_v<TransportToKeykeeper>);
}
TEST(Messages, keykeeper_to_transport) {
  expect_exact(samples::keykeeper_to_transport(), decode_keykeeper_to_transport,
               std::variant_size_v<KeykeeperToTransport>);
}
TEST(Messages, transport_to_resolver) {
  expect_exact(samples::transport_to_resolver(), decode_transport_to_resolver,
               std::variant_size_v<TransportToResolver>);
}
TEST(Messages, resolver_to_transport) {
  expect_exact(samples::resolver_to_transport(), decode_resolver_to_transport,
               std::variant_size_v<ResolverToTransport>);
}

/// Long ones are one run of octets; the fuzzer makes its own.
constexpr std::size_t max_seed_octets = 4096;

/// The seeds of fuzz/channel.cpp, whose first octet chooses the decoder: each sample is one. With REDOUBT_WRITE_SEEDS
/// in the environment they are written.
template <class Message>
void expect_seeds(std::uint8_t decoder, const std::string& name, const std::vector<Message>& messages) {
  for (std::size_t i = 0; i < messages.size(); ++i) {
    Octets octets = encode(messages[i]);
    if (octets.size() > max_seed_octets) continue;
    octets.insert(octets.begin(), decoder);
    const std::string path = std::string{REDOUBT_SEEDS} + "/" + name + "_" + std::to_string(i);
    const std::string wanted{octets.begin(), octets.end()};
    if (std::getenv("REDOUBT_WRITE_SEEDS") != nullptr) std::ofstream{path, std::ios::binary} << wanted;
    std::ifstream file{path, std::ios::binary};
    const std::string found{std::istreambuf_iterator<char>{file}, {}};
    EXPECT_EQ(found, wanted) << path << ": run this test with REDOUBT_WRITE_SEEDS=1";
  }
}

TEST(Messages, each_kind_is_a_seed_of_the_fuzzer) {
  expect_seeds(0, "monitor_to_child", samples::monitor_to_child());
  expect_seeds(1, "child_to_monitor", samples::child_to_monitor());
  expect_seeds(2, "control_to_resolver", samples::control_to_resolver());
  expect_seeds(3, "resolver_to_control", samples::resolver_to_control());
  expect_seeds(4, "control_to_transport", samples::control_to_transport());
  expect_seeds(5, "transport_to_control", samples::transport_to_control());
  expect_seeds(6, "control_to_keykeeper", samples::control_to_keykeeper());
  expect_seeds(7, "keykeeper_to_control", samples::keykeeper_to_control());
  expect_seeds(8, "transport_to_resolver", samples::transport_to_resolver());
  expect_seeds(9, "resolver_to_transport", samples::resolver_to_transport());
  expect_seeds(10, "transport_to_keykeeper", samples::transport_to_keykeeper());
  expect_seeds(11, "keykeeper_to_transport", samples::keykeeper_to_transport());
}

TEST(Messages, fields_keep_their_values) {
  const auto bind = decode_child_to_monitor(
      encode(Bind{.id = 1, .listener = 2, .at = samples::v6, .datagrams = true, .streams = false, .workers = 64}));
  ASSERT_TRUE(bind.has_value());
  const auto& got = std::get<Bind>(*bind);
  EXPECT_EQ(got.id, 1U);
  EXPECT_EQ(got.listener, 2U);
  EXPECT_EQ(got.at, samples::v6);
  EXPECT_TRUE(got.datagrams);
  EXPECT_FALSE(got.streams);
  EXPECT_EQ(got.workers, 64U);
}

TEST(Messages, enums_and_counts_beyond_their_range_are_refused) {
  EXPECT_EQ(decode_monitor_to_child(Octets{0, 5}).error(), DecodeFault::bad_value);  // Attach: five roles, 0 to 4
  EXPECT_EQ(decode_monitor_to_child(Octets{6, keep_slots}).error(), DecodeFault::bad_value);  // Kept
  EXPECT_EQ(decode_child_to_monitor(Octets{2, 2}).error(), DecodeFault::bad_value);  // AcceptBestEffort: a boolean
  EXPECT_EQ(decode_transport_to_resolver(Octets{3, 0, 0, 0, 0, 0, 0, 0, 1, fetch_faults}).error(),
            DecodeFault::bad_value);  // FetchFailed
}

TEST(Messages, a_count_of_many_and_the_octets_of_none_allocates_nothing_for_them) {
  Octets octets = encode(ResolverToControl{Statistics{.id = 1, .values = {}}});
  octets[octets.size() - 2] = 0x04;  // 1024 values, says the count
  EXPECT_EQ(decode_resolver_to_control(octets).error(), DecodeFault::short_message);
  octets[octets.size() - 2] = 0x05;
  EXPECT_EQ(decode_resolver_to_control(octets).error(), DecodeFault::bad_value);
}

TEST(Messages, a_list_of_cache_entries_is_cut_to_what_a_channel_carries_and_says_so) {
  const CacheEntry large{.owner = samples::name,
                         .type = dns::type::txt,
                         .kind = CacheEntryKind::data,
                         .rank = 1,
                         .ttl_left = 1,
                         .rdata = {Octets(30'000, 1)}};
  const Octets octets = encode(CacheShown{.id = 1, .more = false, .entries = {large, large, large}});
  EXPECT_LE(octets.size(), max_message_octets);
  const auto decoded = decode_resolver_to_control(octets);
  ASSERT_TRUE(decoded.has_value());
  EXPECT_TRUE(std::get<CacheShown>(*decoded).more);
  EXPECT_EQ(std::get<CacheShown>(*decoded).entries.size(), 2U);
}

TEST(Messages, descriptors_ride_where_the_header_says_so) {
  EXPECT_EQ(descriptors_of(MonitorToChild{Attach{.peer = Role::control}}), 1U);
  EXPECT_EQ(descriptors_of(MonitorToChild{Stop{}}), 0U);
  EXPECT_EQ(descriptors_of(MonitorToChild{
                ReadConfiguration{.opened = true, .initial = false, .path = {}, .trouble = {}, .since = 0}}),
            1U);
  EXPECT_EQ(descriptors_of(MonitorToChild{
                ReadConfiguration{.opened = false, .initial = false, .path = {}, .trouble = {}, .since = 0}}),
            0U);
  EXPECT_EQ(descriptors_of(ControlToResolver{UseSnapshot{.generation = 1}}), 1U);
  EXPECT_EQ(descriptors_of(ChildToMonitor{Keep{.slot = 0}}), 1U);
}

TEST(Metrics, names_are_prometheus_names_and_counters_end_in_total) {
  const auto check = [](const Metric& metric) {
    EXPECT_TRUE(metric.name.starts_with("redoubt_")) << metric.name;
    EXPECT_TRUE(std::ranges::all_of(metric.name, [](char c) { return c == '_' || (c >= 'a' && c <= 'z'); }))
        << metric.name;
    EXPECT_EQ(metric.name.ends_with("_total"), metric.kind == MetricKind::counter) << metric.name;
    EXPECT_FALSE(metric.help.empty()) << metric.name;
  };
  std::ranges::for_each(resolver_metrics, check);
  std::ranges::for_each(transport_metrics, check);
}

TEST(Metrics, each_row_is_its_counters) {
  const auto row = [](ResolverCounter counter) { return resolver_metrics.at(static_cast<std::size_t>(counter)); };
  EXPECT_EQ(row(ResolverCounter::queries_stream).labels, "transport=\"stream\"");
  EXPECT_EQ(row(ResolverCounter::cache_octets).name, "redoubt_cache_bytes");
  EXPECT_EQ(row(ResolverCounter::tls_authorities).name, "redoubt_upstream_tls_authorities");
  EXPECT_EQ(row(ResolverCounter::limit_question_time).labels, "limit=\"question-time\"");
  EXPECT_EQ(row(ResolverCounter::limit_upstream_queue).labels, "limit=\"upstream-queue\"");
  EXPECT_EQ(row(ResolverCounter::limit_entropy_floor).labels, "limit=\"entropy-floor\"");
  EXPECT_EQ(row(ResolverCounter::resolution_time_any).labels, "le=\"+Inf\"");
  EXPECT_EQ(row(ResolverCounter::resolution_time_sum).name, "redoubt_resolution_seconds_sum");
  EXPECT_EQ(row(ResolverCounter::query_log_lost).name, "redoubt_query_log_lost_total");
  EXPECT_EQ(row(ResolverCounter::snapshot_generation).name, "redoubt_snapshot_generation");
}

}  // namespace
}  // namespace redoubt::channel
