#pragma once
#include <random>
#include <string>

namespace redoubt::tests {

/// The text of a small zone "example." with what zones may have: wildcards, empty non-terminals, delegations with and
/// without DS, glue, aliases, DNAME, odd octets, unknown types, mixed case. Repeatable from the seed.
inline std::string random_zone(unsigned seed) {
  std::mt19937 random{seed};
  const auto pick = [&](auto... items) {
    const char* list[] = {items...};
    return std::string{list[random() % (sizeof...(items))]};
  };
  const auto label = [&] {
    return pick("a", "b", "c", "WWW", "Mail", "x-1", "_tcp", "\\000", "\\255", "a\\.b", "\\032", "\\001z", "zz", "*");
  };
  std::string text = "$ORIGIN example.\n$TTL 300\n@ SOA ns.Example. host 7 3600 600 86400 " +
                     std::to_string(60 + random() % 600) + "\n@ NS ns\n@ NS ns.other.\nns A 192.0.2.1\n";
  if (random() % 2 == 0)
    text += "@ MX 10 Mail\n@ TXT \"v=spf1 -all\" \"\\\"q\\\\\"\n@ CAA 0 issue \"ca.example.net\"\n";
  const auto data = [&](const std::string& owner) {
    const std::string ttl = " " + std::to_string(random() % 3 == 0 ? 60 : 300) + " ";
    switch (random() % 8) {
      case 0:
        return owner + ttl + "A 192.0.2." + std::to_string(random() % 3) + "\n";
      case 1:
        return owner + ttl + "AAAA 2001:db8::" + std::to_string(random() % 3) + "\n";
      case 2:
        return owner + ttl + "TXT \"t" + std::to_string(random() % 9) + "\" \"\\009\\200;\"\n";
      case 3:
        return owner + ttl + "SRV 0 0 443 Target.Example.\n";
      case 4:
        return owner + ttl + "TYPE65280 \\# 3 00ff10\n";
      case 5:
        return owner + ttl + "HTTPS 1 . alpn=h2\n";
      case 6:
        return owner + ttl + "NAPTR 1 1 \"s\" \"x\" \"\" Repl.Example.\n";
      default:
        return owner + ttl + "SSHFP 4 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n";
    }
  };
  for (std::size_t i = random() % 24; i > 0; --i) {
    std::string name = label();
    for (std::size_t depth = random() % 4; depth > 0; --depth) name += "." + pick("d1", "D2", "e", "f\\000", "g");
    const std::string unique = name + ".n" + std::to_string(i);  // so that aliases and cuts meet nothing
    switch (random() % 9) {
      case 0:
        text += unique + " CNAME Elsewhere.Example.\n";
        break;
      case 1:
        text += "cut" + std::to_string(i) + " NS ns.cut" + std::to_string(i) + "\nns.cut" + std::to_string(i) +
                " A 192.0.2.9\ncut" + std::to_string(i) + " NS ns.elsewhere.\n";
        break;
      case 2:
        text += "sub.ent" + std::to_string(i) + " NS ns.elsewhere.\n";
        break;
      case 3:
        text += "safe" + std::to_string(i) + ".ent NS ns.elsewhere.\nsafe" + std::to_string(i) +
                ".ent DS 12345 13 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n";
        break;
      case 4:
        text += "dn" + std::to_string(i) + " DNAME target.example.\ndn" + std::to_string(i) + " TXT \"beside\"\n";
        break;
      default:
        text += data(name);
        if (random() % 3 == 0) text += data(name);
    }
  }
  return text;
}

}  // namespace redoubt::tests
