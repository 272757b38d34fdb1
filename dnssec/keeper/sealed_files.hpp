#pragma once
// The folder of zone keys, by its descriptor alone: keykeeper opens no path.
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "dnssec/base/records.hpp"
#include "dnssec/keeper/file_handle.hpp"
#include "dnssec/keys/secret.hpp"

namespace redoubt::keykeeper {

/// Which file it is, whatever its name: another one in its place has another.
struct FileIdentity {
  std::uint64_t device = 0;
  std::uint64_t number = 0;
  std::int64_t changed = 0;  ///< nanoseconds: a number is used again
  bool operator==(const FileIdentity&) const = default;
};

/// Why a file cannot be told from others.
struct FileTrouble {
  std::string what;      ///< one line
  bool is_gone = false;  ///< no file of that name is there; otherwise nobody knows
};

/// All errors are one line, and name the file.
class SealedFiles {
 public:
  explicit SealedFiles(FileHandle folder) : folder_{std::move(folder)} {}

  /// Names of files that begin and end so, in order; at most `most`, and then an error.
  std::expected<std::vector<std::string>, std::string> names(std::string_view beginning, std::string_view ending,
                                                             std::size_t most) const;
  /// A file that nobody but root and our own user may read or change. errors: it is not like that, or not there
  std::expected<dnssec::Secret, std::string> read(const std::string& name, std::size_t most) const;
  /// Whole or not at all: written beside its place, brought to the disk, and renamed. A former file of that name goes.
  std::expected<void, std::string> write(const std::string& name, dnssec::OctetView octets, unsigned mode) const;
  std::expected<FileIdentity, FileTrouble> identity(const std::string& name) const;
  /// Its name is gone first, so that a kill leaves nothing that is read; on the disk when it returns.
  /// errors: it is not there, or what the system said
  std::expected<void, std::string> erase(const std::string& name) const;
  /// What a kill within erase() left.
  void sweep() const;
  int descriptor() const { return folder_.get(); }

 private:
  FileHandle folder_;
};

/// From its beginning to its end, wherever it stands; at most `most` octets. errors: what the system said, or that it
/// is larger
std::expected<dnssec::Secret, std::string> read_whole(int descriptor, std::size_t most);
/// Others than the owner may read or change the file, or it is another user's than root's and ours.
bool is_exposed(int descriptor);

}  // namespace redoubt::keykeeper
