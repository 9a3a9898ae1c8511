# Debian's gRPC CMake package exports shared targets only; its pkg-config files know the archives.
find_package(PkgConfig REQUIRED)

# tractor_static_archives(target MODULES pkg-config-module...): the target links the .a files of the modules and of
# everything they need. Only the C library's own parts stay shared.
function(tractor_static_archives target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "MODULES")
  # One call: pkg_check_modules makes a dozen, a second each.
  execute_process(COMMAND "${PKG_CONFIG_EXECUTABLE}" --static --libs-only-l ${arg_MODULES}
                  OUTPUT_VARIABLE flags OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCHALL "-l[^ ]+" libraries "${flags}")
  list(TRANSFORM libraries REPLACE "^-l" "")
  list(REMOVE_DUPLICATES libraries)
  list(REMOVE_ITEM libraries dl m rt pthread atomic)
  foreach(library IN LISTS libraries)
    find_library(archive_${library} lib${library}.a)
    mark_as_advanced(archive_${library})
    if(NOT archive_${library})
      message(FATAL_ERROR "no static library lib${library}.a: install its -dev package (deploy/install-deps.sh) or set TRACTOR_STATIC_DEPS=OFF")
    endif()
    list(APPEND archives "${archive_${library}}")
  endforeach()
  list(JOIN archives "," group)
  # A group, because the archives need each other in a circle.
  target_link_libraries(${target} INTERFACE "$<LINK_GROUP:RESCAN,${group}>" Threads::Threads -Wl,--as-needed -latomic ${CMAKE_DL_LIBS} rt)
endfunction()
