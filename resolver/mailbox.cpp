#include "resolver/mailbox.hpp"

#include <boost/asio/post.hpp>
#include <exception>
#include <utility>

namespace redoubt::resolver {

void Mailbox::put(std::unique_ptr<Letter> letter) noexcept {
  const std::lock_guard guard{lock_};
  if (is_closed_) return;  // the letter goes once the lock is given back: parameters outlive what is local
  Letter* const added = letter.get();
  (last_ == nullptr ? first_ : last_->next_) = std::move(letter);
  last_ = added;
  if (is_told_) return;
  try {
    boost::asio::post(home_, [self = shared_from_this()] { self->deliver(); });
    is_told_ = true;
  } catch (const std::exception&) {
    is_told_ = false;  // no memory: it lies there until somebody looks
  }
}

std::unique_ptr<Mailbox::Letter> Mailbox::take_all() {
  const std::lock_guard guard{lock_};
  is_told_ = false;
  last_ = nullptr;
  return std::move(first_);
}

void Mailbox::deliver() noexcept {
  std::unique_ptr<Letter> letter = take_all();
  while (letter) {
    std::unique_ptr<Letter> next = std::move(letter->next_);
    letter->open();
    letter = std::move(next);
  }
}

void Mailbox::close() noexcept {
  {
    const std::lock_guard guard{lock_};
    is_closed_ = true;
  }
  // One by one: letters that end in a row would take as much stack as there are.
  std::unique_ptr<Letter> letter = take_all();
  while (letter) letter = std::move(letter->next_);
}

}  // namespace redoubt::resolver
