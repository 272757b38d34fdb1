#include "transport/tls/ticket_keys.hpp"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>

namespace redoubt::transport {

namespace {

void cleanse(TicketKey& key) {
  OPENSSL_cleanse(key.cipher.data(), key.cipher.size());
  OPENSSL_cleanse(key.mac.data(), key.mac.size());
}

bool fill(std::span<std::uint8_t> octets) { return RAND_bytes(octets.data(), static_cast<int>(octets.size())) == 1; }

}  // namespace

TicketKeys::~TicketKeys() { std::ranges::for_each(keys_, cleanse); }

void TicketKeys::drop_old(Clock::time_point now) {
  while (!keys_.empty() && now - keys_.back().made >= ticket_key_time + ticket_time) {
    cleanse(keys_.back());
    keys_.pop_back();
  }
}

const TicketKey* TicketKeys::current(Clock::time_point now) {
  drop_old(now);
  if (!keys_.empty() && now - keys_.front().made < ticket_key_time) return &keys_.front();
  TicketKey& fresh = keys_.emplace_front();
  fresh.made = now;
  if (fill(fresh.name) && fill(fresh.cipher) && fill(fresh.mac)) return &fresh;
  keys_.pop_front();
  return nullptr;
}

const TicketKey* TicketKeys::find(std::span<const std::uint8_t, 16> name, Clock::time_point now) {
  drop_old(now);
  const auto found =
      std::ranges::find_if(keys_, [&](const TicketKey& key) { return std::ranges::equal(key.name, name); });
  return found == keys_.end() ? nullptr : &*found;
}

}  // namespace redoubt::transport
