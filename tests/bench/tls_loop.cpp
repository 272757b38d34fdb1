// The least that answering by TLS can cost with OpenSSL: reads all that is there, answers it, writes once.
//
//   tls_loop ADDRESS@PORT CERTIFICATE KEY
#include "tests/bench/bare_answer.hpp"

namespace {

using namespace redoubt::bench;

/// Messages with their lengths before them (RFC 7766 §8).
class Lengths {
 public:
  explicit Lengths(Wire& wire) : wire_{&wire} {}

  void hear(View octets) {
    if (!kept_.empty()) {
      append(kept_, octets);
      octets = kept_;
    }
    std::size_t at = 0;
    while (octets.size() - at >= 2) {
      const std::size_t count = static_cast<std::size_t>(octets[at] << 8U | octets[at + 1]);
      if (octets.size() - at - 2 < count) break;
      answer(octets.subspan(at + 2, count));
      at += 2 + count;
    }
    const Octets rest(octets.begin() + static_cast<std::ptrdiff_t>(at), octets.end());
    kept_ = rest;
  }
  void done() {}

 private:
  void answer(View query) {
    Octets& output = wire_->output();
    const std::size_t begin = output.size();
    output.resize(begin + 2);
    if (!append_answer(query, output)) return output.resize(begin);
    const std::size_t count = output.size() - begin - 2;
    output[begin] = static_cast<std::uint8_t>(count >> 8U);
    output[begin + 1] = static_cast<std::uint8_t>(count);
  }

  Wire* wire_;
  Octets kept_;
};

}  // namespace

int main(int count, char** arguments) {
  if (count != 4) fail("usage: tls_loop ADDRESS@PORT CERTIFICATE KEY");
  BareServer<Lengths>{arguments[1], arguments[2], arguments[3], false}.run();
}
