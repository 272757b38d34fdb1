// Proofs that something is not there, and their spoilt twins (RFC 4035 §5.4, RFC 5155 §8, RFC 6840 §4).
#include "tests/sim/validation_fixture.hpp"
#include "tests/sim/zone_text.hpp"

namespace redoubt::sim {
namespace {

using dns::Rcode;
using signing::DenialBy;

constexpr int nsec_missing = 12;
constexpr int too_many_iterations = 27;

bool is_proof(const dns::Record& record) {
  if (record.type == dns::type::nsec || record.type == dns::type::nsec3) return true;
  if (record.type != dns::type::rrsig) return false;
  const int covered = record.rdata[0] << 8 | record.rdata[1];
  return covered == dns::type::nsec.value || covered == dns::type::nsec3.value;
}

struct Denial : ValidationFixture {
  /// Changes what shop.com.'s server replies to questions of that name.
  void meddle(const std::string& name, std::function<void(dns::Message&)> how) {
    internet.at("shop.com.").behaviours.push_back(edits_for(name, std::move(how)));
    internet.publish();
  }
  void meddle_with_all(const std::function<void(dns::Message&)>& how) {
    internet.at("shop.com.").behaviours.push_back(edits([how](const Heard&, dns::Message& message) { how(message); }));
  }
  /// What the server of shop.com. would reply to that question, for replays.
  dns::Message honest(const std::string& name, const std::string& type) {
    dns::Message message;
    Heard heard;
    heard.query.question = dns::Question{name_from_text(name), type_from_text(type)};
    heard.query.edns.emplace().dnssec_ok = true;
    heard.query.header.id = 7;
    internet.publish();
    const auto reaction = internet.world().internet().server("192.0.2.1").react(heard);
    return *dns::Message::parse(reaction.deliveries.front().octets);
  }
  void replace_proof(const std::string& name, std::vector<dns::Record> with) {
    meddle(name, [with](dns::Message& message) {
      std::erase_if(message.authority, is_proof);
      message.authority.insert(message.authority.end(), with.begin(), with.end());
    });
    internet.publish();
  }
  std::vector<dns::Record> proof_of(const std::string& name, const std::string& type) {
    dns::Message message = honest(name, type);
    std::erase_if(message.authority, [](const dns::Record& record) { return !is_proof(record); });
    return message.authority;
  }
};

INSTANTIATE_TEST_SUITE_P(By, Denial, both_denials, denial_name);

struct Absent {
  std::string name;
  std::string type;
  Rcode rcode;
};
/// Every way in which something can be absent.
const std::vector<Absent> absences{
    {"nothing.shop.com.", "A", Rcode::nxdomain},  {"a.b.c.nothing.shop.com.", "A", Rcode::nxdomain},
    {"x.www.shop.com.", "A", Rcode::nxdomain},    {"www.shop.com.", "AAAA", Rcode::noerror},
    {"shop.com.", "TXT", Rcode::noerror},         {"ent.shop.com.", "A", Rcode::noerror},
    {"a.wild.shop.com.", "AAAA", Rcode::noerror}, {"a.b.wild.shop.com.", "AAAA", Rcode::noerror},
    {"*.wild.shop.com.", "AAAA", Rcode::noerror}, {"www.shop.com.", "DS", Rcode::noerror}};

TEST_P(Denial, is_proven_whatever_is_absent) {
  for (const Absent& absent : absences) expect_secure(absent.name, absent.type, absent.rcode);
}

TEST_P(Denial, without_its_proof_is_bogus) {
  for (const Absent& absent : absences)
    meddle(absent.name, [](dns::Message& message) { std::erase_if(message.authority, is_proof); });
  for (const Absent& absent : absences) expect_bogus(absent.name, nsec_missing, absent.type);
}

TEST_P(Denial, whose_proof_is_altered_is_bogus) {
  meddle_with_all([](dns::Message& message) {
    for (dns::Record& record : message.authority) {
      if (is_proof(record) && record.type == dns::type::rrsig) record.rdata.back() ^= 1;
    }
  });
  for (const Absent& absent : absences) {
    const Answer answer = internet.ask(absent.name, absent.type);
    EXPECT_EQ(answer.rcode(), Rcode::servfail) << absent.name << '\n' << trace();
  }
}

TEST_P(Denial, whose_soa_is_forged_is_bogus) {
  meddle_with_all([](dns::Message& message) {
    for (dns::Record& record : message.authority) {
      if (record.type == dns::type::soa) record.rdata.back() ^= 1;
    }
  });
  for (const Absent& absent : absences) expect_bogus(absent.name, 6, absent.type);
}

TEST_P(Denial, that_another_name_was_denied_proves_nothing) {
  const auto other = proof_of("b.deep.ent.shop.com.", "A");
  for (const Absent& absent : absences) {
    if (absent.type == "DS" || absent.name == "*.wild.shop.com.") continue;
    replace_proof(absent.name, other);
  }
  for (const Absent& absent : absences) {
    // The span may happen to fit; what must not happen is that another name's records prove a type absent.
    if (absent.rcode == Rcode::nxdomain || absent.type == "DS" || absent.name == "*.wild.shop.com.") continue;
    const Answer answer = internet.ask(absent.name, absent.type);
    EXPECT_EQ(answer.rcode(), Rcode::servfail) << absent.name << '\n' << trace();
  }
}

TEST_P(Denial, of_a_type_is_no_denial_of_the_name) {
  for (const char* name : {"ent.shop.com.", "www.shop.com.", "shop.com."}) {
    meddle(name, [](dns::Message& message) { message.set_rcode(Rcode::nxdomain); });
    const Answer answer = internet.ask(name, "TXT");
    EXPECT_EQ(answer.rcode(), Rcode::servfail) << name << '\n' << trace();
  }
}

TEST_P(Denial, of_a_name_is_no_denial_of_a_type) {
  meddle("nothing.shop.com.", [](dns::Message& message) { message.set_rcode(Rcode::noerror); });
  expect_bogus("nothing.shop.com.", nsec_missing);
}

TEST_P(Denial, by_the_zone_above_says_nothing_below_its_cut) {
  internet.publish();
  // com.'s own record of the cut, as it would come with a denial of DS, in the place of shop.com.'s proof.
  dns::Message parents;
  Heard heard;
  heard.query.question = dns::Question{dns::Name::literal("plain.com."), dns::type::ds};
  heard.query.edns.emplace().dnssec_ok = true;
  const auto reaction = internet.world().internet().server("198.51.100.2").react(heard);
  std::vector<dns::Record> proof = dns::Message::parse(reaction.deliveries.front().octets)->authority;
  internet.at("plain.com.").behaviours.push_back(edits([proof](const Heard&, dns::Message& message) {
    message.set_rcode(Rcode::nxdomain);
    message.answer.clear();
    message.authority = proof;
  }));
  internet.publish();
  const Answer answer = internet.ask("www.plain.com.");
  EXPECT_NE(answer.rcode(), Rcode::nxdomain) << trace();
  EXPECT_FALSE(answer.message.header.authentic);
}

TEST_P(Denial, a_wildcards_answer_needs_proof_that_nothing_is_closer) {
  meddle("a.wild.shop.com.", [](dns::Message& message) { std::erase_if(message.authority, is_proof); });
  expect_bogus("a.wild.shop.com.", nsec_missing);
  expect_secure("b.wild.shop.com.");
}

TEST_P(Denial, a_wildcards_answer_replayed_for_a_name_that_exists_is_bogus) {
  internet.site("shop.com.", "192.0.2.1", "*.wild A 192.0.2.7\nreal.wild A 192.0.2.70\n");
  const dns::Message wild = honest("a.wild.shop.com.", "A");
  meddle("real.wild.shop.com.", [wild](dns::Message& message) {
    message.answer = wild.answer;
    for (dns::Record& record : message.answer) record.owner = message.question->name;
    message.authority = wild.authority;
  });
  internet.publish();
  const Answer answer = internet.ask("real.wild.shop.com.");
  EXPECT_EQ(answer.rcode(), Rcode::servfail) << trace();
}

TEST_P(Denial, a_wildcards_answer_is_none_above_it) {
  const dns::Message wild = honest("a.wild.shop.com.", "A");
  meddle("other.shop.com.", [wild](dns::Message& message) {
    message.set_rcode(Rcode::noerror);
    message.answer = wild.answer;
    for (dns::Record& record : message.answer) record.owner = message.question->name;
    message.authority = wild.authority;
  });
  internet.publish();
  const Answer answer = internet.ask("other.shop.com.");
  EXPECT_EQ(answer.rcode(), Rcode::servfail) << trace();
}

TEST_P(Denial, an_unsigned_record_beside_the_proof_is_not_passed_on) {
  meddle("nothing.shop.com.", [](dns::Message& message) {
    dns::Record forged = *std::ranges::find_if(message.authority, [](const dns::Record& record) {
      return record.type == dns::type::nsec || record.type == dns::type::nsec3;
    });
    static constexpr std::uint8_t label[] = {'2', 't', '7', 'b', '4', 'g', '4', 'v', 's', 'a', '5',
                                             's', 'm', 'i', '4', '7', 'k', '6', '1', 'm', 'v', '5',
                                             'b', 'v', '1', 'a', '2', '2', 'b', 'o', 'j', 'r'};
    forged.owner = *dns::Name::literal("shop.com.").prepended(label);
    message.authority.push_back(forged);
  });
  const Answer answer = internet.ask("nothing.shop.com.");
  EXPECT_EQ(answer.rcode(), Rcode::nxdomain) << answer.error() << trace();
  for (const dns::Record& record : answer.message.authority) {
    EXPECT_FALSE(record.owner.to_text().starts_with("2t7b4g4v")) << "a record that nobody signed was passed on";
  }
}

TEST_P(Denial, opt_out_hides_unsigned_zones_and_earns_no_ad) {
  if (GetParam() == DenialBy::nsec) return;
  internet.at("com.").signing->opt_out = true;
  expect_insecure("www.plain.com.");
  expect_insecure("plain.com.", "DS");
  expect_insecure("nothing-there.com.", "A", Rcode::nxdomain);
  expect_secure("www.shop.com.");
}

TEST_P(Denial, a_signed_zones_ds_cannot_be_hidden_by_a_span_that_opts_out) {
  if (GetParam() == DenialBy::nsec) return;
  internet.at("com.").signing->opt_out = true;
  internet.publish();
  Heard heard;
  heard.query.question = dns::Question{dns::Name::literal("plain.com."), dns::type::ds};
  heard.query.edns.emplace().dnssec_ok = true;
  const auto reaction = internet.world().internet().server("198.51.100.2").react(heard);
  const auto proof = dns::Message::parse(reaction.deliveries.front().octets)->authority;
  internet.at("com.").behaviours.push_back(edits([proof](const Heard& asked, dns::Message& message) {
    if (!asked.query.question->name.is_at_or_below(dns::Name::literal("shop.com."))) return;
    if (asked.query.question->type == dns::type::ds) {
      message.answer.clear();
      message.authority = proof;
      return;
    }
    std::erase_if(message.authority, [](const dns::Record& one) { return one.type != dns::type::ns; });
    for (const dns::Record& record : proof) {
      if (is_proof(record)) message.authority.push_back(record);
    }
  }));
  internet.at("shop.com.").signing.reset();  // the forger's own, in the place of the real one
  internet.at("shop.com.").text = "www A 6.6.6.6";
  internet.at("shop.com.").ds = {
      signing::ds_record(dns::Name::literal("shop.com."), signing::TestKey::make(dnssec::Algorithm::ed25519, 77))};
  internet.publish();
  const Answer answer = internet.ask("www.shop.com.");
  EXPECT_EQ(answer.rcode(), Rcode::servfail) << trace();
}

TEST_P(Denial, too_many_iterations_make_proofs_insecure_and_answers_stay_secure) {
  if (GetParam() == DenialBy::nsec) return;
  for (const std::uint16_t iterations :
       {std::uint16_t{51}, std::uint16_t{150}, std::uint16_t{2500}, std::uint16_t{65535}}) {
    const std::string apex = "many" + std::to_string(iterations) + ".com.";
    internet.site(apex, "192.0.2.60").signing->iterations = iterations;
    internet.publish();
    expect_secure("www." + apex);
    const Answer answer = internet.ask("nothing." + apex);
    EXPECT_EQ(answer.rcode(), Rcode::nxdomain) << trace();
    EXPECT_FALSE(answer.message.header.authentic);
    EXPECT_THAT(answer.error(), testing::StartsWith(std::to_string(too_many_iterations) + " "));
  }
}

TEST_P(Denial, iterations_and_salt_within_the_limit_are_proven) {
  if (GetParam() == DenialBy::nsec) return;
  auto& signing = *internet.at("shop.com.").signing;
  signing.iterations = 10;
  signing.salt = {0xab, 0xcd};
  expect_secure("nothing.shop.com.", "A", Rcode::nxdomain);
  expect_secure("www.shop.com.", "AAAA");
}

}  // namespace
}  // namespace redoubt::sim
