# One library per layer, one test program per library: target_link_libraries is the dependency law.

set(SOCKHOOK_WARNINGS -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)

# The sources are free of g++'s warnings; clang, which builds the fuzz targets, has others.
if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set(SOCKHOOK_WARNINGS -Wall -Wextra)
endif()

if(SOCKHOOK_SANITIZE)
  # 64-bit g++ 12 warns falsely inside its own headers under the sanitizers.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    list(APPEND SOCKHOOK_WARNINGS -Wno-maybe-uninitialized -Wno-restrict)
  endif()
  set(SOCKHOOK_SANITIZE_FLAGS -fsanitize=${SOCKHOOK_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_compile_options(${SOCKHOOK_SANITIZE_FLAGS})
  add_link_options(${SOCKHOOK_SANITIZE_FLAGS})
endif()

# The linker and the compiler cache are conveniences: used where they are installed.
find_program(SOCKHOOK_CCACHE ccache)
if(SOCKHOOK_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${SOCKHOOK_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${SOCKHOOK_CCACHE})
endif()
find_program(SOCKHOOK_MOLD mold)
if(SOCKHOOK_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

# sockhook_library(NAME SOURCES a.cc ... [USES targets that its headers need] [HIDES targets only its .cc files need])
function(sockhook_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;USES;HIDES" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_compile_options(${name} PRIVATE ${SOCKHOOK_WARNINGS})
  target_link_libraries(${name} PUBLIC ${ARG_USES} PRIVATE ${ARG_HIDES})
endfunction()

# sockhook_test(NAME SOURCES a_test.cc ... USES targets [LABELS slow] [SHARDS n]): a GoogleTest program;
# with SHARDS its tests are n tests of ctest, which may run side by side.
function(sockhook_test name)
  cmake_parse_arguments(ARG "" "SHARDS" "SOURCES;USES;LABELS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_options(${name} PRIVATE ${SOCKHOOK_WARNINGS})
  target_link_libraries(${name} PRIVATE ${ARG_USES} GTest::gtest_main GTest::gmock)
  if(NOT ARG_SHARDS)
    set(ARG_SHARDS 1)
  endif()
  foreach(shard RANGE 1 ${ARG_SHARDS})
    set(test ${name})
    if(shard GREATER 1)
      set(test ${name}_${shard})
    endif()
    math(EXPR index "${shard} - 1")
    add_test(NAME ${test} COMMAND ${name})
    set_tests_properties(${test} PROPERTIES LABELS "${ARG_LABELS}"
      ENVIRONMENT "GTEST_TOTAL_SHARDS=${ARG_SHARDS};GTEST_SHARD_INDEX=${index}")
  endforeach()
endfunction()
