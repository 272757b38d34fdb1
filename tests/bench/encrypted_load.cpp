// Asks over TLS or HTTPS and measures. Prints one JSON object.
//
//   encrypted_load SERVER@PORT --way tls|https [--names PATTERN] [--of N] [--queries N] [--seconds S] [--rate R]
//                  [--connections K] [--window W] [--new full|resumed] [--hold yes]
//
// PATTERN, --of, --queries, --seconds and --rate as in load.cpp. K connections are opened before anything is measured;
// each has at most W questions under way, and asks as many as fit whenever it has heard answers. --new: each connection
// asks once, ends, and another takes its place, with a full handshake or with the session of the one before; times
// count from connect() to the answer. --hold: all connections ask once, "held" is printed, and they stay until standard
// input ends.
#include <sys/epoll.h>
#include <sys/resource.h>

#include <chrono>
#include <cmath>
#include <map>
#include <random>

#include "tests/bench/talks.hpp"

namespace {

using namespace redoubt::bench;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds patience{5};
constexpr std::size_t handshakes_at_a_time = 64;

struct Options {
  std::string server;
  std::string names = "n#.bench.";
  std::uint64_t of = 0;
  std::uint64_t queries = 0;
  double seconds = 5;
  double rate = 0;
  std::size_t connections = 16;
  std::size_t window = 16;
  bool https = false;
  bool hold = false;
  bool fresh = false;    // a new connection for each question
  bool resumed = false;  // with the former one's session
};

Options options_from(int count, char** arguments) {
  Options options;
  if (count < 2) fail("usage: encrypted_load SERVER@PORT --way tls|https [options]");
  options.server = arguments[1];
  for (int i = 2; i + 1 < count; i += 2) {
    const std::string name = arguments[i];
    const std::string value = arguments[i + 1];
    const auto number = [&value] { return std::strtoull(value.c_str(), nullptr, 10); };
    if (name == "--way") {
      options.https = value == "https";
    } else if (name == "--names") {
      options.names = value;
    } else if (name == "--of") {
      options.of = number();
    } else if (name == "--queries") {
      options.queries = number();
    } else if (name == "--seconds") {
      options.seconds = std::atof(value.c_str());
    } else if (name == "--rate") {
      options.rate = std::atof(value.c_str());
    } else if (name == "--connections") {
      options.connections = number();
    } else if (name == "--window") {
      options.window = number();
    } else if (name == "--new") {
      options.fresh = true;
      options.resumed = value == "resumed";
    } else if (name == "--hold") {
      options.hold = true;
    } else {
      fail("unknown option " + name);
    }
  }
  return options;
}

/// A query with EDNS, as stubs of today send it.
Octets query_for(const std::string& pattern, std::uint64_t number) {
  const std::size_t mark = pattern.find('#');
  const std::string text =
      mark == std::string::npos ? pattern : pattern.substr(0, mark) + std::to_string(number) + pattern.substr(mark + 1);
  Octets query{0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1};
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('.', begin);
    query.push_back(static_cast<std::uint8_t>(end - begin));
    query.insert(query.end(), text.begin() + static_cast<std::ptrdiff_t>(begin),
                 text.begin() + static_cast<std::ptrdiff_t>(end));
    begin = end + 1;
  }
  static constexpr std::array<std::uint8_t, 16> rest{0, 0, 1, 0, 1, 0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0};
  append(query, rest);
  return query;
}

struct Tally {
  std::uint64_t asked = 0;
  std::uint64_t answered = 0;
  std::uint64_t handshakes = 0;
  std::uint64_t resumed = 0;
  std::uint64_t broken = 0;  // connections that ended before their time
  std::map<unsigned, std::uint64_t> rcodes;
  std::vector<std::uint32_t> times;  // tenths of a microsecond
};

/// One connection and its questions under way.
class Lane {
 public:
  Lane(SSL_CTX* context, const sockaddr_in& server, const Options& options, SSL_SESSION* session)
      : wire_{context, nodelay_socket()}, asked_(options.window) {
    if (options.https)
      talk_ = std::make_unique<HttpTalk>();
    else
      talk_ = std::make_unique<LengthTalk>();
    for (std::size_t slot = options.window; slot > 0; --slot) free_.push_back(slot - 1);
    if (connect(wire_.socket(), generic(server), sizeof server) != 0 && errno != EINPROGRESS)
      fail(std::string{"cannot connect: "} + std::strerror(errno));
    const View name = alpn(options.https);
    SSL_set_alpn_protos(wire_.ssl(), name.data(), static_cast<unsigned>(name.size()));
    if (session != nullptr) SSL_set_session(wire_.ssl(), session);
    SSL_set_connect_state(wire_.ssl());
  }

  Wire& wire() { return wire_; }
  std::size_t room() const { return free_.size(); }
  std::size_t waiting() const { return asked_.size() - free_.size(); }
  Clock::time_point begun() const { return begun_; }
  bool ready = false;  // its handshake is over
  std::uint64_t heard = 0;

  void ask(Octets query, Clock::time_point now) {
    const std::size_t slot = free_.back();
    free_.pop_back();
    asked_[slot] = now;
    talk_->ask(std::move(query), slot, wire_.output());
  }
  void flush() {
    talk_->say(wire_.output());
    wire_.flush();
  }
  /// answered(when it was asked, message).
  template <class Hears>
  void read(const Hears& answered) {
    const Answered hears = [&](std::size_t slot, View message) {
      if (slot >= asked_.size() || asked_[slot] == Clock::time_point{}) return;
      ++heard;
      answered(asked_[slot], message);
      asked_[slot] = {};
      free_.push_back(slot);
    };
    wire_.read([&](View octets) { talk_->hear(octets, hears); });
  }

 private:
  Clock::time_point begun_ = Clock::now();
  Wire wire_;
  std::unique_ptr<Talk> talk_;
  std::vector<Clock::time_point> asked_;
  std::vector<std::size_t> free_;
};

class Load {
 public:
  explicit Load(Options options)
      : options_{std::move(options)},
        server_{address_of(options_.server)},
        context_{bare_context(TLS_client_method())},
        poll_{epoll_create1(EPOLL_CLOEXEC)} {
    SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_set_app_data(context_, this);
    SSL_CTX_sess_set_new_cb(context_, [](SSL* ssl, SSL_SESSION* session) {
      auto& self = *static_cast<Load*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
      if (!self.options_.resumed) return 0;
      self.sessions_.push_back(session);
      return 1;  // ours from now on
    });
  }

  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;
  ~Load() {
    lanes_.clear();
    for (SSL_SESSION* session : sessions_) SSL_SESSION_free(session);
    SSL_CTX_free(context_);
    close(poll_);
  }

  void run() {
    if (options_.hold) return hold();
    if (!options_.fresh) {
      open_all();
      for (const auto& [_, lane] : lanes_) order_.push_back(lane.get());
    }
    began_ = last_answer_ = Clock::now();
    ends_ = began_ + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>{options_.seconds});
    asking_ = true;
    if (options_.fresh)
      for (std::size_t i = 0; i < options_.connections; ++i) open();
    while (asks_more()) {
      if (!options_.fresh) ask_what_is_due();
      turn(options_.rate > 0 ? 0 : 100);
      if (lanes_.empty()) break;
    }
    asking_ = false;
    const auto asked_all = Clock::now();
    while (waiting() != 0 && Clock::now() - asked_all < patience) turn(10);
    print();
  }

 private:
  bool asks_more() const { return options_.queries != 0 ? tally_.asked < options_.queries : Clock::now() < ends_; }
  std::uint64_t next_name() { return options_.of != 0 ? dice_() % options_.of : counted_++; }
  std::size_t waiting() const {
    std::size_t sum = 0;
    for (const auto& [_, lane] : lanes_) sum += lane->waiting();
    return sum;
  }

  void open() {
    SSL_SESSION* session = nullptr;
    if (!sessions_.empty()) {
      session = sessions_.back();  // each once (RFC 8446 appendix C.4)
      sessions_.pop_back();
    }
    auto lane = std::make_unique<Lane>(context_, server_, options_, session);
    SSL_SESSION_free(session);
    epoll_event event{.events = EPOLLIN | EPOLLOUT, .data = {.ptr = lane.get()}};
    epoll_ctl(poll_, EPOLL_CTL_ADD, lane->wire().socket(), &event);
    lanes_.emplace(lane.get(), std::move(lane));
  }

  void open_all() {
    const auto until = Clock::now() + std::chrono::seconds{300};
    while (tally_.handshakes < options_.connections && Clock::now() < until && tally_.broken == 0) {
      while (lanes_.size() < options_.connections && lanes_.size() < tally_.handshakes + handshakes_at_a_time) open();
      turn(100);
    }
    if (tally_.handshakes < options_.connections)
      fail("opened only " + std::to_string(tally_.handshakes) + " connections");
  }

  void ask(Lane& lane, Clock::time_point now) {
    lane.ask(query_for(options_.names, next_name()), now);
    ++tally_.asked;
  }

  void fill(Lane& lane) {
    const auto now = Clock::now();
    while (lane.room() > 0 && asks_more()) ask(lane, now);
  }

  /// Paced, questions go to the connections in turn; else each connection is kept full as its answers come.
  void ask_what_is_due() {
    const auto now = Clock::now();
    if (options_.rate <= 0) {
      if (tally_.asked != 0) return;
      for (Lane* lane : order_) {
        fill(*lane);
        lane->flush();
      }
      return;
    }
    const auto by_now = static_cast<std::uint64_t>(std::chrono::duration<double>(now - began_).count() * options_.rate);
    for (std::size_t tried = 0; tally_.asked < by_now && tried < order_.size();) {
      Lane& lane = *order_[turn_++ % order_.size()];
      if (lane.room() == 0) {
        ++tried;
        continue;
      }
      tried = 0;
      ask(lane, now);
      lane.flush();
    }
  }

  void turn(int milliseconds) {
    std::array<epoll_event, 256> events;
    const int ready = epoll_wait(poll_, events.data(), static_cast<int>(events.size()), milliseconds);
    for (int i = 0; i < ready; ++i) go_on(*static_cast<Lane*>(events[static_cast<std::size_t>(i)].data.ptr));
  }

  void go_on(Lane& lane) {
    Wire& wire = lane.wire();
    if (!wire.shake()) {
      if (wire.broken()) end(lane, true);
      return watch(lane);
    }
    if (!lane.ready) greet(lane);
    lane.read([&](Clock::time_point asked, View message) { count(asked, message); });
    const bool one_question = options_.fresh || options_.hold;
    if (asking_ && !one_question && options_.rate <= 0) fill(lane);
    lane.flush();
    if (wire.broken()) return end(lane, true);
    if (options_.fresh && lane.heard > 0) return end(lane, false);
    watch(lane);
  }

  void greet(Lane& lane) {
    lane.ready = true;
    ++tally_.handshakes;
    if (SSL_session_reused(lane.wire().ssl()) != 0) ++tally_.resumed;
    if (options_.fresh || options_.hold) ask(lane, options_.fresh ? lane.begun() : Clock::now());
  }

  void watch(Lane& lane) {
    if (!lanes_.contains(&lane)) return;
    const bool connecting = SSL_get_state(lane.wire().ssl()) == TLS_ST_BEFORE;
    epoll_event event{.events = EPOLLIN | (lane.wire().wants_write() || connecting ? EPOLLOUT : 0U),
                      .data = {.ptr = &lane}};
    epoll_ctl(poll_, EPOLL_CTL_MOD, lane.wire().socket(), &event);
  }

  void count(Clock::time_point asked, View message) {
    last_answer_ = Clock::now();
    ++tally_.answered;
    ++tally_.rcodes[message[3] & 0xfU];
    tally_.times.push_back(static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(last_answer_ - asked).count() / 100));
  }

  void end(Lane& lane, bool broken) {
    if (broken)
      ++tally_.broken;
    else
      SSL_shutdown(lane.wire().ssl());
    std::erase(order_, &lane);
    lanes_.erase(&lane);
    if (options_.fresh && asking_ && asks_more()) open();
  }

  void hold() {
    rlimit files{};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    open_all();
    const auto until = Clock::now() + patience;
    while (tally_.answered < options_.connections && Clock::now() < until) turn(100);
    std::printf("held %llu answered %llu\n", static_cast<unsigned long long>(lanes_.size()),
                static_cast<unsigned long long>(tally_.answered));
    std::fflush(stdout);
    char nothing = 0;
    while (::read(STDIN_FILENO, &nothing, 1) > 0) {
    }
    turn(0);
    std::printf("left %llu\n", static_cast<unsigned long long>(lanes_.size()));
  }

  void print() {
    std::ranges::sort(tally_.times);
    const auto percentile = [&](double part) {
      return tally_.times.empty()
                 ? 0.0
                 : tally_.times[static_cast<std::size_t>(part * static_cast<double>(tally_.times.size() - 1))] / 10.0;
    };
    const auto plain = [](std::uint64_t number) { return static_cast<unsigned long long>(number); };
    std::printf(
        "{\"asked\": %llu, \"answered\": %llu, \"lost\": %llu, \"handshakes\": %llu, \"resumed\": %llu, \"broken\": "
        "%llu, "
        "\"seconds\": %.6f, \"p50\": %.1f, \"p99\": %.1f, \"rcodes\": {",
        plain(tally_.asked), plain(tally_.answered), plain(tally_.asked - tally_.answered), plain(tally_.handshakes),
        plain(tally_.resumed), plain(tally_.broken), std::chrono::duration<double>(last_answer_ - began_).count(),
        percentile(0.5), percentile(0.99));
    const char* comma = "";
    for (const auto& [rcode, times] : tally_.rcodes) {
      std::printf("%s\"%u\": %llu", comma, rcode, plain(times));
      comma = ", ";
    }
    std::printf("}}\n");
  }

  Options options_;
  sockaddr_in server_;
  SSL_CTX* context_;
  int poll_;
  std::vector<SSL_SESSION*> sessions_;
  std::map<Lane*, std::unique_ptr<Lane>> lanes_;
  std::vector<Lane*> order_;  // of those that stay open
  std::size_t turn_ = 0;
  std::mt19937_64 dice_{1};
  std::uint64_t counted_ = 0;
  Tally tally_;
  bool asking_ = false;
  Clock::time_point began_{};
  Clock::time_point ends_{};
  Clock::time_point last_answer_{};
};

}  // namespace

int main(int count, char** arguments) { Load{options_from(count, arguments)}.run(); }
