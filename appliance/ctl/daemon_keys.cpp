#include "appliance/ctl/daemon_keys.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <semaphore>
#include <thread>

#include "dnssec/base/records.hpp"

namespace redoubt::ctl {

namespace {

using dnssec::Octets;
using dnssec::OctetView;
using nlohmann::json;

// What fits into one request: its body is 64 KiB, in base64.
constexpr std::size_t max_batch_octets = std::size_t{44} * 1024;
constexpr std::size_t max_batch_sets = 128;
constexpr unsigned busy = 503;
constexpr std::ptrdiff_t max_under_way = 8;   // half of what control takes: others sign, too
constexpr std::chrono::seconds patience{30};  // while the daemon has too much to do, or keykeeper is started again
constexpr std::chrono::milliseconds first_pause{100};
constexpr std::chrono::milliseconds longest_pause{1000};

std::string to_base64(OctetView octets) {
  std::string text(sodium_base64_ENCODED_LEN(octets.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(text.data(), text.size(), octets.data(), octets.size(), sodium_base64_VARIANT_ORIGINAL);
  text.pop_back();
  return text;
}

std::optional<Octets> from_base64(const json& value) {
  if (!value.is_string()) return std::nullopt;
  const auto& text = value.get_ref<const std::string&>();
  Octets octets(text.size() + 1);  // an empty one has no place to write to
  std::size_t size = 0;
  if (sodium_base642bin(octets.data(), octets.size(), text.data(), text.size(), nullptr, &size, nullptr,
                        sodium_base64_VARIANT_ORIGINAL) != 0)
    return std::nullopt;
  octets.resize(size);
  return octets;
}

/// What the daemon said, if it did what was asked.
std::expected<json, std::string> read(const ApiClient& api, const std::expected<ApiReply, std::string>& reply) {
  if (!reply) return std::unexpected{reply.error()};
  const json told = json::parse(reply->body, nullptr, false);
  if (told.is_discarded() || !told.is_object())
    return std::unexpected{fmt::format("resolverd at {}: its answer cannot be read", api.socket())};
  if (reply->status == 200) return told;
  const auto error = told.find("error");
  return std::unexpected{fmt::format("resolverd at {}: {}", api.socket(),
                                     error != told.end() && error->is_string()
                                         ? error->get<std::string>()
                                         : fmt::format("HTTP status {}", reply->status))};
}

/// One of the lists of an answer, in base64.
std::expected<std::vector<Octets>, std::string> strings_of(const ApiClient& api, const json& told, const char* key) {
  std::vector<Octets> list;
  const auto found = told.find(key);
  const bool is_list = found != told.end() && found->is_array();
  for (const json& one : is_list ? *found : json::array()) {
    auto octets = from_base64(one);
    if (!octets) break;
    list.push_back(std::move(*octets));
  }
  if (!is_list || list.size() != found->size())
    return std::unexpected{fmt::format("resolverd at {}: its answer makes no sense", api.socket())};
  return list;
}

/// The way to the daemon, shared by all keys and threads: so many requests at once, and what only has to wait is tried
/// again.
class Road {
 public:
  explicit Road(ApiClient api) : api_{std::move(api)} {}
  const ApiClient& api() const { return api_; }

  using Request = std::function<std::expected<ApiReply, std::string>(const ApiClient&)>;
  /// may_repeat   also when the connection broke, so that nobody knows whether it was done
  std::expected<ApiReply, std::string> ask(const Request& request, bool may_repeat = true) {
    const auto until = std::chrono::steady_clock::now() + patience;
    for (auto pause = first_pause;; pause = std::min(2 * pause, longest_pause)) {
      slots_.acquire();
      auto reply = request(api_);
      slots_.release();
      // A daemon that has never answered is not there, and whoever waits should be told so at once.
      const bool may_pass = reply ? reply->status == busy : may_repeat && has_answered_;
      if (reply) has_answered_ = true;
      if (!may_pass || std::chrono::steady_clock::now() + pause >= until) return reply;
      std::this_thread::sleep_for(pause);
    }
  }

 private:
  ApiClient api_;
  std::counting_semaphore<max_under_way> slots_{max_under_way};
  std::atomic<bool> has_answered_ = false;
};

class DaemonKey : public dnssec::RemoteKey {
 public:
  DaemonKey(std::shared_ptr<Road> road, const dns::Name& zone, OctetView dnskey)
      : road_{std::move(road)},
        zone_{zone.to_text()},
        algorithm_{dnssec::Dnskey::parse(dnskey)->algorithm},
        tag_{dnssec::key_tag(dnskey)} {}

  std::unique_ptr<dnssec::RemoteSigner> signer() const override;
  std::string trouble() const override {
    const std::lock_guard lock{mutex_};
    return trouble_;
  }

  /// As many as fit into one request.
  bool sign(std::span<const Octets> data, std::vector<Octets>& out) const {
    if (!trouble().empty()) return false;  // another thread has waited long enough
    json request{{"zone", zone_}, {"algorithm", algorithm_}, {"tag", tag_}};
    for (const Octets& set : data) request["sets"].push_back(to_base64(set));
    const std::string body = request.dump();
    const auto reply = road_->ask([&](const ApiClient& api) { return api.post("/v1/keys/sign", body); });
    const auto told = read(road_->api(), reply);
    if (!told) return fail(told.error());
    auto signatures = strings_of(road_->api(), *told, "signatures");
    if (!signatures) return fail(signatures.error());
    if (signatures->size() != data.size()) return fail("resolverd made another number of signatures");
    for (Octets& signature : *signatures) out.push_back(std::move(signature));
    return true;
  }
  bool fail(const std::string& what) const {
    const std::lock_guard lock{mutex_};
    if (trouble_.empty()) trouble_ = what;
    return false;
  }

 private:
  std::shared_ptr<Road> road_;
  std::string zone_;
  std::uint8_t algorithm_;
  std::uint16_t tag_;
  mutable std::mutex mutex_;
  mutable std::string trouble_;
};

class DaemonSigner : public dnssec::RemoteSigner {
 public:
  explicit DaemonSigner(const DaemonKey& key) : key_{&key} {}
  bool prefers_batches() const override { return true; }
  bool sign(OctetView data, Octets& out) override {
    const std::vector<Octets> one{{data.begin(), data.end()}};
    std::vector<Octets> signatures;
    if (!sign_all(one, signatures)) return false;
    dnssec::append_octets(out, signatures.front());
    return true;
  }
  bool sign_all(std::span<const Octets> data, std::vector<Octets>& out) override {
    while (!data.empty()) {
      std::size_t count = 0;
      std::size_t octets = 0;
      while (count < std::min(data.size(), max_batch_sets) && octets + data[count].size() <= max_batch_octets)
        octets += data[count++].size();
      if (count == 0)
        return key_->fail(
            fmt::format("an RRset has {} octets; keykeeper takes {} at once", data.front().size(), max_batch_octets));
      if (!key_->sign(data.first(count), out)) return false;
      data = data.subspan(count);
    }
    return true;
  }

 private:
  const DaemonKey* key_;
};

std::unique_ptr<dnssec::RemoteSigner> DaemonKey::signer() const { return std::make_unique<DaemonSigner>(*this); }

class DaemonKeys : public dnssec::KeyHouse {
 public:
  explicit DaemonKeys(const ApiClient& api) : road_{std::make_shared<Road>(api)} {}

  std::expected<Octets, std::string> make(const dns::Name& zone, dnssec::Algorithm algorithm, dnssec::KeyRole role,
                                          unsigned rsa_bits, std::span<const std::uint16_t> taken) override {
    const json request{{"zone", zone.to_text()},
                       {"algorithm", static_cast<unsigned>(algorithm)},
                       {"role", dnssec::to_text(role)},
                       {"bits", rsa_bits},
                       {"taken", json(std::vector<unsigned>{taken.begin(), taken.end()})}};
    // Not again when nobody knows whether it was made: a key that nobody uses would be left.
    const auto reply = road_->ask([&](const ApiClient& api) { return api.post("/v1/keys", request.dump()); }, false);
    const auto told = read(road_->api(), reply);
    if (!told) return std::unexpected{told.error()};
    const auto dnskey = told->find("dnskey");
    auto octets = dnskey == told->end() ? std::nullopt : from_base64(*dnskey);
    if (!octets)
      return std::unexpected{fmt::format("resolverd at {}: its answer makes no sense", road_->api().socket())};
    return std::move(*octets);
  }

  std::expected<bool, std::string> has(const dns::Name& zone, OctetView dnskey) override {
    const std::string target = "/v1/keys?name=" + percent_encoded(zone.to_text());
    const auto told = read(road_->api(), road_->ask([&](const ApiClient& api) { return api.get(target); }));
    if (!told) return std::unexpected{told.error()};
    const auto keys = strings_of(road_->api(), *told, "dnskeys");
    if (!keys) return std::unexpected{keys.error()};
    return std::ranges::any_of(*keys, [&](const Octets& one) { return std::ranges::equal(one, dnskey); });
  }

  std::expected<std::shared_ptr<const dnssec::RemoteKey>, std::string> find(const dns::Name& zone,
                                                                            OctetView dnskey) override {
    const auto held = has(zone, dnskey);
    if (!held) return std::unexpected{held.error()};
    if (*held) return std::make_shared<const DaemonKey>(road_, zone, dnskey);
    return std::unexpected{fmt::format("resolverd at {} does not have this key", road_->api().socket())};
  }

  std::expected<void, std::string> erase(const dns::Name& zone, OctetView dnskey) override {
    const json request{{"zone", zone.to_text()},
                       {"algorithm", dnssec::Dnskey::parse(dnskey)->algorithm},
                       {"tag", dnssec::key_tag(dnskey)}};
    // Not again when nobody knows whether it was done: the second time would say that there is no such key.
    const auto reply =
        road_->ask([&](const ApiClient& api) { return api.post("/v1/keys/delete", request.dump()); }, false);
    const auto told = read(road_->api(), reply);
    if (!told) return std::unexpected{told.error()};
    return {};
  }

 private:
  std::shared_ptr<Road> road_;
};

}  // namespace

std::shared_ptr<dnssec::KeyHouse> daemon_keys(const ApiClient& api) { return std::make_shared<DaemonKeys>(api); }

}  // namespace redoubt::ctl
