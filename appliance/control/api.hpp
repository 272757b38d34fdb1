#pragma once
// Answers to API calls, as JSON, and the public pages. Knows control's state through one interface, so that it can be
// tested alone.
#include <functional>
#include <string>
#include <vector>

#include "appliance/control/anchor_tracker.hpp"
#include "appliance/control/api_request.hpp"
#include "appliance/control/http_server.hpp"
#include "appliance/control/metrics.hpp"
#include "appliance/control/negative_anchors.hpp"
#include "appliance/control/reload.hpp"
#include "appliance/control/root_copy.hpp"
#include "appliance/control/siblings.hpp"
#include "appliance/control/zone_key_desk.hpp"

namespace redoubt::control {

/// What became of the latest configuration that was read.
struct LastReload {
  std::int64_t at = 0;
  std::vector<std::string> faults;
  std::vector<std::string> warnings;
};

struct ReloadAnswer {
  ChangeResult result;
  std::vector<std::string> warnings;
};

/// What the API can see and do.
struct Appliance {
  std::function<std::vector<RoleState>()> roles;
  std::function<const std::optional<InForce>&()> in_force;
  std::function<bool()> ready;
  std::function<LastReload()> last_reload;
  std::function<MetricsSources()> sources;  ///< all but the roles' statistics
  std::function<void(std::function<void(const ReloadAnswer&)>)> reload;
  std::function<RootCopy::State()> root_copy;
  std::function<const AnchorTracker::Rows&()> anchors;
  NegativeAnchors* negative_anchors = nullptr;
  std::string configuration_path;
  Siblings* siblings = nullptr;
  ZoneKeyDesk* zone_keys = nullptr;
};

class Api {
 public:
  explicit Api(Appliance appliance) : appliance_{std::move(appliance)} {}
  /// On the unix socket.
  void answer(const HttpRequest& request, HttpServer::Respond respond);
  /// On control.http.
  void answer_public(const HttpRequest& request, HttpServer::Respond respond);

 private:
  void call(const StatusCall& call, HttpServer::Respond respond);
  void call(const ReloadCall& call, HttpServer::Respond respond);
  void call(const QueryCall& call, HttpServer::Respond respond);
  void call(const ShowCall& call, HttpServer::Respond respond);
  void call(const FlushCall& call, HttpServer::Respond respond);
  void call(const TraceCall& call, HttpServer::Respond respond);
  void stream_trace(const TraceCall& call, HttpServer::Respond respond);
  void call(const UpstreamsCall& call, HttpServer::Respond respond);
  void call(const StatisticsCall& call, HttpServer::Respond respond);
  void call(const AnchorsCall& call, HttpServer::Respond respond);
  void call(const NegativeAnchorsCall& call, HttpServer::Respond respond);
  void call(const AddNegativeAnchorCall& call, HttpServer::Respond respond);
  void call(const RemoveNegativeAnchorCall& call, HttpServer::Respond respond);
  void call(const ListKeysCall& call, HttpServer::Respond respond);  // api_keys.cpp
  void call(const MakeKeyCall& call, HttpServer::Respond respond);
  void call(const SignCall& call, HttpServer::Respond respond);
  void call(const DeleteKeyCall& call, HttpServer::Respond respond);
  void metrics(HttpServer::Respond respond);
  void gather(std::function<void(const MetricsSources&)> then);

  Appliance appliance_;
};

}  // namespace redoubt::control
