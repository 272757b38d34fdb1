#include "dnssec/sign/earlier_text.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/unit/dnssec/sign_fixture.hpp"

namespace redoubt::dnssec {
namespace {

using namespace signing_fixture;

TEST(EarlierText, every_name_is_found_in_any_order) {
  const TemporaryFolder folder;
  std::string text = "$TTL 300\n@ SOA ns host 1 2 3 4 300\n@ NS ns\nns A 192.0.2.1\n";
  for (int i = 0; i < 700; ++i) text += "h" + std::to_string(i) + " A 192.0.2.1\n";
  folder.write("zone", text);
  SignFileOptions options = options_for(folder);
  options.rules.denial = DenialKind::nsec3;
  ASSERT_TRUE(sign_file(options));
  const std::string output = folder.read("zone.signed");
  const auto earlier = EarlierText::index(output, Name::literal("example"));
  ASSERT_TRUE(earlier);
  const Zone zone = load(options.output);
  std::vector<std::size_t> order(zone.nodes().size());
  std::iota(order.begin(), order.end(), 0U);
  std::size_t sets = 0;
  for (const ZoneNode& node : zone.nodes()) {
    for (const ZoneSet& set : zone.sets(node)) sets += set.type == dns::type::rrsig ? 0 : 1;
  }
  EXPECT_EQ(earlier->set_count(), sets);
  EarlierText::Reader reader{*earlier};
  std::mt19937 random{7};
  for (int round = 0; round < 3; ++round) {
    for (const std::size_t k : order) {
      const ZoneNode& node = zone.nodes()[k];
      const Name owner = node.name();
      const bool is_hash = zone.find(node, dns::type::nsec3) != nullptr;
      std::size_t records = 0;
      for (const ZoneSet& set : zone.sets(node)) records += set.count();
      ASSERT_EQ(reader.at(owner, owner.to_text(), is_hash).size(), records) << owner.to_text();
      ASSERT_EQ(reader.at(owner, owner.to_text(), is_hash).size(), records) << owner.to_text();
      const Name absent = *Name::from_text("no." + owner.to_text());
      ASSERT_TRUE(reader.at(absent, absent.to_text(), is_hash).empty());
    }
    std::ranges::shuffle(order, random);
  }
}

TEST(EarlierText, what_is_not_as_signers_write_it_is_left_to_others) {
  const Name apex = Name::literal("example");
  const std::string head = "example. 300 IN SOA ns.example. host.example. 1 2 3 4 300\n";
  EXPECT_TRUE(EarlierText::index(head, apex));
  EXPECT_TRUE(EarlierText::index(head + "a.example. 300 IN A 192.0.2.1\n", apex));
  for (const char* more :
       {"a.example. 300 IN A 192.0.2.1", "a 300 IN A 192.0.2.1\n", " 300 IN A 192.0.2.1\n", "$TTL 5\n",
        "a.example. IN A 192.0.2.1\n", "a.example. 300 CH A 192.0.2.1\n", "a.example.\t300 IN A 192.0.2.1\n",
        "a.other. 300 IN A 192.0.2.1\n", "; nothing\n", "\n", "a.example. 300 IN\n", "EXAMPLE. 300 IN NS a.example.\n",
        "b.example. 300 IN A 192.0.2.1\na.example. 300 IN A 192.0.2.1\nb.example. 300 IN MX 1 a.example.\n"
        "a.example. 300 IN MX 1 a.example.\n",
        "a.example. 300 IN RRSIG A 13 2 300 x 20260101000000 1 example. AA==\n",
        "a.example. 300 IN RRSIG A 13 2 300 20269901000000 20260101000000 1 example. AA==\n",
        "a..example. 300 IN A 192.0.2.1\n",
        "a.example. 300 IN A 192.0.2.1\nexample. 300 IN ZONEMD 1 1 1 00\nb.example. 1 IN A 1.1.1.1\n"})
    EXPECT_FALSE(EarlierText::index(head + more, apex)) << more;
  EXPECT_FALSE(EarlierText::index("", apex));
  EXPECT_FALSE(EarlierText::index("a.example. 300 IN A 192.0.2.1\n", apex));
}

}  // namespace
}  // namespace redoubt::dnssec
