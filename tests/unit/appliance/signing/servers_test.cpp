#include <gtest/gtest.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "appliance/ctl/command_line.hpp"
#include "appliance/signing/ask.hpp"
#include "appliance/signing/notify_parent.hpp"
#include "appliance/signing/policy_file.hpp"
#include "appliance/signing/watch.hpp"
#include "dns/text.hpp"

namespace redoubt::signing {
namespace {

using dns::Message;
using dns::Name;

/// A name server on a loopback address of the test's own: gives the answers that the test says, over TCP. An answer is
/// octets, so that it can be wrong.
class FakeServer {
 public:
  using Answer = std::function<std::vector<std::uint8_t>(const Message& query)>;

  explicit FakeServer(Answer answer)
      : answer_{std::move(answer)}, socket_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* plain = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(socket_, plain, size), 0);
    EXPECT_EQ(::listen(socket_, 8), 0);
    EXPECT_EQ(::getsockname(socket_, plain, &size), 0);
    endpoint_ = {dns::IpAddress::v4({127, 0, 0, 1}), ntohs(address.sin_port)};
    thread_ = std::jthread{[this] { serve(); }};
  }
  ~FakeServer() { ::shutdown(socket_, SHUT_RDWR); }  // accept() ends, and with it the thread
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;
  const dns::Endpoint& endpoint() const { return endpoint_; }

 private:
  void serve() const {
    for (int client = 0; (client = ::accept(socket_, nullptr, nullptr)) >= 0; ::close(client)) {
      std::array<std::uint8_t, 2> length{};
      if (::recv(client, length.data(), 2, MSG_WAITALL) != 2) continue;
      std::vector<std::uint8_t> wire(static_cast<std::size_t>(length[0] << 8 | length[1]));
      if (::recv(client, wire.data(), wire.size(), MSG_WAITALL) != static_cast<ssize_t>(wire.size())) continue;
      const auto query = Message::parse(wire);
      if (!query) continue;
      const std::vector<std::uint8_t> reply = answer_(*query);
      if (reply.empty()) continue;  // closes without a word
      const std::array<std::uint8_t, 2> front{static_cast<std::uint8_t>(reply.size() >> 8),
                                              static_cast<std::uint8_t>(reply.size() & 0xff)};
      static_cast<void>(::send(client, front.data(), 2, MSG_NOSIGNAL));
      static_cast<void>(::send(client, reply.data(), reply.size(), MSG_NOSIGNAL));
    }
    ::close(socket_);
  }

  Answer answer_;
  int socket_;
  dns::Endpoint endpoint_;
  std::jthread thread_;
};

/// An authoritative, validated answer with those records.
Message reply_to(const Message& query, const std::vector<std::string>& records) {
  Message reply;
  reply.header.id = query.header.id;
  reply.header.response = true;
  reply.header.authoritative = true;
  reply.header.authentic = true;
  reply.question = query.question;
  for (const std::string& text : records) reply.answer.push_back(dns::record_from_text(text).value());
  return reply;
}

constexpr std::chrono::milliseconds soon{20'000};  // only waited for in full when something is broken

TEST(Ask, takes_the_answer_to_its_question_alone) {
  const dns::Question question{Name::literal("example."), dns::type::soa};
  const auto said = [&](const std::function<void(Message&)>& change) {
    const FakeServer server{[&](const Message& query) {
      Message reply = reply_to(query, {"example. 5 IN SOA a. b. 7 1 1 1 1"});
      change(reply);
      return reply.to_wire();
    }};
    return ask(server.endpoint(), question, {.timeout = soon});
  };
  const auto good = said([](Message&) {});
  ASSERT_TRUE(good) << good.error();
  EXPECT_EQ(good->answer.size(), 1U);
  EXPECT_FALSE(said([](Message& reply) { reply.header.id ^= 1; }));
  EXPECT_FALSE(said([](Message& reply) { reply.header.response = false; }));
  EXPECT_FALSE(said([](Message& reply) { reply.question->name = Name::literal("other."); }));
}

TEST(Ask, trouble_is_one_line_with_the_server_in_it) {
  const dns::Question question{Name::literal("example."), dns::type::soa};
  const FakeServer garbage{[](const Message&) { return std::vector<std::uint8_t>(13, 0xff); }};
  const FakeServer closing{[](const Message&) { return std::vector<std::uint8_t>{}; }};
  EXPECT_NE(ask(garbage.endpoint(), question, {.timeout = soon}).error().find("malformed"), std::string::npos);
  EXPECT_NE(ask(closing.endpoint(), question, {.timeout = soon}).error().find("closed the connection"),
            std::string::npos);
  const dns::Endpoint nobody{dns::IpAddress::v4({127, 0, 0, 1}), 1};
  EXPECT_TRUE(ask(nobody, question, {.timeout = soon}).error().starts_with("127.0.0.1@1: "));
}

TEST(Ask, a_server_that_says_nothing_holds_nobody_up) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(socket, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(socket, 1), 0);
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  const auto began = std::chrono::steady_clock::now();
  const auto reply = ask({dns::IpAddress::v4({127, 0, 0, 1}), ntohs(address.sin_port)},
                         {Name::literal("example."), dns::type::soa}, {.timeout = std::chrono::milliseconds{50}});
  EXPECT_NE(reply.error().find("no answer in time"), std::string::npos);
  EXPECT_LT(std::chrono::steady_clock::now() - began, soon);
  ::close(socket);
}

/// A zone with one key, as the machine knows it, and the DS that fits it.
struct Known {
  dnssec::ZoneRolls zone;
  std::vector<dnssec::StoredKey> keys;
  std::string ds;
  Name apex = Name::literal("example.");
  Known() {
    dnssec::StoredKey stored;
    stored.stem = "K0";
    stored.dnskey =
        dnssec::dnskey_rdata(dnssec::ksk_flags, dnssec::Algorithm::ed25519, std::vector<std::uint8_t>(32, 7));
    dnssec::RollingKey key;
    key.stem = stored.stem;
    zone.keys.push_back(key);
    ds = "example. 5 IN DS " + dns::rdata_to_text(dns::type::ds, dns::rr_class::in,
                                                  dnssec::ds_rdata(apex, stored.dnskey, dnssec::DsDigest::sha256));
    keys.push_back(std::move(stored));
  }
  dnssec::ParentAnswer asked(const FakeServer::Answer& answer) const {
    const FakeServer server{answer};
    SitePolicy site;
    site.parents = {server.endpoint()};
    return watch(site, apex, zone, keys).parents.at(0);
  }
};

TEST(Watch, a_ds_at_the_parent_is_matched_with_its_key) {
  const Known known;
  const auto with = [&](std::vector<std::string> records, auto change) {
    return known.asked([records, change](const Message& query) {
      Message reply = reply_to(query, records);
      change(reply);
      return reply.to_wire();
    });
  };
  const auto as_it_is = [](Message&) {};
  EXPECT_EQ(with({known.ds}, as_it_is).ds, 1U);
  EXPECT_FALSE(with({known.ds}, as_it_is).foreign);
  EXPECT_EQ(with({}, as_it_is).ds, 0U) << "there is none";
  const std::string other = "example. 5 IN DS 1 15 2 " + std::string(64, 'a');
  EXPECT_EQ(with({other}, as_it_is).ds, 0U);
  EXPECT_TRUE(with({other}, as_it_is).foreign);
  EXPECT_EQ(with({known.ds, other}, as_it_is).ds, 1U);
  EXPECT_FALSE(with({known.ds}, [](Message& reply) { reply.header.authoritative = false; }).ds) << "a cache's word";
  EXPECT_FALSE(with({known.ds}, [](Message& reply) { reply.set_rcode(dns::Rcode::servfail); }).ds);
  EXPECT_FALSE(with({}, [](Message& reply) { reply.set_rcode(dns::Rcode::nxdomain); }).ds) << "no delegation at all";
}

TEST(Watch, serials_of_secondaries_are_read) {
  const FakeServer good{
      [](const Message& query) { return reply_to(query, {"example. 5 IN SOA a. b. 7 1 1 1 1"}).to_wire(); }};
  const FakeServer bad{[](const Message& query) {
    Message reply = reply_to(query, {});
    reply.set_rcode(dns::Rcode::refused);
    return reply.to_wire();
  }};
  SitePolicy site;
  site.secondaries = {good.endpoint(), bad.endpoint()};
  const Known known;
  const auto serials = watch(site, known.apex, known.zone, known.keys).secondaries;
  ASSERT_EQ(serials.size(), 2U);
  EXPECT_EQ(serials[0], 7U);
  EXPECT_FALSE(serials[1]);
}

struct Said {
  ctl::ExitCode code;
  std::string out;
};
Said run_with(std::vector<std::string> arguments) {
  std::ostringstream out;
  std::ostringstream err;
  const ctl::ExitCode code = ctl::run(std::move(arguments), out, err);
  return {code, out.str() + err.str()};
}

TEST(CaaCheck, a_decision_comes_with_its_evidence) {
  const auto told = [](const Message& query) {
    const Name& name = query.question->name;
    if (name == Name::literal("alias.example."))
      return reply_to(query, {"alias.example. 5 IN CNAME end.other.", "end.other. 5 IN CAA 0 issue \"ca2.test\"",
                              "stray.other. 5 IN CAA 0 issue \"ca3.test\""});
    if (name == Name::literal("example.")) return reply_to(query, {"example. 5 IN CAA 0 issue \"ca1.test\""});
    Message none = reply_to(query, {});
    none.authority = reply_to(query, {". 5 IN SOA a. b. 1 1 1 1 1"}).answer;
    if (name == Name::literal("broken.example.")) none.set_rcode(dns::Rcode::servfail);
    return none;
  };
  const FakeServer resolver{[told](const Message& query) {
    Message reply = told(query);
    reply.header.recursion_available = true;
    return reply.to_wire();
  }};
  const auto check = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments{"--json", "caa", "check", "--server", resolver.endpoint().to_text()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_with(std::move(arguments));
  };
  const Said allowed = check({"www.example", "--issuer", "ca1.test"});
  EXPECT_EQ(allowed.code, ctl::ExitCode::done) << allowed.out;
  const auto evidence = nlohmann::json::parse(allowed.out);
  EXPECT_EQ(evidence["allowed"], true);
  ASSERT_EQ(evidence["lookups"].size(), 2U);
  EXPECT_EQ(evidence["lookups"][1]["dnssec"], "secure");
  EXPECT_EQ(evidence["lookups"][1]["records"][0]["tag"], "issue");
  EXPECT_EQ(check({"www.example", "--issuer", "ca2.test"}).code, ctl::ExitCode::failed);
  EXPECT_EQ(check({"*.example", "--issuer", "ca1.test"}).code, ctl::ExitCode::done);
  EXPECT_EQ(check({"alias.example", "--issuer", "ca2.test"}).code, ctl::ExitCode::done);
  EXPECT_EQ(check({"alias.example", "--issuer", "ca3.test"}).code, ctl::ExitCode::failed) << "not at the alias' end";
  EXPECT_EQ(check({"broken.example", "--issuer", "ca1.test"}).code, ctl::ExitCode::failed)
      << "a failure is not climbed over";
}

TEST(CaaCheck, a_resolver_that_does_not_answer_is_told_from_a_name_that_forbids) {
  const FakeServer closing{[](const Message&) { return std::vector<std::uint8_t>{}; }};
  for (const std::string& server : {closing.endpoint().to_text(), std::string{"127.0.0.1@1"}}) {
    const Said said = run_with({"--json", "caa", "check", "www.example", "--server", server});
    EXPECT_EQ(said.code, ctl::ExitCode::unreachable) << said.out;
    EXPECT_EQ(nlohmann::json::parse(said.out)["allowed"], false);
  }
}

TEST(CaaAudit, names_without_caa_are_listed) {
  std::string folder = (std::filesystem::temp_directory_path() / "redoubt-caa-XXXXXX").string();
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const std::string path = folder + "/example.zone";
  const auto audit = [&](const std::string& text) {
    FILE* file = fopen(path.c_str(), "w");
    fputs(("$TTL 5\n@ SOA a b 1 2 3 4 5\n@ NS ns\n" + text).c_str(), file);
    fclose(file);
    return run_with({"caa", "audit", path});
  };
  EXPECT_EQ(audit("@ CAA 0 issue \";\"\nwww A 192.0.2.1\n").code, ctl::ExitCode::done);
  const Said missing = audit("www CAA 0 issue \";\"\na.www A 192.0.2.1\nftp A 192.0.2.1\n");
  EXPECT_EQ(missing.code, ctl::ExitCode::failed);
  EXPECT_EQ(missing.out, path + ": ftp.example.: no CAA at the name or above it in the zone\n");
  // A critical property that nobody knows forbids; one that is not critical, and one that is known, open the name.
  EXPECT_EQ(audit("www A 192.0.2.1\nwww CAA 128 tbs \"x\"\n").code, ctl::ExitCode::done);
  EXPECT_EQ(audit("www A 192.0.2.1\nwww CAA 0 tbs \"x\"\n").code, ctl::ExitCode::failed);
  EXPECT_EQ(audit("www A 192.0.2.1\nwww CAA 128 iodef \"x\"\n").code, ctl::ExitCode::failed);
  std::filesystem::remove_all(folder);
}

// The parent is notified ----------------------------------------------------------------------------------------------

constexpr dns::RrType dsync{66};
constexpr dns::RrType csync{62};

/// A resolver in a small world: names with DSYNC records, and the zone that each other name would be in.
struct ParentWorld {
  std::map<std::string, std::vector<std::string>> records;
  std::string apex;
  std::vector<std::string> asked;

  Lookup look_up() {
    return [this](const dns::Question& question) -> std::expected<Message, std::string> {
      asked.push_back(question.name.to_text());
      Message query;
      query.question = question;
      const auto there = records.find(question.name.to_text());
      if (there != records.end()) return reply_to(query, there->second);
      Message denial = reply_to(query, {});
      denial.header.rcode_low = static_cast<std::uint8_t>(dns::Rcode::nxdomain);
      denial.authority.push_back(dns::record_from_text(apex + " 5 IN SOA a. b. 7 1 1 1 1").value());
      return denial;
    };
  }
};

TEST(NotifyParent, the_agent_is_looked_for_where_the_rfc_says) {
  const Name child = Name::literal("a.b.example.");
  const std::string agent = " 5 IN DSYNC CDS NOTIFY 5359 agent.example.";
  const std::string at_child = "a._dsync.b.example.";
  ParentWorld world{.records = {{at_child, {at_child + agent}}}, .apex = "b.example.", .asked = {}};
  const auto direct = find_dsync(child, dns::type::cds, world.look_up());
  ASSERT_TRUE(direct) << direct.error();
  EXPECT_EQ(world.asked, (std::vector<std::string>{at_child}));
  EXPECT_EQ(direct->records, (std::vector<Dsync>{{dns::type::cds, 1, 5359, Name::literal("agent.example.")}}));

  const std::string above = "a.b._dsync.example.";  // the delegation is from example.
  world = {.records = {{above, {above + agent}}}, .apex = "example.", .asked = {}};
  ASSERT_TRUE(find_dsync(child, dns::type::cds, world.look_up()));
  EXPECT_EQ(world.asked, (std::vector<std::string>{at_child, above}));

  const std::string at_apex = "_dsync.example.";
  world = {.records = {{at_apex, {at_apex + agent}}}, .apex = "example.", .asked = {}};
  ASSERT_TRUE(find_dsync(child, dns::type::cds, world.look_up()));
  EXPECT_EQ(world.asked, (std::vector<std::string>{at_child, above, at_apex}));
}

TEST(NotifyParent, nobody_is_notified_where_nothing_says_whom) {
  const Name child = Name::literal("a.b.example.");
  ParentWorld none{.records = {}, .apex = "example.", .asked = {}};
  EXPECT_FALSE(find_dsync(child, dns::type::cds, none.look_up()));
  EXPECT_EQ(none.asked.size(), 3U) << "and no more";
  ParentWorld elsewhere{.records = {}, .apex = "other.", .asked = {}};
  EXPECT_FALSE(find_dsync(child, dns::type::cds, elsewhere.look_up()));
  EXPECT_EQ(elsewhere.asked.size(), 1U) << "a zone that is not above the child leads nowhere";
  const std::string at = "a._dsync.b.example.";
  for (const char* other :
       {" 5 IN DSYNC CSYNC NOTIFY 5359 agent.", " 5 IN DSYNC CDS 200 5359 agent.", " 5 IN DSYNC CDS NOTIFY 0 agent."}) {
    ParentWorld world{.records = {{at, {at + other}}}, .apex = "b.example.", .asked = {}};
    EXPECT_FALSE(find_dsync(child, dns::type::cds, world.look_up())) << other;
  }
  EXPECT_FALSE(find_dsync(Name{}, dns::type::cds, none.look_up()));
  EXPECT_FALSE(parse_dsync({}));
  EXPECT_FALSE(parse_dsync(std::vector<std::uint8_t>{0, 59, 1, 0, 53, 5}));
  const Lookup broken = [](const dns::Question&) { return std::unexpected{std::string{"no answer in time"}}; };
  EXPECT_EQ(find_dsync(child, dns::type::cds, broken).error(), "no answer in time");
}

TEST(NotifyParent, an_agent_gets_a_notify_of_the_child) {
  const Name child = Name::literal("child.example.");
  std::vector<Message> heard;
  const FakeServer agent{[&](const Message& query) {
    heard.push_back(query);
    Message reply = reply_to(query, {});
    reply.header.opcode = query.header.opcode;
    return reply.to_wire();
  }};
  const FakeServer deaf{[&](const Message& query) {
    Message reply = reply_to(query, {});
    reply.header.opcode = query.header.opcode;
    reply.header.rcode_low = static_cast<std::uint8_t>(dns::Rcode::refused);
    return reply.to_wire();
  }};
  ParentWorld world{
      .records = {{"agent.example.", {"agent.example. 5 IN A 127.0.0.1"}}}, .apex = "example.", .asked = {}};
  const DsyncFound found{Name::literal("_dsync.example."),
                         {{csync, 1, agent.endpoint().port, Name::literal("agent.example.")},
                          {csync, 1, deaf.endpoint().port, Name::literal("agent.example.")},
                          {csync, 1, 5359, Name::literal("nowhere.example.")}}};
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes{1};
  const auto notified = notify(child, csync, found, world.look_up(), {.any_address = true, .deadline = deadline});
  ASSERT_EQ(notified.size(), 3U);
  EXPECT_EQ(notified[0].trouble, "");
  EXPECT_NE(notified[1].trouble.find("REFUSED"), std::string::npos);
  EXPECT_EQ(notified[2].trouble, "it has no address");
  ASSERT_EQ(heard.size(), 1U);
  EXPECT_EQ(heard[0].header.opcode, dns::Opcode::notify);
  EXPECT_TRUE(heard[0].header.authoritative);
  EXPECT_EQ(heard[0].question, (dns::Question{child, csync}));
  // Who answers for the parent cannot send us to a server of this machine or of this site.
  const auto refused = notify(child, csync, found, world.look_up(), {.any_address = false, .deadline = deadline});
  EXPECT_NE(refused[0].trouble.find("--any-address"), std::string::npos) << refused[0].trouble;
  const auto late = notify(child, csync, found, world.look_up(), {.any_address = true, .deadline = {}});
  EXPECT_EQ(late[0].trouble, "no time was left for it");
  EXPECT_EQ(heard.size(), 1U);
}

TEST(PolicyFile, a_jitter_above_the_refresh_is_refused_where_it_stands) {
  const auto read = policy_from_yaml("signature-refresh: 5d\nsignature-jitter: 6d\nsignature-lifetime: 14d\n");
  ASSERT_FALSE(read);
  ASSERT_EQ(read.error().size(), 1U);
  EXPECT_EQ(read.error()[0].to_text("p.yaml"),
            "p.yaml:2:19: signature-jitter: found 518400s, expected at most signature-refresh, 432000s");
  EXPECT_TRUE(policy_from_yaml("signature-refresh: 5d\nsignature-jitter: 5d\nsignature-lifetime: 14d\n"));
}

TEST(NotifyParent, an_agent_is_at_a_public_address) {
  for (const char* address : {"127.0.0.1",     "10.1.2.3",      "172.31.0.1",      "192.168.1.1", "169.254.169.254",
                              "100.64.0.1",    "0.0.0.0",       "224.0.0.1",       "::1",         "::",
                              "fe80::1",       "fd00::1",       "::ffff:10.0.0.1", "ff02::1",     "64:ff9b::a00:1",
                              "64:ff9b:1::1",  "2002:a00:1::1", "fec0::1",         "192.0.0.9",   "198.18.0.1",
                              "198.19.255.255"})
    EXPECT_FALSE(is_public(*dns::IpAddress::from_text(address))) << address;
  for (const char* address : {"192.0.2.1", "172.32.0.1", "100.128.0.1", "198.20.0.1", "192.0.1.1", "2001:db8::1"})
    EXPECT_TRUE(is_public(*dns::IpAddress::from_text(address))) << address;
}

}  // namespace
}  // namespace redoubt::signing
