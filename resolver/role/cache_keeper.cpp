#include "resolver/role/cache_keeper.hpp"

#include <unistd.h>

#include <boost/asio/post.hpp>
#include <cerrno>
#include <utility>

#include "appliance/log/log.hpp"
#include "appliance/snapshot/snapshot.hpp"
#include "resolver/role/machine_clock.hpp"

namespace redoubt::resolver {

namespace {

/// Of the index, looked at with its shard locked: short, for workers wait for it. One may also have to share its
/// processor with this, and then its clients wait: four times as much, as it once was, showed in their p99.
constexpr std::size_t cells_of_a_slice = 256;
/// Between two slices: at most some 200,000 cells a second.
constexpr std::chrono::milliseconds pause{1};

Moment moment() { return {MachineClock::now(), machine_wall()}; }

}  // namespace

struct CacheKeeper::Source {
  snapshot::SealedOctets octets;
  ImageKey key;
  std::optional<ImageReader> reader;
  bool checked = false;  ///< all of it was read once, and nothing of it used
  std::vector<KeptEntry> entries;
};

CacheKeeper::CacheKeeper(boost::asio::io_context& loop, Written written, ImagePace pace)
    : loop_{loop}, timer_{loop}, written_{std::move(written)}, pace_{pace} {}
CacheKeeper::~CacheKeeper() = default;

void CacheKeeper::use(Cache& cache, const SettingsDigest& settings) {
  const bool changed = cache_ != nullptr && settings != settings_;
  cache_ = &cache;
  settings_ = settings;
  if (changed && source_) end_reading("the settings changed meanwhile");
  if (changed) {
    last_taken_in_.reset();
    sweep_.reset();
  }
  if (!source_ && target_ && !sweep_) wait(pace_.first);
}

void CacheKeeper::take_over(const channel::Descriptor& sealed, const ImageKey& key) {
  if (cache_ == nullptr || source_ || counters_.written != 0 || counters_.taken_over != 0) return;
  auto octets = snapshot::SealedOctets::map(sealed);
  if (!octets) return end_reading(octets.error());
  source_ = std::make_unique<Source>(Source{*std::move(octets), key, std::nullopt, false, {}});
  sweep_.reset();
  timer_.cancel();
  ++source_number_;
  boost::asio::post(loop_, [this] { read_some(); });
}

/// One piece. All of them are read before the first entry is used: a damaged image gives nothing.
void CacheKeeper::read_some() {
  if (!source_) return;
  Source& source = *source_;
  const Moment at = moment();
  if (!source.reader) {
    auto opened = ImageReader::open(source.octets.octets(), source.key);
    if (!opened) return end_reading(describe(opened.error()));
    if (opened->head().settings != settings_) return end_reading("it was made under other settings");
    if (opened->head().written > at.wall) return end_reading("the clock was set back since it was made");
    source.reader.emplace(*std::move(opened));
  }
  source.entries.clear();
  const auto more = source.reader->next(at, source.entries);
  if (!more) return end_reading(describe(more.error()));
  if (source.checked) {
    for (const KeptEntry& entry : source.entries) counters_.taken_over += cache_->restore(entry, at.now) ? 1 : 0;
  }
  if (!*more && source.checked) return end_reading({});
  if (!*more) {
    source.checked = true;
    source.reader.reset();
  }
  boost::asio::post(loop_, [this, number = source_number_] {
    if (number == source_number_) read_some();
  });
}

void CacheKeeper::end_reading(std::string_view trouble) {
  source_.reset();
  ++source_number_;
  if (trouble.empty()) {
    log::info("the cache begins with {} entries of the former life", counters_.taken_over);
  } else {
    ++counters_.refused;
    log::warning("the cache of the former life is not used: {}", trouble);
  }
  if (target_) wait(pace_.first);
}

void CacheKeeper::flushed() {
  last_taken_in_.reset();
  if (source_) end_reading("entries were flushed meanwhile");
}

void CacheKeeper::write_to(channel::Descriptor memfd, const ImageKey& key, std::uint64_t number, std::uint64_t octets,
                           bool at_end) {
  sweep_.reset();
  if (target_ || key != last_key_) last_taken_in_.reset();  // control has not got, or cannot use, what was written
  last_key_ = key;
  target_ = Target{std::move(memfd), key, number, octets, at_end};
  if (!source_) wait(last_taken_in_ ? pace_.period : pace_.first);
}

void CacheKeeper::wait(std::chrono::milliseconds time) {
  timer_.expires_after(time);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error || !target_ || cache_ == nullptr || source_) return;
    if (!sweep_) begin();
    if (sweep_ && !sweep_some(cells_of_a_slice)) return complete();
    wait(sweep_ ? pause : pace_.period);
  });
}

/// Nothing came since the last image: it still says what there is.
void CacheKeeper::begin() {
  const std::uint64_t taken_in = cache_->counters().taken_in;
  if (last_taken_in_ == taken_in) return;
  if (::lseek(target_->memfd.get(), 0, SEEK_SET) != 0) return;
  sweep_.emplace(
      Sweep{.writer = ImageWriter{target_->key, settings_, moment(), target_->octets}, .taken_in = taken_in});
}

/// False: the image is complete, or cannot be.
bool CacheKeeper::sweep_some(std::size_t cells) {
  Sweep& sweep = *sweep_;
  std::vector<KeptEntry> entries;
  const bool more = cache_->copy_some(sweep.walk, cells, sweep.pass == Pass::visited, MachineClock::now(), entries);
  bool room = true;
  for (const KeptEntry& entry : entries) room = room && sweep.writer.add(entry);
  if (room && !more && sweep.pass == Pass::visited) {
    sweep.pass = Pass::others;
    sweep.walk = {};
    return put(sweep.writer.take());
  }
  if (room && more) return put(sweep.writer.take());
  sweep.writer.end();
  put(sweep.writer.take());
  return false;
}

bool CacheKeeper::put(std::span<const std::uint8_t> octets) {
  while (!octets.empty()) {
    const ssize_t count = ::write(target_->memfd.get(), octets.data(), octets.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {  // no memory: what is kept already stays
      log::warning("the cache cannot be written down for the next life");
      sweep_->is_broken = true;
      return false;
    }
    octets = octets.subspan(static_cast<std::size_t>(count));
  }
  return true;
}

void CacheKeeper::complete() {
  if (!target_ || !sweep_) return sweep_.reset();
  if (sweep_->is_broken) {  // a memory that is full may have room again
    sweep_.reset();
    return wait(pace_.period);
  }
  last_taken_in_ = sweep_->taken_in;
  ++counters_.written;
  counters_.entries = sweep_->writer.entries();
  const std::uint64_t octets = sweep_->writer.octets();
  const std::uint64_t number = target_->number;
  sweep_.reset();
  target_.reset();  // control gives another one
  written_(number, octets);
}

void CacheKeeper::finish() {
  timer_.cancel();
  if (!target_ || !target_->at_end || cache_ == nullptr || source_) return;
  sweep_.reset();
  last_taken_in_.reset();
  begin();
  const auto end = std::chrono::steady_clock::now() + last_image_patience;
  while (sweep_ && sweep_some(cells_of_a_slice)) {
    if (std::chrono::steady_clock::now() < end) continue;
    sweep_->writer.end();
    put(sweep_->writer.take());
    break;
  }
  if (sweep_) complete();
}

}  // namespace redoubt::resolver
