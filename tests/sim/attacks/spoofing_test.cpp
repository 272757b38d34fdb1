// Replies of somebody who is not on the way (docs/security.md, P rows).
#include <gtest/gtest.h>

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

}  // namespace redoubt::sim
