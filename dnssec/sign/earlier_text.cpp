#include "dnssec/sign/earlier_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "dns/text.hpp"
#include "dns/text_reading.hpp"
#include "dnssec/base/canonical.hpp"
#include "dnssec/base/records.hpp"

namespace redoubt::dnssec {

namespace {

constexpr std::size_t step_octets = std::size_t{8} * 1024;
constexpr std::size_t release_octets = std::size_t{1} << 20;

/// The word in front of a blank, which is taken away with it. Empty when there is no blank.
std::string_view take_word(std::string_view& text) {
  const auto end = text.find(' ');
  if (end == std::string_view::npos) return {};
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(end + 1);
  return word;
}

bool is_number(std::string_view word) {
  return !word.empty() && word.size() <= 10 && std::ranges::all_of(word, [](char c) { return c >= '0' && c <= '9'; });
}

/// What stands behind the owner.
struct Fields {
  std::string_view type;
  std::string_view rdata;
};
std::optional<Fields> fields_behind(std::string_view rest) {
  if (!is_number(take_word(rest)) || take_word(rest) != "IN") return std::nullopt;
  const std::string_view type = take_word(rest);
  if (type.empty()) return std::nullopt;
  return Fields{type, rest};
}

/// Of "TYPE ALGORITHM LABELS TTL EXPIRATION ...", as it is written; such times are in order as text.
std::string_view expiration_of(std::string_view rdata) {
  for (int skipped = 0; skipped < 4; ++skipped) take_word(rdata);
  const std::string_view time = take_word(rdata);
  return time.size() == 14 ? time : std::string_view{};
}

std::string_view line_at(std::string_view text, std::size_t at) {
  const auto end = text.find('\n', at);
  return text.substr(at, end - at);
}

/// RFC 3597 §5.
void append_generic(std::string& out, dns::RrType type, std::span<const std::uint8_t> rdata) {
  static constexpr std::string_view digits = "0123456789abcdef";
  out += "TYPE" + std::to_string(type.value) + " \\# " + std::to_string(rdata.size());
  if (!rdata.empty()) out += ' ';
  for (const std::uint8_t octet : rdata) out += {digits[octet >> 4], digits[octet & 15]};
  out += '\n';
}

/// Empty for a line that begins with no whole name.
std::string_view owner_of(std::string_view line) {
  const auto end = line.find(' ');
  if (end == 0 || end == std::string_view::npos || line[end - 1] != '.') return {};
  if (std::string_view{"$;(@\"\t"}.contains(line[0])) return {};
  return line.substr(0, end);
}

std::optional<EarlierText::Line> parse_line(std::string_view line, std::string_view owner) {
  const auto fields = fields_behind(line.substr(owner.size() + 1));
  if (!fields) return std::nullopt;
  EarlierText::Line one{
      .type = dns::rr_type_from_text(fields->type).value_or(dns::RrType{0}), .text = line, .rdata = fields->rdata};
  if (one.type == dns::type::rrsig) {
    std::string_view rest = one.rdata;
    one.covered = dns::rr_type_from_text(take_word(rest)).value_or(dns::RrType{0});
  }
  return one;
}

bool append_key_of(std::string& key, std::string_view owner, const dns::Name& apex) {
  const auto name = dns::Name::from_text(owner);
  if (!name || !name->is_at_or_below(apex)) return false;
  append_order_key(key, name->wire());
  return true;
}

}  // namespace

/// One pass over the whole text.
class EarlierIndexing {
 public:
  EarlierIndexing(EarlierText& out, const dns::Name& apex) : out_{out}, apex_{apex} {
    append_order_key(apex_key_, apex.wire());
  }

  bool run() {
    const std::string_view text = out_.text_;
    if (text.empty() || text.back() != '\n') return false;
    std::size_t released = 0;
    for (std::size_t at = 0; at < text.size();) {
      const std::string_view line = line_at(text, at);
      if (!take(line, at)) return false;
      at += line.size() + 1;
      if (out_.release_ && at - released > release_octets) {
        out_.release_(text.substr(released, at - released));
        released = at;
      }
    }
    if (out_.runs_.empty()) return false;
    if (!in_tail_) out_.runs_.back().end = text.size();
    return take_earliest();
  }

 private:
  bool take(std::string_view line, std::size_t at) {
    const std::string_view owner = owner_of(line);
    if (owner.empty()) return false;
    const auto fields = fields_behind(line.substr(owner.size() + 1));
    if (!fields) return false;
    if (owner != owner_ && !begin_name(owner, *fields, at)) return false;
    owner_ = owner;
    if (in_tail_ && fields->type != "ZONEMD" && !fields->rdata.starts_with("ZONEMD ")) return false;
    if (fields->type == "RRSIG") {
      const std::string_view time = expiration_of(fields->rdata);
      if (time.empty()) return false;
      if (earliest_.empty() || time < earliest_) earliest_ = time;
    } else if (fields->type != type_) {
      type_ = fields->type;
      ++out_.sets_;
    }
    return true;
  }

  bool begin_name(std::string_view owner, const Fields& fields, std::size_t at) {
    key_.clear();
    if (!append_key_of(key_, owner, apex_)) return false;
    if (key_ == before_) return false;  // written in another case
    if (out_.runs_.empty()) {
      if (at != 0 || key_ != apex_key_) return false;
      out_.runs_.emplace_back();
    } else if (key_ < before_) {
      out_.runs_.back().end = at;
      if (key_ == apex_key_ && fields.type == "ZONEMD" && !in_tail_) {
        in_tail_ = true;
        out_.tail_ = at;
      } else {
        if (out_.runs_.size() == 2 || in_tail_) return false;
        out_.runs_.push_back({.begin = at, .end = 0, .marks = {}});
      }
    } else if (in_tail_) {
      return false;
    }
    type_.clear();
    before_.swap(key_);
    auto& marks = out_.runs_.back().marks;
    if (!in_tail_ && (marks.empty() || at - marks.back().at >= step_octets)) {
      marks.push_back({at, out_.keys_.size(), before_.size()});
      out_.keys_ += before_;
    }
    return true;
  }

  bool take_earliest() {
    if (earliest_.empty()) return true;
    const std::string line = ". 0 IN RRSIG SOA 8 0 0 " + earliest_ + " 19700101000000 0 . AA==";
    const auto record = dns::read_plain_line(line, {dns::Name{}, dns::Ttl::from_wire(0), std::nullopt});
    const auto rrsig = record ? Rrsig::parse(record->rdata) : std::nullopt;
    if (!rrsig) return false;
    out_.earliest_expiration_ = rrsig->expiration;
    return true;
  }

  EarlierText& out_;
  const dns::Name& apex_;
  std::string apex_key_;
  std::string_view owner_;  // of the line before
  std::string type_;        // of the RRset before, at this name
  std::string before_;      // order key of the name before
  std::string key_;
  std::string earliest_;
  bool in_tail_ = false;
};

std::optional<EarlierText> EarlierText::index(std::string_view text, const dns::Name& apex,
                                              std::function<void(std::string_view)> release) {
  EarlierText out;
  out.text_ = text;
  out.release_ = std::move(release);
  if (!EarlierIndexing{out, apex}.run()) return std::nullopt;
  return out;
}

std::vector<EarlierText::Line> EarlierText::tail() const {
  std::vector<Line> lines;
  if (!tail_) return lines;
  for (std::size_t at = *tail_; at < text_.size();) {
    const std::string_view line = line_at(text_, at);
    if (auto one = parse_line(line, owner_of(line))) lines.push_back(*one);
    at += line.size() + 1;
  }
  return lines;
}

std::span<const EarlierText::Line> EarlierText::Reader::at(const dns::Name& owner, std::string_view owner_text,
                                                           bool is_hash) {
  lines_.clear();
  key_.clear();
  append_order_key(key_, owner.wire());
  const std::size_t run = is_hash ? earlier_->runs_.size() - 1 : 0;
  Place& place = places_[run];
  if (find(place, earlier_->runs_[run], owner_text)) place.at = take_lines(place.block);
  return lines_;
}

/// Sets place.block to where the lines of that name begin, or place.at to where they would.
bool EarlierText::Reader::find(Place& place, const Run& run, std::string_view owner_text) {
  constexpr int few = 16;
  if (place.is_found && key_ == place.after) return true;
  if (!place.is_begun || key_ < place.after) place.at = mark_before(run);
  place.is_begun = true;
  place.is_found = false;
  place.after = key_;
  std::string_view passed;  // the owner of the lines that are passed by
  for (int steps = 0; place.at < run.end;) {
    const std::string_view line = line_at(earlier_->text_, place.at);
    const std::string_view owner = owner_of(line);
    if (owner == owner_text) {
      place.block = place.at;
      return place.is_found = true;
    }
    if (owner != passed) {
      other_key_.clear();
      if (const auto name = dns::Name::from_text(owner)) append_order_key(other_key_, name->wire());
      if (other_key_ >= key_) {
        place.block = place.at;
        return place.is_found = other_key_ == key_;
      }
      passed = owner;
      if (++steps == few) {
        if (const std::size_t from = mark_before(run); from > place.at) {
          place.at = from;
          continue;
        }
      }
    }
    place.at += line.size() + 1;
  }
  return false;
}

/// Where to look for the name from: not behind its lines, if there are any.
std::size_t EarlierText::Reader::mark_before(const Run& run) const {
  const auto next =
      std::ranges::upper_bound(run.marks, key_, {}, [&](const Mark& mark) { return earlier_->key_of(mark); });
  return next == run.marks.begin() ? run.begin : std::prev(next)->at;
}

/// Where they end.
std::size_t EarlierText::Reader::take_lines(std::size_t at) {
  const std::string_view text = earlier_->text_;
  const std::string_view owner = owner_of(line_at(text, at));
  if (at > looked_at_ + release_octets || at < released_) {
    release_up_to(looked_at_);
    released_ = at;
  }
  while (at < text.size()) {
    const std::string_view line = line_at(text, at);
    if (owner_of(line) != owner) break;
    const auto one = parse_line(line, owner);
    if (!one) break;  // index() saw to it
    lines_.push_back(*one);
    at += line.size() + 1;
  }
  looked_at_ = at;
  if (looked_at_ - released_ > release_octets) release_up_to(looked_at_);
  return at;
}

void EarlierText::Reader::release_up_to(std::size_t at) {
  if (earlier_->release_ && at > released_) earlier_->release_(earlier_->text_.substr(released_, at - released_));
  released_ = at;
}

void append_record_line(std::string& out, std::string_view owner, std::uint32_t ttl, dns::RrType type,
                        std::span<const std::uint8_t> rdata) {
  std::array<char, 10> digits;
  const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), ttl);
  out += owner;
  out += ' ';
  out.append(digits.data(), written.ptr);
  out += " IN ";
  if (dns::is_rarely_known(type)) {
    append_generic(out, type, rdata);
    return;
  }
  if (const dns::RrTypeInfo* row = dns::find_rr_type(type); row != nullptr) {
    out += row->name;
  } else {
    out += dns::to_text(type);
  }
  out += ' ';
  if (!dns::append_plain_rdata(out, type, rdata)) out += dns::rdata_to_text(type, dns::rr_class::in, rdata);
  out += '\n';
}

}  // namespace redoubt::dnssec
