#pragma once
// A list of findings that cannot grow without bound, however broken the zone is.
#include <string>
#include <utility>

#include "dnssec/zone/verify_zone.hpp"

namespace redoubt::dnssec {

class Findings {
 public:
  explicit Findings(ZoneVerdict& verdict, std::size_t most) : verdict_{&verdict}, most_{most} {}
  void fault(const dns::Name& owner, std::string type, std::string what) {
    ++verdict_->faults;
    add({Severity::fault, owner, std::move(type), std::move(what)});
  }
  void warning(const dns::Name& owner, std::string type, std::string what) {
    ++verdict_->warnings;
    add({Severity::warning, owner, std::move(type), std::move(what)});
  }

 private:
  void add(ZoneFinding finding) {
    if (verdict_->findings.size() < most_) verdict_->findings.push_back(std::move(finding));
  }
  ZoneVerdict* verdict_;
  std::size_t most_;
};

}  // namespace redoubt::dnssec
