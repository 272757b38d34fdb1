#pragma once
// What a process does that has private keys in its memory and is no role of resolverd.

namespace redoubt::dnssec {

/// No core dump from now on, no other process of the same user may look into this one's memory, and OpenSSL keeps the
/// private numbers of keys in memory that is locked against swapping and wiped when given back. Before the first key.
/// False when the system grants less than all of it (a small RLIMIT_MEMLOCK); what it grants stays in force.
bool guard_secrets();

}  // namespace redoubt::dnssec
