#pragma once
// What resolverctl's commands do, once the command line is understood. Results go to `out`, trouble to `err`.
#include <cstdint>
#include <ostream>
#include <string>

#include "appliance/ctl/api_client.hpp"
#include "appliance/ctl/exit_code.hpp"

namespace redoubt::ctl {

struct Context {
  ApiClient api;
  bool json = false;
  std::ostream& out;
  std::ostream& err;
};

struct QueryOptions {
  std::string name;
  std::string type = "A";
  bool dnssec = false;
  bool checking_disabled = false;
};

struct CacheOptions {
  std::string name;
  bool below = false;
  bool all = false;
  std::uint32_t limit = 100;
};

struct TraceOptions {
  std::string name;
  std::string type = "A";
  std::string client;  ///< empty: nobody's access is judged
  bool fresh = false;
};

struct NegativeAnchorOptions {
  std::string name;
  std::string time;  ///< "1h"
  std::string why;
};

struct StatsOptions {
  bool all = false;          ///< zeros too
  std::uint32_t every = 0;   ///< seconds; 0: once
  std::uint32_t rounds = 0;  ///< 0: until it is stopped
};

// commands_daemon.cpp
ExitCode status(const Context& context);
ExitCode reload(const Context& context);
/// failed when the answer is SERVFAIL or REFUSED.
ExitCode query(const Context& context, const QueryOptions& options);
ExitCode cache_show(const Context& context, const CacheOptions& options);
ExitCode cache_flush(const Context& context, const CacheOptions& options);

// commands_seeing.cpp
/// failed when the answer is SERVFAIL or REFUSED, or the client may not ask.
ExitCode trace(const Context& context, const TraceOptions& options);
ExitCode upstreams(const Context& context, std::uint32_t limit);
/// With options.every: what was counted in each such time, until it is stopped.
ExitCode stats(const Context& context, const StatsOptions& options);

// commands_anchors.cpp
ExitCode anchors(const Context& context);
ExitCode nta_add(const Context& context, const NegativeAnchorOptions& options);
ExitCode nta_list(const Context& context);
ExitCode nta_remove(const Context& context, const NegativeAnchorOptions& options);

// commands_config.cpp: these need no daemon
ExitCode config_check(const Context& context, const std::string& file, bool verbose);
ExitCode config_default(const Context& context);
ExitCode config_reference(const Context& context);

}  // namespace redoubt::ctl
