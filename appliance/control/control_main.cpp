// Process: control. Given: a channel to monitor. Keeps: its state folder, its API and HTTP listeners. Reads:
// configuration, API requests.
#include "appliance/control/control_main.hpp"

#include "appliance/control/control.hpp"
#include "appliance/log/log.hpp"
#include "appliance/sandbox/sandbox.hpp"

namespace redoubt::control {

int control_main(channel::Channel monitor) {
  // The capabilities to make the state folder go with sandbox::enter(), before anything is served.
  std::string trouble;
  if (const auto dropped = sandbox::drop_rights(channel::Role::control, true); !dropped) trouble = dropped.error();
  Control control{std::move(trouble)};
  return control.run(std::move(monitor));
}

}  // namespace redoubt::control
