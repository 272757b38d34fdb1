#pragma once
// One setting's value out of its node. For the checker.
#include <string>
#include <string_view>

#include "appliance/config/check.hpp"
#include "appliance/config/settings.hpp"
#include "appliance/config/yaml.hpp"

namespace redoubt::config {

/// Collects remarks up to max_faults; what comes later is dropped.
class Notebook {
 public:
  void fault(Place place, std::string_view key, std::string text);
  /// "found ..., expected ..."
  void mismatch(const Node& node, std::string_view key, std::string_view expected);
  void warning(Place place, std::string_view key, std::string text);
  bool full() const { return remarks_.faults.size() >= max_faults; }
  std::size_t faults() const { return remarks_.faults.size(); }
  Remarks take() { return std::move(remarks_); }

 private:
  Remarks remarks_;
};

/// Not for sections and entries. When the node does not fit, that is noted and what is returned is nothing.
std::optional<Value> read_value(const Setting& setting, const Node& node, const Surroundings& surroundings,
                                Notebook& notes);

}  // namespace redoubt::config
