#include "resolver/role/listener_socket.hpp"

#include <new>

namespace redoubt::resolver {

boost::system::error_code ListenerSocket::watch() {
  boost::system::error_code error;
  if (watched_.is_open()) return error;
  try {
    watched_.assign(socket_.get(), error);
  } catch (const std::bad_alloc&) {
    error = boost::asio::error::no_memory;
  }
  return error;
}

void ListenerSocket::leave_alone() {
  if (watched_.is_open()) static_cast<void>(watched_.release());
}

}  // namespace redoubt::resolver
