# How everything is compiled and linked.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

# Frame pointers are for profilers.
add_compile_options(-fno-omit-frame-pointer -Wall -Wextra -Wpedantic)
# A frame that is larger than a page must not step over the guard page below a task's stack.
set(TRACTOR_STACK_CHECKS -fstack-clash-protection)
add_compile_options(${TRACTOR_STACK_CHECKS})
if(TRACTOR_WERROR)
  add_compile_options(-Werror)
endif()
# GCC 12 takes the text in a std::variant for one that is freed but was never allocated, when it optimizes.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  add_compile_options(-Wno-free-nonheap-object)
endif()

# What protoc writes, as what it calls is compiled in the distribution's libraries: no warnings, no sanitizer, nothing to step through.
set(TRACTOR_GENERATED_CODE -w -g0)

if(TRACTOR_SANITIZE)
  add_compile_options(-fsanitize=${TRACTOR_SANITIZE} -fno-sanitize-recover=all)
  list(APPEND TRACTOR_GENERATED_CODE -fno-sanitize=all)
  # Instrumentation makes GCC see uninitialized variables that are not there; Asio's fences are unknown to -fsanitize=thread.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-maybe-uninitialized -Wno-tsan)
  endif()
  add_link_options(-fsanitize=${TRACTOR_SANITIZE})
  if(TRACTOR_SANITIZE MATCHES address)
    # What these check before an access is seen at the access; a million checks, relocated, made each process start in
    # half a second.
    add_compile_options(-fno-sanitize=null,alignment,object-size,vptr -fno-pie)
    add_link_options(-no-pie)
  endif()
  # gRPC's headers change struct layouts under a sanitizer; the distribution's libraries were built without one.
  add_compile_definitions(GRPC_ASAN_SUPPRESSED GRPC_TSAN_SUPPRESSED)
elseif(CMAKE_BUILD_TYPE STREQUAL "Release")
  # Never --icf=all: functions are looked up by address.
  add_compile_options(-ffunction-sections -fdata-sections)
  add_link_options(-Wl,--gc-sections)
endif()

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # The sloppiness is what ccache asks for with precompiled headers. What it does not know yet is not preprocessed twice.
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND};-E;env;CCACHE_DEPEND=1;CCACHE_SLOPPINESS=pch_defines,time_macros;${CCACHE}")
endif()

find_program(MOLD mold)
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT TRACTOR_SANITIZE)
  # Starting an actor is mostly page faults: of 410 an executable at a fixed address has no 120, for relocations. Mold,
  # which links everything else, lays it out such that there are 70 more.
  add_link_options(-no-pie)
elseif(MOLD)
  add_link_options(-fuse-ld=mold)
endif()
