#include "dnssec/roll/state_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace redoubt::dnssec {

namespace {

constexpr std::string_view first_line = "redoubt-zone-keys 1";
constexpr std::string_view last_line = "end";  // a text that was cut off is noticed
constexpr std::array roles{KeyRole::ksk, KeyRole::zsk, KeyRole::csk, KeyRole::foreign};
constexpr std::array states{KeyState::generated, KeyState::published, KeyState::ready,  KeyState::active,
                            KeyState::retired,   KeyState::dead,      KeyState::removed};
constexpr std::size_t max_versions = 4096;

// Writing: words with a blank between. `-` stands for nothing. ------------------------------------------------------

void put(std::string& out, std::string_view word) { (out += ' ') += word; }
void put(std::string& out, std::uint64_t number) { put(out, std::to_string(number)); }
void put(std::string& out, bool flag) { put(out, std::string_view{flag ? "yes" : "no"}); }
void put(std::string& out, Instant time) { put(out, std::to_string(time.time_since_epoch().count())); }
void put(std::string& out, seconds time) { put(out, std::to_string(time.count())); }
void put(std::string& out, const KeySet& keys) {
  put(out, keys.published);
  put(out, keys.signers);
}
template <class T>
void put(std::string& out, const std::optional<T>& value) {
  if (value) {
    put(out, *value);
  } else {
    put(out, std::string_view{"-"});
  }
}

template <class... Words>
void add(std::vector<Fact>& facts, std::string_view fact, const Words&... words) {
  std::string text;
  (put(text, words), ...);
  facts.push_back({std::string{fact}, text.empty() ? text : text.substr(1)});
}

template <class What>
void timeline(std::vector<Fact>& facts, const std::string& name, const Timeline<What>& versions) {
  add(facts, name, versions.current);
  if (versions.pending) add(facts, name + "-pending", *versions.pending);
  for (const auto& version : versions.past) add(facts, name + "-past", version.gone, version.what);
}

std::string_view or_dash(std::string_view text) { return text.empty() ? "-" : text; }

// Reading ----------------------------------------------------------------------------------------------------------

/// The words of one line; the first that does not fit sticks.
class Words {
 public:
  explicit Words(std::string_view text) : left_{text} {}
  std::string_view word() {
    if (left_.empty()) return fail();
    const auto end = std::min(left_.find(' '), left_.size());
    const std::string_view one = left_.substr(0, end);
    left_.remove_prefix(std::min(end + 1, left_.size()));
    return one.empty() ? fail() : one;
  }
  std::string_view rest() { return std::exchange(left_, {}); }
  template <class Number>
  Number number() {
    const std::string_view text = word();
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) fail();
    return value;
  }
  void read(std::uint64_t& value) { value = number<std::uint64_t>(); }
  void read(std::uint32_t& value) { value = number<std::uint32_t>(); }
  void read(std::uint16_t& value) { value = number<std::uint16_t>(); }
  void read(seconds& value) { value = seconds{bounded()}; }
  void read(Instant& value) { value = Instant{seconds{bounded()}}; }
  void read(bool& value) {
    const std::string_view text = word();
    value = text == "yes";
    if (!value && text != "no") fail();
  }
  void read(KeySet& keys) {
    read(keys.published);
    read(keys.signers);
  }
  template <class T>
  void read(std::optional<T>& value) {
    if (left_ == "-" || left_.starts_with("- ")) {
      word();
      return value.reset();
    }
    read(value.emplace());
  }
  template <class Known>
  typename Known::value_type one_of(const Known& known) {
    const std::string_view text = word();
    const auto at = std::ranges::find_if(known, [&](auto value) { return to_text(value) == text; });
    if (at != known.end()) return *at;
    fail();
    return known.front();
  }
  bool is_good() const { return good_ && left_.empty(); }
  std::string_view fail() {
    good_ = false;
    left_ = {};
    return {};
  }

 private:
  /// Far from where sums of times could overflow.
  std::int64_t bounded() {
    const auto value = number<std::int64_t>();
    constexpr std::int64_t most = std::int64_t{1} << 40;
    if (value < -most || value > most) fail();
    return good_ ? value : 0;
  }
  std::string_view left_;
  bool good_ = true;
};

class Reader {
 public:
  bool take(std::string_view fact, Words& words) {
    if (fact == "clock") return words.read(zone_.clock.now), true;
    if (fact == "clock-last") return read_clock(words), true;
    if (fact == "key") return zone_.keys.size() < max_keys && read_key(words);
    if (fact == "no-key") return zone_.keys.size() < max_keys && (zone_.keys.emplace_back().free = true);
    if (fact == "ds") return zone_.ds.size() < max_versions && read_ds(words);
    if (fact == "parent") return read_parent(words), true;
    if (fact == "cds") return read_cds(words), true;
    if (fact == "written") return words.read(zone_.written), words.read(zone_.written_serial), true;
    if (fact == "largest-ttl") return words.read(zone_.largest_ttl), true;
    if (fact == "held") return zone_.held = std::string{words.rest()}, true;
    if (fact == "policy") return !(zone_.policy = std::string{words.rest()}).empty();
    if (fact == "waits") return zone_.waiting.size() < max_told_steps && read_waiting(words);
    if (fact == "later") return zone_.later.size() < max_told_steps && read_later(words);
    if (fact == "linger-keys") return read_lingering(words, zone_.keys_linger), true;
    if (fact == "linger-signatures") return read_lingering(words, zone_.signatures_linger), true;
    if (fact == "linger-ds") return read_lingering(words, zone_.ds_linger), true;
    return read_timeline(fact, "dnskey", words, zone_.key_sets) ||
           read_timeline(fact, "signed", words, zone_.signatures);
  }

  /// What no text of ours lacks or contradicts.
  std::string_view fault() const {
    if (zone_.ds.empty()) return "no line ds";
    KeyMask known = 0;
    for (unsigned place = 0; place < zone_.keys.size(); ++place) {
      if (!zone_.keys[place].free) known |= bit(place);
    }
    KeyMask named = zone_.asked.value_or(0);
    for (const DsVersion& version : zone_.ds) named |= version.keys;
    const auto add = [&](const KeySet& keys) { named |= keys.published | keys.signers; };
    add(zone_.key_sets.newest());
    add(zone_.key_sets.current);
    for (const auto& version : zone_.key_sets.past) add(version.what);
    named |= zone_.signatures.current | zone_.signatures.newest();
    for (const auto& version : zone_.signatures.past) named |= version.what;
    return (named & ~known) == 0 ? std::string_view{} : "a version names a key that there is not";
  }
  ZoneRolls take_zone() { return std::move(zone_); }

 private:
  template <class What>
  static bool read_timeline(std::string_view fact, std::string_view name, Words& words, Timeline<What>& versions) {
    if (!fact.starts_with(name)) return false;
    fact.remove_prefix(name.size());
    if (fact.empty()) return words.read(versions.current), true;
    if (fact == "-pending") return words.read(versions.pending.emplace()), true;
    if (fact != "-past" || versions.past.size() == max_versions) return false;
    auto& version = versions.past.emplace_back();
    words.read(version.gone);
    words.read(version.what);
    return true;
  }

  void read_clock(Words& words) {
    ClockReading& reading = zone_.clock.last.emplace();
    words.read(reading.wall);
    words.read(reading.since_boot);
    words.read(reading.synchronised);
    const std::string_view boot = words.word();
    reading.boot = boot == "-" ? std::string_view{} : boot;
  }

  bool read_key(Words& words) {
    RollingKey& key = zone_.keys.emplace_back();
    key.stem = words.word();
    words.read(key.tag);
    const auto* algorithm = find_algorithm(words.number<std::uint8_t>());
    if (algorithm == nullptr) return false;
    key.algorithm = algorithm->algorithm;
    key.role = words.one_of(roles);
    key.state = words.one_of(states);
    words.read(key.since);
    words.read(key.in_use);
    words.read(key.wanted);
    words.read(key.standby);
    return key.stem.find('/') == std::string::npos;
  }

  bool read_ds(Words& words) {
    DsVersion& version = zone_.ds.emplace_back();
    words.read(version.keys);
    words.read(version.foreign);
    words.read(version.may_come);
    words.read(version.gone);
    return true;
  }

  void read_parent(Words& words) {
    words.read(zone_.asked);
    words.read(zone_.seen);
    words.read(zone_.settled);
  }

  void read_cds(Words& words) {
    words.read(zone_.cds_is_new);
    words.read(zone_.cds_stale_until);
    words.read(zone_.asked_since);
    words.read(zone_.saw_other);
  }
  bool read_waiting(Words& words) { return !zone_.waiting.emplace_back(words.rest()).empty(); }
  bool read_later(Words& words) {
    LaterStep& step = zone_.later.emplace_back();
    words.read(step.from);
    step.what = words.rest();
    return !step.what.empty();
  }

  static void read_lingering(Words& words, Lingering& lingering) {
    words.read(lingering.longest);
    words.read(lingering.until);
  }

  ZoneRolls zone_;
};

bool may_repeat(std::string_view fact) {
  return fact == "key" || fact == "no-key" || fact == "ds" || fact == "dnskey-past" || fact == "signed-past" ||
         fact == "waits" || fact == "later";
}

constexpr std::string_view not_understood = "it cannot be understood";
constexpr std::array<std::string_view, 9> needed{
    "clock", "parent", "written", "largest-ttl", "linger-keys", "linger-signatures", "linger-ds", "dnskey", "signed"};

/// Facts one after the other, wherever they come from.
class Collector {
 public:
  /// Empty: it was taken. Otherwise what is wrong with it.
  std::string_view take(std::string_view fact, std::string_view text) {
    const auto before = std::ranges::find(known_, fact);
    if (before != known_.end() && !may_repeat(fact)) return "it is there twice";
    if (before == known_.end()) known_.emplace_back(fact);
    Words words{text};
    return reader_.take(fact, words) && words.is_good() ? std::string_view{} : not_understood;
  }
  /// errors   what is missing, or contradicts the rest
  std::expected<ZoneRolls, std::string> finish() {
    for (const std::string_view fact : needed) {
      if (std::ranges::find(known_, fact) == known_.end()) return std::unexpected{"no line " + std::string{fact}};
    }
    if (const auto what = reader_.fault(); !what.empty()) return std::unexpected{std::string{what}};
    return reader_.take_zone();
  }

 private:
  Reader reader_;
  std::vector<std::string> known_;
};

std::unexpected<std::string> fault_at(std::string_view unit, std::size_t number, std::string_view what) {
  return std::unexpected{std::string{unit} + std::to_string(number) + ": " + std::string{what}};
}

}  // namespace

std::vector<Fact> to_facts(const ZoneRolls& zone) {
  std::vector<Fact> facts;
  add(facts, "clock", zone.clock.now);
  if (const auto& last = zone.clock.last)
    add(facts, "clock-last", last->wall, last->since_boot, last->synchronised, or_dash(last->boot));
  for (const RollingKey& key : zone.keys) {
    if (key.free) {
      add(facts, "no-key");
      continue;
    }
    add(facts, "key", std::string_view{key.stem}, std::uint64_t{key.tag},
        std::uint64_t{static_cast<std::uint8_t>(key.algorithm)}, to_text(key.role), to_text(key.state), key.since,
        key.in_use, key.wanted, key.standby);
  }
  timeline(facts, "dnskey", zone.key_sets);
  timeline(facts, "signed", zone.signatures);
  for (const DsVersion& version : zone.ds)
    add(facts, "ds", version.keys, version.foreign, version.may_come, version.gone);
  add(facts, "parent", zone.asked, zone.seen, zone.settled);
  add(facts, "cds", zone.cds_is_new, zone.cds_stale_until, zone.asked_since, zone.saw_other);
  add(facts, "written", zone.written, std::uint64_t{zone.written_serial});
  add(facts, "largest-ttl", zone.largest_ttl);
  add(facts, "linger-keys", zone.keys_linger.longest, zone.keys_linger.until);
  add(facts, "linger-signatures", zone.signatures_linger.longest, zone.signatures_linger.until);
  add(facts, "linger-ds", zone.ds_linger.longest, zone.ds_linger.until);
  if (!zone.policy.empty()) add(facts, "policy", std::string_view{zone.policy});
  if (zone.held) add(facts, "held", std::string_view{*zone.held});
  for (const std::string& why : zone.waiting) add(facts, "waits", std::string_view{why});
  for (const LaterStep& step : zone.later) add(facts, "later", step.from, std::string_view{step.what});
  return facts;
}

std::string to_text(const ZoneRolls& zone) {
  std::string out = std::string{first_line} + "\n";
  for (const Fact& fact : to_facts(zone)) {
    out += fact.fact;
    if (!fact.words.empty()) (out += ' ') += fact.words;
    out += '\n';
  }
  return out + std::string{last_line} + "\n";
}

std::expected<ZoneRolls, std::string> zone_keys_from_facts(std::span<const Fact> facts) {
  Collector collector;
  std::size_t octets = 0;
  for (std::size_t at = 0; at < facts.size(); ++at) {
    const auto& [fact, words] = facts[at];
    octets += fact.size() + words.size() + 2;
    // Of a text these are lines: no line end can be within one.
    const bool is_line = words.find('\n') == std::string::npos;
    if (const auto what = octets > max_state_text ? "more than the state of a zone's keys can be"
                          : is_line               ? collector.take(fact, words)
                                                  : not_understood;
        !what.empty())
      return fault_at("row ", at + 1, what);
  }
  auto zone = collector.finish();
  if (!zone) return fault_at("row ", facts.size() + 1, zone.error());
  return std::move(*zone);
}

std::expected<ZoneRolls, std::string> zone_keys_from_text(std::string_view text) {
  const auto fault = [](std::size_t number, std::string_view what) { return fault_at("line ", number, what); };
  if (text.size() > max_state_text) return fault(1, "more than the state of a zone's keys can be");
  Collector collector;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return fault(number, "the line does not end");
    const std::string_view whole = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (number == 1) {
      if (whole != first_line) return fault(1, "expected \"" + std::string{first_line} + "\"");
      continue;
    }
    if (whole == last_line) {
      if (!text.empty()) return fault(number + 1, "there is more behind the end");
      auto zone = collector.finish();
      if (!zone) return fault(number, zone.error());
      return std::move(*zone);
    }
    const auto blank = std::min(whole.find(' '), whole.size());
    const auto what = collector.take(whole.substr(0, blank), whole.substr(std::min(blank + 1, whole.size())));
    if (!what.empty()) return fault(number, what);
  }
  return fault(1, "it is cut off: there is no end");
}

}  // namespace redoubt::dnssec
