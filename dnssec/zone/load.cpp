#include "dnssec/zone/load.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "dns/text_zone.hpp"

namespace redoubt::dnssec {

namespace {

/// Until the SOA tells the apex, records wait.
class Loading {
 public:
  explicit Loading(const LoadOptions& options) : options_{options} {}

  std::expected<void, std::string> take(dns::Record&& record) {
    if (builder_) return put(record);
    waiting_.push_back(std::move(record));
    if (waiting_.back().type != dns::type::soa) return {};
    apex_ = waiting_.back().owner;
    builder_.emplace(apex_);
    for (const dns::Record& one : waiting_) {
      if (auto done = put(one); !done) return done;
    }
    waiting_.clear();
    return {};
  }

  std::expected<Zone, std::string> finish() {
    if (!builder_) return std::unexpected{std::string{"there is no SOA in it"}};
    return std::move(*builder_).finish();
  }

 private:
  std::expected<void, std::string> put(const dns::Record& record) {
    if (options_.leave_out && options_.leave_out(apex_, record)) return {};
    if (options_.look) options_.look(record);
    return builder_->add(record);
  }

  const LoadOptions& options_;
  std::vector<dns::Record> waiting_;
  std::optional<ZoneBuilder> builder_;
  dns::Name apex_;
};

}  // namespace

std::expected<std::string, std::string> read_text_file(const std::string& path) {
  const auto trouble = [&] { return std::unexpected{path + ": " + std::strerror(errno)}; };
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return trouble();
  struct stat status {};
  std::string text;
  const bool is_known = ::fstat(descriptor, &status) == 0;
  if (is_known && S_ISCHR(status.st_mode) && ::isatty(descriptor) == 0) {  // /dev/zero has no end
    ::close(descriptor);
    return std::unexpected{path + ": is a device, and no zone file"};
  }
  if (is_known && S_ISREG(status.st_mode)) text.reserve(static_cast<std::size_t>(status.st_size) + 1);
  constexpr std::size_t step = std::size_t{1} << 20;
  ssize_t got = 0;
  do {
    const std::size_t size = text.size();
    text.resize(std::max(size + 1, std::min(size + step, std::max(text.capacity(), size + step))));
    got = ::read(descriptor, text.data() + size, text.size() - size);
    text.resize(size + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  } while (got > 0 || (got < 0 && errno == EINTR));
  const int error = errno;
  ::close(descriptor);
  errno = error;
  if (got < 0) return trouble();
  return text;
}

dns::Name origin_of_path(const std::string& path) {
  std::string_view name = path;
  name.remove_prefix(name.rfind('/') == std::string_view::npos ? 0 : name.rfind('/') + 1);
  if (name.starts_with("db.")) name.remove_prefix(3);
  for (bool shorter = true; shorter;) {
    shorter = false;
    for (const std::string_view ending : {".signed", ".zone", ".db", ".txt"}) {
      if (!name.ends_with(ending) || name.size() == ending.size()) continue;
      name.remove_suffix(ending.size());
      shorter = true;
    }
  }
  return dns::Name::from_text(name).value_or(dns::Name{});
}

std::expected<Zone, std::string> load_zone(const std::string& path, const LoadOptions& options) {
  const auto text = read_text_file(path);
  if (!text) return std::unexpected{text.error()};
  Loading loading{options};
  dns::ZoneTextSource source{.file = path, .text = *text, .origin = options.origin.value_or(origin_of_path(path))};
  source.open = read_text_file;
  const auto done = dns::read_zone_text(source, [&](dns::Record&& record) { return loading.take(std::move(record)); });
  if (!done) return std::unexpected{done.error().to_text()};
  auto zone = loading.finish();
  if (!zone) return std::unexpected{path + ": " + zone.error()};
  return zone;
}

std::vector<std::string> with_places(const std::string& path, const std::optional<dns::Name>& origin,
                                     std::span<const ZoneFinding> findings) {
  std::vector<std::string> texts;
  for (const ZoneFinding& finding : findings) texts.push_back(finding.to_text());
  const auto text = read_text_file(path);
  if (!text) return texts;
  std::vector<bool> placed(findings.size());
  dns::ZoneTextPlace place;
  dns::ZoneTextSource source{.file = path, .text = *text, .origin = origin.value_or(origin_of_path(path))};
  source.open = read_text_file;
  source.place = &place;
  // What is wrong with the file was found when it was read first.
  static_cast<void>(dns::read_zone_text(source, [&](dns::Record&& record) -> std::expected<void, std::string> {
    for (std::size_t k = 0; k < findings.size(); ++k) {
      const ZoneFinding& finding = findings[k];
      const bool fits = !placed[k] && record.owner == finding.owner &&
                        (finding.type.empty() || dns::to_text(record.type) == finding.type);
      if (!fits) continue;
      placed[k] = true;
      texts[k] = place.file + ":" + std::to_string(place.line) + ": " + texts[k];
    }
    return {};
  }));
  return texts;
}

}  // namespace redoubt::dnssec
