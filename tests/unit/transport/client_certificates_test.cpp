// Which certificate a client is shown, and what a client shows by its own.
#include "tests/unit/transport/tls_fixture.hpp"
#include "transport/tls/client_authorities.hpp"

namespace redoubt::transport::test {
namespace {

struct Somebody {
  KeyPointer key{make_key(KeyKind::p256)};
  Octets certificate;
  explicit Somebody(const std::string& names, int days = 30)
      : certificate{make_certificate(key.get(), names, days, names)} {}
};

/// The certificate that the server has shown, DER.
Octets shown_by_server(TlsPeer& peer) {
  const CertificatePointer certificate{SSL_get1_peer_certificate(peer.ssl())};
  unsigned char* der = nullptr;
  const int octets = i2d_X509(certificate.get(), &der);
  Octets out{der, der + std::max(octets, 0)};
  OPENSSL_free(der);
  return out;
}

class ByNameTest : public TlsServerTest {
 protected:
  void SetUp() override {
    TlsServerTest::SetUp();
    first_ = put(0, 3, "DNS:dns.example");
    second_ = put(1, 3, "DNS:two.example,DNS:*.wild.example");
    third_ = put(2, 3, "DNS:three.example,DNS:dns.example");
  }
  Octets put(std::size_t place, std::size_t count, const std::string& names) {
    KeyPointer key{make_key(KeyKind::p256)};
    Octets certificate = make_certificate(key.get(), names);
    signer_->also_hold(std::move(key));
    EXPECT_EQ(tls_->use(place, count, {certificate}), "");
    return certificate;
  }
  Octets shown_to(const std::string& name) {
    TlsPeer::Manner manner;
    manner.server_name = name;
    TlsPeer peer{at_, manner};
    EXPECT_TRUE(established(peer)) << name;
    return shown_by_server(peer);
  }

  Octets first_;
  Octets second_;
  Octets third_;
};

TEST_F(ByNameTest, a_client_is_shown_the_certificate_of_the_name_that_it_asks_for) {
  EXPECT_EQ(shown_to("dns.example"), first_) << "the first one that has it";
  EXPECT_EQ(shown_to("two.example"), second_);
  EXPECT_EQ(shown_to("a.wild.example"), second_);
  EXPECT_EQ(shown_to("three.example"), third_);
}

TEST_F(ByNameTest, other_names_and_none_are_shown_the_first) {
  EXPECT_EQ(shown_to("nobody.example"), first_);
  EXPECT_EQ(shown_to("a.b.wild.example"), first_);
  EXPECT_EQ(shown_to(""), first_);
}

TEST_F(ByNameTest, one_that_is_changed_leaves_the_others_and_one_that_goes_is_gone) {
  second_ = put(1, 3, "DNS:two.example");
  EXPECT_EQ(shown_to("two.example"), second_);
  EXPECT_EQ(shown_to("three.example"), third_);
  first_ = put(0, 2, "DNS:dns.example");
  EXPECT_EQ(shown_to("three.example"), first_);
}

TEST_F(ByNameTest, one_that_cannot_be_used_changes_nothing) {
  EXPECT_NE(tls_->use(1, 3, {Octets{1, 2, 3}}), "");
  EXPECT_NE(tls_->use(3, 3, {first_}), "");
  EXPECT_EQ(shown_to("two.example"), second_);
}

TEST_F(ByNameTest, a_session_is_resumed_under_its_own_name) {
  TlsPeer::Manner manner;
  manner.server_name = "two.example";
  TlsPeer first{at_, manner};
  ASSERT_TRUE(run_until([&] { return first.established() && first.session() != nullptr; }));
  manner.session = first.session();
  TlsPeer second{at_, manner};
  ASSERT_TRUE(established(second));
  EXPECT_EQ(SSL_session_reused(second.ssl()), 1);
}

class ClientCertificateTest : public TlsServerTest {
 protected:
  void demand(bool required) {
    auto clients = ClientAuthorities::make({known_.certificate, another_.certificate, old_.certificate}, required);
    ASSERT_TRUE(clients);
    server_->set_manner(listener, {Protocol::tls, "", std::move(clients)});
  }
  static TlsPeer::Manner as(const Somebody& client) {
    TlsPeer::Manner manner;
    manner.certificate = &client.certificate;
    manner.key = client.key.get();
    return manner;
  }
  /// The name that came with a query; "-" when it came without one, "" when no query came.
  std::string name_of_query_by(TlsPeer& peer) {
    const std::size_t before = resolver_.asked.size();
    const bool served = run_until([&] { return peer.established() || peer.over(); }) && peer.write(framed(query(1)));
    if (!served) return "";
    run_until([&] { return resolver_.asked.size() > before || peer.over(); });
    if (resolver_.asked.size() == before) return "";
    give(resolver_.asked.back());  // a ticket comes along with the answer
    const auto& name = resolver_.asked.back().origin.name;
    return name ? name->to_text() : "-";
  }

  Somebody known_{"DNS:Laptop.Staff.example,DNS:other.example"};
  Somebody another_{"IP:192.0.2.1"};
  Somebody old_{"DNS:old.example", -1};
  Somebody stranger_{"DNS:laptop.staff.example"};
};

TEST_F(ClientCertificateTest, the_first_name_that_a_client_shows_goes_with_its_queries) {
  demand(false);
  TlsPeer peer{at_, as(known_)};
  EXPECT_EQ(name_of_query_by(peer), "laptop.staff.example.");
}

TEST_F(ClientCertificateTest, a_resumed_session_brings_the_name_along) {
  demand(true);
  TlsPeer first{at_, as(known_)};
  EXPECT_EQ(name_of_query_by(first), "laptop.staff.example.");
  ASSERT_TRUE(run_until([&] { return first.established() && first.session() != nullptr; }));
  TlsPeer::Manner manner;
  manner.session = first.session();
  TlsPeer second{at_, manner};
  EXPECT_EQ(name_of_query_by(second), "laptop.staff.example.");
  EXPECT_EQ(SSL_session_reused(second.ssl()), 1);
}

TEST_F(ClientCertificateTest, a_session_of_a_client_without_certificate_is_of_no_use_where_one_is_required) {
  demand(false);
  TlsPeer first{at_};
  EXPECT_EQ(name_of_query_by(first), "-");
  ASSERT_TRUE(run_until([&] { return first.established() && first.session() != nullptr; }));
  demand(true);
  TlsPeer::Manner manner;
  manner.session = first.session();
  TlsPeer second{at_, manner};
  EXPECT_EQ(name_of_query_by(second), "");
}

TEST_F(ClientCertificateTest, a_session_of_other_authorities_gives_no_name) {
  demand(false);
  TlsPeer first{at_, as(known_)};
  EXPECT_EQ(name_of_query_by(first), "laptop.staff.example.");
  ASSERT_TRUE(run_until([&] { return first.established() && first.session() != nullptr; }));
  server_->set_manner(listener, {Protocol::tls, "", ClientAuthorities::make({another_.certificate}, false)});
  TlsPeer::Manner manner;
  manner.session = first.session();
  TlsPeer second{at_, manner};
  EXPECT_EQ(name_of_query_by(second), "-");
  EXPECT_EQ(SSL_session_reused(second.ssl()), 0);
}

/// A certificate that expires between two connections: its session is of no use, and neither is it itself.
TEST_F(ClientCertificateTest, no_session_outlives_the_certificate_that_made_it) {
  Somebody brief{"DNS:brief.example"};
  SSL_SESSION* session = nullptr;
  std::vector<std::unique_ptr<TlsPeer>> peers;
  long seconds = 1;
  for (; session == nullptr && seconds < 64; seconds *= 2) {  // a machine that is slow gets more time
    brief.certificate = make_certificate(brief.key.get(), "DNS:brief.example", 0, "brief", seconds);
    server_->set_manner(listener, {Protocol::tls, "", ClientAuthorities::make({brief.certificate}, true)});
    peers.push_back(std::make_unique<TlsPeer>(at_, as(brief)));
    if (name_of_query_by(*peers.back()) == "brief.example.") {
      run_until([&] { return peers.back()->established() && peers.back()->session() != nullptr; });
      session = peers.back()->session();
    }
  }
  ASSERT_NE(session, nullptr);
  const CertificatePointer shown{[&] {
    const unsigned char* at = brief.certificate.data();
    return d2i_X509(nullptr, &at, static_cast<long>(brief.certificate.size()));
  }()};
  run_until([&] { return X509_cmp_current_time(X509_get0_notAfter(shown.get())) < 0; }, std::chrono::seconds{70});
  const std::size_t before = resolver_.asked.size();
  TlsPeer::Manner manner = as(brief);
  manner.session = session;
  TlsPeer late{at_, manner};
  EXPECT_EQ(name_of_query_by(late), "");
  EXPECT_EQ(resolver_.asked.size(), before);
}

TEST_F(ClientCertificateTest, connections_end_when_other_clients_are_let_in) {
  demand(false);
  TlsPeer named{at_, as(known_)};
  EXPECT_EQ(name_of_query_by(named), "laptop.staff.example.");
  demand(false);  // the same ones
  EXPECT_EQ(name_of_query_by(named), "laptop.staff.example.");
  server_->set_manner(listener, {Protocol::tls, "", ClientAuthorities::make({another_.certificate}, false)});
  EXPECT_TRUE(run_until([&] { return named.over(); }));
}

TEST_F(ClientCertificateTest, without_one_a_client_is_anybody_where_it_is_optional) {
  demand(false);
  TlsPeer peer{at_};
  EXPECT_EQ(name_of_query_by(peer), "-");
}

TEST_F(ClientCertificateTest, without_a_dns_name_in_it_a_client_is_anybody) {
  demand(true);
  TlsPeer peer{at_, as(another_)};
  EXPECT_EQ(name_of_query_by(peer), "-");
}

TEST_F(ClientCertificateTest, without_one_nobody_is_served_where_it_is_required) {
  demand(true);
  TlsPeer peer{at_};
  EXPECT_EQ(name_of_query_by(peer), "");
  EXPECT_TRUE(resolver_.asked.empty());
}

TEST_F(ClientCertificateTest, a_bad_one_is_never_served) {
  for (const bool required : {false, true}) {
    demand(required);
    TlsPeer strange{at_, as(stranger_)};
    EXPECT_EQ(name_of_query_by(strange), "");
    TlsPeer late{at_, as(old_)};
    EXPECT_EQ(name_of_query_by(late), "");
  }
  EXPECT_TRUE(resolver_.asked.empty());
}

TEST_F(ClientCertificateTest, somebody_else_s_certificate_is_of_no_use_without_its_key) {
  demand(false);
  TlsPeer::Manner manner = as(known_);
  manner.key = stranger_.key.get();  // OpenSSL does not take such a pair, so that none is shown
  TlsPeer peer{at_, manner};
  EXPECT_EQ(name_of_query_by(peer), "-");
}

TEST_F(ClientCertificateTest, where_nobody_asks_for_one_none_counts) {
  TlsPeer peer{at_, as(known_)};
  EXPECT_EQ(name_of_query_by(peer), "-");
}

TEST_F(ClientCertificateTest, authorities_that_cannot_be_read_are_none) {
  EXPECT_FALSE(ClientAuthorities::make({}, true));
  EXPECT_FALSE(ClientAuthorities::make({Octets{1, 2, 3}}, true));
}

}  // namespace
}  // namespace redoubt::transport::test
