// DNS over TLS (RFC 7858) to clients, with a key that is elsewhere.
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/unit/transport/tls_fixture.hpp"

namespace {
std::size_t room_of_last_read = 0;
unsigned reads_that_filled_their_room = 0;
}  // namespace

// In place of the library's, of which the server alone uses this: how much it asks the kernel for.
extern "C" ssize_t recv(int socket, void* into, std::size_t room, int flags) {
  const ssize_t count = ::syscall(SYS_recvfrom, socket, into, room, flags, nullptr, nullptr);
  room_of_last_read = room;
  if (count > 0 && static_cast<std::size_t>(count) == room) ++reads_that_filled_their_room;
  return count;
}

namespace redoubt::transport::test {
namespace {

class EachKind : public TlsServerTest, public ::testing::WithParamInterface<std::tuple<KeyKind, int>> {
 protected:
  void SetUp() override { serve(std::get<0>(GetParam()), Protocol::tls); }
};

TEST_P(EachKind, of_key_and_version_brings_a_query_and_its_answer) {
  const int version = std::get<1>(GetParam());
  TlsPeer peer{at_, {.least = version, .most = version}};
  ASSERT_TRUE(established(peer));
  ASSERT_TRUE(peer.write(framed(query(3))));
  ASSERT_TRUE(asked(1));
  EXPECT_EQ(resolver_.asked[0].query, query(3));
  EXPECT_EQ(resolver_.asked[0].origin.protocol, Protocol::tls);
  give(resolver_.asked[0]);
  ASSERT_TRUE(run_until([&] { return peer.messages().size() == 1; }));
  EXPECT_EQ(peer.messages()[0], answer_to(query(3)));
  EXPECT_EQ(SSL_version(peer.ssl()), version);
  EXPECT_EQ(signer_->messages.size(), 1U);
  EXPECT_EQ(counters_.handshakes, 1U);
}

INSTANTIATE_TEST_SUITE_P(Tls, EachKind,
                         ::testing::Combine(::testing::Values(KeyKind::p256, KeyKind::p384, KeyKind::rsa),
                                            ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION)));

TEST_F(TlsServerTest, what_is_to_be_signed_is_the_message_of_rfc_8446) {
  TlsPeer peer{at_, {.least = TLS1_3_VERSION}};
  ASSERT_TRUE(established(peer));
  ASSERT_EQ(signer_->messages.size(), 1U);
  const Octets& message = signer_->messages[0];
  ASSERT_EQ(message.size(), 64U + 33 + 1 + 32);
  EXPECT_TRUE(std::all_of(message.begin(), message.begin() + 64, [](std::uint8_t octet) { return octet == 0x20; }));
  EXPECT_EQ(std::string(message.begin() + 64, message.begin() + 97), "TLS 1.3, server CertificateVerify");
  EXPECT_EQ(signer_->schemes[0], 0x0403);
}

TEST_F(TlsServerTest, alpn_is_dot_and_others_are_served_without) {
  const auto alpn_of = [](TlsPeer& peer) {
    const unsigned char* name = nullptr;
    unsigned octets = 0;
    SSL_get0_alpn_selected(peer.ssl(), &name, &octets);
    return std::string{name, name + octets};
  };
  TlsPeer dot{at_};
  ASSERT_TRUE(established(dot));
  EXPECT_EQ(alpn_of(dot), "dot");
  TlsPeer web{at_, {.alpn = "\2h2"}};
  ASSERT_TRUE(established(web));
  EXPECT_EQ(alpn_of(web), "");
}

TEST_F(TlsServerTest, versions_before_1_2_are_refused) {
  TlsPeer peer{at_, {.least = TLS1_VERSION, .most = TLS1_1_VERSION}};
  ASSERT_TRUE(over(peer));
  EXPECT_TRUE(open_connections(0));
  EXPECT_EQ(counters_.handshakes_failed, 1U);
  EXPECT_TRUE(signer_->messages.empty());
}

TEST_F(TlsServerTest, a_second_connection_is_resumed_by_its_ticket_without_a_signature) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsPeer first{at_, {.least = version, .most = version}};
    ASSERT_TRUE(run_until([&] { return first.established() && first.session() != nullptr; }));
    const std::size_t signatures = signer_->messages.size();
    TlsPeer second{at_, {.least = version, .most = version, .session = first.session()}};
    ASSERT_TRUE(established(second));
    EXPECT_EQ(SSL_session_reused(second.ssl()), 1);
    EXPECT_EQ(signer_->messages.size(), signatures);
    if (version != TLS1_3_VERSION) continue;
    EXPECT_TRUE(run_until([&] { return second.established() && second.session() != nullptr; }));  // RFC 8446 §C.4
  }
  EXPECT_TRUE(run_until([&] { return counters_.handshakes_resumed == 2; }));
}

TEST_F(TlsServerTest, tickets_outlive_a_change_of_certificate) {
  TlsPeer first{at_};
  ASSERT_TRUE(run_until([&] { return first.established() && first.session() != nullptr; }));
  const KeyPointer key{make_key(KeyKind::p256)};
  ASSERT_EQ(tls_->use({make_certificate(key.get())}), "");
  TlsPeer second{at_, {.session = first.session()}};
  ASSERT_TRUE(established(second));
  EXPECT_EQ(SSL_session_reused(second.ssl()), 1);
}

TEST_F(TlsServerTest, a_client_that_was_accepted_before_a_change_of_certificate_finishes_with_the_former_one) {
  TlsPeer early{at_, {.server_name = "dns.example"}};
  ASSERT_TRUE(open_connections(1));
  const KeyPointer key{make_key(KeyKind::p256)};
  ASSERT_EQ(tls_->use({make_certificate(key.get())}), "");
  EXPECT_TRUE(established(early));
}

/// The ticket waits for an answer to leave with, and there will be none.
TEST_F(TlsServerTest, a_client_that_leaves_with_its_last_handshake_message_is_forgotten) {
  TlsPeer peer{at_, {.least = TLS1_3_VERSION}};
  const int on = 1;
  const int off = 0;
  ::setsockopt(peer.peer().socket().get(), IPPROTO_TCP, TCP_CORK, &on, sizeof on);
  peer.step();
  ::setsockopt(peer.peer().socket().get(), IPPROTO_TCP, TCP_CORK, &off, sizeof off);
  ASSERT_TRUE(open_connections(1));
  ::setsockopt(peer.peer().socket().get(), IPPROTO_TCP, TCP_CORK, &on, sizeof on);
  ASSERT_TRUE(established(peer));
  SSL_shutdown(peer.ssl());
  ::setsockopt(peer.peer().socket().get(), IPPROTO_TCP, TCP_CORK, &off, sizeof off);
  EXPECT_TRUE(open_connections(0));
}

TEST_F(TlsServerTest, a_faulty_chain_leaves_the_former_one_in_force) {
  EXPECT_NE(tls_->use({}), "");
  EXPECT_NE(tls_->use({Octets{1, 2, 3}}), "");
  TlsPeer peer{at_};
  EXPECT_TRUE(established(peer));
}

TEST_F(TlsServerTest, clients_that_leave_while_a_signature_is_awaited_are_forgotten) {
  signer_->answers = false;
  TlsPeer peer{at_};
  ASSERT_TRUE(run_until([&] {
    peer.step();
    return signer_->waiting() == 1;
  }));
  limit(Limit::message_time, 500);
  ASSERT_TRUE(open_connections(0));
  EXPECT_EQ(signer_->waiting(), 0U);
  EXPECT_EQ(counters_.closed_slow, 1U);
}

TEST_F(TlsServerTest, a_handshake_without_a_signature_fails) {
  signer_->refuses = true;
  TlsPeer peer{at_};
  ASSERT_TRUE(over(peer));
  EXPECT_TRUE(open_connections(0));
  signer_->refuses = false;
  signer_->answers = false;
  TlsPeer other{at_};
  ASSERT_TRUE(run_until([&] {
    other.step();
    return signer_->waiting() == 1;
  }));
  signer_->finish(1, {});
  EXPECT_TRUE(over(other));
}

TEST_F(TlsServerTest, other_clients_are_served_while_a_signature_is_awaited) {
  TlsPeer quick{at_};
  ASSERT_TRUE(established(quick));
  signer_->answers = false;
  TlsPeer slow{at_};
  ASSERT_TRUE(run_until([&] {
    slow.step();
    return signer_->waiting() == 1;
  }));
  ASSERT_TRUE(quick.write(framed(query(8))));
  ASSERT_TRUE(asked(1));
  give(resolver_.asked[0]);
  EXPECT_TRUE(run_until([&] { return quick.messages().size() == 1; }));
}

TEST_F(TlsServerTest, half_open_handshakes_end_with_their_time) {
  limit(Limit::message_time, 500);
  Peer silent{at_};
  ASSERT_TRUE(open_connections(1));
  ASSERT_TRUE(run_until([&] { return silent.closed(); }));
  EXPECT_EQ(counters_.closed_slow, 1U);
}

TEST_F(TlsServerTest, plain_text_gets_an_alert_at_most) {
  Peer plain{at_};
  plain.send_frame(query(1));
  ASSERT_TRUE(run_until([&] { return plain.closed(); }));
  EXPECT_LE(plain.octets(), 7U);
  EXPECT_TRUE(resolver_.asked.empty());
}

TEST_F(TlsServerTest, handshakes_beyond_a_clients_share_are_not_begun_while_others_are_served) {
  limit(Limit::handshakes_per_client, 3);
  std::vector<std::unique_ptr<Peer>> flood;
  for (int i = 0; i < 10; ++i) flood.push_back(std::make_unique<Peer>(at_, "127.0.0.2"));
  ASSERT_TRUE(run_until([&] { return counters_.handshakes_refused == 7; }));
  TlsPeer honest{at_};
  EXPECT_TRUE(established(honest));
  EXPECT_EQ(server_->connections(), 4U);
}

TEST_F(TlsServerTest, handshakes_in_all_are_limited_by_the_second) {
  limit(Limit::handshakes_per_second, 2);
  std::vector<std::unique_ptr<Peer>> flood;
  for (int i = 1; i <= 5; ++i) flood.push_back(std::make_unique<Peer>(at_, "127.0.0." + std::to_string(i)));
  ASSERT_TRUE(run_until([&] { return counters_.handshakes_refused == 3; }));
  TlsPeer later{at_, {.from = "127.0.0.9"}};
  EXPECT_TRUE(run_until([&] { return later.over(); }) || later.established());
}

TEST_F(TlsServerTest, key_updates_without_end_close_the_connection) {
  TlsPeer peer{at_, {.least = TLS1_3_VERSION}};
  ASSERT_TRUE(established(peer));
  for (unsigned i = 0; i <= max_messages_after_handshake; ++i) {
    SSL_key_update(peer.ssl(), SSL_KEY_UPDATE_REQUESTED);
    SSL_do_handshake(peer.ssl());
    peer.step();
  }
  EXPECT_TRUE(over(peer));
  EXPECT_TRUE(open_connections(0));
}

TEST_F(TlsServerTest, key_updates_now_and_then_are_fine) {
  TlsPeer peer{at_, {.least = TLS1_3_VERSION}};
  ASSERT_TRUE(established(peer));
  for (std::uint16_t i = 1; i <= 2 * max_messages_after_handshake; ++i) {
    SSL_key_update(peer.ssl(), SSL_KEY_UPDATE_REQUESTED);
    ASSERT_TRUE(peer.write(framed(query(i))));
    ASSERT_TRUE(asked(i));
    give(resolver_.asked.back());
    ASSERT_TRUE(run_until([&] { return peer.messages().size() == i; }));
  }
}

TEST_F(TlsServerTest, renegotiation_is_refused) {
  TlsPeer peer{at_, {.most = TLS1_2_VERSION}};
  ASSERT_TRUE(established(peer));
  SSL_renegotiate(peer.ssl());
  ERR_clear_error();
  SSL_do_handshake(peer.ssl());
  settle();
  ERR_clear_error();
  SSL_do_handshake(peer.ssl());
  settle();
  EXPECT_EQ(counters_.handshakes, 1U);
  EXPECT_EQ(signer_->messages.size(), 1U);
}

TEST_F(TlsServerTest, more_than_one_read_of_queries_is_taken_whole) {
  limit(Limit::queries_in_flight, 1000);
  TlsPeer peer{at_};
  ASSERT_TRUE(established(peer));
  Octets all;
  constexpr std::uint16_t count = 900;  // some 30 KiB: more than one read buffer
  for (std::uint16_t i = 0; i < count; ++i) {
    const Octets frame = framed(query(i));
    all.insert(all.end(), frame.begin(), frame.end());
  }
  ASSERT_TRUE(peer.write(all));
  ASSERT_TRUE(asked(count));
  for (const auto& one : resolver_.asked) give(one);
  EXPECT_TRUE(run_until([&] { return peer.messages().size() == count; }));
}

/// The room that OpenSSL reads into, to the last octet, ends with a record; another one lies behind it, and nothing
/// comes afterwards that could tell of it.
TEST_F(TlsServerTest, what_is_behind_a_read_that_fills_its_room_is_read) {
  constexpr std::uint16_t records = 20;  // so many that what is in them fits into one read of the connection
  constexpr std::size_t record_overhead = 5 + 1 + 16;  // RFC 8446 §5.2: head, type, tag
  constexpr std::size_t usual = 800;
  limit(Limit::queries_in_flight, 1000);
  TlsPeer peer{at_, {.least = TLS1_3_VERSION}};
  ASSERT_TRUE(established(peer));
  ASSERT_TRUE(peer.write(framed(query(0))));
  ASSERT_TRUE(asked(1));
  reads_that_filled_their_room = 0;
  const int corked = 1;  // all records are one segment
  ASSERT_EQ(::setsockopt(peer.peer().socket().get(), IPPROTO_TCP, TCP_CORK, &corked, sizeof corked), 0);
  std::size_t left = room_of_last_read;
  for (std::uint16_t i = 1; i <= records; ++i) {
    Octets message = query(i);
    message.resize((i < records ? usual : left - record_overhead) - 2);
    ASSERT_TRUE(peer.write(framed(message)));
    left -= record_overhead + message.size() + 2;
  }
  ASSERT_EQ(left, 0U);
  ASSERT_TRUE(peer.write(framed(query(records + 1))));
  const int free = 0;
  ASSERT_EQ(::setsockopt(peer.peer().socket().get(), IPPROTO_TCP, TCP_CORK, &free, sizeof free), 0);
  ASSERT_TRUE(asked(records + 2U));
  EXPECT_EQ(resolver_.asked.back().query, query(records + 1));
  EXPECT_EQ(reads_that_filled_their_room, 1U);
}

TEST_F(TlsServerTest, a_client_that_closes_its_side_gets_its_answers) {
  TlsPeer peer{at_};
  ASSERT_TRUE(established(peer));
  ASSERT_TRUE(peer.write(framed(query(5))));
  SSL_shutdown(peer.ssl());
  ASSERT_TRUE(asked(1));
  give(resolver_.asked[0]);
  ASSERT_TRUE(run_until([&] { return peer.messages().size() == 1; }));
  EXPECT_TRUE(open_connections(0));
}

TEST_F(TlsServerTest, a_client_that_never_reads_is_closed_with_little_kept) {
  limit(Limit::write_time, 500);
  limit(Limit::queries_in_flight, 1000);
  TlsPeer peer{at_};
  ASSERT_TRUE(established(peer));
  std::uint16_t id = 0;
  std::size_t answered = 0;
  EXPECT_TRUE(run_until([&] {
    if (server_->connections() != 0) peer.write(framed(query(++id)));
    for (; answered < resolver_.asked.size(); ++answered) give(resolver_.asked[answered], 60'000);
    EXPECT_LE(server_->queued_octets(), limits_[Limit::queued_octets]);
    return server_->connections() == 0;
  }));
  EXPECT_EQ(counters_.closed_slow, 1U);
  EXPECT_EQ(server_->queued_octets(), 0U);
}

TEST_F(TlsServerTest, answers_beyond_what_all_may_have_queued_close_their_connection) {
  limit(Limit::queued_octets_total, 131'072);
  limit(Limit::queries_in_flight, 1000);
  std::vector<std::unique_ptr<TlsPeer>> peers;
  for (int i = 0; i < 3; ++i) {
    peers.push_back(std::make_unique<TlsPeer>(at_));
    ASSERT_TRUE(established(*peers.back()));
  }
  std::uint16_t id = 0;
  std::size_t answered = 0;
  EXPECT_TRUE(run_until([&] {
    for (auto& peer : peers) peer->write(framed(query(++id)));
    for (; answered < resolver_.asked.size(); ++answered) give(resolver_.asked[answered], 50'000);
    EXPECT_LE(server_->queued_octets(), 131'072U);
    return counters_.closed_slow >= 1;
  }));
}

}  // namespace
}  // namespace redoubt::transport::test
