#include "resolver/forward/abroad.hpp"

#include <algorithm>

namespace redoubt::resolver {

namespace {

/// Fewer letters can fall into the same case by chance.
constexpr std::ptrdiff_t telling_letters = 8;

bool is_letter(std::uint8_t octet) { return (octet >= 'a' && octet <= 'z') || (octet >= 'A' && octet <= 'Z'); }

/// Whether the case of this name can only be our own drawing: what people and programs write by themselves is all
/// lower or all upper.
bool has_telling_case(const dns::Name& name) {
  const auto wire = name.wire();
  const auto letters = std::ranges::count_if(wire, is_letter);
  const auto upper = std::ranges::count_if(wire, [](std::uint8_t octet) { return octet >= 'A' && octet <= 'Z'; });
  return letters >= telling_letters && upper != 0 && upper != letters;
}

}  // namespace

Abroad::Ticket::Ticket(Abroad& abroad, dns::Question sent, const dns::IpAddress& upstream) : abroad_{&abroad} {
  const std::lock_guard guard{abroad.lock_};
  place_ = abroad.questions_.emplace(std::move(sent), Place{upstream});
}

Abroad::Ticket::~Ticket() {
  if (abroad_ == nullptr) return;
  const std::lock_guard guard{abroad_->lock_};
  abroad_->questions_.erase(place_);
}

bool Abroad::Ticket::came_back() const {
  const std::lock_guard guard{abroad_->lock_};
  return place_->second.came_back;
}

Abroad::Return Abroad::is_returning(const dns::Question& asked, const dns::IpAddress& client) {
  const std::lock_guard guard{lock_};
  const auto [first, last] = questions_.equal_range(asked);
  Return found = Return::no;
  for (auto at = first; at != last; ++at) {
    if (has_telling_case(at->first.name) && at->first.name.identical(asked.name)) {
      found = Return::yes;
      at->second.came_back = true;
    } else if (at->second.upstream == client.unmapped()) {
      found = std::max(found, Return::perhaps);
      at->second.came_back = true;
    }
  }
  return found;
}

}  // namespace redoubt::resolver
