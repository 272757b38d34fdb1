#pragma once
// Zones that are signed to make validating hard, and the bill for one question to them.
#include <cstdio>

#include "resolver/trace.hpp"
#include "tests/sim/validation_fixture.hpp"
#include "tests/sim/zone_text.hpp"
#include "tests/thread_time.hpp"

namespace redoubt::sim {

struct Ears final : resolver::Trace {
  void note(resolver::TraceEvent event) override { heard.push_back(std::move(event)); }
  std::vector<resolver::TraceEvent> heard{};
};

inline double cpu_milliseconds() {
  return std::chrono::duration<double, std::milli>{tests::time_of_this_thread()}.count();
}

struct HardZones : ValidationFixture {
  struct Bill {
    resolver::SharedOutcome outcome;
    std::uint64_t checks = 0;
    std::uint64_t failed = 0;
    std::uint64_t blocks = 0;
    std::uint64_t queries = 0;
  };
  /// The guard is off.
  void lift(std::initializer_list<resolver::Limit> limits) {
    for (const resolver::Limit limit : limits) internet.world().settings().limits.lift(limit);
  }
  /// Keys with the real one's tag, in front of it, vouched for by it.
  static void add_twins(std::vector<dns::Record>& records, const signing::TestKey& real, std::size_t count) {
    // Two octets moved by a multiple keep the sum, and so the tag (RFC 4034 appendix B).
    const auto keys = find_records(records, "shop.com.", "DNSKEY");
    std::vector<dns::Record> twins;
    for (std::uint8_t i = 1; twins.size() < count && i < 255; ++i) {
      dns::Record twin = *keys.front();
      twin.rdata[4] = static_cast<std::uint8_t>(twin.rdata[4] + i);
      twin.rdata[6] = static_cast<std::uint8_t>(twin.rdata[6] - i);
      if (dnssec::key_tag(twin.rdata) == real.tag()) twins.push_back(twin);
    }
    ASSERT_EQ(twins.size(), count);
    records.insert(records.begin(), twins.begin(), twins.end());
    strip_signature(records, "shop.com.", "DNSKEY");
    std::vector<dns::Record> set;
    for (const dns::Record& record : records) {
      if (record.type == dns::type::dnskey) set.push_back(record);
    }
    records.push_back(signing::sign_set(real, dns::Name::literal("shop.com."), set, SignedWorld::times()));
  }
  /// The zone's DS stands behind so many of another algorithm: looked at, and no digest of them is computed.
  void put_good_ds_behind(int others) {
    const dns::Record good =
        signing::ds_record(dns::Name::literal("shop.com."), internet.at("shop.com.").signing->keys.front());
    std::vector<dns::Record> many(static_cast<std::size_t>(others), good);
    for (int i = 0; i < others; ++i) {
      dns::Record& other = many[static_cast<std::size_t>(i)];
      other.rdata[10] = static_cast<std::uint8_t>(good.rdata[10] + i + 1);
      other.rdata[2] = 13;
    }
    many.push_back(good);
    internet.at("shop.com.").ds = many;
  }
  Bill bill(std::string_view name, std::string_view type = "A") {
    internet.publish();
    Ears ears;
    World& world = internet.world();
    const double before = cpu_milliseconds();
    Bill bill{.outcome = world.trace(World::query(name, type), ears)};
    const double spent = cpu_milliseconds() - before;
    bill.checks = world.spent(resolver::Limit::signature_checks);
    bill.failed = world.spent(resolver::Limit::failed_signature_checks);
    bill.blocks = world.spent(resolver::Limit::nsec3_blocks);
    bill.queries = world.spent(resolver::Limit::upstream_queries);
    std::printf(
        "%s: %llu checks, %llu failed, %llu hash blocks, %llu queries, %.1f ms CPU with the servers' own work\n",
        std::string{name}.c_str(), static_cast<unsigned long long>(bill.checks),
        static_cast<unsigned long long>(bill.failed), static_cast<unsigned long long>(bill.blocks),
        static_cast<unsigned long long>(bill.queries), spent);
    return bill;
  }
  /// So many copies of the proof under other names come before it.
  void pad_denials(int count) {
    internet.at("shop.com.").behaviours.push_back(edits_for("nothing.shop.com.", [count](dns::Message& message) {
      std::vector<dns::Record> padding;
      for (int i = 0; i < count; ++i) {
        for (dns::Record record : message.authority) {
          if (record.type == dns::type::soa) continue;
          std::string label = "p" + std::to_string(i);  // each of its own, as the records were
          for (const std::uint8_t octet : record.owner.first_label()) label += static_cast<char>(octet);
          if (auto owner = dns::Name::literal("shop.com.")
                               .prepended({reinterpret_cast<const std::uint8_t*>(label.data()), label.size()}))
            record.owner = *owner;
          padding.push_back(std::move(record));
        }
      }
      message.authority.insert(message.authority.begin(), padding.begin(), padding.end());
    }));
  }
  /// Copies of the one RRSIG over that set, each with another wrong signature.
  static void jam(std::vector<dns::Record>& records, std::string_view owner, std::string_view type, std::size_t count) {
    const auto wanted = name_from_text(owner);
    const auto at = std::ranges::find_if(records, [&](const dns::Record& record) {
      return record.type == dns::type::rrsig && record.owner == wanted &&
             (record.rdata[0] << 8 | record.rdata[1]) == type_from_text(type).value;
    });
    const dns::Record good = *at;
    records.erase(at);
    for (std::size_t i = 0; i < count; ++i) {
      dns::Record bad = good;
      bad.rdata.back() = static_cast<std::uint8_t>(bad.rdata.back() ^ (1 + i % 255));
      bad.rdata[bad.rdata.size() - 2] = static_cast<std::uint8_t>(i >> 8);
      records.push_back(bad);
    }
  }
};

}  // namespace redoubt::sim
