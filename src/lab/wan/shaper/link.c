#include "link.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "random.h"
#include "schedule.h"

uint64_t held_bytes = 0;

void link_init(struct link *link, uint32_t from, uint32_t to, uint64_t seed) {
  *link = (struct link){.from = from, .to = to, .scheduled_at = SCHEDULE_NONE};
  link_seed(link, seed);
}

void link_seed(struct link *link, uint64_t seed) {
  link->seed = seed;
  link->draws = 0;
  link->epoch_ns = -1;
}

/* 16: allocation overhead. */
static uint64_t memory_of(uint32_t length) { return sizeof(struct packet) + length + 16; }

static int64_t sending_ns(const struct link *link, uint32_t length) {
  uint64_t rate_bps = link->params.rate_bps;
  if (rate_bps == 0) return 0;
  return (int64_t)(((unsigned __int128)length * 8 * NS_PER_S + rate_bps - 1) / rate_bps);
}

/*
 * Time in flight of a packet that departs now. Jitter interpolates linearly between random points that are at least 4
 * jitters apart. The delay thus falls by less than half of the elapsed time, so packets stay in order without being
 * held back, and the mean stays the delay. Independent jitter per packet would either reorder or push all to the
 * maximum.
 */
static int64_t flight_ns(const struct link *link, int64_t departs_ns) {
  int64_t jitter_ns = link->params.jitter_ns;
  if (jitter_ns == 0) return link->params.delay_ns;
  int64_t step_ns = 4 * jitter_ns < 10 * NS_PER_MS ? 10 * NS_PER_MS : 4 * jitter_ns;
  int64_t since_ns = departs_ns < link->epoch_ns ? 0 : departs_ns - link->epoch_ns;
  uint64_t k = (uint64_t)(since_ns / step_ns);
  uint64_t range = (uint64_t)(2 * jitter_ns + 1);
  /* A different sequence than that of losses. */
  int64_t from_ns = (int64_t)random_below(~link->seed, k, range) - jitter_ns;
  int64_t to_ns = (int64_t)random_below(~link->seed, k + 1, range) - jitter_ns;
  double part = (double)(since_ns % step_ns) / (double)step_ns;
  int64_t flight = link->params.delay_ns + from_ns + (int64_t)((double)(to_ns - from_ns) * part);
  return flight < 0 ? 0 : flight;
}

/* Whether the queue in front of the line has room. */
static bool line_takes(const struct link *link, uint32_t length, int64_t now_ns) {
  uint64_t rate_bps = link->params.rate_bps;
  if (rate_bps == 0 || link->line_free_ns <= now_ns) return true;
  unsigned __int128 per_second = (unsigned __int128)rate_bps / 8;
  unsigned __int128 waiting = per_second * (uint64_t)(link->line_free_ns - now_ns) / NS_PER_S;
  unsigned __int128 room = per_second * BUFFER_NS / NS_PER_S;
  return waiting + length <= (room < BUFFER_BYTES_MIN ? BUFFER_BYTES_MIN : room);
}

static int64_t later(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t earlier(int64_t a, int64_t b) { return a < b ? a : b; }

bool link_offer(struct link *link, const uint8_t *bytes, uint32_t length, int64_t now_ns) {
  if (link->params.cut) {
    link->counters.cut += 1;
    return false;
  }
  uint64_t memory = memory_of(length);
  if (link->queued_bytes + memory > LINK_BYTES_MAX || held_bytes + memory > ALL_LINKS_BYTES_MAX ||
      !line_takes(link, length, now_ns)) {
    link->counters.overflowed += 1;
    return false;
  }
  int64_t departs_ns = later(now_ns, link->line_free_ns) + sending_ns(link, length);
  link->line_free_ns = departs_ns;
  /* A lost packet has used the line as well. */
  if (link->params.loss_ppb > 0 &&
      random_below(link->seed, link->draws++, UINT64_C(1000000000)) < link->params.loss_ppb) {
    link->counters.lost += 1;
    return false;
  }
  struct packet *packet = malloc(sizeof *packet + length);
  if (packet == NULL) {
    link->counters.overflowed += 1;
    return false;
  }
  if (link->epoch_ns < 0) link->epoch_ns = departs_ns;
  packet->next = NULL;
  packet->departs_ns = departs_ns;
  packet->due_ns = departs_ns + flight_ns(link, departs_ns);
  packet->length = length;
  memcpy(packet->bytes, bytes, length);
  if (link->tail != NULL) {
    packet->due_ns = later(packet->due_ns, link->tail->due_ns);
    link->tail->next = packet;
  } else {
    link->head = packet;
  }
  link->tail = packet;
  link->queued += 1;
  link->queued_bytes += memory;
  held_bytes += memory;
  return true;
}

static struct packet *detach(struct link *link) {
  struct packet *packet = link->head;
  link->head = packet->next;
  if (link->head == NULL) link->tail = NULL;
  uint64_t memory = memory_of(packet->length);
  link->queued -= 1;
  link->queued_bytes -= memory;
  held_bytes -= memory;
  return packet;
}

struct packet *link_take(struct link *link) {
  struct packet *packet = detach(link);
  link->counters.packets += 1;
  link->counters.bytes += packet->length;
  return packet;
}

void packet_free(struct packet *packet) { free(packet); }

static void empty(struct link *link) {
  while (link->head != NULL) {
    packet_free(detach(link));
    link->counters.cut += 1;
  }
  link->line_free_ns = 0;
}

void link_change(struct link *link, const struct params *params, int64_t now_ns) {
  bool new_rate = link->params.rate_bps != params->rate_bps;
  link->params = *params;
  link->defined = true;
  if (params->cut) {
    empty(link);
    return;
  }
  int64_t line_ns = now_ns;
  int64_t due_ns = 0;
  for (struct packet *packet = link->head; packet != NULL; packet = packet->next) {
    bool waits = packet->departs_ns > now_ns;
    if (waits && new_rate) packet->departs_ns = line_ns += sending_ns(link, packet->length);
    int64_t arrives_ns = packet->departs_ns + flight_ns(link, packet->departs_ns);
    packet->due_ns = waits ? arrives_ns : earlier(packet->due_ns, arrives_ns);
    packet->due_ns = due_ns = later(packet->due_ns, due_ns);
  }
  if (new_rate) link->line_free_ns = line_ns;
}
