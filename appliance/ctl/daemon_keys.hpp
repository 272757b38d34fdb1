#pragma once
// Zone keys in the keykeeper of resolverd, through its API: the private halves stay there.
#include <memory>

#include "appliance/ctl/api_client.hpp"
#include "dnssec/keys/key_house.hpp"

namespace redoubt::ctl {

std::shared_ptr<dnssec::KeyHouse> daemon_keys(const ApiClient& api);

}  // namespace redoubt::ctl
