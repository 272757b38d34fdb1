#pragma once
#include <string>

#include "resolver/iterate/classify.hpp"

namespace redoubt::resolver {

/// What a reply means, as a phrase for operators.
std::string verdict_of(const Classified& found);

}  // namespace redoubt::resolver
