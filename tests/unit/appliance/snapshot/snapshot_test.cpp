#include "appliance/snapshot/snapshot.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <vector>

#include "snapshot_generated.h"

namespace redoubt::snapshot {
namespace {

using channel::Descriptor;
using Octets = std::vector<std::uint8_t>;
constexpr int every_seal = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

/// A small snapshot with one listener.
Octets compiled() {
  flatbuffers::FlatBufferBuilder builder;
  const flat::Address address;
  const auto at = flat::CreateEndpoint(builder, &address, 5300);
  const auto listener = flat::CreateListenerDirect(builder, 1, at, true, true, false, false, "");
  const auto listeners = builder.CreateVector(std::vector{listener});
  const auto prefix = flat::CreatePrefix(builder, &address, 8);
  const auto access = flat::CreateAccess(builder, builder.CreateVector(std::vector{prefix}));
  const auto cache = flat::CreateCache(builder, 1 << 20, 0, 86400, 3600, 86400, true);
  const auto name = builder.CreateVector(Octets{0});
  const auto server = flat::CreateRootServer(builder, name, builder.CreateVectorOfStructs(&address, 1));
  const auto servers = builder.CreateVector(std::vector{server});
  const auto no_addresses = builder.CreateVectorOfStructs(&address, 0);
  const auto no_prefixes = builder.CreateVector(std::vector<flatbuffers::Offset<flat::Prefix>>{});
  const auto resolution = flat::CreateResolution(
      builder, servers, no_addresses, 1024, 65535, true, true, flat::QnameMinimisation::relaxed, true, true,
      no_prefixes, 53, builder.CreateVector(std::vector<flatbuffers::Offset<flat::ZoneName>>{}),
      flat::NxdomainCut::root, builder.CreateVector(std::vector<flatbuffers::Offset<flat::Route>>{}));
  const auto nothing = builder.CreateString("");
  const auto identity = flat::CreateIdentity(builder, nothing, nothing, nothing);
  const auto limits = builder.CreateVector(std::vector<flatbuffers::Offset<flat::Limit>>{});
  const auto query_log = flat::CreateQueryLog(builder, 0, no_prefixes,
                                              builder.CreateVector(std::vector<flatbuffers::Offset<flat::ZoneName>>{}));
  const auto validation = flat::CreateValidation(
      builder, true, false, builder.CreateVector(std::vector<flatbuffers::Offset<flat::TrustAnchor>>{}),
      builder.CreateVector(std::vector<flatbuffers::Offset<flat::NegativeAnchor>>{}));
  flat::FinishSnapshotBuffer(builder, flat::CreateSnapshot(builder, 42, listeners, 2, access, cache, resolution, limits,
                                                           identity, query_log, 0, 0, 0, validation));
  return {builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()};
}

/// A memfd with what a hostile sender chose.
Descriptor memfd(const Octets& octets, int seals) {
  Descriptor file{::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  EXPECT_EQ(::write(file.get(), octets.data(), octets.size()), static_cast<ssize_t>(octets.size()));
  EXPECT_EQ(::fcntl(file.get(), F_ADD_SEALS, seals), 0);
  return file;
}

std::string trouble_with(const Octets& octets, int seals = every_seal) {
  const auto mapped = Mapped::map(memfd(octets, seals));
  return mapped ? std::string{} : mapped.error();
}

TEST(Snapshot, what_is_sealed_can_be_mapped_and_read) {
  const auto sealed = seal(compiled());
  ASSERT_TRUE(sealed.has_value()) << sealed.error();
  const auto mapped = Mapped::map(*sealed);
  ASSERT_TRUE(mapped.has_value()) << mapped.error();
  const flat::Snapshot& snapshot = ***mapped;
  EXPECT_EQ(snapshot.generation(), 42U);
  ASSERT_EQ(snapshot.listeners()->size(), 1U);
  EXPECT_EQ(snapshot.listeners()->Get(0)->at()->port(), 5300);
  EXPECT_EQ(snapshot.resolution()->qname_minimisation(), flat::QnameMinimisation::relaxed);
}

TEST(Snapshot, a_mapping_outlives_the_descriptor) {
  std::shared_ptr<const Mapped> kept;
  {
    const auto sealed = seal(compiled());
    kept = *Mapped::map(*sealed);
  }
  EXPECT_EQ((*kept)->generation(), 42U);
}

TEST(Snapshot, a_sealed_one_cannot_be_changed) {
  const auto sealed = seal(compiled());
  ASSERT_TRUE(sealed.has_value());
  EXPECT_LT(::pwrite(sealed->get(), "x", 1, 0), 0);
  EXPECT_NE(::ftruncate(sealed->get(), 0), 0);
  EXPECT_EQ(::mmap(nullptr, 1, PROT_READ | PROT_WRITE, MAP_SHARED, sealed->get(), 0), MAP_FAILED);
}

TEST(Snapshot, each_missing_seal_is_refused) {
  const Octets octets = compiled();
  for (const int missing : {F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE}) {
    EXPECT_EQ(trouble_with(octets, every_seal & ~missing), "snapshot: not sealed") << missing;
  }
  EXPECT_EQ(trouble_with(octets), "");
}

TEST(Snapshot, what_is_no_memfd_is_refused) {
  const auto mapped = Mapped::map(Descriptor{::open("/etc/passwd", O_RDONLY | O_CLOEXEC)});
  ASSERT_FALSE(mapped.has_value());
  EXPECT_NE(mapped.error().find("F_GET_SEALS"), std::string::npos) << mapped.error();
}

TEST(Snapshot, an_empty_one_and_a_huge_one_are_refused) {
  EXPECT_EQ(trouble_with({}), "snapshot: wrong size, 0 octets");
  Descriptor huge{::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  ASSERT_EQ(::ftruncate(huge.get(), static_cast<off_t>(max_snapshot_octets) + 1), 0);  // a hole: takes no memory
  ASSERT_EQ(::fcntl(huge.get(), F_ADD_SEALS, every_seal), 0);
  const auto mapped = Mapped::map(huge);
  ASSERT_FALSE(mapped.has_value());
  EXPECT_NE(mapped.error().find("wrong size"), std::string::npos) << mapped.error();
}

TEST(Snapshot, cut_at_any_place_it_does_not_verify) {
  const Octets whole = compiled();
  for (std::size_t size = 1; size < whole.size(); ++size) {
    EXPECT_EQ(trouble_with({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)}),
              "snapshot: does not verify")
        << size;
  }
}

TEST(Snapshot, offsets_that_point_out_of_it_do_not_verify) {
  Octets octets = compiled();
  octets[0] = octets[1] = octets[2] = 0xff;  // the root table's place
  EXPECT_EQ(trouble_with(octets), "snapshot: does not verify");
}

TEST(Snapshot, another_file_identifier_does_not_verify) {
  Octets octets = compiled();
  octets[4] = 'X';
  EXPECT_EQ(trouble_with(octets), "snapshot: does not verify");
}

TEST(Snapshot, a_missing_part_does_not_verify_so_that_readers_meet_no_null_pointer) {
  flatbuffers::FlatBufferBuilder builder;
  // Not by the generated function, which would refuse to build it.
  const auto start = builder.StartTable();
  builder.AddElement<std::uint64_t>(flat::Snapshot::VT_GENERATION, 1, 0);
  const flatbuffers::Offset<flat::Snapshot> root{builder.EndTable(start)};
  builder.Finish(root, flat::SnapshotIdentifier());
  const Octets octets{builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()};
  EXPECT_EQ(trouble_with(octets), "snapshot: does not verify");
}

}  // namespace
}  // namespace redoubt::snapshot
