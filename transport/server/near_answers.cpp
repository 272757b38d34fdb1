#include "transport/server/near_answers.hpp"

#include <sodium.h>

#include <algorithm>

#include "dns/unwritten.hpp"

namespace redoubt::transport {

namespace {

/// Of answers that leave encrypted, to those who padded their query (RFC 8467 §4.1).
constexpr std::size_t padding_block = 468;

constexpr std::size_t most_expected = 16;

}  // namespace

void NearAnswers::resize(std::size_t octets) {
  if (octets == octets_) return;
  octets_ = octets;
  ++era_;
  dns::HashKey key;
  randombytes_buf(key.data(), key.size());
  kept_ = std::make_unique<dns::PacketCache>(octets, key);
}

void NearAnswers::forget() {
  ++era_;
  if (kept_) kept_->clear();
}

void NearAnswers::keep(std::span<const std::uint8_t> query, std::span<const std::uint8_t> answer, const Leave& leave,
                       Clock::time_point now) {
  dns::QueryGlance glance;
  if (!kept_ || leave.keep_for <= std::chrono::seconds{0} || !dns::look_at(query, glance)) return;
  kept_->keep(glance, answer, {.secure = leave.secure, .most = leave.keep_for}, now);
}

void NearAnswers::expect(std::span<const std::span<const std::uint8_t>> queries) {
  if (!kept_) return;
  REDOUBT_UNWRITTEN std::array<std::uint64_t, most_expected> hashes;  // `count` of them
  std::size_t count = 0;
  for (const auto& query : queries.first(std::min(queries.size(), most_expected))) {
    REDOUBT_UNWRITTEN dns::QueryGlance glance;
    if (!dns::look_at(query, glance)) continue;
    const std::uint64_t hash = kept_->hash_of(glance);
    kept_->fetch_place(hash);
    hashes[count++] = hash;
  }
  for (const std::uint64_t hash : std::span{hashes}.first(count)) kept_->fetch_answer(hash);
}

NearAnswers::Found NearAnswers::find(std::span<const std::uint8_t> query, Protocol protocol, Clock::time_point now) {
  REDOUBT_UNWRITTEN dns::QueryGlance glance;
  if (!kept_ || !dns::look_at(query, glance) || !glance.cookie.empty()) return {};
  const auto served = kept_->find(glance, query, now, room_);
  if (served.octets == 0) return {};
  std::size_t octets = served.octets;
  if (glance.padded && protocol != Protocol::tcp)
    octets = dns::pad_answer(room_, octets, octets - dns::plain_opt_octets, padding_block);
  return {std::span{room_}.first(octets), served.rcode, served.secure};
}

}  // namespace redoubt::transport
