// `resolverctl config check` and the TLS files that a configuration names.
#include "appliance/ctl/tls_files.hpp"

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

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class TlsFilesTest : public ::testing::Test {
 protected:
  TlsFilesTest() { std::filesystem::create_directories(folder_); }
  ~TlsFilesTest() override { std::filesystem::remove_all(folder_); }
  void write(const std::string& name, const std::string& text, mode_t mode = 0600) const {
    const std::string path = folder_ + "/" + name;
    std::ofstream{path, std::ios::binary} << text;
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
  }
  TlsFindings look(const config::Tls& tls) const { return look_at_tls_files(tls, folder_ + "/redoubt.yaml", now_); }
  TlsFindings look() const { return look({.certificate = "c.pem", .key = "k.pem", .names = {}, .authorities = {}}); }

  std::string folder_ = testing::TempDir() + "tls_files." + std::to_string(::getpid());
  std::int64_t now_ = std::time(nullptr);
};

TEST_F(TlsFilesTest, a_pair_that_fits_is_fine) {
  const test::Pem pem = test::make_pem();
  write("c.pem", pem.certificate, 0644);
  write("k.pem", pem.key, 0640);
  EXPECT_THAT(look().faults, IsEmpty());
  EXPECT_THAT(look().warnings, IsEmpty());
}

TEST_F(TlsFilesTest, our_own_certificate_has_no_files) {
  EXPECT_THAT(look({.certificate = "self-signed", .key = {}, .names = {}, .authorities = {}}).faults, IsEmpty());
}

TEST_F(TlsFilesTest, a_key_of_another_certificate_is_a_fault) {
  write("c.pem", test::make_pem().certificate);
  write("k.pem", test::make_pem().key);
  EXPECT_THAT(look().faults, ElementsAre(HasSubstr("c.pem: the key is not this certificate's")));
}

TEST_F(TlsFilesTest, each_further_certificate_is_looked_at) {
  const test::Pem pem = test::make_pem();
  write("c.pem", pem.certificate);
  write("k.pem", pem.key);
  write("other.pem", test::make_pem().key);
  const TlsFindings found = look({.certificate = "c.pem",
                                  .key = "k.pem",
                                  .more = {{"c.pem", "other.pem"}, {"none.pem", "k.pem"}},
                                  .names = {},
                                  .authorities = {}});
  EXPECT_THAT(found.faults, ElementsAre(HasSubstr("the key is not"), HasSubstr("none.pem: No such file")));
}

TEST_F(TlsFilesTest, what_is_no_certificate_or_missing_is_a_fault) {
  EXPECT_THAT(look().faults, ElementsAre(HasSubstr("c.pem: No such file"), HasSubstr("k.pem: No such file")));
  write("c.pem", "certificate");
  write("k.pem", test::make_pem().key);
  EXPECT_THAT(look().faults, ElementsAre(HasSubstr("no certificate in PEM")));
}

TEST_F(TlsFilesTest, a_key_that_everybody_may_read_is_a_warning) {
  const test::Pem pem = test::make_pem();
  write("c.pem", pem.certificate);
  write("k.pem", pem.key, 0644);
  EXPECT_THAT(look().faults, IsEmpty());
  EXPECT_THAT(look().warnings, ElementsAre(HasSubstr("k.pem: everybody on this machine may read the key (mode 0644)")));
}

TEST_F(TlsFilesTest, an_end_that_has_come_or_is_near_is_a_warning) {
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

}  // namespace
}  // namespace redoubt::ctl
