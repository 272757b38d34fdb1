// A PKCS#11 module whose one token does what the test says: what no real one does when asked.
#include "tests/unit/dnssec/fake_module.hpp"

#include <cstring>
#include <filesystem>
#include <map>

using redoubt::tests::FakeToken;

extern "C" {
extern FakeToken redoubt_fake_token;
FakeToken redoubt_fake_token;
}

namespace {

FakeToken& fake = redoubt_fake_token;

constexpr CK_OBJECT_HANDLE public_half = 1;
constexpr CK_OBJECT_HANDLE private_half = 2;

// The base point of P-256, as an OCTET STRING around the uncompressed form: a point of the curve like any other.
constexpr unsigned char base_point[] = {
    4,    65,   4,    0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4,
    0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2,
    0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16,
    0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5};

std::map<CK_SESSION_HANDLE, CK_FLAGS> sessions;
CK_OBJECT_CLASS sought = 0;
bool is_sought = false;

CK_RV initialize(void* /*arguments*/) { return CKR_OK; }

CK_RV slots(unsigned char /*present*/, CK_SLOT_ID* list, CK_ULONG* count) {
  if (list != nullptr) list[0] = 0;
  *count = 1;
  return CKR_OK;
}

CK_RV token_info(CK_SLOT_ID /*slot*/, CK_TOKEN_INFO* info) {
  std::memset(info->label, ' ', sizeof info->label);
  std::memcpy(info->label, "fake", 4);
  info->flags = CKF_TOKEN_INITIALIZED | CKF_USER_PIN_INITIALIZED | fake.flags;
  return CKR_OK;
}

CK_RV open_session(CK_SLOT_ID /*slot*/, CK_FLAGS flags, void* /*ours*/, CK_NOTIFY /*call*/, CK_SESSION_HANDLE* handle) {
  static CK_SESSION_HANDLE last = 0;
  *handle = ++last;
  sessions[*handle] = flags;
  if ((flags & CKF_RW_SESSION) != 0) ++fake.sessions_that_write;
  return CKR_OK;
}

CK_RV close_session(CK_SESSION_HANDLE session) {
  return sessions.erase(session) == 1 ? CKR_OK : CKR_SESSION_HANDLE_INVALID;
}

CK_RV login(CK_SESSION_HANDLE /*session*/, CK_USER_TYPE /*user*/, unsigned char* /*pin*/, CK_ULONG /*octets*/) {
  ++fake.logins;
  return CKR_OK;
}

bool writes(CK_SESSION_HANDLE session) { return (sessions[session] & CKF_RW_SESSION) != 0; }

CK_RV generate(CK_SESSION_HANDLE session, CK_MECHANISM* /*mechanism*/, CK_ATTRIBUTE* /*open*/, CK_ULONG /*open_count*/,
               CK_ATTRIBUTE* /*closed*/, CK_ULONG /*closed_count*/, CK_OBJECT_HANDLE* open, CK_OBJECT_HANDLE* closed) {
  if (!writes(session)) return CKR_SESSION_READ_ONLY;
  ++fake.made;
  *open = public_half;
  *closed = private_half;
  if (fake.folder != nullptr) std::filesystem::remove_all(fake.folder);
  return CKR_OK;
}

CK_RV destroy(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE /*object*/) {
  if (!writes(session)) return CKR_SESSION_READ_ONLY;
  ++fake.destroyed;
  return CKR_OK;
}

CK_RV value_of(CK_SESSION_HANDLE /*session*/, CK_OBJECT_HANDLE object, CK_ATTRIBUTE* wanted, CK_ULONG /*count*/) {
  if (object != public_half || wanted->type != CKA_EC_POINT) return CKR_ATTRIBUTE_TYPE_INVALID;
  wanted->ulValueLen = fake.point_is_good ? sizeof base_point : 1;
  if (wanted->pValue != nullptr) std::memcpy(wanted->pValue, base_point, wanted->ulValueLen);
  return CKR_OK;
}

CK_RV find_begin(CK_SESSION_HANDLE /*session*/, CK_ATTRIBUTE* wanted, CK_ULONG /*count*/) {
  std::memcpy(&sought, wanted->pValue, sizeof sought);  // what is looked for names its class first
  is_sought = true;
  return CKR_OK;
}

CK_RV find_next(CK_SESSION_HANDLE /*session*/, CK_OBJECT_HANDLE* found, CK_ULONG /*most*/, CK_ULONG* count) {
  *count = is_sought ? 1 : 0;
  is_sought = false;
  *found = sought == CKO_PUBLIC_KEY ? public_half : private_half;
  return CKR_OK;
}

CK_RV find_end(CK_SESSION_HANDLE /*session*/) { return CKR_OK; }

CK_RV sign_begin(CK_SESSION_HANDLE /*session*/, CK_MECHANISM* /*mechanism*/, CK_OBJECT_HANDLE /*key*/) {
  return CKR_OK;
}

CK_RV sign(CK_SESSION_HANDLE session, unsigned char* /*data*/, CK_ULONG /*octets*/, unsigned char* signature,
           CK_ULONG* size) {
  fake.signed_in = sessions[session];
  if (fake.sign_says != CKR_OK) return fake.sign_says;
  *size = 64;
  std::memset(signature, 1, *size);
  return CKR_OK;
}

}  // namespace

extern "C" CK_RV C_GetFunctionList(CK_FUNCTION_LIST** list) {
  static CK_FUNCTION_LIST functions = [] {
    CK_FUNCTION_LIST made{};
    made.C_Initialize = initialize;
    made.C_GetSlotList = slots;
    made.C_GetTokenInfo = token_info;
    made.C_OpenSession = open_session;
    made.C_CloseSession = close_session;
    made.C_Login = login;
    made.C_GenerateKeyPair = generate;
    made.C_DestroyObject = destroy;
    made.C_GetAttributeValue = value_of;
    made.C_FindObjectsInit = find_begin;
    made.C_FindObjects = find_next;
    made.C_FindObjectsFinal = find_end;
    made.C_SignInit = sign_begin;
    made.C_Sign = sign;
    return made;
  }();
  *list = &functions;
  return CKR_OK;
}
