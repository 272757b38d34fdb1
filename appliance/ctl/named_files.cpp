#include "appliance/ctl/named_files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/capability.h>
#include <openssl/asn1.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <expected>
#include <optional>
#include <string_view>
#include <utility>

#include "appliance/channel/channel.hpp"
#include "appliance/log/log.hpp"
#include "dnssec/tls/tls_keys.hpp"

namespace redoubt::ctl {

std::string from_folder_of(const std::string& configuration_path, const std::string& path) {
  const std::size_t slash = configuration_path.rfind('/');
  if (path.starts_with('/') || slash == std::string::npos) return path;
  return configuration_path.substr(0, slash + 1) + path;
}

namespace {

constexpr std::size_t max_tls_file = 96 * 1024;  // octets: what keykeeper takes
constexpr std::int64_t day = 86'400;
constexpr int warning_days = 30;

struct Read {
  std::vector<std::uint8_t> octets;
  unsigned mode;
};

std::expected<Read, int> read_file(const std::string& path) {
  const channel::Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)};
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) return std::unexpected{errno};
  if (!S_ISREG(status.st_mode)) return std::unexpected{EINVAL};
  Read read{.octets = std::vector<std::uint8_t>(max_tls_file), .mode = status.st_mode};
  std::size_t count = 0;
  while (count < read.octets.size()) {
    const ssize_t got = ::read(file.get(), read.octets.data() + count, read.octets.size() - count);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected{errno};
    if (got == 0) {
      read.octets.resize(count);
      return read;
    }
    count += static_cast<std::size_t>(got);
  }
  return std::unexpected{EFBIG};
}

/// While it lives, root has no right to pass over permissions: monitor has given that up when it opens files. Where it
/// cannot be had (a thread's capabilities may be locked), all is as it was.
class WithoutOverride {
 public:
  WithoutOverride() {
    dropped_ = ::syscall(SYS_capget, &header_, had_.data()) == 0;
    if (!dropped_) return;
    auto fewer = had_;
    fewer[0].effective &= ~(1U << CAP_DAC_OVERRIDE | 1U << CAP_DAC_READ_SEARCH);
    dropped_ = ::syscall(SYS_capset, &header_, fewer.data()) == 0;
  }
  ~WithoutOverride() {
    if (dropped_) static_cast<void>(::syscall(SYS_capset, &header_, had_.data()));
  }
  WithoutOverride(const WithoutOverride&) = delete;
  WithoutOverride& operator=(const WithoutOverride&) = delete;

 private:
  __user_cap_header_struct header_{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> had_{};
  bool dropped_ = false;
};

/// A setting that names a file, and where that stands.
struct Named {
  std::string_view setting;
  std::size_t entry;  ///< of a list
  std::string path;
};

/// `wanted`: some listener has a use for them.
class Look {
 public:
  Look(const config::Places& places, std::int64_t now, bool wanted) : places_{places}, now_{now}, wanted_{wanted} {}

  void at(const Named& certificate, const Named& key) {
    const auto chain = open(certificate);
    const auto secret = open(key);
    if (!chain || !secret) return;
    if ((secret->mode & (S_IROTH | S_IWOTH)) != 0)
      warn(key, fmt::format("everybody on this machine may read the key (mode {:04o})", secret->mode & 07777U));
    keykeeper::TlsKeys keys;
    const auto taken = keys.take(chain->octets, secret->octets);
    if (!taken) return fault(certificate, taken.error());
    look_at_time(certificate, taken->front());
  }
  /// Whoever listens.
  void always_fault(const Named& file, std::string_view what) { found_.faults.push_back(remark(file, what)); }
  /// Of a certificate or its key.
  void fault(const Named& file, std::string_view what) {
    if (!wanted_) return warn(file, fmt::format("{} (no listener has tls or https: it is not used)", what));
    always_fault(file, what);
  }
  void warn(const Named& file, std::string_view what) { found_.warnings.push_back(remark(file, what)); }
  config::Remarks take() { return std::move(found_); }

 private:
  config::Remark remark(const Named& file, std::string_view what) const {
    return {config::place_in(places_, file.setting, file.entry),
            fmt::format("{}: {}: {}", file.setting, log::printable(file.path), what)};
  }

  std::optional<Read> open(const Named& file) {
    auto read = read_file(file.path);
    if (read) return *std::move(read);
    if (read.error() == EFBIG)
      fault(file, fmt::format("it has more than {} octets", max_tls_file - 1));
    else if (read.error() == EINVAL)
      fault(file, "not a file");
    else if (read.error() != EACCES)
      fault(file, std::strerror(read.error()));
    else if (::geteuid() != 0)  // the daemon opens these as root
      warn(file, "this user may not read it; run the check as root to have it looked at");
    else
      fault(file, "root may read it by overriding its mode only, which resolverd has given up: let root own it");
    return std::nullopt;
  }

  void look_at_time(const Named& file, const std::vector<std::uint8_t>& der) {
    const unsigned char* at = der.data();
    const keykeeper::Certificate certificate{d2i_X509(nullptr, &at, static_cast<long>(der.size()))};
    std::tm begins{};
    std::tm ends{};
    if (!certificate || ASN1_TIME_to_tm(X509_get0_notBefore(certificate.get()), &begins) != 1 ||
        ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &ends) != 1)
      return warn(file, "its time cannot be read");
    const std::int64_t left = ::timegm(&ends) - now_;
    if (left <= 0)
      warn(file, "the certificate has expired");
    else if (::timegm(&begins) > now_)
      warn(file, "the certificate is not valid yet");
    else if (left < warning_days * day)
      warn(file, fmt::format("the certificate expires in {} days", left / day));
  }

  const config::Places& places_;
  std::int64_t now_;
  bool wanted_;
  config::Remarks found_;
};

struct Trouble {
  std::string what;
  bool is_denied = false;  ///< to this user, which says nothing of the daemon
};

/// Why it cannot be opened; nothing where it can.
/// for_another  it will be opened as another user than root, who may look at it here
std::optional<Trouble> trouble_with(const std::string& path, bool for_another) {
  const channel::Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)};
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) return Trouble{std::strerror(errno), errno == EACCES};
  if (!S_ISREG(status.st_mode)) return Trouble{"not a file"};
  const bool is_roots = status.st_uid == 0 && status.st_gid == 0 && (status.st_mode & S_IROTH) == 0;
  if (for_another && ::geteuid() == 0 && is_roots)
    return Trouble{"root alone may read it, and control, as which resolverd reads it, is another user"};
  return std::nullopt;
}

}  // namespace

config::Remarks look_at_named_files(const config::Configuration& configuration, const config::Places& places,
                                    const std::string& configuration_path, std::int64_t now) {
  const auto named = [&](std::string_view setting, const std::string& path, std::size_t entry = 0) {
    return Named{setting, entry, from_folder_of(configuration_path, path)};
  };
  const config::Tls& tls = configuration.tls;
  Look look{places, now, std::ranges::any_of(configuration.listeners, [](const config::Listener& listener) {
              return listener.tls || listener.https;
            })};
  {
    const WithoutOverride as_monitor_does;
    if (tls.certificate != "self-signed") look.at(named("tls.certificate", tls.certificate), named("tls.key", tls.key));
    for (std::size_t i = 0; i < tls.more.size(); ++i)
      look.at(named("tls.more[].certificate", tls.more[i].certificate, i), named("tls.more[].key", tls.more[i].key, i));
  }

  const auto later = [&](const Named& file) {
    if (const auto trouble = trouble_with(file.path, true)) look.warn(file, trouble->what);
  };
  const auto& forwards = configuration.resolution.forward;
  for (std::size_t i = 0; i < forwards.size(); ++i) {
    if (!forwards[i].to_file.empty()) later(named("resolution.forward[].to-file", forwards[i].to_file, i));
  }
  const auto& root = configuration.resolution.local_root;
  if (root && !root->file.empty()) later(named("resolution.local-root", root->file));

  const std::string& passphrase = configuration.zone_keys.passphrase_file;
  if (configuration.zone_keys.folder.empty() || passphrase.empty()) return look.take();
  // control opens it at its start, when it may read everything.
  const Named file = named("zone-keys.passphrase-file", passphrase);
  if (const auto trouble = trouble_with(file.path, false)) {
    const bool may_be_fine = trouble->is_denied && ::geteuid() != 0;
    if (may_be_fine)
      look.warn(file, trouble->what);
    else
      look.always_fault(file, trouble->what);
  }
  return look.take();
}

}  // namespace redoubt::ctl
