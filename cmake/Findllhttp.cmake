# Finds llhttp and makes the target llhttp::llhttp.
#
# 1. Debian 13 and others: the header and the library of libllhttp-dev.
# 2. Debian 12: the C sources that node-llhttp installs, compiled here. Its 8.x compiles a loose
#    grammar unless LLHTTP_STRICT_MODE is 1, and loose lets a bare CR hide a header
#    (CVE-2023-30589); the define is public because the header depends on it too.

find_path(llhttp_INCLUDE_DIR llhttp.h PATHS /usr/share/include/llhttp PATH_SUFFIXES llhttp)
find_library(llhttp_LIBRARY llhttp)
find_path(llhttp_SOURCE_DIR llhttp.c PATHS /usr/share/llhttp)
mark_as_advanced(llhttp_INCLUDE_DIR llhttp_LIBRARY llhttp_SOURCE_DIR)

if(llhttp_LIBRARY)
  set(llhttp_PROVIDER ${llhttp_LIBRARY})
else()
  set(llhttp_PROVIDER ${llhttp_SOURCE_DIR})
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(llhttp REQUIRED_VARS llhttp_PROVIDER llhttp_INCLUDE_DIR)

if(llhttp_FOUND AND NOT TARGET llhttp::llhttp)
  if(llhttp_LIBRARY)
    add_library(llhttp::llhttp UNKNOWN IMPORTED)
    set_target_properties(llhttp::llhttp PROPERTIES
      IMPORTED_LOCATION "${llhttp_LIBRARY}"
      INTERFACE_INCLUDE_DIRECTORIES "${llhttp_INCLUDE_DIR}")
  else()
    add_library(llhttp_from_source STATIC
      ${llhttp_SOURCE_DIR}/api.c ${llhttp_SOURCE_DIR}/http.c ${llhttp_SOURCE_DIR}/llhttp.c)
    target_include_directories(llhttp_from_source SYSTEM PUBLIC "${llhttp_INCLUDE_DIR}")
    target_compile_definitions(llhttp_from_source PUBLIC LLHTTP_STRICT_MODE=1)
    target_compile_options(llhttp_from_source PRIVATE -w -O2)
    set_target_properties(llhttp_from_source PROPERTIES C_CLANG_TIDY "" CXX_CLANG_TIDY "")
    add_library(llhttp::llhttp ALIAS llhttp_from_source)
  endif()
endif()
