#include "dnssec/keys/pkcs11_module.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <mutex>

#include "dnssec/keys/durable_file.hpp"

namespace redoubt::dnssec {

namespace {

constexpr CK_ULONG most_octets = 16 * 1024;  // of one attribute that we read

struct Word {
  CK_RV value;
  const char* text;
};
constexpr std::array words{
    Word{CKR_PIN_INCORRECT, "the PIN is wrong"},
    Word{CKR_PIN_LEN_RANGE, "the PIN is too short or too long"},
    Word{CKR_PIN_LOCKED, "the PIN is locked after too many wrong ones"},
    Word{CKR_PIN_EXPIRED, "the PIN has expired"},
    Word{CKR_USER_PIN_NOT_INITIALIZED, "it has no user PIN yet"},
    Word{CKR_TOKEN_NOT_PRESENT, "it is not there any more"},
    Word{CKR_DEVICE_REMOVED, "it was taken away"},
    Word{CKR_DEVICE_ERROR, "the device reports an error"},
    Word{CKR_DEVICE_MEMORY, "the device has no room left"},
    Word{CKR_HOST_MEMORY, "no memory"},
    Word{CKR_MECHANISM_INVALID, "it cannot do this algorithm"},
    Word{CKR_KEY_TYPE_INCONSISTENT, "the key is of another kind"},
    Word{CKR_KEY_FUNCTION_NOT_PERMITTED, "the key may not be used so"},
    Word{CKR_SESSION_COUNT, "it has no session left"},
    Word{CKR_TOKEN_WRITE_PROTECTED, "it is write-protected"},
    Word{CKR_USER_NOT_LOGGED_IN, "nobody is logged in"},
    Word{CKR_CURVE_NOT_SUPPORTED, "it does not know this curve"},
    Word{CKR_ATTRIBUTE_VALUE_INVALID, "it refuses what the key should be"},
};

}  // namespace

std::string describe_rv(CK_RV value) {
  const auto* word = std::ranges::find(words, value, &Word::value);
  return word != words.end() ? word->text : "PKCS#11 error " + std::to_string(value);
}

std::string_view why_not_log_in(CK_FLAGS flags) {
  if ((flags & CKF_USER_PIN_LOCKED) != 0)
    return "the PIN is locked after too many wrong ones; the token's security officer sets a new one";
  if ((flags & CKF_USER_PIN_FINAL_TRY) != 0)
    return "one more wrong PIN locks it, so it is not tried here; put the PIN of pin-source right, and log in once "
           "with "
           "the token's own tool";
  return {};
}

std::expected<std::shared_ptr<Pkcs11Module>, std::string> Pkcs11Module::load(const std::string& path) {
  static std::mutex mutex;
  static std::map<std::string, std::shared_ptr<Pkcs11Module>> loaded;
  const std::lock_guard lock{mutex};
  if (const auto known = loaded.find(path); known != loaded.end()) return known->second;
  if (!path.starts_with('/')) return std::unexpected{path + ": module-path is no whole path of a PKCS#11 module"};
  const auto file = path_that_only_we_change(path);
  if (!file) return std::unexpected{"no PKCS#11 module is loaded: " + file.error()};
  void* library = ::dlopen(file->c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* why = ::dlerror();
    return std::unexpected{path + ": no PKCS#11 module can be loaded: " + (why == nullptr ? "" : why)};
  }
  CK_C_GetFunctionList list = nullptr;
  void* symbol = ::dlsym(library, "C_GetFunctionList");
  std::memcpy(&list, &symbol, sizeof list);  // POSIX: an address of a function comes as one of an object
  CK_FUNCTION_LIST* functions = nullptr;
  if (list == nullptr || list(&functions) != CKR_OK || functions == nullptr)
    return std::unexpected{path + ": it is no PKCS#11 module"};
  CK_C_INITIALIZE_ARGS arguments{};
  arguments.flags = CKF_OS_LOCKING_OK;
  const CK_RV ready = functions->C_Initialize(&arguments);
  if (ready != CKR_OK && ready != CKR_CRYPTOKI_ALREADY_INITIALIZED)
    return std::unexpected{path + ": the module does not start: " + describe_rv(ready)};
  std::shared_ptr<Pkcs11Module> module{new Pkcs11Module{functions}};
  loaded.emplace(path, module);
  return module;
}

void Attributes::number(CK_ATTRIBUTE_TYPE type, CK_ULONG value) {
  std::array<std::uint8_t, sizeof value> octets_of_value;
  std::memcpy(octets_of_value.data(), &value, sizeof value);  // the interface has numbers as this machine has them
  octets(type, octets_of_value);
}

void Attributes::octets(CK_ATTRIBUTE_TYPE type, OctetView value) {
  values_.push_back({type, {value.begin(), value.end()}});
}

std::span<CK_ATTRIBUTE> Attributes::list() {
  list_.clear();
  for (One& one : values_) list_.push_back({one.type, one.value.data(), one.value.size()});
  return list_;
}

std::vector<CK_OBJECT_HANDLE> Pkcs11Session::find(Attributes& wanted, std::size_t most) const {
  const auto list = wanted.list();
  if (functions_->C_FindObjectsInit(handle_, list.data(), list.size()) != CKR_OK) return {};
  std::vector<CK_OBJECT_HANDLE> found(most);
  CK_ULONG count = 0;
  if (functions_->C_FindObjects(handle_, found.data(), found.size(), &count) != CKR_OK) count = 0;
  functions_->C_FindObjectsFinal(handle_);
  found.resize(std::min<std::size_t>(count, most));
  return found;
}

Octets Pkcs11Session::value(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) const {
  CK_ATTRIBUTE attribute{type, nullptr, 0};
  if (functions_->C_GetAttributeValue(handle_, object, &attribute, 1) != CKR_OK || attribute.ulValueLen > most_octets)
    return {};
  Octets octets(attribute.ulValueLen);
  attribute.pValue = octets.data();
  if (functions_->C_GetAttributeValue(handle_, object, &attribute, 1) != CKR_OK ||
      attribute.ulValueLen != octets.size())
    return {};
  return octets;
}

}  // namespace redoubt::dnssec
