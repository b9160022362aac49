#ifndef NEARSIDE_WAN_RANDOM_H
#define NEARSIDE_WAN_RANDOM_H

#include <stdint.h>

/*
 * Counter-based random numbers: draw k of a seed is always the same, whatever was drawn before or elsewhere. Each link
 * has its own sequence, so that a run with the same seed drops the same packets of a link (the 7th, the 19th, …) even
 * if packets of other links come in another order. Not for secrets.
 */

/* The finaliser of splitmix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014). */
static inline uint64_t mix64(uint64_t x) {
  x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
  return x ^ (x >> 31);
}

static inline uint64_t random_draw(uint64_t seed, uint64_t k) {
  return mix64(seed + (k + 1) * UINT64_C(0x9e3779b97f4a7c15));
}

/* A whole number from 0 to bound - 1. The bias is below bound / 2^64. */
static inline uint64_t random_below(uint64_t seed, uint64_t k, uint64_t bound) {
  return (uint64_t)(((unsigned __int128)random_draw(seed, k) * bound) >> 64);
}

#endif
