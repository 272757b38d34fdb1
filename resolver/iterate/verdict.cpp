#include "resolver/iterate/verdict.hpp"

#include <fmt/format.h>

namespace redoubt::resolver {

std::string verdict_of(const Servers::Aside& aside) {
  const auto left = std::chrono::ceil<std::chrono::seconds>(aside.left).count();
  const std::string after = aside.failures == 0   ? std::string{}
                            : aside.failures == 1 ? " after a failure"
                                                  : fmt::format(" after {} failures in a row", aside.failures);
  return fmt::format("put aside for {} s more{}: {}", left, after, Servers::to_text(aside.why));
}

std::string verdict_of(const Classified& found) {
  const auto alias = [&](std::string_view rest) {
    return found.chain.empty() ? std::string{rest} : fmt::format("alias to {}: {}", found.end.to_text(), rest);
  };
  switch (found.kind) {
    case ReplyKind::answer:
      return alias(
          fmt::format("answer of {} record{}", found.data->rdata.count(), found.data->rdata.count() == 1 ? "" : "s"));
    case ReplyKind::alias:
      return fmt::format("alias to {}", found.end.to_text());
    case ReplyKind::no_data:
      return alias("no such type");
    case ReplyKind::no_name:
      return alias("no such name");
    case ReplyKind::referral:
      return fmt::format("referral to {}, {} server{}", found.cut.to_text(), found.servers.size(),
                         found.servers.size() == 1 ? "" : "s");
    case ReplyKind::lame:
      return "lame: nothing of use";
    case ReplyKind::too_large:
      return "an RRset with too many records";
    case ReplyKind::too_long:
      return "a DNAME makes the name too long";
  }
  return {};
}

}  // namespace redoubt::resolver
