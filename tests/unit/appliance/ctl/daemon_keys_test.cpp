// The way to keykeeper's signatures, against a daemon of the test's own.
#include "appliance/ctl/daemon_keys.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "dnssec/base/records.hpp"

namespace redoubt::ctl {
namespace {

using dnssec::Octets;

/// DNSKEY RDATA 257 3 13 with a key of three octets: 01 01 03 0d 01 02 03.
constexpr std::string_view key_in_base64 = "AQEDDQECAw==";
const Octets key{1, 1, 3, 13, 1, 2, 3};

/// Answers when `together` requests for signatures are there at once, and those that come later at once. The first is
/// told that there is too much to do, the second one's connection breaks.
class Daemon {
 public:
  explicit Daemon(unsigned together) : together_{together} {
    std::string pattern = testing::TempDir() + "redoubt-daemon-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    std::ranges::copy(socket(), std::begin(address.sun_path));
    listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener_, 64), 0);
    accepting_ = std::jthread{[this] { accept_all(); }};
  }
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;
  ~Daemon() {
    ::shutdown(listener_, SHUT_RDWR);
    accepting_.join();
    answering_.clear();
    ::close(listener_);
    std::filesystem::remove_all(folder_);
  }
  std::string socket() const { return folder_ + "/socket"; }
  unsigned most_at_once() const { return most_; }

 private:
  void accept_all() {
    for (;;) {
      const int client = ::accept(listener_, nullptr, nullptr);
      if (client < 0) return;
      answering_.emplace_back([this, client] {
        serve(client);
        ::close(client);
      });
    }
  }

  /// Until the head and so many octets as it says are there.
  static std::string read_request(int client) {
    std::string text;
    for (char octet = 0; ::read(client, &octet, 1) == 1;) {
      text.push_back(octet);
      const auto head = text.find("\r\n\r\n");
      if (head == std::string::npos) continue;
      const auto length = text.find("Content-Length: ");
      const std::size_t body = length == std::string::npos ? 0 : std::stoul(text.substr(length + 16));
      if (text.size() == head + 4 + body) break;
    }
    return text;
  }

  static void answer(int client, std::string_view status, const std::string& body) {
    const std::string text =
        fmt::format("HTTP/1.1 {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}", status, body.size(), body);
    (void)::send(client, text.data(), text.size(), MSG_NOSIGNAL);
  }

  void serve(int client) {
    if (read_request(client).starts_with("GET"))
      return answer(client, "200 OK", fmt::format(R"({{"dnskeys":["{}"]}})", key_in_base64));
    const unsigned here = ++under_way_;
    for (unsigned most = most_; most < here && !most_.compare_exchange_weak(most, here);) {
    }
    while (most_ < together_) std::this_thread::yield();
    const unsigned number = ++answered_;
    --under_way_;  // before the answer: the next may come as soon as that is there
    if (number == 1) return answer(client, "503 Service Unavailable", R"({"error":"too much"})");
    if (number != 2) answer(client, "200 OK", R"({"signatures":["AQ=="]})");
  }

  unsigned together_;
  std::string folder_;
  int listener_ = -1;
  std::atomic<unsigned> under_way_ = 0;
  std::atomic<unsigned> most_ = 0;
  std::atomic<unsigned> answered_ = 0;
  std::vector<std::jthread> answering_;
  std::jthread accepting_;
};

TEST(DaemonKeys, eight_requests_are_under_way_at_most_and_what_passes_is_asked_again) {
  const Daemon daemon{8};
  const auto house = daemon_keys(ApiClient{daemon.socket(), std::chrono::seconds{60}});
  const auto found = house->find(dns::Name::literal("zone.example."), key);
  ASSERT_TRUE(found) << found.error();
  std::atomic<unsigned> signed_sets = 0;
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < 24; ++i) {
      threads.emplace_back([&] {
        Octets signature;
        if ((*found)->signer()->sign(Octets{1, 2, 3}, signature) && signature == Octets{1}) ++signed_sets;
      });
    }
  }
  EXPECT_EQ(signed_sets, 24U) << (*found)->trouble();
  EXPECT_EQ(daemon.most_at_once(), 8U);
}

TEST(DaemonKeys, a_daemon_that_is_not_there_is_told_of_at_once) {
  const auto house = daemon_keys(ApiClient{testing::TempDir() + "redoubt-no-such-socket"});
  const auto found = house->find(dns::Name::literal("zone.example."), key);
  ASSERT_FALSE(found);
  EXPECT_NE(found.error().find("cannot reach resolverd"), std::string::npos) << found.error();
}

}  // namespace
}  // namespace redoubt::ctl
