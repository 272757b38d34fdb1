#include "appliance/control/files.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/dnssec/temporary_folder.hpp"

namespace redoubt::control {
namespace {

using testing::HasSubstr;

class FilesTest : public testing::Test {
 protected:
  static mode_t mode_of(const std::string& path) {
    struct stat status {};
    EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
    return status.st_mode & 07777U;
  }
  tests::TemporaryFolder temporary_;
  const std::string& path_ = temporary_.path();
};

TEST_F(FilesTest, the_state_folder_is_made_for_its_owner_alone) {
  const mode_t before = ::umask(077);
  EXPECT_TRUE(open_state_folder(path_ + "/a/b/state"));
  ::umask(before);
  EXPECT_EQ(mode_of(path_ + "/a/b/state"), 0700U);
  EXPECT_EQ(mode_of(path_ + "/a"), 0755U);
  EXPECT_TRUE(open_state_folder(path_ + "/a/b/state"));  // and found again
  EXPECT_TRUE(open_state_folder(path_ + "/a/b/state/"));
}

TEST_F(FilesTest, a_state_folder_that_cannot_be_is_one_line) {
  std::ofstream{path_ + "/file"} << "x";
  const auto below_a_file = open_state_folder(path_ + "/file/state");
  ASSERT_FALSE(below_a_file);
  EXPECT_EQ(below_a_file.error(), "state: " + path_ + "/file/state: Not a directory");
  EXPECT_FALSE(open_state_folder(path_ + "/file"));
}

TEST_F(FilesTest, a_state_folder_that_its_owner_cannot_write_is_refused) {
  ASSERT_EQ(::mkdir((path_ + "/state").c_str(), 0700), 0);
  std::ofstream{path_ + "/state/other"} << "x";
  ASSERT_EQ(::chmod((path_ + "/state").c_str(), 0500), 0);
  const auto folder = open_state_folder(path_ + "/state");
  ASSERT_FALSE(folder);
  EXPECT_THAT(folder.error(), HasSubstr("cannot be written"));
}

TEST_F(FilesTest, a_leftover_socket_is_replaced_and_a_living_one_is_not) {
  const std::string path = path_ + "/run/control.sock";
  {
    const auto first = open_api_listener(path);
    ASSERT_TRUE(first) << first.error();
    EXPECT_EQ(mode_of(path), 0660U);
    const auto second = open_api_listener(path);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error(), "control.socket: " + path + ": another process listens there");
  }
  EXPECT_TRUE(std::filesystem::exists(path));
  EXPECT_TRUE(open_api_listener(path));
}

TEST_F(FilesTest, a_file_in_the_sockets_place_is_never_removed) {
  std::ofstream{path_ + "/precious"} << "x";
  const auto listener = open_api_listener(path_ + "/precious");
  ASSERT_FALSE(listener);
  EXPECT_THAT(listener.error(), HasSubstr("something else than a socket is there"));
  EXPECT_TRUE(std::filesystem::exists(path_ + "/precious"));
  ASSERT_EQ(::symlink((path_ + "/precious").c_str(), (path_ + "/link").c_str()), 0);
  EXPECT_FALSE(open_api_listener(path_ + "/link"));
  EXPECT_TRUE(std::filesystem::is_symlink(path_ + "/link"));
}

TEST_F(FilesTest, a_socket_path_has_a_length) {
  const auto listener = open_api_listener("/tmp/" + std::string(120, 'x'));
  ASSERT_FALSE(listener);
  EXPECT_THAT(listener.error(), HasSubstr("longer than 107 octets"));
}

TEST_F(FilesTest, a_taken_http_port_is_one_line) {
  dns::Endpoint at = *dns::Endpoint::from_text("127.0.0.1@1", 0);
  at.port = 0;
  const auto first = open_http_listener(at);
  ASSERT_TRUE(first);
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  ASSERT_EQ(::getsockname(first->get(), reinterpret_cast<sockaddr*>(&bound), &size), 0);  // NOLINT: the API's way
  at.port = ntohs(reinterpret_cast<const sockaddr_in*>(&bound)->sin_port);                // NOLINT
  const auto second = open_http_listener(at);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error(), "control.http: " + at.to_text() + ": Address already in use");
}

TEST_F(FilesTest, named_files_are_taken_from_the_configurations_folder) {
  std::ofstream{path_ + "/hints"} << "text";
  EXPECT_EQ(read_named_file("hints", path_ + "/redoubt.yaml").value(), "text");
  EXPECT_EQ(read_named_file(path_ + "/hints", "/elsewhere/redoubt.yaml").value(), "text");
  EXPECT_EQ(read_named_file("none", path_ + "/redoubt.yaml").error(), "No such file or directory");
  ASSERT_EQ(::mkfifo((path_ + "/pipe").c_str(), 0600), 0);
  EXPECT_EQ(read_named_file("pipe", path_ + "/redoubt.yaml").value(), "");  // does not wait for a writer
}

TEST_F(FilesTest, folders_of_files_are_those_that_they_are_in_and_those_behind_links) {
  std::filesystem::create_directory(path_ + "/behind");
  std::ofstream{path_ + "/behind/stub"} << "nameserver 192.0.2.1";
  std::filesystem::create_symlink("behind/stub", path_ + "/resolv.conf");
  const auto folders = folders_of({"resolv.conf", "/nowhere/at-all/hints", "keys/../ca.pem"}, path_ + "/redoubt.yaml");
  EXPECT_THAT(folders, testing::UnorderedElementsAre(path_, std::filesystem::canonical(path_ + "/behind").string(),
                                                     "/nowhere/at-all", path_ + "/keys/.."));
}

TEST_F(FilesTest, the_root_folder_is_known_by_each_of_its_names) {
  for (const char* path : {"/", "/.", "/..", "/etc/.."}) EXPECT_TRUE(is_root_folder(open_folder(path))) << path;
  std::filesystem::create_directory_symlink("/", path_ + "/all");
  EXPECT_TRUE(is_root_folder(open_folder(path_ + "/all")));
  EXPECT_FALSE(is_root_folder(open_folder(path_)));
  EXPECT_FALSE(is_root_folder(open_folder("/etc")));
  EXPECT_FALSE(is_root_folder({}));
}

TEST_F(FilesTest, reading_stops_at_the_limit) {
  std::ofstream{path_ + "/big"} << std::string(200'000, 'x');
  const channel::Descriptor file{::open((path_ + "/big").c_str(), O_RDONLY | O_CLOEXEC)};
  EXPECT_EQ(read_all(file.get(), 100'000).error(), "more than 100000 octets");
}

TEST(Folder, is_the_part_before_the_last_slash) {
  EXPECT_EQ(folder_of("/etc/redoubt/redoubt.yaml"), "/etc/redoubt");
  EXPECT_EQ(folder_of("redoubt.yaml"), ".");
  EXPECT_EQ(folder_of("/redoubt.yaml"), "/");
}

TEST(OwnAddresses, have_loopback_among_them) {
  const auto addresses = own_addresses();
  EXPECT_THAT(addresses, testing::Contains(*dns::IpAddress::from_text("127.0.0.1")));
}

}  // namespace
}  // namespace redoubt::control
