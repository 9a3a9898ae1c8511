// Which sanitizer this is built with: they must be told of every switch between stacks.
#pragma once

#if defined(__SANITIZE_ADDRESS__)
#define TRACTOR_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TRACTOR_ASAN 1
#endif
#endif

#if defined(__SANITIZE_THREAD__)
#define TRACTOR_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TRACTOR_TSAN 1
#endif
#endif

#ifdef TRACTOR_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef TRACTOR_TSAN
#include <sanitizer/tsan_interface.h>
#endif

#if defined(TRACTOR_ASAN) || defined(TRACTOR_TSAN)
#define TRACTOR_SANITIZED 1
#endif

namespace tractor {

#ifdef TRACTOR_SANITIZED
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace tractor
