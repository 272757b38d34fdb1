// Asks and measures. Prints one JSON object.
//
//   load SERVER@PORT [--names PATTERN] [--first N] [--of N] [--queries N] [--seconds S] [--rate R] [--window W]
//        [--sockets K] [--flood PATTERN] [--flood-share P] [--patience-ms T]
//
// PATTERN has a '#' for the name's number. Numbers are drawn evenly from 0..of-1 with --of, else they count up from
// --first, each once. --queries: so many and no more; else for --seconds. --rate: a second, evenly paced; without it as
// fast as the server answers, with --window questions under way. --flood: another set, never the same name twice, of
// which come P in a hundred queries; they are not measured.
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include "tests/bench/sockets.hpp"

namespace {

using Clock = std::chrono::steady_clock;
using redoubt::bench::fail;

constexpr std::size_t batch_size = 32;
constexpr std::size_t ids = 65'536;

struct Options {
  std::string server;
  std::string names = "n#.bench.";
  std::string flood;
  std::uint64_t first = 0;
  std::uint64_t of = 0;
  std::uint64_t queries = 0;
  double seconds = 5;
  double rate = 0;
  std::size_t window = 256;
  std::size_t sockets = 8;
  unsigned flood_share = 0;
  std::chrono::milliseconds patience{2000};
};

Options options_from(int count, char** arguments) {
  Options options;
  if (count < 2) fail("usage: load SERVER@PORT [options]");
  options.server = arguments[1];
  for (int i = 2; i + 1 < count; i += 2) {
    const std::string name = arguments[i];
    const char* value = arguments[i + 1];
    const auto number = [value] { return std::strtoull(value, nullptr, 10); };
    if (name == "--names")
      options.names = value;
    else if (name == "--flood")
      options.flood = value;
    else if (name == "--first")
      options.first = number();
    else if (name == "--of")
      options.of = number();
    else if (name == "--queries")
      options.queries = number();
    else if (name == "--seconds")
      options.seconds = std::atof(value);
    else if (name == "--rate")
      options.rate = std::atof(value);
    else if (name == "--window")
      options.window = number();
    else if (name == "--sockets")
      options.sockets = number();
    else if (name == "--patience-ms")
      options.patience = std::chrono::milliseconds{number()};
    else if (name == "--flood-share")
      options.flood_share = static_cast<unsigned>(number());
    else
      fail("unknown option " + name);
  }
  return options;
}

/// A query with EDNS, as stubs of today send it.
std::size_t write_query(std::array<std::uint8_t, 512>& room, std::uint16_t id, const std::string& pattern,
                        std::uint64_t number) {
  const std::string text = [&] {
    const std::size_t at = pattern.find('#');
    return at == std::string::npos ? pattern : pattern.substr(0, at) + std::to_string(number) + pattern.substr(at + 1);
  }();
  const std::array<std::uint8_t, 12> header{
      static_cast<std::uint8_t>(id >> 8), static_cast<std::uint8_t>(id), 1, 0, 0, 1, 0, 0, 0, 0, 0, 1};
  auto* at = std::ranges::copy(header, room.begin()).out;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('.', begin);
    *at++ = static_cast<std::uint8_t>(end - begin);
    at = std::copy(text.begin() + static_cast<std::ptrdiff_t>(begin), text.begin() + static_cast<std::ptrdiff_t>(end),
                   at);
    begin = end + 1;
  }
  constexpr std::array<std::uint8_t, 16> rest{0, 0, 1, 0, 1, 0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0};
  at = std::ranges::copy(rest, at).out;
  return static_cast<std::size_t>(at - room.begin());
}

struct Asked {
  Clock::time_point at{};
  bool waits = false;
  bool measured = false;
};

/// One connected socket: queries gather in a batch, answers are matched by id.
class Lane {
 public:
  explicit Lane(const sockaddr_in& server) : socket_{redoubt::bench::datagram_socket()}, asked_(ids) {
    if (connect(socket_, redoubt::bench::generic(server), sizeof server) != 0) fail("cannot connect");
  }
  int socket() const { return socket_; }
  std::size_t waiting() const { return waiting_; }

  void ask(const std::string& pattern, std::uint64_t number, bool measured, Clock::time_point now) {
    while (asked_[next_].waits) ++next_;
    const std::uint16_t id = next_++;
    vectors_[gathered_] = {rooms_[gathered_].data(), write_query(rooms_[gathered_], id, pattern, number)};
    headers_[gathered_] = {};
    headers_[gathered_].msg_hdr.msg_iov = &vectors_[gathered_];
    headers_[gathered_].msg_hdr.msg_iovlen = 1;
    asked_[id] = {now, true, measured};
    order_.push_back(id);
    ++waiting_;
    if (++gathered_ == batch_size) flush();
  }

  void flush() {
    for (std::size_t sent = 0; sent < gathered_;) {
      const int now = sendmmsg(socket_, headers_.data() + sent, static_cast<unsigned>(gathered_ - sent), 0);
      sent += now > 0 ? static_cast<std::size_t>(now) : 1U;
    }
    gathered_ = 0;
  }

  /// answered(asked, octets of the answer).
  template <class Answered>
  void take(const Answered& answered) {
    for (;;) {
      for (std::size_t i = 0; i < batch_size; ++i) {
        in_vectors_[i] = {in_rooms_[i].data(), in_rooms_[i].size()};
        in_headers_[i] = {};
        in_headers_[i].msg_hdr.msg_iov = &in_vectors_[i];
        in_headers_[i].msg_hdr.msg_iovlen = 1;
      }
      const int taken = recvmmsg(socket_, in_headers_.data(), batch_size, MSG_DONTWAIT, nullptr);
      for (int i = 0; i < taken; ++i) {
        const auto& octets = in_rooms_[static_cast<std::size_t>(i)];
        Asked& asked = asked_[static_cast<std::size_t>(octets[0] << 8 | octets[1])];
        if (!asked.waits) continue;
        asked.waits = false;
        --waiting_;
        answered(asked, octets);
      }
      if (taken < static_cast<int>(batch_size)) return;
    }
  }

  std::uint64_t give_up(Clock::time_point before) {
    std::uint64_t lost = 0;
    while (!order_.empty()) {
      Asked& asked = asked_[order_.front()];
      if (asked.waits && asked.at > before) break;
      if (asked.waits) {
        asked.waits = false;
        --waiting_;
        ++lost;
      }
      order_.pop_front();
    }
    return lost;
  }

 private:
  int socket_;
  std::vector<Asked> asked_;
  std::deque<std::uint16_t> order_;
  std::size_t waiting_ = 0;
  std::uint16_t next_ = 0;
  std::size_t gathered_ = 0;
  std::array<std::array<std::uint8_t, 512>, batch_size> rooms_;
  std::array<iovec, batch_size> vectors_;
  std::array<mmsghdr, batch_size> headers_;
  std::array<std::array<std::uint8_t, 2048>, batch_size> in_rooms_;
  std::array<iovec, batch_size> in_vectors_;
  std::array<mmsghdr, batch_size> in_headers_;
};

class Load {
 public:
  explicit Load(Options options) : options_{std::move(options)} {
    const sockaddr_in server = redoubt::bench::address_of(options_.server);
    for (std::size_t i = 0; i < options_.sockets; ++i) lanes_.push_back(std::make_unique<Lane>(server));
  }

  void run() {
    const Clock::time_point begun = Clock::now();
    const auto time = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>{options_.seconds});
    for (;;) {
      const Clock::time_point now = Clock::now();
      const bool ends = options_.queries != 0 ? asked_ >= options_.queries : now - begun >= time;
      if (ends) break;
      ask_what_is_due(begun, now);
      take(now);
    }
    const Clock::time_point asked_all = Clock::now();
    while (waiting() != 0 && Clock::now() - asked_all < options_.patience) take(Clock::now());
    const double took = std::chrono::duration<double>(last_answer_ - begun).count();
    for (const auto& lane : lanes_) lost_ += lane->give_up(Clock::time_point::max());
    print(took);
  }

 private:
  std::size_t waiting() const {
    std::size_t sum = 0;
    for (const auto& lane : lanes_) sum += lane->waiting();
    return sum;
  }

  void ask_what_is_due(Clock::time_point begun, Clock::time_point now) {
    std::uint64_t due = 0;
    if (options_.rate > 0) {
      const auto by_now =
          static_cast<std::uint64_t>(std::chrono::duration<double>(now - begun).count() * options_.rate);
      due = by_now > asked_ ? by_now - asked_ : 0;
    } else {
      const std::size_t under_way = waiting();
      due = under_way < options_.window ? options_.window - under_way : 0;
    }
    if (options_.queries != 0) due = std::min(due, options_.queries - asked_);
    for (; due > 0; --due) {
      Lane& lane = *lanes_[asked_++ % lanes_.size()];
      const bool floods = options_.flood_share != 0 && dice_() % 100 < options_.flood_share;
      if (floods) {
        lane.ask(options_.flood, flooded_++, false, now);
      } else {
        lane.ask(options_.names, options_.of != 0 ? dice_() % options_.of : options_.first + counted_++, true, now);
      }
    }
    for (const auto& lane : lanes_) lane->flush();
  }

  void take(Clock::time_point now) {
    for (const auto& lane : lanes_) {
      lane->take([&](const Asked& asked, const auto& octets) {
        last_answer_ = now;
        ++answered_;
        ++rcodes_[octets[3] & 0xfU];
        if (asked.measured)
          times_.push_back(static_cast<std::uint32_t>(
              std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - asked.at).count() / 100));
      });
      lost_ += lane->give_up(now - options_.patience);
    }
  }

  void print(double took) {
    std::ranges::sort(times_);
    const auto percentile = [&](double part) {
      return times_.empty() ? 0.0
                            : times_[static_cast<std::size_t>(part * static_cast<double>(times_.size() - 1))] / 10.0;
    };
    std::printf(
        "{\"asked\": %llu, \"answered\": %llu, \"lost\": %llu, \"seconds\": %.6f, \"p50\": %.1f, \"p99\": %.1f, "
        "\"rcodes\": {",
        static_cast<unsigned long long>(asked_), static_cast<unsigned long long>(answered_),
        static_cast<unsigned long long>(lost_), took, percentile(0.5), percentile(0.99));
    const char* comma = "";
    for (const auto& [rcode, times] : rcodes_) {
      std::printf("%s\"%u\": %llu", comma, rcode, static_cast<unsigned long long>(times));
      comma = ", ";
    }
    std::printf("}, \"flooded\": %llu}\n", static_cast<unsigned long long>(flooded_));
  }

  Options options_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::mt19937_64 dice_{1};
  std::uint64_t asked_ = 0;
  std::uint64_t counted_ = 0;
  std::uint64_t flooded_ = 0;
  std::uint64_t answered_ = 0;
  std::uint64_t lost_ = 0;
  std::map<unsigned, std::uint64_t> rcodes_;
  std::vector<std::uint32_t> times_;  // tenths of a microsecond
  Clock::time_point last_answer_{};
};

}  // namespace

int main(int count, char** arguments) { Load{options_from(count, arguments)}.run(); }
