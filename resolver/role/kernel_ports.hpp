#pragma once
// Which ports the kernel gives to a kept socket that is told to take this one and no other (IP_LOCAL_PORT_RANGE), as
// far as exchanges have shown it: docs/decisions/0102.
#include <bitset>
#include <cstdint>

namespace redoubt::resolver {

/// It gives those of one range, net.ipv4.ip_local_port_range, and takes another of that range in the place of what lies
/// outside; of those within it gives none that is taken or reserved (net.ipv4.ip_local_reserved_ports). Nobody tells
/// when any of that changes: what is passed over is tried again now and then.
class KernelPorts {
 public:
  enum class Expected : std::uint8_t {
    given,      ///< it lies between two that were
    unsure,     ///< worth trying: see which port the kernel took
    not_given,  ///< it lies behind one that was not, or beside one that was not to be had
  };
  /// Of so many that lie outside, one is tried all the same.
  static constexpr std::uint32_t tried_again_after = 1024;
  /// And of so many beside one that was not to be had: what others have taken comes back sooner than a range changes,
  /// and a search costs too much to try oftener what is reserved for good.
  static constexpr std::uint32_t missing_tried_again_after = 256;

  Expected expect(std::uint16_t port);
  /// The kernel was asked for the one and took the other; 0 for the other says nothing.
  void gave(std::uint16_t asked, std::uint16_t taken);
  /// It was asked and took none at all, which cost it a search of its whole table.
  void gave_none(std::uint16_t asked) { missing_.set(asked / block); }
  /// Settings have come: the range may have changed, too, and a kernel that was not believed is asked again.
  void begin_anew();
  /// False once it has taken another port than the one of its range too often. A range changes now and then; a kernel
  /// that takes IP_LOCAL_PORT_RANGE and does not heed it contradicts itself without end.
  bool is_heeded() const { return contradictions_ < most_contradictions; }

 private:
  // Ports that are reserved stand together as a rule: so many are passed over for the sake of one. A fresh socket for
  // them costs little, finding each of them out much.
  static constexpr unsigned block = 16;
  static constexpr unsigned most_contradictions = 8;

  void forget_range();

  // None yet: any port lies below the first and above the last, none at the nearest that were not given.
  std::int32_t first_ = 65'536;
  std::int32_t last_ = -1;
  std::int32_t below_ = -1;
  std::int32_t above_ = 65'536;
  std::bitset<65'536 / block> missing_;
  std::uint32_t passed_over_ = 0;          // that lie outside
  std::uint32_t missing_passed_over_ = 0;  // that lie beside a missing one
  unsigned contradictions_ = 0;
};

}  // namespace redoubt::resolver
