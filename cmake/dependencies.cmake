# Libraries of the distribution, under one name whether they are linked shared or static (TRACTOR_STATIC_DEPS).
set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL ON)  # a project that adds this one links them, too
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(CLI11 CONFIG REQUIRED)
find_package(spdlog CONFIG REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED)  # shared only, as Debian has it
if(PROJECT_IS_TOP_LEVEL)
  find_package(GTest REQUIRED)
endif()

set(Boost_USE_STATIC_LIBS ON)
find_package(Boost 1.81 CONFIG REQUIRED COMPONENTS context filesystem)

find_program(PROTOC protoc REQUIRED)
find_program(GRPC_CPP_PLUGIN grpc_cpp_plugin REQUIRED)

add_library(tractor_grpc INTERFACE)
add_library(tractor_protobuf INTERFACE)
add_library(tractor_absl INTERFACE)
add_library(tractor_spdlog INTERFACE)
add_library(tractor::grpc ALIAS tractor_grpc)
add_library(tractor::protobuf ALIAS tractor_protobuf)
add_library(tractor::absl ALIAS tractor_absl)
add_library(tractor::spdlog ALIAS tractor_spdlog)

# What we use of Abseil ourselves: containers, strings, stack traces and symbols, the mutex's deadlock switch.
set(absl_parts base flat_hash_map flat_hash_set strings str_format stacktrace symbolize synchronization)

if(TRACTOR_STATIC_DEPS)
  include(static_archives)
  list(TRANSFORM absl_parts PREPEND absl_ OUTPUT_VARIABLE absl_modules)
  tractor_static_archives(tractor_grpc MODULES grpc++ protobuf ${absl_modules})
  target_link_libraries(tractor_protobuf INTERFACE tractor_grpc)
  target_link_libraries(tractor_absl INTERFACE tractor_grpc)
  # Debian ships spdlog and fmt as shared objects or headers only.
  target_link_libraries(tractor_spdlog INTERFACE fmt::fmt-header-only Threads::Threads)
  target_compile_definitions(tractor_spdlog INTERFACE SPDLOG_FMT_EXTERNAL)
else()
  find_package(Protobuf CONFIG QUIET)
  if(NOT Protobuf_FOUND)
    find_package(Protobuf MODULE REQUIRED)  # protobuf 3.21 has no CMake config
  endif()
  find_package(absl CONFIG REQUIRED)
  find_package(gRPC CONFIG REQUIRED)
  list(TRANSFORM absl_parts PREPEND absl:: OUTPUT_VARIABLE absl_targets)
  target_link_libraries(tractor_grpc INTERFACE gRPC::grpc++)
  target_link_libraries(tractor_protobuf INTERFACE protobuf::libprotobuf)
  target_link_libraries(tractor_absl INTERFACE ${absl_targets})
  target_link_libraries(tractor_spdlog INTERFACE spdlog::spdlog)
endif()
