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
#include <cerrno>
#include <chrono>
#include <cstring>
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
/// For keykeeper to look at the files of a configuration that is to be used.
constexpr std::chrono::seconds examination_time{3};
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

bool is_wanted(const config::Configuration& configuration) {
  return std::ranges::any_of(configuration.listeners,
                             [](const config::Listener& listener) { return listener.tls || listener.https; });
}

/// Of all certificates, the one for whoever names no other first; empty paths for a self-signed one.
std::vector<config::CertificateFiles> files_of(const config::Configuration& configuration,
                                               const std::string& configuration_path) {
  const config::Tls& tls = configuration.tls;
  if (tls.certificate == "self-signed") return {config::CertificateFiles{}};
  std::vector<config::CertificateFiles> files{{tls.certificate, tls.key}};
  files.insert(files.end(), tls.more.begin(), tls.more.end());
  for (config::CertificateFiles& pair : files) {
    pair.certificate = whole_path(pair.certificate, configuration_path);
    pair.key = whole_path(pair.key, configuration_path);
  }
  return files;
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
      patience_{loop},
      tell_monitor_{std::move(tell_monitor)},
      tell_transport_{std::move(tell_transport)},
      on_trouble_{std::move(on_trouble)} {}

Certificates::Settings Certificates::settings_of(std::size_t index, const std::string& configuration_path,
                                                 const config::Places& places) {
  const bool more = index != 0;
  const auto told = [&](const std::string& setting) {
    return config::Remark{config::place_in(places, setting, more ? index - 1 : 0), setting}.to_text(configuration_path);
  };
  const std::string section = more ? "tls.more[]." : "tls.";
  return {.certificate = told(section + "certificate"), .key = told(section + "key")};
}

void Certificates::examine(const config::Configuration& configuration, const std::string& configuration_path,
                           const config::Places& places, OnExamined then) {
  patience_.cancel();
  fresh_.clear();
  examining_ = Examining{};  // clang takes no emplace() here: of a nested class with defaults of its own
  examining_->then = std::move(then);
  const auto files =
      is_wanted(configuration) ? files_of(configuration, configuration_path) : std::vector<config::CertificateFiles>{};
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (!files[i].certificate.empty())
      examining_->files.emplace(++last_id_, Examined{files[i], settings_of(i, configuration_path, places)});
  }
  examining_->open = examining_->files.size();
  if (examining_->open == 0) return end_examination();
  if (!keykeeper_.attached()) {
    examining_->found.warnings.emplace_back("tls: keykeeper is not there now, and has not seen the certificates");
    return end_examination();
  }
  for (const auto& [id, row] : examining_->files)
    tell_monitor_(channel::OpenTlsFiles{id, row.files.certificate, row.files.key});
  patience_.expires_after(examination_time);
  patience_.async_wait([this](const boost::system::error_code& error) {
    if (error || !examining_) return;
    examining_->found.warnings.emplace_back("tls: keykeeper has not said in time whether the certificates can be used");
    end_examination();
  });
}

/// Whether that id is an examination's.
bool Certificates::examined(channel::RequestId id, const std::string& trouble, bool of_key,
                            const channel::TlsFilesRead* read) {
  if (!examining_) return false;
  const auto row = examining_->files.find(id);
  if (row == examining_->files.end()) return false;
  const auto say = [&row = row->second](std::vector<std::string>& where, bool key, std::string_view what) {
    where.push_back(fmt::format("{}: {}: {}", key ? row.settings.key : row.settings.certificate,
                                log::printable(key ? row.files.key : row.files.certificate), log::printable(what)));
  };
  if (!trouble.empty()) {
    say(examining_->found.faults, of_key, trouble);
  } else if (read != nullptr) {
    row->second.chain = read->chain;
    const auto ends = read->chain.empty() ? std::nullopt : expiry_of(read->chain.front());
    if (ends && *ends <= now()) say(examining_->found.warnings, false, "the certificate has expired");
    if (read->key_exposed) say(examining_->found.warnings, true, "everybody on this machine may read the key");
  }
  if (--examining_->open == 0) end_examination();
  return true;
}

void Certificates::end_examination() {
  patience_.cancel();
  Examining ended = *std::exchange(examining_, std::nullopt);
  for (auto& [id, row] : ended.files) {
    if (row.chain) fresh_.push_back(std::move(row));
  }
  ended.then(ended.found);
}

void Certificates::use(const config::Configuration& configuration, const std::string& configuration_path,
                       const config::Places& places, const std::vector<dns::IpAddress>& own_addresses) {
  wanted_ = is_wanted(configuration);
  names_ = names_for(configuration, own_addresses);
  std::vector<Place> before = std::exchange(places_, {});
  for (const config::CertificateFiles& files : files_of(configuration, configuration_path)) {
    const auto same = std::ranges::find(before, files, &Place::files);
    Place& place = places_.emplace_back(same == before.end() ? Place{.files = files} : *same);
    place.settings = settings_of(places_.size() - 1, configuration_path, places);
    place.last_trouble.clear();
  }
  // Until the new one is there, clients are shown the former one rather than none.
  if (places_.front().chain.empty() && !before.empty()) places_.front().chain = before.front().chain;
  for (Place& place : places_) {
    const auto read = std::ranges::find(fresh_, place.files, &Examined::files);
    if (read != fresh_.end() && !place.self_signed()) have(place, *read->chain);
  }
  fresh_.clear();
  if (places_.size() != before.size() || !std::ranges::equal(places_, before, {}, &Place::files, &Place::files))
    on_transport();
  look();
}

void Certificates::attach_keykeeper(channel::Channel channel) {
  const auto gone = [this] {
    if (keykeeper_gone_) keykeeper_gone_();
  };
  gone();  // what the former one was asked, this one knows nothing of
  for (Place& place : places_) place.key_lost = true;
  keykeeper_.attach(
      std::move(channel), [this](channel::Received received) { hear(received); }, gone);
  look();
}

void Certificates::on_transport() {
  for (const Place& place : places_) show(place);
}

void Certificates::show(const Place& place) {
  if (place.chain.empty()) return;
  const channel::UseCertificate use{.place = static_cast<std::uint32_t>(&place - places_.data()),
                                    .count = static_cast<std::uint32_t>(places_.size()),
                                    .chain = place.chain};
  if (!tell_transport_(use)) log::debug("transport is not there to take the certificate");
}

void Certificates::on_taken(const channel::CertificateTaken& taken) const {
  if (taken.trouble.empty()) return;
  const std::string path = taken.place < places_.size() ? places_[taken.place].files.certificate : std::string{};
  log::error("transport does not use the certificate {}: {}", log::printable(path), log::printable(taken.trouble));
}

void Certificates::look() {
  timer_.cancel();
  if (!wanted_ || !keykeeper_.attached()) return;
  for (Place& place : places_) {
    place.asked = ++last_id_;
    if (place.self_signed()) {
      const channel::MakeCertificate wish{place.asked, names_.names, names_.addresses, read_former()};
      keykeeper_.send(channel::encode(channel::ControlToKeykeeper{wish}));
    } else {
      tell_monitor_(channel::OpenTlsFiles{place.asked, place.files.certificate, place.files.key});
    }
  }
  look_again();
}

void Certificates::look_again() {
  timer_.expires_after(places_.front().self_signed() ? std::chrono::seconds{own_period} : files_period);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) look();
  });
}

Certificates::Place* Certificates::asked(channel::RequestId id) {
  const auto place = std::ranges::find(places_, id, &Place::asked);
  return place == places_.end() ? nullptr : &*place;
}

void Certificates::hear(const channel::Received& received) {
  const auto message = channel::decode_keykeeper_to_control(received.octets);
  if (!message || !received.descriptors.empty()) {
    log::error("keykeeper sent a message that cannot be read; its channel is closed");
    keykeeper_.close();
    if (keykeeper_gone_) keykeeper_gone_();
    return;
  }
  if (const auto* made = std::get_if<channel::CertificateMade>(&*message)) {
    Place* place = asked(made->id);
    if (place == nullptr) return;
    if (!made->trouble.empty()) return fail(*place, made->trouble);
    write_for_people(made->certificate);
    have(*place, {made->certificate});
  } else if (const auto* read = std::get_if<channel::TlsFilesRead>(&*message)) {
    if (examined(read->id, read->trouble, false, read)) return;
    Place* place = asked(read->id);
    if (place == nullptr) return;
    if (!read->trouble.empty()) return fail(*place, read->trouble);
    have(*place, read->chain);
  } else if (zone_keys_answer_) {
    zone_keys_answer_(*message);
  }
}

void Certificates::on_files_missing(const channel::TlsFilesMissing& missing) {
  if (examined(missing.id, missing.trouble, missing.key, nullptr)) return;
  if (Place* place = asked(missing.id)) fail(*place, missing.trouble, missing.key);
}

void Certificates::have(Place& place, channel::CertificateChain chain) {
  // Somebody has copied the wrong files: clients are better served by what is good, as long as its key is there.
  const auto has_ended = [](std::optional<std::int64_t> end) { return end && *end <= now(); };
  if (!place.key_lost && place.expires_at && !has_ended(place.expires_at) && !chain.empty() &&
      has_ended(expiry_of(chain.front()))) {
    fail(place, "the certificate has expired");
    return warn_of_expiry(place);  // of the one that stays
  }
  place.key_lost = false;
  place.last_trouble.clear();
  if (chain != place.chain && !chain.empty()) {
    place.chain = std::move(chain);
    place.expires_at = expiry_of(place.chain.front());
    place.warned.reset();
    log::info("the certificate of the encrypted listeners is {}",
              place.self_signed() ? "our own" : log::printable(place.files.certificate));
    show(place);
  }
  warn_of_expiry(place);
}

/// Said once, for files are looked at often; while an ACME client writes one after the other they may not fit.
void Certificates::fail(Place& place, const std::string& trouble, bool of_key) {
  const std::string& path = of_key ? place.files.key : place.files.certificate;
  const std::string& setting = of_key ? place.settings.key : place.settings.certificate;
  const std::string told = place.self_signed()
                               ? "tls: " + log::printable(trouble)
                               : fmt::format("{}: {}: {}", setting, log::printable(path), log::printable(trouble));
  if (std::exchange(place.last_trouble, told) == told) return;
  log::error("{}{}", told, place.chain.empty() ? "" : "; the former certificate stays");
  if (place.chain.empty()) on_trouble_(told);
}

std::optional<std::int64_t> Certificates::expires_at() const {
  std::optional<std::int64_t> first;
  for (const Place& place : places_) {
    if (place.expires_at) first = std::min(first.value_or(*place.expires_at), *place.expires_at);
  }
  return first;
}

void Certificates::warn_of_expiry(Place& place) {
  if (!place.expires_at) return;
  const std::int64_t left = *place.expires_at - now();
  const auto due = warning_due(left);
  if (!due || due == place.warned) return;
  place.warned = due;
  const std::string which = place.self_signed() ? "of our own" : log::printable(place.files.certificate);
  if (left <= 0)
    log::error("the certificate of the encrypted listeners has expired: {}", which);
  else
    log::warning("the certificate of the encrypted listeners expires in {} days: {}", left / day, which);
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
  errno = 0;
  const Descriptor file{
      ::openat(state_folder_, kept_file_being_written, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644)};
  const bool written = file && ::write(file.get(), text, static_cast<std::size_t>(octets)) == octets &&
                       ::fchmod(file.get(), 0644) == 0 &&
                       ::renameat(state_folder_, kept_file_being_written, state_folder_, kept_file) == 0;
  if (!written) {
    log::warning("the certificate cannot be written to the state folder: {}",
                 errno != 0 ? std::strerror(errno) : "only a part of it was taken");
  }
}

}  // namespace redoubt::control
