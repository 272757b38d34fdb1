// Entrance: names as octets and as text. Properties: what from_wire takes comes back from its text octet for octet; a
// reader sees the same name; order, equality and hash agree; what from_text takes is valid wire form.
#include "dns/name.hpp"

#include <algorithm>

#include "dns/reader.hpp"
#include "fuzz/require.hpp"

using namespace redoubt::dns;
using redoubt::fuzz::require;

namespace {

void check_tree(const Name& name) {
  const std::size_t labels = name.label_count();
  require(labels <= max_labels, "a name has at most 127 labels");
  Name walk = name;
  for (std::size_t left = labels; left > 0; --left) {
    require(walk.identical(name.suffix(left)), "parents are suffixes");
    require(name.is_at_or_below(walk), "a name is below its suffixes");
    walk = walk.parent();
  }
  require(walk.is_root(), "the last parent is the root");
  const HashKey key{7};
  const Name lower = name.lowercased();
  require(lower == name && (lower <=> name) == 0 && lower.hash(key) == name.hash(key), "case is no difference");
}

void check_pair(const Name& left, const Name& right) {
  require((left == right) == ((left <=> right) == 0), "equality and order agree");
  require((left < right) == (right > left), "order has two sides");
  if (const auto moved = left.with_suffix_replaced(left.suffix(1), right))
    require(moved->is_strictly_below(right), "a moved name is below where it went");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span input{data, size};
  if (const auto name = Name::from_wire(input)) {
    require(std::ranges::equal(name->wire(), input), "wire form is kept");
    const auto again = Name::from_text(name->to_text());
    require(again && again->identical(*name), "text reads back as the same octets");
    NameWork work{size};
    WireReader reader{input, work};
    require(reader.name().identical(*name) && reader.ok() && reader.left() == 0, "the reader sees the same name");
    check_tree(*name);
  }
  const std::string_view text{reinterpret_cast<const char*>(data), size};  // characters are octets
  if (const auto name = Name::from_text(text)) {
    require(Name::from_wire(name->wire()).has_value(), "a name from text is valid");
    check_tree(*name);
  }
  if (size > 2) {  // compressed names of a message, and two of them side by side
    NameWork work{size};
    WireReader reader{input, work};
    reader.octets(data[0] % size);
    const Name left = reader.name();
    const Name right = reader.name();
    require(Name::from_wire(left.wire()) && Name::from_wire(right.wire()), "what a reader gives is valid");
    check_pair(left, right);
  }
  return 0;
}
