#pragma once
#include "dns/name.hpp"
#include "dns/rr_types.hpp"

namespace redoubt::dns {

/// What is asked (RFC 9499 §4). Compares without regard to case; identical() of the name for an exact echo.
struct Question {
  Name name;
  RrType type;
  RrClass rr_class = rr_class::in;
  bool operator==(const Question&) const = default;
};

}  // namespace redoubt::dns
