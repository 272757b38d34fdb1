#include "resolver/role/query_log.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

namespace redoubt::resolver {
namespace {

using testing::HasSubstr;
using testing::Not;

QueryRecord record(std::string_view name = "www.example") {
  QueryRecord record;
  record.at = std::chrono::system_clock::time_point{std::chrono::milliseconds{1'700'000'000'123}};
  record.took = std::chrono::microseconds{12'345};
  record.client = *dns::IpAddress::from_text("192.0.2.77");
  record.source = AnswerSource::resolved;
  record.name = *dns::Name::from_text(name);
  record.type = dns::type::aaaa;
  return record;
}

class Pipe {
 public:
  Pipe() {
    if (::pipe2(ends_.data(), O_CLOEXEC | O_NONBLOCK) != 0) std::abort();
  }
  ~Pipe() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  int in() const { return ends_[1]; }
  std::string take() const {
    std::string all;
    std::array<char, 65'536> room;
    for (ssize_t octets = 0; (octets = ::read(ends_[0], room.data(), room.size())) > 0;)
      all.append(room.data(), static_cast<std::size_t>(octets));
    return all;
  }

 private:
  std::array<int, 2> ends_{};
};

TEST(QueryLogLine, tells_when_who_what_and_what_came_of_it) {
  EXPECT_EQ(line_of(record(), {}),
            "2023-11-14T22:13:20.123Z 192.0.2.77 udp www.example. AAAA NOERROR resolved 12.3 ms\n");
  QueryRecord failed = record();
  failed.stream = true;
  failed.rcode = dns::Rcode::servfail;
  failed.error = dns::EdeCode::no_reachable_authority;
  EXPECT_THAT(line_of(failed, {}), HasSubstr(" stream www.example. AAAA SERVFAIL resolved 12.3 ms EDE 22\n"));
}

TEST(QueryLogLine, is_an_object_where_the_log_is_json) {
  QueryRecord failed = record();
  failed.error = dns::EdeCode::no_reachable_authority;
  const std::string line = line_of(failed, {.json = true});
  EXPECT_TRUE(line.ends_with("}\n"));
  const auto object = nlohmann::json::parse(line);
  EXPECT_EQ(object["time"], "2023-11-14T22:13:20.123Z");
  EXPECT_EQ(object["client"], "192.0.2.77");
  EXPECT_EQ(object["name"], "www.example.");
  EXPECT_EQ(object["type"], "AAAA");
  EXPECT_EQ(object["rcode"], "NOERROR");
  EXPECT_EQ(object["source"], "resolved");
  EXPECT_EQ(object["ede"], 22);
}

TEST(QueryLogLine, no_name_breaks_out_of_its_line) {
  const QueryRecord hostile = record(R"(a\010b\032\027\255\"\\.example)");
  for (const bool json : {false, true}) {
    const std::string line = line_of(hostile, {.json = json});
    EXPECT_EQ(std::ranges::count(line, '\n'), 1) << line;
    for (const char octet : line.substr(0, line.size() - 1)) EXPECT_TRUE(octet >= 0x20 && octet < 0x7f) << line;
    if (json) {
      EXPECT_EQ(nlohmann::json::parse(line)["name"], hostile.name.to_text());
    } else {
      EXPECT_EQ(std::ranges::count(line, ' '), 8) << "a blank in a name would move the columns: " << line;
    }
  }
}

TEST(QueryLogLine, clients_are_their_network_where_addresses_are_not_wanted_whole) {
  EXPECT_THAT(line_of(record(), {.whole_addresses = false}), HasSubstr(" 192.0.2.0/24 udp"));
  QueryRecord six = record();
  six.client = *dns::IpAddress::from_text("2001:db8:1:2ff::7");
  EXPECT_THAT(line_of(six, {.whole_addresses = false}), HasSubstr(" 2001:db8:1:200::/56 udp"));
}

TEST(QueryLogChoice, every_condition_has_to_hold) {
  const QueryRecord one = record();
  EXPECT_TRUE(is_picked(one, {}));
  EXPECT_TRUE(is_picked(one, {.clients = {*dns::Prefix::from_text("192.0.2.0/24")}}));
  EXPECT_FALSE(is_picked(one, {.clients = {*dns::Prefix::from_text("192.0.3.0/24")}}));
  EXPECT_TRUE(is_picked(one, {.zones = {dns::Name::literal("other"), dns::Name::literal("example")}}));
  EXPECT_FALSE(is_picked(one, {.zones = {dns::Name::literal("a.www.example")}}));
  EXPECT_FALSE(is_picked(one, {.failed_only = true}));
  EXPECT_TRUE(is_picked(one, {.slower_than = std::chrono::milliseconds{12}}));
  EXPECT_FALSE(is_picked(one, {.slower_than = std::chrono::milliseconds{13}}));
  QueryRecord failed = one;
  failed.rcode = dns::Rcode::servfail;
  EXPECT_TRUE(is_picked(failed, {.failed_only = true}));
  failed.rcode = dns::Rcode::nxdomain;
  EXPECT_FALSE(is_picked(failed, {.failed_only = true})) << "the name is not there: nothing failed";
}

TEST(QueryLogRing, gives_back_in_order_and_takes_no_more_than_it_has_room_for) {
  QueryRing ring;
  std::size_t taken = 0;
  while (ring.put(record())) ++taken;
  EXPECT_EQ(taken, QueryRing::slots);
  ASSERT_TRUE(ring.take());
  EXPECT_TRUE(ring.put(record("last.example")));
  std::optional<QueryRecord> last;
  while (auto next = ring.take()) last = std::move(next);
  EXPECT_EQ(last->name, dns::Name::literal("last.example"));
}

TEST(QueryLogThread, writes_whole_lines_of_all_rings) {
  const Pipe pipe;
  constexpr std::size_t lines = 300;
  std::string all;
  {
    QueryLog log{pipe.in()};
    QueryRing& first = log.add_ring();
    QueryRing& second = log.add_ring();
    const auto fill = [](QueryRing& ring, std::string_view name) {
      for (std::size_t i = 0; i < lines; ++i) ring.put(record(name));
    };
    std::thread one{[&] { fill(first, "one.example"); }};
    std::thread two{[&] { fill(second, "two.example"); }};
    one.join();
    two.join();
    // Lines that the pipe has no room for would be lost: it is emptied while they come.
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{60};
    while (std::ranges::count(all, '\n') < static_cast<std::ptrdiff_t>(2 * lines) &&
           std::chrono::steady_clock::now() < end)
      all += pipe.take();
    EXPECT_EQ(log.lost(), 0U);
  }
  std::istringstream stream{all};
  std::size_t ones = 0;
  std::size_t twos = 0;
  for (std::string line; std::getline(stream, line);) {
    if (line + "\n" == line_of(record("one.example"), {})) ++ones;
    if (line + "\n" == line_of(record("two.example"), {})) ++twos;
  }
  EXPECT_EQ(ones, lines);
  EXPECT_EQ(twos, lines);
}

TEST(QueryLogThread, nobody_reads_so_lines_are_lost_and_counted) {
  const Pipe pipe;
  std::size_t put = 0;
  {
    QueryLog log{pipe.in()};
    QueryRing& ring = log.add_ring();
    for (; put < QueryRing::slots; ++put) ASSERT_TRUE(ring.put(record()));
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{60};
    while (log.lost() == 0 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
    EXPECT_GT(log.lost(), 0U);
  }
  const std::string written = pipe.take();
  EXPECT_TRUE(written.ends_with('\n'));
  EXPECT_LT(static_cast<std::size_t>(std::ranges::count(written, '\n')), put);
}

TEST(QueryLogThread, settings_of_a_reload_hold_for_the_next_lines) {
  const Pipe pipe;
  {
    QueryLog log{pipe.in()};
    log.use({.sample = 1, .json = true});
    log.add_ring().put(record());
  }
  EXPECT_TRUE(pipe.take().starts_with("{\"time\":"));
}

}  // namespace
}  // namespace redoubt::resolver
