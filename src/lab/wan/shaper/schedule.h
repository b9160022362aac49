#ifndef NEARSIDE_WAN_SCHEDULE_H
#define NEARSIDE_WAN_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct link;

/* Links with packets in flight, by due time of the first packet: a binary heap in which links know their position. */

#define SCHEDULE_NONE SIZE_MAX

struct schedule {
  struct link **links;
  size_t count;
  size_t room;
};

/* Reserves room for that many links, so that nothing below can fail. False without memory. */
bool schedule_reserve(struct schedule *schedule, size_t links);

/* Call it whenever the head of a link's queue, or its due time, has changed. */
void schedule_update(struct schedule *schedule, struct link *link);

/* The link whose packet is due first; NULL if nothing is in flight. */
struct link *schedule_first(const struct schedule *schedule);

#endif
