// SOCKHOOK_CHECK: an invariant that only a bug of ours can break. Checked in release builds too:
// a wrong owner or a wrong thread must stop the process where it happens, not corrupt memory later.
// Whatever a client, a backend or an operator can cause is a handled error, never a check.

#pragma once

#include <cstdio>
#include <cstdlib>

#define SOCKHOOK_CHECK(condition)                                                        \
  do {                                                                                   \
    if (!(condition)) [[unlikely]] {                                                     \
      std::fprintf(stderr, "%s:%d: check failed: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                      \
    }                                                                                    \
  } while (false)
