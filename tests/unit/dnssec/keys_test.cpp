#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

#include "dnssec/keys/durable_file.hpp"
#include "dnssec/keys/key_folder.hpp"
#include "dnssec/keys/key_text.hpp"
#include "tests/unit/dnssec/temporary_folder.hpp"

namespace redoubt::dnssec {
namespace {

using tests::has_program;
using tests::TemporaryFolder;

const dns::Name zone = dns::Name::literal("example.");
constexpr Algorithm signing_algorithms[] = {Algorithm::rsa_sha256, Algorithm::ecdsa_p256_sha256,
                                            Algorithm::ecdsa_p384_sha384, Algorithm::ed25519, Algorithm::ed448};

OctetView octets(std::string_view text) { return octets_of(text); }

PrivateKey make(Algorithm algorithm) {
  auto key = PrivateKey::generate(algorithm, 1024);
  EXPECT_TRUE(key);
  return std::move(*key);
}

bool is_good_signature(const PrivateKey& by, const PrivateKey& checked_with) {
  Signer signer{by};
  Octets signature;
  EXPECT_TRUE(signer.sign(octets("what is signed"), signature));
  const auto key =
      PublicKey::from_dnskey(static_cast<std::uint8_t>(checked_with.algorithm()), checked_with.public_key());
  EXPECT_TRUE(key);
  return key && key->verifies(octets("what is signed"), signature);
}

TEST(Keys, what_a_key_signs_its_public_half_verifies_and_no_other) {
  for (const Algorithm algorithm : signing_algorithms) {
    const PrivateKey one = make(algorithm);
    const PrivateKey other = make(algorithm);
    EXPECT_TRUE(is_good_signature(one, one));
    EXPECT_FALSE(is_good_signature(one, other));
  }
}

TEST(Keys, sha1_and_algorithm_10_are_not_signed_with) {
  for (const Algorithm algorithm : {Algorithm::rsa_sha1, Algorithm::rsa_sha1_nsec3, Algorithm::rsa_sha512})
    EXPECT_EQ(PrivateKey::generate(algorithm).error(), KeyFault::unsupported_algorithm);
  EXPECT_EQ(PrivateKey::generate(Algorithm::rsa_sha256, 1023).error(), KeyFault::too_small);
  EXPECT_EQ(PrivateKey::generate(Algorithm::rsa_sha256, 4097).error(), KeyFault::too_large);
}

TEST(Keys, text_and_pem_give_the_same_key_back) {
  for (const Algorithm algorithm : signing_algorithms) {
    const PrivateKey key = make(algorithm);
    const Secret text = private_key_to_text(key);
    const auto read = private_key_from_text(text);
    ASSERT_TRUE(read) << (read ? "" : read.error());
    EXPECT_EQ(read->public_key(), key.public_key());
    EXPECT_EQ(read->algorithm(), algorithm);
    EXPECT_TRUE(is_good_signature(*read, key));
    const auto unpacked = PrivateKey::from_pem(key.to_pem());
    ASSERT_TRUE(unpacked);
    EXPECT_EQ(unpacked->public_key(), key.public_key());
    EXPECT_TRUE(is_good_signature(*unpacked, key));
    EXPECT_EQ(private_key_to_text(*unpacked), text);
  }
}

TEST(Keys, a_fault_in_a_key_file_is_told_with_its_line) {
  const auto fault_of = [](std::string_view text) {
    const auto key = private_key_from_text(octets(text));
    EXPECT_FALSE(key) << text;
    return key ? std::string{} : key.error();
  };
  EXPECT_EQ(fault_of(""), "line 1: no field Algorithm");
  EXPECT_EQ(fault_of("PrivateKey: AAAA\n"), "line 1: expected \"Private-key-format: v1.x\"");
  EXPECT_EQ(fault_of("Private-key-format: v1.3\nAlgorithm: 99 (X)\n"), "line 2: an algorithm that is not known here");
  EXPECT_EQ(fault_of("Private-key-format: v1.3\nAlgorithm: 13\nPrivateKey: !\n"), "line 3: PrivateKey is no base64");
  EXPECT_NE(fault_of("Private-key-format: v1.3\nAlgorithm: 13\nPrivateKey:\n"), "");
  EXPECT_EQ(fault_of("Private-key-format: v1.3\nAlgorithm: 13\n\nnonsense\n"), "line 4: expected \"Field: value\"");
  EXPECT_EQ(fault_of("Private-key-format: v1.3\nAlgorithm: 13\nPrivateKey: AAAA\n"),
            "line 2: octets that are no key of its algorithm");
  EXPECT_EQ(fault_of("Private-key-format: v1.3\nAlgorithm: 5 (RSASHA1)\n"),
            "line 2: an algorithm that is not supported");
  EXPECT_EQ(fault_of(std::string(max_key_text + 1, 'x')), "line 1: more than a private key's file can hold");
}

TEST(Keys, a_damaged_rsa_key_is_refused) {
  const Secret text = private_key_to_text(make(Algorithm::rsa_sha256));
  const std::string whole{as_text(text)};
  for (const std::string_view field : {"Modulus", "PrivateExponent", "Prime1", "Exponent1", "Coefficient"}) {
    std::string damaged = whole;
    const auto at = damaged.find(std::string{field} + ": ") + field.size() + 12;
    damaged[at] = damaged[at] == 'A' ? 'B' : 'A';
    const auto read = private_key_from_text(octets(damaged));
    if (read) {
      EXPECT_EQ(field, "never") << "a damaged field was taken";
    }
  }
}

/// attacks: nonce reuse, from which the private key follows.
TEST(Keys, no_nonce_is_used_twice) {
  const PrivateKey key = make(Algorithm::ecdsa_p256_sha256);
  Signer signer{key};
  std::set<Octets> seen;
  for (int i = 0; i < 3000; ++i) {
    Octets signature;
    ASSERT_TRUE(signer.sign(octets("the same message"), signature));
    signature.resize(32);  // r, which follows from the nonce
    EXPECT_TRUE(seen.insert(signature).second);
  }
}

TEST(Sealed, opens_under_its_passphrase_alone) {
  const auto sealed = seal(octets("the key"), octets("correct horse"), SealCost::interactive);
  ASSERT_TRUE(sealed);
  EXPECT_TRUE(is_sealed(*sealed));
  EXPECT_EQ(sealed->find("the key"), std::string::npos);
  const auto opened = open_sealed(*sealed, octets("correct horse"));
  ASSERT_TRUE(opened);
  EXPECT_EQ(as_text(*opened), "the key");
  EXPECT_EQ(open_sealed(*sealed, octets("correct hors")).error(), SealFault::wrong_passphrase);
  EXPECT_NE(*seal(octets("the key"), octets("correct horse"), SealCost::interactive), *sealed)
      << "salt and nonce differ";
}

TEST(Sealed, no_altered_text_opens) {
  const auto sealed = seal(octets("the key"), octets("x"), SealCost::interactive);
  ASSERT_TRUE(sealed);
  for (std::size_t at = 0; at + 1 < sealed->size(); at += 3) {
    std::string altered = *sealed;
    altered[at] = altered[at] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(open_sealed(altered, octets("x"))) << at;
    EXPECT_FALSE(open_sealed(sealed->substr(0, at), octets("x"))) << at;
  }
}

TEST(Sealed, a_text_cannot_ask_for_more_work_than_we_ever_set) {
  Octets costly{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  costly.resize(200);
  std::string text(512, '\0');
  sodium_bin2base64(text.data(), text.size(), costly.data(), costly.size(), sodium_base64_VARIANT_ORIGINAL);
  text.resize(text.find('\0'));
  EXPECT_EQ(open_sealed("redoubt-sealed-1 " + text, octets("x")).error(), SealFault::too_costly);
}

TEST(KeyFolder, keys_come_back_as_they_were_made) {
  const TemporaryFolder folder;
  const KeyFolder keys{folder.path(), std::nullopt};
  for (const Algorithm algorithm : signing_algorithms) {
    const auto made = keys.generate(zone, algorithm, KeyRole::ksk, 1024);
    ASSERT_TRUE(made) << (made ? "" : made.error());
  }
  ASSERT_TRUE(keys.generate(dns::Name::literal("other/.example"), Algorithm::ed25519, KeyRole::zsk));
  const auto all = keys.list();
  ASSERT_TRUE(all);
  EXPECT_EQ(all->size(), 6U);
  const auto ours = keys.keys_of(zone);
  ASSERT_TRUE(ours) << ours.error();
  ASSERT_EQ(ours->size(), 5U);
  for (const StoredKey& key : *ours) {
    ASSERT_TRUE(key.secret);
    EXPECT_EQ(dnskey_rdata(key.flags, key.algorithm, key.secret->public_key()), key.dnskey);
    EXPECT_EQ(key.tag, key_tag(key.dnskey));
  }
}

TEST(KeyFolder, private_halves_can_be_read_by_their_owner_only) {
  const TemporaryFolder folder;
  const auto key = KeyFolder{folder.path(), std::nullopt}.generate(zone, Algorithm::ed25519, KeyRole::ksk);
  ASSERT_TRUE(key);
  const auto permissions = std::filesystem::status(folder.file(key->stem + ".private")).permissions();
  EXPECT_EQ(permissions, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST(KeyFolder, a_private_half_of_another_user_is_exposed) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  constexpr uid_t another = 12345;
  const TemporaryFolder folder;
  const KeyFolder keys{folder.path(), std::nullopt};
  const auto made = keys.generate(zone, Algorithm::ed25519, KeyRole::zsk);
  ASSERT_TRUE(made);
  EXPECT_FALSE(keys.keys_of(zone)->front().exposed);
  EXPECT_TRUE(keys.refuse_exposed(*keys.keys_of(zone)));
  ASSERT_EQ(chown(folder.file(made->stem + ".private").c_str(), another, 0), 0);
  EXPECT_TRUE(keys.keys_of(zone)->front().exposed);
  EXPECT_FALSE(keys.refuse_exposed(*keys.keys_of(zone)));
}

/// A stolen disk shows no private key.
TEST(KeyFolder, with_a_passphrase_no_file_holds_the_private_half) {
  const TemporaryFolder folder;
  const auto passphrase = [](std::string_view text) { return Secret{octets(text).begin(), octets(text).end()}; };
  const KeyFolder keys{folder.path(), passphrase("correct horse"), SealCost::interactive};
  for (const Algorithm algorithm : {Algorithm::rsa_sha256, Algorithm::ecdsa_p256_sha256, Algorithm::ed25519}) {
    const auto key = keys.generate(zone, algorithm, KeyRole::ksk, 1024);
    ASSERT_TRUE(key) << (key ? "" : key.error());
    const Secret raw = algorithm == Algorithm::rsa_sha256 ? key->secret->rsa_parts()->prime1 : key->secret->secret();
    const Secret text = private_key_to_text(*key->secret);
    const std::string_view base64 = as_text(text).substr(as_text(text).size() - 24, 20);
    for (const auto& entry : std::filesystem::directory_iterator{folder.path()}) {
      const std::string content = folder.read(entry.path().filename().string());
      EXPECT_EQ(content.find(as_text(raw)), std::string::npos);
      EXPECT_EQ(content.find(base64), std::string::npos);
    }
  }
  EXPECT_EQ(keys.keys_of(zone)->size(), 3U);
  EXPECT_FALSE(KeyFolder(folder.path(), passphrase("another")).keys_of(zone));
  EXPECT_FALSE(KeyFolder(folder.path(), std::nullopt).keys_of(zone));
}

TEST(KeyFolder, a_sealed_half_says_what_the_key_is_for_and_a_plain_one_is_as_other_tools_have_it) {
  const TemporaryFolder folder;
  const auto words = octets("correct horse");
  const Secret passphrase{words.begin(), words.end()};
  for (const KeyRole role : {KeyRole::ksk, KeyRole::zsk, KeyRole::csk}) {
    const auto sealed =
        KeyFolder{folder.path(), passphrase, SealCost::interactive}.generate(zone, Algorithm::ed25519, role);
    ASSERT_TRUE(sealed);
    EXPECT_EQ(sealed->flags, role == KeyRole::zsk ? zsk_flags : ksk_flags);
    const auto text = open_sealed(folder.read(sealed->stem + ".sealed"), passphrase);
    ASSERT_TRUE(text);
    EXPECT_EQ(role_in_key_text(*text).value(), role);
    const auto plain = KeyFolder{folder.path(), std::nullopt}.generate(zone, Algorithm::ed25519, role);
    ASSERT_TRUE(plain);
    EXPECT_EQ(folder.read(plain->stem + ".private").find("Role"), std::string::npos);
  }
}

TEST(SecretFile, is_read_whole_up_to_its_bound_whatever_size_it_claims) {
  const TemporaryFolder folder;
  for (const std::size_t size : {0U, 1U, 99U, 100U}) {
    const std::string text(size, 'x');
    EXPECT_EQ(as_text(read_secret_file(folder.write("file", text), 100).value()), text) << size;
  }
  EXPECT_FALSE(read_secret_file(folder.write("file", std::string(101, 'x')), 100));
  const std::string claims_nothing = "/proc/self/cmdline";
  const auto whole = read_secret_file(claims_nothing, 64 * 1024);
  ASSERT_TRUE(whole) << whole.error();
  EXPECT_GT(whole->size(), 1U);
  EXPECT_FALSE(read_secret_file(claims_nothing, whole->size() - 1));
}

/// As ldns-keygen wrote it: of 256 keys one has a number that begins with a zero.
TEST(KeyText, an_ecdsa_number_without_its_leading_zeros_is_read) {
  for (const auto& [algorithm, width] :
       {std::pair{Algorithm::ecdsa_p256_sha256, 32U}, {Algorithm::ecdsa_p384_sha384, 48U}}) {
    Secret number(width, 0x5a);
    number[0] = number[1] = 0;
    const auto whole = PrivateKey::from_secret(algorithm, number);
    ASSERT_TRUE(whole);
    const Secret text = private_key_to_text(*whole);
    const auto with = [&](OctetView octets_of_number) {
      std::string base64(sodium_base64_ENCODED_LEN(octets_of_number.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
      sodium_bin2base64(base64.data(), base64.size(), octets_of_number.data(), octets_of_number.size(),
                        sodium_base64_VARIANT_ORIGINAL);
      base64.pop_back();
      const std::string_view before = as_text(text).substr(0, as_text(text).find("PrivateKey: "));
      return private_key_from_text(octets(std::string{before} + "PrivateKey: " + base64 + "\n"));
    };
    const auto short_one = with(OctetView{number}.subspan(2));
    ASSERT_TRUE(short_one) << short_one.error();
    EXPECT_EQ(short_one->public_key(), whole->public_key());
    EXPECT_EQ(short_one->secret(), number);
    Secret longer(1);
    longer.insert(longer.end(), number.begin(), number.end());
    EXPECT_FALSE(with(longer));
    EXPECT_FALSE(with(Secret{0})) << "zero is no key";
  }
}

TEST(KeyText, a_role_is_one_of_three_and_there_is_one_at_most) {
  const auto role_in = [](const std::string& more) {
    return role_in_key_text(octets("Private-key-format: v1.3\nAlgorithm: 15 (ED25519)\n" + more));
  };
  EXPECT_EQ(role_in("PrivateKey: AAAA\n").value(), std::nullopt);
  EXPECT_EQ(role_in("Role: zsk\nPrivateKey: AAAA\n").value(), KeyRole::zsk);
  EXPECT_EQ(role_in("Role: foreign\n").error(), "line 3: a role that no key of ours has");
  EXPECT_EQ(role_in("Role: ZSK\n").error(), "line 3: a role that no key of ours has");
  EXPECT_EQ(role_in("Role: ksk\n\nRole: ksk\n").error(), "line 5: a second role");
}

/// It can be copied and guessed at for as long as somebody likes.
TEST(KeyFolder, a_sealed_half_that_others_may_read_is_exposed) {
  const TemporaryFolder folder;
  const auto words = octets("correct horse");
  const KeyFolder keys{folder.path(), Secret{words.begin(), words.end()}, SealCost::interactive};
  const auto made = keys.generate(zone, Algorithm::ed25519, KeyRole::zsk);
  ASSERT_TRUE(made);
  EXPECT_FALSE(keys.keys_of(zone)->front().exposed);
  ASSERT_EQ(chmod(folder.file(made->stem + ".sealed").c_str(), 0640), 0);
  const auto open = keys.keys_of(zone);
  EXPECT_TRUE(open->front().exposed);
  const auto refused = keys.refuse_exposed(*open);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().find(made->stem + ".sealed: others"), std::string::npos) << refused.error();
}

TEST(KeyFolder, a_key_in_keykeeper_needs_somebody_to_ask) {
  const TemporaryFolder folder;
  const auto made = KeyFolder{folder.path(), std::nullopt}.generate(zone, Algorithm::ed25519, KeyRole::zsk);
  ASSERT_TRUE(made);
  std::filesystem::rename(folder.file(made->stem + ".private"), folder.file(made->stem + ".keykeeper"));
  const auto keys = KeyFolder{folder.path(), std::nullopt}.keys_of(zone);
  ASSERT_FALSE(keys);
  EXPECT_NE(keys.error().find("keykeeper"), std::string::npos) << keys.error();
}

TEST(KeyFolder, equal_tags_are_refused) {
  const TemporaryFolder folder;
  const KeyFolder keys{folder.path(), std::nullopt};
  const auto key = keys.generate(zone, Algorithm::ed25519, KeyRole::ksk);
  ASSERT_TRUE(key);
  auto again = PrivateKey::from_secret(Algorithm::ed25519, key->secret->secret());
  ASSERT_TRUE(again);
  const auto added = keys.add(zone, KeyRole::ksk, std::move(*again));
  ASSERT_FALSE(added);
  EXPECT_NE(added.error().find("the zone has a key of this tag"), std::string::npos);
}

TEST(KeyFolder, a_private_half_of_another_key_is_noticed) {
  const TemporaryFolder folder;
  const KeyFolder keys{folder.path(), std::nullopt};
  const auto one = keys.generate(zone, Algorithm::ed25519, KeyRole::ksk);
  const auto two = keys.generate(zone, Algorithm::ed25519, KeyRole::ksk);
  ASSERT_TRUE(one && two);
  std::filesystem::copy_file(folder.file(one->stem + ".private"), folder.file(two->stem + ".private"),
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_FALSE(keys.keys_of(zone));
}

TEST(KeyFolder, a_kill_while_keys_are_made_leaves_whole_keys_only) {
  const TemporaryFolder folder;
  for (int round = 0; round < 20; ++round) {
    const pid_t child = fork();
    if (child == 0) {
      for (;;)
        static_cast<void>(KeyFolder{folder.path(), std::nullopt}.generate(zone, Algorithm::ed25519, KeyRole::ksk));
    }
    usleep(1000U * static_cast<unsigned>(1 + round));  // wherever it is by then
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    const auto keys = KeyFolder{folder.path(), std::nullopt}.keys_of(zone);
    ASSERT_TRUE(keys) << keys.error();
    EXPECT_TRUE(std::ranges::all_of(*keys, [](const StoredKey& key) { return key.secret != nullptr; }));
  }
}

TEST(KeyFolder, keys_of_bind_and_ldns_are_read) {
  // A folder for each program: it looks for tags that meet among its own keys at most.
  const TemporaryFolder binds;
  const TemporaryFolder ldnss;
  const std::string quiet = " >/dev/null 2>&1";
  std::size_t expected = 0;
  for (const std::string algorithm : {"RSASHA256 -b 2048", "ECDSAP256SHA256", "ECDSAP384SHA384", "ED25519", "ED448"}) {
    if (has_program("dnssec-keygen")) {
      ASSERT_EQ(
          std::system(("cd " + binds.path() + " && dnssec-keygen -f KSK -a " + algorithm + " example" + quiet).c_str()),
          0);
      ++expected;
    }
    if (has_program("ldns-keygen") && !algorithm.starts_with("ED448")) {
      ASSERT_EQ(std::system(("cd " + ldnss.path() + " && ldns-keygen -a " + algorithm + " example" + quiet).c_str()),
                0);
      ++expected;
    }
  }
  if (expected == 0) GTEST_SKIP() << "neither dnssec-keygen nor ldns-keygen is here";
  std::size_t read = 0;
  for (const TemporaryFolder* folder : {&binds, &ldnss}) {
    const auto keys = KeyFolder{folder->path(), std::nullopt}.keys_of(zone);
    ASSERT_TRUE(keys) << keys.error();
    read += keys->size();
    for (const StoredKey& key : *keys) {
      ASSERT_TRUE(key.secret) << key.stem;
      EXPECT_TRUE(is_good_signature(*key.secret, *key.secret)) << key.stem;
    }
  }
  EXPECT_EQ(read, expected);
}

TEST(DurableFile, what_a_link_leads_to_is_replaced_and_the_link_stays) {
  const TemporaryFolder folder;
  namespace files = std::filesystem;
  folder.write("real", "old");
  files::create_directory(folder.file("sub"));
  files::create_symlink("../real", folder.file("sub/one"));
  files::create_symlink(folder.file("sub/one"), folder.file("two"));
  ASSERT_TRUE(write_durably(folder.file("two"), octets("new"), 0600));
  EXPECT_TRUE(files::is_symlink(folder.file("two")));
  EXPECT_TRUE(files::is_symlink(folder.file("sub/one")));
  EXPECT_FALSE(files::is_symlink(folder.file("real")));
  EXPECT_EQ(read_secret_file(folder.file("real"), 10)->size(), 3U);
  EXPECT_EQ(read_secret_file(folder.file("real"), 10)->front(), 'n');
}

TEST(DurableFile, a_link_to_anything_else_than_a_file_is_refused_and_stays) {
  const TemporaryFolder folder;
  namespace files = std::filesystem;
  files::create_symlink("/dev/null", folder.file("device"));
  files::create_symlink("nowhere", folder.file("dangling"));
  files::create_symlink("loop", folder.file("loop"));
  folder.write("deleted", "old");
  const int open = ::open(folder.file("deleted").c_str(), O_RDONLY | O_CLOEXEC);
  files::remove(folder.file("deleted"));
  files::create_symlink("/proc/self/fd/" + std::to_string(open), folder.file("gone"));
  for (const char* name : {"device", "dangling", "loop", "gone"}) {
    EXPECT_FALSE(write_durably(folder.file(name), octets("new"), 0600)) << name;
    EXPECT_TRUE(files::is_symlink(folder.file(name))) << name;
  }
  ::close(open);
  EXPECT_FALSE(files::exists(folder.file("nowhere")));
}

TEST(DurableFile, a_link_of_another_user_is_refused) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can make one";
  const TemporaryFolder folder;
  folder.write("real", "old");
  std::filesystem::create_symlink("real", folder.file("link"));
  ASSERT_EQ(::lchown(folder.file("link").c_str(), 65534, 65534), 0);
  const auto written = write_durably(folder.file("link"), octets("new"), 0600);
  ASSERT_FALSE(written);
  EXPECT_NE(written.error().find("is a link of another user"), std::string::npos) << written.error();
}

}  // namespace
}  // namespace redoubt::dnssec
