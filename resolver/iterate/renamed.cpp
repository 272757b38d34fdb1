// Names below a DNAME that is known already: nobody has to be asked for what it makes of them (RFC 6672 §2.2).
#include <algorithm>

#include "dns/rdata.hpp"
#include "resolver/iterate/iterator.hpp"

namespace redoubt::resolver {

/// Only of an authority, and only between the deepest cut and the name: below a cut the zone above has no say. It saves
/// the packets of a flood of random names, too.
std::unique_ptr<Classified> Iterator::renamed_above(const dns::Question& question, const dns::Name& zone, Instant now) {
  const std::size_t first = zone.label_count();
  const std::size_t last = std::min(question.name.label_count(), first + max_minimised_questions);
  for (std::size_t count = first; count < last; ++count) {
    const dns::Name above = question.name.suffix(count);
    auto found = shared_->cache.find(above, dns::type::dname, now);
    if (!found || found->kind != EntryKind::data || found->rank != Rank::authoritative_answer) continue;
    if (found->rrset->rdata().count() != 1) continue;
    const auto target = dns::target_name(dns::type::dname, found->rrset->rdata().front());
    if (!target) continue;
    auto renamed = std::make_unique<Classified>();
    renamed->authoritative = true;
    renamed->dname = std::move(found->rrset);
    renamed->dname_standing = std::move(found->standing);
    renamed->end = question.name;
    const auto replaced = question.name.with_suffix_replaced(above, *target);
    if (!replaced) {
      renamed->kind = ReplyKind::too_long;
      return renamed;
    }
    dns::RRset made{question.name, dns::type::cname, dns::rr_class::in, {}, {}};
    made.rdata.add(replaced->wire());
    if (question.type == dns::type::cname) {
      renamed->kind = ReplyKind::answer;
      renamed->data = std::move(made);
    } else {
      renamed->kind = ReplyKind::alias;
      renamed->chain.push_back(std::move(made));
      renamed->end = *replaced;
    }
    return renamed;
  }
  return nullptr;
}

}  // namespace redoubt::resolver
