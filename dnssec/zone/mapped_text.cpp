#include "dnssec/zone/mapped_text.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

namespace redoubt::dnssec {

std::expected<MappedText, std::string> MappedText::open(const std::string& path) {
  const auto trouble = [&] { return std::unexpected{path + ": " + std::strerror(errno)}; };
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a pipe must not make us wait
  if (descriptor < 0) return trouble();
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) {
    const auto result = trouble();
    ::close(descriptor);
    return result;
  }
  if (!S_ISREG(status.st_mode)) {  // of others the size says nothing, or they have no end
    ::close(descriptor);
    return std::unexpected{path + ": is no file that could be replaced"};
  }
  const auto size = static_cast<std::size_t>(status.st_size);
  void* at = size == 0 ? nullptr : ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  const int error = errno;
  ::close(descriptor);
  errno = error;
  if (at == MAP_FAILED) return trouble();
  return MappedText{std::string_view{static_cast<const char*>(at), size}};
}

MappedText::~MappedText() {
  if (!text_.empty()) ::munmap(const_cast<char*>(text_.data()), text_.size());
}

void MappedText::release(std::string_view part) const {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = (reinterpret_cast<std::uintptr_t>(part.data()) + page - 1) / page * page;
  const auto end = reinterpret_cast<std::uintptr_t>(part.data() + part.size()) / page * page;
  if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

}  // namespace redoubt::dnssec
