# redoubt_library(NAME sources...)    a static library with the house's flags, named redoubt_NAME
# redoubt_asio(TARGET)                precompiles the heavy Asio headers into that target (12 s a file without)
# redoubt_test(NAME LABEL label... SOURCES ... LIBRARIES ...)
#                                     a GoogleTest program, registered with CTest; with the label `threads` it runs under TSan too
function(redoubt_library name)
  add_library(redoubt_${name} STATIC ${ARGN})
  target_link_libraries(redoubt_${name} PUBLIC redoubt_flags)
endfunction()

function(redoubt_asio target)
  target_link_libraries(${target} PUBLIC redoubt_asio_runtime)
  target_precompile_headers(${target} REUSE_FROM redoubt_asio_runtime)
  get_target_property(type ${target} TYPE)
  if(type STREQUAL "EXECUTABLE")
    # Precompiled headers want equal flags: -fPIC as libraries have it, where CMake would give a program -fPIE.
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${target} PRIVATE -fPIC)
  endif()
endfunction()

function(redoubt_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "LABEL;SOURCES;LIBRARIES" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE redoubt_flags ${ARG_LIBRARIES} GTest::gtest GTest::gtest_main GTest::gmock)
  add_test(NAME ${name} COMMAND ${name})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 900)  # ends what hangs; the slowest takes a minute on a machine that has nothing else to do
  endif()
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABEL}" TIMEOUT ${ARG_TIMEOUT})
endfunction()
