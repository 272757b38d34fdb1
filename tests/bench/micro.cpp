// What single steps of an answer cost: parser, hash, cache, render.
#include <benchmark/benchmark.h>

#include "dns/message.hpp"
#include "dns/packet/packet_cache.hpp"
#include "resolver/cache/cache.hpp"
#include "resolver/render/render.hpp"

namespace redoubt::resolver {
namespace {

constexpr dns::HashKey key{1, 2, 3};
const Instant now{std::chrono::hours{1}};

std::vector<std::uint8_t> query_for(unsigned number) {
  dns::Message message;
  message.header.recursion_desired = true;
  message.edns.emplace();
  message.question =
      dns::Question{dns::Name::literal("n" + std::to_string(number) + ".bench."), dns::type::a, dns::rr_class::in};
  return message.to_wire();
}

SharedRRset address_of(const dns::Name& name) {
  dns::RRset rrset{name, dns::type::a, dns::rr_class::in, dns::Ttl::from_wire(86'400), {}};
  rrset.rdata.add(std::array<std::uint8_t, 4>{192, 0, 2, 1});
  return HeldRRset::make(rrset, now + std::chrono::hours{24});
}

Outcome outcome_of(SharedRRset rrset) {
  Outcome outcome;
  outcome.rcode = dns::Rcode::noerror;
  outcome.answer.push_back(std::move(rrset));
  return outcome;
}

constexpr unsigned names = 10'000;

struct Names {
  std::vector<std::vector<std::uint8_t>> queries;
  dns::PacketCache packets{64U << 20, key};
  Cache records{64U << 20, key};

  Names() {
    std::array<std::uint8_t, 1232> room;
    for (unsigned i = 0; i < names; ++i) {
      queries.push_back(query_for(i));
      const auto query = dns::parse_query(queries.back());
      const SharedRRset rrset = address_of(query->question.name);
      records.store_data(rrset, Rank::authoritative_answer, now);
      dns::QueryGlance glance;
      dns::look_at(queries.back(), glance);
      packets.keep(glance, std::span{room}.first(render(*query, outcome_of(rrset), now, room).octets), {}, now);
    }
  }
};
Names& filled() {
  static Names made;
  return made;
}

void look(benchmark::State& state) {
  Names& all = filled();
  unsigned i = 0;
  dns::QueryGlance glance;
  for (auto _ : state) benchmark::DoNotOptimize(dns::look_at(all.queries[i = (i * 7 + 1) % names], glance));
}
BENCHMARK(look);

void look_and_find(benchmark::State& state) {
  Names& all = filled();
  std::array<std::uint8_t, 1232> room;
  unsigned i = 0;
  dns::QueryGlance glance;
  for (auto _ : state) {
    const auto& query = all.queries[i = (i * 7 + 1) % names];
    dns::look_at(query, glance);
    benchmark::DoNotOptimize(all.packets.find(glance, query, now, room));
  }
}
BENCHMARK(look_and_find);

void parse(benchmark::State& state) {
  Names& all = filled();
  unsigned i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(dns::parse_query(all.queries[i = (i * 7 + 1) % names]));
}
BENCHMARK(parse);

void hash_of_a_name(benchmark::State& state) {
  const dns::Name name = dns::Name::literal("www.example.com.");
  for (auto _ : state) benchmark::DoNotOptimize(name.hash(key));
}
BENCHMARK(hash_of_a_name);

void find_records(benchmark::State& state) {
  Names& all = filled();
  std::vector<dns::Name> asked;
  for (const auto& query : all.queries) asked.push_back(dns::parse_query(query)->question.name);
  unsigned i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(all.records.find(asked[i = (i * 7 + 1) % names], dns::type::a, now));
}
BENCHMARK(find_records);

void store_records(benchmark::State& state) {
  Cache cache{1U << 20, key};
  unsigned i = 0;
  for (auto _ : state) {
    cache.store_data(address_of(dns::Name::literal("n" + std::to_string(i++) + ".bench.")), Rank::authoritative_answer,
                     now);
  }
}
BENCHMARK(store_records);

void render_an_answer(benchmark::State& state) {
  const auto query = dns::parse_query(query_for(1));
  const Outcome outcome = outcome_of(address_of(query->question.name));
  std::array<std::uint8_t, 1232> room;
  for (auto _ : state) benchmark::DoNotOptimize(render(*query, outcome, now, room));
}
BENCHMARK(render_an_answer);

}  // namespace
}  // namespace redoubt::resolver

BENCHMARK_MAIN();
