// Answers that the resolver left to transport: who gets them, for how long, and that nobody gets what was withdrawn.
#include "transport/server/near_answers.hpp"

#include <string>
#include <vector>

#include "tests/unit/transport/server_fixture.hpp"

namespace redoubt::transport::test {

namespace {

constexpr std::size_t plenty = 1U << 20;
const Clock::time_point start{1000s};

dns::Message question(std::uint16_t id, const std::string& name = "www.example.") {
  return *dns::Message::parse(query(id, name));
}

/// One address with this TTL.
Octets address_for(const Octets& asked, std::uint32_t ttl = 300) {
  dns::Message message = *dns::Message::parse(asked);
  message.header.response = message.header.recursion_available = true;
  if (message.edns) message.edns.emplace();
  message.answer.push_back({.owner = message.question->name,
                            .type = dns::type::a,
                            .rr_class = dns::rr_class::in,
                            .ttl = dns::Ttl::from_wire(ttl),
                            .rdata = {192, 0, 2, 1}});
  return message.to_wire();
}

class NearAnswersTest : public ::testing::Test {
 protected:
  NearAnswersTest() { near_.resize(plenty); }
  NearAnswers::Found found(const Octets& asked, Clock::time_point now = start, Protocol protocol = Protocol::tls) {
    return near_.find(asked, protocol, now);
  }
  NearAnswers near_;
};

TEST_F(NearAnswersTest, what_was_kept_is_found_with_the_askers_id_and_what_is_left_of_the_time) {
  near_.keep(query(1), address_for(query(1)), {.keep_for = 100s, .secure = true}, start);
  const auto later = found(query(2), start + 40s);
  const auto message = dns::Message::parse(later.answer);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->header.id, 2U);
  ASSERT_EQ(message->answer.size(), 1U);
  EXPECT_EQ(message->answer[0].ttl.seconds(), 260U);
  EXPECT_TRUE(later.secure);
  EXPECT_FALSE(found(query(3), start + 100s).answer.empty());
  EXPECT_TRUE(found(query(3), start + 101s).answer.empty()) << "the resolver said so long, and not longer";
  EXPECT_TRUE(found(query(3, "other.example.")).answer.empty());
}

TEST_F(NearAnswersTest, what_was_expected_is_found_and_what_was_not_as_well) {
  constexpr std::uint16_t count = 40;  // more than are looked at together
  const auto name = [](std::uint16_t i) { return "n" + std::to_string(i) + ".example."; };
  std::vector<Octets> queries{Octets(12), Octets(3)};  // nothing that an answer is known to
  for (std::uint16_t i = 0; i < count; ++i) {
    near_.keep(query(i, name(i)), address_for(query(i, name(i))), {.keep_for = 100s}, start);
    queries.push_back(query(i, name(i)));
  }
  near_.expect(std::vector<std::span<const std::uint8_t>>(queries.begin(), queries.end()));
  for (std::uint16_t i = 0; i < count; ++i) EXPECT_EQ(id_of(found(queries[i + 2U]).answer), i);
  EXPECT_TRUE(found(query(1, "other.example.")).answer.empty());
  near_.resize(0);
  near_.expect(std::vector<std::span<const std::uint8_t>>(queries.begin(), queries.end()));
}

TEST_F(NearAnswersTest, what_may_not_be_kept_is_not) {
  near_.keep(query(1), address_for(query(1)), {.keep_for = 0s}, start);
  EXPECT_TRUE(found(query(1)).answer.empty());
}

TEST_F(NearAnswersTest, forgetting_and_another_size_forget_all_and_end_the_era) {
  near_.keep(query(1), address_for(query(1)), {.keep_for = 100s}, start);
  const auto era = near_.era();
  near_.forget();
  EXPECT_NE(near_.era(), era);
  EXPECT_TRUE(found(query(1)).answer.empty());

  near_.keep(query(1), address_for(query(1)), {.keep_for = 100s}, start);
  near_.resize(plenty);
  EXPECT_FALSE(found(query(1)).answer.empty()) << "the same size is no change";
  near_.resize(2 * plenty);
  EXPECT_TRUE(found(query(1)).answer.empty());
}

TEST_F(NearAnswersTest, who_padded_gets_padding_where_it_is_encrypted) {
  dns::Message padded = question(1);
  padded.edns.emplace().padding = 50;
  const Octets asked = padded.to_wire();
  near_.keep(asked, address_for(asked), {.keep_for = 100s}, start);
  const auto by_tls = found(asked);
  EXPECT_EQ(by_tls.answer.size(), 468U);  // RFC 8467 §4.1
  const auto message = dns::Message::parse(by_tls.answer);
  ASSERT_TRUE(message && message->edns);
  EXPECT_TRUE(message->edns->padding);
  EXPECT_LT(found(asked, start, Protocol::tcp).answer.size(), 100U);
  dns::Message plain = question(2);
  plain.edns.emplace();
  EXPECT_LT(found(plain.to_wire()).answer.size(), 100U);
}

TEST_F(NearAnswersTest, queries_with_a_cookie_are_not_answered_here) {
  dns::Message with = question(1);
  with.edns.emplace();
  near_.keep(with.to_wire(), address_for(with.to_wire()), {.keep_for = 100s}, start);
  EXPECT_FALSE(found(with.to_wire()).answer.empty());
  with.edns->cookie = dns::Cookie{{1, 2, 3, 4, 5, 6, 7, 8}, {}};
  EXPECT_TRUE(found(with.to_wire()).answer.empty());
}

class NearServerTest : public ServerTest {
 protected:
  void SetUp() override {
    ServerTest::SetUp();
    server_->keep_answers(plenty);
  }
  /// Asks, and is answered by the resolver.
  void exchange(Peer& client, std::uint16_t id, const std::optional<Leave>& leave) {
    const std::size_t before = resolver_.asked.size();
    const std::size_t answers = client.messages().size();
    client.send_frame(query(id));
    ASSERT_TRUE(asked(before + 1));
    server_->give(resolver_.asked.back().id, address_for(query(id)), leave);
    ASSERT_TRUE(run_until([&] { return client.messages().size() == answers + 1; }));
  }
  /// Asks, and is answered without a word to the resolver.
  void near_exchange(Peer& client, std::uint16_t id) {
    const std::size_t before = resolver_.asked.size();
    const std::size_t answers = client.messages().size();
    client.send_frame(query(id));
    ASSERT_TRUE(run_until([&] { return client.messages().size() == answers + 1; }));
    EXPECT_EQ(id_of(client.messages().back()), id);
    EXPECT_EQ(resolver_.asked.size(), before);
  }
};

TEST_F(NearServerTest, what_was_left_to_it_is_answered_without_the_resolver) {
  Peer client{at_};
  exchange(client, 1, Leave{.keep_for = 100s, .secure = true});
  near_exchange(client, 2);
  near_exchange(client, 3);
  EXPECT_EQ(counters_.queries, 3U);
  EXPECT_EQ(counters_.answers, 3U);
  EXPECT_EQ(counters_.near_noerror, 2U);
  EXPECT_EQ(counters_.near_secure, 2U);
}

TEST_F(NearServerTest, a_client_that_the_resolver_has_not_let_in_gets_nothing_of_it) {
  Peer friendly{at_};
  exchange(friendly, 1, Leave{.keep_for = 100s});
  Peer stranger{at_, "127.0.0.2"};
  exchange(stranger, 2, std::nullopt);  // REFUSED, say
  stranger.send_frame(query(3));
  ASSERT_TRUE(asked(3));
  Peer another{at_, "127.0.0.3"};
  exchange(another, 4, Leave{});  // its first answer lets it in, and what another left is there
  near_exchange(another, 5);
}

TEST_F(NearServerTest, the_next_connection_of_a_client_that_was_let_in_is_answered_at_once) {
  Peer client{at_};
  exchange(client, 1, Leave{.keep_for = 100s});
  Peer again{at_};
  near_exchange(again, 2);
  near_exchange(again, 3);
}

TEST_F(NearServerTest, another_listener_or_what_was_withdrawn_lets_nobody_in) {
  Peer client{at_};
  exchange(client, 1, Leave{.keep_for = 100s});
  Socket socket = listening_socket();
  const dns::Endpoint elsewhere = local_endpoint(socket);
  ASSERT_TRUE(server_->listen(listener + 1, {Protocol::tcp}, std::move(socket)));
  Peer there{elsewhere};
  exchange(there, 2, std::nullopt);
  server_->forget_answers();
  Peer again{at_};
  exchange(again, 3, std::nullopt);
}

TEST(AdmittedClientsTest, a_client_is_known_by_address_and_listener_in_the_era_in_which_it_was_let_in) {
  const auto client = [](std::uint8_t last, ListenerId listener = 7) {
    return Origin{listener, Protocol::tls, {dns::IpAddress::v4({192, 0, 2, last}), 4711}};
  };
  AdmittedClients admitted;
  EXPECT_FALSE(admitted.has(client(1), 1));
  admitted.admit(client(1), 1);
  EXPECT_TRUE(admitted.has(client(1), 1));
  EXPECT_FALSE(admitted.has(client(1), 2));
  EXPECT_FALSE(admitted.has(client(1, 8), 1));
  EXPECT_FALSE(admitted.has(client(2), 1));
}

TEST(AdmittedClientsTest, who_has_shown_a_certificate_is_not_known_by_his_address) {
  const Origin plain{7, Protocol::tls, {dns::IpAddress::v4({192, 0, 2, 1}), 4711}};
  Origin named = plain;
  named.name = std::make_shared<const dns::Name>(dns::Name::literal("laptop.example."));
  AdmittedClients admitted;
  admitted.admit(named, 1);
  EXPECT_FALSE(admitted.has(plain, 1)) << "the name let him in, and not the address";
  EXPECT_FALSE(admitted.has(named, 1));
  admitted.admit(plain, 1);
  EXPECT_FALSE(admitted.has(named, 1));
}

TEST(AdmittedClientsTest, a_flood_of_clients_takes_places_and_no_more_memory) {
  AdmittedClients admitted;
  std::size_t known = 0;
  const auto client = [](std::size_t number) {
    const auto octet = [&](unsigned shift) { return static_cast<std::uint8_t>(number >> shift); };
    return Origin{7, Protocol::tls, {dns::IpAddress::v4({10, octet(16), octet(8), octet(0)}), 4711}};
  };
  constexpr std::size_t flood = 4 * AdmittedClients::places;
  for (std::size_t i = 0; i < flood; ++i) admitted.admit(client(i), 1);
  for (std::size_t i = 0; i < flood; ++i) known += admitted.has(client(i), 1) ? 1U : 0U;
  EXPECT_LE(known, AdmittedClients::places);
  EXPECT_GT(known, AdmittedClients::places / 2);
}

TEST_F(NearServerTest, what_is_withdrawn_nobody_gets_until_he_is_let_in_again) {
  Peer client{at_};
  exchange(client, 1, Leave{.keep_for = 100s});
  near_exchange(client, 2);
  server_->forget_answers();
  exchange(client, 3, std::nullopt);
  exchange(client, 4, Leave{.keep_for = 100s});
  near_exchange(client, 5);
}

TEST_F(NearServerTest, a_pipeline_is_answered_in_one_turn_and_counts_towards_the_connections_queries) {
  limit(Limit::queries_per_connection, 20);
  Peer client{at_};
  exchange(client, 1, Leave{.keep_for = 100s});
  Octets all;
  for (std::uint16_t id = 2; id <= 30; ++id) {
    const Octets one = framed(query(id));
    all.insert(all.end(), one.begin(), one.end());
  }
  client.send(all);
  ASSERT_TRUE(run_until([&] { return client.closed(); }));
  EXPECT_EQ(client.messages().size(), 20U);
  EXPECT_EQ(resolver_.asked.size(), 1U);
}

TEST_F(NearServerTest, a_client_that_takes_no_answers_holds_no_more_than_its_share) {
  Peer client{at_, "127.0.0.1", 4096};
  limit(Limit::queued_octets, 16'384);
  exchange(client, 1, Leave{.keep_for = 100s});
  Octets all;
  for (std::uint16_t id = 2; id <= 1000; ++id) {
    const Octets one = framed(query(id));
    all.insert(all.end(), one.begin(), one.end());
  }
  std::size_t sent = 0;
  for (int round = 0; round < 2000; ++round) {
    sent += client.send(std::span{all}.subspan(sent % all.size()));
    settle();
    ASSERT_LE(server_->queued_octets(), 16'384U);
  }
  EXPECT_GT(sent, 1'000'000U);
  ASSERT_TRUE(run_until([&] {
    client.take();
    return server_->queued_octets() == 0;
  })) << "and goes on once they are taken";
}

}  // namespace

}  // namespace redoubt::transport::test
