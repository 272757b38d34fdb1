#include "resolver/iterate/classify.hpp"

#include <algorithm>
#include <iterator>

#include "dns/rdata.hpp"

namespace redoubt::resolver {

namespace {

const dns::RRset* find_set(const std::vector<dns::RRset>& sets, const dns::Name& owner, dns::RrType type) {
  const auto at =
      std::ranges::find_if(sets, [&](const dns::RRset& set) { return set.type == type && set.owner == owner; });
  return at == sets.end() ? nullptr : &*at;
}

/// The DNAME that covers the name: its owner is strictly above it, and in the zone.
const dns::RRset* find_dname(const std::vector<dns::RRset>& sets, const dns::Name& name) {
  const auto at = std::ranges::find_if(
      sets, [&](const dns::RRset& set) { return set.type == dns::type::dname && name.is_strictly_below(set.owner); });
  return at == sets.end() ? nullptr : &*at;
}

/// More than an honest reply has: a chain of aliases, what it leads to, and a proof (attacks: padded denial).
constexpr std::size_t most_signed_owners = 40;
constexpr std::size_t most_proof_sets = 20;

class Classifier {
 public:
  Classifier(const dns::Message& reply, const dns::Question& question, const dns::Name& zone, const Settings& settings,
             const dns::HashKey& key)
      : reply_{&reply}, question_{&question}, zone_{&zone}, settings_{&settings}, key_{&key} {
    out_.end = question.name;
    out_.authoritative = reply.header.authoritative;
  }

  std::unique_ptr<Classified> run() {
    classify_sections();
    if (settings_->validation.enabled && out_.kind != ReplyKind::lame) keep_for_validation();
    return std::move(whole_);
  }

 private:
  void classify_sections() {
    std::vector<dns::RRset> answer = in_zone(reply_->answer);
    if (question_->type == dns::type::cname) {
      const dns::RRset* dname = is_theirs(out_.end) ? find_dname(answer, out_.end) : nullptr;
      if (dname != nullptr) return make_asked_alias(*dname);
    } else if (!follow_chain(answer)) {
      return;  // contradicts itself: lame
    }
    if (out_.kind == ReplyKind::too_long) return;
    if (const dns::RRset* data = find_set(answer, out_.end, question_->type); data != nullptr) {
      // Two CNAMEs at one name (RFC 2181 §10.1) are no answer to who asks for them either: others would follow the
      // first.
      if (data->type == dns::type::cname && data->rdata.count() != 1) return;
      out_.kind = ReplyKind::answer;
      out_.data = std::move(answer[static_cast<std::size_t>(data - answer.data())]);
      if (question_->type == dns::type::ns && out_.end == *zone_) list_servers(*out_.data);
    } else if (!deny() && !out_.chain.empty()) {
      out_.kind = ReplyKind::alias;
    } else if (out_.kind == ReplyKind::lame) {
      refer();
    }
    if (too_large(out_)) out_.kind = ReplyKind::too_large;
  }

  /// Whether the zone that was asked has a say about the name.
  bool is_theirs(const dns::Name& name) const { return !settings_->guards.bailiwick || name.is_at_or_below(*zone_); }

  std::vector<dns::RRset> in_zone(const std::vector<dns::Record>& records) const {
    const auto counts = [&](const dns::Record& record) {
      return record.rr_class == dns::rr_class::in && is_theirs(record.owner);
    };
    if (std::ranges::all_of(records, counts)) return dns::gather(records, *key_);  // as honest servers have it
    std::vector<dns::Record> kept;
    std::ranges::copy_if(records, std::back_inserter(kept), counts);
    return dns::gather(kept, *key_);
  }

  /// From the question's name on, as far as the server answers for; what lies outside its zone is asked for elsewhere.
  /// The chain is as long as the limit on alias steps at most, so a ring ends. False when the records contradict each
  /// other.
  bool follow_chain(const std::vector<dns::RRset>& answer) {
    for (std::uint64_t step = 0; step < settings_->limits[Limit::alias_steps]; ++step) {
      if (!is_theirs(out_.end) || find_set(answer, out_.end, question_->type) != nullptr || has_been(out_.end))
        return true;
      // A DNAME first: below it there is nothing but the CNAMEs that it makes, and those we make ourselves (RFC 6672
      // §2.4, §3.1).
      if (const dns::RRset* dname = find_dname(answer, out_.end); dname != nullptr) {
        if (!follow_dname(*dname)) return out_.kind == ReplyKind::too_long;
      } else if (const dns::RRset* cname = find_set(answer, out_.end, dns::type::cname); cname != nullptr) {
        const auto target =
            cname->rdata.count() == 1 ? dns::target_name(cname->type, cname->rdata.at(0)) : std::nullopt;
        if (!target) return false;  // two CNAMEs at one name: neither is followed, and nothing else is believed
        out_.chain.push_back(*cname);
        out_.end = *target;
      } else {
        return true;
      }
    }
    return true;
  }

  /// The chain has come back to one of its own names.
  bool has_been(const dns::Name& name) const {
    return settings_->guards.ring_check && std::ranges::any_of(out_.chain, [&](const dns::RRset& link) {
             return link.type == dns::type::cname && link.owner == name;
           });
  }

  /// The CNAME that was asked for itself is made by a DNAME, and that goes with it (RFC 6672 §3.1).
  void make_asked_alias(const dns::RRset& dname) {
    if (follow_dname(dname)) {
      out_.kind = ReplyKind::answer;
      out_.data = std::move(out_.chain.back());
      out_.chain.pop_back();
      out_.end = question_->name;
    }
  }

  /// Signatures and proofs. They are looked at one by one later, so whatever else stands beside them does no harm.
  void keep_for_validation() {
    for (const auto* section : {&reply_->answer, &reply_->authority}) {
      for (dns::RRset& set : in_zone(*section)) {
        const bool is_proof = set.type == dns::type::nsec || set.type == dns::type::nsec3;
        if (set.type == dns::type::rrsig) {
          add_signatures(std::move(set));
        } else if (is_proof && section == &reply_->authority && out_.proof.size() < most_proof_sets) {
          out_.proof.push_back(std::move(set));
        } else if (set.type == dns::type::ds && out_.kind == ReplyKind::referral && set.owner == out_.cut) {
          out_.ds = std::move(set);
        }
      }
    }
  }

  void add_signatures(dns::RRset set) {
    const auto at = std::ranges::find(out_.signatures, set.owner, &dns::RRset::owner);
    if (at == out_.signatures.end()) {
      if (out_.signatures.size() < most_signed_owners) out_.signatures.push_back(std::move(set));
      return;
    }
    for (const auto rdata : set.rdata) at->rdata.add(rdata);
  }

  bool follow_dname(const dns::RRset& dname) {
    const auto target = dname.rdata.count() == 1 ? dns::target_name(dname.type, dname.rdata.at(0)) : std::nullopt;
    if (!target) return false;
    const auto replaced = out_.end.with_suffix_replaced(dname.owner, *target);
    out_.chain.push_back(dname);
    if (!replaced) {
      out_.kind = ReplyKind::too_long;
      return false;
    }
    dns::RRset made{out_.end, dns::type::cname, dns::rr_class::in, dname.ttl, {}};
    made.rdata.add(replaced->wire());
    out_.chain.push_back(std::move(made));
    out_.end = *replaced;
    return true;
  }

  /// A denial counts with the SOA of a zone that encloses the name and that this server may speak for (RFC 2308 §2).
  /// Without one an authoritative server is still believed about the question's own name, and nothing of it is cached;
  /// at the end of a chain it may just have said no more than it knew.
  bool deny() {
    if (!is_theirs(out_.end)) return false;
    const bool no_name = reply_->rcode() == dns::Rcode::nxdomain;
    for (dns::RRset& set : in_zone(reply_->authority)) {
      if (set.type == dns::type::soa && out_.end.is_at_or_below(set.owner) && set.rdata.count() == 1)
        out_.soa = std::move(set);
    }
    // At a chain's end, too, DS is the parent's to deny: the SOA must not be of the name's own zone.
    const bool of_child = question_->type == dns::type::ds && !out_.chain.empty() && out_.soa &&
                          out_.soa->owner == out_.end && !out_.end.is_root();
    if (of_child) {
      out_.soa.reset();
      return false;
    }
    // With an SOA of a zone above, the word is that of a server which serves that zone and no longer this one.
    const bool of_parent = std::ranges::any_of(reply_->authority, [&](const dns::Record& record) {
      return record.type == dns::type::soa && zone_->is_strictly_below(record.owner);
    });
    const bool plain = out_.authoritative && out_.chain.empty() && !of_parent && (no_name || reply_->authority.empty());
    if (!out_.soa && !plain) return false;
    out_.kind = no_name ? ReplyKind::no_name : ReplyKind::no_data;
    return true;
  }

  /// One NS RRset, strictly below the zone asked and at or above the question's name: anything else is no referral but
  /// lame.
  void refer() {
    if (reply_->rcode() != dns::Rcode::noerror) return;
    const dns::RRset* cut = nullptr;
    const std::vector<dns::RRset> authority = in_zone(reply_->authority);
    for (const dns::RRset& set : authority) {
      if (set.type != dns::type::ns) continue;
      const bool fits = set.owner.is_strictly_below(*zone_) && question_->name.is_at_or_below(set.owner);
      if (settings_->guards.strict_referrals && (cut != nullptr || !fits)) return;
      cut = &set;
    }
    // A DS question is the parent's to answer: a cut at the very name would send us in a circle.
    if (cut == nullptr || (question_->type == dns::type::ds && cut->owner == question_->name)) return;
    list_servers(*cut);
    if (out_.servers.empty()) return;
    out_.cut = cut->owner;
    out_.cut_ttl = cut->ttl;
    out_.kind = ReplyKind::referral;
  }

  void list_servers(const dns::RRset& servers) {
    for (const auto rdata : servers.rdata) {
      if (out_.servers.size() == settings_->limits[Limit::nameservers_kept]) break;
      if (const auto name = dns::target_name(dns::type::ns, rdata)) out_.servers.push_back({*name, {}});
    }
    add_glue();
  }

  /// Addresses of the listed servers, and of those only within the zone that was asked.
  void add_glue() {
    for (const dns::Record& record : reply_->additional) {
      if (record.type != dns::type::a && record.type != dns::type::aaaa) continue;
      if (record.rr_class != dns::rr_class::in || !is_theirs(record.owner)) continue;
      const auto server = std::ranges::find(out_.servers, record.owner, &NameServer::name);
      const auto address = dns::IpAddress::from_octets(record.rdata);
      if (server == out_.servers.end() || !address ||
          server->addresses.size() == settings_->limits[Limit::addresses_kept])
        continue;
      if (std::ranges::find(server->addresses, *address) == server->addresses.end())
        server->addresses.push_back(*address);
    }
  }

  bool too_large(const Classified& found) const {
    const auto over = [&](const dns::RRset& set) {
      return set.rdata.count() > settings_->limits[Limit::records_per_rrset];
    };
    return (found.data && over(*found.data)) || std::ranges::any_of(found.chain, over);
  }

  const dns::Message* reply_;
  const dns::Question* question_;
  const dns::Name* zone_;
  const Settings* settings_;
  const dns::HashKey* key_;
  std::unique_ptr<Classified> whole_ = std::make_unique<Classified>();  // goes up as it is: it is large to be moved
  Classified& out_ = *whole_;
};

}  // namespace

std::unique_ptr<Classified> classify(const dns::Message& reply, const dns::Question& question, const dns::Name& zone,
                                     const Settings& settings, const dns::HashKey& key) {
  return Classifier{reply, question, zone, settings, key}.run();
}

}  // namespace redoubt::resolver
