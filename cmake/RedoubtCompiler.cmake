# Flags for every target: warnings are errors, release builds are hardened, ccache is used where it is installed.
add_library(redoubt_flags INTERFACE)

target_compile_options(redoubt_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wold-style-cast -Wcast-qual -Wnon-virtual-dtor
  -Woverloaded-virtual -Wformat=2 -Wimplicit-fallthrough -Wswitch -Werror)
target_include_directories(redoubt_flags INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/generated)
target_compile_definitions(redoubt_flags INTERFACE
  BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_DATE_TIME BOOST_ASIO_SEPARATE_COMPILATION
  BOOST_BEAST_SEPARATE_COMPILATION)
target_link_libraries(redoubt_flags INTERFACE Threads::Threads)

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Boost.Asio 1.81's coroutines trip these two in GCC 12 after inlining; both are false alarms in code that is not ours.
  target_compile_options(redoubt_flags INTERFACE -fcoroutines -Wno-maybe-uninitialized -Wno-mismatched-new-delete)
endif()

if(REDOUBT_TEST_HOOKS)
  target_compile_definitions(redoubt_flags INTERFACE REDOUBT_TEST_HOOKS=1)
endif()

if(REDOUBT_SANITIZE)
  target_compile_options(redoubt_flags INTERFACE -fsanitize=${REDOUBT_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(redoubt_flags INTERFACE -fsanitize=${REDOUBT_SANITIZE})
  target_compile_definitions(redoubt_flags INTERFACE REDOUBT_SANITIZED=1)
endif()

# What a shipped build is compiled with. Sanitized and debug builds leave it out, for the two get in each other's way.
if(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo" OR CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_options(redoubt_flags INTERFACE
    -fstack-protector-strong -fstack-clash-protection -fcf-protection=full -ftrivial-auto-var-init=zero
    -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
  target_link_options(redoubt_flags INTERFACE -pie -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed)
  if(NOT REDOUBT_FUZZ)
    target_compile_options(redoubt_flags INTERFACE -flto=auto)
    target_link_options(redoubt_flags INTERFACE -flto=auto)
  endif()
endif()

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_NOHASHDIR=1
      CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} ${CCACHE})
  add_compile_options($<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)
endif()
