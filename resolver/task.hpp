#pragma once
// The coroutine type of the resolution core. Only the awaitable itself: the rest of Asio stays out of headers.
#include <boost/asio/awaitable.hpp>

namespace redoubt::resolver {

template <class T>
using Task = boost::asio::awaitable<T>;

}  // namespace redoubt::resolver
