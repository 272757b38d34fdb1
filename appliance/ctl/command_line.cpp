#include "appliance/ctl/command_line.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <functional>

#include "appliance/config/suggest.hpp"
#include "appliance/ctl/commands.hpp"
#include "appliance/ctl/completion.hpp"
#include "appliance/ctl/signing_command_line.hpp"
#include "appliance/log/log.hpp"

namespace redoubt::ctl {

namespace {

constexpr const char* default_socket = "/run/redoubt/control.sock";

struct Options {
  std::string socket = default_socket;
  bool json = false;
  bool verbose = false;
  std::string file;
  std::string shell;
  QueryOptions query;
  CacheOptions cache;
  TraceOptions trace;
  NegativeAnchorOptions negative_anchor;
  StatsOptions stats;
  std::uint32_t upstreams = 50;
};

/// Help as a manual page has it: the value's own name (`--keys FOLDER`) where CLI11 writes its C++ type, and what may
/// stand there (1 to 256) behind what the option is for.
class Help : public CLI::Formatter {
 public:
  std::string make_option_opts(const CLI::Option* option) const override {
    if (option->get_type_size() == 0) return "";  // a flag
    std::string text;
    if (!option->get_positional()) text = " " + split(option).first;
    if (!option->get_default_str().empty()) text += (text.empty() ? " =" : "=") + option->get_default_str();
    if (option->get_expected_max() == CLI::detail::expected_max_vector_size) text += " ...";
    return text;
  }
  std::string make_option_desc(const CLI::Option* option) const override {
    std::string text = option->get_description();
    if (const std::string allowed = split(option).second; !allowed.empty()) text += " (" + allowed + ")";
    if (option->get_required() && !option->get_positional()) text += " (required)";
    return text;
  }

 private:
  /// The value's name and its range, of CLI11's `UINT:INT in [1 - 256]`. Sets of words stand in the descriptions.
  static std::pair<std::string, std::string> split(const CLI::Option* option) {
    const std::string text = option->get_type_name();
    const std::size_t colon = text.find(':');
    if (colon == std::string::npos) return {text, ""};
    const std::size_t open = text.find('[', colon);
    std::string allowed = open == std::string::npos ? "" : text.substr(open + 1, text.find(']', open) - open - 1);
    if (const std::size_t to = allowed.find(" - "); to != std::string::npos) allowed.replace(to, 3, " to ");
    return {text.substr(0, colon), allowed};
  }
};

/// What a command does, once all of the line is read.
using Action = std::function<ExitCode(const Context&)>;

class CommandLine {
 public:
  CommandLine(std::ostream& out, std::ostream& err) : out_{&out}, err_{&err} {
    if (const char* socket = std::getenv("REDOUBT_SOCKET"); socket != nullptr && *socket != '\0')
      options_.socket = socket;
    app_.require_subcommand(1);
    app_.formatter(std::make_shared<Help>());
    app_.set_help_flag("-h,--help", "print this help and exit");
    app_.set_version_flag("--version", std::string{"resolverctl " REDOUBT_VERSION}, "print the version and exit");
    app_.add_option("--socket", options_.socket, "resolverd's control socket (also: environment REDOUBT_SOCKET)")
        ->type_name("PATH")
        ->capture_default_str();
    app_.add_flag("--json", options_.json, "print JSON");
    app_.footer(
        "exit codes: 0 done, 1 failed or the answer is no, 2 usage, 3 resolverd or the resolver asked cannot be "
        "reached");
    app_.fallthrough();
    add_daemon_commands();
    add_seeing_commands();
    add_cache_commands();
    add_anchor_commands();
    add_config_commands();
    add_signing_commands(app_, [this](CLI::App& parent, const char* name, const char* help, Action action) {
      return command(parent, name, help, std::move(action));
    });
    auto* completion = command(app_, "completion", "print a completion script for bash, zsh or fish",
                               [this](const Context&) { return complete(); });
    completion->add_option("SHELL", options_.shell, "bash, zsh or fish")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  }

  ExitCode run(std::vector<std::string> arguments) {
    const std::vector<std::string> words = arguments;
    std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
    try {
      app_.parse(std::move(arguments));
    } catch (const CLI::Success& asked) {  // --help, --version
      app_.exit(asked, *out_, *err_);
      return ExitCode::done;
    } catch (const CLI::Error& error) {
      return complain(error, words);
    }
    return action_({ApiClient{options_.socket}, options_.json, *out_, *err_});
  }

 private:
  CLI::App* command(CLI::App& parent, const char* name, const char* help, Action action) {
    CLI::App* added = parent.add_subcommand(name, help);
    added->callback([this, action = std::move(action)] { action_ = action; });
    added->fallthrough();
    return added;
  }

  void add_daemon_commands() {
    command(app_, "status", "what runs, and whether it is ready",
            [](const Context& context) { return status(context); });
    command(app_, "reload", "read the configuration again; a faulty one changes nothing",
            [](const Context& context) { return reload(context); });
    CLI::App* asked = command(app_, "query", "resolve NAME as a client would, and show the answer",
                              [this](const Context& context) { return query(context, options_.query); });
    asked->add_option("NAME", options_.query.name, "the name")->required();
    asked->add_option("TYPE", options_.query.type, "the record type")->capture_default_str();
    asked->add_flag("--dnssec", options_.query.dnssec, "set the DO bit");
    asked->add_flag("--cd", options_.query.checking_disabled, "set the CD bit");
  }

  void add_seeing_commands() {
    CLI::App* traced = command(app_, "trace", "resolve NAME anew, and show each step: server, time, verdict, budget",
                               [this](const Context& context) { return trace(context, options_.trace); });
    traced->add_option("NAME", options_.trace.name, "the name")->required();
    traced->add_option("TYPE", options_.trace.type, "the record type")->capture_default_str();
    traced->add_option("--client", options_.trace.client, "an address: whether it may ask is told, too")
        ->type_name("ADDRESS");
    traced->add_flag("--fresh", options_.trace.fresh, "ask servers although the cache has the answer");
    CLI::App* known = command(app_, "upstreams", "the servers that were asked lately, and how they do",
                              [this](const Context& context) { return upstreams(context, options_.upstreams); });
    known->add_option("--limit", options_.upstreams, "servers at most")
        ->type_name("N")
        ->check(CLI::Range(1, 512))
        ->capture_default_str();
    CLI::App* counted = command(app_, "stats", "what was counted since the start",
                                [this](const Context& context) { return stats(context, options_.stats); });
    counted->add_flag("--all", options_.stats.all, "also what was never counted");
    CLI::Option* watch =
        counted->add_option("--watch", options_.stats.every, "every so many seconds: what was counted since")
            ->type_name("SECONDS")
            ->check(CLI::Range(1, 3600));
    counted->add_option("--rounds", options_.stats.rounds, "with --watch: end after so many")
        ->type_name("N")
        ->needs(watch)
        ->check(CLI::Range(1, 1000000));
  }

  void add_cache_commands() {
    CLI::App* cache = app_.add_subcommand("cache", "look into the cache, or empty it");
    cache->require_subcommand(1);
    CLI::App* show = command(*cache, "show", "what the cache has of NAME",
                             [this](const Context& context) { return cache_show(context, options_.cache); });
    show->add_option("NAME", options_.cache.name, "the name")->required();
    show->add_flag("--below", options_.cache.below, "and of all names below it");
    show->add_option("--limit", options_.cache.limit, "entries at most")
        ->type_name("N")
        ->check(CLI::Range(1, 256))
        ->capture_default_str();
    CLI::App* flush = command(*cache, "flush", "forget NAME, or everything",
                              [this](const Context& context) { return cache_flush(context, options_.cache); });
    flush->add_option("NAME", options_.cache.name, "the name");
    flush->add_flag("--below", options_.cache.below, "and all names below it");
    flush->add_flag("--all", options_.cache.all, "everything");
  }

  void add_anchor_commands() {
    command(app_, "anchors", "the trust anchors, and where they stand in their key rolls",
            [](const Context& context) { return anchors(context); });
    CLI::App* nta = app_.add_subcommand("nta", "names that are not validated for a while (negative trust anchors)");
    nta->require_subcommand(1);
    CLI::App* add = command(*nta, "add", "validate nothing at and below NAME for a time",
                            [this](const Context& context) { return nta_add(context, options_.negative_anchor); });
    add->add_option("NAME", options_.negative_anchor.name, "the name")->required();
    add->add_option("--for", options_.negative_anchor.time, "a time such as 1h; a week at most")
        ->type_name("TIME")
        ->required();
    add->add_option("--why", options_.negative_anchor.why, "the reason, for those who come after you")->required();
    command(*nta, "list", "those that hold", [](const Context& context) { return nta_list(context); });
    CLI::App* remove = command(*nta, "remove", "validate NAME again", [this](const Context& context) {
      return nta_remove(context, options_.negative_anchor);
    });
    remove->add_option("NAME", options_.negative_anchor.name, "the name")->required();
  }

  void add_config_commands() {
    CLI::App* config = app_.add_subcommand("config", "check a configuration, or print the default one");
    config->require_subcommand(1);
    CLI::App* check = command(*config, "check", "report every fault of FILE", [this](const Context& context) {
      return config_check(context, options_.file, options_.verbose);
    });
    check->add_option("FILE", options_.file, "a configuration file")->required();
    check->add_flag("-v,--verbose", options_.verbose, "show what was understood");
    command(*config, "default", "print the whole default configuration with its comments",
            [](const Context& context) { return config_default(context); });
    command(*config, "reference", "print the reference of all settings, as Markdown",
            [](const Context& context) { return config_reference(context); });
  }

  ExitCode complete() {
    *out_ << completion_script(app_, options_.shell).value_or("");
    return ExitCode::done;
  }

  /// CLI11's message, and what may have been meant by a word that is no command.
  ExitCode complain(const CLI::Error& error, const std::vector<std::string>& words) {
    const CLI::App* at = &app_;
    std::string path = app_.get_name();
    for (std::size_t i = 0; i < words.size(); ++i) {
      const std::string& word = words[i];
      if (word == "--socket") ++i;  // its value is no command
      if (word.starts_with('-')) continue;
      std::vector<std::string_view> names;
      const CLI::App* next = nullptr;
      for (const CLI::App* known : commands_of(*at)) {
        names.push_back(known->get_name());
        if (known->get_name() == word) next = known;
      }
      if (names.empty()) break;
      if (next == nullptr) {
        *err_ << fmt::format("unknown command '{}'", log::printable(word.substr(0, 60)));
        if (const auto meant = config::nearest(word, names)) *err_ << fmt::format("; did you mean '{}'?", *meant);
        *err_ << "\n";
        return show_commands(*at, path);
      }
      at = next;
      path += " " + word;
    }
    if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr && !commands_of(*at).empty()) {
      for (const std::string& word : words)
        if (word.starts_with('-') && app_.get_option_no_throw(word.substr(0, word.find('='))) == nullptr)
          *err_ << fmt::format("unknown option '{}'\n", log::printable(word.substr(0, 60)));
      return show_commands(*at, path);
    }
    *err_ << error.what() << fmt::format("\n{} --help has its arguments\n", path);
    return ExitCode::usage;
  }

  static std::vector<const CLI::App*> commands_of(const CLI::App& app) {
    return app.get_subcommands([](const CLI::App*) { return true; });
  }

  ExitCode show_commands(const CLI::App& app, const std::string& path) {
    *err_ << path << " takes one of these:\n";
    for (const CLI::App* known : commands_of(app))
      *err_ << fmt::format("  {:<13} {}\n", known->get_name(), known->get_description());
    *err_ << fmt::format("{} COMMAND --help has the rest\n", path);
    return ExitCode::usage;
  }

  std::ostream* out_;
  std::ostream* err_;
  Options options_;
  Action action_;
  CLI::App app_{"Asks a running resolverd, checks configurations, signs zones and rolls their keys.", "resolverctl"};
};

}  // namespace

ExitCode run(std::vector<std::string> arguments, std::ostream& out, std::ostream& err) {
  return CommandLine{out, err}.run(std::move(arguments));
}

}  // namespace redoubt::ctl
