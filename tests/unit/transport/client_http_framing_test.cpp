// What a server of DNS over HTTPS says besides answers: errors end the query that they are about and nothing else.
#include "tests/unit/transport/http2_fixture.hpp"
#include "transport/client/client_framing.hpp"

namespace redoubt::transport::test {
namespace {

struct Field {
  std::string name;
  std::string value;
};

class ClientHttpFramingTest : public ::testing::Test {
 protected:
  ClientHttpFramingTest() {
    hear(frame(Frame::settings, 0, 0));
    for (std::uint16_t id = 1; id <= 3; ++id) framing_->put(query(id), output_);
    speak();
  }
  void hear(const Octets& octets) { framing_->append(octets); }
  void speak() {
    framing_->speak(output_);
    said_ += output_.size();
    output_.sent(output_.size());
  }
  /// Ids 1, 2, 3 went out on streams 1, 3, 5.
  void headers(std::uint32_t stream, const std::vector<Field>& fields, std::uint8_t flags = 0) {
    Octets block;
    for (const Field& field : fields) block += literal(field.name, field.value);
    hear(frame(Frame::headers, static_cast<std::uint8_t>(flags | end_headers), stream, block));
  }
  void answer(std::uint32_t stream, std::uint16_t id) {
    headers(stream, {{":status", "200"}, {"content-type", "application/dns-message"}});
    hear(frame(Frame::data, end_stream, stream, answer_to(query(id))));
  }
  std::optional<std::uint16_t> next_answer() {
    const auto next = framing_->next();
    if (!next) {
      ADD_FAILURE() << "the connection is broken";
      return std::nullopt;
    }
    return *next ? std::optional{id_of(**next)} : std::nullopt;
  }
  void expect_unanswered(std::uint16_t id, UpstreamFault fault) {
    const auto unanswered = framing_->unanswered();
    ASSERT_TRUE(unanswered);
    EXPECT_EQ(unanswered->id, id);
    EXPECT_EQ(unanswered->fault, fault);
    EXPECT_FALSE(framing_->unanswered());
  }
  /// The other two queries get their answers.
  void expect_others_served() {
    answer(1, 1);
    answer(5, 3);
    EXPECT_EQ(next_answer(), 1);
    EXPECT_EQ(next_answer(), 3);
    EXPECT_EQ(next_answer(), std::nullopt);
    EXPECT_FALSE(framing_->unanswered());
    EXPECT_TRUE(framing_->takes());
  }

  std::unique_ptr<ClientFraming> framing_ = client_http_framing("dns.example", "/dns-query");
  OutputQueue output_;
  std::size_t said_ = 0;
};

struct Said {
  const char* name;
  std::vector<Field> fields;
  UpstreamFault fault;
};
void PrintTo(const Said& said, std::ostream* out) { *out << said.name; }

class EachHttpError : public ClientHttpFramingTest, public ::testing::WithParamInterface<Said> {};

TEST_P(EachHttpError, without_a_body_ends_one_query) {
  headers(3, GetParam().fields, end_stream);
  expect_unanswered(2, GetParam().fault);
  expect_others_served();
}

TEST_P(EachHttpError, with_a_page_ends_one_query_and_the_page_is_not_waited_for) {
  headers(3, GetParam().fields);
  hear(frame(Frame::data, 0, 3, Octets(1000, 'x')));
  expect_unanswered(2, GetParam().fault);
  for (int i = 0; i < 60; ++i) hear(frame(Frame::data, 0, 3, Octets(1000, 'x')));
  EXPECT_FALSE(framing_->unanswered());
  speak();
  expect_others_served();
}

INSTANTIATE_TEST_SUITE_P(
    Http, EachHttpError,
    ::testing::Values(Said{"not_found", {{":status", "404"}}, UpstreamFault::http_refused},
                      Said{"too_many_requests", {{":status", "429"}}, UpstreamFault::http_refused},
                      Said{"unavailable", {{":status", "503"}}, UpstreamFault::http_failed},
                      Said{"moved", {{":status", "302"}, {"location", "/"}}, UpstreamFault::http_strange},
                      Said{"text", {{":status", "200"}, {"content-type", "text/html"}}, UpstreamFault::http_strange},
                      Said{"no_type", {{":status", "200"}}, UpstreamFault::http_strange}),
    [](const auto& tested) { return std::string{tested.param.name}; });

TEST_F(ClientHttpFramingTest, a_message_that_is_none_ends_one_query) {
  headers(3, {{":status", "200"}, {"content-type", "application/dns-message"}});
  hear(frame(Frame::data, end_stream, 3, Octets(11, 0)));
  expect_unanswered(2, UpstreamFault::malformed);
  expect_others_served();
}

TEST_F(ClientHttpFramingTest, a_reset_ends_one_query) {
  hear(frame(Frame::rst_stream, 0, 3, {0, 0, 0, 2}));  // INTERNAL_ERROR
  expect_unanswered(2, UpstreamFault::http_failed);
  expect_others_served();
}

TEST_F(ClientHttpFramingTest, a_query_that_was_refused_may_go_another_way) {
  hear(frame(Frame::rst_stream, 0, 3, {0, 0, 0, 7}));  // REFUSED_STREAM
  expect_unanswered(2, UpstreamFault::closed_early);
  expect_others_served();
}

TEST_F(ClientHttpFramingTest, a_server_that_leaves_ends_all) {
  hear(frame(Frame::goaway, 0, 0, {0, 0, 0, 0, 0, 0, 0, 0}));
  EXPECT_FALSE(framing_->next());
  EXPECT_TRUE(framing_->left());
}

TEST_F(ClientHttpFramingTest, frames_without_end_end_the_connection) {
  for (int i = 0; i < 400; ++i) hear(frame(Frame::ping, 0, 0, Octets(8, 1)));
  EXPECT_TRUE(framing_->next());
  for (int i = 0; i < 200; ++i) hear(frame(Frame::ping, 0, 0, Octets(8, 1)));
  EXPECT_FALSE(framing_->next());
}

TEST_F(ClientHttpFramingTest, a_server_that_breaks_the_rules_of_http_ends_all) {
  hear(frame(Frame::data, 0, 3, {}));  // before any header
  speak();
  hear(frame(Frame::ping, 0, 0, {}));  // of a wrong size
  EXPECT_FALSE(framing_->next());
}

}  // namespace
}  // namespace redoubt::transport::test
