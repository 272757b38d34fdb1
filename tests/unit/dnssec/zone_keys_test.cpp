#include "dnssec/keeper/zone_keys.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <thread>

#include "dnssec/base/public_key.hpp"
#include "tests/unit/dnssec/zone_keys_fixture.hpp"

namespace redoubt::keykeeper {
namespace {

using namespace testing_keys;

TEST(ZoneKeys, a_key_that_was_made_is_found_again_by_its_sealed_file_alone) {
  const TemporaryFolder folder;
  std::vector<Octets> made;
  {
    ZoneKeys keys = keys_in(folder);
    EXPECT_TRUE(keys.list(zone)->empty());
    for (const std::uint8_t algorithm : std::array<std::uint8_t, 5>{8, 13, 14, 15, 16}) {
      const auto key = keys.make(wish(algorithm, algorithm == 13 ? KeyRole::ksk : KeyRole::zsk));
      ASSERT_TRUE(key) << key.error();
      made.push_back(*key);
    }
  }
  ZoneKeys again = keys_in(folder);
  const auto listed = again.list(zone);
  ASSERT_TRUE(listed) << listed.error();
  EXPECT_TRUE(std::ranges::is_permutation(*listed, made));
  EXPECT_TRUE(again.list(dns::Name::literal("example."))->empty());
  EXPECT_TRUE(again.list(dns::Name::literal("e.zone.example."))->empty());
}

TEST(ZoneKeys, what_it_signs_the_public_half_verifies) {
  const TemporaryFolder folder;
  ZoneKeys keys = keys_in(folder);
  for (const std::uint8_t algorithm : std::array<std::uint8_t, 3>{8, 13, 15}) {
    const auto dnskey = keys.make(wish(algorithm));
    ASSERT_TRUE(dnskey) << dnskey.error();
    const std::uint16_t tag = dnssec::key_tag(*dnskey);
    const std::vector<Octets> sets{set_for(algorithm, tag), set_for(algorithm, tag, "zone.example.")};
    const auto signatures = keys.sign(zone, algorithm, tag, sets, now);
    ASSERT_TRUE(signatures) << signatures.error();
    const auto key = dnssec::PublicKey::from_dnskey(algorithm, dnssec::Dnskey::parse(*dnskey)->public_key);
    ASSERT_EQ(signatures->size(), sets.size());
    for (std::size_t i = 0; i < sets.size(); ++i) EXPECT_TRUE(key->verifies(sets[i], (*signatures)[i]));
  }
}

TEST(ZoneKeys, a_key_that_is_removed_signs_no_more_and_its_files_are_gone) {
  const TemporaryFolder folder;
  ZoneKeys keys = keys_in(folder);
  const Octets first = *keys.make(wish());
  const Octets second = *keys.make(wish());
  EXPECT_TRUE(signs_data(keys, first));
  const auto removed = keys.remove(zone, 13, dnssec::key_tag(first));
  ASSERT_TRUE(removed) << removed.error();
  EXPECT_FALSE(signs_data(keys, first)) << "although it was open";
  EXPECT_TRUE(signs_data(keys, second));
  EXPECT_EQ(keys.list(zone).value(), std::vector<Octets>{second});
  for (const auto& entry : std::filesystem::directory_iterator{folder.path()})
    EXPECT_EQ(entry.path().filename().string().find(stem_of(first)), std::string::npos) << entry.path();
  EXPECT_FALSE(keys.remove(zone, 13, dnssec::key_tag(first))) << "there is no such key any more";
  EXPECT_FALSE(keys.remove(dns::Name::literal("other.example."), 13, dnssec::key_tag(second)));
}

TEST(ZoneKeys, a_key_whose_file_is_gone_signs_no_more_and_one_that_comes_back_does) {
  const TemporaryFolder folder;
  ZoneKeys keys = keys_in(folder);
  const Octets key = *keys.make(wish());
  EXPECT_TRUE(signs_data(keys, key));
  const std::string sealed = folder.file(stem_of(key) + ".sealed");
  std::filesystem::rename(sealed, folder.file("elsewhere"));
  EXPECT_FALSE(signs_data(keys, key));
  EXPECT_TRUE(keys.list(zone)->empty());
  std::filesystem::rename(folder.file("elsewhere"), sealed);
  EXPECT_TRUE(signs_data(keys, key));
  folder.write(stem_of(key) + ".sealed", "another file");
  EXPECT_FALSE(signs_data(keys, key)) << "what is open is not what lies there";
}

TEST(ZoneKeys, what_a_kill_left_of_an_erased_key_is_swept_away) {
  const TemporaryFolder folder;
  folder.write("Kzone.example.+013+00001.sealed.erased", "what is left");
  static_cast<void>(keys_in(folder));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(ZoneKeys, each_signature_over_a_set_that_speaks_of_keys_is_told_and_no_other) {
  const TemporaryFolder folder;
  std::vector<std::string> told;
  ZoneKeys keys =
      keys_in(folder, "a passphrase",
              {.only_own = true, .complain = {}, .tell = [&](const std::string& what) { told.push_back(what); }});
  const Octets key = *keys.make(wish(13, KeyRole::csk));
  EXPECT_TRUE(signs_data(keys, key));
  EXPECT_TRUE(told.empty());
  EXPECT_TRUE(signs(keys, key, dns::type::dnskey, {key}));
  EXPECT_TRUE(signs(keys, key, dns::type::cdnskey, {key}));
  EXPECT_EQ(told, (std::vector<std::string>{stem_of(key) + " signed the DNSKEY RRset of Zone.Example., 1 records",
                                            stem_of(key) + " signed the CDNSKEY RRset of Zone.Example., 1 records"}));
  EXPECT_FALSE(signs(keys, key, dns::type::cdnskey, {Octets{0, 0, 3, 0, 0}}));
  EXPECT_EQ(told.size(), 2U) << "what is refused was not signed";
}

TEST(ZoneKeys, one_set_of_another_zone_and_nothing_is_signed) {
  const TemporaryFolder folder;
  ZoneKeys keys = keys_in(folder);
  const std::uint16_t tag = dnssec::key_tag(*keys.make(wish()));
  const std::vector<Octets> sets{set_for(13, tag), set_for(13, tag, "www.example.")};
  const auto refused = keys.sign(zone, 13, tag, sets, now);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().find("set 2"), std::string::npos) << refused.error();
  EXPECT_FALSE(keys.sign(zone, 13, static_cast<std::uint16_t>(tag + 1), std::vector<Octets>{sets[0]}, now))
      << "no such key";
  EXPECT_FALSE(keys.sign(dns::Name::literal("other.example."), 13, tag, std::vector<Octets>{sets[0]}, now));
}

TEST(ZoneKeys, a_tag_that_is_taken_is_not_given) {
  const TemporaryFolder folder;
  ZoneKeys keys = keys_in(folder);
  ZoneKeyWish all = wish();
  for (unsigned tag = 0; tag < 65536; ++tag) all.taken.push_back(static_cast<std::uint16_t>(tag));
  EXPECT_FALSE(keys.make(all));
  EXPECT_TRUE(keys.list(zone)->empty()) << "and nothing is left behind";
}

TEST(ZoneKeys, files_that_are_open_to_others_altered_or_sealed_otherwise_are_refused) {
  const TemporaryFolder folder;
  const std::uint16_t tag = dnssec::key_tag(*keys_in(folder).make(wish()));
  const std::string sealed =
      "Kzone.example.+013+" + std::string(5 - std::to_string(tag).size(), '0') + std::to_string(tag) + ".sealed";
  ASSERT_EQ(::chmod(folder.file(sealed).c_str(), 0640), 0);
  std::vector<std::string> complaints;
  const auto exposed =
      keys_in(folder, "a passphrase",
              {.only_own = true, .complain = [&](const std::string& what) { complaints.push_back(what); }})
          .list(zone);
  ASSERT_TRUE(exposed) << "the zone's other keys are good for all that";
  EXPECT_TRUE(exposed->empty());
  ASSERT_EQ(complaints.size(), 1U);
  EXPECT_NE(complaints[0].find("others may read"), std::string::npos) << complaints[0];
  ASSERT_EQ(::chmod(folder.file(sealed).c_str(), 0600), 0);
  EXPECT_EQ(keys_in(folder).list(zone)->size(), 1U);
  EXPECT_TRUE(keys_in(folder, "another").list(zone)->empty());
  std::filesystem::rename(folder.file(sealed), folder.file("Kzone.example.+013+00001.sealed"));
  EXPECT_EQ(keys_in(folder).list(zone)->size(), tag == 1 ? 1U : 0U) << "it is called as another key is";
}

TEST(ZoneKeys, a_key_that_cannot_be_read_is_not_written_over) {
  const TemporaryFolder folder;
  const Octets kept = *keys_in(folder).make(wish());
  ZoneKeyWish others = wish();
  for (unsigned tag = 0; tag < 65536; ++tag) {
    if (tag != dnssec::key_tag(kept)) others.taken.push_back(static_cast<std::uint16_t>(tag));
  }
  EXPECT_FALSE(keys_in(folder, "another").make(others));
  EXPECT_EQ(keys_in(folder).list(zone)->size(), 1U);
}

TEST(ZoneKeys, a_folder_that_is_full_takes_no_more_keys) {
  const TemporaryFolder folder;
  for (std::size_t i = 0; i < max_keys; ++i) folder.write(fmt::format("Kz{}.example.+013+00001.sealed", i), "");
  const auto refused = keys_in(folder).make(wish());
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().find("4096 keys already"), std::string::npos) << refused.error();
  EXPECT_TRUE(keys_in(folder).list(zone)) << "the other zones' files are no matter of this one";
}

TEST(ZoneKeys, records_of_keys_that_are_not_in_the_folder_are_not_signed) {
  const TemporaryFolder folder;
  ZoneKeys keys = keys_in(folder);
  const Octets ksk = *keys.make(wish(13, KeyRole::csk));
  const Octets zsk = *keys.make(wish(13));
  Octets foreign = ksk;
  foreign.back() ^= 1;
  std::string why;
  EXPECT_TRUE(signs(keys, ksk, dns::type::dnskey, {ksk, zsk}, &why)) << why;
  EXPECT_TRUE(signs(keys, ksk, dns::type::dnskey, {ksk, revoked(zsk)})) << "what is revoked is the same key";
  EXPECT_TRUE(signs(keys, ksk, dns::type::cdnskey, {ksk}));
  EXPECT_FALSE(signs(keys, ksk, dns::type::dnskey, {ksk, zsk, foreign}, &why));
  EXPECT_NE(why.find("zone-keys.only-own"), std::string::npos) << why;
  EXPECT_FALSE(signs(keys, ksk, dns::type::cdnskey, {foreign}));
  EXPECT_FALSE(signs(keys, ksk, dns::type::cdnskey, {{0, 0, 3, 0, 0}})) << "deletion";
  for (const auto digest : {dnssec::DsDigest{2}, dnssec::DsDigest{4}}) {
    EXPECT_TRUE(signs(keys, ksk, dns::type::cds, {dnssec::ds_rdata(zone, ksk, digest)}));
    EXPECT_FALSE(signs(keys, ksk, dns::type::cds, {dnssec::ds_rdata(zone, foreign, digest)}));
    Octets altered = dnssec::ds_rdata(zone, ksk, digest);
    altered.back() ^= 1;
    EXPECT_FALSE(signs(keys, ksk, dns::type::cds, {altered})) << "its tag alone names no key";
  }
  EXPECT_FALSE(signs(keys, ksk, dns::type::cds, {{0, 0, 0, 0, 0}})) << "deletion";
  EXPECT_FALSE(signs(keys, ksk, dns::type::cds, {{}}));

  ZoneKeys shared = keys_in(folder, "a passphrase", {.only_own = false, .complain = {}});
  EXPECT_TRUE(signs(shared, ksk, dns::type::dnskey, {ksk, zsk, foreign}));
  EXPECT_TRUE(signs(shared, ksk, dns::type::cds, {{0, 0, 0, 0, 0}}));
}

/// The limit of open files of this process, for as long as this lives.
class FewFiles {
 public:
  explicit FewFiles(rlim_t most) {
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
    const rlimit few{.rlim_cur = most, .rlim_max = before_.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  }
  ~FewFiles() { EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before_), 0); }
  FewFiles(const FewFiles&) = delete;
  FewFiles& operator=(const FewFiles&) = delete;

 private:
  rlimit before_{};
};

TEST(ZoneKeys, a_system_that_is_in_trouble_makes_no_key_forgotten) {
  const TemporaryFolder folder;
  std::size_t opened = 0;  // a key without a role is told of whenever it is opened
  ZoneKeys keys = keys_in(folder, "a passphrase", {.complain = [&](const std::string&) { ++opened; }, .tell = {}});
  const Octets key = put(folder, dnssec::zsk_flags, "");
  EXPECT_TRUE(signs_data(keys, key));
  {
    const FewFiles none{0};
    EXPECT_FALSE(signs_data(keys, key)) << "nobody can say whether it is still there";
  }
  EXPECT_TRUE(signs_data(keys, key));
  EXPECT_EQ(opened, 1U) << "it was open all the time";
  std::filesystem::rename(folder.file(stem_of(key) + ".sealed"), folder.file("elsewhere"));
  EXPECT_FALSE(signs_data(keys, key));
  std::filesystem::rename(folder.file("elsewhere"), folder.file(stem_of(key) + ".sealed"));
  EXPECT_TRUE(signs_data(keys, key));
  EXPECT_EQ(opened, 2U) << "what was gone is read again";
}

/// Each is right, or says that it should be asked again: none waits.
TEST(ZoneKeys, threads_that_open_and_make_at_once_are_told_to_come_again) {
  const TemporaryFolder folder;
  ZoneKeys keys = keys_in(folder);
  std::vector<std::jthread> threads;
  std::atomic<unsigned> made = 0;
  for (unsigned i = 0; i < 6; ++i) {
    threads.emplace_back([&] {
      for (;;) {
        const auto key = keys.make(wish());
        if (!key) {
          EXPECT_EQ(key.error(), too_busy);
          continue;
        }
        ++made;
        return;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(made, 6U);
  EXPECT_EQ(keys_in(folder).list(zone)->size(), 6U);
}

/// As keykeeper does in its next life, with the descriptor that monitor has kept.
TEST(SealedFiles, a_descriptor_that_was_read_to_its_end_is_read_again) {
  const TemporaryFolder folder;
  folder.write("passphrase", "correct horse");
  const FileHandle file{::open(folder.file("passphrase").c_str(), O_RDONLY | O_CLOEXEC)};
  const FileHandle kept{::dup(file.get())};
  for (const FileHandle* life : {&file, &kept}) {
    const auto text = read_whole(life->get(), 100);
    ASSERT_TRUE(text) << text.error();
    EXPECT_EQ(dnssec::as_text(*text), "correct horse");
  }
}

TEST(ZoneKeys, a_private_half_that_is_not_sealed_is_not_read) {
  const TemporaryFolder folder;
  folder.write("Kzone.example.+013+00001.private", "Private-key-format: v1.3\n");
  EXPECT_TRUE(keys_in(folder).list(zone)->empty());
}

}  // namespace
}  // namespace redoubt::keykeeper
