#include "dnssec/zone/verify_zone.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <random>
#include <sstream>

#include "dns/rdata.hpp"
#include "dns/text.hpp"
#include "dns/text_zone.hpp"
#include "dnssec/zone/verify_file.hpp"
#include "tests/unit/dnssec/sign_fixture.hpp"

namespace redoubt::dnssec {
namespace {

using namespace signing_fixture;

/// Every record of a signed zone counts: without any one of them, or with any octet of it changed, the verifier
/// objects.
TEST(ZoneVerifier, every_damage_is_found) {
  for (const DenialKind denial : {DenialKind::nsec, DenialKind::nsec3}) {
    const TemporaryFolder folder;
    folder.write("zone",
                 "$TTL 300\n@ SOA ns host 1 2 3 4 300\n@ NS ns\nns A 192.0.2.1\n*.w TXT \"x\"\nsafe NS ns.safe\n"
                 "safe DS 1 13 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\nsub NS ns.sub\n"
                 "a.b.c A 192.0.2.3\nd DNAME e\n");
    SignFileOptions options = options_for(folder);
    options.rules.denial = denial;
    options.rules.cds = false;
    ASSERT_TRUE(sign_file(options));
    const std::vector<dns::Record> records = records_of(folder.read("zone.signed"));
    const auto faults_of = [&](const std::vector<dns::Record>& list) -> std::uint64_t {
      ZoneBuilder builder{Name::literal("example")};
      for (const dns::Record& record : list) EXPECT_TRUE(builder.add(record));
      const auto zone = std::move(builder).finish();
      if (!zone) return 1;  // no SOA: nothing more to say
      return verify_zone(*zone, {.now = options.now, .trusted_ds = {}}).faults;
    };
    EXPECT_EQ(faults_of(records), 0U);
    std::mt19937 random{8};
    for (std::size_t i = 0; i < records.size(); ++i) {
      const std::string shown = dns::record_to_text(records[i]);
      const bool unsigned_ns = records[i].type == dns::type::ns && !(records[i].owner == Name::literal("example"));
      auto damaged = records;
      damaged.erase(damaged.begin() + static_cast<std::ptrdiff_t>(i));
      EXPECT_NE(faults_of(damaged), 0U) << "without " << shown;
      if (unsigned_ns) continue;  // a delegation's NS is not signed (RFC 4035 §2.2)
      damaged = records;
      damaged[i].ttl = dns::Ttl::from_wire(damaged[i].ttl.seconds() + 1);
      if (records[i].type != dns::type::rrsig) {
        EXPECT_NE(faults_of(damaged), 0U) << "another TTL: " << shown;
      }
      for (int round = 0; round < 8; ++round) {
        damaged = records;
        auto& octet = damaged[i].rdata[random() % damaged[i].rdata.size()];
        octet = static_cast<std::uint8_t>(octet ^ 1U << random() % 8);
        if ((octet | 0x20) >= 'a' && (octet | 0x20) <= 'z')
          continue;  // it may be a letter of a name: case does not count
        EXPECT_NE(faults_of(damaged), 0U) << "damaged: " << shown << " to " << dns::record_to_text(damaged[i]);
      }
    }
    // Something that nobody signed.
    for (const char* extra :
         {"new.example. 300 IN A 192.0.2.1", "ns.example. 300 IN TXT \"x\"", "example. 300 IN TXT \"x\""}) {
      auto more = records;
      more.push_back(*dns::record_from_text(extra));
      EXPECT_NE(faults_of(more), 0U) << extra;
    }
  }
}

std::string zone_of_hosts(int hosts) {
  std::string text = "$TTL 300\n@ SOA ns host 1 2 3 4 300\n@ NS ns\nns A 192.0.2.1\n";
  for (int i = 0; i < hosts; ++i) text += "h" + std::to_string(i) + " A 192.0.2.1\n";
  return text;
}

/// A share that depends on where parts begin, or on the second of the run, may verify nothing at all.
TEST(ZoneVerifier, the_share_that_is_verified_is_the_same_at_any_time_and_in_any_part) {
  const TemporaryFolder folder;
  folder.write("zone", zone_of_hosts(1500));
  const SignFileOptions options = options_for(folder);
  ASSERT_TRUE(sign_file(options));
  constexpr std::size_t one_in = 50;
  for (int second = 0; second < 12; ++second) {
    const VerifyOptions verify{.now = options.now + 7 * second, .threads = 2, .one_in = one_in, .trusted_ds = {}};
    const auto checked = verify_in_parts(options.output, verify, 4096);
    ASSERT_TRUE(checked && *checked);
    const ZoneVerdict& verdict = (*checked)->verdict;
    const auto expected = static_cast<double>(verdict.signatures) / one_in;  // 60, give or take 8
    EXPECT_GT(static_cast<double>(verdict.verified), expected / 3) << second;
    EXPECT_LT(static_cast<double>(verdict.verified), expected * 2) << second;
  }
}

TEST(ZoneVerifier, a_ttl_that_is_missing_is_the_same_in_parts_and_in_the_whole) {
  const TemporaryFolder folder;
  folder.write("zone", "@ 3600 SOA ns host 1 2 3 4 300\n@ 3600 NS ns\na 60 A 192.0.2.1\nns 3600 A 192.0.2.1\n");
  const SignFileOptions options = options_for(folder);
  ASSERT_TRUE(sign_file(options));
  std::string text = *read_text_file(options.output);
  const auto at = text.find("\nns.example. 3600 ");
  ASSERT_NE(at, std::string::npos) << text;
  text.erase(at + 12, 5);  // now it has that of the line before
  folder.write("spoilt", text);
  const VerifyOptions verify{.now = options.now, .threads = 2, .trusted_ds = {}};
  const ZoneVerdict whole = verdict_of(folder.file("spoilt"), options.now);
  ASSERT_NE(whole.faults + whole.warnings, 0U) << "nothing is to be found";
  const auto checked = verify_zone_file(folder.file("spoilt"), Name::literal("example"), verify);
  ASSERT_TRUE(checked) << checked.error();
  EXPECT_EQ(text_of(checked->verdict), text_of(whole));
}

TEST(ZoneVerifier, a_pipe_is_read_as_a_file_is) {
  const TemporaryFolder folder;
  folder.write("zone", zone_of_hosts(3));
  const SignFileOptions options = options_for(folder);
  ASSERT_TRUE(sign_file(options));
  const std::string text = *read_text_file(options.output);
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  ASSERT_EQ(::write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  ::close(ends[1]);
  const auto checked = verify_zone_file("/dev/fd/" + std::to_string(ends[0]), Name::literal("example"),
                                        {.now = options.now, .threads = 2, .trusted_ds = {}});
  ::close(ends[0]);
  ASSERT_TRUE(checked) << checked.error();
  EXPECT_EQ(checked->verdict.faults, 0U) << text_of(checked->verdict);
  EXPECT_NE(checked->verdict.signatures, 0U);
}

/// Whatever signed it: hardware errs, and a token is a program of somebody else's.
TEST(ZoneSigner, one_spoilt_new_signature_among_many_kept_ones_is_found) {
  const TemporaryFolder folder;
  folder.write("zone", zone_of_hosts(2000));
  SignFileOptions options = options_for(folder);
  options.checked_signatures = 20;
  ASSERT_TRUE(sign_file(options));
  const std::string before = folder.read("zone.signed");
  for (int second = 1; second <= 5; ++second) {
    folder.write("zone", zone_of_hosts(2000) + "h7 A 192.0.2.250\n");
    options.now += 1;
    bool is_spoilt = false;
    options.progress = [&](std::string_view step, std::size_t, std::size_t) {
      if (step != "checking") return;
      for (const auto& entry : std::filesystem::directory_iterator{folder.path()}) {
        const std::string name = entry.path().filename().string();
        if (!name.starts_with("zone.signed.new-")) continue;
        std::string text = folder.read(name);
        const auto line = text.find("\nh7.example. 300 IN RRSIG A ");
        ASSERT_NE(line, std::string::npos);
        char& digit = text[text.find('\n', line + 1) - 10];
        digit = digit == 'A' ? 'B' : 'A';
        folder.write(name, text);
        is_spoilt = true;
      }
    };
    const auto result = sign_file(options);
    ASSERT_TRUE(is_spoilt);
    ASSERT_FALSE(result) << "it was put out";
    EXPECT_NE(result.error().find("h7.example. A: the signature by key"), std::string::npos) << result.error();
    EXPECT_EQ(folder.read("zone.signed"), before);
  }
  options.progress = nullptr;
  const auto result = sign_file(options);
  ASSERT_TRUE(result) << result.error();
  EXPECT_EQ(result->counts.made, 2U);
  EXPECT_GT(result->verified, 4U);
  EXPECT_LT(result->verified, 80U) << "of the kept ones a sample";
}

TEST(ZoneVerifier, times_are_judged) {
  const TemporaryFolder folder;
  folder.write("zone", random_zone(21));
  const SignFileOptions options = options_for(folder);
  ASSERT_TRUE(sign_file(options));
  EXPECT_TRUE(verdict_of(options.output, options.now).is_good());
  EXPECT_FALSE(verdict_of(options.output, options.now - 2 * 3600).is_good());
  EXPECT_FALSE(verdict_of(options.output, options.now + 15 * 86400).is_good());
  const auto soon = verify_zone(load(options.output), {.now = options.now, .soon = 20 * 86400, .trusted_ds = {}});
  EXPECT_TRUE(soon.is_good());
  EXPECT_GT(soon.warnings, 0U);
}

TEST(ZoneVerifier, only_keys_of_the_parents_ds_count_when_it_is_known) {
  const TemporaryFolder folder;
  folder.write("zone", random_zone(22));
  const SignFileOptions options = options_for(folder);
  ASSERT_TRUE(sign_file(options));
  const Zone zone = load(options.output);
  const Octets ds = ds_rdata(Name::literal("example"), options.keys[0].dnskey, DsDigest::sha256);
  Octets other = ds;
  other.back() ^= 1;
  EXPECT_TRUE(verify_zone(zone, {.now = options.now, .trusted_ds = {ds}}).is_good());
  EXPECT_TRUE(verify_zone(zone, {.now = options.now, .trusted_ds = {other, ds}}).is_good());
  EXPECT_FALSE(verify_zone(zone, {.now = options.now, .trusted_ds = {other}}).is_good());
}

}  // namespace
}  // namespace redoubt::dnssec
