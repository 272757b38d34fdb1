#pragma once
// How SQLite opens a file in a folder that is known by descriptor alone: behind the sandbox the folder's parents may be
// out of reach.

namespace redoubt::database {

/// Registers it with SQLite, once a process, and returns its name for sqlite3_open_v2(). Paths are taken as they are,
/// so that
/// "/proc/self/fd/7/redoubt.sqlite" is not resolved to where folder 7 really is. Null when SQLite has no VFS of its own
/// to build on.
const char* folder_vfs();

}  // namespace redoubt::database
