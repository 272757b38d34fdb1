#pragma once
// A PKCS#11 module (OASIS PKCS #11 2.40): a shared library with a table of functions.
#include <p11-kit/pkcs11.h>

#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dnssec/base/records.hpp"
#include "dnssec/keys/secret.hpp"

namespace redoubt::dnssec {

/// What a function of a module says, in words.
std::string describe_rv(CK_RV value);

/// Why one does not even try to log in to a token with these flags of CK_TOKEN_INFO; empty when one does. A run that
/// is started again and again with a wrong PIN would lock the token for good.
std::string_view why_not_log_in(CK_FLAGS flags);

class Pkcs11Module {
 public:
  /// Its code runs as whoever signs, so a module that others may change is refused: see path_that_only_we_change().
  /// One path is loaded once, and stays until the program ends: modules do not like to be unloaded.
  static std::expected<std::shared_ptr<Pkcs11Module>, std::string> load(const std::string& path);
  const CK_FUNCTION_LIST& call() const { return *functions_; }

 private:
  explicit Pkcs11Module(CK_FUNCTION_LIST* functions) : functions_{functions} {}
  CK_FUNCTION_LIST* functions_;
};

/// A template: what objects have, or should have.
class Attributes {
 public:
  void flag(CK_ATTRIBUTE_TYPE type, bool value) { octets(type, value ? OctetView{yes} : OctetView{no}); }
  void number(CK_ATTRIBUTE_TYPE type, CK_ULONG value);
  void octets(CK_ATTRIBUTE_TYPE type, OctetView value);
  void text(CK_ATTRIBUTE_TYPE type, std::string_view value) {
    octets(type, {reinterpret_cast<const std::uint8_t*>(value.data()), value.size()});
  }
  /// Valid until this changes.
  std::span<CK_ATTRIBUTE> list();

 private:
  static constexpr std::uint8_t yes[] = {CK_TRUE};
  static constexpr std::uint8_t no[] = {CK_FALSE};
  struct One {
    CK_ATTRIBUTE_TYPE type;
    Octets value;
  };
  std::vector<One> values_;
  std::vector<CK_ATTRIBUTE> list_;
};

/// One session with a token, closed with this.
class Pkcs11Session {
 public:
  Pkcs11Session(const CK_FUNCTION_LIST& functions, CK_SESSION_HANDLE handle)
      : functions_{&functions}, handle_{handle} {}
  Pkcs11Session(const Pkcs11Session&) = delete;
  Pkcs11Session& operator=(const Pkcs11Session&) = delete;
  ~Pkcs11Session() { functions_->C_CloseSession(handle_); }
  CK_SESSION_HANDLE handle() const { return handle_; }

  /// At most `most` objects.
  std::vector<CK_OBJECT_HANDLE> find(Attributes& wanted, std::size_t most) const;
  /// Empty when the object has it not.
  Octets value(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) const;

 private:
  const CK_FUNCTION_LIST* functions_;
  CK_SESSION_HANDLE handle_;
};

}  // namespace redoubt::dnssec
