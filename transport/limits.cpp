#include "transport/limits.hpp"

#include <algorithm>

namespace redoubt::transport {

namespace {

constexpr std::array<dns::LimitRow, static_cast<std::size_t>(Limit::count)> rows{{
    {"stream-connections", 1024, 16, 60'000, "client connections in all; the oldest idle one makes room (exhaustion)"},
    {"stream-connections-per-client", 32, 1, 100'000,
     "client connections of one IPv4 address or IPv6 /56 (one client takes all)"},
    {"stream-queries-in-flight", 20, 1, 1000,
     "queries of one connection that wait for answers; reading pauses at it (pipelining floods)"},
    {"stream-queries", 65'536, 1, 1'000'000'000, "queries of one connection before it is closed"},
    {"stream-idle-time", 10'000, 500, 3'600'000, "milliseconds until an idle connection is closed"},
    {"stream-idle-time-under-load", 2000, 100, 3'600'000,
     "the same with more than 80 % of stream-connections open (slot holding)"},
    {"stream-message-time", 5000, 500, 60'000,
     "milliseconds between a message's first octet and its last (slowloris, half lengths)"},
    {"stream-write-time", 5000, 500, 60'000,
     "milliseconds until a client has taken what is queued for it (slow reading, zero windows)"},
    {"stream-queued-octets", 131'072, 65'537, 16'777'216,
     "octets of answers queued for one connection (answers asked for and never read)"},
    {"stream-answer-time", 8000, 1000, 60'000,
     "milliseconds to wait for an answer, a restart of the resolver included, before the connection is closed"},
    {"stream-waiting-octets", 8'388'608, 131'072, 1'073'741'824,
     "octets of all queries that wait for answers together; reading pauses at it (memory)"},
    {"stream-queued-octets-total", 67'108'864, 131'072, 4'294'967'296,
     "octets of answers queued for all connections together; who is given another one then is closed (memory)"},
    {"tls-handshakes-per-second", 1000, 1, 1'000'000,
     "TLS handshakes that begin in a second; connections beyond are closed at once (handshake floods)"},
    {"tls-handshakes-per-client", 50, 1, 1'000'000,
     "the same of one IPv4 address or IPv6 /56 (one client takes all handshakes)"},
    {"tls-signatures-waiting", 1024, 1, 100'000,
     "handshakes that wait for keykeeper's signature; those beyond fail (a slow or missing keykeeper, memory)"},
    {"http-streams", 100, 1, 1000, "requests of one HTTP/2 connection at a time (stream floods)"},
    {"http-header-octets", 4096, 512, 65'536,
     "octets of one request's header fields, each with 32 more; HPACK's expansion is counted (header bombs)"},
    {"http-body-octets", 4096, 512, 65'535, "octets of a query in a request's body (large bodies)"},
    {"http-idle-frames", 500, 10, 1'000'000,
     "HTTP/2 frames of a client beyond ten for each query that was answered (floods of PING, SETTINGS, PRIORITY, "
     "RST_STREAM, WINDOW_UPDATE, CONTINUATION, empty frames)"},
    {"http-wasted", 100, 1, 1'000'000,
     "requests that a client cancelled, or that asked for nothing there is, beyond the queries that were answered "
     "(rapid "
     "reset)"},
    {"upstream-connections", 512, 8, 10'000, "connections to servers in all"},
    {"upstream-connections-per-server", 32, 1, 1000, "connections to one server"},
    {"upstream-connects-per-second", 100, 1, 100'000,
     "new connections to one server in a second (reconnect storms, amplification by TCP)"},
    {"upstream-exchanges", 4096, 16, 65'536, "exchanges with servers over connections in all (memory)"},
    {"upstream-exchanges-per-connection", 32, 1, 1000,
     "queries on one connection to a server at a time; more of them open another (waiting behind slow answers)"},
    {"upstream-idle-time", 10'000, 100, 3'600'000,
     "milliseconds that a connection to a server stays open for the next query (idle connections)"},
    {"upstream-stall-time", 2000, 50, 60'000,
     "milliseconds without any answer until new queries leave a connection alone (silent and dripping servers)"},
    {"upstream-stream-time", 10'000, 1000, 60'000, "milliseconds that one exchange with a server may take at most"},
}};

}  // namespace

std::span<const dns::LimitRow> limit_rows() { return rows; }

Limits::Limits() {
  for (std::size_t i = 0; i < rows.size(); ++i) values_[i] = rows[i].initial;
}

bool Limits::set(std::string_view name, std::uint64_t value) {
  const auto row = std::ranges::find(rows, name, &dns::LimitRow::name);
  if (row == rows.end() || value < row->least || value > row->most) return false;
  values_[static_cast<std::size_t>(row - rows.begin())] = value;
  return true;
}

Limits& Limits::with(Limit limit, std::uint64_t value) {
  values_[static_cast<std::size_t>(limit)] = value;
  return *this;
}

}  // namespace redoubt::transport
