#include "dnssec/zone/maintain.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bit>

#include "dnssec/roll/state_text.hpp"
#include "dnssec/sign/prepare.hpp"
#include "dnssec/zone/bootstrap.hpp"
#include "dnssec/zone/load.hpp"
#include "dnssec/zone/offline_keys.hpp"
#include "tests/unit/dnssec/file_calls.hpp"
#include "tests/unit/dnssec/random_zone.hpp"
#include "tests/unit/dnssec/temporary_folder.hpp"

namespace redoubt::dnssec {
namespace {

using std::chrono::days;
using std::chrono::hours;
using tests::TemporaryFolder;

const dns::Name apex = dns::Name::literal("example.");
constexpr Instant start{seconds{1'800'000'000}};

/// A zone with its keys, and time that passes as the test says.
class Site {
 public:
  explicit Site(std::string_view policy = "standard") : keys_{folder_.path(), std::nullopt} {
    folder_.write("example.zone", tests::random_zone(77));
    options_.file.input = folder_.file("example.zone");
    options_.file.output = folder_.file("example.zone.signed");
    options_.file.origin = apex;
    options_.policy = built_in_policy(policy).value();
    options_.keys = &keys_;
    options_.observe = [this](const dns::Name&, const ZoneRolls& zone, std::span<const StoredKey>) {
      Observations observed;
      KeyMask ds = 0;
      for (const std::string& stem : parent_) ds |= zone.place_of(stem) ? bit(*zone.place_of(stem)) : 0;
      observed.parents.push_back({ds, false});
      return observed;
    };
    options_.clock = {start, seconds{0}, "life", true};
  }

  std::expected<MaintainResult, std::string> run() {
    options_.file.now = options_.clock.wall.time_since_epoch().count();
    return maintain(options_);
  }
  void wait(seconds time) {
    options_.clock.wall += time;
    options_.clock.since_boot += time;
  }
  /// The parent does what it is asked.
  void obey(const ZoneRolls& zone) {
    parent_.clear();
    for (unsigned place = 0; place < zone.keys.size(); ++place) {
      if ((zone.asked.value_or(0) & bit(place)) != 0) parent_.push_back(zone.keys[place].stem);
    }
  }
  /// Runs and waits, with an obedient parent, while each output validates under what the parent has.
  ZoneRolls live(seconds time, seconds every) {
    ZoneRolls last;
    for (seconds passed{0}; passed < time; passed += every) {
      const auto result = run();
      EXPECT_TRUE(result) << (result ? "" : result.error());
      if (!result) return last;
      last = result->zone;
      EXPECT_TRUE(last.key_sets.newest().published == 0 || faults().empty()) << faults();
      obey(last);
      wait(every);
    }
    return last;
  }
  std::string faults() const {
    const auto zone = load_zone(options_.file.output, {.origin = apex});
    if (!zone) return zone.error();
    VerifyOptions verify{.now = options_.clock.wall.time_since_epoch().count(), .trusted_ds = {}};
    const auto keys = keys_.list().value();
    for (const StoredKey& key : keys) {
      if (std::ranges::find(parent_, key.stem) != parent_.end())
        verify.trusted_ds.push_back(ds_rdata(apex, key.dnskey, DsDigest::sha256));
    }
    std::string text;
    for (const ZoneFinding& finding : verify_zone(*zone, verify).findings) {
      if (finding.severity == Severity::fault) text += finding.to_text() + "\n";
    }
    return text;
  }

  TemporaryFolder folder_;
  KeyFolder keys_;
  MaintainOptions options_;
  std::vector<std::string> parent_;
};

std::size_t keys_in_use(const ZoneRolls& zone) {
  return static_cast<std::size_t>(std::ranges::count_if(zone.keys, [](const RollingKey& key) { return !key.free; }));
}

/// Keys that another process has: it signs in batches, until it is told to stop.
class FakeHouse : public KeyHouse {
 public:
  struct Held : RemoteKey {
    explicit Held(PrivateKey key) : key_{std::move(key)} {}
    std::unique_ptr<RemoteSigner> signer() const override;
    std::string trouble() const override { return batches_left == 0 ? "it has ended" : ""; }
    PrivateKey key_;
    mutable std::atomic<int> batches_left = 1'000'000;
    mutable std::atomic<int> batches = 0;
    mutable bool kills = false;  ///< the process that asks for signatures
  };
  struct HeldSigner : RemoteSigner {
    explicit HeldSigner(const Held& key) : key_{&key}, signer_{key.key_} {}
    bool prefers_batches() const override { return true; }
    bool sign(OctetView data, Octets& out) override { return signer_.sign(data, out); }
    bool sign_all(std::span<const Octets> data, std::vector<Octets>& out) override {
      if (key_->kills) kill(getpid(), SIGKILL);
      if (key_->batches_left == 0) return false;
      --key_->batches_left;
      ++key_->batches;
      return RemoteSigner::sign_all(data, out);
    }
    const Held* key_;
    Signer signer_;
  };
  std::expected<Octets, std::string> make(const dns::Name&, Algorithm algorithm, KeyRole role, unsigned bits,
                                          std::span<const std::uint16_t>) override {
    const auto ready =
        std::ranges::find_if(ready_, [&](const Octets& rdata) { return Dnskey::parse(rdata)->flags == flags_of(role); });
    if (ready != ready_.end()) {
      const Octets dnskey = *ready;
      ready_.erase(ready);
      return dnskey;
    }
    auto key = PrivateKey::generate(algorithm, bits);
    Octets dnskey = dnskey_rdata(flags_of(role), algorithm, key->public_key());
    keys_.emplace_back(dnskey, std::make_shared<const Held>(std::move(*key)));
    return dnskey;
  }
  std::expected<bool, std::string> has(const dns::Name& zone, OctetView dnskey) override {
    return find(zone, dnskey).has_value();
  }
  std::expected<std::shared_ptr<const RemoteKey>, std::string> find(const dns::Name&, OctetView dnskey) override {
    for (const auto& [rdata, key] : keys_) {
      if (std::ranges::equal(rdata, dnskey)) return key;
    }
    return std::unexpected{std::string{"no such key"}};
  }
  std::expected<void, std::string> erase(const dns::Name&, OctetView dnskey) override {
    if (std::erase_if(keys_, [&](const auto& one) { return std::ranges::equal(one.first, dnskey); }) == 0)
      return std::unexpected{std::string{"no such key"}};
    if (loses_answers_) return std::unexpected{std::string{"no answer"}};
    return {};
  }
  bool loses_answers_ = false;  ///< what is erased is erased
  std::vector<std::pair<Octets, std::shared_ptr<const Held>>> keys_;
  std::vector<Octets> ready_;  ///< of these, for whoever wants a new one
};
std::unique_ptr<RemoteSigner> FakeHouse::Held::signer() const { return std::make_unique<HeldSigner>(*this); }

TEST(Maintain, a_key_that_another_process_erased_without_saying_so_can_still_be_forgotten_here) {
  Site site;
  const auto house = std::make_shared<FakeHouse>();
  site.keys_.use(house, true);
  ASSERT_TRUE(site.run());
  const auto keys = site.keys_.list();
  ASSERT_TRUE(keys && !keys->empty());
  const StoredKey& key = keys->front();
  const std::string pointer = site.folder_.path() + "/" + key.stem + ".keykeeper";
  house->loses_answers_ = true;
  EXPECT_FALSE(site.keys_.erase_in_house(key, 1, false));
  EXPECT_TRUE(std::filesystem::exists(pointer));
  const auto again = site.keys_.erase_in_house(key, 1, false);
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error(), testing::HasSubstr("--force forgets it"));
  EXPECT_TRUE(site.keys_.erase_in_house(key, 1, true));
  EXPECT_FALSE(std::filesystem::exists(pointer));
}

TEST(Maintain, keys_of_another_process_sign_in_batches_and_their_end_leaves_the_old_output) {
  for (const bool zonemd : {false, true}) {
    Site site;
    const auto house = std::make_shared<FakeHouse>();
    site.keys_.use(house, true);
    site.options_.policy.signing.zonemd = zonemd;
    const auto result = site.run();
    ASSERT_TRUE(result) << result.error();
    EXPECT_EQ(site.faults(), "");
    ASSERT_EQ(house->keys_.size(), 2U);
    const auto& zsk = (house->keys_[0].first[1] & 1) == 0 ? house->keys_[0].second : house->keys_[1].second;
    EXPECT_GE(zsk->batches.load(), 1);
    EXPECT_LT(zsk->batches.load() * 2, static_cast<int>(result->file.counts.made)) << "far fewer than signatures";
    for (const auto& entry : std::filesystem::directory_iterator{site.folder_.path()}) {
      const std::string name = entry.path().filename().string();
      EXPECT_FALSE(name.ends_with(".private") || name.ends_with(".sealed")) << name;
    }
    const std::string before = site.folder_.read("example.zone.signed");
    zsk->batches_left = 0;
    site.options_.file.everything = true;
    const auto failed = site.run();
    ASSERT_FALSE(failed);
    EXPECT_NE(failed.error().find("it has ended"), std::string::npos) << failed.error();
    EXPECT_EQ(site.folder_.read("example.zone.signed"), before);
  }
}

TEST(Maintain, a_run_says_whether_the_parent_is_asked_anew) {
  Site site;
  EXPECT_FALSE(site.run()->asks_parent_anew) << "not before all unsigned data has left the caches";
  bool asked = false;
  for (int day = 0; day < 10 && !asked; ++day) {
    site.wait(days{1});
    const auto result = site.run();
    ASSERT_TRUE(result);
    asked = result->asks_parent_anew;
    EXPECT_EQ(asked, result->zone.asked.has_value());
  }
  EXPECT_TRUE(asked);
  EXPECT_FALSE(site.run()->asks_parent_anew);
}

TEST(Maintain, a_first_run_makes_keys_and_a_signed_zone) {
  Site site;
  const auto result = site.run();
  ASSERT_TRUE(result) << result.error();
  EXPECT_TRUE(result->file.written);
  EXPECT_EQ(result->keys.size(), 2U);
  ASSERT_EQ(result->ds.size(), 1U) << "the DS to publish";
  EXPECT_EQ(site.faults(), "");
  EXPECT_FALSE(result->zone.asked) << "unsigned data is still in caches: a DS now would make it bogus";
  const auto again = site.run();
  ASSERT_TRUE(again) << again.error();
  EXPECT_FALSE(again->file.written);
  EXPECT_EQ(again->keys.size(), 2U);
}

TEST(Maintain, keys_roll_by_runs_alone) {
  Site site;
  site.options_.policy.ksk_lifetime = days{30};
  site.options_.policy.zsk_lifetime = days{15};
  const ZoneRolls zone = site.live(days{75}, days{1});
  EXPECT_TRUE(zone.settled);
  EXPECT_LE(keys_in_use(zone), 4U);
  EXPECT_GE(site.keys_.list()->size(), 5U) << "two KSKs at least, and three ZSKs";
}

TEST(Maintain, another_algorithm_and_back_to_unsigned) {
  Site site;
  static_cast<void>(site.live(days{6}, days{1}));
  site.options_.policy.algorithm = Algorithm::ed25519;
  const ZoneRolls rolled = site.live(days{20}, days{1});
  EXPECT_TRUE(std::ranges::all_of(
      rolled.keys, [](const RollingKey& key) { return key.free || key.algorithm == Algorithm::ed25519; }));
  site.options_.policy = built_in_policy("unsigned").value();
  const ZoneRolls unsigned_zone = site.live(days{20}, days{1});
  EXPECT_TRUE(site.parent_.empty());
  EXPECT_EQ(unsigned_zone.key_sets.newest().published, 0U);
  EXPECT_EQ(site.folder_.read("example.zone.signed").find("RRSIG"), std::string::npos);
}

/// An outage by a record with a long TTL would be one of our own making.
TEST(Maintain, a_ttl_above_the_policys_stops_rolls_and_not_signing) {
  Site site;
  site.options_.policy.zsk_lifetime = days{15};
  site.folder_.write("example.zone", tests::random_zone(77) + "long 604800 A 192.0.2.1\n");
  static_cast<void>(site.run());
  site.wait(days{16});
  const auto result = site.run();
  ASSERT_TRUE(result) << result.error();
  EXPECT_EQ(site.faults(), "");
  EXPECT_TRUE(std::ranges::any_of(
      result->waiting, [](const std::string& why) { return why.find("above max-zone-ttl") != std::string::npos; }));
  EXPECT_EQ(result->keys.size(), 2U);
}

TEST(Maintain, a_dry_run_changes_nothing) {
  Site site;
  site.options_.file.dry_run = true;
  const auto result = site.run();
  ASSERT_TRUE(result) << result.error();
  EXPECT_TRUE(result->keys_missing);
  EXPECT_TRUE(site.keys_.list()->empty());
  EXPECT_FALSE(std::filesystem::exists(site.folder_.file("example.zone.signed")));
  EXPECT_FALSE(std::filesystem::exists(site.folder_.file("example.sqlite")));
}

TEST(Maintain, a_zone_that_another_tool_signed_keeps_its_keys) {
  Site site;
  const auto first = site.run();
  ASSERT_TRUE(first);
  std::filesystem::remove(site.folder_.file("example.sqlite"));
  site.parent_ = {};
  const auto adopted = site.run();
  ASSERT_TRUE(adopted) << adopted.error();
  EXPECT_EQ(adopted->keys.size(), 2U);
  EXPECT_EQ(adopted->file.counts.made, 0U);
  EXPECT_EQ(std::popcount(adopted->zone.key_sets.current.published), 2);
  EXPECT_EQ(std::popcount(adopted->zone.signatures.current), 1);
}

TEST(Maintain, a_key_that_is_gone_or_a_state_that_is_damaged_is_an_error_and_nothing_is_replaced) {
  Site site;
  const auto first = site.run();
  ASSERT_TRUE(first);
  const std::string before = site.folder_.read("example.zone.signed");
  const std::string state = site.folder_.read("example.sqlite");
  ASSERT_FALSE(state.empty());
  site.folder_.write("example.sqlite", state.substr(0, state.size() - 5));
  EXPECT_FALSE(site.run());
  site.folder_.write("example.sqlite", state);
  const std::string key = site.folder_.file(first->keys[0].stem + ".key");
  std::filesystem::rename(key, key + ".away");
  EXPECT_FALSE(site.run());
  std::filesystem::rename(key + ".away", key);
  site.folder_.write("example.zone", "nonsense");
  EXPECT_FALSE(site.run());
  EXPECT_EQ(site.folder_.read("example.zone.signed"), before);
}

bool is_told(const std::vector<std::string>& lines, std::string_view what) {
  return std::ranges::any_of(lines, [&](const std::string& one) { return one.find(what) != std::string::npos; });
}

/// A key that was rolled away, perhaps because it was stolen, lies in the folder for ever.
TEST(Maintain, a_rolled_away_key_is_not_used_again_when_the_state_is_lost) {
  Site site;
  site.options_.policy.zsk_lifetime = days{15};
  const ZoneRolls before = site.live(days{40}, days{1});
  ASSERT_GE(site.keys_.list()->size(), 4U);
  std::filesystem::remove(site.folder_.file("example.sqlite"));
  const auto after = site.run();
  ASSERT_TRUE(after) << after.error();
  std::size_t wanted = 0;
  for (const RollingKey& key : after->zone.keys) {
    ASSERT_TRUE(before.place_of(key.stem)) << key.stem << " had gone, and came back";
    wanted += key.wanted ? 1 : 0;
    EXPECT_EQ(key.wanted, before.keys[*before.place_of(key.stem)].wanted) << key.stem;
  }
  EXPECT_EQ(wanted, 2U);
  EXPECT_EQ(site.faults(), "");
}

TEST(Maintain, a_roll_that_was_asked_for_is_remembered_without_the_state) {
  Site site;
  static_cast<void>(site.live(days{5}, days{1}));
  const auto rolled = change_state(
      site.keys_, apex, [](ZoneRolls& zone) { return start_roll(zone, 0b10); }, "a test");
  ASSERT_TRUE(rolled) << rolled.error();
  const std::string stolen = rolled->keys[1].stem;
  std::filesystem::remove(site.folder_.file("example.sqlite"));
  const ZoneRolls zone = site.live(days{10}, days{1});
  EXPECT_FALSE(zone.place_of(stolen)) << "it goes, as was asked for";
  EXPECT_EQ(keys_in_use(zone), 2U);
}

TEST(Maintain, a_bad_zone_file_leaves_no_trace) {
  Site site;
  const KeyFolder fresh{site.folder_.file("keys"), std::nullopt};
  site.options_.keys = &fresh;
  const std::string good = site.folder_.read("example.zone");
  for (const auto& [bad, where] : {std::pair{"www CNAME a\nwww A 192.0.2.1\n", "www.example. CNAME"},
                                   std::pair{"www A 192.0.2.300\n", "192.0.2.300"}}) {
    site.folder_.write("example.zone", good + bad);
    const auto lines = std::to_string(std::ranges::count(good, '\n') + 1);
    const auto result = site.run();
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().find("example.zone:" + lines + ": "), std::string::npos) << result.error();
    EXPECT_FALSE(std::filesystem::exists(fresh.path())) << where;
    EXPECT_FALSE(std::filesystem::exists(site.folder_.file("example.zone.signed")));
  }
  site.folder_.write("example.zone", good + "www CNAME a\nwww A 192.0.2.1\n");
  site.options_.despite_faults = true;
  const auto result = site.run();
  ASSERT_TRUE(result) << result.error();
  EXPECT_TRUE(is_told(result->file.remarks, "beside it there is A"));
}

TEST(Maintain, a_word_that_comes_too_early_is_told_and_from_when_it_counts) {
  Site site;
  site.options_.observe = [](const dns::Name&, const ZoneRolls& zone, std::span<const StoredKey>) {
    Observations observed;
    observed.sworn = true;
    if (zone.asked) observed.parents.push_back({*zone.asked, false});
    return observed;
  };
  const auto first = site.run();
  ASSERT_TRUE(first) << first.error();
  EXPECT_TRUE(is_told(first->waiting, "too early"));
  ASSERT_EQ(first->later.size(), 2U);
  ASSERT_TRUE(first->later[0].from);
  EXPECT_NE(first->later[0].what.find("asked for the DS"), std::string::npos);
  const auto state = read_state(site.keys_, apex);
  ASSERT_TRUE(state && *state);
  EXPECT_EQ((*state)->later, first->later) << "for zone rollover status";
  EXPECT_EQ((*state)->waiting, first->waiting);
  site.wait(*first->later[0].from - start - seconds{1});
  EXPECT_FALSE(site.run()->zone.asked);
  site.wait(seconds{1});
  EXPECT_TRUE(site.run()->zone.asked) << "the time that was told is the time";
}

TEST(Maintain, a_private_half_that_others_may_read_is_not_used_unless_that_is_known) {
  Site site;
  const auto first = site.run();
  ASSERT_TRUE(first);
  EXPECT_FALSE(is_told(first->file.remarks, "others than its owner"));
  std::filesystem::permissions(site.folder_.file(first->keys[0].stem + ".private"), std::filesystem::perms{0644});
  const std::string before = site.folder_.read("example.zone.signed");
  site.wait(days{20});  // signatures are due
  const auto refused = site.run();
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().find("others than its owner"), std::string::npos);
  EXPECT_EQ(site.folder_.read("example.zone.signed"), before);
  site.options_.despite_exposure = true;
  EXPECT_TRUE(is_told(site.run()->file.remarks, "others than its owner"));
  std::filesystem::permissions(site.folder_.file(first->keys[0].stem + ".private"), std::filesystem::perms{0600});
  site.options_.despite_exposure = false;
  EXPECT_FALSE(is_told(site.run()->file.remarks, "others than its owner"));
}

/// It leaves, and signs until it has left: what counts is that it is used.
TEST(Maintain, a_retired_private_half_that_others_may_read_is_not_used_either) {
  Site site;
  const auto first = site.run();
  ASSERT_TRUE(first);
  const StoredKey& key = first->keys[0];
  ASSERT_TRUE(site.keys_.retire(key.stem, start.time_since_epoch().count()));
  std::filesystem::permissions(site.folder_.file(key.stem + ".private"), std::filesystem::perms{0644});
  site.wait(days{20});  // signatures are due
  const auto refused = site.run();
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().find(key.stem + ".private: others than its owner"), std::string::npos) << refused.error();
}

/// A zone whose KSK lies in another folder, which stands for a place without network.
class OfflineSite : public Site {
 public:
  OfflineSite() : vault_{safe_.path(), std::nullopt} {
    options_.policy.offline_ksk = true;
    options_.policy.zsk_lifetime = days{15};
    make_ksk();
  }
  void make_ksk() {
    const auto ksk = vault_.generate(apex, Algorithm::ecdsa_p256_sha256, KeyRole::ksk);
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

TEST(Maintain, two_runs_at_once_do_not_meet) {
  Site site;
  std::optional<std::string> inner;
  site.options_.observe = [&](const dns::Name&, const ZoneRolls&, std::span<const StoredKey>) {
    MaintainOptions other = site.options_;
    other.observe = nullptr;
    const auto result = maintain(other);
    inner = result ? "" : result.error();
    return Observations{};
  };
  EXPECT_TRUE(site.run());
  ASSERT_TRUE(inner);
  EXPECT_NE(inner->find("another run"), std::string::npos);
}

std::uint32_t serial_in(const Site& site) {
  const auto zone = load_zone(site.options_.file.output, {.origin = apex});
  return zone ? serial_of(*zone).value_or(0) : 0;
}

/// Secondaries have the serial of before; to them, and to the machine that looks at them, a lower one is none.
TEST(Maintain, the_serial_goes_on_where_the_output_is_lost_damaged_or_an_old_copy) {
  Site site;
  const std::string zone = site.folder_.read("example.zone");
  ASSERT_TRUE(site.run());
  const std::string old = site.folder_.read("example.zone.signed");
  for (int change = 1; change <= 3; ++change) {
    site.folder_.write("example.zone", zone + "changed A 192.0.2." + std::to_string(change) + "\n");
    site.wait(seconds{60});
    ASSERT_TRUE(site.run());
  }
  std::uint32_t last = serial_in(site);
  const auto expect_later = [&](const char* what) {
    site.wait(seconds{60});
    const auto result = site.run();
    ASSERT_TRUE(result) << what << result.error();
    EXPECT_TRUE(result->file.written) << what;
    EXPECT_EQ(serial_in(site), last + 1) << what;
    EXPECT_EQ(result->zone.written_serial, last + 1) << what;
    ++last;
  };
  std::filesystem::remove(site.options_.file.output);
  expect_later("lost");
  site.folder_.write("example.zone.signed", "nonsense\n");
  expect_later("damaged");
  site.folder_.write("example.zone.signed", old);
  expect_later("an old copy");
}

TEST(Maintain, an_output_that_cannot_be_looked_at_is_not_replaced) {
  Site site;
  ASSERT_TRUE(site.run());
  std::filesystem::remove(site.options_.file.output);
  std::filesystem::create_symlink(site.options_.file.output, site.options_.file.output);  // it leads nowhere
  EXPECT_FALSE(site.run());
  EXPECT_TRUE(std::filesystem::is_symlink(site.options_.file.output));
}

TEST(Maintain, a_clock_that_jumped_signs_nothing_where_the_output_is_lost_either) {
  for (const seconds jump : {seconds{days{-365}}, seconds{days{365}}}) {
    Site site;
    ASSERT_TRUE(site.run());
    std::filesystem::remove(site.options_.file.output);
    site.options_.clock.wall += jump;
    site.options_.clock.since_boot += seconds{60};
    for (int again = 0; again < 3; ++again) {
      const auto result = site.run();
      ASSERT_FALSE(result) << jump.count() << ", run " << again;
      EXPECT_NE(result.error().find("clock"), std::string::npos) << result.error();
      EXPECT_FALSE(std::filesystem::exists(site.options_.file.output));
    }
    site.options_.file.clock_is_right = true;
    EXPECT_TRUE(site.run());
  }
}

/// Killed wherever it is, again and again: each time the output is whole and validates, and no published key is lost.
TEST(Maintain, a_kill_at_any_instant_leaves_a_zone_that_validates) {
  Site site("csk");
  site.options_.policy.ksk_lifetime = days{40};
  for (int round = 0; round < 60; ++round) {
    site.wait(hours{12});
    const pid_t child = fork();
    if (child == 0) {
      static_cast<void>(site.run());
      _exit(0);
    }
    if (round % 10 != 9) {  // one run in ten comes to its end, or on a slow machine signatures would expire
      usleep(static_cast<useconds_t>(500 * (round % 37)));  // wherever it is by then
      kill(child, SIGKILL);
    }
    waitpid(child, nullptr, 0);
    if (!std::filesystem::exists(site.folder_.file("example.zone.signed"))) continue;
    ASSERT_EQ(site.faults(), "") << round;
    const auto state = read_state(site.keys_, apex);
    ASSERT_TRUE(state) << state.error();
    if (*state) site.obey(**state);
  }
  const auto last = site.run();
  ASSERT_TRUE(last) << last.error();
  EXPECT_EQ(site.faults(), "");
}

/// The steps of storing: before the first commit, between the commits, after the last.
TEST(Maintain, a_kill_before_a_step_of_storing_leaves_a_state_and_an_output_that_fit) {
  tests::FileCalls::install();
  Site site("csk");
  ASSERT_TRUE(site.run());
  ASSERT_TRUE(change_state(
      site.keys_, apex, [](ZoneRolls& zone) { return start_roll(zone, 1); }, "a test"));
  site.parent_ = {site.keys_.list()->front().stem};
  site.wait(hours{1});
  const TemporaryFolder before;
  const auto copy = [](const TemporaryFolder& from, const TemporaryFolder& to) {
    for (const auto& entry : std::filesystem::directory_iterator{to.path()}) std::filesystem::remove(entry.path());
    std::filesystem::copy(from.path(), to.path());
  };
  copy(site.folder_, before);
  bool is_done = false;
  int step = 1;
  for (; !is_done; step += 3) {  // state_database_test does each of them, for a state alone
    copy(before, site.folder_);
    is_done = tests::FileCalls::comes_to_its_end(step, [&] { return site.run().has_value(); });
    ASSERT_EQ(site.faults(), "") << step;
    const auto after = site.run();
    ASSERT_TRUE(after) << step << ": " << after.error();
    ASSERT_EQ(site.faults(), "") << step;
    EXPECT_EQ(std::popcount(after->zone.key_sets.newest().published), 2) << "the roll has begun";
  }
  EXPECT_GE(step, 10) << "two transactions at least";
}

TEST(Maintain, a_kill_after_the_commit_and_before_publishing_is_made_up_for_by_the_next_run) {
  Site site;
  const auto house = std::make_shared<FakeHouse>();
  site.keys_.use(house, true);
  ASSERT_TRUE(site.run());
  ASSERT_TRUE(change_state(
      site.keys_, apex, [](ZoneRolls& zone) { return start_roll(zone, 0b11); }, "a test"));
  const std::string before = site.folder_.read("example.zone.signed");
  // The other process of this test has the keys that exist now, and no later ones.
  for (const KeyRole role : {KeyRole::ksk, KeyRole::zsk}) {
    const auto made = house->make(apex, Algorithm::ecdsa_p256_sha256, role, 0, {});
    ASSERT_TRUE(made);
    house->ready_.push_back(*made);
  }
  for (const auto& [rdata, key] : house->keys_) key->kills = true;
  EXPECT_FALSE(tests::FileCalls::comes_to_its_end(0, [&] { return site.run().has_value(); })) << "killed as it signs";
  const auto state = read_state(site.keys_, apex);
  ASSERT_TRUE(state && *state);
  EXPECT_TRUE((*state)->key_sets.pending) << "it was stored";
  const KeySet pending = *(*state)->key_sets.pending;
  EXPECT_EQ(site.folder_.read("example.zone.signed"), before) << "and did not take effect";
  EXPECT_EQ(site.faults(), "");
  for (const auto& [rdata, key] : house->keys_) key->kills = false;
  const auto next = site.run();
  ASSERT_TRUE(next) << next.error();
  EXPECT_TRUE(next->file.written);
  EXPECT_EQ(next->zone.key_sets.newest(), pending) << "the same version is published, and no other";
  EXPECT_EQ(site.faults(), "");
}

TEST(Maintain, a_full_disk_leaves_the_state_and_the_output) {
  tests::FileCalls::install();
  Site site;
  ASSERT_TRUE(site.run());
  const ZoneRolls before = **read_state(site.keys_, apex);
  const std::string output = site.folder_.read("example.zone.signed");
  site.options_.file.everything = true;
  site.wait(days{1});
  tests::FileCalls::fill_disk(true);
  const auto failed = site.run();
  tests::FileCalls::fill_disk(false);
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().find("example.sqlite: no space left"), std::string::npos) << failed.error();
  EXPECT_EQ(**read_state(site.keys_, apex), before);
  EXPECT_EQ(site.folder_.read("example.zone.signed"), output);
  EXPECT_TRUE(site.run());
}

TEST(Maintain, a_run_over_the_text_of_an_earlier_version_goes_on_from_it) {
  Site site;
  site.options_.policy.zsk_lifetime = days{15};
  const ZoneRolls before = site.live(days{17}, days{1});
  std::filesystem::remove(site.folder_.file("example.sqlite"));
  site.folder_.write("example.state", to_text(before));
  const auto after = site.run();
  ASSERT_TRUE(after) << after.error();
  EXPECT_EQ(after->zone.keys.size(), before.keys.size());
  EXPECT_GE(after->zone.written_serial, before.written_serial);
  EXPECT_TRUE(std::filesystem::exists(site.folder_.file("example.state.imported")));
  EXPECT_EQ(site.faults(), "");
}

TEST(Maintain, what_a_run_stored_is_in_the_history_with_its_reason) {
  Site site;
  ASSERT_TRUE(site.run());
  const auto history = read_history(site.keys_, apex, 100);
  ASSERT_TRUE(history) << history.error();
  const auto of = std::ranges::find(*history, "dnskey", &Transition::of);
  ASSERT_NE(of, history->end());
  EXPECT_EQ(of->before, "none");
  EXPECT_TRUE(of->why.starts_with("zone sign: ")) << of->why;
}

}  // namespace
}  // namespace redoubt::dnssec
