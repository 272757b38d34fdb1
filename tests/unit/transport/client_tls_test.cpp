// Exchanges with servers over TLS: who is asked, who is not, and what is kept for the next time.
#include "transport/client/client_tls.hpp"

#include <openssl/sha.h>

#include "tests/unit/transport/tls_fixture.hpp"
#include "transport/client/upstream_pool.hpp"

namespace redoubt::transport::test {
namespace {

KeyPin pin_of(EVP_PKEY* key) {
  unsigned char* octets = nullptr;
  const int count = i2d_PUBKEY(key, &octets);
  KeyPin pin{};
  SHA256(octets, static_cast<std::size_t>(count), pin.data());
  OPENSSL_free(octets);
  return pin;
}

/// A server of ours that answers everything, asked by a pool.
class ClientTlsTest : public TlsServerTest {
 protected:
  void SetUp() override { serve_as("DNS:dns.example,DNS:*.wild.example,DNS:d*s.example,IP:127.0.0.1"); }
  void TearDown() override {
    pool_.reset();
    TlsServerTest::TearDown();
  }
  void serve_as(const std::string& names, int days = 30, Protocol protocol = Protocol::tls) {
    protocol_ = protocol;
    serve(KeyKind::p256, Protocol::tls);
    KeyPointer key{make_key(KeyKind::p256)};
    certificate_ = make_certificate(key.get(), names, days);
    pin_ = pin_of(key.get());
    server_.reset();
    signer_ = std::make_unique<LocalSigner>(executor(), std::move(key));
    tls_ = std::make_unique<ServerTls>(*signer_, counters_);
    ASSERT_EQ(tls_->use({certificate_}), "");
    server_ = std::make_unique<StreamServer>(executor(), resolver_, counters_, tls_.get());
    server_->use(limits_);
    Socket socket = listening_socket();
    at_ = local_endpoint(socket);
    ASSERT_TRUE(server_->listen(listener, {protocol, "/dns-query"}, std::move(socket)));
    pool_ = std::make_unique<UpstreamPool>(executor(), ours_);
  }
  void expect_server(ServerIdentity identity) { expect_server(std::move(identity), {certificate_}); }
  void expect_server(ServerIdentity identity, std::vector<Octets> authorities) {
    pool_->use(Limits{}, {}, {.servers = {{at_, std::move(identity)}}, .authorities = std::move(authorities)});
  }
  UpstreamResult ask(std::uint16_t id = 7, bool to_anybody = false) {
    std::optional<UpstreamResult> result;
    EXPECT_TRUE(pool_->fetch({++last_, protocol_, at_, 5s, query(id), to_anybody},
                             [&result](UpstreamResult came) { result = std::move(came); }));
    EXPECT_TRUE(run_until([&] {
      for (; given_ < resolver_.asked.size(); ++given_) give(resolver_.asked[given_]);
      return result.has_value();
    }));
    return result.value_or(std::unexpected{UpstreamFault::timed_out});
  }

  Counters ours_;
  std::unique_ptr<UpstreamPool> pool_;
  Octets certificate_;
  KeyPin pin_{};
  Protocol protocol_ = Protocol::tls;
  UpstreamId last_ = 0;
  std::size_t given_ = 0;
};

TEST_F(ClientTlsTest, a_server_with_the_right_name_is_asked) {
  expect_server({.name = "dns.example", .pins = {}});
  EXPECT_EQ(ask().value(), answer_to(query(7)));
  EXPECT_EQ(resolver_.asked[0].origin.protocol, Protocol::tls);
  EXPECT_EQ(ours_.handshakes, 1U);
}

TEST_F(ClientTlsTest, a_server_whose_whole_label_is_a_wildcard_is_asked) {
  expect_server({.name = "one.wild.example", .pins = {}});
  EXPECT_TRUE(ask());
}

TEST_F(ClientTlsTest, a_server_with_a_pinned_key_is_asked_whoever_signed_its_certificate) {
  expect_server({.name = "other.example", .pins = {KeyPin{}, pin_}}, {});
  EXPECT_TRUE(ask());
}

TEST_F(ClientTlsTest, anybody_is_asked_only_where_that_is_said) {
  expect_server({.name = {}, .pins = {}, .anybody = true}, {});
  EXPECT_TRUE(ask());
}

/// RFC 9539: authorities that speak TLS at their own port, whoever they are.
TEST_F(ClientTlsTest, strangers_are_asked_at_one_port_where_that_is_said) {
  pool_->use(Limits{}, {}, {.servers = {}, .authorities = {}, .strangers_at = at_.port});
  EXPECT_TRUE(ask(7, true));
  EXPECT_FALSE(ask(7, false)) << "a route of the configuration whose trust has not come yet is no stranger";
  pool_->use(Limits{}, {},
             {.servers = {}, .authorities = {}, .strangers_at = static_cast<std::uint16_t>(at_.port ^ 1)});
  EXPECT_FALSE(ask(7, true));
}

/// Whoever is named stays who he has to be.
TEST_F(ClientTlsTest, a_named_server_is_no_stranger) {
  ClientTrust trust{.servers = {}, .authorities = {}, .strangers_at = at_.port};
  trust.servers[at_] = {.name = "other.example", .pins = {}};
  pool_->use(Limits{}, {}, trust);
  EXPECT_FALSE(ask(7, true));
}

TEST_F(ClientTlsTest, a_connection_is_used_again) {
  expect_server({.name = "dns.example", .pins = {}});
  for (std::uint16_t id = 1; id <= 20; ++id) EXPECT_EQ(id_of(ask(id).value()), id);
  EXPECT_EQ(ours_.upstream_connections, 1U);
  EXPECT_EQ(ours_.upstream_reused, 19U);
}

TEST_F(ClientTlsTest, the_next_connection_is_resumed) {
  expect_server({.name = "dns.example", .pins = {}});
  ASSERT_TRUE(ask());
  limit(Limit::idle_time, 500);  // the server closes
  ASSERT_TRUE(run_until([&] { return pool_->connections() == 0; }));
  const std::size_t signatures = signer_->messages.size();
  ASSERT_TRUE(ask());
  EXPECT_EQ(ours_.handshakes_resumed, 1U);
  EXPECT_EQ(signer_->messages.size(), signatures);
}

TEST_F(ClientTlsTest, other_trust_ends_connections_and_what_they_left_for_resumption) {
  expect_server({.name = "dns.example", .pins = {}});
  ASSERT_TRUE(ask());
  expect_server({.name = "other.example", .pins = {}});
  EXPECT_EQ(ask().error(), UpstreamFault::wrong_name);
  EXPECT_EQ(resolver_.asked.size(), 1U);
  EXPECT_EQ(ours_.handshakes_resumed, 0U);
}

TEST_F(ClientTlsTest, a_server_of_which_nothing_is_known_is_not_asked) {
  pool_->use(Limits{}, {}, {});
  EXPECT_EQ(ask().error(), UpstreamFault::bad_request);
  EXPECT_EQ(server_->connections(), 0U);
}

TEST_F(ClientTlsTest, a_server_that_never_ends_its_handshake_is_given_up_in_time) {
  signer_->answers = false;
  expect_server({.name = "dns.example", .pins = {}});
  std::optional<UpstreamResult> result;
  ASSERT_TRUE(pool_->fetch({++last_, Protocol::tls, at_, 300ms, query(1)},
                           [&result](UpstreamResult came) { result = std::move(came); }));
  ASSERT_TRUE(run_until([&] { return result.has_value(); }));
  EXPECT_EQ(result->error(), UpstreamFault::timed_out);
  EXPECT_TRUE(run_until([&] { return pool_->connections() == 0; }));
}

TEST_F(ClientTlsTest, a_long_answer_comes_whole) {
  expect_server({.name = "dns.example", .pins = {}});
  std::optional<UpstreamResult> result;
  ASSERT_TRUE(pool_->fetch({++last_, Protocol::tls, at_, 5s, query(1)},
                           [&result](UpstreamResult came) { result = std::move(came); }));
  ASSERT_TRUE(asked(1));
  give(resolver_.asked[0], 65'535);
  ASSERT_TRUE(run_until([&] { return result.has_value(); }));
  EXPECT_EQ(result->value().size(), 65'535U);
}

class ClientHttpsTest : public ClientTlsTest {
 protected:
  void SetUp() override { serve_as("DNS:dns.example", 30, Protocol::https); }
};

TEST_F(ClientHttpsTest, a_server_is_asked_by_https_over_one_connection) {
  expect_server({.name = "dns.example", .pins = {}, .path = "/dns-query"});
  for (std::uint16_t id = 1; id <= 20; ++id) EXPECT_EQ(ask(id).value(), answer_to(query(id)));
  EXPECT_EQ(resolver_.asked[0].origin.protocol, Protocol::https);
  EXPECT_EQ(ours_.upstream_connections, 1U);
}

TEST_F(ClientHttpsTest, many_queries_go_at_once_and_long_answers_come_whole) {
  expect_server({.name = "dns.example", .pins = {}, .path = "/dns-query"});
  std::map<std::uint16_t, UpstreamResult> results;
  for (std::uint16_t id = 1; id <= 40; ++id) {
    ASSERT_TRUE(pool_->fetch({++last_, Protocol::https, at_, 5s, query(id)},
                             [&results, id](UpstreamResult came) { results.emplace(id, std::move(came)); }));
  }
  ASSERT_TRUE(run_until([&] {
    for (; given_ < resolver_.asked.size(); ++given_) give(resolver_.asked[given_], 4000);
    return results.size() == 40;
  }));
  for (const auto& [id, result] : results) {
    ASSERT_TRUE(result) << id;
    EXPECT_EQ(id_of(*result), id);
    EXPECT_EQ(result->size(), 4000U);
  }
}

TEST_F(ClientHttpsTest, another_path_is_no_answer_and_no_end_of_the_connection) {
  expect_server({.name = "dns.example", .pins = {}, .path = "/elsewhere"});
  for (std::uint16_t id = 1; id <= 5; ++id) EXPECT_EQ(ask(id).error(), UpstreamFault::http_refused);
  EXPECT_TRUE(resolver_.asked.empty());
  EXPECT_EQ(ours_.upstream_connections, 1U);
}

TEST_F(ClientHttpsTest, an_error_ends_its_own_query_and_no_other) {
  expect_server({.name = "dns.example", .pins = {}, .path = "/dns-query"});
  Octets large = query(9);
  large.resize(5000);  // 413
  std::map<std::uint16_t, UpstreamResult> results;
  const auto fetch = [&](std::uint16_t id, Octets octets) {
    return pool_->fetch({++last_, Protocol::https, at_, 5s, std::move(octets)},
                        [&results, id](UpstreamResult came) { results.emplace(id, std::move(came)); });
  };
  for (std::uint16_t id = 1; id <= 8; ++id) ASSERT_TRUE(fetch(id, query(id)));
  ASSERT_TRUE(fetch(9, large));
  ASSERT_TRUE(run_until([&] { return results.contains(9) && resolver_.asked.size() == 8; }));
  EXPECT_EQ(results.at(9).error(), UpstreamFault::http_refused);
  EXPECT_EQ(results.size(), 1U);
  ASSERT_TRUE(run_until([&] {
    for (; given_ < resolver_.asked.size(); ++given_) give(resolver_.asked[given_]);
    return results.size() == 9;
  }));
  for (std::uint16_t id = 1; id <= 8; ++id) EXPECT_TRUE(results.at(id)) << id;
  EXPECT_EQ(ours_.upstream_connections, 1U);
  EXPECT_EQ(ours_.upstream_retries, 0U);
}

TEST_F(ClientHttpsTest, what_speaks_tls_only_is_not_asked_by_https) {
  serve_as("DNS:dns.example");
  protocol_ = Protocol::https;
  expect_server({.name = "dns.example", .pins = {}, .path = "/dns-query"});
  EXPECT_FALSE(ask());
  EXPECT_TRUE(resolver_.asked.empty());
}

TEST_F(ClientHttpsTest, the_way_that_was_not_configured_is_refused) {
  expect_server({.name = "dns.example", .pins = {}});
  EXPECT_EQ(ask().error(), UpstreamFault::bad_request);
}

TEST_F(ClientHttpsTest, a_server_that_goes_away_is_asked_anew) {
  expect_server({.name = "dns.example", .pins = {}, .path = "/dns-query"});
  ASSERT_TRUE(ask());
  limit(Limit::idle_time, 500);  // the server closes
  ASSERT_TRUE(run_until([&] { return pool_->connections() == 0; }));
  EXPECT_TRUE(ask());
  EXPECT_EQ(ours_.handshakes_resumed, 1U);
}

TEST_F(ClientHttpsTest, a_server_that_is_somebody_else_is_asked_nothing) {
  expect_server({.name = "other.example", .pins = {}, .path = "/dns-query"});
  EXPECT_EQ(ask().error(), UpstreamFault::wrong_name);
  EXPECT_TRUE(resolver_.asked.empty());
}

struct Bad {
  const char* name;
  const char* certified;
  int days;
  const char* wanted;
  bool trusted;
  bool pinned;
  UpstreamFault fault;
};
void PrintTo(const Bad& bad, std::ostream* out) { *out << bad.name; }

class EachBadCertificate : public ClientTlsTest, public ::testing::WithParamInterface<Bad> {
 protected:
  void SetUp() override {}
};

TEST_P(EachBadCertificate, is_asked_nothing) {
  const Bad& bad = GetParam();
  serve_as(bad.certified, bad.days);
  ServerIdentity identity{.name = bad.wanted, .pins = {}};
  if (bad.pinned) identity.pins = {KeyPin{1, 2, 3}};
  expect_server(std::move(identity), bad.trusted ? std::vector<Octets>{certificate_} : std::vector<Octets>{});
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ask().error(), bad.fault);
  EXPECT_TRUE(resolver_.asked.empty());
  EXPECT_LE(ours_.upstream_connections, 3U);  // then it rests
  EXPECT_EQ(ours_.handshakes, 0U);
}

INSTANTIATE_TEST_SUITE_P(
    Tls, EachBadCertificate,
    ::testing::Values(
        Bad{"unknown_authority", "DNS:dns.example", 30, "dns.example", false, false, UpstreamFault::untrusted},
        Bad{"other_name", "DNS:dns.example", 30, "other.example", true, false, UpstreamFault::wrong_name},
        Bad{"name_above", "DNS:dns.example", 30, "example", true, false, UpstreamFault::wrong_name},
        Bad{"name_below", "DNS:dns.example", 30, "a.dns.example", true, false, UpstreamFault::wrong_name},
        Bad{"two_labels_of_a_wildcard", "DNS:*.dns.example", 30, "a.b.dns.example", true, false,
            UpstreamFault::wrong_name},
        Bad{"part_of_a_label", "DNS:d*.example", 30, "dns.example", true, false, UpstreamFault::wrong_name},
        Bad{"address_alone", "IP:127.0.0.1", 30, "dns.example", true, false, UpstreamFault::wrong_name},
        Bad{"expired", "DNS:dns.example", -1, "dns.example", true, false, UpstreamFault::expired},
        Bad{"other_key", "DNS:dns.example", 30, "dns.example", true, true, UpstreamFault::wrong_key},
        Bad{"nobody_named", "DNS:dns.example", 30, "", true, false, UpstreamFault::untrusted}),
    [](const auto& tested) { return std::string{tested.param.name}; });

}  // namespace
}  // namespace redoubt::transport::test
