#include "appliance/snapshot/snapshot.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "snapshot_generated.h"

namespace redoubt::snapshot {

namespace {

constexpr int every_seal = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
// A snapshot nests five deep; its tables are listeners, prefixes, servers: one for each thing that somebody configured.
constexpr flatbuffers::uoffset_t max_depth = 16;
constexpr flatbuffers::uoffset_t max_tables = 16'000'000;

std::unexpected<std::string> trouble(std::string_view what) {
  return std::unexpected{fmt::format("{}: {}", what, std::strerror(errno))};
}

}  // namespace

std::expected<channel::Descriptor, std::string> seal(std::span<const std::uint8_t> octets) {
  if (octets.size() > max_snapshot_octets) return std::unexpected{fmt::format("{} octets are too many", octets.size())};
  channel::Descriptor memfd{::memfd_create("redoubt-snapshot", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  if (!memfd) return trouble("memfd_create");
  while (!octets.empty()) {
    const ssize_t written = ::write(memfd.get(), octets.data(), octets.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return trouble("write");
    octets = octets.subspan(static_cast<std::size_t>(written));
  }
  if (::fcntl(memfd.get(), F_ADD_SEALS, every_seal) != 0) return trouble("F_ADD_SEALS");
  return memfd;
}

const flat::Snapshot* verified(std::span<const std::uint8_t> octets) {
  flatbuffers::Verifier verifier{octets.data(), octets.size(), max_depth, max_tables};
  return flat::VerifySnapshotBuffer(verifier) ? flat::GetSnapshot(octets.data()) : nullptr;
}

std::expected<SealedOctets, std::string> SealedOctets::map(const channel::Descriptor& memfd) {
  const int seals = ::fcntl(memfd.get(), F_GET_SEALS);
  if (seals < 0) return trouble("F_GET_SEALS");  // no memfd at all
  if ((seals & every_seal) != every_seal) return std::unexpected{std::string{"not sealed"}};
  // Not fstat(): glibc makes it newfstatat(), which takes paths and so is closed to sandboxed readers.
  const off_t end = ::lseek(memfd.get(), 0, SEEK_END);
  if (end < 0) return trouble("lseek");
  const auto octets = static_cast<std::size_t>(end);
  if (octets == 0 || octets > max_snapshot_octets) return std::unexpected{fmt::format("wrong size, {} octets", octets)};

  // Private rather than shared: kernels before 6.7 refuse to share what was sealed against writing; never written, it
  // is the same memory.
  void* address = ::mmap(nullptr, octets, PROT_READ, MAP_PRIVATE, memfd.get(), 0);
  if (address == MAP_FAILED) return trouble("mmap");
  return SealedOctets{{static_cast<const std::uint8_t*>(address), octets}};
}

SealedOctets::~SealedOctets() {
  if (!octets_.empty())
    ::munmap(const_cast<std::uint8_t*>(octets_.data()), octets_.size());  // NOLINT: munmap wants it so
}

std::expected<std::shared_ptr<const Mapped>, std::string> Mapped::map(const channel::Descriptor& memfd) {
  auto sealed = SealedOctets::map(memfd);
  if (!sealed) return std::unexpected{"snapshot: " + sealed.error()};
  const flat::Snapshot* root = verified(sealed->octets());
  if (root == nullptr) return std::unexpected{std::string{"snapshot: does not verify"}};
  return std::shared_ptr<const Mapped>{new Mapped{*std::move(sealed), root}};
}

}  // namespace redoubt::snapshot
