#pragma once
#include <CLI/App.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace redoubt::ctl {

/// A completion script for bash, zsh or fish, made from the tree of commands itself; nothing for another shell.
std::optional<std::string> completion_script(const CLI::App& app, std::string_view shell);

}  // namespace redoubt::ctl
