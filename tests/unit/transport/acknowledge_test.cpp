// Whose octets are acknowledged at once: theirs who have not asked all of their question. A client that leaves Nagle's
// algorithm on sends the rest only then.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/unit/transport/server_fixture.hpp"

namespace {
unsigned acknowledged = 0;
}

// In place of the library's: what the kernel does by it can be seen by the clock alone.
extern "C" int setsockopt(int socket, int level, int option, const void* value, socklen_t octets) noexcept {
  if (level == IPPROTO_TCP && option == TCP_QUICKACK) ++acknowledged;
  return static_cast<int>(::syscall(SYS_setsockopt, socket, level, option, value, octets));
}

namespace redoubt::transport::test {

namespace {

class AcknowledgeTest : public ServerTest {
 protected:
  AcknowledgeTest() { acknowledged = 0; }
};

TEST_F(AcknowledgeTest, half_a_question_is_acknowledged_at_once) {
  Peer client{at_};
  const auto frame = framed(query(5));
  client.send(std::span{frame}.first(frame.size() / 2));
  ASSERT_TRUE(run_until([&] { return acknowledged == 1; }));
  client.send(std::span{frame}.subspan(frame.size() / 2));
  ASSERT_TRUE(asked(1));
  EXPECT_EQ(acknowledged, 1U) << "it is whole now, and its answer says so";
}

TEST_F(AcknowledgeTest, a_whole_question_takes_no_further_call) {
  Peer client{at_};
  client.send_frame(query(6));
  ASSERT_TRUE(asked(1));
  give(resolver_.asked[0]);
  ASSERT_TRUE(run_until([&] { return client.messages().size() == 1; }));
  EXPECT_EQ(acknowledged, 0U);
}

}  // namespace

}  // namespace redoubt::transport::test
