// Program: resolverctl.
#include <exception>
#include <iostream>

#include "appliance/ctl/command_line.hpp"

int main(int count, char** words) {
  try {
    return static_cast<int>(redoubt::ctl::run({words + 1, words + count}, std::cout, std::cerr));
  } catch (const std::exception& trouble) {  // no memory, or a fault of ours
    std::cerr << "resolverctl: " << trouble.what() << "\n";
    return static_cast<int>(redoubt::ctl::ExitCode::failed);
  }
}
