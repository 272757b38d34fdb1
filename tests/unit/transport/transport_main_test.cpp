// The whole role in a process and a sandbox of its own; the test plays monitor, control and resolver.
#include "transport/role/transport_main.hpp"

#include <poll.h>
#include <sys/wait.h>

#include "appliance/channel/control_transport.hpp"
#include "appliance/channel/monitor_child.hpp"
#include "appliance/channel/resolver_transport.hpp"
#include "appliance/channel/statistics.hpp"
#include "appliance/snapshot/snapshot.hpp"
#include "tests/unit/transport/snapshot_maker.hpp"

namespace redoubt::transport::test {

namespace {

constexpr ListenerId listener = 4;

class TransportMainTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto [ours, theirs] = *channel::Channel::make_pair();
    child_ = ::fork();
    ASSERT_GE(child_, 0);
    if (child_ == 0) {
      ours = channel::Channel{};
      std::_Exit(transport_main(std::move(theirs)));
    }
    monitor_ = std::move(ours);
  }
  void TearDown() override {
    if (child_ <= 0) return;
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }

  /// The next message, within ten seconds.
  static std::optional<Octets> next(channel::Channel& from) {
    pollfd wait{.fd = from.descriptor(), .events = POLLIN, .revents = 0};
    if (::poll(&wait, 1, 10'000) != 1) return std::nullopt;
    const auto received = from.receive();
    if (!received) return std::nullopt;
    return Octets{received->octets.begin(), received->octets.end()};
  }
  template <class T>
  std::optional<T> from_child() {
    const auto octets = next(monitor_);
    if (!octets) return std::nullopt;
    const auto message = channel::decode_child_to_monitor(*octets);
    if (!message || !std::holds_alternative<T>(*message)) return std::nullopt;
    return std::get<T>(*message);
  }
  void tell(const channel::MonitorToChild& message, std::span<const int> descriptors = {}) {
    EXPECT_FALSE(monitor_.send(channel::encode(message), descriptors));
  }
  channel::Channel attach(channel::Role peer) {
    auto [ours, theirs] = *channel::Channel::make_pair();
    const int end = theirs.descriptor();
    tell(channel::Attach{peer}, {&end, 1});
    return std::move(ours);
  }
  static std::string use_snapshot(channel::Channel& control, const SnapshotParts& parts) {
    const auto sealed = snapshot::seal(compiled(parts)).value();
    const int fd = sealed.get();
    EXPECT_FALSE(control.send(channel::encode(channel::ControlToTransport{channel::UseSnapshot{9}}), {&fd, 1}));
    const auto reply = next(control);
    if (!reply) return "no reply";
    return std::get<channel::SnapshotTaken>(channel::decode_transport_to_control(*reply).value()).trouble;
  }
  dns::Endpoint give_socket() {
    const Socket socket = listening_socket();
    const dns::Endpoint at = local_endpoint(socket);
    const int fd = socket.get();
    tell(channel::TakeSocket{listener, channel::SocketKind::stream, 0, at}, {&fd, 1});
    return at;
  }
  int exit_code() {
    int status = 0;
    ::waitpid(std::exchange(child_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  pid_t child_ = -1;
  channel::Channel monitor_;
};

TEST_F(TransportMainTest, serves_from_its_sandbox_and_stops_cleanly) {
  const auto entered = from_child<channel::Entered>();
  ASSERT_TRUE(entered);
  EXPECT_EQ(entered->trouble, "");
  channel::Channel control = attach(channel::Role::control);
  channel::Channel resolver = attach(channel::Role::resolver);
  EXPECT_EQ(use_snapshot(control, {.listeners = {{listener, true}, {5, false}}}), "");
  const dns::Endpoint at = give_socket();
  ASSERT_TRUE(from_child<channel::Ready>());

  Peer client{at};
  client.send_frame(query(3));
  const auto asked = next(resolver);
  ASSERT_TRUE(asked);
  const auto ask = std::get<channel::Ask>(channel::decode_transport_to_resolver(*asked).value());
  EXPECT_EQ(ask.listener, listener);
  EXPECT_FALSE(
      resolver.send(channel::encode(channel::ResolverToTransport{channel::Give{ask.id, answer_to(ask.query)}})));
  pollfd wait{.fd = client.socket().get(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&wait, 1, 10'000), 1);
  ASSERT_EQ(client.messages().size(), 1U);
  EXPECT_EQ(client.messages()[0], answer_to(query(3)));

  // As a client of somebody else, through the same sandbox.
  const Socket upstream = listening_socket();
  EXPECT_FALSE(resolver.send(channel::encode(channel::ResolverToTransport{
      channel::Fetch{1, channel::StreamProtocol::tcp, local_endpoint(upstream), 5000, query(8)}})));
  pollfd knock{.fd = upstream.get(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&knock, 1, 10'000), 1);
  Peer server{std::move(accept_from(upstream)->socket)};
  server.send_frame(answer_to(query(8)));
  const auto brought = next(resolver);
  ASSERT_TRUE(brought);
  EXPECT_EQ(std::get<channel::Fetched>(channel::decode_transport_to_resolver(*brought).value()).answer,
            answer_to(query(8)));

  EXPECT_FALSE(control.send(channel::encode(channel::ControlToTransport{channel::AskStatistics{6}})));
  const auto statistics = next(control);
  ASSERT_TRUE(statistics);
  const auto values = std::get<channel::Statistics>(channel::decode_transport_to_control(*statistics).value()).values;
  ASSERT_EQ(values.size(), static_cast<std::size_t>(channel::TransportCounter::count));
  EXPECT_EQ(values[static_cast<std::size_t>(channel::TransportCounter::queries)], 1U);
  EXPECT_EQ(values[static_cast<std::size_t>(channel::TransportCounter::upstream_exchanges)], 1U);
  EXPECT_EQ(values[static_cast<std::size_t>(channel::TransportCounter::snapshot_generation)], 9U);

  tell(channel::Stop{});
  EXPECT_EQ(exit_code(), 0);
}

TEST_F(TransportMainTest, is_ready_only_with_both_snapshot_and_sockets) {
  ASSERT_TRUE(from_child<channel::Entered>());
  channel::Channel control = attach(channel::Role::control);
  EXPECT_NE(use_snapshot(control, {.limits = {{"stream-connections", 0}}, .listeners = {}}), "");
  EXPECT_EQ(use_snapshot(control, {.listeners = {{listener, true}}}), "");
  EXPECT_FALSE(control.send(channel::encode(channel::ControlToTransport{channel::AskStatistics{1}})));
  ASSERT_TRUE(next(control));  // whatever the snapshot led to has been said by now
  EXPECT_EQ(monitor_.receive().error(), channel::ReceiveTrouble::would_block);
  give_socket();
  EXPECT_TRUE(from_child<channel::Ready>());
}

TEST_F(TransportMainTest, ends_when_monitor_is_gone) {
  ASSERT_TRUE(from_child<channel::Entered>());
  monitor_ = channel::Channel{};
  EXPECT_EQ(exit_code(), 0);
}

TEST_F(TransportMainTest, ends_when_a_sibling_talks_garbage) {
  ASSERT_TRUE(from_child<channel::Entered>());
  channel::Channel control = attach(channel::Role::control);
  EXPECT_FALSE(control.send(Octets{0xee, 0xff}));
  EXPECT_EQ(exit_code(), 1);
}

}  // namespace

}  // namespace redoubt::transport::test
