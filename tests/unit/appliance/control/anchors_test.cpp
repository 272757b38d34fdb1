// Trust anchors that control follows, and negative ones that it keeps, over a store and a resolver that the test plays.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "appliance/control/anchor_tracker.hpp"
#include "appliance/control/anchors_json.hpp"
#include "appliance/control/negative_anchors.hpp"
#include "dns/message.hpp"
#include "tests/signing/test_key.hpp"
#include "tests/unit/dnssec/temporary_folder.hpp"

namespace redoubt::control {
namespace {

using channel::Role;
using dnssec::Algorithm;
using signing::TestKey;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

std::uint32_t now_seconds() {
  return static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count());
}

struct WithStore : testing::Test {
  WithStore() {
    folder = ::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    open();
  }
  ~WithStore() override {
    store.reset();
    ::close(folder);
  }
  /// As another life of the process finds it.
  void open() {
    store.reset();
    auto opened = store::Store::open(folder);
    ASSERT_TRUE(opened) << opened.error();
    store = *std::move(opened);
  }
  boost::asio::io_context loop;
  tests::TemporaryFolder temporary_;
  const std::string& path = temporary_.path();
  int folder = -1;
  std::optional<store::Store> store;
};

struct Following : WithStore {
  Following() { restart(); }

  void restart() {
    tracker.reset();
    siblings.reset();
    auto pair = channel::Channel::make_pair();
    resolver = std::move(pair->second);
    siblings.emplace(
        loop, [](Role, std::uint64_t, const std::string&) {}, [](Role, bool) {});
    siblings->attach(Role::resolver, std::move(pair->first));
    tracker.emplace(
        loop, *siblings, [this] { ++changes; }, std::chrono::seconds{0});
    tracker->set_store(&*store);
    tracker->use(configuration());
  }

  config::Configuration configuration() const {
    config::Configuration configuration;
    configuration.validation.tracked_anchors = {dns::Name{}};
    const dns::Record ds = signing::ds_record(dns::Name{}, old_key);
    configuration.validation.trust_anchors = {ds};
    return configuration;
  }

  /// Answers what control asks for; false when nothing was asked.
  bool answer(const std::vector<TestKey>& keys, const std::vector<TestKey>& signers) {
    for (int turn = 0; turn < 200; ++turn) {
      loop.restart();
      loop.poll();
      while (auto received = resolver.receive()) {
        const auto message = channel::decode_control_to_resolver(received->octets);
        const auto* request = message ? std::get_if<channel::ResolveFor>(&*message) : nullptr;
        if (request == nullptr) continue;
        EXPECT_TRUE(request->fresh) << "from servers, whatever the cache has";
        reply(*request, keys, signers);
        loop.restart();
        loop.poll();
        return true;
      }
    }
    return false;
  }

  void reply(const channel::ResolveFor& request, const std::vector<TestKey>& keys,
             const std::vector<TestKey>& signers) {
    auto query = dns::Message::parse(request.query);
    ASSERT_TRUE(query);
    EXPECT_TRUE(query->header.checking_disabled && query->edns->dnssec_ok);
    query->header.response = true;
    std::vector<dns::Record> set;
    for (const TestKey& key : keys) set.push_back(signing::dnskey_record(dns::Name{}, key));
    query->answer = set;
    const signing::Times times{now_seconds() - 3600, now_seconds() + 86'400};
    for (const TestKey& key : signers) query->answer.push_back(signing::sign_set(key, dns::Name{}, set, times));
    EXPECT_FALSE(
        resolver.send(channel::encode(channel::ResolverToControl{channel::ResolvedFor{request.id, query->to_wire()}})));
  }

  std::vector<dns::Record> told() const {
    config::Circumstances circumstances;
    tracker->describe(configuration(), circumstances);
    EXPECT_THAT(circumstances.followed_zones, SizeIs(1));
    return circumstances.followed_anchors;
  }

  const TestKey old_key = TestKey::make(Algorithm::ed25519, 1);
  const TestKey new_key = TestKey::make(Algorithm::ed25519, 2);
  const TestKey thief = TestKey::make(Algorithm::ed25519, 3);
  channel::Channel resolver{channel::Descriptor{}};
  std::optional<Siblings> siblings;
  std::optional<AnchorTracker> tracker;
  int changes = 0;
};

TEST_F(Following, a_look_is_written_down_before_it_is_told) {
  EXPECT_EQ(told().front().type, dns::type::ds) << "as configured";
  ASSERT_TRUE(answer({old_key, new_key}, {old_key}));
  EXPECT_EQ(changes, 1);
  ASSERT_THAT(told(), SizeIs(1));
  EXPECT_EQ(told().front().rdata, old_key.dnskey());
  const auto kept = store->trust_point(".");
  ASSERT_TRUE(kept && *kept);
  EXPECT_EQ(*dnssec::trust_point_from_text(**kept), tracker->rows().begin()->second.point);
  open();
  restart();
  EXPECT_EQ(told().front().rdata, old_key.dnskey()) << "another life knows it at once";
  EXPECT_THAT(tracker->rows().begin()->second.point.keys, SizeIs(2)) << "the pending one, too";
}

TEST_F(Following, what_a_resolver_makes_up_is_not_believed) {
  ASSERT_TRUE(answer({old_key, thief}, {thief}));
  EXPECT_EQ(changes, 0);
  EXPECT_EQ(told().front().type, dns::type::ds);
  EXPECT_FALSE(tracker->rows().begin()->second.trouble.empty());
}

TEST_F(Following, what_cannot_be_written_down_did_not_happen) {
  tracker->set_store(nullptr);
  ASSERT_TRUE(answer({old_key}, {old_key}));
  EXPECT_EQ(changes, 0);
  EXPECT_EQ(told().front().type, dns::type::ds);
}

TEST_F(Following, a_damaged_state_is_told_and_begins_anew) {
  ASSERT_TRUE(answer({old_key}, {old_key}));
  ASSERT_TRUE(store->set_trust_point(".", "redoubt-trust-point 1\nzone 00\n"));
  restart();
  EXPECT_EQ(told().front().type, dns::type::ds);
}

TEST_F(Following, the_api_tells_the_states) {
  ASSERT_TRUE(answer({old_key, new_key}, {old_key}));
  const auto configuration = this->configuration();
  const std::string text = anchors_as_json(tracker->rows(), &configuration.validation).dump();
  EXPECT_THAT(text, HasSubstr("\"state\":\"valid\""));
  EXPECT_THAT(text, HasSubstr("\"state\":\"pending\""));
  EXPECT_THAT(text, HasSubstr("\"trusted_in\":2592000"));
  AnchorTracker::Rows none;
  EXPECT_THAT(anchors_as_json(none, &configuration.validation).dump(), HasSubstr("\"tracked\":false"));
}

struct Exceptions : WithStore {
  Exceptions() { restart(); }
  void restart() {
    anchors.emplace(loop, [this] { ++changes; });
    anchors->set_store(&*store);
  }
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& anchor : anchors->list()) all.push_back(anchor.zone.to_text());
    return all;
  }
  std::optional<NegativeAnchors> anchors;
  int changes = 0;
};

TEST_F(Exceptions, are_kept_and_told_and_survive_a_restart) {
  const auto name = dns::Name::literal("Broken.example.");
  ASSERT_TRUE(anchors->add(name, std::chrono::hours{1}, "their signatures expired"));
  EXPECT_EQ(changes, 1);
  open();
  restart();
  EXPECT_THAT(names(), ElementsAre("broken.example."));
  config::Circumstances circumstances;
  anchors->describe(circumstances);
  ASSERT_THAT(circumstances.negative_anchors, SizeIs(1));
  EXPECT_NEAR(static_cast<double>(circumstances.negative_anchors.front().until), now_seconds() + 3600.0, 5.0);
  ASSERT_TRUE(anchors->add(name, std::chrono::hours{2}, "still"));
  EXPECT_THAT(names(), SizeIs(1)) << "in place of the one before";
  ASSERT_TRUE(anchors->remove(name));
  EXPECT_FALSE(anchors->remove(name));
  open();
  restart();
  EXPECT_THAT(names(), SizeIs(0));
}

TEST_F(Exceptions, are_bounded_in_time_and_number) {
  const auto name = dns::Name::literal("a.example.");
  EXPECT_FALSE(anchors->add(name, std::chrono::seconds{59}, "why"));
  EXPECT_FALSE(anchors->add(name, std::chrono::hours{7 * 24} + std::chrono::seconds{1}, "why"));
  EXPECT_FALSE(anchors->add(name, std::chrono::hours{1}, ""));
  EXPECT_FALSE(anchors->add(name, std::chrono::hours{1}, std::string(201, 'x')));
  EXPECT_FALSE(anchors->add(dns::Name{}, std::chrono::hours{1}, "everything"));
  EXPECT_EQ(changes, 0);
  for (std::size_t i = 0; i < max_negative_anchors; ++i)
    ASSERT_TRUE(anchors->add(dns::Name::literal("n" + std::to_string(i) + ".example."), std::chrono::hours{1}, "why"));
  EXPECT_FALSE(anchors->add(name, std::chrono::hours{1}, "why"));
}

TEST_F(Exceptions, that_are_over_are_gone_after_a_restart) {
  const std::int64_t now = now_seconds();
  ASSERT_TRUE(store->put_negative_anchor({"old.example.", now - 7200, now - 3600, "why"}));
  ASSERT_TRUE(store->put_negative_anchor({"far.example.", now, now + 30 * 86'400, "longer than anybody may"}));
  ASSERT_TRUE(store->put_negative_anchor({"good.example.", now - 10, now + 3600, "why"}));
  restart();
  EXPECT_THAT(names(), ElementsAre("good.example."));
  EXPECT_THAT(store->negative_anchors().value(), SizeIs(1));
}

TEST(WhatExcepts, names_the_anchor_that_still_holds_for_a_name) {
  const std::vector<dns::Name> configured{dns::Name::literal("lan.example.")};
  const std::vector<TimedNegativeAnchor> timed{{dns::Name::literal("example."), 0, 1, "why"}};
  const auto name = dns::Name::literal("a.lan.example.");
  EXPECT_THAT(what_excepts(name, timed, configured).value_or(""), HasSubstr("lan.example. stands in validation."));
  EXPECT_THAT(what_excepts(name, timed, {}).value_or(""), HasSubstr("example. is not validated either"));
  EXPECT_FALSE(what_excepts(name, {}, {}));
  EXPECT_FALSE(what_excepts(dns::Name::literal("example."), {}, configured));
}

}  // namespace
}  // namespace redoubt::control
