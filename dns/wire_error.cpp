#include "dns/wire_error.hpp"

namespace redoubt::dns {

std::string_view describe(Fault fault) {
  switch (fault) {
    case Fault::short_read:
      return "the message ends inside a field";
    case Fault::bad_label_type:
      return "an unknown label type";
    case Fault::pointer_not_backwards:
      return "a compression pointer that does not point backwards";
    case Fault::name_too_long:
      return "a name of more than 255 octets";
    case Fault::work_exceeded:
      return "names that cost more work than the message's size allows";
    case Fault::left_over:
      return "octets after the last field";
    case Fault::bad_count:
      return "a count that the message does not hold";
    case Fault::bad_rdata:
      return "RDATA that its type forbids";
    case Fault::bad_option:
      return "a malformed or too long list of EDNS options";
    case Fault::duplicate_opt:
      return "a second OPT record";
    case Fault::misplaced_record:
      return "a record where it may not stand";
    case Fault::compressed_name:
      return "a compressed name where its type forbids one";
    case Fault::too_large:
      return "more than a limit allows";
  }
  return "an unknown fault";
}

}  // namespace redoubt::dns
