#include "appliance/ctl/tls_files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/asn1.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <expected>

#include "appliance/channel/channel.hpp"
#include "dnssec/tls/tls_keys.hpp"

namespace redoubt::ctl {

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

std::string from_folder_of(const std::string& configuration_path, const std::string& path) {
  const std::size_t slash = configuration_path.rfind('/');
  if (path.starts_with('/') || slash == std::string::npos) return path;
  return configuration_path.substr(0, slash + 1) + path;
}

class Look {
 public:
  explicit Look(std::int64_t now) : now_{now} {}

  void at(const std::string& certificate, const std::string& key) {
    const auto chain = open(certificate);
    const auto secret = open(key);
    if (!chain || !secret) return;
    if ((secret->mode & (S_IROTH | S_IWOTH)) != 0)
      warn(key, fmt::format("everybody on this machine may read the key (mode {:04o})", secret->mode & 07777U));
    keykeeper::TlsKeys keys;
    const auto taken = keys.take(chain->octets, secret->octets);
    if (!taken) {
      found_.faults.push_back(fmt::format("tls: {}: {}", certificate, taken.error()));
      return;
    }
    look_at_time(certificate, taken->front());
  }
  TlsFindings take() { return std::move(found_); }

 private:
  void warn(const std::string& path, std::string_view what) {
    found_.warnings.push_back(fmt::format("tls: {}: {}", path, what));
  }

  std::optional<Read> open(const std::string& path) {
    auto read = read_file(path);
    if (read) return *std::move(read);
    // The daemon opens these as root.
    if (read.error() == EACCES && ::geteuid() != 0)
      warn(path, "this user may not read it; run the check as root to have it looked at");
    else
      found_.faults.push_back(fmt::format("tls: {}: {}", path, std::strerror(read.error())));
    return std::nullopt;
  }

  void look_at_time(const std::string& path, const std::vector<std::uint8_t>& der) {
    const unsigned char* at = der.data();
    const keykeeper::Certificate certificate{d2i_X509(nullptr, &at, static_cast<long>(der.size()))};
    std::tm begins{};
    std::tm ends{};
    if (!certificate || ASN1_TIME_to_tm(X509_get0_notBefore(certificate.get()), &begins) != 1 ||
        ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &ends) != 1)
      return warn(path, "its time cannot be read");
    const std::int64_t left = ::timegm(&ends) - now_;
    if (left <= 0)
      warn(path, "the certificate has expired");
    else if (::timegm(&begins) > now_)
      warn(path, "the certificate is not valid yet");
    else if (left < warning_days * day)
      warn(path, fmt::format("the certificate expires in {} days", left / day));
  }

  std::int64_t now_;
  TlsFindings found_;
};

}  // namespace

TlsFindings look_at_tls_files(const config::Tls& tls, const std::string& configuration_path, std::int64_t now) {
  Look look{now};
  if (tls.certificate != "self-signed")
    look.at(from_folder_of(configuration_path, tls.certificate), from_folder_of(configuration_path, tls.key));
  for (const config::CertificateFiles& more : tls.more)
    look.at(from_folder_of(configuration_path, more.certificate), from_folder_of(configuration_path, more.key));
  return look.take();
}

}  // namespace redoubt::ctl
