#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "appliance/ctl/command_line.hpp"
#include "appliance/signing/policy_file.hpp"
#include "tests/unit/dnssec/temporary_folder.hpp"

namespace redoubt::ctl {
namespace {

using nlohmann::json;

constexpr const char* zone_text =
    "$ORIGIN example.\n$TTL 300\n@ SOA ns host 1 3600 600 86400 300\n@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.2\n"
    "@ CAA 0 issue \"ca.example.net\"\n";

struct Result {
  ExitCode code;
  std::string out;
  std::string err;
};

/// A folder with a zone in it.
class Signing : public testing::Test {
 protected:
  Signing() {
    std::string pattern = (tests::place_for_folders() / "redoubt-signing-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
    write("example.zone", zone_text);
  }
  ~Signing() override { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream{file(name), std::ios::binary} << text;
    std::filesystem::permissions(file(name), std::filesystem::perms{0600});
  }
  std::string read(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream{file(name), std::ios::binary}.rdbuf();
    return text.str();
  }
  static Result run_with(std::vector<std::string> arguments) {
    std::ostringstream out;
    std::ostringstream err;
    const ExitCode code = run(std::move(arguments), out, err);
    return {code, out.str(), err.str()};
  }
  Result sign(std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments{"zone", "sign", file("example.zone")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_with(std::move(arguments));
  }
  Result with_keys(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"--keys", file("keys")});
    return run_with(std::move(arguments));
  }

  std::string path_;
};

TEST_F(Signing, one_command_makes_keys_and_a_zone_that_validates) {
  const Result signed_once = sign();
  ASSERT_EQ(signed_once.code, ExitCode::done) << signed_once.err;
  EXPECT_NE(signed_once.out.find("made Kexample."), std::string::npos) << signed_once.out;
  EXPECT_NE(signed_once.out.find("example. IN DS "), std::string::npos) << signed_once.out;
  const Result verified = run_with({"zone", "verify", file("example.zone.signed")});
  EXPECT_EQ(verified.code, ExitCode::done) << verified.err;
  const std::string before = read("example.zone.signed");
  const Result again = sign();
  EXPECT_EQ(again.code, ExitCode::done);
  EXPECT_NE(again.out.find("nothing is due"), std::string::npos) << again.out;
  EXPECT_EQ(read("example.zone.signed"), before);
}

TEST_F(Signing, every_algorithm_and_layout_signs) {
  for (const char* algorithm : {"RSASHA256", "ECDSAP256SHA256", "ECDSAP384SHA384", "ED25519", "ED448"}) {
    write("policy.yaml", std::string{"base: csk\nalgorithm: "} + algorithm + "\ndenial: nsec3\nzonemd: true\n");
    const std::string keys = file(std::string{"keys-"} + algorithm);
    const std::string output = file(std::string{"signed-"} + algorithm);
    const Result result = sign({"--policy", file("policy.yaml"), "--keys", keys, "-o", output});
    ASSERT_EQ(result.code, ExitCode::done) << result.err;
    EXPECT_EQ(run_with({"zone", "verify", output, "--origin", "example"}).code, ExitCode::done);
  }
}

TEST_F(Signing, what_scripts_read_is_json) {
  const json body = json::parse(sign({"--json"}).out);
  EXPECT_EQ(body["zone"], "example.");
  EXPECT_EQ(body["written"], true);
  EXPECT_EQ(body["keys"].size(), 2U);
  EXPECT_EQ(body["ds"].size(), 1U);
  EXPECT_EQ(json::parse(sign({"--json"}).out)["due"], false);
  EXPECT_EQ(json::parse(run_with({"--json", "zone", "verify", file("example.zone.signed")}).out)["ok"], true);
  const Result missing = run_with({"--json", "zone", "sign", file("missing")});
  EXPECT_EQ(missing.code, ExitCode::failed);
  EXPECT_TRUE(json::parse(missing.out).contains("error"));
}

TEST_F(Signing, a_dry_run_leaves_no_file) {
  EXPECT_NE(sign({"--dry-run"}).out.find("there are no keys"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(file("keys")));
  const Result result = sign({"--dry-run", "--keys", path_});
  EXPECT_EQ(result.code, ExitCode::done) << result.err;
  EXPECT_NE(result.out.find("would make a ksk"), std::string::npos) << result.out;
  EXPECT_FALSE(std::filesystem::exists(file("example.zone.signed")));
  EXPECT_FALSE(std::filesystem::exists(file("example.state")));
}

TEST_F(Signing, a_faulty_zone_names_its_place_and_the_old_output_stays) {
  ASSERT_EQ(sign().code, ExitCode::done);
  const std::string before = read("example.zone.signed");
  write("example.zone", std::string{zone_text} + "bad A 192.0.2\n");
  const Result result = sign();
  EXPECT_EQ(result.code, ExitCode::failed);
  EXPECT_NE(result.err.find("example.zone:8: "), std::string::npos) << result.err;
  EXPECT_EQ(read("example.zone.signed"), before);
}

TEST_F(Signing, a_zone_with_mistakes_is_refused_before_a_key_is_made) {
  write("example.zone", std::string{zone_text} + "both CNAME www\nboth TXT \"beside\"\n");
  const Result refused = sign();
  EXPECT_EQ(refused.code, ExitCode::failed);
  EXPECT_NE(refused.err.find("example.zone:8: fault: both.example. CNAME"), std::string::npos) << refused.err;
  EXPECT_FALSE(std::filesystem::exists(file("keys")));
  EXPECT_EQ(sign({"--despite-faults"}).code, ExitCode::done);
}

TEST_F(Signing, a_fault_with_octets_that_are_no_utf_8_is_json) {
  write("example.zone", std::string{zone_text} + "x MX \xff mail\n");
  const Result word = run_with({"--json", "zone", "check", file("example.zone")});
  EXPECT_EQ(word.code, ExitCode::failed);
  EXPECT_NE(word.out.find("'\\\\255' is not a number"), std::string::npos) << word.out;
  const Result name = run_with({"--json", "zone", "check", file("\xff")});
  EXPECT_EQ(name.code, ExitCode::failed);
  EXPECT_TRUE(json::accept(name.out)) << name.out;
}

TEST_F(Signing, a_digest_of_another_length_is_a_fault_for_no_server_loads_it) {
  const std::string digest(40, 'a');
  write("example.zone", std::string{zone_text} + "d NS ns.d\nns.d A 192.0.2.5\nd DS 1 8 2 " + digest + "\nd DS 1 8 1 " +
                            digest + "\nd DS 1 8 99 aa\nd DS 1 12 3 aa\nh SSHFP 4 2 " + digest + "\nh SSHFP 4 9 aa\n");
  const Result refused = sign();
  EXPECT_EQ(refused.code, ExitCode::failed);
  const std::string_view why = "its digest has 20 octets, and that kind has 32: name servers refuse the zone";
  EXPECT_NE(refused.err.find("d.example. DS: " + std::string{why}), std::string::npos) << refused.err;
  EXPECT_NE(refused.err.find("h.example. SSHFP: " + std::string{why}), std::string::npos) << refused.err;
  EXPECT_EQ(refused.err.find("1 octets"), std::string::npos) << refused.err;
}

TEST_F(Signing, what_a_roll_waits_for_is_told_with_its_time) {
  const Result early = sign({"--ds-published"});
  EXPECT_NE(early.out.find("too early"), std::string::npos) << early.out;
  EXPECT_NE(early.out.find("Z: the parent is asked for the DS"), std::string::npos) << early.out;
  const Result status = run_with({"zone", "rollover", "status", "example", "--keys", file("keys")});
  EXPECT_NE(status.out.find("not before "), std::string::npos) << status.out;
  EXPECT_NE(status.out.find("too early"), std::string::npos) << status.out;
  const Result plan = run_with({"zone", "rollover", "plan", "example", "--keys", file("keys")});
  EXPECT_EQ(plan.code, ExitCode::done);
  EXPECT_TRUE(plan.out.starts_with("as of the last run, ")) << plan.out;
  EXPECT_NE(plan.out.find("Z: the parent is asked for the DS"), std::string::npos) << plan.out;
  const json later =
      json::parse(run_with({"--json", "zone", "rollover", "plan", "example", "--keys", file("keys")}).out)["later"];
  EXPECT_FALSE(later.empty());
  EXPECT_EQ(run_with({"zone", "rollover", "plan", "elsewhere", "--keys", file("keys")}).code, ExitCode::failed);
  EXPECT_NE(run_with({"zone", "bootstrap", file("example.zone.signed")}).err.find("not asked for a DS"),
            std::string::npos);
}

TEST_F(Signing, a_ksk_elsewhere_signs_what_is_carried_to_it) {
  write("offline.yaml", "base: standard\noffline-ksk: true\n");
  const std::string vault = file("vault");
  const Result made = run_with({"key", "generate", "--zone", "example", "--role", "ksk", "--keys", vault});
  ASSERT_EQ(made.code, ExitCode::done) << made.err;
  std::filesystem::create_directory(file("keys"));
  std::filesystem::copy(made.out.substr(0, made.out.find('\n')), file("keys"));
  const auto with = [&](std::vector<std::string> arguments, const std::string& folder) {
    arguments.insert(arguments.end(), {"--keys", folder});
    return run_with(std::move(arguments));
  };
  const Result asked =
      with({"key", "request", "example", "--policy", file("offline.yaml"), "-o", file("ask")}, file("keys"));
  ASSERT_EQ(asked.code, ExitCode::done) << asked.err;
  EXPECT_EQ(with({"key", "accept", file("ask")}, file("keys")).code, ExitCode::failed) << "nobody has signed it";
  const std::string line = made.out.substr(0, made.out.find('\n'));
  const std::string secret = line.substr(0, line.rfind('.')) + ".private";
  std::filesystem::permissions(secret, std::filesystem::perms{0640});
  const Result open = with({"key", "presign", file("ask"), "-o", file("answer")}, vault);
  EXPECT_EQ(open.code, ExitCode::failed);
  EXPECT_NE(open.err.find("others than its owner"), std::string::npos) << open.err;
  EXPECT_EQ(with({"key", "presign", file("ask"), "-o", file("answer"), "--despite-exposure"}, vault).code,
            ExitCode::done);
  std::filesystem::permissions(secret, std::filesystem::perms{0600});
  const Result answered = with({"key", "presign", file("ask"), "-o", file("answer")}, vault);
  ASSERT_EQ(answered.code, ExitCode::done) << answered.err;
  const Result taken = with({"key", "accept", file("answer")}, file("keys"));
  ASSERT_EQ(taken.code, ExitCode::done) << taken.err;
  const Result result = sign({"--policy", file("offline.yaml")});
  EXPECT_EQ(result.code, ExitCode::done) << result.err;
  EXPECT_NE(result.out.find("the KSK signed ahead until"), std::string::npos) << result.out;
  EXPECT_EQ(run_with({"zone", "verify", file("example.zone.signed")}).code, ExitCode::done);
  ASSERT_EQ(with({"key", "request", "example", "--policy", file("offline.yaml"), "--for", "500d", "-o", file("long")},
                 file("keys"))
                .code,
            ExitCode::done);
  const Result refused = with({"key", "presign", file("long"), "-o", file("answer")}, vault);
  EXPECT_EQ(refused.code, ExitCode::failed);
  EXPECT_NE(refused.err.find("longer than 400 days"), std::string::npos) << refused.err;
}

TEST_F(Signing, a_damaged_signed_zone_is_told_of) {
  ASSERT_EQ(sign().code, ExitCode::done);
  std::string text = read("example.zone.signed");
  text.replace(text.find("192.0.2.2"), 9, "192.0.2.3");
  write("damaged", text);
  const Result result = run_with({"zone", "verify", file("damaged"), "--origin", "example"});
  EXPECT_EQ(result.code, ExitCode::failed);
  EXPECT_NE(result.err.find("fault: www.example. A: the signature by key"), std::string::npos) << result.err;
}

TEST_F(Signing, the_parents_ds_is_compared) {
  const json body = json::parse(sign({"--json"}).out);
  const std::string line = body["ds"][0];
  const std::string ds = line.substr(line.find("DS ") + 3);
  const std::string output = file("example.zone.signed");
  EXPECT_EQ(run_with({"zone", "verify", output, "--ds", ds}).code, ExitCode::done);
  EXPECT_EQ(run_with({"zone", "verify", output, "--ds", line}).code, ExitCode::done) << "as a dsset- file has it";
  EXPECT_EQ(run_with({"zone", "verify", output, "--ds", "1" + ds}).code, ExitCode::failed);
  EXPECT_EQ(run_with({"zone", "verify", output, "--ds", "nonsense"}).code, ExitCode::failed);
}

TEST_F(Signing, mistakes_of_zone_files_are_found) {
  const auto said = [&](const std::string& more, ExitCode expected) {
    write("checked", std::string{zone_text} + more);
    const Result result = run_with({"zone", "check", file("checked"), "--origin", "example"});
    EXPECT_EQ(result.code, expected) << more << result.err;
    return result.err;
  };
  EXPECT_EQ(said("", ExitCode::done), "");
  const auto has = [&](const std::string& more, ExitCode expected, const std::string& what) {
    const std::string err = said(more, expected);
    EXPECT_NE(err.find(what), std::string::npos) << more << err;
  };
  has("a CNAME www\na TXT x\n", ExitCode::failed, "fault: a.example. CNAME: beside it there is TXT");
  has("a CNAME www\na CNAME ns\n", ExitCode::failed, "fault: a.example. CNAME: there is more than one");
  has("sub NS ns.sub\n", ExitCode::failed,
      "fault: sub.example. NS: its server ns.sub.example. is in the delegated zone");
  has("@ TXT \"v=spf1 -all\"\n@ TXT \"v=spf1 mx -all\"\n", ExitCode::failed, "more than one SPF policy");
  has("@ MX 10 a\na CNAME www\n", ExitCode::failed, "it leads to a.example., which is an alias");
  has("@ MX 10 gone\n", ExitCode::done, "warning: example. MX: it leads to gone.example., which is not there");
  has("www 60 A 192.0.2.9\n", ExitCode::done, "warning: www.example. A: its records have different TTLs");
  has("sub NS ns\nx.sub TXT y\n", ExitCode::done, "warning: x.sub.example. TXT: below a delegation");
  write("checked", "@ 1 SOA a b 1 2 3 4 5\n@ 1 NS ns.other.\n");
  EXPECT_NE(run_with({"zone", "check", file("checked"), "--origin", "example"}).err.find("warning: example. CAA"),
            std::string::npos);
}

TEST_F(Signing, rolls_are_begun_held_and_resumed) {
  ASSERT_EQ(sign().code, ExitCode::done);
  const auto keys = [&] { return json::parse(with_keys({"--json", "zone", "keys", "example"}).out)["keys"]; };
  ASSERT_EQ(keys().size(), 2U);
  const std::string zsk =
      std::to_string(keys()[1]["role"] == "zsk" ? keys()[1]["tag"].get<int>() : keys()[0]["tag"].get<int>());
  EXPECT_EQ(with_keys({"zone", "rollover", "plan", "example"}).out.find("held"), std::string::npos);
  EXPECT_EQ(with_keys({"zone", "rollover", "hold", "example", "--reason", "holidays"}).code, ExitCode::done);
  EXPECT_TRUE(with_keys({"zone", "rollover", "plan", "example"}).out.starts_with("held: holidays\n"));
  EXPECT_EQ(with_keys({"zone", "rollover", "start", "example", zsk}).code, ExitCode::done);
  EXPECT_EQ(with_keys({"zone", "rollover", "start", "example", zsk}).code, ExitCode::failed) << "it is on its way";
  EXPECT_EQ(with_keys({"zone", "rollover", "start", "example", "1"}).code, ExitCode::failed) << "no such key";
  EXPECT_NE(sign().out.find("waiting: held by an operator: holidays"), std::string::npos);
  EXPECT_EQ(keys().size(), 2U);
  EXPECT_EQ(with_keys({"zone", "rollover", "resume", "example"}).code, ExitCode::done);
  EXPECT_EQ(with_keys({"zone", "rollover", "resume", "example"}).code, ExitCode::failed) << "nothing is held";
  EXPECT_EQ(sign().code, ExitCode::done);
  EXPECT_EQ(keys().size(), 3U);
  EXPECT_EQ(run_with({"zone", "verify", file("example.zone.signed")}).code, ExitCode::done);
  EXPECT_EQ(with_keys({"zone", "keys", "other"}).code, ExitCode::failed);
}

TEST_F(Signing, a_rehearsal_tells_before_anything_happens) {
  const Result result = run_with({"zone", "rehearse", "--years", "1"});
  EXPECT_EQ(result.code, ExitCode::done) << result.err;
  EXPECT_NE(result.out.find("each had a valid chain"), std::string::npos);
  write("policy.yaml", "ksk-lifetime: 180d\n");
  const json body =
      json::parse(run_with({"--json", "zone", "rehearse", "--policy", file("policy.yaml"), "--faults", "7"}).out);
  EXPECT_EQ(body["ok"], true);
}

TEST_F(Signing, keys_go_in_and_out) {
  ASSERT_EQ(with_keys({"key", "generate", "--zone", "example", "--role", "ksk"}).code, ExitCode::done);
  const json list = json::parse(with_keys({"--json", "key", "list"}).out);
  ASSERT_EQ(list.size(), 1U);
  const std::string stem = list[0]["file"];
  const Result text = with_keys({"key", "export", stem});
  EXPECT_TRUE(text.out.starts_with("Private-key-format: v1.3\n")) << text.err;
  const Result pem = with_keys({"key", "export", stem, "--pem"});
  EXPECT_TRUE(pem.out.starts_with("-----BEGIN PRIVATE KEY-----\n")) << pem.err;
  write("taken.pem", pem.out);
  write("taken.private", text.out);
  EXPECT_EQ(with_keys({"key", "import", file("taken.pem"), "--zone", "example", "--role", "ksk"}).code,
            ExitCode::failed)
      << "twice";
  for (const char* source : {"taken.pem", "taken.private"}) {
    const std::string other = file(std::string{"other-"} + source);
    const Result taken =
        run_with({"key", "import", file(source), "--zone", "example", "--role", "ksk", "--keys", other});
    ASSERT_EQ(taken.code, ExitCode::done) << taken.err;
    EXPECT_EQ(json::parse(run_with({"--json", "key", "list", "--keys", other}).out), list);
  }
  EXPECT_EQ(with_keys({"key", "export", "Knothing.+013+00001"}).code, ExitCode::failed);
}

TEST_F(Signing, an_imported_file_that_names_its_key_is_taken_at_its_word) {
  ASSERT_EQ(with_keys({"key", "generate", "--zone", "example", "--role", "zsk"}).code, ExitCode::done);
  const json list = json::parse(with_keys({"--json", "key", "list"}).out);
  const std::string name = list[0]["file"].get<std::string>() + ".private";
  write(name, with_keys({"key", "export", list[0]["file"]}).out);
  const auto import = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"key", "import", file(name), "--keys", file("other")});
    return run_with(std::move(more));
  };
  const Result ksk = import({"--zone", "example", "--role", "ksk"});
  EXPECT_EQ(ksk.code, ExitCode::failed);
  EXPECT_NE(ksk.err.find("by its name it is a ZSK, not a ksk"), std::string::npos) << ksk.err;
  const Result zone = import({"--zone", "wrong.example"});
  EXPECT_EQ(zone.code, ExitCode::failed);
  EXPECT_NE(zone.err.find("by its name it is another key than Kwrong.example."), std::string::npos) << zone.err;
  const Result taken = import({"--zone", "Example"});
  ASSERT_EQ(taken.code, ExitCode::done) << taken.err;
  EXPECT_EQ(json::parse(run_with({"--json", "key", "list", "--keys", file("other")}).out), list);
}

TEST_F(Signing, an_imported_file_that_names_its_zone_needs_no_other_word) {
  for (const char* zone : {"example", "a\\+b.Example"}) {
    ASSERT_EQ(with_keys({"key", "generate", "--zone", zone, "--role", "ksk"}).code, ExitCode::done);
  }
  const json list = json::parse(with_keys({"--json", "key", "list"}).out);
  for (const json& key : list) {
    const std::string name = key["file"].get<std::string>() + ".private";
    const Result taken = run_with({"key", "import", file("keys") + "/" + name, "--keys", file("other")});
    EXPECT_EQ(taken.code, ExitCode::done) << name << ": " << taken.err;
  }
  EXPECT_EQ(json::parse(run_with({"--json", "key", "list", "--keys", file("other")}).out), list);
  for (const char* name : {"taken.private", "K+013+00001.private", "Kexample.private"}) {
    write(name, with_keys({"key", "export", list[0]["file"]}).out);
    const Result nameless = run_with({"key", "import", file(name), "--keys", file("third")});
    EXPECT_EQ(nameless.code, ExitCode::usage) << name;
    EXPECT_NE(nameless.err.find("--zone is required"), std::string::npos) << nameless.err;
  }
}

TEST_F(Signing, keys_that_are_elsewhere_are_not_replaced) {
  ASSERT_EQ(sign({"--keys", file("mine")}).code, ExitCode::done);
  const std::string before = read("example.zone.signed");
  const Result forgotten = sign();
  EXPECT_EQ(forgotten.code, ExitCode::failed) << forgotten.out;
  EXPECT_NE(forgotten.err.find("is signed with keys that are not in"), std::string::npos) << forgotten.err;
  EXPECT_EQ(read("example.zone.signed"), before);
  EXPECT_FALSE(std::filesystem::exists(file("keys")));
  EXPECT_EQ(sign({"--dry-run"}).code, ExitCode::failed);
  EXPECT_EQ(sign({"--despite-missing-keys"}).code, ExitCode::done);
}

TEST_F(Signing, a_policy_that_is_not_named_again_begins_no_roll) {
  ASSERT_EQ(sign({"--policy", "csk"}).code, ExitCode::done);
  const std::string before = read("example.zone.signed");
  const Result forgotten = sign();
  EXPECT_EQ(forgotten.code, ExitCode::failed);
  EXPECT_NE(forgotten.err.find("signed by the policy csk; say --policy csk to go on with it, or --policy standard"),
            std::string::npos)
      << forgotten.err;
  EXPECT_EQ(read("example.zone.signed"), before);
  EXPECT_EQ(sign({"--policy", "csk"}).code, ExitCode::done);
  const Result chosen = sign({"--policy", "standard"});
  EXPECT_EQ(chosen.code, ExitCode::done) << chosen.err;
  EXPECT_NE((chosen.out + chosen.err).find("the policy changes from csk to standard"), std::string::npos)
      << chosen.out << chosen.err;
  EXPECT_EQ(sign().code, ExitCode::done);
}

TEST_F(Signing, with_a_passphrase_no_private_half_lies_open) {
  write("passphrase", "correct horse\n");
  ASSERT_EQ(sign({"--passphrase-file", file("passphrase")}).code, ExitCode::done);
  for (const auto& entry : std::filesystem::directory_iterator{file("keys")})
    EXPECT_NE(entry.path().extension(), ".private");
  write("example.zone", std::string{zone_text} + "new A 192.0.2.3\n");
  EXPECT_EQ(sign().code, ExitCode::failed) << "without the passphrase";
  write("passphrase", "");
  EXPECT_EQ(sign({"--passphrase-file", file("passphrase")}).code, ExitCode::failed);
}

TEST_F(Signing, a_passphrase_that_everybody_may_read_is_refused) {
  write("passphrase", "correct horse\n");
  std::filesystem::permissions(file("passphrase"), std::filesystem::perms{0604});
  const Result refused = sign({"--passphrase-file", file("passphrase")});
  EXPECT_EQ(refused.code, ExitCode::failed);
  EXPECT_NE(refused.err.find("everybody"), std::string::npos) << refused.err;
  EXPECT_FALSE(std::filesystem::exists(file("keys")));
}

TEST_F(Signing, a_backup_brings_a_zone_to_another_machine) {
  write("passphrase", "correct horse\n");
  ASSERT_EQ(sign().code, ExitCode::done);
  const auto with_passphrase = [&](std::vector<std::string> arguments, const std::string& folder) {
    arguments.insert(arguments.end(), {"--keys", file(folder), "--passphrase-file", file("passphrase")});
    return run_with(std::move(arguments));
  };
  EXPECT_EQ(with_keys({"key", "backup", file("backup")}).code, ExitCode::failed) << "never without a passphrase";
  ASSERT_EQ(with_passphrase({"key", "backup", file("backup")}, "keys").code, ExitCode::done);
  EXPECT_EQ(read("backup").find("PrivateKey"), std::string::npos);
  EXPECT_EQ(with_passphrase({"key", "restore", file("backup")}, "keys").code, ExitCode::failed)
      << "nothing is overwritten";
  ASSERT_EQ(with_passphrase({"key", "restore", file("backup")}, "elsewhere").code, ExitCode::done);
  const Result again = sign({"--keys", file("elsewhere")});
  EXPECT_NE(again.out.find("nothing is due"), std::string::npos) << again.out << again.err;
  const std::string whole = read("backup");
  for (const std::size_t at : {std::size_t{20}, whole.size() / 2, whole.size() - 3}) {
    std::string damaged = whole;
    damaged[at] = damaged[at] == 'A' ? 'B' : 'A';
    write("damaged", damaged);
    EXPECT_EQ(with_passphrase({"key", "restore", file("damaged")}, "third").code, ExitCode::failed) << at;
  }
  EXPECT_TRUE(std::filesystem::is_empty(file("third")));
}

TEST_F(Signing, the_history_is_shown_with_the_reasons) {
  ASSERT_EQ(sign().code, ExitCode::done);
  ASSERT_EQ(with_keys({"zone", "rollover", "hold", "example", "--reason", "holidays"}).code, ExitCode::done);
  const json body = json::parse(with_keys({"--json", "zone", "rollover", "status", "example", "--history", "2"}).out);
  ASSERT_EQ(body["history"].size(), 2U);
  EXPECT_EQ(body["history"][0]["of"], "rolls");
  EXPECT_EQ(body["history"][0]["after"], "held");
  EXPECT_EQ(body["history"][0]["why"], "holidays; zone rollover hold");
  EXPECT_FALSE(json::parse(with_keys({"--json", "zone", "keys", "example"}).out).contains("history"));
  const Result text = with_keys({"zone", "keys", "example", "--history", "100"});
  EXPECT_NE(text.out.find("what changed, the last first:"), std::string::npos) << text.out;
  EXPECT_NE(text.out.find("rolls: held (holidays; zone rollover hold)"), std::string::npos) << text.out;
  EXPECT_NE(text.out.find(": published (ksk: it goes into the DNSKEY RRset"), std::string::npos) << text.out;
  EXPECT_EQ(with_keys({"zone", "keys", "example", "--history", "0"}).code, ExitCode::usage);
}

TEST_F(Signing, a_state_that_is_damaged_says_which_file_and_what_to_do) {
  ASSERT_EQ(sign().code, ExitCode::done);
  const std::string before = read("example.zone.signed");
  write("keys/example.sqlite", "nonsense");
  const Result result = sign({"--everything"});
  EXPECT_EQ(result.code, ExitCode::failed);
  EXPECT_NE(result.err.find("keys/example.sqlite: it is damaged"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("put it back from a backup, or move it away"), std::string::npos) << result.err;
  EXPECT_EQ(read("example.zone.signed"), before);
  std::filesystem::rename(file("keys/example.sqlite"), file("keys/example.sqlite.away"));
  const Result next = sign();
  EXPECT_EQ(next.code, ExitCode::done) << next.err;
}

TEST_F(Signing, a_policy_is_checked_where_it_stands) {
  const auto fault_of = [&](const std::string& text) {
    write("policy.yaml", text);
    const Result result = run_with({"zone", "policy", file("policy.yaml")});
    EXPECT_EQ(result.code, ExitCode::failed) << text;
    return result.err.substr(result.err.rfind('/') + 1);
  };
  EXPECT_EQ(fault_of("algorihm: ED25519\n"), "policy.yaml:1:1: no setting 'algorihm'; did you mean 'algorithm'?\n");
  EXPECT_TRUE(fault_of("base: csk\nzsk-lifetime: soon\n")
                  .starts_with("policy.yaml:2:15: zsk-lifetime: found 'soon', expected"));
  EXPECT_TRUE(fault_of("signature-refresh: 1d\n").find("signature-refresh: it must be more than") != std::string::npos);
  EXPECT_TRUE(fault_of("base: nonsense\n").find("base: expected") != std::string::npos);
  EXPECT_TRUE(fault_of("safety: 1h\nsafety: 2h\n").find("twice") != std::string::npos);
  EXPECT_EQ(run_with({"zone", "policy", "nonsense"}).code, ExitCode::failed);
}

TEST_F(Signing, a_printed_policy_reads_back_equal) {
  for (const std::string_view name : dnssec::built_in_policies()) {
    const Result printed = run_with({"zone", "policy", std::string{name}});
    ASSERT_EQ(printed.code, ExitCode::done);
    const auto read = signing::policy_from_yaml(printed.out);
    ASSERT_TRUE(read) << name << " " << (read ? "" : read.error().front().text);
    EXPECT_EQ(signing::policy_to_yaml(*read), printed.out);
  }
}

}  // namespace
}  // namespace redoubt::ctl
