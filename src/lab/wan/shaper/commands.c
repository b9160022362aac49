#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "control.h"

/*
 * Commands, one per line, words separated by one space:
 *
 *     hello                              ok nearside-wan 1
 *     place NAME A.B.C.0/24              ok
 *     link FROM TO PARAMETERS            ok           (staged until apply)
 *     apply                              ok COUNT     (all staged links take effect)
 *     discard                            ok COUNT     (staged links are dropped)
 *     links                              link FROM TO PARAMETERS, for each; ok COUNT
 *     stats                              stats FROM TO packets bytes lost cut overflowed queued, for each; ok COUNT
 *     totals                             totals unknown unwritten missed held_bytes; ok
 *     seed NUMBER                        ok
 *
 *     PARAMETERS: delay_us jitter_us loss_ppb rate_bps up|cut
 *
 * The answer may also be `error WHY`; the command has then had no effect.
 */

#define WORDS_MAX 8
#define DELAY_US_MAX 60000000
#define PPB INT64_C(1000000000)
#define RATE_BPS_MAX INT64_C(1000000000000)

/* Splits a line into words; 0 if there are none, too many, or if they are not separated by exactly one space. */
static size_t split(char *line, char *words[WORDS_MAX]) {
  size_t count = 0;
  for (;;) {
    char *end = strchr(line, ' ');
    if (count == WORDS_MAX || *line == '\0' || end == line) return 0;
    words[count++] = line;
    if (end == NULL) return count;
    *end = '\0';
    line = end + 1;
  }
}

/* Decimal digits only, no sign, at most `max`. */
static bool number(const char *word, uint64_t max, uint64_t *value) {
  uint64_t sum = 0;
  if (*word == '\0' || strlen(word) > 20) return false;
  for (; *word != '\0'; word += 1) {
    if (*word < '0' || *word > '9') return false;
    uint64_t digit = (uint64_t)(*word - '0');
    if (__builtin_mul_overflow(sum, 10, &sum) || __builtin_add_overflow(sum, digit, &sum)) return false;
  }
  *value = sum;
  return sum <= max;
}

static bool is_name(const char *word) {
  size_t length = strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:");
  return length > 0 && length <= PLACE_NAME_MAX && word[length] == '\0';
}

/* `10.77.1.0/24` as 0x0a4d01. */
static bool is_prefix(char *word, uint32_t *prefix) {
  uint32_t sum = 0;
  for (int part = 0; part < 3; part += 1) {
    char *end = strchr(word, '.');
    uint64_t value;
    if (end == NULL) return false;
    *end = '\0';
    if (!number(word, 255, &value) || strlen(word) > 3) return false;
    sum = sum << 8 | (uint32_t)value;
    word = end + 1;
  }
  *prefix = sum;
  return strcmp(word, "0/24") == 0;
}

static const char *read_params(char *words[], struct params *params) {
  uint64_t delay_us, jitter_us, loss_ppb, rate_bps;
  if (!number(words[0], DELAY_US_MAX, &delay_us)) return "delay_us: expected 0 to 60000000";
  if (!number(words[1], DELAY_US_MAX, &jitter_us)) return "jitter_us: expected 0 to 60000000";
  if (!number(words[2], PPB, &loss_ppb)) return "loss_ppb: expected 0 to 1000000000";
  if (!number(words[3], RATE_BPS_MAX, &rate_bps)) return "rate_bps: expected 0 to 1000000000000";
  bool cut = strcmp(words[4], "cut") == 0;
  if (!cut && strcmp(words[4], "up") != 0) return "expected up or cut";
  *params = (struct params){
      .delay_ns = (int64_t)delay_us * NS_PER_US,
      .jitter_ns = (int64_t)jitter_us * NS_PER_US,
      .loss_ppb = (uint32_t)loss_ppb,
      .rate_bps = rate_bps,
      .cut = cut,
  };
  return NULL;
}

static const char *stage(struct client *client, struct link *link, const struct params *params) {
  if (client->staged_count == LINKS_MAX) return "too many staged links";
  if (client->staged_count == client->staged_room) {
    size_t room = client->staged_room == 0 ? 16 : client->staged_room * 2;
    struct staged *bigger = realloc(client->staged, room * sizeof *bigger);
    if (bigger == NULL) return "out of memory";
    client->staged = bigger;
    client->staged_room = room;
  }
  client->staged[client->staged_count++] = (struct staged){.link = link, .params = *params};
  return NULL;
}

/* A one-line answer: `ok`, or the error. */
static void answer(struct client *client, const char *wrong) {
  if (wrong == NULL) client_say(client, "ok");
  else client_say(client, "error %s", wrong);
}

static void run_hello(struct control *control, struct client *client, char *words[]) {
  (void)control, (void)words;
  client_say(client, "ok nearside-wan 1");
}

static const char *place(struct network *network, const char *name, char *addresses) {
  uint32_t prefix;
  if (!is_name(name)) return "name: expected 1 to 63 of a-z A-Z 0-9 - _ . :";
  if (!is_prefix(addresses, &prefix)) return "prefix: expected A.B.C.0/24";
  return network_add_prefix(network, name, prefix);
}

static void run_place(struct control *control, struct client *client, char *words[]) {
  answer(client, place(control->network, words[1], words[2]));
}

static const char *stage_link(struct network *network, struct client *client, char *words[]) {
  struct params params;
  uint32_t from = network_place(network, words[1]);
  uint32_t to = network_place(network, words[2]);
  if (from == NO_PLACE || to == NO_PLACE) return "no such place";
  const char *wrong = read_params(words + 3, &params);
  if (wrong != NULL) return wrong;
  struct link *link = network_link(network, from, to);
  return link == NULL ? "no room for another link" : stage(client, link, &params);
}

static void run_link(struct control *control, struct client *client, char *words[]) {
  answer(client, stage_link(control->network, client, words));
}

static void forget_staged(struct client *client) {
  free(client->staged);
  client->staged = NULL;
  client->staged_count = client->staged_room = 0;
}

static void run_apply(struct control *control, struct client *client, char *words[]) {
  (void)words;
  int64_t now_ns = clock_ns();
  for (size_t i = 0; i < client->staged_count; i += 1)
    network_change(control->network, client->staged[i].link, &client->staged[i].params, now_ns);
  client_say(client, "ok %zu", client->staged_count);
  forget_staged(client);
}

static void run_discard(struct control *control, struct client *client, char *words[]) {
  (void)control, (void)words;
  client_say(client, "ok %zu", client->staged_count);
  forget_staged(client);
}

static void run_seed(struct control *control, struct client *client, char *words[]) {
  uint64_t seed;
  bool right = number(words[1], UINT64_MAX, &seed);
  if (right) network_seed(control->network, seed);
  answer(client, right ? NULL : "seed: expected a whole number of 64 bits");
}

/* Packets for the device that the kernel dropped because we were too slow: column 12 in /proc/net/dev. */
static uint64_t missed(const struct totals *totals) {
  char text[8192];
  ssize_t length = pread(totals->devices_fd, text, sizeof text - 1, 0);
  if (length <= 0) return 0;
  text[length] = '\0';
  size_t name_length = strlen(totals->device);
  for (char *line = text; line != NULL; line = strchr(line, '\n')) {
    line += strspn(line, " \n");
    if (strncmp(line, totals->device, name_length) != 0 || line[name_length] != ':') continue;
    char *at = line + name_length + 1;
    unsigned long long value = 0;
    for (int column = 1; column <= 12; column += 1) value = strtoull(at, &at, 10);
    return value;
  }
  return 0;
}

static void run_totals(struct control *control, struct client *client, char *words[]) {
  (void)words;
  client_say(client, "totals %llu %llu %llu %llu", (unsigned long long)control->network->unknown,
             (unsigned long long)control->totals->unwritten, (unsigned long long)missed(control->totals),
             (unsigned long long)held_bytes);
  client_say(client, "ok");
}

static void begin_listing(struct client *client, enum listing listing) {
  client->listing = listing;
  client->listed = 0;
  client->lines_listed = 0;
}

static void run_links(struct control *control, struct client *client, char *words[]) {
  (void)control, (void)words;
  begin_listing(client, LISTING_LINKS);
}

static void run_stats(struct control *control, struct client *client, char *words[]) {
  (void)control, (void)words;
  begin_listing(client, LISTING_STATS);
}

void command_list(struct control *control, struct client *client) {
  const struct network *network = control->network;
  if (client->listed == network->link_count) {
    client->listing = LISTING_NONE;
    client_say(client, "ok %u", client->lines_listed);
    return;
  }
  const struct link *link = network->links[client->listed++];
  if (!link->defined) return;
  client->lines_listed += 1;
  const char *from = network->places[link->from].name;
  const char *to = network->places[link->to].name;
  const struct counters *c = &link->counters;
  const struct params *p = &link->params;
  if (client->listing == LISTING_STATS)
    client_say(client, "stats %s %s %llu %llu %llu %llu %llu %llu", from, to, (unsigned long long)c->packets,
               (unsigned long long)c->bytes, (unsigned long long)c->lost, (unsigned long long)c->cut,
               (unsigned long long)c->overflowed, (unsigned long long)link->queued);
  else
    client_say(client, "link %s %s %lld %lld %u %llu %s", from, to, (long long)(p->delay_ns / NS_PER_US),
               (long long)(p->jitter_ns / NS_PER_US), p->loss_ppb, (unsigned long long)p->rate_bps,
               p->cut ? "cut" : "up");
}

static const struct command {
  const char *name;
  size_t words;
  void (*run)(struct control *control, struct client *client, char *words[]);
} commands[] = {
    {"hello", 1, run_hello},     {"place", 3, run_place}, {"link", 8, run_link},
    {"apply", 1, run_apply},     {"links", 1, run_links}, {"stats", 1, run_stats},
    {"discard", 1, run_discard}, {"seed", 2, run_seed},   {"totals", 1, run_totals},
};

void command_run(struct control *control, struct client *client, char *line) {
  char *words[WORDS_MAX];
  size_t count = split(line, words);
  for (size_t i = 0; count > 0 && i < sizeof commands / sizeof *commands; i += 1)
    if (commands[i].words == count && strcmp(commands[i].name, words[0]) == 0) {
      commands[i].run(control, client, words);
      return;
    }
  answer(client, "unknown command or wrong number of words");
}
