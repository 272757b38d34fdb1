// A stolen disk shows no private key: every file that signing leaves, whenever it is cut off, is searched for the
// private numbers in all the forms that they are known to be written in.
#include <gtest/gtest.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <sstream>
#include <thread>

#include "dnssec/keys/backup.hpp"
#include "dnssec/keys/durable_file.hpp"
#include "dnssec/keys/guarded_process.hpp"
#include "dnssec/keys/key_text.hpp"
#include "dnssec/zone/maintain.hpp"
#include "tests/unit/dnssec/temporary_folder.hpp"

namespace redoubt::dnssec {
namespace {

using tests::TemporaryFolder;

const dns::Name apex = dns::Name::literal("example.");
constexpr const char* zone_text =
    "$TTL 300\n@ SOA ns host 1 3600 600 86400 300\n@ NS ns\nns A 192.0.2.1\n@ CAA 0 issue \";\"\n";

std::string to_base64(std::string_view octets, int variant) {
  std::string text(sodium_base64_ENCODED_LEN(octets.size(), variant), '\0');
  sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char*>(octets.data()), octets.size(),
                    variant);
  text.pop_back();
  return text;
}

std::string to_hex(std::string_view octets, bool upper) {
  std::string text;
  for (const char octet : octets) {
    const auto value = static_cast<unsigned char>(octet);
    const std::string_view digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    text += digits[value >> 4];
    text += digits[value & 15];
  }
  return text;
}

/// Of one number: as it is and from its other end; in hexadecimal; in base64, wherever in a longer text it stands.
void add_forms(std::vector<std::string>& forms, std::string_view number) {
  std::string reversed{number.rbegin(), number.rend()};
  for (const std::string& octets : {std::string{number}, reversed}) {
    forms.push_back(octets);
    for (const bool upper : {false, true}) forms.push_back(to_hex(octets, upper));
    for (const int variant : {sodium_base64_VARIANT_ORIGINAL, sodium_base64_VARIANT_URLSAFE}) {
      for (std::size_t before = 0; before < 3; ++before) {
        // What neither the octets in front nor those behind have a part in.
        const std::string text = to_base64(std::string(before, 'x') + octets, variant);
        const std::size_t begin = before == 0 ? 0 : before + 1;
        forms.push_back(text.substr(begin, (before + octets.size()) / 3 * 4 - begin));
      }
    }
  }
}

std::vector<std::string> forms_of(const PrivateKey& key) {
  std::vector<std::string> forms;
  if (const auto rsa = key.rsa_parts()) {
    for (const Secret* number :
         {&rsa->private_exponent, &rsa->prime1, &rsa->prime2, &rsa->exponent1, &rsa->exponent2, &rsa->coefficient})
      add_forms(forms, as_text(*number));
  } else {
    add_forms(forms, as_text(key.secret()));
  }
  // PKCS#8: the lines of the PEM that hold the number, wherever they are broken.
  std::istringstream pem{std::string{as_text(key.to_pem())}};
  std::vector<std::string> lines;
  for (std::string line; std::getline(pem, line);) {
    if (!line.starts_with('-')) lines.push_back(line);
  }
  // A number of 32 octets is in the first two lines; the first of an RSA key's have its public modulus.
  const bool is_rsa = key.rsa_parts().has_value();
  forms.push_back(is_rsa ? lines[lines.size() - 2] : lines[0].substr(lines[0].size() / 2));
  return forms;
}

/// The files below the folder in which one of the forms is.
std::vector<std::string> files_with(const std::string& folder, const std::vector<std::string>& forms) {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator{folder}) {
    if (!entry.is_regular_file()) continue;
    std::ostringstream text;
    text << std::ifstream{entry.path(), std::ios::binary}.rdbuf();
    const std::string content = text.str();
    if (std::ranges::any_of(forms, [&](const std::string& form) { return content.contains(form); }))
      found.push_back(entry.path().filename());
  }
  return found;
}

/// A zone that is signed, in a folder with everything that belongs to it.
class Disk {
 public:
  explicit Disk(Algorithm algorithm, std::optional<Secret> passphrase)
      : sealed_{passphrase.has_value()},
        keys_{(folder_.write("zone", zone_text), folder_.path() + "/keys"), std::move(passphrase),
              SealCost::interactive} {
    options_.file.input = folder_.file("zone");
    options_.file.output = folder_.file("zone.signed");
    options_.file.origin = apex;
    options_.file.now = 1'800'000'000;
    options_.policy = built_in_policy("standard").value();
    options_.policy.algorithm = algorithm;
    options_.policy.rsa_bits = 1024;
    options_.policy.zsk_lifetime = std::chrono::days{20};
    options_.keys = &keys_;
    options_.clock = {Instant{seconds{options_.file.now}}, seconds{0}, "life", true};
  }
  std::expected<MaintainResult, std::string> run() { return maintain(options_); }
  void wait(seconds time) {
    options_.clock.wall += time;
    options_.clock.since_boot += time;
    options_.file.now += time.count();
  }
  std::vector<std::string> forms() const {
    std::vector<std::string> all;
    auto stored = keys_.keys_of(apex).value();
    EXPECT_GE(stored.size(), 2U);
    for (StoredKey& key : stored) {
      EXPECT_TRUE(key.secret || keys_.unlock(key));
      if (!key.secret) continue;
      const auto forms = forms_of(*key.secret);
      all.insert(all.end(), forms.begin(), forms.end());
    }
    return all;
  }

  bool is_sealed() const { return sealed_; }

  bool sealed_;
  TemporaryFolder folder_;
  KeyFolder keys_;
  MaintainOptions options_;
};

Secret passphrase(std::string_view text) { return {text.begin(), text.end()}; }

constexpr Algorithm algorithms[] = {Algorithm::rsa_sha256, Algorithm::ecdsa_p256_sha256, Algorithm::ecdsa_p384_sha384,
                                    Algorithm::ed25519, Algorithm::ed448};

TEST(StolenDisk, shows_no_private_key) {
  for (const Algorithm algorithm : algorithms) {
    Disk disk{algorithm, passphrase("correct horse")};
    for (int month = 0; month < 3; ++month) {  // keys come and go
      const auto done = disk.run();
      ASSERT_TRUE(done) << done.error();
      disk.wait(std::chrono::days{4});
    }
    ASSERT_TRUE(back_up_keys(disk.keys_.path(), disk.folder_.file("backup"), passphrase("correct horse")));
    ASSERT_TRUE(std::filesystem::exists(disk.folder_.file("zone.signed")));
    EXPECT_EQ(files_with(disk.folder_.path(), disk.forms()), std::vector<std::string>{});
  }
}

/// The search finds what is there: otherwise it would prove nothing.
TEST(StolenDisk, shows_each_key_that_lies_open) {
  for (const Algorithm algorithm : algorithms) {
    Disk disk{algorithm, std::nullopt};
    const auto done = disk.run();
    ASSERT_TRUE(done) << done.error();
    EXPECT_EQ(files_with(disk.folder_.path(), disk.forms()).size(), 2U) << "the .private of each key";
    const auto key = disk.keys_.keys_of(apex).value().front();
    const auto found_as = [&](std::string_view text) {
      disk.folder_.write("found", std::string{text});
      const auto found = files_with(disk.folder_.path(), forms_of(*key.secret));
      return std::ranges::find(found, "found") != found.end();
    };
    EXPECT_TRUE(found_as(as_text(key.secret->to_pem())));
    EXPECT_TRUE(found_as(as_text(private_key_to_text(*key.secret))));
    const auto rsa = key.secret->rsa_parts();
    const Secret number = rsa ? rsa->prime2 : key.secret->secret();
    EXPECT_TRUE(found_as("ab" + std::string{as_text(number)} + "c"));
    EXPECT_TRUE(found_as(to_hex(as_text(number), true)));
    EXPECT_TRUE(found_as(std::string{as_text(number).rbegin(), as_text(number).rend()}));
    for (const char* before : {"", "a", "ab"})
      EXPECT_TRUE(
          found_as(to_base64(before + std::string{as_text(number)} + "behind", sodium_base64_VARIANT_ORIGINAL)));
    EXPECT_FALSE(found_as("nothing of it"));
  }
}

/// Temporary files, too: whatever a killed run leaves. The key is made here, so that it is searched for however far the
/// run got: one that made its own would be known only by its .key, which is written last.
/// returns in how many rounds files showed it
int times_shown_when_cut_off(std::optional<Secret> passphrase) {
  using Clock = std::chrono::steady_clock;
  constexpr int rounds = 40;
  Disk disk{Algorithm::ecdsa_p256_sha256, std::move(passphrase)};
  EXPECT_TRUE(disk.run());
  int shown = 0;
  Clock::duration whole{};
  for (int round = 0; round <= rounds; ++round) {
    auto made = PrivateKey::generate(Algorithm::ecdsa_p256_sha256);
    EXPECT_TRUE(made);
    const auto forms = forms_of(*made);
    disk.wait(std::chrono::days{2});
    const auto begin = Clock::now();
    const pid_t child = fork();
    if (child == 0) {
      static_cast<void>(disk.keys_.add(apex, KeyRole::zsk, std::move(*made)));
      static_cast<void>(disk.run());
      _exit(0);
    }
    if (round > 0) {  // the first one runs to its end, and says how long that takes
      std::this_thread::sleep_for(whole * round / rounds);
      kill(child, SIGKILL);
    }
    waitpid(child, nullptr, 0);
    if (round == 0) {
      whole = Clock::now() - begin;
    } else if (!files_with(disk.folder_.path(), forms).empty()) {
      ++shown;
    }
  }
  if (disk.is_sealed()) {
    EXPECT_EQ(files_with(disk.folder_.path(), disk.forms()), std::vector<std::string>{});
  }
  return shown;
}

TEST(StolenDisk, shows_no_private_key_whenever_it_is_cut_off) {
  EXPECT_EQ(times_shown_when_cut_off(passphrase("correct horse")), 0);
}

/// The same runs leave it behind when they may: otherwise the search would prove nothing.
TEST(StolenDisk, shows_the_key_of_a_run_that_was_cut_off_without_a_passphrase) {
  EXPECT_GT(times_shown_when_cut_off(std::nullopt), 0);
}

/// In a process of its own, for it cannot be undone.
TEST(GuardedProcess, leaves_no_core_and_keeps_private_numbers_in_locked_memory) {
  const pid_t child = fork();
  if (child == 0) {
    const bool all = guard_secrets();
    rlimit core{1, 1};
    getrlimit(RLIMIT_CORE, &core);
    if (core.rlim_cur != 0 || core.rlim_max != 0) _exit(1);
    if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0) _exit(2);
    if (all) {
      const std::size_t before = CRYPTO_secure_used();
      for (const Algorithm algorithm : algorithms) {
        const std::size_t used = CRYPTO_secure_used();
        static std::vector<PrivateKey> kept;
        kept.push_back(*PrivateKey::generate(algorithm, 1024));
        if (CRYPTO_secure_used() <= used) _exit(10 + static_cast<int>(algorithm));
      }
      if (CRYPTO_secure_used() <= before) _exit(3);
    }
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace redoubt::dnssec
