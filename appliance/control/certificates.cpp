#include "appliance/control/certificates.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/asn1.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <memory>
#include <utility>
#include <variant>

#include "appliance/control/files.hpp"
#include "appliance/log/log.hpp"

namespace redoubt::control {

namespace {

using channel::Descriptor;
using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

/// Between two looks at files, and at the age of a certificate of our own.
constexpr std::chrono::seconds files_period{10};
constexpr std::chrono::hours own_period{6};
constexpr std::array warning_days{30, 14, 7, 0};
constexpr std::int64_t day = 86'400;
constexpr std::size_t max_kept_file = 64 * 1024;
constexpr const char* kept_file = "certificate.pem";
constexpr const char* kept_file_being_written = "certificate.pem.new";

std::int64_t now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

Certificate certificate_from(const std::vector<std::uint8_t>& der) {
  const unsigned char* at = der.data();
  return {d2i_X509(nullptr, &at, static_cast<long>(der.size())), &X509_free};
}

bool is_wildcard(const dns::IpAddress& address) {
  return std::ranges::all_of(address.octets(), [](std::uint8_t octet) { return octet == 0; });
}

std::string whole_path(const std::string& path, const std::string& configuration_path) {
  return path.starts_with('/') ? path : folder_of(configuration_path) + "/" + path;
}

}  // namespace

CertificateNames names_for(const config::Configuration& configuration, const std::vector<dns::IpAddress>& own) {
  CertificateNames names;
  const auto add = [&names](const dns::IpAddress& address) {
    if (names.addresses.size() + 1 < channel::max_certificate_names &&
        std::ranges::find(names.addresses, address) == names.addresses.end())
      names.addresses.push_back(address);
  };
  for (const config::Listener& listener : configuration.listeners) {
    if (!listener.tls && !listener.https) continue;
    if (!is_wildcard(listener.at.address)) {
      add(listener.at.address);
      continue;
    }
    for (const dns::IpAddress& address : own) {
      if (address.is_v6() == listener.at.address.is_v6()) add(address);
    }
  }
  for (const dns::Name& name : configuration.tls.names) {
    std::string text = name.lowercased().to_text();
    if (text.size() > 1 && text.ends_with('.')) text.pop_back();
    names.names.push_back(std::move(text));
  }
  return names;
}

std::optional<std::int64_t> expiry_of(const std::vector<std::uint8_t>& certificate) {
  const Certificate read = certificate_from(certificate);
  std::tm ends{};
  if (!read || ASN1_TIME_to_tm(X509_get0_notAfter(read.get()), &ends) != 1) return std::nullopt;
  return ::timegm(&ends);
}

std::optional<int> warning_due(std::int64_t seconds_left) {
  std::optional<int> due;
  for (const int days : warning_days) {
    if (seconds_left <= days * day) due = days;
  }
  return due;
}

Certificates::Certificates(boost::asio::io_context& loop, TellMonitor tell_monitor, TellTransport tell_transport,
                           OnTrouble on_trouble)
    : keykeeper_{loop.get_executor()},
      timer_{loop},
      tell_monitor_{std::move(tell_monitor)},
      tell_transport_{std::move(tell_transport)},
      on_trouble_{std::move(on_trouble)} {}

void Certificates::use(const config::Configuration& configuration, const std::string& configuration_path,
                       const std::vector<dns::IpAddress>& own_addresses) {
  const auto is_encrypted = [](const config::Listener& listener) { return listener.tls || listener.https; };
  wanted_ = std::ranges::any_of(configuration.listeners, is_encrypted);
  names_ = names_for(configuration, own_addresses);
  const bool own = configuration.tls.certificate == "self-signed";
  certificate_path_ = own ? "" : whole_path(configuration.tls.certificate, configuration_path);
  key_path_ = own ? "" : whole_path(configuration.tls.key, configuration_path);
  last_trouble_.clear();
  look();
}

void Certificates::attach_keykeeper(channel::Channel channel) {
  keykeeper_.attach(
      std::move(channel), [this](channel::Received received) { hear(received); }, [] {});
  look();
}

void Certificates::on_transport() {
  if (!chain_.empty() && !tell_transport_(channel::UseCertificate{chain_}))
    log::warning("transport does not take the certificate");
}

void Certificates::on_taken(const channel::CertificateTaken& taken) const {
  if (!taken.trouble.empty()) log::error("transport does not use the certificate: {}", log::printable(taken.trouble));
}

void Certificates::look() {
  timer_.cancel();
  if (!wanted_ || !keykeeper_.attached()) return;
  if (self_signed()) {
    const channel::MakeCertificate wish{++last_id_, names_.names, names_.addresses, read_former()};
    keykeeper_.send(channel::encode(channel::ControlToKeykeeper{wish}));
  } else {
    tell_monitor_(channel::OpenTlsFiles{++last_id_, certificate_path_, key_path_});
  }
  look_again();
}

void Certificates::look_again() {
  timer_.expires_after(self_signed() ? std::chrono::seconds{own_period} : files_period);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) look();
  });
}

void Certificates::hear(const channel::Received& received) {
  const auto message = channel::decode_keykeeper_to_control(received.octets);
  if (!message || !received.descriptors.empty()) {
    log::error("keykeeper sent a message that cannot be read; its channel is closed");
    return keykeeper_.close();
  }
  if (const auto* made = std::get_if<channel::CertificateMade>(&*message); made != nullptr && made->id == last_id_) {
    if (!made->trouble.empty()) return fail(made->trouble);
    write_for_people(made->certificate);
    have({made->certificate});
  } else if (const auto* read = std::get_if<channel::TlsFilesRead>(&*message);
             read != nullptr && read->id == last_id_) {
    if (!read->trouble.empty()) return fail(fmt::format("{}: {}", certificate_path_, read->trouble));
    have(read->chain);
  }
}

void Certificates::on_files_missing(const channel::TlsFilesMissing& missing) {
  if (missing.id == last_id_) fail(missing.trouble);
}

void Certificates::have(channel::CertificateChain chain) {
  last_trouble_.clear();
  if (chain != chain_) {
    chain_ = std::move(chain);
    expires_at_ = expiry_of(chain_.front());
    warned_.reset();
    log::info("the certificate of the encrypted listeners is {}", self_signed() ? "our own" : certificate_path_);
    on_transport();
  }
  warn_of_expiry();
}

/// Said once, for files are looked at often; while an ACME client writes one after the other they may not fit.
void Certificates::fail(const std::string& trouble) {
  if (std::exchange(last_trouble_, trouble) == trouble) return;
  log::error("tls: {}{}", log::printable(trouble), chain_.empty() ? "" : "; the former certificate stays");
  if (chain_.empty()) on_trouble_(trouble);
}

void Certificates::warn_of_expiry() {
  if (!expires_at_) return;
  const std::int64_t left = *expires_at_ - now();
  const auto due = warning_due(left);
  if (!due || due == warned_) return;
  warned_ = due;
  if (left <= 0)
    log::error("the certificate of the encrypted listeners has expired");
  else
    log::warning("the certificate of the encrypted listeners expires in {} days", left / day);
}

std::vector<std::uint8_t> Certificates::read_former() const {
  const Descriptor file{::openat(state_folder_, kept_file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)};
  if (!file) return {};
  const auto text = read_all(file.get(), max_kept_file);
  if (!text) return {};
  const Bio bio{BIO_new_mem_buf(text->data(), static_cast<int>(text->size())), &BIO_free};
  const Certificate certificate{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), &X509_free};
  unsigned char* der = nullptr;
  const int count = certificate ? i2d_X509(certificate.get(), &der) : 0;
  std::vector<std::uint8_t> octets;
  if (count > 0 && static_cast<std::size_t>(count) <= channel::max_certificate_octets) octets.assign(der, der + count);
  OPENSSL_free(der);
  return octets;
}

/// A client that is to trust a self-signed certificate needs it in a file.
void Certificates::write_for_people(const std::vector<std::uint8_t>& certificate) const {
  const Certificate read = certificate_from(certificate);
  const Bio bio{BIO_new(BIO_s_mem()), &BIO_free};
  if (!read || !bio || PEM_write_bio_X509(bio.get(), read.get()) != 1) return;
  char* text = nullptr;
  const long octets = BIO_get_mem_data(bio.get(), &text);
  const Descriptor file{
      ::openat(state_folder_, kept_file_being_written, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644)};
  const bool written = file && ::write(file.get(), text, static_cast<std::size_t>(octets)) == octets &&
                       ::fchmod(file.get(), 0644) == 0 &&
                       ::renameat(state_folder_, kept_file_being_written, state_folder_, kept_file) == 0;
  if (!written) log::warning("the certificate cannot be written to the state folder");
}

}  // namespace redoubt::control
