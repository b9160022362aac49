#ifndef NEARSIDE_WAN_LINK_H
#define NEARSIDE_WAN_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One direction between two places, as a line with a sender's queue in front of it:
 *
 *     offered -> cut? -> queue and line (rate) -> lost? -> under way (delay, jitter) -> due
 *
 * Pure but for its memory: the time is an argument. What is due leaves in the order in which it was offered, always.
 */

struct params {
  int64_t delay_ns;
  /* The delay wanders within ± this. */
  int64_t jitter_ns;
  /* Parts of 10^9. */
  uint32_t loss_ppb;
  /* Bits a second; 0 is no limit. Counts what IP counts: no frames, no preambles. */
  uint64_t rate_bps;
  bool cut;
};

struct packet {
  struct packet *next;
  /* When its last bit leaves the sender's end of the line. */
  int64_t departs_ns;
  /* When its last bit arrives; never before that of the packet in front of it. */
  int64_t due_ns;
  uint32_t length;
  uint8_t bytes[];
};

/* Every packet offered is in exactly one of these, or still queued. */
struct counters {
  /* Arrived. */
  uint64_t packets;
  uint64_t bytes;
  uint64_t lost;
  uint64_t cut;
  uint64_t overflowed;
};

struct link {
  uint32_t from;
  uint32_t to;
  /* False until parameters were first put in force: as good as no link. */
  bool defined;
  struct params params;
  struct counters counters;
  struct packet *head;
  struct packet *tail;
  uint64_t queued;
  uint64_t queued_bytes;
  /* The line sends until then. */
  int64_t line_free_ns;
  uint64_t seed;
  uint64_t draws;
  /* What the wandering of the delay counts from: the first packet since it was seeded; -1 before that. */
  int64_t epoch_ns;
  /* Place in the schedule; SCHEDULE_NONE while nothing is queued. */
  size_t scheduled_at;
};

/*
 * Memory is bounded three times. A link holds at most so much, which at 100 ms is 1.3 Gbit/s; all links together hold
 * at most so much; and a link with a rate limit queues no more in front of its line than a router with 100 ms of
 * buffer does, or 32 full packets where that is more. What comes on top is dropped at the tail and counted.
 */
#define LINK_BYTES_MAX (UINT64_C(16) << 20)
#define ALL_LINKS_BYTES_MAX (UINT64_C(256) << 20)
#define BUFFER_NS (100 * NS_PER_MS)
#define BUFFER_BYTES_MIN (32 * 1500)

/* What all links hold, in bytes of memory. */
extern uint64_t held_bytes;

void link_init(struct link *link, uint32_t from, uint32_t to, uint64_t seed);

/* Starts the random sequences anew. */
void link_seed(struct link *link, uint64_t seed);

/* Takes a copy of the packet, or counts why not. True when it was queued. */
bool link_offer(struct link *link, const uint8_t *bytes, uint32_t length, int64_t now_ns);

/* The packet that has been under way longest, which must exist; counts as arrived. The caller gives it back. */
struct packet *link_take(struct link *link);
void packet_free(struct packet *packet);

/*
 * Puts parameters in force, for what is under way too, so that no change has to wait for old packets. A cut loses
 * everything that is on the line. A lower delay lets packets arrive earlier (in order); a higher one does not hold up
 * what has left. A new rate counts for every packet that still waits for the line.
 */
void link_change(struct link *link, const struct params *params, int64_t now_ns);

#endif
