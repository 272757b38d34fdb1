#include "appliance/monitor/command_line.hpp"

#include <fmt/format.h>

#include <utility>

namespace redoubt::monitor {

namespace {

/// "--name VALUE" and "--name=VALUE" alike: five options do not need a library that takes longer to load than monitor
/// to start.
class Arguments {
 public:
  explicit Arguments(std::span<char* const> arguments) : left_{arguments} {}
  bool empty() const { return left_.empty(); }
  std::string_view next() {
    const std::string_view whole = left_.front();
    left_ = left_.subspan(1);
    const std::size_t equals = whole.find('=');
    if (!whole.starts_with("--") || equals == std::string_view::npos) return whole;
    attached_ = whole.substr(equals + 1);
    return whole.substr(0, equals);
  }
  std::optional<std::string_view> value() {
    if (attached_) return std::exchange(attached_, std::nullopt);
    if (left_.empty()) return std::nullopt;
    const std::string_view value = left_.front();
    left_ = left_.subspan(1);
    return value;
  }
  bool value_left_over() const { return attached_.has_value(); }

 private:
  std::span<char* const> left_;
  std::optional<std::string_view> attached_;
};

}  // namespace

std::expected<CommandLine, std::string> parse_command_line(std::span<char* const> arguments) {
  CommandLine line;
  Arguments left{arguments};
  while (!left.empty()) {
    const std::string_view option = left.next();
    if (option == "--help" || option == "-h") {
      line.help = true;
    } else if (option == "--version" || option == "-V") {
      line.version = true;
    } else if (option == "--config" || option == "-c") {
      const auto value = left.value();
      if (!value || value->empty()) return std::unexpected{fmt::format("{} needs a file", option)};
      line.configuration = *value;
#ifdef REDOUBT_TEST_HOOKS
    } else if (option == "--clock-offset-file") {
      const auto value = left.value();
      if (!value || value->empty()) return std::unexpected{fmt::format("{} needs a file", option)};
      line.clock_offset_file = *value;
#endif
    } else if (option == "--role") {
      const auto value = left.value();
      line.role = channel::role_from_text(value.value_or(""));
      if (!line.role || line.role == channel::Role::monitor)
        return std::unexpected{std::string{"--role needs the name of a child's role"}};
    } else {
      return std::unexpected{fmt::format("unknown argument '{}'; resolverd --help lists what there is", option)};
    }
    if (left.value_left_over()) return std::unexpected{fmt::format("{} takes no value", option)};
  }
  return line;
}

std::string_view usage() {
  return R"(resolverd: a hardened DNS resolver

  resolverd [--config FILE]

  -c, --config FILE   configuration in YAML; without it the built-in default, which
                      `resolverctl config default` prints
  -h, --help          this text
  -V, --version       the version

It stays in the foreground and logs to standard error. SIGHUP reads the configuration
again, SIGTERM ends it. `resolverctl config check FILE` checks a configuration.
)";
}

}  // namespace redoubt::monitor
