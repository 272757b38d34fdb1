// `resolverctl config check` and the TLS files that a configuration names.
#include "appliance/ctl/named_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "appliance/ctl/commands.hpp"
#include "tests/unit/appliance/pem_maker.hpp"

namespace redoubt::ctl {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// As `resolverctl config check` prints them.
struct Found {
  std::vector<std::string> faults;
  std::vector<std::string> warnings;
};

std::vector<std::string> lines(const std::vector<config::Remark>& remarks) {
  std::vector<std::string> texts;
  for (const config::Remark& remark : remarks) texts.push_back(remark.to_text("f"));
  return texts;
}

class NamedFilesTest : public ::testing::Test {
 protected:
  NamedFilesTest() { std::filesystem::create_directories(folder_); }
  ~NamedFilesTest() override { std::filesystem::remove_all(folder_); }
  void write(const std::string& name, const std::string& text, mode_t mode = 0600) const {
    const std::string path = folder_ + "/" + name;
    std::ofstream{path, std::ios::binary} << text;
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
  }
  Found look(const config::Tls& tls, bool is_wanted = true) const {
    config::Configuration configuration;
    configuration.tls = tls;
    configuration.listeners.resize(1);
    configuration.listeners.front().tls = is_wanted;
    return look(configuration);
  }
  Found look(const config::Configuration& configuration) const {
    const config::Remarks found = look_at_named_files(configuration, places_, folder_ + "/redoubt.yaml", now_);
    return {lines(found.faults), lines(found.warnings)};
  }
  Found look() const { return look({.certificate = "c.pem", .key = "k.pem", .names = {}, .authorities = {}}); }

  std::string folder_ = testing::TempDir() + "named_files." + std::to_string(::getpid());
  std::int64_t now_ = std::time(nullptr);
  config::Places places_;
};

TEST_F(NamedFilesTest, a_pair_that_fits_is_fine) {
  const test::Pem pem = test::make_pem();
  write("c.pem", pem.certificate, 0644);
  write("k.pem", pem.key, 0640);
  EXPECT_THAT(look().faults, IsEmpty());
  EXPECT_THAT(look().warnings, IsEmpty());
}

TEST_F(NamedFilesTest, our_own_certificate_has_no_files) {
  EXPECT_THAT(look({.certificate = "self-signed", .key = {}, .names = {}, .authorities = {}}).faults, IsEmpty());
}

TEST_F(NamedFilesTest, a_key_of_another_certificate_is_a_fault) {
  write("c.pem", test::make_pem().certificate);
  write("k.pem", test::make_pem().key);
  EXPECT_THAT(look().faults, ElementsAre(HasSubstr("c.pem: the key is not this certificate's")));
}

TEST_F(NamedFilesTest, each_further_certificate_is_looked_at) {
  const test::Pem pem = test::make_pem();
  write("c.pem", pem.certificate);
  write("k.pem", pem.key);
  write("other.pem", test::make_pem().key);
  const Found found = look({.certificate = "c.pem",
                            .key = "k.pem",
                            .more = {{"c.pem", "other.pem"}, {"none.pem", "k.pem"}},
                            .names = {},
                            .authorities = {}});
  EXPECT_THAT(found.faults, ElementsAre(HasSubstr("the key is not"), HasSubstr("none.pem: No such file")));
}

TEST_F(NamedFilesTest, what_is_no_certificate_or_missing_is_a_fault) {
  EXPECT_THAT(look().faults, ElementsAre(HasSubstr("c.pem: No such file"), HasSubstr("k.pem: No such file")));
  write("c.pem", "certificate");
  write("k.pem", test::make_pem().key);
  EXPECT_THAT(look().faults, ElementsAre(HasSubstr("no certificate in PEM")));
}

TEST_F(NamedFilesTest, each_file_is_told_with_its_setting_and_the_place_of_it) {
  places_ = {{"tls.certificate", {2, 16}}, {"tls.key", {3, 8}}, {"tls.more[1].key", {6, 32}}};
  const test::Pem pem = test::make_pem();
  write("c.pem", pem.certificate);
  write("k.pem", pem.key);
  const Found found = look({.certificate = "/",
                            .key = "none.pem",
                            .more = {{"c.pem", "k.pem"}, {"c.pem", "none.pem"}},
                            .names = {},
                            .authorities = {}});
  EXPECT_THAT(found.faults, ElementsAre("f:2:16: tls.certificate: /: not a file",
                                        "f:3:8: tls.key: " + folder_ + "/none.pem: No such file or directory",
                                        "f:6:32: tls.more[].key: " + folder_ + "/none.pem: No such file or directory"));
}

TEST_F(NamedFilesTest, a_key_that_everybody_may_read_is_a_warning) {
  const test::Pem pem = test::make_pem();
  write("c.pem", pem.certificate);
  write("k.pem", pem.key, 0644);
  EXPECT_THAT(look().faults, IsEmpty());
  EXPECT_THAT(look().warnings, ElementsAre(HasSubstr("k.pem: everybody on this machine may read the key (mode 0644)")));
}

TEST_F(NamedFilesTest, an_end_that_has_come_or_is_near_is_a_warning) {
  test::Pem pem = test::make_pem(-1);
  write("c.pem", pem.certificate);
  write("k.pem", pem.key);
  EXPECT_THAT(look().warnings, ElementsAre(HasSubstr("c.pem: the certificate has expired")));
  pem = test::make_pem(10);
  write("c.pem", pem.certificate);
  write("k.pem", pem.key);
  EXPECT_THAT(look().warnings, ElementsAre(HasSubstr("c.pem: the certificate expires in 10 days")));
  now_ -= 500L * 86400;
  EXPECT_THAT(look().warnings, ElementsAre(HasSubstr("c.pem: the certificate is not valid yet")));
}

TEST_F(NamedFilesTest, what_no_listener_wants_is_no_fault) {
  const Found found = look({.certificate = "c.pem", .key = "k.pem", .names = {}, .authorities = {}}, false);
  EXPECT_THAT(found.faults, IsEmpty());
  EXPECT_THAT(found.warnings, ElementsAre(HasSubstr("c.pem: No such file or directory (no listener has tls or https"),
                                          HasSubstr("k.pem: No such file")));
}

TEST_F(NamedFilesTest, a_key_that_root_may_read_by_override_alone_is_a_fault) {
  if (::geteuid() != 0) GTEST_SKIP() << "root's business";
  const test::Pem pem = test::make_pem();
  write("c.pem", pem.certificate);
  write("k.pem", pem.key);
  ASSERT_EQ(::chown((folder_ + "/k.pem").c_str(), 12345, 12345), 0);
  EXPECT_THAT(look().faults, ElementsAre(HasSubstr("k.pem: root may read it by overriding its mode only")));
  // The right is given back.
  EXPECT_TRUE(std::ifstream{folder_ + "/k.pem"}.is_open());
}

TEST_F(NamedFilesTest, files_that_may_come_later_are_warnings) {
  config::Configuration configuration;
  configuration.tls.certificate = "self-signed";
  configuration.resolution.forward.emplace_back().to_file = "resolv.conf";
  configuration.resolution.local_root = config::LocalRoot{.file = "/nowhere/root"};
  const Found found = look(configuration);
  EXPECT_THAT(found.faults, IsEmpty());
  EXPECT_THAT(found.warnings, ElementsAre(AllOf(HasSubstr("to-file: "), HasSubstr("/resolv.conf: No such file")),
                                          HasSubstr("resolution.local-root: /nowhere/root: No such file")));
  write("resolv.conf", "nameserver 192.0.2.1", 0644);
  EXPECT_EQ(look(configuration).warnings.size(), 1U);
  if (::geteuid() != 0) return;
  write("resolv.conf", "nameserver 192.0.2.1", 0600);
  EXPECT_THAT(look(configuration).warnings, Contains(HasSubstr("root alone may read it")));
}

TEST_F(NamedFilesTest, a_passphrase_that_is_not_there_is_a_fault_where_keys_are_kept) {
  config::Configuration configuration;
  configuration.tls.certificate = "self-signed";
  configuration.zone_keys.passphrase_file = "passphrase";
  EXPECT_THAT(look(configuration).faults, IsEmpty());
  configuration.zone_keys.folder = "/var/lib/redoubt-keys";
  EXPECT_THAT(look(configuration).faults, ElementsAre(HasSubstr("passphrase-file")));
  write("passphrase", "x", 0400);
  if (::geteuid() == 0) {
    ASSERT_EQ(::chown((folder_ + "/passphrase").c_str(), 12345, 12345), 0);
  }
  EXPECT_THAT(look(configuration).faults, IsEmpty()) << "keykeeper's alone";
}

}  // namespace
}  // namespace redoubt::ctl
