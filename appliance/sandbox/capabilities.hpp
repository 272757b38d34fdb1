#pragma once
// Capability sets, by the kernel's own calls: what libcap would do, in the few lines that are needed.
#include <cstdint>
#include <expected>
#include <string>

namespace redoubt::sandbox {

/// One bit for each CAP_ number.
using CapabilitySet = std::uint64_t;

constexpr CapabilitySet capability(unsigned number) { return CapabilitySet{1} << number; }

/// Effective and permitted become what the process has of `kept`; nothing stays inheritable or ambient.
std::expected<void, std::string> keep_capabilities(CapabilitySet kept);

/// Whoever this process executes can get no more than `kept`. Nothing to do, and no error, without CAP_SETPCAP: no new
/// privileges already says so.
void bound_capabilities(CapabilitySet kept);

}  // namespace redoubt::sandbox
