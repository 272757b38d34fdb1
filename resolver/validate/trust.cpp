#include "resolver/validate/trust.hpp"

namespace redoubt::resolver {

SharedTrust TrustTable::find(const dns::Name& name, Instant now) {
  const std::lock_guard guard{lock_};
  const SharedTrust* known = table_.find(name);
  if (known == nullptr) return nullptr;
  if ((*known)->expires > now) return table_.touch(name);
  table_.erase(name);
  return nullptr;
}

void TrustTable::put(const dns::Name& name, SharedTrust trust) {
  const std::lock_guard guard{lock_};
  table_.touch(name) = std::move(trust);
}

void TrustTable::clear() {
  const std::lock_guard guard{lock_};
  table_ = RecentTable<dns::Name, SharedTrust, Hash>{max_names, Hash{key_}};
}

}  // namespace redoubt::resolver
