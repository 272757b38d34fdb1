#include "dnssec/keys/token.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <optional>

#include "dnssec/keys/durable_file.hpp"
#include "dnssec/keys/pkcs11_module.hpp"

namespace redoubt::dnssec {

namespace {

constexpr std::size_t max_pin = 1024;  // octets
constexpr CK_ULONG max_slots = 256;
constexpr std::uint8_t octet_string = 4;  // DER
constexpr std::uint8_t uncompressed = 4;  // SEC 1 §2.3.3

// Curves as DER: object identifiers, and the name that PKCS #11 2.40 modules know edwards25519 by.
constexpr std::uint8_t p256_der[] = {6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7};
constexpr std::uint8_t p384_der[] = {6, 5, 0x2b, 0x81, 4, 0, 0x22};
constexpr std::uint8_t ed25519_der[] = {0x13, 12, 'e', 'd', 'w', 'a', 'r', 'd', 's', '2', '5', '5', '1', '9'};
constexpr std::uint8_t public_exponent[] = {1, 0, 1};

/// How a token makes keys of an algorithm, and signs with them.
struct Way {
  Algorithm algorithm;
  CK_KEY_TYPE key_type;
  CK_MECHANISM_TYPE generate;
  CK_MECHANISM_TYPE sign;
  const char* digest;  ///< that we make before; null: the token takes the data itself
  OctetView curve;
};
constexpr std::array ways{
    Way{Algorithm::rsa_sha256, CKK_RSA, CKM_RSA_PKCS_KEY_PAIR_GEN, CKM_SHA256_RSA_PKCS, nullptr, {}},
    Way{Algorithm::ecdsa_p256_sha256, CKK_EC, CKM_EC_KEY_PAIR_GEN, CKM_ECDSA, "SHA256", p256_der},
    Way{Algorithm::ecdsa_p384_sha384, CKK_EC, CKM_EC_KEY_PAIR_GEN, CKM_ECDSA, "SHA384", p384_der},
    Way{Algorithm::ed25519, CKK_EC_EDWARDS, CKM_EC_EDWARDS_KEY_PAIR_GEN, CKM_EDDSA, nullptr, ed25519_der}};

const Way* way_of(Algorithm algorithm) {
  const auto* way = std::ranges::find(ways, algorithm, &Way::algorithm);
  return way == ways.end() ? nullptr : way;
}

/// Fields of CK_TOKEN_INFO are padded with blanks.
template <std::size_t size>
bool fits(const std::string& wanted, const unsigned char (&field)[size]) {
  if (wanted.empty()) return true;
  std::string_view there{reinterpret_cast<const char*>(field), size};
  there = there.substr(0, there.find_last_not_of(' ') + 1);
  return there == wanted;
}

std::string name_of(const TokenUri& uri) {
  const std::string& what = !uri.token.empty() ? uri.token : !uri.serial.empty() ? uri.serial : uri.module_path;
  return "token \"" + what + "\"";
}

std::expected<Secret, std::string> read_pin(const TokenUri& uri) {
  if (uri.pin_source.empty()) return std::unexpected{name_of(uri) + ": its URI has no pin-source=file:FILE"};
  auto held = read_held_file(uri.pin_source, max_pin);
  if (!held) return std::unexpected{held.error()};
  if ((held->mode & (S_IROTH | S_IWOTH)) != 0)
    return std::unexpected{uri.pin_source + ": everybody on this machine may read the PIN; chmod 600 it"};
  Secret& pin = held->octets;
  while (!pin.empty() && (pin.back() == '\n' || pin.back() == '\r')) pin.pop_back();
  if (pin.empty()) return std::unexpected{uri.pin_source + ": the PIN is empty"};
  return std::move(pin);
}

/// What a DNSKEY has, of a token's public key. Empty when it is none of this algorithm.
Octets public_octets(const Pkcs11Session& session, CK_OBJECT_HANDLE object, const Way& way) {
  if (way.key_type == CKK_RSA) {
    const auto number = [&](CK_ATTRIBUTE_TYPE type) {
      Octets octets = session.value(object, type);
      octets.erase(octets.begin(), std::ranges::find_if(octets, [](std::uint8_t octet) { return octet != 0; }));
      return octets;
    };
    const Octets exponent = number(CKA_PUBLIC_EXPONENT);
    const Octets modulus = number(CKA_MODULUS);
    if (exponent.empty() || modulus.empty()) return {};
    return rsa_public_octets({exponent, modulus});
  }
  Octets point = session.value(object, CKA_EC_POINT);
  const std::size_t octets = info_of(way.algorithm).public_octets;
  const std::size_t in_front = way.key_type == CKK_EC ? 1 : 0;
  if (point.size() == octets + in_front + 2 && point[0] == octet_string && point[1] == octets + in_front)
    point.erase(point.begin(), point.begin() + 2);
  if (point.size() != octets + in_front || (in_front == 1 && point[0] != uncompressed)) return {};
  point.erase(point.begin(), point.begin() + static_cast<std::ptrdiff_t>(in_front));
  return point;
}

class OpenToken final : public Token {
 public:
  OpenToken(std::shared_ptr<Pkcs11Module> module, CK_SLOT_ID slot, std::string name)
      : module_{std::move(module)}, slot_{slot}, name_{std::move(name)} {}
  OpenToken(const OpenToken&) = delete;
  OpenToken& operator=(const OpenToken&) = delete;
  ~OpenToken() override = default;

  /// The login holds for the program as long as one of its sessions is open: that is what this one is for.
  std::expected<void, std::string> log_in(const Secret& pin) {
    auto session = new_session(reading);
    if (!session) return std::unexpected{session.error()};
    session_ = std::move(*session);
    CK_TOKEN_INFO info{};
    if (const CK_RV known = call().C_GetTokenInfo(slot_, &info); known != CKR_OK)
      return trouble("it says nothing of itself", known);
    if (const auto why = why_not_log_in(info.flags); !why.empty())
      return std::unexpected{name_ + ": no login: " + std::string{why}};
    const CK_RV said = call().C_Login(session_->handle(), CKU_USER, const_cast<unsigned char*>(pin.data()), pin.size());
    if (said == CKR_OK || said == CKR_USER_ALREADY_LOGGED_IN) return {};
    return trouble("no login", said);
  }

  static constexpr CK_FLAGS reading = CKF_SERIAL_SESSION;  // and signing
  static constexpr CK_FLAGS writing = CKF_SERIAL_SESSION | CKF_RW_SESSION;
  std::expected<std::unique_ptr<Pkcs11Session>, std::string> new_session(CK_FLAGS flags) const {
    CK_SESSION_HANDLE handle = 0;
    const CK_RV said = call().C_OpenSession(slot_, flags, nullptr, nullptr, &handle);
    if (said != CKR_OK) return trouble("no session", said);
    return std::make_unique<Pkcs11Session>(call(), handle);
  }

  std::expected<PrivateKey, std::string> find(const TokenUri& uri, Algorithm algorithm) override;
  std::expected<PrivateKey, std::string> generate(Algorithm algorithm, unsigned rsa_bits, const std::string& label,
                                                  OctetView id) override;
  std::expected<void, std::string> destroy(OctetView id) override;
  const CK_FUNCTION_LIST& call() const { return module_->call(); }
  const std::string& name() const { return name_; }

 private:
  std::unexpected<std::string> trouble(std::string_view what, CK_RV said) const {
    return std::unexpected{name_ + ": " + std::string{what} + ": " + describe_rv(said)};
  }
  std::expected<PrivateKey, std::string> key_of(CK_OBJECT_HANDLE secret, CK_OBJECT_HANDLE open, const Way& way);

  std::shared_ptr<Pkcs11Module> module_;
  CK_SLOT_ID slot_;
  std::string name_;
  std::unique_ptr<Pkcs11Session> session_;
};

/// The first failure of a key's signers, which are many and on many threads: what comes after mostly follows from it.
class FirstTrouble {
 public:
  void note(std::string_view what) {
    const std::lock_guard lock{mutex_};
    if (text_.empty()) text_ = what;
  }
  std::string text() const {
    const std::lock_guard lock{mutex_};
    return text_;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

/// Each signs in a session of its own.
class TokenSigner final : public RemoteSigner {
 public:
  TokenSigner(std::shared_ptr<const OpenToken> token, CK_OBJECT_HANDLE key, const Way& way,
              std::shared_ptr<FirstTrouble> trouble)
      : token_{std::move(token)},
        key_{key},
        way_{&way},
        digest_{find_digest(way.digest == nullptr ? "" : way.digest)},
        trouble_{std::move(trouble)} {
    auto session = token_->new_session(OpenToken::reading);
    if (session) {
      session_ = std::move(*session);
    } else {
      trouble_->note(session.error());
    }
  }

  bool sign(OctetView data, Octets& out) override {
    std::array<std::uint8_t, 64> digested;
    if (way_->digest != nullptr) {
      if (!digest_.of(data, digested)) return false;
      data = OctetView{digested}.first(digest_.octets());
    }
    CK_MECHANISM mechanism{way_->sign, nullptr, 0};
    std::array<std::uint8_t, max_rsa_bits / 8> signature;
    CK_ULONG size = signature.size();
    if (!session_) return false;
    CK_RV said = token_->call().C_SignInit(session_->handle(), &mechanism, key_);
    if (said == CKR_OK)  // the interface takes what it only reads without const
      said = token_->call().C_Sign(session_->handle(), const_cast<unsigned char*>(data.data()), data.size(),
                                   signature.data(), &size);
    if (said != CKR_OK) return fail(describe_rv(said));
    const std::size_t due = info_of(way_->algorithm).signature_octets;
    if (size > signature.size() || (due != 0 && size != due)) return fail("the signature is of another size");
    append_octets(out, OctetView{signature}.first(size));
    return true;
  }

 private:
  bool fail(std::string_view why) {
    trouble_->note(token_->name() + ": it does not sign: " + std::string{why});
    return false;
  }

  std::shared_ptr<const OpenToken> token_;
  CK_OBJECT_HANDLE key_;
  const Way* way_;
  Digest digest_;
  std::unique_ptr<Pkcs11Session> session_;
  std::shared_ptr<FirstTrouble> trouble_;
};

class TokenKey final : public RemoteKey {
 public:
  TokenKey(std::shared_ptr<const OpenToken> token, CK_OBJECT_HANDLE key, const Way& way)
      : token_{std::move(token)}, key_{key}, way_{&way} {}
  std::unique_ptr<RemoteSigner> signer() const override {
    return std::make_unique<TokenSigner>(token_, key_, *way_, trouble_);
  }
  std::string trouble() const override { return trouble_->text(); }

 private:
  std::shared_ptr<const OpenToken> token_;
  CK_OBJECT_HANDLE key_;
  const Way* way_;
  std::shared_ptr<FirstTrouble> trouble_ = std::make_shared<FirstTrouble>();
};

std::expected<PrivateKey, std::string> OpenToken::key_of(CK_OBJECT_HANDLE secret, CK_OBJECT_HANDLE open,
                                                         const Way& way) {
  Octets octets = public_octets(*session_, open, way);
  if (octets.empty()) return std::unexpected{name_ + ": the key is none of this algorithm"};
  const auto self = std::static_pointer_cast<const OpenToken>(shared_from_this());
  auto key = PrivateKey::remote(way.algorithm, std::move(octets), std::make_shared<TokenKey>(self, secret, way));
  if (!key) return std::unexpected{name_ + ": " + std::string{describe(key.error())}};
  return std::move(*key);
}

std::expected<PrivateKey, std::string> OpenToken::find(const TokenUri& uri, Algorithm algorithm) {
  const Way* way = way_of(algorithm);
  if (way == nullptr) return std::unexpected{name_ + ": keys of this algorithm are not used in tokens"};
  std::array<CK_OBJECT_HANDLE, 2> halves{};
  for (std::size_t half = 0; half < halves.size(); ++half) {
    Attributes wanted;
    wanted.number(CKA_CLASS, half == 0 ? CKO_PRIVATE_KEY : CKO_PUBLIC_KEY);
    wanted.number(CKA_KEY_TYPE, way->key_type);
    if (!uri.id.empty()) wanted.octets(CKA_ID, uri.id);
    if (!uri.object.empty()) wanted.text(CKA_LABEL, uri.object);
    const auto found = session_->find(wanted, 2);
    const std::string what = half == 0 ? "private" : "public";
    if (found.empty()) return std::unexpected{name_ + ": it has no " + what + " key like that"};
    if (found.size() > 1) return std::unexpected{name_ + ": it has several " + what + " keys like that"};
    halves[half] = found.front();
  }
  return key_of(halves[0], halves[1], *way);
}

std::expected<PrivateKey, std::string> OpenToken::generate(Algorithm algorithm, unsigned rsa_bits,
                                                           const std::string& label, OctetView id) {
  const Way* way = way_of(algorithm);
  if (way == nullptr) return std::unexpected{name_ + ": keys of this algorithm are not made in tokens"};
  Attributes open;
  Attributes closed;
  for (Attributes* one : {&open, &closed}) {
    one->flag(CKA_TOKEN, true);
    one->octets(CKA_ID, id);
    one->text(CKA_LABEL, label);
  }
  open.flag(CKA_VERIFY, true);
  closed.flag(CKA_PRIVATE, true);
  closed.flag(CKA_SIGN, true);
  closed.flag(CKA_SENSITIVE, true);
  closed.flag(CKA_EXTRACTABLE, false);
  if (way->key_type == CKK_RSA) {
    open.number(CKA_MODULUS_BITS, rsa_bits);
    open.octets(CKA_PUBLIC_EXPONENT, public_exponent);
  } else {
    open.octets(CKA_EC_PARAMS, way->curve);
  }
  const auto session = new_session(writing);
  if (!session) return std::unexpected{session.error()};
  CK_MECHANISM mechanism{way->generate, nullptr, 0};
  CK_OBJECT_HANDLE public_key = 0;
  CK_OBJECT_HANDLE private_key = 0;
  const auto open_list = open.list();
  const auto closed_list = closed.list();
  const CK_RV said = call().C_GenerateKeyPair((*session)->handle(), &mechanism, open_list.data(), open_list.size(),
                                              closed_list.data(), closed_list.size(), &public_key, &private_key);
  if (said != CKR_OK) return trouble("no key can be made", said);
  auto key = key_of(private_key, public_key, *way);
  if (key) return key;
  std::string error = key.error();  // nobody would ever find that pair again
  for (const CK_OBJECT_HANDLE object : {private_key, public_key}) {
    if (const CK_RV gone = call().C_DestroyObject((*session)->handle(), object); gone != CKR_OK)
      error += "; and what was made cannot be destroyed: " + describe_rv(gone);
  }
  return std::unexpected{std::move(error)};
}

std::expected<void, std::string> OpenToken::destroy(OctetView id) {
  const auto session = new_session(writing);
  if (!session) return std::unexpected{session.error()};
  for (const CK_OBJECT_CLASS half : {CKO_PRIVATE_KEY, CKO_PUBLIC_KEY}) {
    Attributes wanted;
    wanted.number(CKA_CLASS, half);
    wanted.octets(CKA_ID, id);
    for (const CK_OBJECT_HANDLE object : (*session)->find(wanted, 2)) {
      if (const CK_RV said = call().C_DestroyObject((*session)->handle(), object); said != CKR_OK)
        return trouble("a key cannot be destroyed", said);
    }
  }
  return {};
}

/// The one slot whose token is meant.
std::expected<CK_SLOT_ID, std::string> slot_of(const Pkcs11Module& module, const TokenUri& uri) {
  std::array<CK_SLOT_ID, max_slots> slots{};
  CK_ULONG count = slots.size();
  if (const CK_RV said = module.call().C_GetSlotList(CK_TRUE, slots.data(), &count); said != CKR_OK)
    return std::unexpected{name_of(uri) + ": the module lists no tokens: " + describe_rv(said)};
  std::optional<CK_SLOT_ID> found;
  for (const CK_SLOT_ID slot : std::span{slots}.first(std::min<std::size_t>(count, slots.size()))) {
    CK_TOKEN_INFO info{};
    if (module.call().C_GetTokenInfo(slot, &info) != CKR_OK || (info.flags & CKF_TOKEN_INITIALIZED) == 0) continue;
    if (!fits(uri.token, info.label) || !fits(uri.manufacturer, info.manufacturerID) || !fits(uri.model, info.model) ||
        !fits(uri.serial, info.serialNumber))
      continue;
    if (found) return std::unexpected{name_of(uri) + ": several tokens are like that; say more of it in the URI"};
    found = slot;
  }
  if (!found) return std::unexpected{name_of(uri) + ": it is not there (module " + uri.module_path + ")"};
  return *found;
}

}  // namespace

std::expected<std::shared_ptr<Token>, std::string> Token::open(const TokenUri& uri) {
  if (uri.module_path.empty()) return std::unexpected{name_of(uri) + ": its URI has no module-path=FILE"};
  const auto pin = read_pin(uri);
  if (!pin) return std::unexpected{pin.error()};
  auto module = Pkcs11Module::load(uri.module_path);
  if (!module) return std::unexpected{module.error()};
  const auto slot = slot_of(**module, uri);
  if (!slot) return std::unexpected{slot.error()};
  auto token = std::make_shared<OpenToken>(std::move(*module), *slot, name_of(uri));
  if (auto in = token->log_in(*pin); !in) return std::unexpected{in.error()};
  return token;
}

}  // namespace redoubt::dnssec
