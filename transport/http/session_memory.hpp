#pragma once
// Where the HTTP/2 sessions of a thread have their memory from.
#include <nghttp2/nghttp2.h>

namespace redoubt::transport {

/// Small blocks of block_pool.hpp; and while a SessionBirth lives, the buffer of 16 KiB into which nghttp2 writes its
/// frames is one that all sessions of the thread share. A frame stands there only until its octets are taken, in the
/// same call of speak(), so that thousands of idle sessions need none of their own. A session lives and ends on one
/// thread.
nghttp2_mem* session_memory();

/// What nghttp2 allocates first of that size is its frame buffer; and its table of streams, the only thing of its size,
/// is a page of session_pages.hpp.
class SessionBirth {
 public:
  SessionBirth();
  ~SessionBirth();
  SessionBirth(const SessionBirth&) = delete;
  SessionBirth& operator=(const SessionBirth&) = delete;
  /// To be given to rest_session_page(); null when the session has none.
  void* page() const;
};

}  // namespace redoubt::transport
