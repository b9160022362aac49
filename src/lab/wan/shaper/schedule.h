#ifndef NEARSIDE_WAN_SCHEDULE_H
#define NEARSIDE_WAN_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct link;

/* Links with something under way, by when their first packet is due: a binary heap that links know their place in. */

#define SCHEDULE_NONE SIZE_MAX

struct schedule {
  struct link **links;
  size_t count;
  size_t room;
};

/* Room for that many links, so that nothing below can fail. False without memory. */
bool schedule_reserve(struct schedule *schedule, size_t links);

/* To be called whenever the head of a link's queue is another one, or is due at another time. */
void schedule_update(struct schedule *schedule, struct link *link);

/* The link whose packet is due first; NULL when nothing is under way. */
struct link *schedule_first(const struct schedule *schedule);

#endif
