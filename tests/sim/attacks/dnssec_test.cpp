// Forged and costly signed data (docs/security.md, S and V rows). The guard of most S rows is that what is signed is
// looked at: with validation off each forgery is given out, which shows that it would do harm.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/sim/attacks/arms.hpp"
#include "tests/sim/signed_world.hpp"
#include "tests/sim/zone_text.hpp"

namespace redoubt::sim {

namespace {

using dns::Rcode;
using signing::DenialBy;

const dns::Name shop = dns::Name::literal("shop.com.");

/// Something that is forged in shop.com., and the question that brings it.
struct Forgery {
  std::string name;
  std::string type = "A";
  std::function<void(std::vector<dns::Record>&)> records{};                 ///< in the zone, after signing
  std::function<void(SignedWorld&, std::vector<Behaviour>&)> on_the_way{};  ///< in its server's replies
  std::string more = "*.wild A 192.0.2.7\nreal.wild A 192.0.2.70\ndeep.ent A 192.0.2.8\nalias CNAME www\n";
};

/// What shop.com.'s server says to that question.
dns::Message honest(SignedWorld& world, const std::string& name, const std::string& type) {
  Heard heard;
  heard.query.question = dns::Question{name_from_text(name), type_from_text(type)};
  heard.query.edns.emplace().dnssec_ok = true;
  heard.query.header.id = 7;
  world.publish();
  const auto reaction = world.world().internet().server("192.0.2.1").react(heard);
  return dns::Message::parse(reaction.deliveries.front().octets).value();
}

void is_kept_out(const std::vector<Forgery>& forgeries) {
  const auto arm = [&forgeries](bool forged, bool guarded) {
    return [&forgeries, forged, guarded](Findings& findings) {
      for (const DenialBy denial : {DenialBy::nsec, DenialBy::nsec3}) {
        for (const Forgery& forgery : forgeries) {
          SignedWorld world{denial};
          world.world().settings().validation.enabled = guarded;
          SignedSite& site = world.site("shop.com.", "192.0.2.1", forgery.more);
          if (forged && forgery.records) site.spoil = forgery.records;
          std::vector<Behaviour> behaviours;
          if (forged && forgery.on_the_way) forgery.on_the_way(world, behaviours);
          world.at("shop.com.").behaviours = std::move(behaviours);
          world.publish();
          const Answer answer = world.ask(forgery.name, forgery.type);
          if (forged) {
            findings.holds(fmt::format("{} {} is not given out", forgery.name, forgery.type),
                           answer.rcode() == Rcode::servfail && answer.message.answer.empty());
          } else {
            findings.holds(fmt::format("{} {} is proven: {}", forgery.name, forgery.type, answer.error()),
                           answer.rcode() != Rcode::servfail && answer.message.header.authentic);
          }
        }
      }
    };
  };
  in_three_arms(Arms{arm(false, true), arm(true, true), arm(true, false)});
}

/// The one signature over that set says something else, or is by other times.
auto twisted(std::string owner, std::string type, signing::Twist twist, signing::Times times = SignedWorld::times()) {
  return [=](std::vector<dns::Record>& records) {
    strip_signature(records, owner, type);
    std::vector<dns::Record> set;
    for (const dns::Record* record : find_records(records, owner, type)) set.push_back(*record);
    const auto key = SignedWorld::signing_of("shop.com.", DenialBy::nsec).keys.front();
    records.push_back(signing::sign_set(key, shop, set, times, twist));
  };
}

bool is_proof(const dns::Record& record) {
  if (record.type == dns::type::nsec || record.type == dns::type::nsec3) return true;
  if (record.type != dns::type::rrsig) return false;
  const int covered = record.rdata[0] << 8 | record.rdata[1];
  return covered == dns::type::nsec.value || covered == dns::type::nsec3.value;
}

/// Replies to that question are changed.
auto changed(std::string name, std::function<void(dns::Message&)> how) {
  return [=](SignedWorld&, std::vector<Behaviour>& behaviours) { behaviours.push_back(edits_for(name, how)); };
}

/// The reply to another question stands in the place of that to `name`.
auto replayed(std::string name, std::string from, std::string type, Rcode rcode) {
  return [=](SignedWorld& world, std::vector<Behaviour>& behaviours) {
    const dns::Message other = honest(world, from, type);
    behaviours.push_back(edits_for(name, [other, rcode](dns::Message& message) {
      message.set_rcode(rcode);
      message.answer = other.answer;
      for (dns::Record& record : message.answer) record.owner = message.question->name;
      message.authority = other.authority;
    }));
  };
}

}  // namespace

TEST(Attack, S01_labels_of_a_signature_below_its_signers) {
  is_kept_out({{.name = "www.shop.com.", .records = twisted("www.shop.com.", "A", {.labels = 1})},
               {.name = "www.shop.com.", .records = twisted("www.shop.com.", "A", {.labels = 0})},
               {.name = "alias.shop.com.", .records = twisted("alias.shop.com.", "CNAME", {.labels = 1})}});
}

TEST(Attack, S04_an_empty_non_terminal_is_said_not_to_exist) {
  const auto flip = [](dns::Message& message) { message.set_rcode(Rcode::nxdomain); };
  is_kept_out({{.name = "ent.shop.com.", .on_the_way = changed("ent.shop.com.", flip)},
               {.name = "www.shop.com.", .type = "TXT", .on_the_way = changed("www.shop.com.", flip)}});
}

TEST(Attack, S05_a_denial_with_a_forged_start_of_authority) {
  const auto forge = [](dns::Message& message) {
    for (dns::Record& record : message.authority) {
      if (record.type == dns::type::soa) record.rdata.back() ^= 1;
    }
  };
  const auto anothers = [](dns::Message& message) {
    for (dns::Record& record : message.authority) {
      if (record.type == dns::type::soa) record.owner = dns::Name::literal("com.");
    }
  };
  is_kept_out({{.name = "nothing.shop.com.", .on_the_way = changed("nothing.shop.com.", forge)},
               {.name = "zzz.shop.com.", .on_the_way = changed("zzz.shop.com.", forge)},
               {.name = "zzz.shop.com.", .on_the_way = changed("zzz.shop.com.", anothers)}});
}

/// Every signature in the proof, one at a time.
TEST(Attack, S06_one_record_of_a_proof_is_signed_badly) {
  std::vector<Forgery> forgeries;
  for (std::size_t which = 0; which < 3; ++which) {
    const auto spoil = [which](dns::Message& message) {
      std::vector<dns::Record*> signatures;
      for (dns::Record& record : message.authority) {
        if (is_proof(record) && record.type == dns::type::rrsig) signatures.push_back(&record);
      }
      if (!signatures.empty()) signatures[which % signatures.size()]->rdata.back() ^= 1;
    };
    forgeries.push_back({.name = "mm.shop.com.", .on_the_way = changed("mm.shop.com.", spoil)});
  }
  is_kept_out(forgeries);
}

TEST(Attack, S07_the_proof_of_another_name_is_played_for_the_apex) {
  is_kept_out({{.name = "shop.com.",
                .type = "TXT",
                .on_the_way = replayed("shop.com.", "www.shop.com.", "TXT", Rcode::noerror)},
               {.name = "www.shop.com.",
                .type = "TXT",
                .on_the_way = replayed("www.shop.com.", "real.wild.shop.com.", "TXT", Rcode::noerror)}});
}

TEST(Attack, S08_a_wildcards_answer_is_played_for_other_names) {
  is_kept_out(
      {{.name = "real.wild.shop.com.",
        .on_the_way = replayed("real.wild.shop.com.", "a.wild.shop.com.", "A", Rcode::noerror)},
       {.name = "www.shop.com.", .on_the_way = replayed("www.shop.com.", "a.wild.shop.com.", "A", Rcode::noerror)},
       {.name = "b.wild.shop.com.", .on_the_way = changed("b.wild.shop.com.", [](dns::Message& message) {
                                      std::erase_if(message.authority, is_proof);
                                    })}});
}

TEST(Attack, S11_signatures_are_stripped) {
  const auto strip = [](dns::Message& message) {
    for (auto* section : {&message.answer, &message.authority})
      std::erase_if(*section, [](const dns::Record& record) { return record.type == dns::type::rrsig; });
  };
  const auto proof_too = [strip](dns::Message& message) {
    strip(message);
    std::erase_if(message.authority, is_proof);
  };
  is_kept_out({{.name = "www.shop.com.", .on_the_way = changed("www.shop.com.", strip)},
               {.name = "nothing.shop.com.", .on_the_way = changed("nothing.shop.com.", strip)},
               {.name = "nothing.shop.com.", .on_the_way = changed("nothing.shop.com.", proof_too)},
               {.name = "alias.shop.com.", .on_the_way = changed("alias.shop.com.", strip)}});
}

/// Once its 30 seconds are over a zone that was mended is asked for again.
TEST(Attack, S14_what_was_bogus_once_stays_so) {
  const auto scenario = [](bool spoilt, bool guarded) {
    return [spoilt, guarded](Findings& findings) {
      SignedWorld world;
      world.world().settings().guards.short_failures = guarded;
      world.site("shop.com.", "192.0.2.1");
      if (spoilt) {
        world.at("shop.com.").spoil = [](auto& records) { spoil_signature(records, "www.shop.com.", "A"); };
        findings.holds("bogus at first", world.ask("www.shop.com.").rcode() == Rcode::servfail);
        world.at("shop.com.").spoil = {};
        world.publish();
        world.world().pass(61s);
      }
      const Answer answer = world.ask("www.shop.com.");
      findings.holds("secure", answer.rcode() == Rcode::noerror && answer.message.header.authentic);
    };
  };
  in_three_arms(Arms{scenario(false, true), scenario(true, true), scenario(true, false)});
}

TEST(Attack, S16_signatures_by_another_zone) {
  is_kept_out(
      {{.name = "www.shop.com.", .records = twisted("www.shop.com.", "A", {.signer = dns::Name::literal("com.")})},
       {.name = "www.shop.com.", .records = twisted("www.shop.com.", "A", {.signer = dns::Name{}})},
       {.name = "www.shop.com.",
        .records = twisted("www.shop.com.", "A", {.signer = dns::Name::literal("www.shop.com.")})}});
}

TEST(Attack, S18_signatures_whose_time_is_over_or_to_come) {
  constexpr std::uint32_t day = 86'400;
  is_kept_out(
      {{.name = "www.shop.com.", .records = twisted("www.shop.com.", "A", {}, {0U - 30 * day, 0U - 5 * day})},
       {.name = "www.shop.com.", .records = twisted("www.shop.com.", "A", {}, {5 * day, 30 * day})},
       {.name = "nothing.shop.com.", .records = twisted("shop.com.", "SOA", {}, {0U - 30 * day, 0U - 5 * day})}});
}

/// Names of a signed zone whose keys never come: each question waits for them, and nobody waits for its answer.
TEST(Attack, V11_validations_whose_clients_have_left) {
  constexpr std::size_t clients = 20'000;
  const auto scenario = [&](std::size_t count, bool guarded) {
    return [&, count, guarded](Findings& findings) {
      SignedWorld world;
      world.site("shop.com.", "192.0.2.1", "* A 192.0.2.9\n")
          .behaviours.push_back([](const Heard& heard, Reaction& reply) {
            if (heard.query.question->type == dns::type::dnskey) reply.deliveries.clear();
          });
      resolver::Settings& settings = world.world().settings();
      if (!guarded) {
        settings.guards.tries_bound = false;
        for (const auto limit : {resolver::Limit::question_time_ms, resolver::Limit::upstream_queries})
          settings.limits.lift(limit);
      }
      for (const auto limit : {resolver::Limit::waiting_queries, resolver::Limit::waiting_of_one_client,
                               resolver::Limit::flights, resolver::Limit::flights_of_one_client})
        settings.limits.lift(limit);
      world.publish();
      for (std::size_t i = 0; i < count; ++i) {
        world.world().send(World::query(fmt::format("n{}.shop.com.", i)),
                           *dns::IpAddress::from_text(fmt::format("192.0.{}.{}", i / 250 % 200, i % 250 + 1)),
                           [](const std::optional<Answer>&) {});
        if (i % 500 == 499) world.world().run_for(1ms);
      }
      world.world().run_for(5s);
      findings.at_most("resolutions under way, five seconds later", world.world().shared().flights.in_flight(), 0);
    };
  };
  in_three_arms(Arms{scenario(10, true), scenario(clients, true), scenario(clients, false)});
}

}  // namespace redoubt::sim
