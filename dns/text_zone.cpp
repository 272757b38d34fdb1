#include "dns/text_zone.hpp"

#include <charconv>
#include <optional>
#include <vector>

#include "dns/text_lines.hpp"
#include "dns/text_reading.hpp"
#include "dns/text_words.hpp"

namespace redoubt::dns {

namespace {

using Done = std::expected<void, ZoneTextFault>;
using Take = std::function<std::expected<void, std::string>(Record&&)>;

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  for (std::size_t at = text.find_first_not_of(' '); at != std::string_view::npos;
       at = text.find_first_not_of(' ', at)) {
    const auto end = std::min(text.find(' ', at), text.size());
    words.push_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

std::string_view first_word(std::string_view text) { return text.substr(0, text.find(' ')); }

std::string beside(const std::string& file, const std::string& path) {
  const auto slash = file.rfind('/');
  return path.starts_with('/') || slash == std::string::npos ? path : file.substr(0, slash + 1) + path;
}

std::optional<std::uint32_t> number_of(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

/// "1-10/2"
struct Range {
  std::uint32_t first;
  std::uint32_t last;
  std::uint32_t step = 1;

  static std::optional<Range> from_text(std::string_view text) {
    Range range{};
    if (const auto slash = text.find('/'); slash != std::string_view::npos) {
      const auto step = number_of(text.substr(slash + 1));
      if (!step || *step == 0) return std::nullopt;
      range.step = *step;
      text = text.substr(0, slash);
    }
    const auto dash = text.find('-');
    if (dash == std::string_view::npos) return std::nullopt;
    const auto first = number_of(text.substr(0, dash));
    const auto last = number_of(text.substr(dash + 1));
    if (!first || !last || *first > *last || *last > 0x7fffffff) return std::nullopt;
    range.first = *first;
    range.last = *last;
    if ((range.last - range.first) / range.step >= max_generated) return std::nullopt;
    return range;
  }
};

std::string in_base(std::uint64_t value, unsigned base, bool upper) {
  const std::string_view alphabet = upper ? "0123456789ABCDEF" : "0123456789abcdef";
  std::string digits;
  do {
    digits.insert(digits.begin(), alphabet[value % base]);
    value /= base;
  } while (value != 0);
  return digits;
}

/// `text` behind "${": offset[,width[,base]]}. at moves behind the brace.
std::optional<std::string> modified(std::string_view text, std::size_t& at, std::uint32_t value) {
  const auto end = text.find('}', at);
  if (end == std::string_view::npos) return std::nullopt;
  std::string_view inside = text.substr(at, end - at);
  at = end + 1;
  const auto part = [&] {
    const auto comma = std::min(inside.find(','), inside.size());
    const std::string_view one = inside.substr(0, comma);
    inside.remove_prefix(std::min(comma + 1, inside.size()));
    return one;
  };
  std::string_view offset_text = part();
  const bool negative = offset_text.starts_with('-');
  if (negative || offset_text.starts_with('+')) offset_text.remove_prefix(1);
  const auto offset = number_of(offset_text);
  const std::string_view width_text = part();
  const auto width = width_text.empty() ? std::optional{0U} : number_of(width_text);
  const std::string_view base = part();
  if (!offset || !width || *width > 255 || (!base.empty() && base != "d" && base != "o" && base != "x" && base != "X"))
    return std::nullopt;
  const std::int64_t shifted = std::int64_t{value} + (negative ? -std::int64_t{*offset} : std::int64_t{*offset});
  if (shifted < 0) return std::nullopt;
  const std::string digits = in_base(static_cast<std::uint64_t>(shifted),
                                     base == "o"                  ? 8
                                     : base == "x" || base == "X" ? 16
                                                                  : 10,
                                     base == "X");
  return std::string(*width > digits.size() ? *width - digits.size() : 0, '0') + digits;
}

/// `$` is the number, `${0,3,d}` the number in a shape, `\$` and `$$` a dollar sign.
std::optional<std::string> filled_in(std::string_view pattern, std::uint32_t value) {
  std::string out;
  for (std::size_t at = 0; at < pattern.size();) {
    const char c = pattern[at++];
    if (c == '\\' && at < pattern.size()) {
      if (pattern[at] != '$') out += c;
      out += pattern[at++];
    } else if (c != '$') {
      out += c;
    } else if (at < pattern.size() && pattern[at] == '$') {
      out += pattern[at++];
    } else if (at < pattern.size() && pattern[at] == '{') {
      const auto shaped = modified(pattern, ++at, value);
      if (!shaped) return std::nullopt;
      out += *shaped;
    } else {
      out += std::to_string(value);
    }
  }
  return out;
}

class Reading {
 public:
  Reading(const ZoneTextSource& source, const Take& take) : source_{source}, take_{take} {}

  Done read(const std::string& file, std::string_view text, Surroundings& around, std::size_t depth) {
    MasterFileLines lines{text};
    for (;;) {
      const auto next = lines.next();
      if (!next) return std::unexpected{ZoneTextFault{file, next.error().line, next.error().what}};
      if (!*next) return {};
      const MasterFileLines::Line& line = **next;
      if (source_.place != nullptr) *source_.place = {file, line.number};
      std::expected<void, std::string> done;
      if (line.text[0] != '$') {
        done = take_line(line.text, around);
      } else if (is_directive(first_word(line.text), "$INCLUDE")) {
        Done included = include(file, line, around, depth);
        if (!included) return included;
      } else if (is_directive(first_word(line.text), "$GENERATE")) {
        done = generate(line.text, around);
      } else if (auto what = follow_directive(line.text, around)) {
        done = std::unexpected{std::move(*what)};
      }
      if (!done) return std::unexpected{ZoneTextFault{file, line.number, done.error()}};
    }
  }

 private:
  std::expected<void, std::string> take_line(std::string_view text, Surroundings& around) {
    if (count_++ == source_.max_records)
      return std::unexpected{"more than " + std::to_string(source_.max_records) + " records"};
    if (auto plain = read_plain_line(text, around)) return take(std::move(*plain), around);
    auto record = read_line(text, around);
    if (!record) return std::unexpected{record.error()};
    return take(std::move(*record), around);
  }

  std::expected<void, std::string> take(Record&& record, Surroundings& around) {
    follow_record(record, around, ttl_unsaid);
    if (record.ttl == ttl_unsaid) return std::unexpected{"no TTL, and none before it"};  // BIND refuses it, too
    return take_(std::move(record));
  }

  /// The included file's $ORIGIN ends with it (RFC 1035 §5.1), and so does its last owner. Its TTL goes on, as with
  /// BIND, be it the last record's or that of its $TTL.
  Done include(const std::string& file, const MasterFileLines::Line& line, Surroundings& around, std::size_t depth) {
    const auto fault = [&](std::string what) {
      return std::unexpected{ZoneTextFault{file, line.number, std::move(what)}};
    };
    TextWords words{line.text};
    words.next();
    const auto path_text = unescaped(words.next().raw);  // a name with blanks stands in quotes
    const TextWord origin_text = words.next();
    if (!path_text || path_text->empty() || !words.done() || words.faulty())
      return fault("expected $INCLUDE FILE [ORIGIN]");
    if (depth == max_include_depth) return fault("files include each other more than 16 deep");
    if (!source_.open) return fault("$INCLUDE is not read here");
    Surroundings inside = around;
    if (!origin_text.raw.empty()) {
      const auto origin = read_owner(origin_text.raw, around.origin);
      if (!origin) return fault(origin.error());
      inside.origin = *origin;
    }
    const std::string path = beside(file, {path_text->begin(), path_text->end()});
    const auto text = source_.open(path);
    if (!text) return fault(text.error());
    auto done = read(path, *text, inside, depth + 1);
    around.ttl = inside.ttl;
    around.ttl_is_default = inside.ttl_is_default;
    return done;
  }

  std::expected<void, std::string> generate(std::string_view text, Surroundings& around) {
    const auto words = words_of(text);
    const auto range = words.size() < 4 ? std::nullopt : Range::from_text(words[1]);
    if (!range)
      return std::unexpected{
          "expected $GENERATE FIRST-LAST[/STEP] OWNER [TTL] [CLASS] TYPE DATA, a million records at most"};
    const std::string_view pattern = text.substr(static_cast<std::size_t>(words[2].data() - text.data()));
    for (std::uint64_t value = range->first; value <= range->last; value += range->step) {
      const auto line = filled_in(pattern, static_cast<std::uint32_t>(value));
      if (!line) return std::unexpected{"expected ${OFFSET[,WIDTH[,BASE]]} with base d, o, x or X"};
      if (auto done = take_line(*line, around); !done) return done;
    }
    return {};
  }

  const ZoneTextSource& source_;
  const Take& take_;
  std::size_t count_ = 0;
};

}  // namespace

std::string ZoneTextFault::to_text() const {
  return file + (line == 0 ? "" : ":" + std::to_string(line)) + ": " + what;
}

std::expected<void, ZoneTextFault> read_zone_text(const ZoneTextSource& source, const Take& take) {
  Surroundings around{source.origin, ttl_unsaid, std::nullopt};
  return Reading{source, take}.read(source.file, source.text, around, 0);
}

}  // namespace redoubt::dns
