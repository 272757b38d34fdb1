#include "appliance/control/certificates.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "appliance/config/check.hpp"
#include "tests/unit/appliance/pem_maker.hpp"

namespace redoubt::control {
namespace {

using testing::ElementsAre;

config::Configuration configured(const std::string& text) {
  const auto checked = config::check(
      text, {.limits = {}, .read_file = [](const std::string&) { return std::unexpected{std::string{"no file"}}; }});
  EXPECT_TRUE(checked.configuration);
  return checked.configuration.value_or(config::Configuration{});
}
dns::IpAddress address(const char* text) { return *dns::IpAddress::from_text(text); }

TEST(Certificates, name_encrypted_listeners_and_the_machines_addresses_for_those_that_stand_at_all) {
  const auto names = names_for(
      configured("listen: [{address: 192.0.2.1}, {address: 192.0.2.2@853, transports: [tls]}, {address: '::@853', "
                 "transports: [tls]}]\ntls: {names: [DNS.Example., b]}\n"),
      {address("192.0.2.1"), address("2001:db8::7")});
  EXPECT_THAT(names.names, ElementsAre("dns.example", "b"));
  EXPECT_THAT(names.addresses, ElementsAre(address("192.0.2.2"), address("2001:db8::7")));
}

TEST(Certificates, warnings_are_due_a_month_two_weeks_and_a_week_before_the_end) {
  constexpr std::int64_t day = 86'400;
  EXPECT_EQ(warning_due(31 * day), std::nullopt);
  EXPECT_EQ(warning_due(30 * day), 30);
  EXPECT_EQ(warning_due(15 * day), 30);
  EXPECT_EQ(warning_due(14 * day), 14);
  EXPECT_EQ(warning_due(7 * day), 7);
  EXPECT_EQ(warning_due(1), 7);
  EXPECT_EQ(warning_due(-5), 0);
}

TEST(Certificates, what_is_no_certificate_has_no_end) { EXPECT_EQ(expiry_of({1, 2, 3}), std::nullopt); }

/// monitor, keykeeper and transport as a test plays them.
class CertificatesRoadTest : public ::testing::Test {
 protected:
  void attach_keykeeper() {
    auto [ours, theirs] = *channel::Channel::make_pair();
    keykeeper_ = std::move(theirs);
    certificates_.attach_keykeeper(std::move(ours));
  }
  bool run_until(const std::function<bool()>& done) {
    for (int i = 0; i < 6000 && !done(); ++i) {
      loop_.restart();
      loop_.run_for(std::chrono::milliseconds{10});
    }
    return done();
  }
  void examine(const config::Configuration& configuration) {
    certificates_.examine(configuration, file_, places_, [this](const Examination& found) { found_ = found; });
  }
  /// What keykeeper says of the newest files that monitor was asked for.
  void say(const std::string& certificate, channel::CertificateChain chain, const std::string& trouble,
           bool exposed = false) {
    const auto asked =
        std::ranges::find(opened_.rbegin(), opened_.rend(), certificate, &channel::OpenTlsFiles::certificate);
    ASSERT_NE(asked, opened_.rend());
    const channel::TlsFilesRead read{asked->id, std::move(chain), trouble, exposed};
    EXPECT_FALSE(keykeeper_.send(channel::encode(channel::KeykeeperToControl{read})));
  }
  static std::vector<std::uint8_t> der(int days) {
    const test::Pem pem = test::make_pem(days);
    const keykeeper::Bio bio{BIO_new_mem_buf(pem.certificate.data(), static_cast<int>(pem.certificate.size()))};
    const keykeeper::Certificate certificate{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)};
    unsigned char* octets = nullptr;
    const int count = i2d_X509(certificate.get(), &octets);
    std::vector<std::uint8_t> out(octets, octets + std::max(count, 0));
    OPENSSL_free(octets);
    return out;
  }

  boost::asio::io_context loop_;
  std::vector<channel::OpenTlsFiles> opened_;
  std::vector<channel::UseCertificate> used_;
  std::vector<std::string> troubles_;
  std::optional<Examination> found_;
  const std::string file_ = "/etc/redoubt/redoubt.yaml";
  const config::Places places_{{"tls.certificate", {2, 20}}, {"tls.more[0].certificate", {4, 22}}};
  channel::Channel keykeeper_;
  Certificates certificates_{
      loop_,
      [this](const channel::ChildToMonitor& message) { opened_.push_back(std::get<channel::OpenTlsFiles>(message)); },
      [this](const channel::UseCertificate& use) {
        used_.push_back(use);
        return true;
      },
      [this](const std::string& trouble) { troubles_.push_back(trouble); }};
  config::Configuration files_ = configured(
      "listen: [{address: 127.0.0.1@853, transports: [tls]}]\n"
      "tls: {certificate: c.pem, key: k.pem, more: [{certificate: /two/c.pem, key: /two/k.pem}]}\n");
};

TEST_F(CertificatesRoadTest, files_that_fit_are_shown_as_soon_as_they_are_used) {
  attach_keykeeper();
  examine(files_);
  ASSERT_EQ(opened_.size(), 2U);
  EXPECT_EQ(opened_[0].certificate, "/etc/redoubt/c.pem");
  const auto one = der(90);
  const auto two = der(90);
  say("/etc/redoubt/c.pem", {one}, "");
  EXPECT_FALSE(found_) << "both are waited for";
  say("/two/c.pem", {two}, "");
  ASSERT_TRUE(run_until([&] { return found_.has_value(); }));
  EXPECT_THAT(found_->faults, testing::IsEmpty());
  EXPECT_THAT(found_->warnings, testing::IsEmpty());
  EXPECT_THAT(used_, testing::IsEmpty()) << "looking changes nothing";
  certificates_.use(files_, file_, places_, {});
  ASSERT_GE(used_.size(), 2U);
  EXPECT_EQ(used_[0].chain, channel::CertificateChain{one});
  EXPECT_EQ(used_[1].place, 1U);
  EXPECT_EQ(used_[1].count, 2U);
  EXPECT_EQ(used_[1].chain, channel::CertificateChain{two});
}

TEST_F(CertificatesRoadTest, files_that_do_not_fit_are_a_fault) {
  attach_keykeeper();
  examine(files_);
  say("/two/c.pem", {}, "the key is not this certificate's");
  say("/etc/redoubt/c.pem", {der(90)}, "");
  ASSERT_TRUE(run_until([&] { return found_.has_value(); }));
  EXPECT_THAT(found_->faults,
              ElementsAre("/etc/redoubt/redoubt.yaml:4:22: tls.more[].certificate: /two/c.pem: the key is "
                          "not this certificate's"));
}

TEST_F(CertificatesRoadTest, files_that_monitor_cannot_open_are_a_fault) {
  attach_keykeeper();
  examine(files_);
  certificates_.on_files_missing({.id = opened_[0].id, .key = false, .trouble = "no such file"});
  certificates_.on_files_missing({.id = opened_[1].id, .key = true, .trouble = "not a file"});
  ASSERT_TRUE(run_until([&] { return found_.has_value(); }));
  EXPECT_THAT(found_->faults,
              ElementsAre("/etc/redoubt/redoubt.yaml:2:20: tls.certificate: /etc/redoubt/c.pem: no such file",
                          "/etc/redoubt/redoubt.yaml: tls.more[].key: /two/k.pem: not a file"));
}

TEST_F(CertificatesRoadTest, a_start_without_its_files_says_where_they_are_named) {
  attach_keykeeper();
  certificates_.use(files_, file_, places_, {});
  ASSERT_EQ(opened_.size(), 2U);
  certificates_.on_files_missing({.id = opened_[0].id, .key = false, .trouble = "no such file"});
  say("/two/c.pem", {}, "the key is not this certificate's");
  ASSERT_TRUE(run_until([&] { return troubles_.size() == 2; }));
  EXPECT_THAT(troubles_,
              ElementsAre("/etc/redoubt/redoubt.yaml:2:20: tls.certificate: /etc/redoubt/c.pem: no such file",
                          "/etc/redoubt/redoubt.yaml:4:22: tls.more[].certificate: /two/c.pem: the key is not this "
                          "certificate's"));
}

TEST_F(CertificatesRoadTest, an_expired_certificate_and_an_open_key_are_warnings) {
  attach_keykeeper();
  examine(files_);
  say("/etc/redoubt/c.pem", {der(-1)}, "");
  say("/two/c.pem", {der(90)}, "", true);
  ASSERT_TRUE(run_until([&] { return found_.has_value(); }));
  EXPECT_THAT(found_->faults, testing::IsEmpty());
  EXPECT_THAT(found_->warnings, ElementsAre("/etc/redoubt/redoubt.yaml:2:20: tls.certificate: /etc/redoubt/c.pem: the "
                                            "certificate has expired",
                                            "/etc/redoubt/redoubt.yaml: tls.more[].key: /two/k.pem: everybody on this "
                                            "machine may read the key"));
}

TEST_F(CertificatesRoadTest, without_a_keykeeper_a_reload_goes_on_with_a_warning) {
  examine(files_);
  ASSERT_TRUE(found_);
  EXPECT_THAT(found_->faults, testing::IsEmpty());
  EXPECT_THAT(found_->warnings, ElementsAre(testing::HasSubstr("keykeeper is not there")));
  attach_keykeeper();
  examine(files_);
  found_.reset();
  ASSERT_TRUE(run_until([&] { return found_.has_value(); })) << "a keykeeper that says nothing";
  EXPECT_THAT(found_->warnings, ElementsAre(testing::HasSubstr("has not said in time")));
}

TEST_F(CertificatesRoadTest, plain_listeners_need_no_look) {
  examine(configured("listen: [{address: 127.0.0.1@53}]\ntls: {certificate: c.pem, key: k.pem}\n"));
  EXPECT_TRUE(found_);
  EXPECT_THAT(opened_, testing::IsEmpty());
}

TEST_F(CertificatesRoadTest, later_trouble_leaves_the_former_certificate) {
  attach_keykeeper();
  certificates_.use(files_, file_, places_, {});
  say("/etc/redoubt/c.pem", {der(90)}, "");
  say("/two/c.pem", {der(90)}, "");
  ASSERT_TRUE(run_until([&] { return used_.size() == 2; }));
  certificates_.attach_keykeeper([this] {
    auto [ours, theirs] = *channel::Channel::make_pair();
    keykeeper_ = std::move(theirs);
    return std::move(ours);
  }());  // which looks again
  say("/etc/redoubt/c.pem", {}, "the key is not this certificate's");
  say("/two/c.pem", {der(90)}, "");
  ASSERT_TRUE(run_until([&] { return used_.size() == 3; }));
  EXPECT_EQ(used_.back().place, 1U);
  EXPECT_THAT(troubles_, testing::IsEmpty());
}

TEST_F(CertificatesRoadTest, an_expired_certificate_takes_no_good_ones_place_while_that_ones_key_is_there) {
  attach_keykeeper();
  certificates_.use(files_, file_, places_, {});
  say("/etc/redoubt/c.pem", {der(90)}, "");
  say("/two/c.pem", {der(90)}, "");
  ASSERT_TRUE(run_until([&] { return used_.size() == 2; }));
  certificates_.use(files_, file_, places_, {});  // which looks again
  const auto ended = der(-1);
  const auto good = der(80);
  say("/etc/redoubt/c.pem", {ended}, "");
  say("/two/c.pem", {good}, "");
  ASSERT_TRUE(run_until([&] { return used_.size() == 3; }));
  EXPECT_EQ(used_.back().chain, channel::CertificateChain{good});
  attach_keykeeper();  // this one has never seen the former key
  say("/etc/redoubt/c.pem", {ended}, "");
  ASSERT_TRUE(run_until([&] { return used_.size() == 4; }));
  EXPECT_EQ(used_.back().chain, channel::CertificateChain{ended});
}

}  // namespace
}  // namespace redoubt::control
