#include "appliance/control/server_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/dnssec/temporary_folder.hpp"

namespace redoubt::control {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

class ServerFilesTest : public testing::Test {
 protected:
  ServerFilesTest() { configuration_.resolution.forward.push_back({.zone = {}, .to = {}, .to_file = "resolv.conf"}); }
  void write(const std::string& name, const std::string& text) const { std::ofstream{folder_ + "/" + name} << text; }
  void use() { files_.use(configuration_, folder_ + "/redoubt.yaml"); }
  std::vector<std::string> servers() const {
    std::vector<std::string> texts;
    for (const dns::IpAddress& address : files_.servers().at("resolv.conf")) texts.push_back(address.to_text());
    return texts;
  }
  tests::TemporaryFolder temporary_;
  const std::string& folder_ = temporary_.path();
  config::Configuration configuration_;
  ServerFiles files_;
};

TEST_F(ServerFilesTest, are_read_when_they_come_into_use) {
  write("resolv.conf", "nameserver 192.0.2.1\nnameserver 192.0.2.2\n");
  use();
  EXPECT_THAT(servers(), ElementsAre("192.0.2.1", "192.0.2.2"));
  EXPECT_FALSE(files_.look()) << "nothing has changed";
}

TEST_F(ServerFilesTest, new_file_in_place_of_the_old_one_is_seen) {
  write("resolv.conf", "nameserver 192.0.2.1\n");
  use();
  write("new", "nameserver 192.0.2.2\n");
  std::filesystem::rename(folder_ + "/new", folder_ + "/resolv.conf");
  EXPECT_TRUE(files_.look());
  EXPECT_THAT(servers(), ElementsAre("192.0.2.2"));
  EXPECT_FALSE(files_.look());
}

TEST_F(ServerFilesTest, turned_link_is_seen) {
  write("one", "nameserver 192.0.2.1\n");
  write("two", "nameserver 192.0.2.2\n");
  std::filesystem::create_symlink(folder_ + "/one", folder_ + "/resolv.conf");
  use();
  std::filesystem::create_symlink(folder_ + "/two", folder_ + "/link");
  std::filesystem::rename(folder_ + "/link", folder_ + "/resolv.conf");
  EXPECT_TRUE(files_.look());
  EXPECT_THAT(servers(), ElementsAre("192.0.2.2"));
}

TEST_F(ServerFilesTest, broken_empty_missing_or_endless_one_leaves_the_former_servers) {
  write("resolv.conf", "nameserver 192.0.2.1\n");
  use();
  write("resolv.conf", "");
  EXPECT_FALSE(files_.look());
  write("resolv.conf", "nameserver broken\n");
  EXPECT_FALSE(files_.look());
  write("resolv.conf", "nameserver 192.0.2.9\n" + std::string(100'000, '#'));
  EXPECT_FALSE(files_.look());
  std::filesystem::remove(folder_ + "/resolv.conf");
  EXPECT_FALSE(files_.look());
  EXPECT_THAT(servers(), ElementsAre("192.0.2.1"));
  write("resolv.conf", "nameserver 192.0.2.1\n");
  EXPECT_FALSE(files_.look()) << "the same as before";
  EXPECT_THAT(servers(), ElementsAre("192.0.2.1"));
}

TEST_F(ServerFilesTest, one_that_comes_late_is_taken_then) {
  use();
  EXPECT_THAT(servers(), IsEmpty());
  write("resolv.conf", "nameserver 192.0.2.1\n");
  EXPECT_TRUE(files_.look());
  EXPECT_THAT(servers(), ElementsAre("192.0.2.1"));
}

TEST_F(ServerFilesTest, former_servers_outlive_a_reload_and_go_with_their_setting) {
  write("resolv.conf", "nameserver 192.0.2.1\n");
  use();
  std::filesystem::remove(folder_ + "/resolv.conf");
  use();
  EXPECT_THAT(servers(), ElementsAre("192.0.2.1"));
  configuration_.resolution.forward.clear();
  use();
  EXPECT_THAT(files_.servers(), IsEmpty());
}

}  // namespace
}  // namespace redoubt::control
