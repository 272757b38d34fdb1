#include "dns/writer.hpp"

#include <algorithm>
#include <cstring>

#include "dns/rdata.hpp"

namespace redoubt::dns {

namespace {

/// Pointers have fourteen bits (RFC 1035 §4.1.4).
constexpr std::size_t last_pointer_target = 0x3fff;

/// Whether the name at `at` of a message that we wrote ourselves equals `suffix`, octet for octet. Case counts: a
/// pointer to a name in another case would change the case that the client gets back, and he may compare it (0x20).
bool name_equals(std::span<const std::uint8_t> message, std::size_t at, std::span<const std::uint8_t> suffix) {
  std::size_t offset = 0;
  for (;;) {
    std::uint8_t length = message[at];
    while ((length & 0xc0) == 0xc0) {  // our own pointers lead backwards, so this ends
      at = static_cast<std::size_t>((length & 0x3f) << 8 | message[at + 1]);
      length = message[at];
    }
    if (length != suffix[offset]) return false;
    if (length == 0) return true;
    if (std::memcmp(message.data() + at + 1, suffix.data() + offset + 1, length) != 0) return false;
    at += length + 1U;
    offset += length + 1U;
  }
}

}  // namespace

WireWriter::WireWriter(std::span<std::uint8_t> buffer, std::size_t limit)
    : buffer_{buffer}, limit_{std::min({limit, buffer.size(), std::size_t{65535}})} {}

bool WireWriter::put(std::span<const std::uint8_t> octets) {
  if (at_ + reserved_ > limit_ || octets.size() > limit_ - reserved_ - at_) return false;
  if (!octets.empty()) std::memcpy(buffer_.data() + at_, octets.data(), octets.size());
  at_ += octets.size();
  return true;
}

bool WireWriter::put_u16(std::uint16_t value) {
  const std::array<std::uint8_t, 2> octets{static_cast<std::uint8_t>(value >> 8),
                                           static_cast<std::uint8_t>(value & 0xff)};
  return put(octets);
}

bool WireWriter::put_u32(std::uint32_t value) {
  return put_u16(static_cast<std::uint16_t>(value >> 16)) && put_u16(static_cast<std::uint16_t>(value & 0xffff));
}

/// Looks for the longest suffix that stands in the message already. Each suffix written becomes a target for later
/// names, as long as there is room to remember it; one name looks at most at every target once a label, and a message
/// does at most max_suffix_searches such looks in all.
bool WireWriter::put_name(const Name& name, bool compress) {
  const auto wire = name.wire();
  std::size_t label = 0;
  while (wire[label] != 0) {
    if (compress && searches_left_ != 0) {
      --searches_left_;
      for (std::size_t i = 0; i < target_count_; ++i) {
        if (!name_equals(buffer_, targets_[i], wire.subspan(label))) continue;
        return put_u16(static_cast<std::uint16_t>(0xc000U | targets_[i]));
      }
    }
    const std::size_t here = at_;
    if (!put(wire.subspan(label, wire[label] + 1U))) return false;
    if (here <= last_pointer_target && target_count_ < targets_.size())
      targets_[target_count_++] = static_cast<std::uint16_t>(here);
    label += wire[label] + 1U;
  }
  const std::uint8_t root = 0;
  return put({&root, 1});
}

bool WireWriter::put_owner(const Name& owner) {
  if (last_owner_ != 0 && !owner.is_root() && name_equals(buffer_, last_owner_, owner.wire())) {
    return put_u16(static_cast<std::uint16_t>(0xc000U | last_owner_));
  }
  const std::size_t here = at_;
  if (!put_name(owner, true)) return false;
  if (here <= last_pointer_target) last_owner_ = here;
  return true;
}

bool WireWriter::put_rdata(RrType type, std::span<const std::uint8_t> rdata) {
  const RrTypeInfo* row = find_rr_type(type);
  const bool may_compress =
      row != nullptr && std::ranges::find(row->fields, Field::name_compressed) != row->fields.end();
  if (!may_compress) return put(rdata);
  for (RdataFields fields{type, rdata}; fields.next();) {
    const auto octets = rdata.subspan(fields.offset(), fields.octets());
    if (fields.field() != Field::name_compressed) {
      if (!put(octets)) return false;
      continue;
    }
    const auto name = Name::from_wire(octets);
    if (!name || !put_name(*name, true)) return false;
  }
  return true;
}

bool WireWriter::question(const Question& question) {
  const Mark before = mark();
  if (put_name(question.name, true) && put_u16(question.type.value) && put_u16(question.rr_class.value)) return true;
  back_to(before);
  return false;
}

bool WireWriter::record(const Name& owner, RrType type, RrClass rr_class, Ttl ttl,
                        std::span<const std::uint8_t> rdata) {
  const Mark before = mark();
  const auto write = [&] {
    if (!put_owner(owner) || !put_u16(type.value) || !put_u16(rr_class.value) || !put_u32(ttl.seconds())) return false;
    const std::size_t length_at = at_;
    if (!put_u16(0) || !put_rdata(type, rdata)) return false;
    const std::size_t length = at_ - length_at - 2;
    buffer_[length_at] = static_cast<std::uint8_t>(length >> 8);
    buffer_[length_at + 1] = static_cast<std::uint8_t>(length & 0xff);
    return true;
  };
  if (write()) return true;
  back_to(before);
  return false;
}

bool WireWriter::rrset(const RRset& rrset, Ttl ttl) {
  const Mark before = mark();
  for (const auto rdata : rrset.rdata) {
    if (record(rrset.owner, rrset.type, rrset.rr_class, ttl, rdata)) continue;
    back_to(before);
    return false;
  }
  return true;
}

bool WireWriter::raw_record(std::span<const std::uint8_t> octets) { return put(octets); }

void WireWriter::reserve(std::size_t octets) { reserved_ += octets; }

std::span<const std::uint8_t> WireWriter::finish(const Header& header) {
  if (buffer_.size() < header_octets) return {};
  const std::array<std::uint16_t, 6> fields{header.id,      header.flags_to_wire(), header.questions,
                                            header.answers, header.authorities,     header.additionals};
  for (std::size_t i = 0; i < fields.size(); ++i) {
    buffer_[2 * i] = static_cast<std::uint8_t>(fields[i] >> 8);
    buffer_[2 * i + 1] = static_cast<std::uint8_t>(fields[i] & 0xff);
  }
  return buffer_.first(at_);
}

}  // namespace redoubt::dns
