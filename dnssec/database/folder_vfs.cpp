#include "dnssec/database/folder_vfs.hpp"

#include <sqlite3.h>

#include <cstring>

namespace redoubt::database {

namespace {

constexpr const char* name = "redoubt-folder";

int path_as_it_is(sqlite3_vfs*, const char* path, int octets, char* out) {
  const std::size_t length = std::strlen(path) + 1;
  if (octets < 0 || length > static_cast<std::size_t>(octets)) return SQLITE_CANTOPEN;
  std::memcpy(out, path, length);
  return SQLITE_OK;
}

}  // namespace

const char* folder_vfs() {
  static const bool registered = [] {
    const sqlite3_vfs* usual = sqlite3_vfs_find(nullptr);
    if (usual == nullptr) return false;
    static sqlite3_vfs ours = *usual;
    ours.zName = name;
    ours.pNext = nullptr;
    ours.xFullPathname = path_as_it_is;
    return sqlite3_vfs_register(&ours, 0) == SQLITE_OK;
  }();
  return registered ? name : nullptr;
}

}  // namespace redoubt::database
