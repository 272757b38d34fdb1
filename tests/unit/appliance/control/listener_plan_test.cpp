#include "appliance/control/listener_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace redoubt::control {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

config::Configuration listening(std::initializer_list<std::pair<const char*, const char*>> listeners) {
  config::Configuration configuration;
  for (const auto& [at, transports] : listeners) {
    const std::string_view text{transports};
    config::Listener listener;
    listener.at = *dns::Endpoint::from_text(at, 53);
    listener.udp = text.find('u') != std::string_view::npos;
    listener.tcp = text.find('t') != std::string_view::npos;
    listener.tls = text.find('s') != std::string_view::npos;
    configuration.listeners.push_back(listener);
  }
  return configuration;
}

PlannedListener planned(channel::ListenerId id, const char* at, bool datagrams, bool streams) {
  return {.id = id, .at = *dns::Endpoint::from_text(at, 53), .datagrams = datagrams, .streams = streams};
}

TEST(ListenerPlan, the_first_one_binds_everything) {
  const auto plan = plan_listeners(listening({{"127.0.0.1", "ut"}, {"::1", "u"}}), {});
  EXPECT_THAT(plan, ElementsAre(planned(0, "127.0.0.1", true, true), planned(1, "::1", true, false)));
  const auto change = change_of({}, plan);
  EXPECT_EQ(change.bind, plan);
  EXPECT_THAT(change.unbind, IsEmpty());
}

TEST(ListenerPlan, what_stays_keeps_its_number_and_its_sockets) {
  const auto before = plan_listeners(listening({{"127.0.0.1", "ut"}, {"127.0.0.2", "ut"}}), {});
  const auto after = plan_listeners(listening({{"127.0.0.3", "ut"}, {"127.0.0.2", "ut"}}), before);
  EXPECT_THAT(after, ElementsAre(planned(2, "127.0.0.3", true, true), planned(1, "127.0.0.2", true, true)));
  const auto change = change_of(before, after);
  EXPECT_THAT(change.bind, ElementsAre(planned(2, "127.0.0.3", true, true)));
  EXPECT_THAT(change.unbind, ElementsAre(0U));
}

TEST(ListenerPlan, other_transports_bind_anew_under_the_same_number) {
  const auto before = plan_listeners(listening({{"127.0.0.1", "ut"}}), {});
  const auto change = change_of(before, plan_listeners(listening({{"127.0.0.1", "u"}}), before));
  EXPECT_THAT(change.bind, ElementsAre(planned(0, "127.0.0.1", true, false)));
  EXPECT_THAT(change.unbind, IsEmpty());
}

TEST(ListenerPlan, sockets_stay_when_streams_come_by_another_protocol) {
  const auto plain = plan_listeners(listening({{"127.0.0.1@853", "t"}}), {});
  const auto encrypted = plan_listeners(listening({{"127.0.0.1@853", "s"}}), plain);
  EXPECT_THAT(encrypted, ElementsAre(planned(0, "127.0.0.1@853", false, true)));
  EXPECT_THAT(change_of(plain, encrypted).bind, IsEmpty());
  EXPECT_THAT(change_of(plain, encrypted).unbind, IsEmpty());
}

TEST(ListenerPlan, a_change_can_be_undone) {
  const auto before = plan_listeners(listening({{"127.0.0.1", "ut"}}), {});
  const auto after = plan_listeners(listening({{"127.0.0.1", "u"}, {"127.0.0.2", "u"}}), before);
  const auto undo = undo_of(before, change_of(before, after));
  EXPECT_EQ(undo.bind, before);
  EXPECT_THAT(undo.unbind, ElementsAre(1U));
}

TEST(ListenerPlan, is_read_back_from_the_store) {
  const auto plan =
      plan_listeners(listening({{"127.0.0.1@5300", "ut"}, {"2001:db8::1@53", "u"}, {"::1@853", "s"}}), {});
  EXPECT_EQ(plan_from_text(to_text(plan)), plan);
  EXPECT_THAT(plan_from_text("garbage\n1 2\n0 nowhere 1 1\n"), IsEmpty());
}

}  // namespace
}  // namespace redoubt::control
