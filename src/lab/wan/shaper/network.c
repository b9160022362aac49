#include "network.h"

#include <stdlib.h>
#include <string.h>

#include "random.h"

#define NONE UINT32_MAX

static bool index_grow(struct index *index, size_t size) {
  struct slot *slots = malloc(size * sizeof *slots);
  if (slots == NULL) return false;
  for (size_t i = 0; i < size; i += 1) slots[i] = (struct slot){.value = NONE};
  for (size_t i = 0; i < index->size; i += 1) {
    struct slot old = index->slots[i];
    if (old.value == NONE) continue;
    size_t at = mix64(old.key) & (size - 1);
    while (slots[at].value != NONE) at = (at + 1) & (size - 1);
    slots[at] = old;
  }
  free(index->slots);
  index->slots = slots;
  index->size = size;
  return true;
}

/* The slot of the key, or where it would be. */
static struct slot *index_slot(const struct index *index, uint64_t key) {
  size_t at = mix64(key) & (index->size - 1);
  while (index->slots[at].value != NONE && index->slots[at].key != key) at = (at + 1) & (index->size - 1);
  return &index->slots[at];
}

static uint32_t index_get(const struct index *index, uint64_t key) { return index_slot(index, key)->value; }

static bool index_put(struct index *index, uint64_t key, uint32_t value) {
  struct slot *slot = index_slot(index, key);
  if (slot->value == NONE) {
    if (index->used * 2 >= index->size) {
      if (!index_grow(index, index->size * 2)) return false;
      slot = index_slot(index, key);
    }
    index->used += 1;
  }
  *slot = (struct slot){.key = key, .value = value};
  return true;
}

/* FNV-1a. A second name with the same 64-bit hash is refused. */
static uint64_t hash_of(const char *name) {
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  for (; *name != '\0'; name += 1) hash = (hash ^ (uint8_t)*name) * UINT64_C(0x100000001b3);
  return hash;
}

static uint64_t ends_of(uint32_t from, uint32_t to) { return (uint64_t)from << 32 | to; }

/* By name, because numbers depend on the order in which places were added. */
static uint64_t seed_of(const struct network *network, uint32_t from, uint32_t to) {
  uint64_t seed = mix64(network->seed ^ hash_of(network->places[from].name));
  return mix64(seed + hash_of(network->places[to].name));
}

bool network_init(struct network *network, uint64_t seed) {
  *network = (struct network){.seed = seed};
  /* Only used pages cost memory. */
  network->places = calloc(PLACES_MAX, sizeof *network->places);
  network->links = calloc(LINKS_MAX, sizeof *network->links);
  return network->places != NULL && network->links != NULL && index_grow(&network->by_name, 64) &&
         index_grow(&network->by_prefix, 64) && index_grow(&network->by_ends, 64);
}

uint32_t network_place(const struct network *network, const char *name) {
  uint32_t place = index_get(&network->by_name, hash_of(name));
  return place != NONE && strcmp(network->places[place].name, name) == 0 ? place : NO_PLACE;
}

const char *network_add_prefix(struct network *network, const char *name, uint32_t prefix) {
  uint32_t place = index_get(&network->by_name, hash_of(name));
  if (place != NONE && strcmp(network->places[place].name, name) != 0) return "name collides with another";
  if (network->by_prefix.used >= PREFIXES_MAX) return "too many prefixes";
  if (place == NONE) {
    if (network->place_count == PLACES_MAX) return "too many places";
    place = network->place_count;
    strcpy(network->places[place].name, name);
    if (!index_put(&network->by_name, hash_of(name), place)) return "out of memory";
    network->place_count += 1;
  }
  return index_put(&network->by_prefix, prefix, place) ? NULL : "out of memory";
}

static struct link *find_link(const struct network *network, uint32_t from, uint32_t to) {
  uint32_t at = index_get(&network->by_ends, ends_of(from, to));
  return at == NONE ? NULL : network->links[at];
}

struct link *network_link(struct network *network, uint32_t from, uint32_t to) {
  struct link *link = find_link(network, from, to);
  if (link != NULL) return link;
  if (network->link_count == LINKS_MAX) return NULL;
  if (!schedule_reserve(&network->schedule, network->link_count + 1)) return NULL;
  link = malloc(sizeof *link);
  if (link == NULL) return NULL;
  if (!index_put(&network->by_ends, ends_of(from, to), network->link_count)) {
    free(link);
    return NULL;
  }
  link_init(link, from, to, seed_of(network, from, to));
  network->links[network->link_count++] = link;
  return link;
}

void network_change(struct network *network, struct link *link, const struct params *params, int64_t now_ns) {
  link_change(link, params, now_ns);
  schedule_update(&network->schedule, link);
}

void network_seed(struct network *network, uint64_t seed) {
  network->seed = seed;
  for (uint32_t i = 0; i < network->link_count; i += 1) {
    struct link *link = network->links[i];
    link_seed(link, seed_of(network, link->from, link->to));
  }
}

static uint32_t place_at(const struct network *network, const uint8_t *address) {
  return index_get(&network->by_prefix, (uint32_t)address[0] << 16 | (uint32_t)address[1] << 8 | address[2]);
}

void network_offer(struct network *network, const uint8_t *bytes, uint32_t length, int64_t now_ns) {
  struct link *link = NULL;
  /* An IPv4 header has at least 20 bytes; bytes 12 to 19 are source and destination. */
  if (length >= 20 && bytes[0] >> 4 == 4) {
    uint32_t from = place_at(network, bytes + 12);
    uint32_t to = place_at(network, bytes + 16);
    if (from != NO_PLACE && to != NO_PLACE) link = find_link(network, from, to);
  }
  if (link == NULL || !link->defined) {
    network->unknown += 1;
    return;
  }
  bool was_idle = link->head == NULL;
  if (link_offer(link, bytes, length, now_ns) && was_idle) schedule_update(&network->schedule, link);
}

int64_t network_due_ns(const struct network *network) {
  const struct link *link = schedule_first(&network->schedule);
  return link == NULL ? INT64_MAX : link->head->due_ns;
}

struct packet *network_take(struct network *network, int64_t now_ns) {
  struct link *link = schedule_first(&network->schedule);
  if (link == NULL || link->head->due_ns > now_ns) return NULL;
  struct packet *packet = link_take(link);
  schedule_update(&network->schedule, link);
  return packet;
}
