#ifndef NEARSIDE_WAN_CONTROL_H
#define NEARSIDE_WAN_CONTROL_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "network.h"

/*
 * The control socket: lines of printable ASCII, answered in order, one at a time. `commands.c` has what they say.
 *
 * Nobody can make it grow or hold up packets: a line has a limit, an answer is written in pieces while packets go on
 * between them, and of a client that does not read its answers nothing more is read.
 */

#define CLIENTS_MAX 64
#define LINE_MAX_BYTES 255
/* Room for the longest line of an answer is always kept free. */
#define OUTPUT_BYTES 16384
#define ANSWER_LINE_MAX 384

/* Parameters that wait for `apply`. */
struct staged {
  struct link *link;
  struct params params;
};

/* An answer of many lines that is being given. */
enum listing { LISTING_NONE, LISTING_LINKS, LISTING_STATS };

struct client {
  int fd;
  char input[4096];
  size_t input_length;
  char output[OUTPUT_BYTES];
  size_t output_length;
  /* No more is read; it is closed once the output is written. */
  bool closing;
  enum listing listing;
  uint32_t listed;
  uint32_t lines_listed;
  struct staged *staged;
  size_t staged_count;
  size_t staged_room;
};

/* What no link counts. */
struct totals {
  /* Packets that the kernel did not take back. */
  uint64_t unwritten;
  /* A file descriptor of /proc/net/dev, which knows the packets that were dropped before we could read them. */
  int devices_fd;
  const char *device;
};

struct control {
  int listener;
  struct network *network;
  struct totals *totals;
  struct client *clients[CLIENTS_MAX];
  size_t count;
};

/* What to wait for: the listener and every client. Room for CLIENTS_MAX + 1. Returns how many. */
size_t control_poll(const struct control *control, struct pollfd *polled);
/* Reads, answers and writes as far as it goes without waiting. True when more can be done at once. */
bool control_work(struct control *control);

/* commands.c: does what a line says; the answer goes to the client's output. */
void command_run(struct control *control, struct client *client, char *line);
/* commands.c: the next lines of a listing that has begun. */
void command_list(struct control *control, struct client *client);
/* Appends a line to the output; there is always room for one when a command is run. */
__attribute__((format(printf, 2, 3))) void client_say(struct client *client, const char *format, ...);

#endif
