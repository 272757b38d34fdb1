// The state of a trust point as text: a head, one line for each thing, and a last line, so that what was cut off is
// noticed. Words stand apart by one blank; octets are hexadecimal.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "dnssec/anchors/trust_point.hpp"

namespace redoubt::dnssec {

namespace {

using State = TrackedKey::State;

constexpr std::string_view first_line = "redoubt-trust-point 1";
constexpr std::string_view last_line = "end";
constexpr std::size_t max_lines = 2500;  // of configured anchors there are a thousand at most
constexpr std::array states{State::pending, State::valid, State::missing, State::revoked, State::removed};

std::string hexadecimal(OctetView octets) {
  std::string text;
  for (const std::uint8_t octet : octets) text += fmt::format("{:02x}", octet);
  return text;
}

/// The words of one line; the first that does not fit sticks.
class Words {
 public:
  explicit Words(std::string_view line) : left_{line} {}
  std::string_view word() {
    const std::size_t end = std::min(left_.find(' '), left_.size());
    const std::string_view one = left_.substr(0, end);
    left_.remove_prefix(std::min(end + 1, left_.size()));
    if (one.empty()) fits_ = false;
    return one;
  }
  template <class Number>
  Number number() {
    const std::string_view text = word();
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) fits_ = false;
    return value;
  }
  Octets octets() {
    const std::string_view text = word();
    Octets out;
    if (text.size() % 2 != 0) fits_ = false;
    for (std::size_t i = 0; i + 1 < text.size() && fits_; i += 2) {
      std::uint8_t octet = 0;
      const auto [end, error] = std::from_chars(text.data() + i, text.data() + i + 2, octet, 16);
      if (error != std::errc{} || end != text.data() + i + 2) fits_ = false;
      out.push_back(octet);
    }
    return out;
  }
  bool done() const { return fits_ && left_.empty(); }

 private:
  std::string_view left_;
  bool fits_ = true;
};

bool is_key(const Octets& rdata) {
  const auto key = Dnskey::parse(rdata);
  return key && !key->is_revoked();
}
bool is_ds(const Octets& rdata) { return Ds::parse(rdata).has_value(); }

bool read_key(Words& words, TrustPoint& point) {
  TrackedKey key;
  const std::string_view name = words.word();
  const auto state = std::ranges::find_if(states, [&](State one) { return to_text(one) == name; });
  key.since = words.number<std::int64_t>();
  key.held = words.number<std::int64_t>();
  key.hold_down = words.number<std::uint32_t>();
  key.dnskey = words.octets();
  if (state == states.end() || !words.done() || !is_key(key.dnskey)) return false;
  key.state = *state;
  point.keys.push_back(std::move(key));
  return true;
}

bool read_line(std::string_view line, TrustPoint& point) {
  Words words{line};
  const std::string_view fact = words.word();
  if (fact == "key") return read_key(words, point);
  if (fact == "zone") {
    const auto zone = dns::Name::from_wire(words.octets());
    if (zone) point.zone = *zone;
    return zone && words.done();
  }
  if (fact == "seen") {
    point.observed_at = words.number<std::int64_t>();
    point.inception = words.number<std::uint32_t>();
    point.query_interval = words.number<std::uint32_t>();
    point.retry_interval = words.number<std::uint32_t>();
    return words.done() && point.query_interval >= least_interval && point.retry_interval >= least_interval;
  }
  const bool of_key = fact == "configured-key";
  if (!of_key && fact != "configured-ds" && fact != "unseen-ds") return false;
  Octets rdata = words.octets();
  if (!words.done() || !(of_key ? is_key(rdata) : is_ds(rdata))) return false;
  auto& list = of_key ? point.configured.dnskey : fact == "unseen-ds" ? point.unseen : point.configured.ds;
  list.push_back(std::move(rdata));
  return true;
}

}  // namespace

std::string to_text(const TrustPoint& point) {
  std::string text = fmt::format("{}\nzone {}\nseen {} {} {} {}\n", first_line, hexadecimal(point.zone.wire()),
                                 point.observed_at, point.inception, point.query_interval, point.retry_interval);
  for (const Octets& ds : point.configured.ds) text += fmt::format("configured-ds {}\n", hexadecimal(ds));
  for (const Octets& key : point.configured.dnskey) text += fmt::format("configured-key {}\n", hexadecimal(key));
  for (const Octets& ds : point.unseen) text += fmt::format("unseen-ds {}\n", hexadecimal(ds));
  for (const TrackedKey& key : point.keys) {
    text += fmt::format("key {} {} {} {} {}\n", to_text(key.state), key.since, key.held, key.hold_down,
                        hexadecimal(key.dnskey));
  }
  return fmt::format("{}{}\n", text, last_line);
}

std::optional<TrustPoint> trust_point_from_text(std::string_view text) {
  TrustPoint point;
  point.query_interval = 0;
  for (std::size_t line = 0; line < max_lines; ++line) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view one = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (line == 0) {
      if (one != first_line) return std::nullopt;
    } else if (one == last_line) {
      const bool is_whole = point.query_interval != 0 && (!point.unseen.empty() || !point.keys.empty());
      return text.empty() && is_whole ? std::optional{std::move(point)} : std::nullopt;
    } else if (!read_line(one, point)) {
      return std::nullopt;
    }
  }
  return std::nullopt;
}

}  // namespace redoubt::dnssec
