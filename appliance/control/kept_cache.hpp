#pragma once
// What the resolver wrote down of its cache, kept for its next life: a memfd at a time, made here, filled by the
// resolver, sealed here, handed to the resolver that is started next; with `cache.keep` also a file in the state
// folder, for the daemon's next life. Nothing here looks into it: only the resolver reads what the resolver wrote.
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

#include "appliance/channel/channel.hpp"
#include "appliance/config/configuration.hpp"
#include "appliance/control/siblings.hpp"

namespace redoubt::control {

/// Names in the state folder.
inline constexpr const char* kept_cache_file = "cache.image";
inline constexpr const char* kept_cache_key_file = "cache.key";
/// Between two writings of the file while the daemon lives.
inline constexpr std::chrono::minutes kept_cache_file_period{5};
/// At the daemon's end: for the resolver's last image.
inline constexpr std::chrono::milliseconds patience_with_last_image{2500};
/// Lives of the resolver that may begin with one image. Should it be what ends them, the next one begins empty.
inline constexpr unsigned most_uses_of_an_image = 2;

class KeptCache {
 public:
  KeptCache(boost::asio::io_context& loop, Siblings& siblings);
  ~KeptCache();

  /// The state folder's descriptor, which outlives this.
  void keep_in(int folder) { folder_ = folder; }
  /// At each configuration that comes into force. first: the daemon begins, and what is in the file counts.
  void use(const config::Cache& cache, bool first);
  /// The resolver has its snapshot.
  void on_resolver_ready();
  void on_resolver_gone();
  void on_written(const channel::KeptCacheWritten& message);
  /// The cache is flushed, in whole or in part, with the next message to the resolver: what was kept is out of date.
  void forget();
  /// After forget() and that message.
  void begin_anew();
  /// The daemon ends. `then` is called once, when the last image is in the file or is not to come.
  void finish(std::function<void()> then);

 private:
  struct Image {
    channel::Descriptor memfd;  ///< sealed
    std::uint64_t octets;
    unsigned uses = 0;
  };
  struct Blank {
    channel::Descriptor memfd;
    std::uint64_t number;
    std::uint64_t octets;
  };

  boost::asio::thread_pool& disk();
  void greet();
  void give_blank();
  void read_file();
  void make_key();
  void write_file();
  void remove_file();
  void end_finishing();

  Siblings& siblings_;
  boost::asio::steady_timer patience_;
  /// The file is written there: a disk may take its time. Made when it is first needed, behind the shut door.
  std::optional<boost::asio::thread_pool> disk_;
  int folder_ = -1;
  std::uint64_t most_octets_ = 0;  ///< zero: nothing is kept
  bool in_file_ = false;
  bool resolver_ready_ = false;
  bool greeted_ = false;  ///< the resolver of now has had what there is
  channel::CacheKey key_{};
  bool has_key_ = false;
  std::uint64_t next_number_ = 1;
  std::optional<Image> image_;
  std::optional<Blank> blank_;  ///< what the resolver writes into
  std::optional<std::chrono::steady_clock::time_point> filed_at_;
  std::function<void()> finished_;
};

}  // namespace redoubt::control
