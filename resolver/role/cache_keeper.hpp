#pragma once
// Hands the record cache over to the resolver's next life, and takes over what the former one left: an image
// (cache/kept_image.hpp) in a memfd that control made and keeps. On the role's main thread, in slices of a fraction of
// a millisecond; workers are held up by no more than a few hundred cells of one shard's index at a time.
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "appliance/channel/channel.hpp"
#include "resolver/cache/cache.hpp"
#include "resolver/cache/kept_image.hpp"

namespace redoubt::snapshot {
class SealedOctets;
}

namespace redoubt::resolver {

struct ImagePace {
  std::chrono::milliseconds first = std::chrono::seconds{3};    ///< after the start or a change of plans
  std::chrono::milliseconds period = std::chrono::seconds{15};  ///< from one image to the next
};
/// How long the last image may take, when the process is about to end; what is not in it by then is left out.
inline constexpr std::chrono::milliseconds last_image_patience{1500};

class CacheKeeper {
 public:
  /// An image is whole, in the memfd with that number.
  using Written = std::function<void(std::uint64_t number, std::uint64_t octets)>;
  struct Counters {
    std::uint64_t taken_over = 0;  ///< entries
    std::uint64_t refused = 0;     ///< images
    std::uint64_t written = 0;     ///< images
    std::uint64_t entries = 0;     ///< in the last image
  };

  CacheKeeper(boost::asio::io_context& loop, Written written, ImagePace pace = {});
  ~CacheKeeper();

  /// At each snapshot. What was written down of other settings is begun anew.
  void use(Cache& cache, const SettingsDigest& settings);
  /// The former life's image. Used once, and only before the first image of this life; not at all if it is of other
  /// settings, of a time to come, or damaged anywhere.
  void take_over(const channel::Descriptor& sealed, const ImageKey& key);
  /// Where the next image goes, in place of any other that was begun. When nothing came since the last one, there is no
  /// next one until something does.
  /// at_end: finish() is to write one, too.
  void write_to(channel::Descriptor memfd, const ImageKey& key, std::uint64_t number, std::uint64_t octets,
                bool at_end);
  /// Entries were flushed: what the former life knew does not come back.
  void flushed();
  /// The process ends: one more image, now.
  void finish();
  Counters counters() const { return counters_; }

 private:
  enum class Pass : std::uint8_t { visited, others };
  struct Target {
    channel::Descriptor memfd;
    ImageKey key;
    std::uint64_t number;
    std::uint64_t octets;
    bool at_end;
  };
  struct Sweep {
    ImageWriter writer;
    Cache::Walk walk{};
    Pass pass = Pass::visited;
    std::uint64_t taken_in;  ///< by the cache, when it was begun
    bool is_broken = false;  ///< it could not be written
  };
  struct Source;

  void wait(std::chrono::milliseconds time);
  void begin();
  bool sweep_some(std::size_t cells);
  bool put(std::span<const std::uint8_t> octets);
  void complete();
  void read_some();
  void end_reading(std::string_view trouble);

  boost::asio::io_context& loop_;
  boost::asio::steady_timer timer_;
  Written written_;
  ImagePace pace_;
  Cache* cache_ = nullptr;  // null: no snapshot yet
  SettingsDigest settings_{};
  std::optional<Target> target_;
  std::optional<Sweep> sweep_;
  std::unique_ptr<Source> source_;  // null: nothing is being taken over
  std::uint64_t source_number_ = 0;
  std::optional<std::uint64_t>
      last_taken_in_;  // by the cache, at the last image; nothing: that does not count any more
  ImageKey last_key_{};
  Counters counters_;
};

}  // namespace redoubt::resolver
