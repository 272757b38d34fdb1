#include "dnssec/roll/history.hpp"

#include <algorithm>
#include <utility>

namespace redoubt::dnssec {

namespace {

/// RFC 7583 §3.1, in the words of the guard.
std::string_view meaning_of(KeyState state) {
  switch (state) {
    case KeyState::generated:
      return "it exists, and nobody was shown it";
    case KeyState::published:
      return "it goes into the DNSKEY RRset, and caches may have one without it";
    case KeyState::ready:
      return "no cache has a DNSKEY RRset without it any more";
    case KeyState::active:
      return "it signs the zone, or the parent's DS leads to it";
    case KeyState::retired:
      return "it is not wanted any more; caches and validators still need it";
    case KeyState::dead:
      return "nothing in any cache needs it";
    case KeyState::removed:
      return "it goes out of the DNSKEY RRset";
  }
  return "";
}

std::string tags_of(const ZoneRolls& zone, KeyMask keys) {
  std::string text;
  for (unsigned place = 0; place < zone.keys.size(); ++place) {
    if ((keys & bit(place)) != 0) (text += text.empty() ? "" : " ") += std::to_string(zone.keys[place].tag);
  }
  return text.empty() ? "none" : text;
}

class Comparison {
 public:
  Comparison(const ZoneRolls& before, const ZoneRolls& after, std::string_view cause)
      : before_{before}, after_{after}, cause_{cause} {}

  std::vector<Transition> run() {
    compare_holding();
    for (const RollingKey& key : after_.keys) {
      if (!key.free) compare_key(key);
    }
    for (const RollingKey& key : before_.keys) {
      if (!key.free && !after_.place_of(key.stem))
        add(key.stem, std::string{to_text(key.state)}, "forgotten", "it is in no cache any more");
    }
    compare_sets();
    return std::move(found_);
  }

 private:
  void add(std::string of, std::string before, std::string after, std::string_view reason = {}) {
    std::string why{reason};
    if (!cause_.empty()) (why += why.empty() ? "" : "; ") += cause_;
    for (char& octet : why) {
      if (octet == '\n') octet = ' ';
    }
    for (std::string* text : {&before, &after, &why}) text->resize(std::min(text->size(), max_transition_text));
    found_.push_back({after_.clock.now, std::move(of), std::move(before), std::move(after), std::move(why)});
  }

  void compare_holding() {
    if (before_.held == after_.held) return;
    add("rolls", before_.held ? "held" : "", after_.held ? "held" : "going on", after_.held.value_or(""));
  }

  void compare_key(const RollingKey& key) {
    const auto place = before_.place_of(key.stem);
    if (!place)
      return add(key.stem, "", std::string{to_text(key.state)},
                 std::string{to_text(key.role)} + ": " + std::string{meaning_of(key.state)});
    const RollingKey& old = before_.keys[*place];
    if (old.wanted && !key.wanted) add(key.stem, "wanted", "leaving");
    if (old.standby && !key.standby) add(key.stem, "standby", "in use");
    if (old.state != key.state)
      add(key.stem, std::string{to_text(old.state)}, std::string{to_text(key.state)}, meaning_of(key.state));
  }

  void compare_sets() {
    const auto compare = [&](const char* of, KeyMask old_keys, KeyMask new_keys, std::string_view reason) {
      std::string old_tags = tags_of(before_, old_keys);
      std::string new_tags = tags_of(after_, new_keys);
      if (old_tags != new_tags) add(of, std::move(old_tags), std::move(new_tags), reason);
    };
    compare("dnskey", before_.key_sets.newest().published, after_.key_sets.newest().published, "");
    compare("signed", before_.signatures.newest(), after_.signatures.newest(), "");
    if (after_.asked)
      compare("ds", before_.asked.value_or(0), *after_.asked, "what the parent is asked for (CDS, CDNSKEY)");
    if (!before_.settled && after_.settled)
      add("parent", "", "has " + tags_of(after_, after_.asked.value_or(0)), "all of its servers were seen to agree");
    if (before_.settled && !after_.settled && before_.asked == after_.asked)
      add("parent", "had " + tags_of(before_, before_.asked.value_or(0)), "does not any more");
  }

  const ZoneRolls& before_;
  const ZoneRolls& after_;
  std::string_view cause_;
  std::vector<Transition> found_;
};

}  // namespace

std::vector<Transition> transitions(const ZoneRolls& before, const ZoneRolls& after, std::string_view cause) {
  return Comparison{before, after, cause}.run();
}

}  // namespace redoubt::dnssec
