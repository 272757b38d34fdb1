#include "appliance/ctl/command_line.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "appliance/ctl/api_client.hpp"
#include "dns/message.hpp"

namespace redoubt::ctl {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using nlohmann::json;

struct Result {
  ExitCode code;
  std::string out;
  std::string err;
};

Result run_with(std::vector<std::string> arguments) {
  std::ostringstream out;
  std::ostringstream err;
  const ExitCode code = run(std::move(arguments), out, err);
  return {code, out.str(), err.str()};
}

/// A folder of the test's own, gone with it.
class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "redoubt-ctl-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string file(const std::string& name, const std::string& text) const {
    std::ofstream{path_ + "/" + name, std::ios::binary} << text;
    return path_ + "/" + name;
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Stands in for resolverd: answers one request as the test says, and tells what was asked.
class OneReply {
 public:
  OneReply(unsigned status, std::string body) {
    acceptor_.open();
    acceptor_.bind({socket_});
    acceptor_.listen();
    thread_ = std::thread{[this, status, body = std::move(body)] {
      asio::local::stream_protocol::socket peer{loop_};
      acceptor_.accept(peer);
      boost::beast::flat_buffer buffer;
      http::read(peer, buffer, request_);
      http::response<http::string_body> reply{http::int_to_status(status), 11};
      reply.body() = body;
      reply.prepare_payload();
      http::write(peer, reply);
    }};
  }
  ~OneReply() {
    if (thread_.joinable()) thread_.join();
  }
  OneReply(const OneReply&) = delete;
  OneReply& operator=(const OneReply&) = delete;

  Result run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--socket", socket_});
    Result result = run_with(std::move(arguments));
    thread_.join();
    return result;
  }
  std::string asked() const { return std::string{request_.method_string()} + " " + std::string{request_.target()}; }
  json body() const { return json::parse(request_.body()); }

 private:
  Folder folder_;
  std::string socket_ = folder_.path() + "/api.sock";
  asio::io_context loop_;
  asio::local::stream_protocol::acceptor acceptor_{loop_};
  http::request<http::string_body> request_;
  std::thread thread_;
};

TEST(CommandLine, a_mistyped_command_gets_a_suggestion) {
  const Result top = run_with({"statsu"});
  EXPECT_EQ(top.code, ExitCode::usage);
  EXPECT_NE(top.err.find("did you mean 'status'?"), std::string::npos) << top.err;
  const Result behind_an_option = run_with({"--socket", "/some/where", "statsu"});
  EXPECT_NE(behind_an_option.err.find("did you mean 'status'?"), std::string::npos) << behind_an_option.err;
  const Result nested = run_with({"cache", "flsh", "--all"});
  EXPECT_EQ(nested.code, ExitCode::usage);
  EXPECT_NE(nested.err.find("did you mean 'flush'?"), std::string::npos) << nested.err;
}

TEST(CommandLine, what_is_missing_or_makes_no_sense_is_a_usage_error) {
  for (const std::vector<std::string>& line :
       std::vector<std::vector<std::string>>{{},
                                             {"query"},
                                             {"cache", "show"},
                                             {"config"},
                                             {"completion", "tcsh"},
                                             {"status", "--nonsense"},
                                             {"cache", "flush"},
                                             {"stats", "--rounds", "2"},
                                             {"cache", "flush", "a.", "--all"}}) {
    const Result result = run_with(line);
    EXPECT_EQ(result.code, ExitCode::usage) << ::testing::PrintToString(line);
    EXPECT_FALSE(result.err.empty());
    EXPECT_TRUE(result.out.empty());
  }
}

TEST(CommandLine, a_word_that_is_no_command_is_named_with_those_that_are) {
  const Result top = run_with({"bogus"});
  EXPECT_EQ(top.code, ExitCode::usage);
  EXPECT_NE(top.err.find("unknown command 'bogus'"), std::string::npos) << top.err;
  EXPECT_NE(top.err.find("  status "), std::string::npos) << top.err;
  const Result group = run_with({"zone"});
  EXPECT_EQ(group.code, ExitCode::usage);
  EXPECT_NE(group.err.find("resolverctl zone takes one of these:"), std::string::npos) << group.err;
  EXPECT_NE(group.err.find("  verify "), std::string::npos) << group.err;
  const Result option = run_with({"--nonsense"});
  EXPECT_NE(option.err.find("--nonsense"), std::string::npos) << option.err;
}

TEST(CommandLine, an_argument_that_makes_no_sense_is_a_usage_error) {
  for (const std::vector<std::string>& line :
       std::vector<std::vector<std::string>>{{"zone", "verify", "file", "--soon", "3x"},
                                             {"caa", "check", "bad..name"},
                                             {"caa", "check", "a.", "--server", "x"}}) {
    EXPECT_EQ(run_with(line).code, ExitCode::usage) << ::testing::PrintToString(line);
  }
}

TEST(CommandLine, help_and_version_are_no_errors) {
  EXPECT_EQ(run_with({"--help"}).code, ExitCode::done);
  EXPECT_EQ(run_with({"cache", "show", "--help"}).code, ExitCode::done);
  EXPECT_EQ(run_with({"--version"}).out, "resolverctl " REDOUBT_VERSION "\n");
}

TEST(CommandLine, help_names_values_and_their_ranges) {
  const std::string help = run_with({"zone", "rehearse", "--help"}).out;
  EXPECT_NE(help.find("--policy POLICY=standard "), std::string::npos) << help;
  EXPECT_NE(help.find("--years N=2 "), std::string::npos) << help;
  EXPECT_NE(help.find("how many (1 to 50)"), std::string::npos) << help;
  for (const std::vector<std::string>& line : std::vector<std::vector<std::string>>{
           {"--help"}, {"query", "--help"}, {"zone", "sign", "--help"}, {"key", "generate", "--help"}}) {
    const std::string all = run_with(line).out;
    EXPECT_EQ(all.find("UINT"), std::string::npos) << all;
    EXPECT_EQ(all.find("TEXT"), std::string::npos) << all;
  }
  EXPECT_NE(run_with({"key", "generate", "--help"}).out.find("the zone's name (required)"), std::string::npos);
}

TEST(CommandLine, a_daemon_that_is_not_there_is_told_with_path_and_reason) {
  const Result gone = run_with({"--socket", "/nonexistent/control.sock", "status"});
  EXPECT_EQ(gone.code, ExitCode::unreachable);
  EXPECT_EQ(gone.err,
            "cannot reach resolverd at /nonexistent/control.sock: No such file or directory; is it running? --socket "
            "names another socket\n");
  const Result long_path = run_with({"--socket", "/" + std::string(200, 'x'), "status"});
  EXPECT_EQ(long_path.code, ExitCode::unreachable);
  EXPECT_NE(long_path.err.find("107 octets"), std::string::npos);
}

TEST(CommandLine, completion_scripts_know_every_command) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const Result result = run_with({"completion", shell});
    EXPECT_EQ(result.code, ExitCode::done);
    for (const char* word : {"status", "query", "reload", "cache", "flush", "config", "default", "--json", "--below",
                             "--dnssec", "trace", "upstreams", "stats", "--client", "--fresh", "--watch"}) {
      EXPECT_NE(result.out.find(word), std::string::npos) << shell << " " << word;
    }
  }
  const Folder folder;
  const std::string script = folder.file("completion.bash", run_with({"completion", "bash"}).out);
  EXPECT_EQ(std::system(("bash -n " + script).c_str()), 0);
  const std::string use =
      "bash -c 'source " + script +
      "; COMP_WORDS=(resolverctl cache fl); COMP_CWORD=2; _resolverctl; test \"${COMPREPLY[0]}\" = flush'";
  EXPECT_EQ(std::system(use.c_str()), 0);
  const std::string behind_values =
      "bash -c 'source " + script +
      "; COMP_WORDS=(resolverctl --socket /x/y.sock cache show a.example --be); COMP_CWORD=6; _resolverctl; "
      "test \"${COMPREPLY[0]}\" = --below'";
  EXPECT_EQ(std::system(behind_values.c_str()), 0);
}

TEST(ConfigCommand, the_default_passes_its_own_check) {
  const Folder folder;
  const std::string file = folder.file("default.yaml", run_with({"config", "default"}).out);
  const Result check = run_with({"config", "check", file, "-v"});
  EXPECT_EQ(check.code, ExitCode::done) << check.err;
  EXPECT_NE(check.out.find("127.0.0.1@5300"), std::string::npos);
  EXPECT_NE(check.out.find(": no faults"), std::string::npos);
}

TEST(ConfigCommand, faults_are_told_with_file_line_and_column) {
  const Folder folder;
  const std::string file = folder.file("bad.yaml", "cache: {sise: 1MiB}\n");
  const Result check = run_with({"config", "check", file});
  EXPECT_EQ(check.code, ExitCode::failed);
  EXPECT_TRUE(check.err.starts_with(file + ":1:9: ")) << check.err;
  const json as_json = json::parse(run_with({"--json", "config", "check", file}).out);
  EXPECT_EQ(as_json["ok"], false);
  EXPECT_EQ(as_json["faults"][0]["line"], 1);
  EXPECT_EQ(as_json["faults"][0]["column"], 9);
  EXPECT_EQ(run_with({"config", "check", folder.path() + "/absent.yaml"}).code, ExitCode::failed);
  EXPECT_EQ(run_with({"config", "check", folder.path()}).code, ExitCode::failed) << "a folder is no file";
}

TEST(ConfigCommand, files_that_it_names_are_told_by_the_place_of_their_setting) {
  const Folder folder;
  const std::string file = folder.file("tls.yaml", "tls:\n  certificate: none.pem\n  key: none.key\n");
  const std::string place = file + ":2:16: tls.certificate: " + folder.path() + "/none.pem: No such file";
  EXPECT_NE(run_with({"config", "check", file}).err.find(place), std::string::npos)
      << run_with({"config", "check", file}).err;
  const json as_json = json::parse(run_with({"--json", "config", "check", file}).out);
  EXPECT_EQ(as_json["faults"][1]["line"], 3);
  const std::string authorities =
      folder.file("ca.yaml", "listen: [{address: 127.0.0.1@853, transports: [tls], client-authorities: none.pem}]\n");
  EXPECT_EQ(run_with({"config", "check", authorities}).err,
            authorities +
                ":1:74: listen[].client-authorities: found 'none.pem', expected a file with certificates: No such file "
                "or directory\n");
}

TEST(ConfigCommand, a_file_that_sets_nothing_is_a_warning) {
  const Folder folder;
  const Result check = run_with({"config", "check", folder.file("empty.yaml", "# nothing\n")});
  EXPECT_EQ(check.code, ExitCode::done);
  EXPECT_NE(check.err.find("empty.yaml: it sets nothing"), std::string::npos) << check.err;
  EXPECT_EQ(run_with({"config", "check", folder.file("braces.yaml", "{}\n")}).err, "");
}

TEST(StatusCommand, shows_roles_and_tells_by_its_exit_code_whether_all_is_ready) {
  const json body = json::parse(R"({"version": "0.1.0", "ready": true, "started_at": 0,
      "configuration": {"file": "/etc/x.yaml", "generation": 3, "faults": ["x:1:1: bad"]},
      "listeners": [{"address": "127.0.0.1@5300", "transports": ["udp", "tcp"]}],
      "roles": [{"role": "resolver", "pid": 42, "up": true, "restarts": 1}]})");
  OneReply good{200, body.dump()};
  const Result result = good.run({"status"});
  EXPECT_EQ(result.code, ExitCode::done);
  EXPECT_EQ(good.asked(), "GET /v1/status");
  for (const char* text : {"resolverd 0.1.0: ready, up ", "configuration: /etc/x.yaml, generation 3",
                           "127.0.0.1@5300 (udp, tcp)", "resolver    42        yes   1", "x:1:1: bad"}) {
    EXPECT_NE(result.out.find(text), std::string::npos) << result.out;
  }
  OneReply not_ready{200, R"({"ready": false})"};
  EXPECT_EQ(not_ready.run({"status"}).code, ExitCode::failed);
  OneReply as_json{200, body.dump()};
  EXPECT_EQ(json::parse(as_json.run({"status", "--json"}).out), body);
}

TEST(ReloadCommand, a_faulty_configuration_is_told_fault_by_fault) {
  OneReply faulty{409, R"({"in_force": false, "faults": ["f:1:2: a", "f:3:4: b"]})"};
  const Result result = faulty.run({"reload"});
  EXPECT_EQ(result.code, ExitCode::failed);
  EXPECT_EQ(result.err, "f:1:2: a\nf:3:4: b\n");
  OneReply good{200, R"({"generation": 7, "warnings": ["w"]})"};
  const Result done = good.run({"reload"});
  EXPECT_EQ(done.code, ExitCode::done);
  EXPECT_EQ(done.out, "generation 7 is in force\n");
  EXPECT_EQ(done.err, "warning: w\n");
}

std::string hexadecimal(const std::vector<std::uint8_t>& octets) {
  std::string text;
  for (const std::uint8_t octet : octets) text += fmt::format("{:02x}", octet);
  return text;
}

TEST(QueryCommand, shows_the_message_and_fails_with_servfail) {
  dns::Message message;
  message.header.response = true;
  message.question = dns::Question{dns::Name::literal("www.example"), dns::type::a};
  message.answer.push_back(
      {message.question->name, dns::type::a, dns::rr_class::in, dns::Ttl::from_wire(60), {192, 0, 2, 1}});
  message.edns = dns::Edns{};
  OneReply good{200, json{{"wire", hexadecimal(message.to_wire())}}.dump()};
  const Result result = good.run({"query", "www.example", "--dnssec"});
  EXPECT_EQ(result.code, ExitCode::done) << result.err;
  EXPECT_EQ(good.asked(), "POST /v1/query");
  EXPECT_EQ(good.body(),
            (json{{"name", "www.example"}, {"type", "A"}, {"dnssec", true}, {"checking_disabled", false}}));
  EXPECT_NE(result.out.find("www.example. 60 IN A 192.0.2.1"), std::string::npos) << result.out;

  message.set_rcode(dns::Rcode::servfail);
  message.answer.clear();
  message.edns->extended_errors.push_back({dns::EdeCode::no_reachable_authority, "at delegation ."});
  const json reply{{"rcode", "SERVFAIL"}, {"wire", hexadecimal(message.to_wire())}};
  OneReply failing{200, reply.dump()};
  const Result failed = failing.run({"--json", "query", "www.example"});
  EXPECT_EQ(failed.code, ExitCode::failed);
  EXPECT_EQ(json::parse(failed.out), reply);
  OneReply in_text{200, reply.dump()};
  EXPECT_NE(in_text.run({"query", "www.example"}).out.find("EDE: 22 (No Reachable Authority): (at delegation .)"),
            std::string::npos);
}

TEST(QueryCommand, an_answer_that_is_no_message_is_no_crash) {
  for (const char* body : {R"({"wire": "xy"})", R"({"wire": "00"})", R"({"wire": 5})", "{}", "[]", "nonsense"}) {
    OneReply odd{200, body};
    EXPECT_EQ(odd.run({"query", "a."}).code, ExitCode::failed) << body;
  }
}

TEST(CacheCommand, names_travel_encoded_and_entries_are_shown_by_kind) {
  OneReply shown{200, R"({"more": true, "entries": [
      {"name": "a.", "type": "A", "kind": "data", "rank": 3, "ttl": 5, "data": ["192.0.2.1", "192.0.2.2"]},
      {"name": "b.", "type": "MX", "kind": "no data", "rank": 3, "ttl": 7, "data": []}]})"};
  const Result result = shown.run({"cache", "show", "a&b=c d", "--below", "--limit", "9"});
  EXPECT_EQ(shown.asked(), "GET /v1/cache?name=a%26b%3Dc%20d&below=true&limit=9");
  EXPECT_EQ(result.code, ExitCode::done);
  EXPECT_EQ(result.out, "a. 5 A 192.0.2.1\na. 5 A 192.0.2.2\nb. 7 MX ; no data\n");
  OneReply empty{200, R"({"entries": []})"};
  const Result nothing = empty.run({"cache", "show", "a."});
  EXPECT_EQ(nothing.code, ExitCode::done) << "that there is nothing is an answer";
  EXPECT_EQ(nothing.err, "nothing of that name is in the cache\n");
}

TEST(CacheCommand, everything_is_flushed_only_when_that_is_said) {
  OneReply all{200, R"({"flushed": 12})"};
  EXPECT_EQ(all.run({"cache", "flush", "--all"}).out, "12 entries flushed\n");
  EXPECT_EQ(all.body(), (json{{"name", "."}, {"below", true}}));
  OneReply one{200, R"({"flushed": 1})"};
  one.run({"cache", "flush", "x."});
  EXPECT_EQ(one.body(), (json{{"name", "x."}, {"below", false}}));
}

/// What the daemon says of a trace: a line each.
const std::string two_steps =
    R"({"at": 12, "kind": "cache", "depth": 0, "name": "www.a.", "type": "A", "verdict": "the deepest cut is ."})"
    "\n"
    R"({"at": 1500, "kind": "exchange", "depth": 1, "name": "www.a.", "type": "A", "zone": "a.", "server_name": "ns.a.",)"
    R"( "server": "192.0.2.1", "transport": "udp", "took": 20300, "verdict": "answer of 1 record"})"
    "\n";
const std::string an_end =
    R"({"allowed": true, "budget": [{"limit": "upstream-queries", "spent": 1, "of": 100},)"
    R"( {"limit": "alias-steps", "spent": 0, "of": 11}], "answer": {"rcode": "NOERROR", "extended_errors": [],)"
    R"( "answer": [{"name": "www.a.", "ttl": 60, "type": "A", "data": "192.0.2.80"}]}})"
    "\n";
constexpr std::string_view two_steps_shown =
    "    0.0 ms  cache     www.a. A: the deepest cut is .\n"
    "    1.5 ms    exchange  www.a. A  ns.a. 192.0.2.1 udp, zone a., 20.3 ms: answer of 1 record\n";

TEST(TraceCommand, shows_each_step_what_was_spent_and_the_answer) {
  OneReply good{200, two_steps + an_end};
  const Result result = good.run({"trace", "www.a", "--client", "192.0.2.9", "--fresh"});
  EXPECT_EQ(result.code, ExitCode::done) << result.err;
  EXPECT_EQ(good.asked(), "POST /v1/trace");
  EXPECT_EQ(good.body(),
            (json{{"name", "www.a"}, {"type", "A"}, {"client", "192.0.2.9"}, {"fresh", true}, {"stream", true}}));
  EXPECT_EQ(
      result.out,
      std::string{two_steps_shown} +
          "\nbudget: upstream-queries 1 of 100, alias-steps 0 of 11\nanswer: NOERROR\n  www.a. 60 A 192.0.2.80\n");
}

TEST(TraceCommand, as_json_is_one_object_a_line_and_the_result_is_the_last) {
  OneReply good{200, two_steps + an_end};
  const Result result = good.run({"--json", "trace", "www.a"});
  EXPECT_EQ(result.code, ExitCode::done) << result.err;
  std::istringstream lines{result.out};
  std::vector<json> objects;
  for (std::string line; std::getline(lines, line);) objects.push_back(json::parse(line));
  ASSERT_EQ(objects.size(), 3U);
  EXPECT_EQ(objects[1]["server"], "192.0.2.1");
  EXPECT_EQ(objects[2]["answer"]["rcode"], "NOERROR");
}

TEST(TraceCommand, fails_with_the_answer_and_where_the_client_may_not_ask) {
  OneReply failing{200, R"({"allowed": true, "answer": {"rcode": "SERVFAIL", "extended_errors": [)"
                        R"({"code": 22, "meaning": "No Reachable Authority", "text": "at delegation a."}]}})"};
  const Result failed = failing.run({"trace", "www.a"});
  EXPECT_EQ(failed.code, ExitCode::failed);
  EXPECT_NE(failed.out.find("answer: SERVFAIL\n  No Reachable Authority: at delegation a.\n"), std::string::npos)
      << failed.out;
  OneReply stranger{200, R"({"allowed": false, "answer": {"rcode": "NOERROR"}})"};
  const Result refused = stranger.run({"trace", "www.a", "--client", "203.0.113.5"});
  EXPECT_EQ(refused.code, ExitCode::failed);
  EXPECT_NE(refused.out.find("203.0.113.5 may not ask"), std::string::npos) << refused.out;
  EXPECT_EQ(refused.out.find("budget"), std::string::npos) << "nothing was spent: " << refused.out;
}

TEST(TraceCommand, says_that_the_resolver_ended_in_the_middle_and_fails) {
  OneReply broken{200, two_steps + R"({"error": "the resolver did not come to the end"})"};
  const Result result = broken.run({"trace", "www.a"});
  EXPECT_EQ(result.code, ExitCode::failed);
  EXPECT_EQ(result.out, two_steps_shown);
  EXPECT_EQ(result.err, "the resolver did not come to the end\n");
}

/// Stands in for a resolverd whose answer comes in pieces, at the test's word.
class PiecewiseReply {
 public:
  PiecewiseReply() {
    acceptor_.open();
    acceptor_.bind({socket_});
    acceptor_.listen();
  }
  void take_request() {
    acceptor_.accept(peer_);
    http::request<http::string_body> request;
    boost::beast::flat_buffer buffer;
    http::read(peer_, buffer, request);
    send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  }
  void send(const std::string& octets) { asio::write(peer_, asio::buffer(octets)); }
  void send_chunk(const std::string& octets) {
    std::ostringstream size;
    size << std::hex << octets.size();
    send(size.str() + "\r\n" + octets + "\r\n");
  }
  void close() { peer_.close(); }
  const std::string& socket() const { return socket_; }

 private:
  Folder folder_;
  std::string socket_ = folder_.path() + "/api.sock";
  asio::io_context loop_;
  asio::local::stream_protocol::acceptor acceptor_{loop_};
  asio::local::stream_protocol::socket peer_{loop_};
};

TEST(TraceCommand, shows_a_step_when_it_comes_and_not_when_all_is_over) {
  PiecewiseReply daemon;
  std::vector<std::string> lines;
  std::mutex lock;
  std::condition_variable came;
  const auto wait_for_lines = [&](std::size_t count) {
    std::unique_lock guard{lock};
    return came.wait_for(guard, std::chrono::seconds{20}, [&] { return lines.size() >= count; });
  };
  std::thread client{[&] {
    const ApiClient api{daemon.socket()};
    const auto reply = api.post_for_lines("/v1/trace", "{}", [&](std::string_view line) {
      const std::lock_guard guard{lock};
      lines.emplace_back(line);
      came.notify_all();
    });
    EXPECT_TRUE(reply) << reply.error();
  }};
  daemon.take_request();
  daemon.send_chunk("first\nsec");  // pieces need not end where lines do
  EXPECT_TRUE(wait_for_lines(1));
  daemon.send_chunk("ond\n");
  EXPECT_TRUE(wait_for_lines(2));
  daemon.send_chunk("third\n");
  daemon.send("0\r\n\r\n");
  client.join();
  EXPECT_EQ(lines, (std::vector<std::string>{"first", "second", "third"}));
}

TEST(TraceCommand, whose_daemon_goes_away_in_the_middle_has_its_own_exit_code) {
  PiecewiseReply daemon;
  Result result{};
  std::thread client{[&] { result = run_with({"--socket", daemon.socket(), "trace", "www.a"}); }};
  daemon.take_request();
  daemon.send_chunk(two_steps);
  daemon.close();
  client.join();
  EXPECT_EQ(result.code, ExitCode::unreachable);
  EXPECT_EQ(result.out, two_steps_shown);
  EXPECT_NE(result.err.find("resolverd's answer broke off"), std::string::npos) << result.err;
}

TEST(UpstreamsCommand, shows_a_line_each) {
  OneReply shown{200, R"({"known": 7, "upstreams": [
      {"address": "192.0.2.1", "round_trip": 20300, "failures": 0, "aside_for": 0, "cookie": true},
      {"address": "2001:db8::1", "round_trip": null, "failures": 3, "aside_for": 1500000, "cookie": false}]})"};
  const Result result = shown.run({"upstreams", "--limit", "2"});
  EXPECT_EQ(shown.asked(), "GET /v1/upstreams?limit=2");
  EXPECT_NE(result.out.find("192.0.2.1                                    20.3 ms         0           -  yes\n"),
            std::string::npos)
      << result.out;
  EXPECT_NE(result.out.find("2001:db8::1                                        -         3   1500.0 ms  no\n"),
            std::string::npos)
      << result.out;
  EXPECT_NE(result.out.find("2 of 7; --limit shows more"), std::string::npos) << result.out;
}

TEST(UpstreamsCommand, says_that_there_are_none) {
  OneReply none{200, R"({"known": 0, "upstreams": []})"};
  EXPECT_EQ(none.run({"upstreams"}).out, "no server was asked lately\n");
}

TEST(StatsCommand, says_that_nothing_was_counted) {
  OneReply none{200, R"({"statistics": [{"name": "a", "labels": "", "counts": true, "value": 0}]})"};
  EXPECT_EQ(none.run({"stats"}).out, "nothing was counted yet\n");
}

TEST(StatsCommand, shows_what_was_counted) {
  const char* body = R"({"statistics": [
      {"name": "redoubt_queries_total", "labels": "transport=\"udp\"", "counts": true, "value": 12},
      {"name": "redoubt_never_total", "labels": "", "counts": true, "value": 0}]})";
  OneReply some{200, body};
  EXPECT_EQ(some.run({"stats"}).out, "            12  redoubt_queries_total{transport=\"udp\"}\n");
  EXPECT_EQ(some.asked(), "GET /v1/statistics");
  OneReply all{200, body};
  EXPECT_NE(all.run({"stats", "--all"}).out.find("             0  redoubt_never_total\n"), std::string::npos);
}

TEST(ApiErrors, are_shown_in_the_daemons_words) {
  OneReply refused{400, R"({"error": "name: found 'a..b', expected a domain name"})"};
  const Result result = refused.run({"query", "a..b"});
  EXPECT_EQ(result.code, ExitCode::usage);
  EXPECT_EQ(result.err, "name: found 'a..b', expected a domain name\n");
  OneReply odd{500, "<html>"};
  EXPECT_EQ(odd.run({"status"}).err, "resolverd answered with HTTP status 500\n");
}

}  // namespace
}  // namespace redoubt::ctl
