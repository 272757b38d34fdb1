#include "resolver/held_rrset.hpp"

#include <gtest/gtest.h>

#include "tests/sim/zone_text.hpp"

namespace redoubt::resolver {

TEST(HeldRRset, gives_back_what_it_was_made_of) {
  for (const char* owner : {".", "WwW.Example.", "a.b.c.d.e.f.g.h.example."}) {
    dns::RRset rrset{sim::name_from_text(owner), dns::type::txt, dns::rr_class::in, dns::Ttl::from_wire(77), {}};
    for (const std::size_t octets : {0U, 1U, 7U, 8U, 9U, 255U, 4000U})
      rrset.rdata.add(std::vector<std::uint8_t>(octets, static_cast<std::uint8_t>(octets)));
    const Instant expires{std::chrono::seconds{5}};
    const SharedRRset held = HeldRRset::make(rrset, expires);
    EXPECT_EQ(held->owner().to_text(), owner) << "case is kept";
    EXPECT_EQ(held->type(), dns::type::txt);
    EXPECT_EQ(held->ttl().seconds(), 77U);
    EXPECT_EQ(held->expires(), expires);
    EXPECT_EQ(held->rdata().count(), 7U);
    dns::RdataList list;
    for (const auto rdata : held->rdata()) list.add(rdata);
    EXPECT_EQ(list, rrset.rdata);
    EXPECT_GE(held->octets(), rrset.rdata.octets() + rrset.owner.wire().size());
  }
}

TEST(HeldRRset, may_be_empty) {
  const SharedRRset held =
      HeldRRset::make({sim::name_from_text("gone.example."), dns::type::a, dns::rr_class::in, {}, {}}, {});
  EXPECT_EQ(held->rdata().count(), 0U);
  EXPECT_TRUE(held->rdata().begin() == held->rdata().end());
}

}  // namespace redoubt::resolver
