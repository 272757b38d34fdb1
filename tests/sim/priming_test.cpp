// The root's own say on who serves it (RFC 9609), and cuts whose servers are gone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/world.hpp"
#include "tests/sim/zone_text.hpp"

namespace redoubt::sim {

using testing::ElementsAre;

constexpr std::string_view hint = "198.51.100.1";
constexpr std::string_view other_root = "198.51.100.9";

/// The root as its servers tell it: it has moved, or somebody says so.
class PrimedRoot : public testing::Test {
 protected:
  PrimedRoot() {
    world_.settings().prime = true;
    world_.site("shop.com.", "192.0.2.1");
    world_.site("bank.net.", "192.0.2.2");
    world_.site("news.org.", "192.0.2.3");
  }
  /// What the root's hint says to questions for its servers.
  void tells(std::string_view servers, std::string_view glue) {
    const std::string text =
        std::string{"com. NS ns.com.\nns.com. A 198.51.100.2\nnet. NS ns.net.\nns.net. A 198.51.100.3\n"} +
        "org. NS ns.org.\nns.org. A 198.51.100.4\n" + std::string{glue};
    const auto zone = world_.zone(".", std::string{servers} + text);
    world_.internet().server(hint) = Server{}.serves(zone);
    world_.internet().server(other_root) = Server{}.serves(zone);
  }
  /// A question whose walk begins at the root, with time for what goes on beside it.
  void walk(std::string_view name) {
    world_.ask(name);
    world_.pass(1s);
    world_.ask("www.shop.com.");
  }
  World world_;
};

const std::string hinted_name = World{}.settings().root_servers.front().name.to_text();

TEST_F(PrimedRoot, is_asked_for_over_tcp_beside_the_first_question) {
  const Answer answer = world_.ask("www.shop.com.");
  EXPECT_THAT(answer.answer(), ElementsAre("www.shop.com. A 192.0.2.80"));
  std::size_t primings = 0;
  for (const Heard& heard : world_.internet().heard()) {
    if (!heard.query.question->name.is_root()) continue;
    ++primings;
    EXPECT_EQ(heard.transport, UpstreamTransport::tcp);
    EXPECT_EQ(heard.query.question->type, dns::type::ns);
  }
  EXPECT_EQ(primings, 1U) << world_.trace();
}

TEST_F(PrimedRoot, that_has_moved_is_found_where_it_is_now) {
  tells(". NS " + hinted_name + "\n", hinted_name + " A " + std::string{other_root} + "\n");
  walk("www.shop.com.");
  world_.ask("www.bank.net.");
  EXPECT_EQ(world_.internet().packets_to(other_root), 1U) << world_.trace();
}

TEST_F(PrimedRoot, names_that_no_hint_knows_are_never_asked) {
  tells(". NS evil.root.\n. NS " + hinted_name + "\n",
        "evil.root. A 192.0.2.66\n" + hinted_name + " A " + std::string{hint} + "\n");
  walk("www.shop.com.");
  for (const char* name : {"www.bank.net.", "www.news.org.", "a.nonexistent.", "b.nothere."}) world_.ask(name);
  EXPECT_EQ(world_.internet().packets_to("192.0.2.66"), 0U) << world_.trace();
}

TEST_F(PrimedRoot, without_addresses_leaves_the_hints_as_they_are) {
  tells(". NS " + hinted_name + "\n", "");
  walk("www.shop.com.");
  EXPECT_THAT(world_.ask("www.bank.net.").answer(), ElementsAre("www.bank.net. A 192.0.2.80"));
}

TEST_F(PrimedRoot, that_answers_nothing_is_left_for_the_hints) {
  tells(". NS " + hinted_name + "\n", hinted_name + " A 192.0.2.250\n");  // nobody is there
  walk("www.shop.com.");
  const Answer answer = world_.ask("www.bank.net.");
  EXPECT_THAT(answer.answer(), ElementsAre("www.bank.net. A 192.0.2.80")) << world_.trace();
}

TEST_F(PrimedRoot, is_asked_for_again_only_when_its_time_is_up) {
  tells(". 3600 NS " + hinted_name + "\n", hinted_name + " A " + std::string{hint} + "\n");
  const auto primings = [&] { return world_.internet().packets_about("."); };
  walk("www.shop.com.");
  EXPECT_EQ(primings(), 1U);
  for (int i = 0; i < 50; ++i) world_.ask("www" + std::to_string(i) + ".bank.net.");
  EXPECT_EQ(primings(), 1U);
  world_.pass(3601s);
  world_.ask("www.news.org.");
  world_.ask("mail.news.org.");
  EXPECT_EQ(primings(), 2U) << world_.trace();
}

TEST_F(PrimedRoot, that_fails_is_not_asked_for_more_than_once_a_minute) {
  world_.internet().server(hint).behaves([](const Heard& heard, Reaction& reaction) {
    if (heard.transport == UpstreamTransport::tcp) reaction = {};
  });
  for (int i = 0; i < 50; ++i) world_.ask("www" + std::to_string(i) + ".bank.net.");
  EXPECT_LE(world_.internet().packets_about("."), 3U) << world_.trace();
}

TEST_F(PrimedRoot, is_asked_by_nobody_when_there_is_a_local_copy) {
  world_.settings().local_root = std::make_shared<const resolver::LocalZone>(*resolver::LocalZone::make(
      dns::Name{}, records_from_text("@ SOA a. b. 1 2 3 4 5\n@ NS a.\ncom. NS ns.com.\nns.com. A 198.51.100.2\n"),
      Instant::max()));
  world_.use();
  world_.ask("www.shop.com.");
  EXPECT_EQ(world_.internet().packets_to(hint), 0U) << world_.trace();
}

class DeadCut : public testing::Test {
 protected:
  DeadCut() {
    world_.site("shop.com.", "192.0.2.1");
    world_.ask("www.shop.com.");
    world_.internet().server("192.0.2.1").behaves(silent());
  }
  void move() {
    world_.site("shop.com.", "192.0.2.9", "mail A 192.0.2.25\nnews A 192.0.2.26");
    tell_parent("192.0.2.9");
  }
  void tell_parent(std::string_view address) {
    world_.internet().server("198.51.100.2") =
        Server{}.serves(world_.zone("com.", "shop NS ns.shop\nns.shop A " + std::string{address} + "\n"));
  }
  World world_;
};

TEST_F(DeadCut, that_moved_is_asked_for_again_at_its_parent) {
  world_.pass(20s);
  move();
  EXPECT_THAT(world_.ask("mail.shop.com.").answer(), ElementsAre("mail.shop.com. A 192.0.2.25")) << world_.trace();
}

TEST_F(DeadCut, is_not_asked_for_again_within_ten_seconds) {
  world_.pass(1s);
  for (int i = 0; i < 20; ++i) world_.ask("n" + std::to_string(i) + ".shop.com.");
  const std::size_t before = world_.internet().packets_to("198.51.100.2");
  for (int i = 20; i < 24; ++i) world_.ask("n" + std::to_string(i) + ".shop.com.");
  EXPECT_LE(world_.internet().packets_to("198.51.100.2") - before, 2U) << world_.trace();
}

TEST_F(DeadCut, that_is_the_same_at_its_parent_fails_without_asking_its_servers_twice) {
  world_.pass(20s);
  const std::size_t before = world_.internet().packets_to("192.0.2.1");
  EXPECT_EQ(world_.ask("mail.shop.com.").rcode(), dns::Rcode::servfail);
  EXPECT_LE(world_.internet().packets_to("192.0.2.1") - before, 3U) << world_.trace();
}

TEST_F(DeadCut, that_comes_back_answers_within_ten_seconds) {
  world_.pass(20s);
  for (int i = 0; i < 5; ++i) world_.ask("n" + std::to_string(i) + ".shop.com.");
  world_.internet().server("192.0.2.1") =
      Server{}.serves(world_.zone("shop.com.", "@ NS ns\nns A 192.0.2.1\nmail A 192.0.2.25\n"));
  world_.pass(10s);
  EXPECT_THAT(world_.ask("mail.shop.com.").answer(), ElementsAre("mail.shop.com. A 192.0.2.25")) << world_.trace();
}

}  // namespace redoubt::sim
