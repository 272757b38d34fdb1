// The name servers of the bench, as cheap as they can be: the root, and below it "bench." and "cold.".
//
//   authority ROOT@53 TLD@53 LEAF@53
//
// Every name under bench. has an address, from the TLD's own servers: one query for each name that is asked. Every
// X.cold. is a zone of its own on the leaf's servers: a referral and a query for each name below one. Anything else
// about a name that exists is a denial with a SOA.
#include <poll.h>

#include <array>
#include <vector>

#include "dns/message.hpp"
#include "tests/bench/sockets.hpp"

using namespace redoubt;

namespace {

const dns::Ttl day = dns::Ttl::from_wire(86'400);

struct Servers {
  std::array<sockaddr_in, 3> addresses;
};
enum class Role : std::uint8_t { root, tld, leaf };

dns::Record record(const dns::Name& owner, dns::RrType type, std::span<const std::uint8_t> rdata) {
  return {owner, type, dns::rr_class::in, day, {rdata.begin(), rdata.end()}};
}

dns::Record soa(const dns::Name& zone) {
  std::vector<std::uint8_t> rdata(2, 0);  // both names the root
  rdata.resize(2 + 20, 0);
  rdata.back() = 60;
  return record(zone, dns::type::soa, rdata);
}

class Answerer {
 public:
  explicit Answerer(const Servers& servers) : servers_{&servers} {}

  dns::Message answer(const dns::Query& query, Role role) const {
    dns::Message reply;
    reply.header.id = query.header.id;
    reply.header.response = true;
    reply.question = query.question;
    if (query.edns) reply.edns.emplace();
    const dns::Name& name = query.question.name;
    const std::size_t labels = name.label_count();
    if (role == Role::root) {
      if (labels == 0) return apex(reply, name, Role::root);
      return is_ours(name.suffix(1)) ? referral(reply, name.suffix(1), Role::tld) : denied(reply, dns::Name{});
    }
    if (labels == 0 || !is_ours(name.suffix(1))) return refused(reply);
    if (labels == 1) return role == Role::tld ? apex(reply, name, role) : refused(reply);
    if (name.suffix(1) == bench_) return role == Role::tld ? host(reply, bench_) : refused(reply);
    const dns::Name zone = name.suffix(2);
    if (role == Role::tld) return referral(reply, zone, Role::leaf);
    return labels == 2 ? apex(reply, zone, role) : host(reply, zone);
  }

 private:
  bool is_ours(const dns::Name& tld) const { return tld == bench_ || tld == cold_; }

  static dns::Name server_of(const dns::Name& zone) {
    static constexpr std::array<std::uint8_t, 2> label{'n', 's'};
    return zone.prepended(label).value_or(zone);
  }
  dns::Record glue(const dns::Name& zone, Role role) const {
    std::array<std::uint8_t, 4> octets;
    std::memcpy(octets.data(), &servers_->addresses[static_cast<std::size_t>(role)].sin_addr, octets.size());
    return record(server_of(zone), dns::type::a, octets);
  }
  static dns::Record server(const dns::Name& zone) { return record(zone, dns::type::ns, server_of(zone).wire()); }

  dns::Message referral(dns::Message& reply, const dns::Name& zone, Role to) const {
    reply.authority.push_back(server(zone));
    reply.additional.push_back(glue(zone, to));
    return std::move(reply);
  }
  dns::Message apex(dns::Message& reply, const dns::Name& zone, Role role) const {
    reply.header.authoritative = true;
    if (reply.question->type == dns::type::ns) {
      reply.answer.push_back(server(zone));
      reply.additional.push_back(glue(zone, role));
    } else {
      reply.authority.push_back(soa(zone));
    }
    return std::move(reply);
  }
  dns::Message host(dns::Message& reply, const dns::Name& zone) const {
    reply.header.authoritative = true;
    const dns::Name& name = reply.question->name;
    if (reply.question->type != dns::type::a) {
      reply.authority.push_back(soa(zone));
    } else if (name == server_of(zone)) {
      reply.answer.push_back(glue(zone, zone == bench_ ? Role::tld : Role::leaf));
    } else {
      static constexpr std::array<std::uint8_t, 4> address{192, 0, 2, 1};
      reply.answer.push_back(record(name, dns::type::a, address));
    }
    return std::move(reply);
  }
  static dns::Message denied(dns::Message& reply, const dns::Name& zone) {
    reply.header.authoritative = true;
    reply.set_rcode(dns::Rcode::nxdomain);
    reply.authority.push_back(soa(zone));
    return std::move(reply);
  }
  static dns::Message refused(dns::Message& reply) {
    reply.set_rcode(dns::Rcode::refused);
    return std::move(reply);
  }

  const Servers* servers_;
  dns::Name bench_ = dns::Name::literal("bench.");
  dns::Name cold_ = dns::Name::literal("cold.");
};

void answer_all(int socket, const Answerer& answerer, Role role) {
  std::array<std::uint8_t, 4096> room;
  for (int i = 0; i < 64; ++i) {
    sockaddr_in peer{};
    socklen_t peer_octets = sizeof peer;
    const ssize_t got =
        recvfrom(socket, room.data(), room.size(), MSG_DONTWAIT, reinterpret_cast<sockaddr*>(&peer), &peer_octets);
    if (got <= 0) return;
    const auto query = dns::parse_query(std::span{room}.first(static_cast<std::size_t>(got)));
    if (!query) continue;
    const auto reply = answerer.answer(*query, role).to_wire(1232);
    sendto(socket, reply.data(), reply.size(), 0, bench::generic(peer), peer_octets);
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 4) bench::fail("usage: authority ROOT@PORT TLD@PORT LEAF@PORT");
  Servers servers;
  std::array<pollfd, 3> watched;
  for (std::size_t i = 0; i < watched.size(); ++i) {
    servers.addresses[i] = bench::address_of(arguments[i + 1]);
    watched[i] = {bench::bound_socket(arguments[i + 1]), POLLIN, 0};
  }
  const Answerer answerer{servers};
  std::puts("ready");
  std::fflush(stdout);
  for (;;) {
    poll(watched.data(), watched.size(), -1);
    for (std::size_t i = 0; i < watched.size(); ++i) {
      if ((watched[i].revents & POLLIN) != 0) answer_all(watched[i].fd, answerer, static_cast<Role>(i));
    }
  }
}
