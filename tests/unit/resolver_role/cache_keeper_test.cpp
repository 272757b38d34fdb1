// The cache handed from one life to the next through a memfd, by the class that does it in the role.
#include "resolver/role/cache_keeper.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "resolver/role/kept_settings.hpp"
#include "resolver/role/machine_clock.hpp"

namespace redoubt::resolver {
namespace {

using namespace std::chrono_literals;
using channel::Descriptor;

constexpr ImageKey key{3, 1, 4};
constexpr std::uint64_t room = 1U << 20U;
constexpr int seals = F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_WRITE | F_SEAL_SEAL;

Descriptor memfd() {
  Descriptor made{::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  EXPECT_EQ(::ftruncate(made.get(), room), 0);
  return made;
}

Descriptor copy_of(const Descriptor& descriptor) { return Descriptor{::fcntl(descriptor.get(), F_DUPFD_CLOEXEC, 0)}; }

dns::Name name(int number) { return *dns::Name::from_text("n" + std::to_string(number) + ".example."); }

void fill(Cache& cache, int count) {
  const Instant now = MachineClock::now();
  for (int i = 0; i < count; ++i) {
    dns::RRset set{.owner = name(i), .type = dns::type::a, .ttl = dns::Ttl::from_wire(300), .rdata = {}};
    set.rdata.add(std::array<std::uint8_t, 4>{192, 0, 2, 1});
    cache.store_data(HeldRRset::make(set, now + 300s), Rank::answer, now);
  }
}

class CacheKeeperTest : public testing::Test {
 protected:
  struct Life {
    explicit Life(boost::asio::io_context& loop)
        : keeper{loop,
                 [this](std::uint64_t number, std::uint64_t size) {
                   written = number;
                   octets = size;
                 },
                 ImagePace{.first = 20ms, .period = 60ms}} {}
    Cache cache{4U << 20U, dns::HashKey{}};
    CacheKeeper keeper;
    std::uint64_t written = 0;
    std::uint64_t octets = 0;
  };

  /// What a life with so many names leaves at its end.
  Descriptor left_by_a_life(int names) {
    Life life{loop_};
    fill(life.cache, names);
    Descriptor image = memfd();
    life.keeper.use(life.cache, settings_);
    life.keeper.write_to(copy_of(image), key, 5, room, true);
    life.keeper.finish();
    EXPECT_EQ(life.written, 5U);
    EXPECT_EQ(life.keeper.counters().entries, static_cast<std::uint64_t>(names));
    loop_.restart();
    loop_.poll();
    return image;
  }
  static void seal(const Descriptor& image) { EXPECT_EQ(::fcntl(image.get(), F_ADD_SEALS, seals), 0); }
  void turn() {
    loop_.restart();
    loop_.poll();
  }

  boost::asio::io_context loop_;
  SettingsDigest settings_{1};
};

TEST_F(CacheKeeperTest, the_next_life_begins_with_what_the_former_one_had) {
  const Descriptor image = left_by_a_life(3000);
  seal(image);
  Life next{loop_};
  next.keeper.use(next.cache, settings_);
  next.keeper.take_over(image, key);
  turn();
  EXPECT_EQ(next.keeper.counters().taken_over, 3000U);
  const auto found = next.cache.find(name(2999), dns::type::a, MachineClock::now());
  ASSERT_TRUE(found);
  EXPECT_GT(found->expires, MachineClock::now() + 290s);
  EXPECT_LE(found->expires, MachineClock::now() + 300s);
}

TEST_F(CacheKeeperTest, images_are_made_while_the_process_lives_and_none_when_nothing_came_since_the_last_one) {
  Life life{loop_};
  fill(life.cache, 500);
  life.keeper.use(life.cache, settings_);
  std::uint64_t number = 0;
  const auto give_another = [&] { life.keeper.write_to(copy_of(memfd()), key, ++number, room, false); };
  const auto images = [&] { return life.keeper.counters().written; };
  const auto wait_for = [&](std::uint64_t count) {
    for (int i = 0; i < 500 && images() < count; ++i) {
      loop_.restart();
      loop_.run_for(20ms);
    }
    return images();
  };
  give_another();
  EXPECT_EQ(wait_for(1), 1U);
  EXPECT_EQ(life.keeper.counters().entries, 500U);
  EXPECT_GT(life.octets, 500U * 30);
  give_another();
  loop_.restart();
  loop_.run_for(1s);
  EXPECT_EQ(images(), 1U) << "nothing came";
  fill(life.cache, 501);
  EXPECT_EQ(wait_for(2), 2U);
  EXPECT_EQ(life.written, 2U);
  EXPECT_EQ(life.keeper.counters().entries, 501U);
  life.keeper.flushed();
  give_another();
  EXPECT_EQ(wait_for(3), 3U) << "what was written before the flush does not count";
  give_another();
  give_another();
  EXPECT_EQ(wait_for(4), 4U) << "control gave another one while it still waited for the last";
  EXPECT_EQ(life.written, number);
}

TEST_F(CacheKeeperTest, a_damaged_image_gives_nothing_although_most_of_it_is_whole) {
  const Descriptor image = left_by_a_life(3000);
  constexpr off_t late = 100'000;
  std::uint8_t octet = 0;
  ASSERT_EQ(::pread(image.get(), &octet, 1, late), 1);
  octet ^= 0x10;
  ASSERT_EQ(::pwrite(image.get(), &octet, 1, late), 1);
  seal(image);
  Life next{loop_};
  next.keeper.use(next.cache, settings_);
  next.keeper.take_over(image, key);
  turn();
  EXPECT_EQ(next.keeper.counters().taken_over, 0U);
  EXPECT_EQ(next.keeper.counters().refused, 1U);
  EXPECT_EQ(next.cache.counters().entries, 0U);
}

TEST_F(CacheKeeperTest, an_image_is_not_taken_over_by_a_life_of_other_settings_or_unsealed) {
  const Descriptor image = left_by_a_life(10);
  Life unsealed{loop_};
  unsealed.keeper.use(unsealed.cache, settings_);
  unsealed.keeper.take_over(image, key);
  turn();
  EXPECT_EQ(unsealed.keeper.counters().refused, 1U);
  seal(image);
  Life other{loop_};
  other.keeper.use(other.cache, SettingsDigest{2});
  other.keeper.take_over(image, key);
  turn();
  EXPECT_EQ(other.keeper.counters().refused, 1U);
  EXPECT_EQ(other.cache.counters().entries, 0U);
}

TEST_F(CacheKeeperTest, a_clock_that_was_set_back_makes_an_empty_cache) {
  ImageWriter writer{key, settings_, {MachineClock::now(), machine_wall() + 1h}, room};
  writer.end();
  const auto octets = writer.take();
  const Descriptor image = memfd();
  ASSERT_EQ(::pwrite(image.get(), octets.data(), octets.size(), 0), static_cast<ssize_t>(octets.size()));
  seal(image);
  Life next{loop_};
  next.keeper.use(next.cache, settings_);
  next.keeper.take_over(image, key);
  turn();
  EXPECT_EQ(next.keeper.counters().refused, 1U);
}

TEST_F(CacheKeeperTest, a_flush_while_it_is_read_ends_the_reading) {
  const Descriptor image = left_by_a_life(3000);
  seal(image);
  Life next{loop_};
  next.keeper.use(next.cache, settings_);
  next.keeper.take_over(image, key);
  loop_.restart();
  loop_.poll_one();
  next.keeper.flushed();
  loop_.poll();
  EXPECT_EQ(next.cache.counters().entries, 0U);
}

TEST(KeptSettingsTest, what_decides_about_entries_is_in_the_digest) {
  const Settings settings;
  const auto differs = [&](auto change) {
    Settings other = settings;
    change(other);
    return digest_of(other) != digest_of(settings);
  };
  const dns::Name zone = *dns::Name::from_text("example.");
  EXPECT_TRUE(differs([](Settings& other) { other.validation.enabled = true; }));
  EXPECT_TRUE(differs([&](Settings& other) { other.validation.anchors.push_back({zone, {}}); }));
  EXPECT_TRUE(differs([&](Settings& other) { other.validation.negative_anchors.push_back({zone, 0}); }));
  EXPECT_TRUE(differs([](Settings& other) { other.max_ttl = dns::Ttl::from_wire(60); }));
  EXPECT_TRUE(differs([&](Settings& other) { other.zone_ttls.set(zone, {}); }));
  EXPECT_TRUE(differs([](Settings& other) { other.do_not_query.push_back(*dns::Prefix::from_text("192.0.2.0/24")); }));
  EXPECT_TRUE(differs([&](Settings& other) {
    Route route;
    route.zone = zone;
    other.routes = Routes{{route}};
  }));
  EXPECT_FALSE(differs([](Settings& other) { other.prefetch = true; }));
}

}  // namespace
}  // namespace redoubt::resolver
