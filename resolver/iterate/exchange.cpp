// One server: what it takes to get its word, and what that is worth.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "resolver/iterate/iterator.hpp"
#include "resolver/iterate/query_message.hpp"
#include "resolver/iterate/verdict.hpp"
#include "resolver/trace.hpp"
#include "resolver/upstream/entropy.hpp"

namespace redoubt::resolver {

namespace {

/// For a server that does not serve what was delegated to it.
constexpr std::chrono::seconds lame_rest{60};
/// A TCP exchange: handshake and answer.
constexpr std::chrono::seconds stream_patience{2};

/// Whether it was not reached at all, as far as one can tell.
bool is_silence(NetworkFault fault) {
  return fault == NetworkFault::timed_out || fault == NetworkFault::stalled || fault == NetworkFault::refused ||
         fault == NetworkFault::unreachable;
}

bool takes_no_tcp(NetworkFault fault) { return is_silence(fault) || fault == NetworkFault::closed_early; }

bool came_by_dname(const Classified& found) {
  return std::ranges::find(found.chain, dns::type::dname, &dns::RRset::type) != found.chain.end();
}

}  // namespace

/// One packet there and, with luck, one back: charged, counted, parsed.
Task<std::expected<dns::Message, NetworkFault>> Iterator::exchange(Asking& asking, dns::IpAddress server,
                                                                   UpstreamTransport transport, bool edns,
                                                                   bool by_floor) {
  const Errand& errand = asking.errand();
  const bool stream = transport != UpstreamTransport::udp;
  const bool encrypted = transport == UpstreamTransport::tls;
  const Duration patience =
      stream ? Duration{stream_patience} : Servers::patience(shared_->servers.round_trip(server), asking.tries(server));
  if (!encrypted) asking.count_try(server);  // there is one at most, and the clear is still to be tried
  QueryStyle style{.edns = edns,
                   .padded = encrypted,
                   .dnssec = edns && errand.settings.validation.enabled,
                   .random_case = errand.settings.case_randomisation && !stream};
  // Nobody forges what comes by TLS, and who ends it there may know nothing of the server's cookies.
  if (edns && errand.settings.cookies && !encrypted) style.cookie = shared_->cookies.cookie_for(server);
  if (edns && errand.question.type == dns::type::dnskey)
    style.key_tags = tags_to_tell(errand.question.name, errand.settings.validation);
  const OutgoingQuery query = make_query(errand.question, style, *random_);
  Exchange exchange{{server, encrypted ? errand.settings.encrypted_authority_port : errand.settings.authority_port},
                    transport,
                    query.wire,
                    std::min(clock_->now() + patience, errand.budget.deadline())};
  exchange.by_floor = by_floor;
  exchange.to_anybody = encrypted;
  // Also of a query that carries none: who knows cookies sends them with a FORMERR, too, if it is he who sends it.
  const bool expected = errand.settings.cookies &&
                        (style.cookie ? !style.cookie->server.empty() : shared_->cookies.is_expected_of(server));
  if (!stream && (style.cookie || expected))
    exchange.cookie = ExpectedCookie{style.cookie ? style.cookie->client : shared_->cookies.cookie_for(server).client,
                                     expected && style.cookie};
  auto reply = co_await network_->exchange(std::move(exchange));
  if (!reply) co_return std::unexpected{reply.error()};
  asking.heard();
  if (!errand.budget.spend(Limit::upstream_octets, reply->message.size()))
    co_return std::unexpected{NetworkFault::malformed};
  auto message = read_reply(query, std::move(reply->message), errand.settings.guards);
  if (!message) co_return std::unexpected{message.error()};
  if (!stream) shared_->servers.answered(server, reply->round_trip);
  if (style.cookie) learn_cookie(*message, *style.cookie, server, stream);
  if (errand.settings.validation.report) learn_agent(*message, asking.cut().zone);
  co_return std::move(*message);
}

void Iterator::learn_agent(const dns::Message& reply, const dns::Name& zone) {
  if (!reply.edns) return;
  for (const dns::UnknownOption& option : reply.edns->unknown) {
    if (option.code == static_cast<std::uint16_t>(dns::OptionCode::report_channel))
      return shared_->reports.learn_agent(zone, option.data);
  }
}

/// What is lasting is learned from whom nobody can play: our own cookie came back, or it was a connection.
void Iterator::learn_cookie(const dns::Message& reply, const dns::Cookie& sent, const dns::IpAddress& server,
                            bool stream) {
  // Of those that refuse or fail, strangers to the zone, nothing is kept: they would crowd out servers that are of use.
  const dns::Rcode rcode = reply.rcode();
  if (rcode != dns::Rcode::noerror && rcode != dns::Rcode::nxdomain && rcode != dns::Rcode::badcookie) return;
  const auto& got = reply.edns ? reply.edns->cookie : std::nullopt;
  if (got && got->client == sent.client) return shared_->cookies.learn(server, got->server);
  if (stream) shared_->cookies.forget(server);
}

/// One exchange as whoever listens is told of it: begun with it, told once its verdict is known.
class Iterator::TracedExchange {
 public:
  TracedExchange(const Asking& asking, const dns::IpAddress& server, const Clock& clock)
      : trace_{asking.errand().budget.trace()}, asking_{&asking}, server_{&server}, clock_{&clock} {}
  void begin(UpstreamTransport transport) {
    transport_ = transport;
    begun_ = trace_ == nullptr ? Instant{} : clock_->now();
  }
  /// make: gives the phrase; called only when somebody listens.
  template <class Make>
  void tell(Make make) const {
    if (trace_ == nullptr) return;
    const Instant now = clock_->now();
    trace_->note({.kind = TraceKind::exchange,
                  .at = begun_,
                  .depth = asking_->errand().depth,
                  .question = asking_->errand().question,
                  .zone = asking_->cut().zone,
                  .server_name = asking_->server_name(*server_),
                  .server = *server_,
                  .transport = transport_,
                  .took = now - begun_,
                  .verdict = make()});
  }

 private:
  Trace* trace_;
  const Asking* asking_;
  const dns::IpAddress* server_;
  const Clock* clock_;
  UpstreamTransport transport_ = UpstreamTransport::udp;
  Instant begun_{};
};

/// The server's say, by whatever it takes: over TCP when UDP is cut short, spoofed or not to be relied on, without EDNS
/// when it does not know that.
Task<Finding> Iterator::ask_server(Asking& asking, dns::IpAddress server) {
  const Errand& errand = asking.errand();
  const dns::Name& zone = asking.cut().zone;
  TracedExchange traced{asking, server, *clock_};
  const bool encrypts = errand.settings.opportunistic_tls && shared_->encryption.speaks(server, clock_->now());
  unsigned bits = 0;
  bool by_floor = false;
  const auto in_clear = [&] {
    bits = unknown_bits(errand.question.name, server, errand.settings, false);
    by_floor = is_below_floor(bits, errand.settings);
    if (by_floor && errand.settings.cookies && shared_->cookies.is_expected_of(server)) {  // only then does it matter
      bits = unknown_bits(errand.question.name, server, errand.settings, true);
      by_floor = is_below_floor(bits, errand.settings);
    }
    return by_floor ? UpstreamTransport::tcp : UpstreamTransport::udp;
  };
  UpstreamTransport transport = encrypts ? UpstreamTransport::tls : in_clear();
  bool edns = true;
  bool cookie_was_bad = false;
  const auto useless = [&](Servers::Why why, dns::EdeCode code = dns::EdeCode::network_error) {
    // Where our own means were at an end, nothing was learned of the server.
    const Instant now = clock_->now();
    if (!errand.budget.exhausted() && now < errand.budget.deadline()) shared_->servers.failed(server, zone, now, why);
    return std::unexpected{Failure{{code, fmt::format("{}: {}", server.to_text(), Servers::to_text(why))}}};
  };
  const auto again_by = [&](UpstreamTransport next, std::string_view why) {
    traced.tell([&] {
      const bool is_stream = next == UpstreamTransport::tcp;
      return fmt::format("{}; asked again{}", why, next == transport ? "" : is_stream ? " by TCP" : " by UDP");
    });
    transport = next;
  };
  // Whatever it is that does not work encrypted, in the clear it is as it was before (RFC 9539 §4.6).
  // Nothing of what was found out there holds here; of want at our own place nothing is learned.
  const auto again_in_clear = [&](std::string_view why, bool is_its_doing) {
    const Instant now = clock_->now();
    if (is_its_doing && now < errand.budget.deadline()) shared_->encryption.failed(server, now);
    edns = true;
    again_by(in_clear(), why);
  };
  while (!asking.is_given_up(server)) {
    const auto place = shared_->server_places.take(holder_of(server, shared_->cache.key()),
                                                   errand.settings.limits[Limit::exchanges_of_one_server]);
    if (!place) {
      asking.give_up(server);
      co_return std::unexpected{
          Failure{{dns::EdeCode::other,
                   fmt::format("limit {} reached at {}", name_of(Limit::exchanges_of_one_server), server.to_text())},
                  FailureScope::house}};
    }
    if (!errand.budget.spend(Limit::upstream_queries)) co_return useless("not asked any more", dns::EdeCode::other);
    traced.begin(transport);
    auto reply = co_await exchange(asking, server, transport, edns, by_floor);
    if (!reply && transport == UpstreamTransport::tls && !errand.budget.exhausted()) {
      again_in_clear(describe(reply.error()), !is_our_own(reply.error()));
      continue;
    }
    if (!reply) {
      if (by_floor && takes_no_tcp(reply.error()) && bits >= enough_without_tcp && !errand.budget.exhausted()) {
        by_floor = false;
        again_by(UpstreamTransport::udp, describe(reply.error()));
        continue;
      }
      const bool by_stream = reply.error() == NetworkFault::spoofed || reply.error() == NetworkFault::malformed;
      if (by_stream && transport == UpstreamTransport::udp && !errand.budget.exhausted()) {
        again_by(UpstreamTransport::tcp, describe(reply.error()));
        continue;
      }
      traced.tell([&] { return std::string{describe(reply.error())}; });
      if (is_our_own(reply.error())) {
        asking.give_up(server);
        co_return std::unexpected{
            Failure{{dns::EdeCode::other, std::string{describe(reply.error())}}, FailureScope::house}};
      }
      if (reply.error() == NetworkFault::unreachable) asking.give_up(server);  // our own kernel says so, every time
      co_return useless(describe(reply.error()),
                        is_silence(reply.error()) ? dns::EdeCode::no_reachable_authority : dns::EdeCode::network_error);
    }
    const dns::Rcode rcode = reply->rcode();
    if (reply->header.truncated && transport == UpstreamTransport::tls) {
      again_in_clear("truncated by TLS", true);
      continue;
    }
    if (reply->header.truncated) {
      if (transport != UpstreamTransport::udp && errand.settings.guards.truncation_is_last) {
        asking.give_up(server);
        traced.tell([] { return std::string{"truncated even over TCP"}; });
        co_return useless("truncated even over TCP");
      }
      again_by(UpstreamTransport::tcp, "truncated");
      continue;
    }
    if (rcode == dns::Rcode::badcookie && edns && transport == UpstreamTransport::udp) {
      // Its fresh cookie is known now; whoever does not like that one either is asked where none is needed.
      const bool twice = std::exchange(cookie_was_bad, true);
      again_by(twice ? UpstreamTransport::tcp : UpstreamTransport::udp, "BADCOOKIE");
      continue;
    }
    if (edns && (rcode == dns::Rcode::formerr || rcode == dns::Rcode::notimp)) {
      edns = false;  // for this exchange alone: a forged FORMERR must not outlive it (attacks: EDNS stripping)
      again_by(transport, "knows no EDNS");
      continue;
    }
    if (rcode != dns::Rcode::noerror && rcode != dns::Rcode::nxdomain && rcode != dns::Rcode::yxdomain) {
      if (transport == UpstreamTransport::tls) {
        again_in_clear(dns::to_text(rcode), true);
        continue;
      }
      asking.give_up(server);
      traced.tell([&] { return std::string{dns::to_text(rcode)}; });
      const bool refuses = rcode == dns::Rcode::refused || rcode == dns::Rcode::notauth;
      co_return useless(rcode, refuses ? dns::EdeCode::no_reachable_authority : dns::EdeCode::network_error);
    }
    auto found = classify(*reply, errand.question, zone, errand.settings, shared_->cache.key());
    if (errand.settings.guards.dname_by_tcp && came_by_dname(*found) && transport == UpstreamTransport::udp) {
      // One forged datagram must not take a whole subtree (attacks: DNAME single shot).
      again_by(UpstreamTransport::tcp, "a DNAME by UDP");
      continue;
    }
    found->from = server;
    traced.tell([&] { return verdict_of(*found); });
    if (found->kind == ReplyKind::too_large && !errand.for_cut) {
      errand.budget.exhaust(Limit::records_per_rrset);
      co_return useless("an RRset with too many records");
    }
    if (found->kind != ReplyKind::lame && (rcode != dns::Rcode::yxdomain || found->kind == ReplyKind::too_long)) {
      shared_->servers.succeeded(server, zone);
      if (transport == UpstreamTransport::tls)
        shared_->encryption.succeeded(server, clock_->now());
      else if (errand.settings.opportunistic_tls)
        shared_->encryption.answered_in_clear(server, errand.question, clock_->now());
      co_return Finding{std::move(found)};
    }
    if (transport == UpstreamTransport::tls) {
      again_in_clear("lame", true);
      continue;
    }
    asking.give_up(server);
    shared_->servers.put_aside(server, zone, clock_->now() + lame_rest, "lame: it does not serve the zone");
    co_return std::unexpected{Failure{
        {dns::EdeCode::no_reachable_authority, fmt::format("{}: lame for {}", server.to_text(), zone.to_text())}}};
  }
  co_return useless("asked often enough");
}

}  // namespace redoubt::resolver
