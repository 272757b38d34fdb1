// Asks and measures. Prints one JSON object.
//
//   load SERVER@PORT [--names PATTERN] [--first N] [--of N] [--queries N] [--seconds S] [--rate R] [--pace even|chance]
//        [--seed N] [--window W] [--sockets K] [--flood PATTERN] [--flood-first N] [--flood-share P] [--patience-ms T]
//
// PATTERN has a '#' for the name's number. Numbers are drawn evenly from 0..of-1 with --of, else they count up from
// --first, each once. --queries: so many and no more; else for --seconds. --rate: a second, evenly paced or by chance
// (gaps drawn by a negative exponential distribution from --seed: a Poisson process); without it as fast as the server
// answers, with --window questions under way. --flood: another set, never the same name twice, counted up from
// --flood-first, of which come P in a hundred queries; they are not measured.
//
// With a rate, times count from when a question was due, however late it left, until its answer was in our socket by
// the kernel's stamp, however late we read it. "late" says how late questions left, at the 99th percentile: what of the
// times is our own; "way_p99" is the times' without that.
#include <poll.h>
#include <sys/prctl.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include "tests/bench/arrivals.hpp"
#include "tests/bench/sockets.hpp"

namespace {

using Clock = std::chrono::steady_clock;
using redoubt::bench::fail;

constexpr std::size_t batch_size = 32;
constexpr std::size_t ids = 65'536;
/// Before a question is due nobody sleeps: waking takes its time.
constexpr std::chrono::microseconds vigil{60};

struct Options {
  std::string server;
  std::string names = "n#.bench.";
  std::string flood;
  std::uint64_t first = 0;
  std::uint64_t of = 0;
  std::uint64_t queries = 0;
  double seconds = 5;
  double rate = 0;
  redoubt::bench::Arrivals::Pace pace = redoubt::bench::Arrivals::Pace::even;
  std::uint64_t seed = 1;
  std::size_t window = 256;
  std::size_t sockets = 8;
  std::uint64_t flood_first = 0;
  double flood_share = 0;
  std::chrono::milliseconds patience{2000};
};

redoubt::bench::Arrivals::Pace pace_from(std::string_view text) {
  if (text == "even") return redoubt::bench::Arrivals::Pace::even;
  if (text == "chance") return redoubt::bench::Arrivals::Pace::chance;
  fail("a pace is even or chance");
}

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
    else if (name == "--pace")
      options.pace = pace_from(value);
    else if (name == "--seed")
      options.seed = number();
    else if (name == "--window")
      options.window = number();
    else if (name == "--sockets")
      options.sockets = number();
    else if (name == "--patience-ms")
      options.patience = std::chrono::milliseconds{number()};
    else if (name == "--flood-share")
      options.flood_share = std::atof(value);
    else if (name == "--flood-first")
      options.flood_first = number();
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
  Clock::time_point since{};
  Clock::time_point left{};
  bool waits = false;
  bool measured = false;
};

/// One connected socket: queries gather in a batch, answers are matched by id.
class Lane {
 public:
  explicit Lane(const sockaddr_in& server) : socket_{redoubt::bench::datagram_socket()}, asked_(ids) {
    if (connect(socket_, redoubt::bench::generic(server), sizeof server) != 0) fail("cannot connect");
    const int yes = 1;
    if (setsockopt(socket_, SOL_SOCKET, SO_TIMESTAMPNS, &yes, sizeof yes) != 0) fail("no stamps");
  }
  int socket() const { return socket_; }
  std::size_t waiting() const { return waiting_; }

  /// since: from when its time counts.
  void ask(const std::string& pattern, std::uint64_t number, bool measured, Clock::time_point since,
           Clock::time_point now) {
    while (asked_[next_].waits) ++next_;
    const std::uint16_t id = next_++;
    vectors_[gathered_] = {rooms_[gathered_].data(), write_query(rooms_[gathered_], id, pattern, number)};
    headers_[gathered_] = {};
    headers_[gathered_].msg_hdr.msg_iov = &vectors_[gathered_];
    headers_[gathered_].msg_hdr.msg_iovlen = 1;
    asked_[id] = {since, now, true, measured};
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

  /// answered(asked, octets of the answer, when it was there).
  template <class Answered>
  void take(const Answered& answered) {
    for (;;) {
      for (std::size_t i = 0; i < batch_size; ++i) {
        in_vectors_[i] = {in_rooms_[i].data(), in_rooms_[i].size()};
        in_headers_[i] = {};
        in_headers_[i].msg_hdr.msg_iov = &in_vectors_[i];
        in_headers_[i].msg_hdr.msg_iovlen = 1;
        in_headers_[i].msg_hdr.msg_control = in_control_[i].octets.data();
        in_headers_[i].msg_hdr.msg_controllen = in_control_[i].octets.size();
      }
      const int taken = recvmmsg(socket_, in_headers_.data(), batch_size, MSG_DONTWAIT, nullptr);
      const auto steady = Clock::now();
      const auto wall = std::chrono::system_clock::now();
      for (int i = 0; i < taken; ++i) {
        const auto& octets = in_rooms_[static_cast<std::size_t>(i)];
        Asked& asked = asked_[static_cast<std::size_t>(octets[0] << 8 | octets[1])];
        if (!asked.waits) continue;
        asked.waits = false;
        --waiting_;
        const auto stamp = stamp_of(in_headers_[static_cast<std::size_t>(i)].msg_hdr);
        answered(asked, octets, steady - std::chrono::duration_cast<Clock::duration>(wall - stamp));
      }
      if (taken < static_cast<int>(batch_size)) return;
    }
  }

  std::uint64_t give_up(Clock::time_point before) {
    std::uint64_t lost = 0;
    while (!order_.empty()) {
      Asked& asked = asked_[order_.front()];
      if (asked.waits && asked.left > before) break;
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
  struct alignas(cmsghdr) ControlRoom {
    std::array<std::uint8_t, 64> octets;
  };

  /// When the kernel put it into our socket.
  static std::chrono::system_clock::time_point stamp_of(const msghdr& message) {
    const cmsghdr* header = CMSG_FIRSTHDR(&message);
    if (header == nullptr || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_TIMESTAMPNS)
      fail("an answer without a stamp");
    timespec stamp{};
    std::memcpy(&stamp, CMSG_DATA(header), sizeof stamp);
    return std::chrono::system_clock::time_point{
        std::chrono::duration_cast<std::chrono::system_clock::duration>(std::chrono::seconds{stamp.tv_sec}) +
        std::chrono::nanoseconds{stamp.tv_nsec}};
  }

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
  std::array<ControlRoom, batch_size> in_control_;
};

class Load {
 public:
  explicit Load(Options options)
      : options_{std::move(options)}, arrivals_{options_.rate, options_.pace, options_.seed}, dice_{~options_.seed} {
    const sockaddr_in server = redoubt::bench::address_of(options_.server);
    for (std::size_t i = 0; i < options_.sockets; ++i) {
      lanes_.push_back(std::make_unique<Lane>(server));
      watched_.push_back({lanes_.back()->socket(), POLLIN, 0});
    }
    prctl(PR_SET_TIMERSLACK, 1UL);
  }

  void run() {
    const Clock::time_point begun = Clock::now();
    const auto time = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>{options_.seconds});
    if (options_.rate > 0) arrivals_.begin(begun);
    for (;;) {
      const Clock::time_point now = Clock::now();
      const bool ends = options_.queries != 0 ? asked_ >= options_.queries : now - begun >= time;
      if (ends) break;
      if (options_.rate > 0)
        ask_what_is_due(now);
      else
        fill_the_window(now);
      for (const auto& lane : lanes_) lane->flush();
      take();
      if (options_.rate > 0) rest();
    }
    const Clock::time_point asked_all = Clock::now();
    while (waiting() != 0 && Clock::now() - asked_all < options_.patience) {
      sleep(std::chrono::milliseconds{1});
      take();
    }
    const double took = std::chrono::duration<double>(last_answer_ - begun).count();
    for (const auto& lane : lanes_) lost_ += lane->give_up(Clock::time_point::max());
    print(took);
  }

 private:
  using Times = std::vector<std::uint32_t>;  // tenths of a microsecond

  std::size_t waiting() const {
    std::size_t sum = 0;
    for (const auto& lane : lanes_) sum += lane->waiting();
    return sum;
  }

  void ask_what_is_due(Clock::time_point now) {
    for (; arrivals_.due() <= now; arrivals_.pass()) {
      if (options_.queries != 0 && asked_ == options_.queries) return;
      late_.push_back(tenths(now - arrivals_.due()));
      ask(arrivals_.due(), now);
    }
  }

  void fill_the_window(Clock::time_point now) {
    const std::size_t under_way = waiting();
    std::uint64_t due = under_way < options_.window ? options_.window - under_way : 0;
    if (options_.queries != 0) due = std::min(due, options_.queries - asked_);
    for (; due > 0; --due) ask(now, now);
  }

  void ask(Clock::time_point since, Clock::time_point now) {
    Lane& lane = *lanes_[asked_++ % lanes_.size()];
    const bool floods =
        options_.flood_share > 0 && static_cast<double>(dice_() >> 11U) * 0x1p-53 * 100 < options_.flood_share;
    if (floods) return lane.ask(options_.flood, options_.flood_first + flooded_++, false, since, now);
    lane.ask(options_.names, options_.of != 0 ? dice_() % options_.of : options_.first + counted_++, true, since, now);
  }

  /// Until a question is nearly due, or an answer is there: name servers share this core.
  void rest() {
    const auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(arrivals_.due() - Clock::now()) - vigil;
    if (left.count() > 0) sleep(left);
  }

  /// Until an answer is there, at most so long.
  void sleep(std::chrono::nanoseconds most) {
    const timespec time{most.count() / 1'000'000'000, most.count() % 1'000'000'000};
    ppoll(watched_.data(), watched_.size(), &time, nullptr);
  }

  static std::uint32_t tenths(Clock::duration time) {
    const auto count = std::chrono::duration_cast<std::chrono::nanoseconds>(time).count() / 100;
    return static_cast<std::uint32_t>(std::max<std::int64_t>(count, 0));  // two clocks may differ by a little
  }

  void take() {
    for (const auto& lane : lanes_) {
      lane->take([&](const Asked& asked, const auto& octets, Clock::time_point there) {
        last_answer_ = there;
        ++answered_;
        ++rcodes_[octets[3] & 0xfU];
        if (!asked.measured) return;
        times_.push_back(tenths(there - asked.since));
        times_on_the_way_.push_back(tenths(there - asked.left));
      });
      lost_ += lane->give_up(Clock::now() - options_.patience);
    }
  }

  static double percentile(Times& times, double part) {
    if (times.empty()) return 0;
    const auto at = static_cast<std::ptrdiff_t>(part * static_cast<double>(times.size() - 1));
    std::ranges::nth_element(times, times.begin() + at);
    return times[static_cast<std::size_t>(at)] / 10.0;
  }

  void print(double took) {
    std::printf(
        "{\"asked\": %llu, \"answered\": %llu, \"lost\": %llu, \"seconds\": %.6f, \"p50\": %.1f, \"p99\": %.1f, "
        "\"p999\": %.1f, \"late\": %.1f, \"way_p99\": %.1f, \"rcodes\": {",
        static_cast<unsigned long long>(asked_), static_cast<unsigned long long>(answered_),
        static_cast<unsigned long long>(lost_), took, percentile(times_, 0.5), percentile(times_, 0.99),
        percentile(times_, 0.999), percentile(late_, 0.99), percentile(times_on_the_way_, 0.99));
    const char* comma = "";
    for (const auto& [rcode, times] : rcodes_) {
      std::printf("%s\"%u\": %llu", comma, rcode, static_cast<unsigned long long>(times));
      comma = ", ";
    }
    std::printf("}, \"flooded\": %llu}\n", static_cast<unsigned long long>(flooded_));
  }

  Options options_;
  redoubt::bench::Arrivals arrivals_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::vector<pollfd> watched_;
  std::mt19937_64 dice_;
  std::uint64_t asked_ = 0;
  std::uint64_t counted_ = 0;
  std::uint64_t flooded_ = 0;
  std::uint64_t answered_ = 0;
  std::uint64_t lost_ = 0;
  std::map<unsigned, std::uint64_t> rcodes_;
  Times times_;
  Times times_on_the_way_;  // since they left
  Times late_;              // how much later than it was due each question left
  Clock::time_point last_answer_{};
};

}  // namespace

int main(int count, char** arguments) { Load{options_from(count, arguments)}.run(); }
