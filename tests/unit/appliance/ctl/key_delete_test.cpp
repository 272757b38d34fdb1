// key delete, up to the point where the daemon is asked: what the zone needs stays.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "appliance/ctl/command_line.hpp"
#include "dnssec/keys/key_folder.hpp"
#include "dnssec/roll/machine.hpp"
#include "dnssec/zone/state_file.hpp"
#include "tests/unit/dnssec/temporary_folder.hpp"

namespace redoubt::ctl {
namespace {

using namespace dnssec;

/// A folder with one key that keykeeper has, of a zone whose state the test sets.
class KeyDelete : public testing::Test {
 protected:
  KeyDelete() : path_{make_folder()}, keys_{path_, std::nullopt} {
    const auto key = keys_.generate(zone_, Algorithm::ecdsa_p256_sha256, KeyRole::zsk);
    stem_ = key->stem;
    std::filesystem::remove(file(".private"));
    std::ofstream{file(".keykeeper")} << "the private half is in the keykeeper of resolverd\nrole: zsk\n";
  }
  ~KeyDelete() override { std::filesystem::remove_all(path_); }
  KeyDelete(const KeyDelete&) = delete;
  KeyDelete& operator=(const KeyDelete&) = delete;

  static std::string make_folder() {
    std::string pattern = (tests::place_for_folders() / "redoubt-delete-XXXXXX").string();
    return mkdtemp(pattern.data());
  }
  std::string file(const std::string& ending) const { return path_ + "/" + stem_ + ending; }
  ZoneRolls state() const {
    ZoneRolls zone = fresh_zone(*built_in_policy("standard"), {Instant{seconds{1'800'000'000}}, std::nullopt});
    RollingKey key;
    key.stem = stem_;
    key.tag = keys_.list()->front().tag;
    static_cast<void>(add_key(zone, key));
    return zone;
  }
  void store(const ZoneRolls& zone) const { ASSERT_TRUE(store_state(keys_, zone_, zone, "a test")); }
  /// What is said; the key's files are as they were.
  std::string refusal(std::vector<std::string> more = {}) const {
    std::vector<std::string> words{"--socket", path_ + "/no-daemon", "key", "delete", stem_, "--keys", path_};
    words.insert(words.end(), more.begin(), more.end());
    std::ostringstream out;
    std::ostringstream err;
    EXPECT_EQ(run(std::move(words), out, err), ExitCode::failed) << out.str();
    EXPECT_TRUE(std::filesystem::exists(file(".key")));
    EXPECT_TRUE(std::filesystem::exists(file(".keykeeper")));
    EXPECT_FALSE(keys_.list()->front().retired);
    return err.str();
  }

  const dns::Name zone_ = dns::Name::literal("example.");
  std::string path_;
  KeyFolder keys_;
  std::string stem_;
};

TEST_F(KeyDelete, is_refused_where_nothing_is_known_of_the_zone) {
  EXPECT_NE(refusal().find("nothing is known here of example."), std::string::npos) << refusal();
}

TEST_F(KeyDelete, is_refused_for_a_key_that_waits_to_be_published) {
  store(state());
  EXPECT_NE(refusal().find("it waits to be published; nothing was deleted"), std::string::npos) << refusal();
}

TEST_F(KeyDelete, is_refused_for_a_key_that_is_published_signs_or_has_a_ds) {
  ZoneRolls zone = state();
  zone.key_sets.pending = KeySet{bit(0), 0};
  store(zone);
  EXPECT_NE(refusal().find("it is in the zone's DNSKEY RRset"), std::string::npos) << refusal();
  zone = state();
  zone.signatures.past.push_back({bit(0), zone.clock.now + seconds{1}});
  store(zone);
  EXPECT_NE(refusal().find("caches may have signatures by it"), std::string::npos) << refusal();
  zone = state();
  zone.ds.push_back({bit(0), true, false, std::nullopt});
  store(zone);
  EXPECT_NE(refusal().find("the parent may have its DS"), std::string::npos) << refusal();
}

TEST_F(KeyDelete, goes_on_to_the_daemon_where_nobody_needs_the_key_or_it_is_forced) {
  const auto asks_the_daemon = [](const std::string& said) { return said.find("no-daemon") != std::string::npos; };
  store(state());
  EXPECT_FALSE(asks_the_daemon(refusal()));
  EXPECT_TRUE(asks_the_daemon(refusal({"--force"}))) << refusal({"--force"});
  ZoneRolls zone = state();
  zone.keys[0].wanted = false;
  store(zone);
  std::ostringstream out;
  std::ostringstream err;
  run({"--socket", path_ + "/no-daemon", "key", "delete", stem_, "--keys", path_}, out, err);
  EXPECT_TRUE(asks_the_daemon(err.str())) << err.str();
}

}  // namespace
}  // namespace redoubt::ctl
