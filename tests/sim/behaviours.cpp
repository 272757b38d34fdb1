#include "tests/sim/behaviours.hpp"

#include "tests/sim/zone_text.hpp"

namespace redoubt::sim {

namespace {

dns::Message bare(const dns::Message& query) {
  dns::Message message;
  message.header.id = query.header.id;
  message.header.response = true;
  message.header.opcode = query.header.opcode;
  message.question = query.question;
  return message;
}

std::size_t limit_of(const Heard& heard) {
  if (heard.transport != UpstreamTransport::udp) return dns::max_message_octets;
  return heard.query.edns ? heard.query.edns->usable_payload() : dns::minimum_udp_payload;
}

void replace_all(Reaction& reaction, const dns::Message& message) {
  for (Delivery& delivery : reaction.deliveries) delivery.octets = message.to_wire();
}

}  // namespace

Behaviour silent() {
  return [](const Heard&, Reaction& reaction) { reaction.deliveries.clear(); };
}

Behaviour silent_by_udp() {
  return [](const Heard& heard, Reaction& reaction) {
    if (heard.transport == UpstreamTransport::udp) reaction.deliveries.clear();
  };
}

Behaviour lossy(resolver::Random& random, std::uint32_t percent) {
  return [&random, percent](const Heard& heard, Reaction& reaction) {
    if (heard.transport == UpstreamTransport::udp && random.below(100) < percent) reaction.deliveries.clear();
  };
}

Behaviour unreachable() {
  return [](const Heard&, Reaction& reaction) {
    reaction.deliveries.clear();
    reaction.fault = resolver::NetworkFault::unreachable;
  };
}

Behaviour says(dns::Rcode rcode) {
  return [rcode](const Heard& heard, Reaction& reaction) {
    dns::Message message = bare(heard.query);
    message.set_rcode(rcode);
    replace_all(reaction, message);
  };
}

Behaviour knows_no_edns() {
  return [](const Heard& heard, Reaction& reaction) {
    if (!heard.query.edns) return;
    dns::Message message = bare(heard.query);
    message.set_rcode(dns::Rcode::formerr);
    replace_all(reaction, message);
  };
}

Behaviour truncates(bool always) {
  return [always](const Heard& heard, Reaction& reaction) {
    if (heard.transport != UpstreamTransport::udp && !always) return;
    dns::Message message = bare(heard.query);
    message.header.truncated = true;
    replace_all(reaction, message);
  };
}

Behaviour loses_case() {
  return edits(
      [](const Heard&, dns::Message& message) { message.question->name = message.question->name.lowercased(); });
}

Behaviour talks_garbage() {
  return [](const Heard& heard, Reaction& reaction) {
    dns::Message message = bare(heard.query);
    for (Delivery& delivery : reaction.deliveries) {
      delivery.octets = message.to_wire();
      delivery.octets[7] = 3;  // ANCOUNT 3, and no answers behind it
    }
  };
}

Behaviour edits(std::function<void(const Heard&, dns::Message&)> edit) {
  return [edit = std::move(edit)](const Heard& heard, Reaction& reaction) {
    for (Delivery& delivery : reaction.deliveries) {
      auto message = dns::Message::parse(delivery.octets);
      if (!message) continue;
      edit(heard, *message);
      delivery.octets = message->to_wire(limit_of(heard));
    }
  };
}

Behaviour edits_for(std::string_view name, std::function<void(dns::Message&)> edit) {
  return edits([wanted = name_from_text(name), edit = std::move(edit)](const Heard& heard, dns::Message& message) {
    if (heard.query.question->name == wanted) edit(message);
  });
}

Behaviour beside(Duration after, std::function<std::vector<std::uint8_t>(const Heard&, std::vector<std::uint8_t>)> make,
                 bool from_elsewhere) {
  return [after, make = std::move(make), from_elsewhere](const Heard& heard, Reaction& reaction) {
    if (heard.transport != UpstreamTransport::udp || reaction.deliveries.empty()) return;
    reaction.deliveries.push_back({after, make(heard, reaction.deliveries.front().octets), from_elsewhere});
  };
}

}  // namespace redoubt::sim
