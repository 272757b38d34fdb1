// What becomes of serials and clocks where the output of before is lost, damaged or old.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>

#include "dnssec/keys/durable_file.hpp"
#include "dnssec/sign/prepare.hpp"
#include "tests/unit/dnssec/maintain_site.hpp"

namespace redoubt::dnssec {
namespace {

using namespace sites;
using std::chrono::days;
using std::chrono::hours;

std::uint32_t serial_in(const Site& site) {
  const auto zone = load_zone(site.options_.file.output, {.origin = apex});
  return zone ? serial_of(*zone).value_or(0) : 0;
}

/// Secondaries have the serial of before; to them, and to the machine that looks at them, a lower one is none.
TEST(Maintain, the_serial_goes_on_where_the_output_is_lost_damaged_or_an_old_copy) {
  Site site;
  const std::string zone = site.folder_.read("example.zone");
  ASSERT_TRUE(site.run());
  const std::string old = site.folder_.read("example.zone.signed");
  for (int change = 1; change <= 3; ++change) {
    site.folder_.write("example.zone", zone + "changed A 192.0.2." + std::to_string(change) + "\n");
    site.wait(seconds{60});
    ASSERT_TRUE(site.run());
  }
  std::uint32_t last = serial_in(site);
  const auto expect_later = [&](const char* what) {
    site.wait(seconds{60});
    const auto result = site.run();
    ASSERT_TRUE(result) << what << result.error();
    EXPECT_TRUE(result->file.written) << what;
    EXPECT_EQ(serial_in(site), last + 1) << what;
    EXPECT_EQ(result->zone.written_serial, last + 1) << what;
    ++last;
  };
  std::filesystem::remove(site.options_.file.output);
  expect_later("lost");
  site.folder_.write("example.zone.signed", "nonsense\n");
  expect_later("damaged");
  site.folder_.write("example.zone.signed", old);
  expect_later("an old copy");
}

TEST(Maintain, an_output_that_cannot_be_looked_at_is_not_replaced) {
  Site site;
  ASSERT_TRUE(site.run());
  std::filesystem::remove(site.options_.file.output);
  std::filesystem::create_symlink(site.options_.file.output, site.options_.file.output);  // it leads nowhere
  EXPECT_FALSE(site.run());
  EXPECT_TRUE(std::filesystem::is_symlink(site.options_.file.output));
}

TEST(Maintain, an_output_that_is_no_file_is_not_replaced) {
  Site site;
  ASSERT_EQ(::mkfifo(site.options_.file.output.c_str(), 0600), 0);
  const auto result = site.run();
  ASSERT_FALSE(result);
  EXPECT_TRUE(result.error().ends_with(": is no file that could be replaced")) << result.error();
  EXPECT_TRUE(std::filesystem::is_fifo(site.options_.file.output));
  EXPECT_FALSE(write_durably(site.options_.file.output, octets_of("x"), 0600));
  EXPECT_TRUE(std::filesystem::is_fifo(site.options_.file.output));
}

TEST(Maintain, a_zone_file_without_end_is_not_read) {
  Site site;
  site.options_.file.input = "/dev/zero";
  const auto result = site.run();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), "/dev/zero: is a device, and no zone file");
}

TEST(Maintain, a_clock_that_jumped_signs_nothing_where_the_output_is_lost_either) {
  for (const seconds jump : {seconds{days{-365}}, seconds{days{365}}}) {
    Site site;
    ASSERT_TRUE(site.run());
    std::filesystem::remove(site.options_.file.output);
    site.options_.clock.wall += jump;
    site.options_.clock.since_boot += seconds{60};
    for (int again = 0; again < 3; ++again) {
      const auto result = site.run();
      ASSERT_FALSE(result) << jump.count() << ", run " << again;
      EXPECT_NE(result.error().find("clock"), std::string::npos) << result.error();
      EXPECT_FALSE(std::filesystem::exists(site.options_.file.output));
    }
    site.options_.file.clock_is_right = true;
    EXPECT_TRUE(site.run());
  }
}

}  // namespace
}  // namespace redoubt::dnssec
