#include "appliance/ctl/completion.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <iterator>
#include <sstream>
#include <vector>

namespace redoubt::ctl {

namespace {

/// One command with what may follow it.
struct Node {
  std::string path;   ///< "cache show"; empty for the program itself
  std::string words;  ///< subcommands and long options, with blanks between
};

std::vector<std::string> split(const std::string& words) {
  std::istringstream in{words};
  return {std::istream_iterator<std::string>{in}, std::istream_iterator<std::string>{}};
}

void collect(const CLI::App& app, const std::string& path, const std::string& inherited, std::vector<Node>& nodes) {
  std::string words;
  const auto add = [&](const std::string& word) { words += (words.empty() ? "" : " ") + word; };
  const auto subcommands = app.get_subcommands([](const CLI::App*) { return true; });
  for (const CLI::App* subcommand : subcommands) add(subcommand->get_name());
  std::string options;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) options += (options.empty() ? "" : " ") + ("--" + name);
  }
  if (!options.empty()) add(options);
  for (const std::string& option : split(inherited)) {
    if (option != "--help") add(option);  // each command has its own
  }
  nodes.push_back({path, words});
  const std::string global = path.empty() ? options : inherited;
  for (const CLI::App* subcommand : subcommands) {
    collect(*subcommand, path.empty() ? subcommand->get_name() : path + " " + subcommand->get_name(), global, nodes);
  }
}

std::string bash_script(const std::vector<Node>& nodes) {
  std::string cases;
  std::string paths;
  for (const Node& node : nodes) {
    cases += fmt::format("    \"{}\") words=\"{}\" ;;\n", node.path, node.words);
    if (!node.path.empty()) paths += fmt::format("{}\"{}\"", paths.empty() ? "" : "|", node.path);
  }
  return fmt::format(R"(# bash completion for resolverctl. Load it with: source <(resolverctl completion bash)
_resolverctl() {{
  local current="${{COMP_WORDS[COMP_CWORD]}}" path="" words="" word
  if [[ "${{COMP_WORDS[COMP_CWORD-1]}}" == --socket ]]; then
    COMPREPLY=($(compgen -f -- "$current"))
    return
  fi
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case "${{path:+$path }}$word" in  # only commands make the path; options' values and names do not
      {}) path="${{path:+$path }}$word" ;;
    esac
  done
  case "$path" in
{}  esac
  if [[ "$path" == "config check" && "$current" != -* ]]; then
    COMPREPLY=($(compgen -f -- "$current"))
    return
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -F _resolverctl resolverctl
)",
                     paths, cases);
}

std::string zsh_script(const std::vector<Node>& nodes) {
  return "#compdef resolverctl\n# zsh completion for resolverctl. Load it with: source <(resolverctl completion zsh)\n"
         "autoload -U +X bashcompinit && bashcompinit\n" +
         bash_script(nodes);
}

std::string fish_script(const std::vector<Node>& nodes) {
  std::string script =
      "# fish completion for resolverctl. Load it with: resolverctl completion fish | source\ncomplete -c resolverctl "
      "-f\n";
  for (const Node& node : nodes) {
    std::string condition = "__fish_use_subcommand";
    if (!node.path.empty()) {
      condition.clear();
      for (std::size_t at = 0; at < node.path.size();) {
        const std::size_t end = std::min(node.path.find(' ', at), node.path.size());
        condition +=
            (condition.empty() ? "" : "; and ") + ("__fish_seen_subcommand_from " + node.path.substr(at, end - at));
        at = end + 1;
      }
    }
    script += fmt::format("complete -c resolverctl -n '{}' -a '{}'\n", condition, node.words);
  }
  return script;
}

}  // namespace

std::optional<std::string> completion_script(const CLI::App& app, std::string_view shell) {
  std::vector<Node> nodes;
  collect(app, "", "", nodes);
  if (shell == "bash") return bash_script(nodes);
  if (shell == "zsh") return zsh_script(nodes);
  if (shell == "fish") return fish_script(nodes);
  return std::nullopt;
}

}  // namespace redoubt::ctl
