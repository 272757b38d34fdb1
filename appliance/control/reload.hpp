#pragma once
// How a configuration comes into force: sockets first, then the snapshot, then the old sockets go. When a step fails,
// everything is as it was before. One change at a time.
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "appliance/channel/channel.hpp"
#include "appliance/channel/monitor_child.hpp"
#include "appliance/config/compile.hpp"
#include "appliance/config/configuration.hpp"
#include "appliance/control/listener_plan.hpp"
#include "appliance/control/siblings.hpp"
#include "appliance/store/store.hpp"

namespace redoubt::control {

/// What came of one configuration. faults is empty when it is in force.
struct ChangeResult {
  std::uint64_t generation = 0;
  std::vector<std::string> faults;      ///< lines, with file and place where there is one
  std::vector<std::string> warnings{};  ///< what else became of it: it is in force, but not kept
};

struct InForce {
  config::Configuration configuration;
  std::uint64_t generation = 0;
  std::int64_t since = 0;  ///< seconds since 1970
  channel::Descriptor snapshot;
};

class Reload {
 public:
  using TellMonitor = std::function<void(const channel::ChildToMonitor&)>;
  using OnDone = std::function<void(const ChangeResult&)>;

  Reload(boost::asio::io_context& loop, Siblings& siblings, TellMonitor tell_monitor);

  /// What does not change while the process lives: processors, own addresses.
  void set_circumstances(std::uint32_t workers, std::vector<dns::IpAddress> own_addresses);
  /// For snapshots from now on.
  void set_servers_in_files(std::map<std::string, std::vector<dns::IpAddress>> servers) {
    circumstances_.servers_in_files = std::move(servers);
  }
  /// Asked at each snapshot for what is known beside the file.
  using Describe = std::function<void(const config::Configuration&, config::Circumstances&)>;
  void set_description(Describe describe) { describe_ = std::move(describe); }
  /// The store may be missing: then numbers count from the clock and nothing is remembered.
  void set_store(store::Store* store) { store_ = store; }
  /// Which listeners stand already, after a restart.
  void set_standing(ListenerPlan standing) { standing_ = std::move(standing); }

  /// The whole appliance starts: nobody uses any generation yet. Until it is through, its numbers do not count.
  void start_begins() { is_start_ = true; }
  /// All roles serve.
  void start_is_through() { is_start_ = false; }
  /// The appliance ends before it has begun to serve. Nothing when its start was through.
  void start_failed();

  bool busy() const { return pending_.has_value(); }
  /// Begins; only while not busy. on_done is called once, later. troubles: what has been found wrong already; the
  /// listeners are tried all the same, so that all is told at once, and then the change fails.
  void begin(config::Configuration configuration, std::string text, OnDone on_done,
             std::vector<std::string> troubles = {});

  // What the change waits for.
  void on_bind_result(const channel::BindResult& result);
  void on_taken(channel::Role role, std::uint64_t generation, const std::string& trouble);
  void on_attachment(channel::Role role, bool attached);

  const std::optional<InForce>& in_force() const { return in_force_; }
  /// Whether that role uses the snapshot in force.
  bool is_up_to_date(channel::Role role) const { return up_to_date_.contains(role); }

 private:
  enum class Step : std::uint8_t { binding, handing_over };
  struct Pending {
    InForce next;
    std::string text;
    ListenerPlan plan;
    ListenerChange change;
    Step step;  ///< binding at first
    std::set<std::uint32_t> binds_waiting;
    std::vector<std::string> troubles;
    std::set<channel::Role> takers;  ///< who has not answered yet
    OnDone on_done;
  };

  void bind(const ListenerPlan& listeners, std::set<std::uint32_t>* waiting);
  void bound();
  void number_it(Pending& pending);
  void hand_over();
  void offer(channel::Role role);
  void taken_by_all();
  void fail();
  void restart_deadline();
  /// returns  what could not be remembered, and why
  std::vector<std::string> remember(const Pending& pending, store::Outcome outcome, std::string_view trouble);

  Siblings& siblings_;
  TellMonitor tell_monitor_;
  boost::asio::steady_timer deadline_;
  config::Circumstances circumstances_;
  Describe describe_;
  store::Store* store_ = nullptr;
  ListenerPlan standing_;
  std::optional<InForce> in_force_;
  std::optional<Pending> pending_;
  std::set<channel::Role> up_to_date_;
  std::uint32_t next_bind_ = 1;
  bool is_start_ = false;
  std::uint64_t first_of_start_ = 0;  ///< 0: none was begun yet, or there is no store
};

}  // namespace redoubt::control
