#pragma once
// How an API request's body and parameters are taken apart: each member once, and what is left over is refused.
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "appliance/control/api_request.hpp"

namespace redoubt::control {

template <class T>
using Read = std::expected<T, RequestError>;

inline constexpr unsigned bad_request = 400;

std::unexpected<RequestError> refuse(std::string what);
Read<dns::Name> name_of(std::string_view text);

/// The members of a JSON object, each taken once; what is left over at the end is refused.
class Members {
 public:
  static Read<Members> of(std::string_view body);
  Read<std::optional<std::string>> text(const char* key);
  Read<bool> flag(const char* key, bool otherwise);
  /// From 0 to most.
  Read<std::optional<std::uint32_t>> number(const char* key, std::uint32_t most);
  /// Lists of at most `most`; empty where there is none.
  Read<std::vector<std::string>> texts(const char* key, std::size_t most);
  Read<std::vector<std::uint32_t>> numbers(const char* key, std::size_t most, std::uint32_t largest);
  std::optional<RequestError> left_over() const;

 private:
  explicit Members(nlohmann::json members) : left_(std::move(members)) {}  // braces would make a list of one
  std::optional<nlohmann::json> take(const char* key);
  nlohmann::json left_;
};

/// take: what to do with a key and its value; what it returns, if anything, is wrong with them.
std::optional<RequestError> each_parameter(
    std::string_view parameters,
    const std::function<std::optional<RequestError>(std::string_view key, const std::string& value)>& take);
RequestError unknown_parameter(std::string_view key);

}  // namespace redoubt::control
