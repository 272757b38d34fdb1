// What tokens do seldom: locked PINs, keys that cannot be used, devices that stop signing; and modules that others may
// change. By a module of the test's own (fake_module.cpp).
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dnssec/keys/backup.hpp"
#include "dnssec/keys/key_folder.hpp"
#include "dnssec/keys/pkcs11_module.hpp"
#include "dnssec/keys/presigned.hpp"
#include "dnssec/keys/token.hpp"
#include "tests/unit/dnssec/fake_module.hpp"
#include "tests/unit/dnssec/temporary_folder.hpp"

namespace redoubt::dnssec {
namespace {

using tests::FakeToken;
using tests::TemporaryFolder;

const dns::Name apex = dns::Name::literal("example.");
constexpr auto p256 = Algorithm::ecdsa_p256_sha256;

/// A copy of the module in a folder of our own: who may change the build's is nobody's business here.
class OddToken : public testing::Test {
 protected:
  OddToken() {
    std::filesystem::copy_file(REDOUBT_FAKE_MODULE, module_);
    std::filesystem::permissions(module_, std::filesystem::perms{0755});
    std::filesystem::create_directory(folder_.file("keys"));
    folder_.write("pin", "2468\n");
    std::filesystem::permissions(folder_.file("pin"), std::filesystem::perms{0600});
    fake() = {};  // a file with the number of one that is gone is taken for that one
  }
  TokenUri uri() const {
    return token_uri_from_text("pkcs11:token=fake?module-path=" + module_ + "&pin-source=file:" + folder_.file("pin"))
        .value();
  }
  /// Of the module in this program. Each test copies the file anew, and so has a token of its own.
  FakeToken& fake() const {
    void* library = dlopen(module_.c_str(), RTLD_NOW | RTLD_LOCAL);
    return *static_cast<FakeToken*>(dlsym(library, "redoubt_fake_token"));
  }
  std::string file_of(const StoredKey& key, const char* ending) const {
    return folder_.file("keys/" + key.stem + ending);
  }

  TemporaryFolder folder_;
  std::string module_ = folder_.file("module.so");
  KeyFolder keys_{folder_.file("keys"), std::nullopt};
};

// Who may change what is loaded --------------------------------------------------------------------------------------

TEST_F(OddToken, a_token_file_that_others_may_change_loads_nothing) {
  const auto made = keys_.generate_in_token(apex, p256, KeyRole::zsk, uri());
  ASSERT_TRUE(made) << made.error();
  const auto why = [&] {
    const auto keys = keys_.keys_of(apex);
    return keys ? std::string{} : keys.error();
  };
  EXPECT_EQ(why(), "");
  for (const unsigned mode : {0620U, 0602U}) {
    ASSERT_EQ(chmod(file_of(*made, ".token").c_str(), mode), 0);
    EXPECT_NE(why().find("others than root"), std::string::npos) << why();
    EXPECT_FALSE(back_up_keys(keys_.path(), folder_.file("backup"), Secret{'p'}, SealCost::interactive))
        << "restored, it would be a file of our own";
  }
  ASSERT_EQ(chmod(file_of(*made, ".token").c_str(), 0644), 0);
  EXPECT_EQ(why(), "") << "it is no secret";
  if (geteuid() != 0) return;  // only root can give a file away
  ASSERT_EQ(chown(file_of(*made, ".token").c_str(), 12345, 0), 0);
  EXPECT_NE(why().find("others than root"), std::string::npos) << why();
}

TEST_F(OddToken, a_module_that_others_may_change_is_not_loaded) {
  const auto why = [&](const std::string& path) {
    TokenUri other = uri();
    other.module_path = path;
    const auto token = Token::open(other);
    return token ? std::string{} : token.error();
  };
  const auto refused = [&](const std::string& path) { return why(path).contains("others than root"); };
  for (const unsigned mode : {0775U, 0757U}) {
    ASSERT_EQ(chmod(module_.c_str(), mode), 0);
    EXPECT_TRUE(refused(module_)) << why(module_);
  }
  ASSERT_EQ(chmod(module_.c_str(), 0755), 0);
  for (const unsigned mode : {0770U, 0707U}) {
    ASSERT_EQ(chmod(folder_.path().c_str(), mode), 0);
    EXPECT_TRUE(refused(module_)) << "another may be put in its place";
  }
  ASSERT_EQ(chmod(folder_.path().c_str(), 0700), 0);
  if (geteuid() == 0) {
    ASSERT_EQ(chown(module_.c_str(), 12345, 0), 0);
    EXPECT_TRUE(refused(module_));
    ASSERT_EQ(chown(module_.c_str(), 0, 0), 0);
  }
  const TemporaryFolder elsewhere;
  std::filesystem::create_symlink(module_, elsewhere.file("link.so"));
  ASSERT_EQ(chmod(module_.c_str(), 0775), 0);
  EXPECT_TRUE(refused(elsewhere.file("link.so"))) << "what the link leads to counts";
  ASSERT_EQ(chmod(module_.c_str(), 0755), 0);
  EXPECT_EQ(why(module_), "");
}

TEST_F(OddToken, a_backup_brings_no_module_that_others_may_change) {
  ASSERT_TRUE(keys_.generate_in_token(apex, p256, KeyRole::zsk, uri()));
  const Secret passphrase{'p'};
  ASSERT_TRUE(back_up_keys(keys_.path(), folder_.file("backup"), passphrase, SealCost::interactive));
  std::filesystem::create_directory(folder_.file("again"));
  ASSERT_EQ(chmod(module_.c_str(), 0777), 0);
  const auto refused = restore_keys(folder_.file("backup"), folder_.file("again"), passphrase);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().find("others than root"), std::string::npos) << refused.error();
  EXPECT_TRUE(std::filesystem::is_empty(folder_.file("again")));
  ASSERT_EQ(chmod(module_.c_str(), 0755), 0);
  const auto restored = restore_keys(folder_.file("backup"), folder_.file("again"), passphrase);
  EXPECT_TRUE(restored) << restored.error();
}

// PINs ---------------------------------------------------------------------------------------------------------------

TEST(Login, is_not_tried_when_it_could_lock_the_token) {
  for (const CK_FLAGS fine : {CK_FLAGS{0}, CK_FLAGS{CKF_USER_PIN_INITIALIZED}, CK_FLAGS{CKF_USER_PIN_COUNT_LOW},
                              CK_FLAGS{CKF_LOGIN_REQUIRED | CKF_SO_PIN_LOCKED | CKF_SO_PIN_FINAL_TRY}})
    EXPECT_EQ(why_not_log_in(fine), "") << fine;
  EXPECT_NE(why_not_log_in(CKF_USER_PIN_LOCKED).find("locked"), std::string_view::npos);
  EXPECT_NE(why_not_log_in(CKF_USER_PIN_INITIALIZED | CKF_USER_PIN_FINAL_TRY).find("one more"), std::string_view::npos);
  EXPECT_EQ(why_not_log_in(CKF_USER_PIN_LOCKED | CKF_USER_PIN_FINAL_TRY), why_not_log_in(CKF_USER_PIN_LOCKED));
}

TEST_F(OddToken, a_pin_is_not_tried_that_could_be_the_last_one) {
  ASSERT_TRUE(Token::open(uri()));
  EXPECT_EQ(fake().logins, 1U);
  for (const CK_FLAGS flag : {CKF_USER_PIN_FINAL_TRY, CKF_USER_PIN_LOCKED}) {
    fake().flags = flag;
    const auto token = Token::open(uri());
    ASSERT_FALSE(token);
    EXPECT_NE(token.error().find("no login: "), std::string::npos) << token.error();
  }
  EXPECT_EQ(fake().logins, 1U);
}

// Pairs that nobody would find again ---------------------------------------------------------------------------------

TEST_F(OddToken, a_key_that_cannot_be_used_is_destroyed) {
  ASSERT_TRUE(Token::open(uri()));
  fake().point_is_good = false;
  const auto made = keys_.generate_in_token(apex, p256, KeyRole::zsk, uri());
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().find("none of this algorithm"), std::string::npos) << made.error();
  EXPECT_EQ(fake().made, 1U);
  EXPECT_EQ(fake().destroyed, 2U);
}

TEST_F(OddToken, a_key_whose_files_cannot_be_written_is_destroyed) {
  ASSERT_TRUE(Token::open(uri()));
  const std::string folder = keys_.path();
  fake().folder = folder.c_str();
  const auto made = keys_.generate_in_token(apex, p256, KeyRole::zsk, uri());
  fake().folder = nullptr;
  ASSERT_FALSE(made);
  EXPECT_EQ(fake().made, 1U);
  EXPECT_EQ(fake().destroyed, 2U);
}

TEST_F(OddToken, nothing_is_made_whose_uri_could_not_be_read_back) {
  // As long as it is with its key's label and id in it; more slashes are the same path.
  const auto of_size = [&](std::size_t size) {
    TokenUri padded = uri();
    padded.object = "example.";
    padded.id = Octets(16, 0xff);
    const std::size_t now = to_text(padded).size();
    TokenUri longer = uri();
    longer.pin_source.insert(folder_.path().size(), size - now, '/');
    return longer;
  };
  const auto fits = keys_.generate_in_token(apex, p256, KeyRole::zsk, of_size(max_token_uri - 1));
  ASSERT_TRUE(fits) << fits.error();
  EXPECT_EQ(std::filesystem::file_size(file_of(*fits, ".token")), max_token_uri);
  EXPECT_TRUE(keys_.keys_of(apex)) << "it reads back";
  const TemporaryFolder other;
  const KeyFolder empty{other.path(), std::nullopt};
  const auto refused = empty.generate_in_token(apex, p256, KeyRole::zsk, of_size(max_token_uri));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().find("longer than"), std::string::npos) << refused.error();
  EXPECT_EQ(fake().made, 1U);
}

// Signing ------------------------------------------------------------------------------------------------------------

TEST_F(OddToken, a_device_that_does_not_sign_says_why_and_is_only_read_from) {
  const auto made = keys_.generate_in_token(apex, p256, KeyRole::ksk, uri());
  ASSERT_TRUE(made) << made.error();
  const unsigned writing = fake().sessions_that_write;
  const auto stored = keys_.keys_of(apex);
  ASSERT_TRUE(stored) << stored.error();
  const PresignedSets request{apex, 1'800'000'000, 1'800'086'400, {{dns::type::dnskey, 300, {made->dnskey}, {}}}};
  EXPECT_TRUE(presign(request, *stored));
  EXPECT_EQ(fake().signed_in & CKF_RW_SESSION, 0U);
  EXPECT_EQ(fake().sessions_that_write, writing) << "a write-protected token signs";
  EXPECT_EQ(stored->front().secret->trouble(), "");
  fake().sign_says = CKR_DEVICE_REMOVED;
  const auto first = presign(request, *stored);
  ASSERT_FALSE(first);
  EXPECT_NE(first.error().find("it does not sign: it was taken away"), std::string::npos) << first.error();
  fake().sign_says = CKR_DEVICE_ERROR;
  EXPECT_EQ(presign(request, *stored).error(), first.error()) << "the first failure counts";
}

}  // namespace
}  // namespace redoubt::dnssec
