#pragma once
// What a client of the API may ask for about zone keys, out of an HTTP request.
#include "appliance/control/api_members.hpp"

namespace redoubt::control {

/// name=ZONE
Read<ApiCall> list_keys_call(std::string_view parameters);
/// {"zone", "algorithm", "role", "bits", "taken": [TAG...]}
Read<ApiCall> make_key_call(std::string_view body);
/// POST /v1/keys/delete
Read<ApiCall> delete_key_call(std::string_view body);
/// {"zone", "algorithm", "tag", "sets": [BASE64...]}
Read<ApiCall> sign_call(std::string_view body);

}  // namespace redoubt::control
