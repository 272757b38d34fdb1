// From HTTP requests to DNS queries and back (RFC 8484): every form of GET against a plain decoder, and lifetimes.
#include "transport/http/doh_request.hpp"

#include <gtest/gtest.h>

#include "tests/unit/transport/http2_fixture.hpp"

namespace redoubt::transport::test {
namespace {

std::optional<Octets> asked_by(const std::string& target) {
  auto mapped = to_dns({.method = "GET", .path = target, .content_type = {}, .body = {}}, "/dns-query");
  if (auto* message = std::get_if<DnsQuery>(&mapped)) return std::move(*message);
  return std::nullopt;
}
unsigned status_of(HttpRequest request, std::string_view path = "/dns-query") {
  const auto mapped = to_dns(std::move(request), path);
  const auto* reply = std::get_if<HttpReply>(&mapped);
  return reply == nullptr ? 0 : reply->status;
}

TEST(DohRequest, the_example_of_rfc_8484_is_understood) {
  const Octets expected{0x00, 0x00, 0x01, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00,
                        0x00, 0x03, 0x77, 0x77, 0x77, 0x07, 0x65, 0x78, 0x61, 0x6d, 0x70,
                        0x6c, 0x65, 0x03, 0x63, 0x6f, 0x6d, 0x00, 0x00, 0x01, 0x00, 0x01};
  EXPECT_EQ(asked_by("/dns-query?dns=AAABAAABAAAAAAAAA3d3dwdleGFtcGxlA2NvbQAAAQAB"), expected);
}

TEST(DohRequest, three_hundred_forms_of_get_are_decoded_or_refused) {
  std::uint32_t state = 7;
  const auto random = [&state] {
    state = state * 1664525U + 1013904223U;
    return state >> 16U;
  };
  for (int i = 0; i < 300; ++i) {
    Octets message = query(static_cast<std::uint16_t>(random()));
    message.resize(message.size() + random() % 40, static_cast<std::uint8_t>(random()));
    const std::string text = base64url(message);
    EXPECT_EQ(asked_by("/dns-query?dns=" + text), message);
    EXPECT_EQ(asked_by("/dns-query?a=b&dns=" + text + "&dns=AAAA"), message);  // the first counts
    EXPECT_EQ(asked_by("/dns-query?dns=" + text + "=="), message);
    EXPECT_EQ(asked_by("/dns-query?DNS=" + text), std::nullopt);
    EXPECT_EQ(asked_by("/dns-query/?dns=" + text), std::nullopt);
    std::string damaged = text;
    damaged[random() % damaged.size()] = "+/%.~ \n"[random() % 7];
    EXPECT_EQ(asked_by("/dns-query?dns=" + damaged), std::nullopt) << damaged;
    EXPECT_EQ(asked_by("/dns-query?dns=" + text.substr(0, random() % 16)), std::nullopt);
  }
}

TEST(DohRequest, base64url_of_odd_lengths) {
  EXPECT_EQ(from_base64url(""), Octets{});
  EXPECT_EQ(from_base64url("A"), std::nullopt);
  EXPECT_EQ(from_base64url("_w"), Octets{0xff});
  EXPECT_EQ(from_base64url("-_-_"), (Octets{0xfb, 0xff, 0xbf}));
  EXPECT_EQ(from_base64url(std::string(90'000, 'A')), std::nullopt);
}

TEST(DohRequest, the_content_type_decides_a_post) {
  const auto post = [](std::string type) { return HttpRequest{"POST", "/dns-query", std::move(type), query(1)}; };
  EXPECT_EQ(status_of(post("application/dns-message")), 0U);
  EXPECT_EQ(status_of(post("Application/DNS-Message; charset=x")), 0U);
  EXPECT_EQ(status_of(post("application/dns-messages")), 415U);
  EXPECT_EQ(status_of(post("")), 415U);
}

TEST(DohRequest, a_method_that_does_not_work_is_told_with_those_that_do) {
  const auto allowed = [](std::string method, std::string path) {
    const auto mapped = to_dns({std::move(method), std::move(path), {}, {}}, "/dns-query");
    return std::string{std::get<HttpReply>(mapped).allow};
  };
  EXPECT_EQ(allowed("PUT", "/dns-query"), "GET, HEAD, POST");
  EXPECT_EQ(allowed("POST", "/"), "GET, HEAD");
  EXPECT_EQ(allowed("GET", "/elsewhere"), "");
}

TEST(DohRequest, head_asks_as_get_does) {
  const std::string target = "/dns-query?dns=" + base64url(query(1));
  const auto mapped = to_dns({"HEAD", target, {}, {}}, "/dns-query");
  ASSERT_TRUE(std::holds_alternative<DnsQuery>(mapped));
  EXPECT_EQ(std::get<DnsQuery>(mapped), query(1));
}

TEST(DohRequest, a_root_that_is_the_path_itself_has_no_page) {
  EXPECT_EQ(status_of({"GET", "/", {}, {}}), 200U);
  EXPECT_EQ(status_of({"POST", "/", {}, {}}), 405U);
  EXPECT_EQ(status_of({"GET", "/", {}, {}}, "/"), 400U);
}

/// A message with these records behind its question. sections: how many are answers, authority, additional.
struct Record {
  std::uint16_t type;
  std::uint32_t ttl;
  Octets data;
};
Octets message_with(std::uint8_t rcode, const std::array<std::uint8_t, 3>& sections,
                    const std::vector<Record>& records) {
  Octets out = answer_to(query(1));
  out[3] = rcode;
  for (std::size_t i = 0; i < 3; ++i) out[7 + 2 * i] = sections[i];
  for (const Record& record : records) {
    out += Octets{0xc0, 12, static_cast<std::uint8_t>(record.type >> 8U), static_cast<std::uint8_t>(record.type), 0, 1};
    for (const unsigned shift : {24U, 16U, 8U, 0U}) out.push_back(static_cast<std::uint8_t>(record.ttl >> shift));
    out += Octets{0, static_cast<std::uint8_t>(record.data.size())};
    out += record.data;
  }
  return out;
}
Octets soa_data(std::uint8_t minimum) {
  Octets data(22, 0);
  data[21] = minimum;
  return data;
}

TEST(DohLifetime, is_the_least_ttl_of_the_answers) {
  const Record a{1, 300, {192, 0, 2, 1}};
  const Record b{5, 60, {0}};
  const Record soa{6, 20, soa_data(5)};
  EXPECT_EQ(lifetime_of(message_with(0, {2, 0, 0}, {a, b})), 60U);
  EXPECT_EQ(lifetime_of(message_with(0, {1, 1, 0}, {a, soa})), 300U);
}

TEST(DohLifetime, of_a_denial_is_its_soa_s_or_the_minimum_there) {
  EXPECT_EQ(lifetime_of(message_with(3, {0, 1, 0}, {{6, 20, soa_data(5)}})), 5U);
  EXPECT_EQ(lifetime_of(message_with(0, {0, 1, 0}, {{6, 4, soa_data(5)}})), 4U);
  EXPECT_EQ(lifetime_of(message_with(3, {0, 0, 0}, {})), std::nullopt);
}

TEST(DohLifetime, failures_and_stale_answers_are_not_kept) {
  const Record a{1, 300, {192, 0, 2, 1}};
  const Record stale{41, 0, {0, 10, 0, 1, 7, 0, 15, 0, 2, 0, 3}};
  const Record stale_denial{41, 0, {0, 15, 0, 4, 0, 19, 'h', 'i'}};
  const Record other{41, 0, {0, 15, 0, 2, 0, 29}};
  EXPECT_EQ(lifetime_of(message_with(2, {1, 0, 0}, {a})), std::nullopt);
  EXPECT_EQ(lifetime_of(message_with(5, {1, 0, 0}, {a})), std::nullopt);
  EXPECT_EQ(lifetime_of(message_with(0, {1, 0, 1}, {a, stale})), std::nullopt);
  EXPECT_EQ(lifetime_of(message_with(3, {0, 1, 1}, {{6, 20, soa_data(5)}, stale_denial})), std::nullopt);
  EXPECT_EQ(lifetime_of(message_with(0, {1, 0, 1}, {a, other})), 300U);
}

TEST(DohLifetime, what_is_cut_off_is_not_kept) {
  const Octets whole = message_with(0, {2, 0, 0}, {{1, 300, {192, 0, 2, 1}}, {1, 60, {192, 0, 2, 2}}});
  for (std::size_t octets = 0; octets < whole.size(); ++octets)
    EXPECT_EQ(lifetime_of(std::span{whole}.first(octets)), std::nullopt) << octets;
}

}  // namespace
}  // namespace redoubt::transport::test
