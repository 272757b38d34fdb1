#include "appliance/control/api_request.hpp"

#include <gtest/gtest.h>

#include <string>

namespace redoubt::control {
namespace {

template <class Call>
Call call(std::string_view method, std::string_view target, std::string_view body = {}) {
  const auto parsed = parse_api_request(method, target, body);
  EXPECT_TRUE(parsed) << target << ' ' << body << ": " << (parsed ? "" : parsed.error().what);
  const Call* found = parsed ? std::get_if<Call>(&*parsed) : nullptr;
  EXPECT_NE(found, nullptr);
  return found != nullptr ? *found : Call{};
}

std::string refusal(std::string_view method, std::string_view target, std::string_view body = {}) {
  const auto parsed = parse_api_request(method, target, body);
  return parsed ? "none" : std::to_string(parsed.error().status) + " " + parsed.error().what;
}

TEST(ApiRequest, every_call_is_understood) {
  call<StatusCall>("GET", "/v1/status");
  call<ReloadCall>("POST", "/v1/reload");
  call<ReloadCall>("POST", "/v1/reload", "{}");
  const auto query =
      call<QueryCall>("POST", "/v1/query", R"({"name":"www.example","type":"aaaa","class":"IN","dnssec":true})");
  EXPECT_EQ(query.name, dns::Name::literal("www.example."));
  EXPECT_EQ(query.type, dns::type::aaaa);
  EXPECT_TRUE(query.dnssec);
  EXPECT_FALSE(query.checking_disabled);
  EXPECT_TRUE(query.recursion_desired);
  const auto show = call<ShowCall>("GET", "/v1/cache?name=a%2eexample&below=true&limit=7");
  EXPECT_EQ(show.name, dns::Name::literal("a.example."));
  EXPECT_TRUE(show.below);
  EXPECT_EQ(show.limit, 7U);
  EXPECT_EQ(call<FlushCall>("POST", "/v1/cache/flush", R"({"name":"example"})").name, dns::Name::literal("example."));
  const auto all = call<FlushCall>("POST", "/v1/cache/flush", R"({"all":true})");
  EXPECT_TRUE(all.below && all.name.is_root());
  const auto trace =
      call<TraceCall>("POST", "/v1/trace", R"({"name":"a.example","type":"MX","client":"2001:db8::5","fresh":true})");
  EXPECT_EQ(trace.name, dns::Name::literal("a.example."));
  EXPECT_EQ(trace.type, dns::type::mx);
  EXPECT_EQ(trace.client, dns::IpAddress::from_text("2001:db8::5"));
  EXPECT_TRUE(trace.fresh);
  EXPECT_EQ(call<UpstreamsCall>("GET", "/v1/upstreams?limit=7").limit, 7U);
  call<StatisticsCall>("GET", "/v1/statistics");
  call<AnchorsCall>("GET", "/v1/anchors");
  call<NegativeAnchorsCall>("GET", "/v1/nta");
  EXPECT_EQ(call<ListKeysCall>("GET", "/v1/keys?name=a.example").zone, dns::Name::literal("a.example."));
  const auto made =
      call<MakeKeyCall>("POST", "/v1/keys", R"({"zone":"a.example","algorithm":8,"role":"ksk","taken":[1,65535]})");
  EXPECT_EQ(made.algorithm, 8);
  EXPECT_EQ(made.role, channel::ZoneKeyRole::ksk);
  EXPECT_EQ(made.bits, 2048);
  EXPECT_EQ(made.taken, (std::vector<std::uint16_t>{1, 65535}));
  const auto signs =
      call<SignCall>("POST", "/v1/keys/sign", R"({"zone":"a","algorithm":13,"tag":7,"sets":["AQID","BA=="]})");
  EXPECT_EQ(signs.tag, 7);
  EXPECT_EQ(signs.sets, (std::vector<std::vector<std::uint8_t>>{{1, 2, 3}, {4}}));
  const auto deleted = call<DeleteKeyCall>("POST", "/v1/keys/delete", R"({"zone":"a","algorithm":13,"tag":7})");
  EXPECT_EQ(deleted.zone, dns::Name::literal("a."));
  EXPECT_EQ(deleted.algorithm, 13);
  EXPECT_EQ(deleted.tag, 7);
  const auto exception =
      call<AddNegativeAnchorCall>("POST", "/v1/nta", R"({"name":"a.example","for":"90m","why":"their keys"})");
  EXPECT_EQ(exception.name, dns::Name::literal("a.example."));
  EXPECT_EQ(exception.time, std::chrono::minutes{90});
  EXPECT_EQ(exception.why, "their keys");
  EXPECT_EQ(call<RemoveNegativeAnchorCall>("POST", "/v1/nta/remove", R"({"name":"a.example"})").name,
            dns::Name::literal("a.example."));
}

TEST(ApiRequest, what_was_left_out_has_its_usual_value) {
  const auto query = call<QueryCall>("POST", "/v1/query", R"({"name":"."})");
  EXPECT_EQ(query.type, dns::type::a);
  EXPECT_EQ(query.rr_class, dns::rr_class::in);
  const auto trace = call<TraceCall>("POST", "/v1/trace", R"({"name":"."})");
  EXPECT_EQ(trace.type, dns::type::a);
  EXPECT_FALSE(trace.client || trace.fresh || trace.stream);
  EXPECT_TRUE(call<TraceCall>("POST", "/v1/trace", R"({"name":".","stream":true})").stream);
  EXPECT_EQ(call<UpstreamsCall>("GET", "/v1/upstreams").limit, channel::max_upstreams_shown);
}

struct Refused {
  const char* method;
  const char* target;
  const char* body;
  const char* line;
};
class RefusedRequests : public testing::TestWithParam<Refused> {};

TEST_P(RefusedRequests, say_why) {
  EXPECT_EQ(refusal(GetParam().method, GetParam().target, GetParam().body), GetParam().line);
}

INSTANTIATE_TEST_SUITE_P(
    ApiRequest, RefusedRequests,
    testing::Values(
        Refused{"GET", "/", "", "404 there is no such page"},
        Refused{"GET", "/v1/status/", "", "404 there is no such page"},
        Refused{"GET", "/v1/../v1/status", "", "404 there is no such page"},
        Refused{"POST", "/v1/status", "", "405 /v1/status takes GET"},
        Refused{"GET", "/v1/reload", "", "405 /v1/reload takes POST"},
        Refused{"POST", "/v1/query", "", "400 name: it must be given"},
        Refused{"POST", "/v1/query", "[]", "400 the body is no JSON object"},
        Refused{"POST", "/v1/query", "{", "400 the body is no JSON object"},
        Refused{"POST", "/v1/query", "{}x", "400 the body is no JSON object"},
        Refused{"POST", "/v1/query", R"({"name":5})", "400 name: expected a string"},
        Refused{"POST", "/v1/query", R"({"name":"a","dnssec":"yes"})", "400 dnssec: expected true or false"},
        Refused{"POST", "/v1/query", R"({"name":"a","nam":"b"})", "400 unknown member 'nam'"},
        Refused{"POST", "/v1/query", R"({"name":"a","\u001b[2J":1})", "400 unknown member '\\x1b[2J'"},
        Refused{"POST", "/v1/query", R"({"name":"a","type":"NOPE"})", "400 type: 'NOPE' is no record type"},
        Refused{"POST", "/v1/query", R"({"name":"a","class":"XX"})", "400 class: 'XX' is no class"},
        Refused{"GET", "/v1/cache", "", "400 name: it must be given"},
        Refused{"GET", "/v1/cache?name=a&below=1", "", "400 below: expected true or false"},
        Refused{"GET", "/v1/cache?name=a&limit=0", "", "400 limit: expected a number from 1 to 256"},
        Refused{"GET", "/v1/cache?name=a&limit=257", "", "400 limit: expected a number from 1 to 256"},
        Refused{"GET", "/v1/cache?name=%4", "", "400 a parameter is not percent-encoded as it should be"},
        Refused{"GET", "/v1/cache?name=%zz", "", "400 a parameter is not percent-encoded as it should be"},
        Refused{"GET", "/v1/cache?nam=a", "", "400 unknown parameter 'nam'"},
        Refused{"POST", "/v1/trace", "{}", "400 name: it must be given"},
        Refused{"POST", "/v1/trace", R"({"name":"a","client":"a.example"})", "400 client: 'a.example' is no address"},
        Refused{"POST", "/v1/trace", R"({"name":"a","type":"NOPE"})", "400 type: 'NOPE' is no record type"},
        Refused{"GET", "/v1/upstreams?limit=513", "", "400 limit: expected a number from 1 to 512"},
        Refused{"GET", "/v1/upstreams?below=true", "", "400 unknown parameter 'below'"},
        Refused{"GET", "/v1/keys", "", "400 name: it must be given"},
        Refused{"POST", "/v1/keys", R"({"zone":"a","algorithm":256})", "400 algorithm: expected a number up to 255"},
        Refused{"POST", "/v1/keys", R"({"zone":"a","algorithm":13,"taken":[65536]})",
                "400 taken: expected numbers up to 65535"},
        Refused{"POST", "/v1/keys", R"({"zone":"a","algorithm":13})", "400 role: expected ksk, zsk or csk"},
        Refused{"POST", "/v1/keys", R"({"zone":"a","algorithm":13,"role":"foreign"})",
                "400 role: expected ksk, zsk or csk"},
        Refused{"POST", "/v1/keys", R"({"zone":"a","algorithm":13,"role":"csk","entry_point":true})",
                "400 unknown member 'entry_point'"},
        Refused{"POST", "/v1/keys", R"({"algorithm":13})", "400 zone and algorithm must be given"},
        Refused{"POST", "/v1/keys/delete", R"({"zone":"a","algorithm":13})", "400 tag must be given"},
        Refused{"POST", "/v1/keys/delete", R"({"zone":"a","algorithm":13,"tag":65536})",
                "400 tag: expected a number up to 65535"},
        Refused{"POST", "/v1/keys/sign", R"({"zone":"a","algorithm":13,"tag":1,"sets":["*"]})",
                "400 sets: expected base64"},
        Refused{"POST", "/v1/keys/sign", R"({"zone":"a","algorithm":13,"tag":-1,"sets":[]})",
                "400 tag: expected a number up to 65535"},
        Refused{"POST", "/v1/keys/sign", R"({"zone":"a","algorithm":13,"tag":1})", "400 tag and sets must be given"},
        Refused{"DELETE", "/v1/nta", "", "405 /v1/nta takes GET"},
        Refused{"POST", "/v1/nta", R"({"name":"a","for":"1h"})", "400 name, for and why must be given"},
        Refused{"POST", "/v1/nta", R"({"name":"a","for":"soon","why":"b"})",
                "400 for: expected a time such as 30m, 12h or 7d: a minute at least, a week at most"},
        Refused{"POST", "/v1/nta", R"({"name":"a","for":"9d","why":"b"})",
                "400 for: expected a time such as 30m, 12h or 7d: a minute at least, a week at most"},
        Refused{"POST", "/v1/nta", R"({"name":"a","for":"59s","why":"b"})",
                "400 for: expected a time such as 30m, 12h or 7d: a minute at least, a week at most"},
        Refused{"POST", "/v1/nta", R"({"name":"a","for":3600,"why":"b"})", "400 for: expected a string"},
        Refused{"POST", "/v1/nta/remove", "{}", "400 name: it must be given"},
        Refused{"POST", "/v1/cache/flush", "{}", "400 either a name or all: true must be given"},
        Refused{"POST", "/v1/cache/flush", R"({"name":"a","all":true})",
                "400 either a name or all: true must be given"}));

TEST(ApiRequest, names_that_are_none_are_refused) {
  for (const char* name : {"", "a..b", ".a", "\\\\9", "\\\\300"}) {
    EXPECT_EQ(refusal("POST", "/v1/query", std::string{R"({"name":")"} + name + "\"}").substr(0, 9), "400 name:")
        << name;
  }
  EXPECT_EQ(refusal("POST", "/v1/query", R"({"name":")" + std::string(64, 'a') + "\"}").substr(0, 9), "400 name:");
}

TEST(ApiRequest, json_of_any_depth_is_no_danger) {
  const std::string deep = std::string(30'000, '[') + std::string(30'000, ']');
  EXPECT_EQ(refusal("POST", "/v1/query", "{\"name\":" + deep + "}"), "400 the body nests too deep");
  EXPECT_EQ(refusal("POST", "/v1/query", std::string(60'000, '[')), "400 the body nests too deep");
  EXPECT_EQ(refusal("POST", "/v1/query", R"({"name":[[[[[]]]]]})"), "400 name: expected a string");
  EXPECT_EQ(refusal("POST", "/v1/query", R"({"name":"\"[[[[[[[[[[[[", "x":1})"), "400 unknown member 'x'");
}

TEST(PublicRequest, three_pages_and_nothing_else) {
  EXPECT_EQ(parse_public_request("GET", "/metrics").value(), PublicPage::metrics);
  EXPECT_EQ(parse_public_request("HEAD", "/health").value(), PublicPage::health);
  EXPECT_EQ(parse_public_request("GET", "/ready?x=1").value(), PublicPage::ready);
  for (const char* target :
       {"/", "/v1/status", "/v1/reload", "/metrics/", "//metrics", "/Metrics", "*", "http://a/metrics"}) {
    EXPECT_EQ(parse_public_request("GET", target).error().status, 404U) << target;
  }
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "get"}) {
    EXPECT_EQ(parse_public_request(method, "/metrics").error().status, 405U) << method;
  }
}

}  // namespace
}  // namespace redoubt::control
