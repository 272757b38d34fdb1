// Program: resolverctl.
#include <exception>
#include <iostream>

#include "appliance/ctl/command_line.hpp"
#include "dnssec/keys/guarded_process.hpp"

int main(int count, char** words) {
  // What the system does not grant is not worth refusing to work for: keys are wiped all the same.
  static_cast<void>(redoubt::dnssec::guard_secrets());
  try {
    return static_cast<int>(redoubt::ctl::run({words + 1, words + count}, std::cout, std::cerr));
  } catch (const std::exception& trouble) {  // no memory, or a fault of ours
    std::cerr << "resolverctl: " << trouble.what() << "\n";
    return static_cast<int>(redoubt::ctl::ExitCode::failed);
  }
}
