#include "dns/writer.hpp"

#include <algorithm>
#include <cstring>

#include "dns/rdata.hpp"

namespace redoubt::dns {

namespace {

/// Pointers have fourteen bits (RFC 1035 §4.1.4).
constexpr std::size_t last_pointer_target = 0x3fff;

constexpr std::uint8_t no_parent = 0xff;
static_assert(max_compression_targets < no_parent);

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

/// Octet for octet: a pointer to a name in another case would change the case that the client gets back, and it may
/// compare that with what it sent (0x20).
bool WireWriter::same_label(const Target& target, std::span<const std::uint8_t> label) const {
  const std::uint8_t* stored = buffer_.data() + target.offset;
  return stored[0] == label[0] && std::memcmp(stored, label.data(), label.size()) == 0;
}

/// Walks the tree of targets from the root to the longest suffix that stands in the message already; what is left of
/// the name is written out and joins the tree. Only then: a label of a name whose end is not written yet is no target.
bool WireWriter::put_name(const Name& name) {
  const auto wire = name.wire();
  std::array<std::uint8_t, max_labels> labels;  // offsets in the name
  std::size_t left = 0;                         // labels without a match, counted from the name's front
  for (std::size_t at = 0; wire[at] != 0; at += wire[at] + 1U) labels[left++] = static_cast<std::uint8_t>(at);
  const auto label = [&](std::size_t index) { return wire.subspan(labels[index], wire[labels[index]] + 1U); };

  const bool search = searches_left_ != 0 && left != 0;
  std::uint8_t parent = no_parent;
  if (search) {
    --searches_left_;
    for (std::size_t i = 0; i < target_count_ && left != 0; ++i) {  // once is enough: children stand behind parents
      if (targets_[i].parent != parent || !same_label(targets_[i], label(left - 1))) continue;
      parent = static_cast<std::uint8_t>(i);
      --left;
    }
  }

  const std::size_t start = at_;
  if (left == 0 && parent == no_parent) return put(wire.last(1));
  if (parent == no_parent) {
    if (!put(wire)) return false;
  } else {
    const std::size_t own = left == 0 ? 0 : labels[left - 1] + label(left - 1).size();
    if (!put(wire.first(own)) || !put_u16(static_cast<std::uint16_t>(0xc000U | targets_[parent].offset))) return false;
  }
  if (!search) return true;  // nobody will look for it
  for (; left != 0 && target_count_ < targets_.size(); --left) {
    const std::size_t offset = start + labels[left - 1];
    if (offset > last_pointer_target) break;  // and what is left of it needs it as parent
    targets_[target_count_] = {static_cast<std::uint16_t>(offset), parent};
    parent = static_cast<std::uint8_t>(target_count_++);
  }
  return true;
}

bool WireWriter::put_owner(const Name& owner) {
  if (last_owner_at_ != 0 && last_owner_.identical(owner))
    return put_u16(static_cast<std::uint16_t>(0xc000U | last_owner_at_));
  const std::size_t here = at_;
  if (!put_name(owner)) return false;
  if (here > last_pointer_target || owner.is_root()) return true;
  const bool is_pointer = (buffer_[here] & 0xc0) == 0xc0;  // then straight to where it leads: no pointer to a pointer
  last_owner_at_ = is_pointer ? static_cast<std::size_t>((buffer_[here] & 0x3f) << 8 | buffer_[here + 1]) : here;
  last_owner_ = owner;
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
    if (!name || !put_name(*name)) return false;
  }
  return true;
}

bool WireWriter::question(const Question& question) {
  const Mark before = mark();
  if (put_owner(question.name) && put_u16(question.type.value) && put_u16(question.rr_class.value)) return true;
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
