#include "appliance/control/zone_fetch.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <utility>

namespace redoubt::control {

namespace {

constexpr std::chrono::seconds serial_patience{5};
constexpr std::chrono::seconds transfer_patience{60};

std::string_view describe(channel::FetchFault fault) {
  switch (fault) {
    case channel::FetchFault::refused:
      return "port closed";
    case channel::FetchFault::unreachable:
      return "unreachable";
    case channel::FetchFault::timed_out:
      return "not done in time";
    case channel::FetchFault::closed_early:
      return "connection closed early";
    case channel::FetchFault::malformed:
      return "malformed answer";
    case channel::FetchFault::too_many:
      return "too many connections";
    case channel::FetchFault::bad_request:
      return "not possible";
    case channel::FetchFault::untrusted:
    case channel::FetchFault::expired:
    case channel::FetchFault::wrong_name:
    case channel::FetchFault::wrong_key:
      return "not who it has to be, by its certificate";
    case channel::FetchFault::stalled:
      return "no answer in time";
    case channel::FetchFault::http_refused:
    case channel::FetchFault::http_failed:
    case channel::FetchFault::http_strange:
      return "an HTTP error";
  }
  return "network fault";
}

}  // namespace

ZoneFetch::ZoneFetch(Siblings& siblings) : siblings_{siblings} {
  siblings_.on_transfers({.message = [this](const channel::TransferMessage& message) { hear(message); },
                          .ended =
                              [this](const channel::TransferEnded& ended) {
                                if (transfer_ != ended.id) return;
                                transfer_.reset();
                                give_up_server(std::string{describe(ended.fault)});
                              }});
}

void ZoneFetch::start(dns::Name apex, std::vector<dns::Endpoint> servers, std::optional<std::uint32_t> serial,
                      OnDone done) {
  cancel();
  apex_ = std::move(apex);
  servers_ = std::move(servers);
  next_server_ = 0;
  serial_ = serial;
  trouble_ = "there is no server to ask";
  done_ = std::move(done);
  try_next_server();
}

void ZoneFetch::cancel() {
  done_ = nullptr;
  close();
  step_ = Step::idle;
}

void ZoneFetch::lost() {
  transfer_.reset();
  if (running()) finish(std::unexpected{std::string{"transport is not there"}});
}

void ZoneFetch::try_next_server() {
  while (next_server_ < servers_.size()) {
    ++next_server_;
    step_ = Step::asking_serial;
    if (open(dns::type::soa)) return;
    trouble_ = "transport does not take it";
  }
  finish(std::unexpected{std::move(trouble_)});
}

bool ZoneFetch::open(dns::RrType type) {
  dns::Message query;
  query_id_ = static_cast<std::uint16_t>(randombytes_uniform(0x10000));
  query.header.id = query_id_;
  query.question = dns::Question{.name = apex_, .type = type};
  const bool zone = type == dns::type::axfr;
  if (zone) assembly_.emplace(apex_, query_id_);
  transfer_ =
      siblings_.open_transfer(servers_[next_server_ - 1], zone ? transfer_patience : serial_patience, query.to_wire());
  return transfer_.has_value();
}

void ZoneFetch::hear(const channel::TransferMessage& message) {
  if (transfer_ != message.id) return;  // old news
  if (step_ == Step::asking_serial) return hear_serial(message.message);
  hear_zone(message.message);
}

void ZoneFetch::hear_serial(std::span<const std::uint8_t> message) {
  close();
  const auto serial = serial_from(message, apex_, query_id_);
  if (!serial) return give_up_server(serial.error());
  if (serial_ == *serial) return finish(std::nullopt);
  // One that is behind says nothing about whether ours is the newest: another may know better.
  if (serial_ && !is_younger(*serial, *serial_))
    return give_up_server(fmt::format("its serial {} is older than ours, {}", *serial, *serial_));
  step_ = Step::transferring;
  if (!open(dns::type::axfr)) give_up_server("transport does not take it");
}

void ZoneFetch::hear_zone(std::span<const std::uint8_t> message) {
  const auto progress = assembly_->take(message);
  if (!progress) {
    close();
    return give_up_server(progress.error());
  }
  if (*progress == ZoneAssembly::Progress::more) return siblings_.continue_transfer(*transfer_);
  close();
  finish(std::move(*std::exchange(assembly_, std::nullopt)).records());
}

void ZoneFetch::give_up_server(const std::string& why) {
  assembly_.reset();
  trouble_ = fmt::format("{}: {}", servers_[next_server_ - 1].to_text(), why);
  try_next_server();
}

void ZoneFetch::close() {
  if (transfer_) siblings_.close_transfer(*std::exchange(transfer_, std::nullopt));
}

void ZoneFetch::finish(Result result) {
  step_ = Step::idle;
  assembly_.reset();
  if (const OnDone done = std::exchange(done_, nullptr)) done(std::move(result));
}

}  // namespace redoubt::control
