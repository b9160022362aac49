#ifndef NEARSIDE_WAN_CLOCK_H
#define NEARSIDE_WAN_CLOCK_H

#include <stdint.h>
#include <time.h>

/* All times are nanoseconds of CLOCK_MONOTONIC: nobody can set that clock. */

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)

static inline int64_t clock_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

#endif
