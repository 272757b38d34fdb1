// A KSK that is kept elsewhere, and what is given to whoever has the parent or the servers.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "dnssec/zone/bootstrap.hpp"
#include "dnssec/zone/offline_keys.hpp"
#include "tests/unit/dnssec/maintain_site.hpp"
#include "tests/unit/dnssec/tags.hpp"

namespace redoubt::dnssec {
namespace {

using namespace sites;
using std::chrono::days;
using std::chrono::hours;

/// A zone whose KSK lies in another folder, which stands for a place without network.
class OfflineSite : public Site {
 public:
  OfflineSite() : vault_{safe_.path(), std::nullopt} {
    options_.policy.offline_ksk = true;
    options_.policy.zsk_lifetime = days{15};
    make_ksk();
  }
  void make_ksk() {
    const auto online = keys_.list().value();
    auto ksk = vault_.generate(apex, Algorithm::ecdsa_p256_sha256, KeyRole::ksk);
    // The vault does not see the keys over here, so their tags may meet.
    while (std::ranges::any_of(online,
                               [&](const StoredKey& other) { return tests::tags_meet(ksk->dnskey, other.dnskey); })) {
      for (const char* part : {".key", ".private"}) std::filesystem::remove(safe_.file(ksk->stem + part));
      ksk = vault_.generate(apex, Algorithm::ecdsa_p256_sha256, KeyRole::ksk);
    }
    folder_.write(ksk->stem + ".key", safe_.read(ksk->stem + ".key"));
  }
  /// What is carried there and back.
  std::expected<PresignedSets, std::string> signed_ahead(seconds span) {
    const auto now = options_.clock.wall.time_since_epoch().count();
    const auto request = request_key_sets(keys_, apex, options_.policy, now, span);
    if (!request) return request;
    const auto carried = presigned_from_text(to_text(*request));
    if (!carried) return carried;
    return presign(*carried, vault_.keys_of(apex).value());
  }
  void renew(seconds span) {
    const auto sets = signed_ahead(span);
    ASSERT_TRUE(sets) << sets.error();
    const auto taken = accept_key_sets(keys_, *sets);
    ASSERT_TRUE(taken) << taken.error();
  }

  TemporaryFolder safe_;
  KeyFolder vault_;
};

TEST(OfflineKsk, signs_ahead_while_zsks_roll_and_tells_when_that_ends) {
  OfflineSite site;
  EXPECT_FALSE(site.run()) << "nothing is signed ahead";
  EXPECT_FALSE(std::filesystem::exists(site.folder_.file("example.zone.signed")));
  site.renew(days{60});
  const ZoneRolls zone = site.live(days{48}, days{1});
  EXPECT_TRUE(zone.settled);
  const auto keys = site.keys_.list().value();
  EXPECT_GE(std::ranges::count_if(keys, &StoredKey::retired), 2) << "ZSKs rolled";
  const auto quiet = site.run();
  ASSERT_TRUE(quiet) << quiet.error();
  EXPECT_FALSE(is_told(quiet->file.remarks, "ends soon"));
  site.wait(days{4});
  const auto late = site.run();
  ASSERT_TRUE(late) << late.error();
  EXPECT_TRUE(is_told(late->file.remarks, "ends soon"));
  const std::string before = site.folder_.read("example.zone.signed");
  site.wait(days{9});
  EXPECT_FALSE(site.run()) << "it has run out";
  EXPECT_EQ(site.folder_.read("example.zone.signed"), before);
  site.renew(days{60});
  EXPECT_TRUE(site.run());
  EXPECT_EQ(site.faults(), "");
}

TEST(OfflineKsk, rolls_to_another_one_and_waits_where_nothing_is_signed_ahead) {
  OfflineSite site;
  site.options_.policy.zsk_lifetime = seconds{0};
  site.renew(days{60});
  const ZoneRolls first = site.live(days{5}, days{1});
  ASSERT_TRUE(first.settled);
  const unsigned place = static_cast<unsigned>(std::countr_zero(first.key_sets.current.signers));
  const std::string old = first.keys[place].stem;
  ASSERT_TRUE(change_state(
      site.keys_, apex, [&](ZoneRolls& zone) { return start_roll(zone, bit(place)); }, "a test"));
  EXPECT_FALSE(site.run()) << "there is no other KSK";
  site.make_ksk();
  const auto waits = site.run();
  ASSERT_TRUE(waits) << waits.error();
  EXPECT_TRUE(is_told(waits->waiting, "signed ahead"));
  EXPECT_EQ(waits->file.counts.changed, 0U);
  site.renew(days{60});
  const ZoneRolls last = site.live(days{12}, days{1});
  EXPECT_FALSE(last.place_of(old));
  EXPECT_TRUE(last.settled);
}

TEST(OfflineKsk, takes_in_nothing_that_does_not_hold) {
  OfflineSite site;
  const auto good = site.signed_ahead(days{60});
  ASSERT_TRUE(good) << good.error();
  const auto refuses = [&](auto change) {
    PresignedSets bad = *good;
    change(bad);
    return !accept_key_sets(site.keys_, bad);
  };
  EXPECT_TRUE(refuses([](PresignedSets& sets) { sets.sets[0].signatures[0].back() ^= 1; }));
  EXPECT_TRUE(refuses([](PresignedSets& sets) { sets.sets[0].signatures.clear(); }));
  EXPECT_TRUE(refuses([](PresignedSets& sets) { sets.until += 1; }));
  EXPECT_TRUE(refuses([](PresignedSets& sets) { sets.sets[0].ttl += 1; }));
  EXPECT_TRUE(refuses([](PresignedSets& sets) { sets.sets[0].rdata.pop_back(); }));
  EXPECT_TRUE(refuses([](PresignedSets& sets) { sets.zone = dns::Name::literal("other."); }));
  EXPECT_FALSE(refuses([](PresignedSets&) {}));
  const std::string text = to_text(*good);
  EXPECT_EQ(presigned_from_text(text).value(), *good);
  for (std::size_t size = 0; size < text.size(); size += 7) EXPECT_FALSE(presigned_from_text(text.substr(0, size)));
}

/// RFC 9615 §4.1.
TEST(Bootstrap, names_of_servers_carry_the_cds_of_the_zone) {
  Site site;
  static_cast<void>(site.run());
  EXPECT_FALSE(bootstrap_records(load_zone(site.folder_.file("example.zone.signed"), {.origin = apex}).value()))
      << "the parent is not asked yet";
  static_cast<void>(site.live(days{5}, days{1}));
  const auto zone = load_zone(site.folder_.file("example.zone.signed"), {.origin = apex});
  const auto found = bootstrap_records(zone.value());
  ASSERT_TRUE(found) << found.error();
  ASSERT_EQ(found->records.size(), 2U);
  EXPECT_EQ(found->records[0].owner, dns::Name::literal("_dsboot.example._signal.ns.other."));
  EXPECT_EQ(found->records[0].type, dns::type::cds);
  EXPECT_EQ(found->records[1].type, dns::type::cdnskey);
  ASSERT_EQ(found->unfit.size(), 1U);
  EXPECT_EQ(found->unfit[0], dns::Name::literal("ns.example.")) << "a server inside the zone proves nothing";
}

}  // namespace
}  // namespace redoubt::dnssec
