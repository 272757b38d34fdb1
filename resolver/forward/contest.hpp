#pragma once
// One question at several upstreams at once: each exchange runs by itself, the one who asked hears of whatever happens
// next. All of it on one thread.
#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <optional>

#include "dns/message.hpp"
#include "resolver/forward/abroad.hpp"
#include "resolver/forward/upstream.hpp"
#include "resolver/iterate/query_message.hpp"
#include "resolver/network.hpp"

namespace redoubt::resolver {

/// Who waits for news. Kept apart from the contests, so that ending it ends them: a contest never owns its own asker.
class WaitingAskers {
 public:
  using Resume = std::move_only_function<void()>;
  using Place = std::list<Resume>::iterator;
  Place add(Resume resume) { return askers_.insert(askers_.end(), std::move(resume)); }
  Resume take(Place place) {
    Resume resume = std::move(*place);
    askers_.erase(place);
    return resume;
  }
  /// Nobody is resumed any more. Their frames go with what is returned.
  std::list<Resume> close() {
    closed_ = true;
    return std::move(askers_);
  }
  bool closed() const { return closed_; }

 private:
  std::list<Resume> askers_;
  bool closed_ = false;
};

/// One exchange: who was asked, and how.
struct Attempt {
  std::shared_ptr<Upstream> upstream;
  UpstreamTransport transport = UpstreamTransport::udp;
  bool edns = true;
  bool measured = true;  ///< its time says how fast the upstream usually is
  Instant departs{};     ///< now, or when the packet budget lets it go
  Duration patience{};   ///< until somebody else is asked as well
  bool over = false;
  bool overtaken = false;
};

struct Arrival {
  std::size_t attempt;  ///< its place in Contest::attempts()
  std::expected<dns::Message, NetworkFault> reply;
  std::size_t octets = 0;
};

class Contest : public std::enable_shared_from_this<Contest> {
 public:
  Contest(std::shared_ptr<WaitingAskers> askers, Network& network, Clock& clock, boost::asio::any_io_executor executor)
      : askers_{std::move(askers)}, network_{&network}, clock_{&clock}, executor_{std::move(executor)} {}

  /// Starts an exchange. It goes on until `deadline`, whoever was faster: its answer, however late, tells that the
  /// upstream is there.
  void start(Attempt attempt, OutgoingQuery query, Abroad::Ticket ticket, Instant deadline);
  /// The next arrival, or nothing when it is `until` first.
  Task<std::optional<Arrival>> next(Instant until);
  /// The asker has what it wanted: those still under way were overtaken, and what they bring is dropped.
  void finish();

  const std::deque<Attempt>& attempts() const { return attempts_; }
  std::size_t under_way() const { return under_way_; }
  /// Whether one of the questions came back as a client's.
  bool came_back() const;

 private:
  static Task<void> run(std::shared_ptr<Contest> contest, std::size_t index, OutgoingQuery query, Instant deadline);
  static Task<void> ring(std::shared_ptr<Contest> contest, Instant at);
  static void judge(Attempt& attempt, const std::expected<Reply, NetworkFault>& reply, Instant now);
  Task<void> wait();
  void arrive(Arrival arrival);
  void wake();

  std::shared_ptr<WaitingAskers> askers_;
  Network* network_;
  Clock* clock_;
  boost::asio::any_io_executor executor_;
  std::deque<Attempt> attempts_;
  std::vector<Abroad::Ticket> tickets_;
  std::deque<Arrival> arrivals_;
  std::size_t under_way_ = 0;
  bool finished_ = false;
  std::optional<Instant> alarm_;
  std::optional<WaitingAskers::Place> asker_;
};

}  // namespace redoubt::resolver
