#ifndef NEARSIDE_WAN_LINK_H
#define NEARSIDE_WAN_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One direction between two places, as a line with a sender's queue in front of it:
 *
 *     offered -> cut? -> queue and line (rate) -> lost? -> in flight (delay, jitter) -> due
 *
 * Pure except for its memory: time is an argument. Packets always leave in the order in which they were offered.
 */

struct params {
  int64_t delay_ns;
  /* The delay varies within ± this. */
  int64_t jitter_ns;
  /* Parts of 10^9. */
  uint32_t loss_ppb;
  /* Bits per second of IP packets, without frames and preambles; 0 is unlimited. */
  uint64_t rate_bps;
  bool cut;
};

struct packet {
  struct packet *next;
  /* When its last bit leaves the sender's end of the line. */
  int64_t departs_ns;
  /* When its last bit arrives; never before that of the packet ahead. */
  int64_t due_ns;
  uint32_t length;
  uint8_t bytes[];
};

/* Every offered packet is counted in exactly one of these, or is still queued. */
struct counters {
  /* Delivered. */
  uint64_t packets;
  uint64_t bytes;
  uint64_t lost;
  uint64_t cut;
  uint64_t overflowed;
};

struct link {
  uint32_t from;
  uint32_t to;
  /* False until parameters are first applied, which counts as no link. */
  bool defined;
  struct params params;
  struct counters counters;
  struct packet *head;
  struct packet *tail;
  uint64_t queued;
  uint64_t queued_bytes;
  /* The line is busy until then. */
  int64_t line_free_ns;
  uint64_t seed;
  uint64_t draws;
  /* Start of the jitter sequence: the first packet since seeding; -1 before that. */
  int64_t epoch_ns;
  /* Position in the schedule; SCHEDULE_NONE while nothing is queued. */
  size_t scheduled_at;
};

/*
 * Three limits bound memory. A link holds at most LINK_BYTES_MAX, which at 100 ms is 1.3 Gbit/s; all links together
 * hold at most ALL_LINKS_BYTES_MAX; and a rate-limited link queues no more than a router with 100 ms of buffer, or 32
 * full packets if that is more. Excess packets are dropped at the tail and counted.
 */
#define LINK_BYTES_MAX (UINT64_C(16) << 20)
#define ALL_LINKS_BYTES_MAX (UINT64_C(256) << 20)
#define BUFFER_NS (100 * NS_PER_MS)
#define BUFFER_BYTES_MIN (32 * 1500)

/* Memory held by all links, in bytes. */
extern uint64_t held_bytes;

void link_init(struct link *link, uint32_t from, uint32_t to, uint64_t seed);

/* Restarts the random sequences. */
void link_seed(struct link *link, uint64_t seed);

/* Queues a copy of the packet, or counts why not. True if queued. */
bool link_offer(struct link *link, const uint8_t *bytes, uint32_t length, int64_t now_ns);

/* Removes the oldest packet in flight, which must exist, and counts it as delivered. The caller frees it. */
struct packet *link_take(struct link *link);
void packet_free(struct packet *packet);

/*
 * Applies parameters, also to packets in flight, so that no change waits for old packets. A cut drops everything on the
 * line. A lower delay lets packets arrive earlier, in order; a higher one does not hold back packets that have left. A
 * new rate applies to every packet still waiting for the line.
 */
void link_change(struct link *link, const struct params *params, int64_t now_ns);

#endif
