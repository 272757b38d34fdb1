// Replies whose sections were edited by chance while their answers are validated (attacks: CVE-2026-42959): records
// twice, elsewhere, under another's name, or gone. Whatever still counts as proven is what the zone says.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/sim/behaviours.hpp"
#include "tests/sim/signed_world.hpp"

namespace redoubt::sim {
namespace {

using Section = std::vector<dns::Record>;
using Chance = std::mt19937_64;

constexpr unsigned worlds = 40;
constexpr unsigned edits_in_ten_replies = 6;

std::size_t below(Chance& chance, std::size_t end) { return static_cast<std::size_t>(chance() % end); }

void edit_once(Chance& chance, dns::Message& message) {
  std::array<Section*, 2> sections{&message.answer, &message.authority};
  Section& from = *sections[below(chance, 2)];
  Section& to = *sections[below(chance, 2)];
  if (from.empty()) return;
  const std::size_t which = below(chance, from.size());
  const auto at = from.begin() + static_cast<std::ptrdiff_t>(which);
  switch (below(chance, 7)) {
    case 0: {
      const dns::Record again = *at;
      to.push_back(again);
      break;
    }
    case 1: {
      const dns::Record moved = *at;
      from.erase(at);
      to.push_back(moved);
      break;
    }
    case 2:
      from.erase(at);
      break;
    case 3:
      at->owner = from[below(chance, from.size())].owner;
      break;
    case 4:
      at->rdata = from[below(chance, from.size())].rdata;
      break;
    case 5:
      std::ranges::shuffle(from, chance);
      break;
    default:
      if (!at->rdata.empty()) at->rdata[below(chance, at->rdata.size())] ^= 1;
  }
}

/// What an answer says, without signatures.
std::vector<std::string> facts(const Answer& answer) {
  std::vector<std::string> said{std::to_string(static_cast<unsigned>(answer.rcode()))};
  for (const dns::Record& record : answer.message.answer) {
    if (record.type == dns::type::rrsig) continue;
    said.push_back(record.owner.to_text() + ' ' + dns::to_text(record.type) + ' ' +
                   std::string{record.rdata.begin(), record.rdata.end()});
  }
  std::ranges::sort(said);
  return said;
}

std::unique_ptr<SignedWorld> world_by(signing::DenialBy denial) {
  auto made = std::make_unique<SignedWorld>(denial);
  made->site("shop.com.", "192.0.2.1",
             "mail A 192.0.2.25\nalias CNAME www\naway CNAME www.bank.com.\n*.wild A 192.0.2.7\ndeep.ent A 192.0.2.8\n"
             "old DNAME new.shop.com.\nwww.new A 192.0.2.9\n");
  made->site("bank.com.", "192.0.2.2", "");
  return made;
}

struct Edited : testing::TestWithParam<signing::DenialBy> {};
INSTANTIATE_TEST_SUITE_P(By, Edited, testing::Values(signing::DenialBy::nsec, signing::DenialBy::nsec3));

TEST_P(Edited, sections_make_nothing_proven_that_is_not_so) {
  const std::array names{"www.shop.com.", "alias.shop.com.",   "away.shop.com.", "a.wild.shop.com.",
                         "ent.shop.com.", "www.old.shop.com.", "no.shop.com.",   "mail.shop.com."};
  unsigned proven = 0;
  unsigned refused = 0;
  const auto honest = world_by(GetParam());
  for (unsigned seed = 0; seed < worlds; ++seed) {
    const auto edited = world_by(GetParam());
    auto chance = std::make_shared<Chance>(seed);
    for (const char* apex : {"com.", "shop.com.", "bank.com."}) {
      edited->at(apex).behaviours.push_back(edits([chance](const Heard&, dns::Message& message) {
        while (below(*chance, 10) < edits_in_ten_replies) edit_once(*chance, message);
      }));
    }
    for (const char* name : names) {
      for (const char* type : {"A", "AAAA"}) {
        const Answer answer = edited->ask(name, type);
        if (!answer.message.header.authentic) {
          ++refused;
          continue;
        }
        ++proven;
        EXPECT_EQ(facts(answer), facts(honest->ask(name, type))) << name << ' ' << type << ", seed " << seed << '\n'
                                                                 << edited->world().trace();
      }
    }
  }
  // Of both there has to be enough, or nothing was tried.
  EXPECT_GT(proven, worlds);
  EXPECT_GT(refused, worlds);
}

}  // namespace
}  // namespace redoubt::sim
