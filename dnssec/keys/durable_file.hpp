#pragma once
// Files that are whole or not there: written beside their place, brought to the disk, and moved into it by rename.
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "dnssec/keys/secret.hpp"

namespace redoubt::dnssec {

using FileDone = std::expected<void, std::string>;

/// After a kill or a loss of power there is the old file or the new one, never a mixture. A leftover of an earlier life
/// ("NAME.new-…") is harmless and never read. Where the path is a link, the file that it leads to is replaced.
/// mode     of the new file; what a former file of that name had is not taken over
/// errors   "PATH: what the system said", or that what has the name is no file (a device, a pipe, a folder), or a link
/// to
///          none or of another user than root and the one that this process works for
FileDone write_durably(const std::string& path, std::span<const std::uint8_t> octets, unsigned mode);
/// The other name is on the disk when it returns. Whatever had that name is gone.
FileDone rename_durably(const std::string& from, const std::string& to);
/// The folder of that file: a rename or an unlink is on the disk once it is.
FileDone bring_folder_to_disk(const std::string& path);
inline std::span<const std::uint8_t> octets_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};  // characters are octets
}

/// A file written bit by bit, as large as the disk allows. Gone again unless commit() was reached.
class DurableFile {
 public:
  static std::expected<DurableFile, std::string> create(const std::string& path, unsigned mode);
  DurableFile(DurableFile&& other) noexcept;
  DurableFile& operator=(DurableFile&&) = delete;
  ~DurableFile();
  FileDone write(std::span<const std::uint8_t> octets);
  /// Where the octets lie until commit(): for a check of what was written.
  const std::string& temporary_path() const { return temporary_; }
  /// On the disk, and under its name.
  FileDone commit();

 private:
  DurableFile(std::string path, std::string temporary, int descriptor)
      : path_{std::move(path)}, temporary_{std::move(temporary)}, descriptor_{descriptor} {}
  std::string path_;
  std::string temporary_;
  int descriptor_;
};

/// A file, and who may read and change it, of one descriptor: what is checked is what was read.
struct HeldFile {
  Secret octets;
  unsigned mode = 0;   ///< permission bits
  unsigned owner = 0;  ///< uid
  /// Of another user than root and the one that this process works for: whoever owns a file may open it up.
  bool is_anothers() const;
  bool others_may_read() const { return is_anothers() || (mode & 077) != 0; }
  bool others_may_change() const { return is_anothers() || (mode & 022) != 0; }
};
/// The file behind a path, all links resolved, when nobody but root and the user that this process works for can put
/// another in its place: none of its folders belongs to others or is writable by them (but for folders with the sticky
/// bit, such as /tmp), nor does the file.
/// errors: one line that names what others may change
std::expected<std::string, std::string> path_that_only_we_change(const std::string& path);
/// As read_secret_file().
std::expected<HeldFile, std::string> read_held_file(const std::string& path, std::size_t max);
/// The whole file. errors: "PATH: what the system said", or that it is larger than max.
std::expected<Secret, std::string> read_secret_file(const std::string& path, std::size_t max);

}  // namespace redoubt::dnssec
