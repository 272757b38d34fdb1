#include "appliance/control/key_secret.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "appliance/control/files.hpp"
#include "tests/unit/dnssec/temporary_folder.hpp"

namespace redoubt::control {
namespace {

using testing::HasSubstr;

class ZoneKeyFolder : public testing::Test {
 protected:
  ZoneKeyFolder() { state_ = *open_state_folder(path_ + "/state"); }
  mode_t mode_of(const std::string& name) const {
    struct stat status {};
    EXPECT_EQ(::stat((path_ + name).c_str(), &status), 0) << name;
    return status.st_mode & 07777U;
  }
  void make(const std::string& name, mode_t mode, bool has_file) const {
    std::filesystem::create_directories(path_ + name);
    if (has_file) std::ofstream{path_ + name + "/a file"} << "x";
    ASSERT_EQ(::chmod((path_ + name).c_str(), mode), 0);
  }
  std::string error_of(const std::string& name) const {
    const auto opened = open_zone_keys(path_ + name, state_);
    return opened ? std::string{} : opened.error();
  }
  tests::TemporaryFolder temporary_;
  const std::string& path_ = temporary_.path();
  channel::Descriptor state_;
};

TEST_F(ZoneKeyFolder, one_that_is_missing_empty_or_keykeepers_already_is_taken) {
  EXPECT_EQ(error_of("/keys"), "");
  EXPECT_EQ(mode_of("/keys"), 0700U);
  make("/empty", 0755, false);
  EXPECT_EQ(error_of("/empty/"), "");
  EXPECT_EQ(mode_of("/empty"), 0700U);
  std::ofstream{path_ + "/empty/a file"} << "x";
  EXPECT_EQ(error_of("/empty"), "") << "the next start";
}

TEST_F(ZoneKeyFolder, the_folder_above_it_is_not_made) {
  EXPECT_THAT(error_of("/new/keys"), HasSubstr("/new/keys: the folder that it shall lie in is not there"));
  EXPECT_FALSE(std::filesystem::exists(path_ + "/new"));
}

TEST_F(ZoneKeyFolder, one_with_files_that_is_not_keykeepers_is_left_alone) {
  make("/home", 0755, true);
  EXPECT_THAT(error_of("/home"), HasSubstr("zone-keys.folder: " + path_ + "/home: it has files in it"));
  EXPECT_THAT(error_of("/home"), HasSubstr("mode 0755"));
  EXPECT_EQ(mode_of("/home"), 0755U);
}

TEST_F(ZoneKeyFolder, a_link_is_not_followed) {
  make("/elsewhere", 0755, false);
  std::filesystem::create_symlink("elsewhere", path_ + "/link");
  for (const char* name : {"/link", "/link/", "/link/.", "/link//./"})
    EXPECT_THAT(error_of(name), HasSubstr("it is a link")) << name;
  EXPECT_EQ(mode_of("/elsewhere"), 0755U);
}

TEST_F(ZoneKeyFolder, the_state_folder_and_what_is_below_it_are_refused) {
  std::filesystem::create_symlink("state", path_ + "/other-name");
  make("/state/deep", 0755, false);
  for (const char* name : {"/state", "/state/keys", "/state/deep/er", "/other-name/keys", "/state/../state/keys"})
    EXPECT_THAT(error_of(name), HasSubstr("it is the state folder or below it")) << name;
  EXPECT_EQ(error_of("/state-keys"), "");
}

}  // namespace
}  // namespace redoubt::control
