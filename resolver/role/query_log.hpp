#pragma once
// The query log: one line on standard output for each answer, or for those that the configuration picks. Off by
// default. A worker copies what a line needs into a ring of its own; one thread beside them makes the lines and writes
// them. When it does not keep up, lines are lost and counted: no answer ever waits for its line.
#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "dns/address.hpp"
#include "dns/edns.hpp"
#include "dns/name.hpp"
#include "dns/rr_types.hpp"
#include "resolver/clock.hpp"

namespace redoubt::resolver {

struct QueryLogSettings {
  std::uint32_t sample = 0;               ///< one of so many of those picked, by chance; 0: none at all
  std::vector<dns::Prefix> clients = {};  ///< of these alone; none: of all
  std::vector<dns::Name> zones = {};      ///< names at and below these alone; none: all
  bool failed_only = false;               ///< SERVFAIL and REFUSED
  std::chrono::milliseconds slower_than{0};
  bool whole_addresses = true;  ///< else clients are written as their /24 or /56
  bool json = false;
};

/// Where an answer came from.
enum class AnswerSource : std::uint8_t { known, resolved, stale, refused };

struct QueryRecord {
  std::chrono::system_clock::time_point at;
  std::chrono::microseconds took{};
  dns::IpAddress client;
  bool stream = false;  ///< TCP, TLS or HTTPS
  AnswerSource source = AnswerSource::known;
  dns::Name name;
  dns::RrType type;
  dns::Rcode rcode = dns::Rcode::noerror;
  std::optional<dns::EdeCode> error;
};

/// Whether the settings pick it, sampling aside.
bool is_picked(const QueryRecord& record, const QueryLogSettings& settings);
/// "2026-11-21T05:00:00.123Z 192.0.2.7 udp www.example. A NOERROR resolved 12.3 ms", or a JSON object; with its line
/// end. Names are escaped.
std::string line_of(const QueryRecord& record, const QueryLogSettings& settings);

/// Of one writer and one reader.
class QueryRing {
 public:
  static constexpr std::size_t slots = 4096;
  /// False when it is full.
  bool put(const QueryRecord& record);
  std::optional<QueryRecord> take();

 private:
  std::array<QueryRecord, slots> records_;
  std::atomic<std::size_t> put_{0};
  std::atomic<std::size_t> taken_{0};
};

class QueryLog {
 public:
  /// descriptor: where lines go; stays the caller's and outlives this.
  explicit QueryLog(int descriptor) : descriptor_{descriptor} {}
  ~QueryLog() { finish(); }
  QueryLog(const QueryLog&) = delete;
  QueryLog& operator=(const QueryLog&) = delete;

  /// A ring for one more worker; lives as long as this. The thread starts with the first.
  QueryRing& add_ring();
  /// Writes what the rings still hold, as far as it can be written at once, and ends the thread. Rings stay.
  void finish();
  /// How lines look from now on.
  void use(const QueryLogSettings& settings);
  /// Lines that could not be written. Those that found their ring full are the workers' to count.
  std::uint64_t lost() const { return lost_.load(std::memory_order_relaxed); }

 private:
  void run();
  void drain();
  void write_chunk();

  int descriptor_;
  std::mutex lock_;  // guards the next four
  std::condition_variable wake_;
  std::vector<std::unique_ptr<QueryRing>> rings_;
  QueryLogSettings settings_;
  bool ends_ = false;
  std::string chunk_;  // the thread's own, as are the next two
  std::uint64_t lines_in_chunk_ = 0;
  bool is_cut_ = false;  // what was written ends within a line
  std::atomic<std::uint64_t> lost_{0};
  std::thread thread_;
};

}  // namespace redoubt::resolver
