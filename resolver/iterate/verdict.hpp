#pragma once
#include <string>

#include "resolver/iterate/classify.hpp"
#include "resolver/upstream/servers.hpp"

namespace redoubt::resolver {

/// Why a server is put aside, and for how long.
std::string verdict_of(const Servers::Aside& aside);
/// What a reply means, as a phrase for operators.
std::string verdict_of(const Classified& found);

}  // namespace redoubt::resolver
