// Replies of somebody who is not on the way (docs/security.md, P rows).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/sim/attacks/arms.hpp"
#include "tests/sim/zone_text.hpp"

namespace redoubt::sim {

namespace {

using Octets = std::vector<std::uint8_t>;

const std::vector<std::string> shop_answer{"www.shop.com. A 192.0.2.80"};

/// What honest clients and servers get.
void shop_is_served(World& world, Findings& findings) {
  world.site("shop.com.", "192.0.2.1");
  findings.answers(world.ask("www.shop.com."), shop_answer);
  findings.at_most("packets", world.internet().packets(), 3);
}

/// A reply that says 192.0.2.66, as a forger makes it who has seen the query.
Octets forged(const Heard& heard) {
  dns::Message message;
  message.header.id = heard.query.header.id;
  message.header.response = true;
  message.header.authoritative = true;
  message.question = heard.query.question;
  message.answer = records_from_text("www.shop.com. A 192.0.2.66");
  return message.to_wire();
}

}  // namespace

TEST(Attack, P11_reply_headers_of_4096_mutations_only_the_exact_one_counts) {
  in_three_arms(Row{.benign = shop_is_served,
                    .attack =
                        [](World& world, Findings& findings) {
                          // Each bit of id, flags, opcode and QDCOUNT that a reply must echo, alone and together with
                          // others.
                          world.settings().minimisation = resolver::Minimisation::off;
                          std::uint32_t mutation = 1;
                          world.site("shop.com.", "192.0.2.1", "* 0 A 192.0.2.80")
                              .behaves(beside(5ms, [&mutation](const Heard& heard, Octets) {
                                Octets octets = forged(heard);
                                octets[0] = static_cast<std::uint8_t>(octets[0] ^ mutation >> 4);
                                octets[1] = static_cast<std::uint8_t>(octets[1] ^ (mutation & 1));
                                octets[2] = static_cast<std::uint8_t>(octets[2] ^ (mutation & 2 ? 0x80 : 0) ^
                                                                      (mutation & 4 ? 8 : 0));
                                octets[5] = static_cast<std::uint8_t>(octets[5] ^ (mutation & 8 ? 1 : 0));
                                return octets;
                              }));
                          world.internet().server("192.0.2.1").round_trip(10ms);
                          std::uint64_t believed = 0;
                          for (; mutation < 4096; ++mutation) {
                            world.shared().cache.flush(name_from_text("www.shop.com."), false);
                            if (world.ask("www.shop.com.").answer() != shop_answer) ++believed;
                          }
                          findings.at_most("forgeries believed of 4095", believed, 0);
                        },
                    .off = [](resolver::Settings& settings) { settings.guards.reply_match = false; }});
}

TEST(Attack, P12_dname_in_one_datagram_takes_no_subtree) {
  in_three_arms(Row{.benign =
                        [](World& world, Findings& findings) {
                          world.site("new.net.", "192.0.2.2", "a.old A 192.0.2.7");
                          world.site("shop.com.", "192.0.2.1", "old DNAME old.new.net.");
                          findings.answers(world.ask("a.old.shop.com."),
                                           {"old.shop.com. DNAME old.new.net.", "a.old.shop.com. CNAME a.old.new.net.",
                                            "a.old.new.net. A 192.0.2.7"});
                        },
                    .attack =
                        [](World& world, Findings& findings) {
                          world.site("evil.net.", "192.0.2.66", "* A 192.0.2.66");
                          // The forger has guessed port, id and case: the one datagram that counts is his.
                          world.site("shop.com.", "192.0.2.1").behaves([](const Heard& heard, Reaction& reaction) {
                            if (heard.transport != UpstreamTransport::udp) return;
                            auto message = *dns::Message::parse(forged(heard));
                            message.answer = records_from_text("shop.com. DNAME evil.net.");
                            reaction.deliveries.push_back({1ms, message.to_wire()});
                          });
                          findings.answers(world.ask("www.shop.com."), shop_answer);
                          findings.holds("no DNAME is kept", !world.cached("shop.com.", "DNAME"));
                          findings.at_most("packets to the server", world.internet().packets_to("192.0.2.1"), 2);
                        },
                    .off = [](resolver::Settings& settings) { settings.guards.dname_by_tcp = false; }});
}

TEST(Attack, P02_birthday_a_thousand_equal_questions_are_one_query) {
  in_three_arms(Row{.benign = shop_is_served,
                    .attack =
                        [](World& world, Findings& findings) {
                          world.site("shop.com.", "192.0.2.1");
                          std::vector<dns::Query> queries;
                          for (unsigned i = 0; i < 1000; ++i) {
                            dns::Query query = World::query((i & 1) != 0 ? "WWW.shop.com." : "www.SHOP.com.");
                            query.header.checking_disabled = (i & 2) != 0;
                            query.header.authentic = (i & 4) != 0;
                            query.edns->dnssec_ok = (i & 8) != 0;
                            if ((i & 16) != 0) query.edns.reset();
                            queries.push_back(query);
                          }
                          const std::vector<Answer> answers = world.ask_at_once(queries);
                          const auto served = std::ranges::count_if(
                              answers, [](const Answer& answer) { return answer.answer().size() == 1; });
                          findings.at_least("answers of 1000", static_cast<std::uint64_t>(served), 1000);
                          findings.at_most("queries to the server", world.internet().packets_to("192.0.2.1"), 1);
                        },
                    .off = [](resolver::Settings& settings) { settings.guards.shared_flights = false; }});
}

TEST(Attack, P03_rebirthday_two_hundred_client_subnets_are_one_query) {
  in_three_arms(Row{
      .benign = shop_is_served,
      .attack =
          [](World& world, Findings& findings) {
            world.site("shop.com.", "192.0.2.1");
            std::vector<dns::Query> queries;
            for (unsigned i = 0; i < 200; ++i) {
              queries.push_back(World::query("www.shop.com."));
              queries.back().edns->client_subnet = dns::ClientSubnet{1, 24, 0, {static_cast<std::uint8_t>(i), 0, 2}};
            }
            world.ask_at_once(queries);
            findings.at_most("queries to the server", world.internet().packets_to("192.0.2.1"), 1);
            const auto with_subnet = std::ranges::count_if(world.internet().heard(), [](const Heard& heard) {
              return heard.query.edns && heard.query.edns->client_subnet;
            });
            findings.at_most("queries with a client subnet", static_cast<std::uint64_t>(with_subnet), 0);
          },
      .off = [](resolver::Settings& settings) { settings.guards.shared_flights = false; }});
}

TEST(Attack, P10_tudoor_malformed_replies_before_the_real_one) {
  in_three_arms(Row{.benign = shop_is_served,
                    .attack =
                        [](World& world, Findings& findings) {
                          // The 24 shapes: without the right id, and each broken in its own way.
                          unsigned shape = 0;
                          world.site("shop.com.", "192.0.2.1", "* 0 A 192.0.2.80")
                              .behaves(beside(5ms, [&shape](const Heard& heard, Octets honest) -> Octets {
                                Octets octets = shape % 2 == 0 ? std::move(honest) : forged(heard);
                                octets[0] ^= 0x55;
                                switch (shape / 2) {
                                  case 0:
                                    return {};
                                  case 1:
                                    return Octets(octets.begin(), octets.begin() + 11);
                                  case 2:
                                    return Octets(octets.begin(), octets.begin() + 12);
                                  case 3:
                                    return Octets(octets.begin(), octets.begin() + 20);
                                  case 4:
                                    octets[2] &= 0x7f;  // a query
                                    break;
                                  case 5:
                                    octets[2] |= 0x02;  // TC
                                    break;
                                  case 6:
                                    octets[3] = static_cast<std::uint8_t>((octets[3] & 0xf0) | 2);  // SERVFAIL
                                    break;
                                  case 7:
                                    octets[3] = static_cast<std::uint8_t>((octets[3] & 0xf0) | 5);  // REFUSED
                                    break;
                                  case 8:
                                    octets[5] = 0;  // no question counted
                                    break;
                                  case 9:
                                    octets[7] = 200;  // records that are not there
                                    break;
                                  case 10:
                                    octets[12] = 0xc0;  // the question's name points to itself
                                    octets[13] = 12;
                                    break;
                                  default:
                                    octets.resize(octets.size() + 300, 0xff);
                                    break;
                                }
                                return octets;
                              }));
                          std::uint64_t served = 0;
                          for (; shape < 24; ++shape)
                            served += world.ask(fmt::format("n{}.shop.com.", shape)).answer().size();
                          findings.at_least("real answers of 24", served, 24);
                          findings.at_most("queries to the server", world.internet().packets_to("192.0.2.1"), 24);
                        },
                    .off = [](resolver::Settings& settings) { settings.guards.reply_match = false; }});
}

TEST(Attack, P14_a_forwarders_chain_of_aliases_is_asked_for_link_by_link) {
  const auto forward_to = [](World& world) -> Server& {
    resolver::Route route;
    route.zone = name_from_text("corp.example.");
    route.to.push_back(*dns::Endpoint::from_text("10.0.0.1", 53));
    world.settings().routes = resolver::Routes{{route}};
    return world.serve("10.0.0.1", "corp.example.", "www A 10.0.0.80\nalias CNAME www\n");
  };
  const std::vector<std::string> honest{"www.corp.example. A 10.0.0.80"};
  in_three_arms(Row{.benign =
                        [&](World& world, Findings& findings) {
                          forward_to(world);
                          findings.answers(world.ask("alias.corp.example."),
                                           {"alias.corp.example. CNAME www.corp.example.", honest.front()});
                        },
                    .attack =
                        [&](World& world, Findings& findings) {
                          // A second fragment brings another address for the chain's end.
                          forward_to(world).behaves(edits_for("alias.corp.example.", [](dns::Message& message) {
                            message.answer = records_from_text(
                                "alias.corp.example. CNAME www.corp.example.\nwww.corp.example. A 203.0.113.66\n");
                          }));
                          world.ask("alias.corp.example.");
                          findings.answers(world.ask("www.corp.example."), honest);
                        },
                    .off = [](resolver::Settings& settings) { settings.guards.every_link = false; }});
}

TEST(Attack, P16_a_reply_without_the_cookie_that_the_server_always_sends) {
  in_three_arms(
      Row{.benign = shop_is_served,
          .attack =
              [](World& world, Findings& findings) {
                world.site("shop.com.", "192.0.2.1", "mail A 192.0.2.25")
                    .behaves(edits([](const Heard& heard, dns::Message& m) {
                      if (!heard.query.edns || !heard.query.edns->cookie) return;
                      if (!m.edns) m.edns.emplace();
                      m.edns->cookie = dns::Cookie{heard.query.edns->cookie->client, std::vector<std::uint8_t>(16, 1)};
                    }));
                world.ask("mail.shop.com.");  // the server is known to send cookies
                world.internet().server("192.0.2.1").behaves(beside(5ms, [](const Heard& heard, const Octets&) {
                  return forged(heard);  // all is right but the cookie
                }));
                findings.answers(world.ask("www.shop.com."), shop_answer);
                findings.at_most("queries to the server", world.internet().packets_to("192.0.2.1"), 2);
              },
          .off = [](resolver::Settings& settings) { settings.cookies = false; }});
}

}  // namespace redoubt::sim
