// Entrance: a server's reply, from its first octet behind the question. A server of evil.com. says anything it likes to
// a question about www.evil.com. Properties: the resolution ends, in budget, with an outcome that can be rendered and
// read; nothing outside evil.com. is in the cache but short-lived failures; no cut is known outside it; with validation
// nothing is secure, and nothing below an anchor is given out.
#include <boost/asio/io_context.hpp>

#include "dns/message.hpp"
#include "fuzz/require.hpp"
#include "resolver/iterate/iterator.hpp"
#include "resolver/render/render.hpp"

using namespace redoubt;
using namespace redoubt::resolver;
using redoubt::fuzz::require;

namespace {

const dns::Name zone = dns::Name::literal("evil.com.");
const dns::Question question{dns::Name::literal("www.evil.com."), dns::type::a};
constexpr Instant now{std::chrono::hours{24}};
constexpr std::size_t question_octets = 14 + 4;

class StandingClock final : public Clock {
 public:
  Instant now() const override { return ::now; }
  WallTime wall() const override { return {}; }
  Task<void> sleep_until(Instant) override { co_return; }
};

class CountingRandom final : public Random {
 public:
  std::uint32_t below(std::uint32_t bound) override { return next_++ % bound; }
  void fill(std::span<std::uint8_t> octets) override {
    for (std::uint8_t& octet : octets) octet = static_cast<std::uint8_t>(next_++);
  }

 private:
  std::uint32_t next_ = 0;
};

/// Every server says the same: the query's id and question, and behind them what the fuzzer gave.
class Liar final : public Network {
 public:
  explicit Liar(std::span<const std::uint8_t> said) : said_{said} {}
  Task<std::expected<Reply, NetworkFault>> exchange(Exchange exchange) override {
    ++packets;
    std::vector<std::uint8_t>& message = exchange.query;
    const auto asked = dns::Message::parse(message);
    require(asked.has_value() && asked->question.has_value(), "we send what can be read");
    if (said_.size() < 8 || !asked->question->name.is_at_or_below(zone))
      co_return std::unexpected{NetworkFault::timed_out};
    message.resize(dns::header_octets + asked->question->name.wire().size() + 4);
    message[2] = static_cast<std::uint8_t>(0x80 | (said_[0] & 0x07));
    message[3] = said_[1];
    std::copy_n(said_.begin() + 2, 6, message.begin() + 6);  // ANCOUNT, NSCOUNT, ARCOUNT
    message.insert(message.end(), said_.begin() + 8, said_.end());
    co_return Reply{std::move(message), std::chrono::milliseconds{1}, 0};
  }
  std::uint64_t packets = 0;

 private:
  std::span<const std::uint8_t> said_;
};

Settings settings_for_fuzzing() {
  Settings settings;
  settings.root_servers.push_back({dns::Name::literal("a.root."), {dns::IpAddress::v4({198, 51, 100, 1})}});
  settings.case_randomisation = false;
  return settings;
}

/// The server's own zone has an anchor whose key nobody has, or lies below one.
Settings settings_that_validate(const char* anchored) {
  Settings settings = settings_for_fuzzing();
  settings.validation.enabled = true;
  std::vector<std::uint8_t> ds{0x12, 0x34, 15, 2};
  ds.resize(4 + 32, 0x55);
  settings.validation.anchors.push_back({dns::Name::literal(anchored), {{ds}, {}}});
  return settings;
}

const Settings& settings_chosen_by(std::uint8_t octet) {
  static const Settings plain = settings_for_fuzzing();
  static const Settings own = settings_that_validate("evil.com.");
  static const Settings above = settings_that_validate(".");
  return (octet & 0x40) == 0 ? plain : (octet & 0x20) == 0 ? own : above;
}

void check(Shared& shared) {
  bool more = false;
  for (const ShownEntry& entry : shared.cache.show(dns::Name{}, true, 10'000, now, more)) {
    require(entry.name.is_at_or_below(zone) || entry.found.kind == EntryKind::failure,
            "nothing outside the zone is kept");
    require(entry.found.expires <= now + std::chrono::hours{24}, "nothing is kept past the ceiling");
  }
  for (const char* outside : {"www.bank.net.", "www.bank.com.", "com.", "."}) {
    require(shared.cache.deepest_delegation(dns::Name::literal(outside), now) == nullptr, "no cut outside the zone");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static_assert(question_octets == 18);
  const Settings& settings = settings_chosen_by(size == 0 ? 0 : data[0]);
  Shared shared{1U << 20, dns::HashKey{}};
  shared.cache.store_delegation(std::make_shared<const Delegation>(Delegation{
                                    zone,
                                    {{dns::Name::literal("ns.evil.com."), {dns::IpAddress::v4({192, 0, 2, 66})}}},
                                    now + std::chrono::hours{1}}),
                                now);
  Liar network{{data, size}};
  StandingClock clock;
  CountingRandom random;
  boost::asio::io_context context;
  Iterator iterator{shared, network, clock, random, context.get_executor()};
  Budget budget{settings.limits, now};
  SharedOutcome outcome;
  start_now(iterator.resolve(question, settings, budget, {}),
            [&outcome](const std::exception_ptr& trouble, SharedOutcome result) {
              require(!trouble, "nothing is thrown");
              outcome = std::move(result);
            });
  context.run();
  require(outcome != nullptr, "the resolution ends");
  require(network.packets <= settings.limits[Limit::upstream_queries], "in budget");
  require(outcome->rcode != dns::Rcode::servfail || outcome->error.has_value(), "SERVFAIL has its reason");
  if (settings.validation.enabled) {
    require(outcome->failed() || outcome->security == Security::insecure, "nobody signs for a key that nobody has");
    require(!settings.validation.anchors.front().zone.is_strictly_below(dns::Name{}) || outcome->failed(),
            "nothing below an anchor goes unproven");
    require(budget.spent(Limit::signature_checks) <= settings.limits[Limit::signature_checks], "checks in budget");
    require(shared.proofs.spans() == 0, "no proof is learned");
  }
  check(shared);

  dns::Query query{{}, question, dns::Edns{}};
  std::vector<std::uint8_t> room(dns::default_udp_payload);
  const Rendered rendered = render(query, *outcome, now, room);
  require(dns::Message::parse(std::span{room}.first(rendered.octets)).has_value(), "what a client gets can be read");
  return 0;
}
