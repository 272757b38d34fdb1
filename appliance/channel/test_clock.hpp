#pragma once
// Time that tests let pass. Monitor reads seconds from a file and writes them to one page of memory, which the roles
// map read-only before their sandbox shuts: nobody behind the door needs a file. Only in builds with
// REDOUBT_TEST_HOOKS; in all others there is no such code.
#ifdef REDOUBT_TEST_HOOKS
#include <chrono>
#include <expected>
#include <string>

namespace redoubt::channel::test_clock {

/// On which descriptor a child finds the page.
inline constexpr int page_descriptor = 4;
/// How often the file is read, and how long at most a timer sleeps before it looks at the clock again.
inline constexpr std::chrono::milliseconds pace{10};

/// In monitor. The file holds a decimal number of seconds, with a sign and a fraction if it likes. The error is one
/// line.
std::expected<void, std::string> watch(const std::string& file);
/// In monitor: reads the file again. What cannot be read as a number changes nothing: it may be half written.
void refresh();
/// In monitor: the page's descriptor, or -1 without a file.
int page();

/// In a child, before its sandbox: maps the page, if monitor left one.
void adopt();
/// What is added to both clocks. Zero without a page.
std::chrono::nanoseconds offset();

}  // namespace redoubt::channel::test_clock
#endif
