#pragma once
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace redoubt::tests {

/// In memory where the system has such a place: hundreds of syncs would wait for a disk that others use, too, and no
/// test here is about what a disk does. TMPDIR in the environment says otherwise.
inline std::filesystem::path place_for_folders() {
  const char* const memory = "/dev/shm";
  if (getenv("TMPDIR") == nullptr && access(memory, R_OK | W_OK | X_OK) == 0) return memory;
  return std::filesystem::temp_directory_path();
}

/// A folder of the test's own, gone with it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (place_for_folders() / "redoubt-dnssec-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream{file(name), std::ios::binary} << text;
    return file(name);
  }
  std::string read(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream{file(name), std::ios::binary}.rdbuf();
    return text.str();
  }

 private:
  std::string path_;
};

/// Whether a program of that name can be run.
inline bool has_program(const std::string& name) {
  return std::system(("command -v " + name + " >/dev/null 2>&1").c_str()) == 0;  // NOLINT: names are constants of tests
}

}  // namespace redoubt::tests
