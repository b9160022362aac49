#ifndef NEARSIDE_WAN_NETWORK_H
#define NEARSIDE_WAN_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "link.h"
#include "schedule.h"

/* Places, their addresses, and the links between them. Nothing is ever removed. */

#define PLACE_NAME_MAX 63
#define PLACES_MAX 65536
#define PREFIXES_MAX 131072
#define LINKS_MAX 262144
#define NO_PLACE UINT32_MAX

struct place {
  char name[PLACE_NAME_MAX + 1];
};

/* Open addressing with linear probing, at most half full, so that searches are short. NONE marks a free slot. */
struct slot {
  uint64_t key;
  uint32_t value;
};

struct index {
  struct slot *slots;
  size_t size;
  size_t used;
};

struct network {
  struct place *places;
  uint32_t place_count;
  struct link **links;
  uint32_t link_count;
  /* Hash of a name -> place; first three bytes of an IPv4 address -> place; from and to -> link. */
  struct index by_name;
  struct index by_prefix;
  struct index by_ends;
  struct schedule schedule;
  uint64_t seed;
  /* Packets that are not IPv4, have an address of no place, or belong to places without a link. */
  uint64_t unknown;
};

bool network_init(struct network *network, uint64_t seed);

/* The place of that name, or NO_PLACE. */
uint32_t network_place(const struct network *network, const char *name);
/* Assigns 256 addresses (the first three bytes of IPv4) to a place, creating it if needed. Returns an error or NULL. */
const char *network_add_prefix(struct network *network, const char *name, uint32_t prefix);
/* The link, created if needed (not yet defined); NULL if there is no room for it. */
struct link *network_link(struct network *network, uint32_t from, uint32_t to);
void network_change(struct network *network, struct link *link, const struct params *params, int64_t now_ns);
/* Restarts all random sequences. */
void network_seed(struct network *network, uint64_t seed);

/* Accepts an incoming packet. */
void network_offer(struct network *network, const uint8_t *bytes, uint32_t length, int64_t now_ns);
/* When the next packet is due; INT64_MAX for never. */
int64_t network_due_ns(const struct network *network);
/* Takes a due packet, which the caller frees; NULL if there is none. */
struct packet *network_take(struct network *network, int64_t now_ns);

#endif
