// Keys in a PKCS#11 token: SoftHSM's, in a folder of the test's own.
#include "dnssec/keys/token.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "dnssec/base/public_key.hpp"
#include "dnssec/keeper/zone_keys.hpp"
#include "dnssec/zone/maintain.hpp"
#include "tests/unit/dnssec/temporary_folder.hpp"

// SoftHSM 2.6.1 forgets what it reads of an Ed25519 key (C_SignInit, 37 octets a time), and the sanitizer sees whose
// doing it is only by the slow way through the stack.
extern "C" const char* __asan_default_options();       // NOLINT: the sanitizers' names
extern "C" const char* __lsan_default_suppressions();  // NOLINT
extern "C" const char* __asan_default_options() { return "fast_unwind_on_malloc=0"; }
extern "C" const char* __lsan_default_suppressions() { return "leak:libsofthsm2.so\n"; }

namespace redoubt::dnssec {
namespace {

using tests::has_program;
using tests::TemporaryFolder;

const dns::Name apex = dns::Name::literal("example.");

TEST(TokenUri, what_is_written_reads_back_equal) {
  for (const char* text :
       {"pkcs11:token=dns", "pkcs11:token=a%20b%3B;serial=01;object=k?module-path=/usr/lib/x.so&pin-source=file:/p",
        "pkcs11:id=%00%FFa;type=private", "pkcs11:model=m;manufacturer=me", "pkcs11:?module-path=/x"}) {
    const auto uri = token_uri_from_text(text);
    ASSERT_TRUE(uri) << text << ": " << uri.error();
    const auto again = token_uri_from_text(to_text(*uri));
    ASSERT_TRUE(again) << to_text(*uri) << ": " << again.error();
    EXPECT_EQ(*again, *uri) << text;
  }
  EXPECT_EQ(token_uri_from_text("pkcs11:id=%00%FFa")->id, (Octets{0, 255, 'a'}));
  EXPECT_EQ(token_uri_from_text("pkcs11:token=a%20b")->token, "a b");
  EXPECT_TRUE(token_uri_from_text("pkcs11:token=" + std::string(max_token_uri / 3 - 10, '(')));
  EXPECT_FALSE(token_uri_from_text("pkcs11:token=" + std::string(max_token_uri / 2, '(')))
      << "three characters for one";
}

TEST(TokenUri, what_is_doubtful_is_refused) {
  for (const char* text :
       {"", "pkcs11", "file:/x", "pkcs11:token", "pkcs11:token=", "pkcs11:token=a;token=b", "pkcs11:colour=red",
        "pkcs11:token=a;", "pkcs11:token=%4", "pkcs11:token=%zz", "pkcs11:token=a%00", "pkcs11:token=a b",
        "pkcs11:type=public", "pkcs11:token=a?pin-value=1234", "pkcs11:token=a?pin-source=pin",
        "pkcs11:token=a?module-path=/x&module-path=/y", "pkcs11:id=%01;id=%02"})
    EXPECT_FALSE(token_uri_from_text(text)) << text;
  const auto pin = token_uri_from_text("pkcs11:token=a?pin-value=4711");
  EXPECT_NE(pin.error().find("pin-source"), std::string::npos);
  EXPECT_EQ(pin.error().find("4711"), std::string::npos) << "a PIN is not repeated";
}

/// The module reads its settings and its tokens once in a process, so all tests share one folder; each has a token of
/// its own in it.
class InToken : public testing::Test {
 protected:
  static constexpr const char* module = "/usr/lib/softhsm/libsofthsm2.so";
  static constexpr int tokens = 5;

  static bool is_here() { return has_program("softhsm2-util") && std::filesystem::exists(module); }
  static void SetUpTestSuite() {
    shared = new TemporaryFolder;  // NOLINT: gone in TearDownTestSuite
    std::filesystem::create_directory(shared->file("tokens"));
    shared->write("softhsm2.conf", "directories.tokendir = " + shared->file("tokens") + "\nlog.level = ERROR\n");
    setenv("SOFTHSM2_CONF", shared->file("softhsm2.conf").c_str(), 1);
    for (int number = 1; is_here() && number <= tokens; ++number) {
      const std::string command = "softhsm2-util --init-token --free --label token-" + std::to_string(number) +
                                  " --pin 2468 --so-pin 13579 >/dev/null";
      ASSERT_EQ(std::system(command.c_str()), 0);
    }
  }
  static void TearDownTestSuite() { delete shared; }

  void SetUp() override {
    if (!is_here()) GTEST_SKIP() << "softhsm2 is not here";
    ASSERT_LE(++used, tokens);
    write_pin("2468\n");
    uri_ = "pkcs11:token=token-" + std::to_string(used) + "?module-path=" + module +
           "&pin-source=file:" + folder_.file("pin");
  }
  void write_pin(const std::string& pin) const {
    folder_.write("pin", pin);
    std::filesystem::permissions(folder_.file("pin"), std::filesystem::perms{0600});
  }
  TokenUri uri() const { return token_uri_from_text(uri_).value(); }

  static inline TemporaryFolder* shared = nullptr;
  static inline int used = 0;
  TemporaryFolder folder_;
  std::string uri_;
};

bool verifies(const PrivateKey& key, OctetView data) {
  Signer signer{key};
  Octets signature;
  const auto open = PublicKey::from_dnskey(static_cast<std::uint8_t>(key.algorithm()), key.public_key());
  return open && signer.sign(data, signature) && open->verifies(data, signature);
}

constexpr Algorithm algorithms[] = {Algorithm::rsa_sha256, Algorithm::ecdsa_p256_sha256, Algorithm::ecdsa_p384_sha384,
                                    Algorithm::ed25519};

TEST_F(InToken, keys_sign_and_are_found_again_and_never_shown) {
  const KeyFolder keys{folder_.path(), std::nullopt};
  const Octets data{'d', 'a', 't', 'a'};
  std::size_t made = 0;
  for (const Algorithm algorithm : algorithms) {
    const auto key = keys.generate_in_token(apex, algorithm, KeyRole::ksk, uri(), 2048);
    if (!key && algorithm == Algorithm::ed25519) continue;  // not every build of SoftHSM can
    ASSERT_TRUE(key) << algorithm_to_text(static_cast<std::uint8_t>(algorithm)) << ": " << key.error();
    ++made;
    EXPECT_TRUE(verifies(*key->secret, data));
    EXPECT_TRUE(key->secret->is_remote());
    EXPECT_TRUE(key->secret->secret().empty());
    EXPECT_TRUE(key->secret->to_pem().empty());
    EXPECT_FALSE(key->secret->rsa_parts());
    EXPECT_FALSE(std::filesystem::exists(folder_.file(key->stem + ".private")));
    EXPECT_EQ(folder_.read(key->stem + ".token").find("2468"), std::string::npos) << "no PIN";
  }
  EXPECT_GE(made, 3U);
  const auto again = keys.keys_of(apex);
  ASSERT_TRUE(again) << again.error();
  EXPECT_EQ(again->size(), made);
  for (const StoredKey& key : *again) EXPECT_TRUE(verifies(*key.secret, data)) << key.stem;
}

TEST_F(InToken, a_key_that_is_there_already_is_taken_in) {
  const KeyFolder keys{folder_.path(), std::nullopt};
  const auto made = keys.generate_in_token(apex, Algorithm::ecdsa_p256_sha256, KeyRole::zsk, uri());
  ASSERT_TRUE(made) << made.error();
  const TemporaryFolder other;
  TokenUri one = uri();
  one.object = "example.";
  const auto taken =
      KeyFolder{other.path(), std::nullopt}.add_from_token(apex, Algorithm::ecdsa_p256_sha256, KeyRole::zsk, one);
  ASSERT_TRUE(taken) << taken.error();
  EXPECT_EQ(taken->dnskey, made->dnskey);
  EXPECT_FALSE(keys.add_from_token(apex, Algorithm::ecdsa_p256_sha256, KeyRole::zsk, one)) << "it has that tag";
  const auto second = keys.generate_in_token(apex, Algorithm::ecdsa_p256_sha256, KeyRole::zsk, uri());
  ASSERT_TRUE(second);
  const auto doubtful =
      KeyFolder{other.path(), std::nullopt}.add_from_token(apex, Algorithm::ecdsa_p256_sha256, KeyRole::zsk, one);
  ASSERT_FALSE(doubtful);
  EXPECT_NE(doubtful.error().find("several"), std::string::npos) << doubtful.error();
  one.object = "nobody";
  EXPECT_FALSE(
      KeyFolder(other.path(), std::nullopt).add_from_token(apex, Algorithm::ecdsa_p256_sha256, KeyRole::zsk, one));
}

TEST_F(InToken, what_is_wrong_with_a_token_is_told) {
  const auto why = [](const TokenUri& uri) {
    const auto token = Token::open(uri);
    EXPECT_FALSE(token);
    return token ? std::string{} : token.error();
  };
  write_pin("9999\n");
  EXPECT_NE(why(uri()).find("the PIN is wrong"), std::string::npos) << why(uri());
  write_pin("\n");
  EXPECT_NE(why(uri()).find("the PIN is empty"), std::string::npos);
  write_pin("2468\n");
  std::filesystem::permissions(folder_.file("pin"), std::filesystem::perms{0644});
  EXPECT_NE(why(uri()).find("everybody"), std::string::npos);
  write_pin("2468\n");
  EXPECT_TRUE(Token::open(uri()));
  TokenUri other = uri();
  other.token = "elsewhere";
  EXPECT_NE(why(other).find("it is not there"), std::string::npos) << why(other);
  other = uri();
  other.module_path = folder_.file("none.so");
  EXPECT_NE(why(other).find("no PKCS#11 module"), std::string::npos) << why(other);
  other.module_path = "/lib/x86_64-linux-gnu/libm.so.6";
  EXPECT_NE(why(other).find("no PKCS#11 module"), std::string::npos) << why(other);
  other.module_path = "relative.so";
  EXPECT_NE(why(other).find("whole path"), std::string::npos);
  other = uri();
  other.pin_source = folder_.file("nopin");
  EXPECT_FALSE(Token::open(other));
}

/// A zone that rolls with its keys in a token; when the token is away, nothing moves and the old output stays.
TEST_F(InToken, a_zone_is_signed_and_rolls_and_waits_for_a_token_that_is_away) {
  std::filesystem::create_directory(folder_.file("keys"));
  const KeyFolder keys{folder_.file("keys"), std::nullopt};
  folder_.write("zone", "$TTL 300\n@ SOA ns host 1 3600 600 86400 300\n@ NS ns\nns A 192.0.2.1\n@ CAA 0 issue \";\"\n");
  MaintainOptions options;
  options.file.input = folder_.file("zone");
  options.file.output = folder_.file("zone.signed");
  options.file.origin = apex;
  options.file.threads = 2;
  options.policy = built_in_policy("standard").value();
  options.policy.token = uri_;
  options.policy.zsk_lifetime = std::chrono::days{20};
  options.keys = &keys;
  options.clock = {Instant{seconds{1'800'000'000}}, seconds{0}, "life", true};
  const auto run = [&] {
    options.file.now = options.clock.wall.time_since_epoch().count();
    return maintain(options);
  };
  const auto wait = [&](seconds time) {
    options.clock.wall += time;
    options.clock.since_boot += time;
  };
  const auto first = run();
  ASSERT_TRUE(first) << first.error();
  EXPECT_TRUE(first->file.written);
  EXPECT_EQ(first->keys.size(), 2U);
  for (int days = 0; days < 40; days += 4) {
    wait(std::chrono::days{4});
    const auto next = run();
    ASSERT_TRUE(next) << next.error();
  }
  EXPECT_GE(keys.list()->size(), 3U) << "ZSKs have rolled";

  const std::string output = folder_.read("zone.signed");
  const std::string state = folder_.read("keys/example.sqlite");
  ASSERT_FALSE(state.empty());
  write_pin("2468\n");
  std::filesystem::rename(folder_.file("pin"), folder_.file("away"));
  wait(std::chrono::days{12});  // signatures are due
  const auto held = run();
  ASSERT_FALSE(held);
  EXPECT_NE(held.error().find("pin"), std::string::npos) << held.error();
  EXPECT_EQ(folder_.read("zone.signed"), output);
  EXPECT_EQ(folder_.read("keys/example.sqlite"), state);
  std::filesystem::rename(folder_.file("away"), folder_.file("pin"));
  const auto again = run();
  ASSERT_TRUE(again) << again.error();
  EXPECT_TRUE(again->file.written);
}

/// keykeeper's own keys and rules, without its process.
class House : public KeyHouse {
 public:
  explicit House(const std::string& folder, const std::int64_t& now)
      : now_{now},
        keys_{keykeeper::SealedFiles{keykeeper::FileHandle{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)}},
              keykeeper::Seal{{'p'}, SealCost::interactive},
              {}} {}
  std::expected<Octets, std::string> make(const dns::Name& zone, Algorithm algorithm, KeyRole role, unsigned bits,
                                          std::span<const std::uint16_t> taken) override {
    return keys_.make({.zone = zone,
                       .algorithm = static_cast<std::uint8_t>(algorithm),
                       .role = role,
                       .rsa_bits = bits,
                       .taken = {taken.begin(), taken.end()}});
  }
  std::expected<bool, std::string> has(const dns::Name& zone, OctetView dnskey) override {
    const auto held = keys_.list(zone);
    if (!held) return std::unexpected{held.error()};
    return std::ranges::any_of(*held, [&](const Octets& one) { return std::ranges::equal(one, dnskey); });
  }
  std::expected<std::shared_ptr<const RemoteKey>, std::string> find(const dns::Name& zone, OctetView dnskey) override {
    return std::make_shared<const Held>(*this, zone, dnskey);
  }
  std::expected<void, std::string> erase(const dns::Name&, OctetView) override {
    return std::unexpected{std::string{"nobody asks for that here"}};
  }

 private:
  struct Held : RemoteKey {
    Held(House& house, const dns::Name& zone, OctetView dnskey)
        : house_{&house}, zone_{zone}, dnskey_{dnskey.begin(), dnskey.end()} {}
    std::unique_ptr<RemoteSigner> signer() const override;
    std::string trouble() const override { return {}; }
    House* house_;
    dns::Name zone_;
    Octets dnskey_;
  };
  struct HeldSigner : RemoteSigner {
    explicit HeldSigner(const Held& key) : key_{&key} {}
    bool sign(OctetView data, Octets& out) override {
      const std::vector<Octets> sets{{data.begin(), data.end()}};
      const auto made = key_->house_->keys_.sign(key_->zone_, Dnskey::parse(key_->dnskey_)->algorithm,
                                                 key_tag(key_->dnskey_), sets, key_->house_->now_);
      if (made) append_octets(out, made->front());
      return made.has_value();
    }
    const Held* key_;
  };

  const std::int64_t& now_;
  keykeeper::ZoneKeys keys_;
};

std::unique_ptr<RemoteSigner> House::Held::signer() const { return std::make_unique<HeldSigner>(*this); }

/// Tokens and keykeeper together (decision 0099): the tool signs the key sets with the one, keykeeper all others. It is
/// asked for nothing that its rules are against.
TEST_F(InToken, a_ksk_in_a_token_and_a_zsk_in_keykeeper_sign_a_zone) {
  for (const char* one : {"keys", "vault"}) std::filesystem::create_directory(folder_.file(one));
  KeyFolder keys{folder_.file("keys"), std::nullopt};
  folder_.write("zone", "$TTL 300\n@ SOA ns host 1 3600 600 86400 300\n@ NS ns\nns A 192.0.2.1\n@ CAA 0 issue \";\"\n");
  MaintainOptions options;
  keys.use(std::make_shared<House>(folder_.file("vault"), options.file.now), true);
  ASSERT_TRUE(keys.generate_in_token(apex, Algorithm::ecdsa_p256_sha256, KeyRole::ksk, uri()));
  const auto zsk = keys.generate(apex, Algorithm::ecdsa_p256_sha256, KeyRole::zsk);
  ASSERT_TRUE(zsk) << zsk.error();
  options.file.input = folder_.file("zone");
  options.file.output = folder_.file("zone.signed");
  options.file.origin = apex;
  options.policy = built_in_policy("standard").value();
  options.keys = &keys;
  options.clock = {Instant{seconds{1'800'000'000}}, seconds{0}, "life", true};
  options.file.now = 1'800'000'000;
  const auto signed_zone = maintain(options);
  ASSERT_TRUE(signed_zone) << signed_zone.error();
  EXPECT_TRUE(signed_zone->file.written) << "and checked by the pass that knows nothing of who signed";
  EXPECT_EQ(keys.list()->size(), 2U) << "none was made beside them";
}

}  // namespace
}  // namespace redoubt::dnssec
