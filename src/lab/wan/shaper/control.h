#ifndef NEARSIDE_WAN_CONTROL_H
#define NEARSIDE_WAN_CONTROL_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "network.h"

/*
 * The control socket: lines of printable ASCII, answered in order, one at a time. See `commands.c` for the commands.
 *
 * No client can make it grow or delay packets: lines are limited, long answers are written in pieces between packets,
 * and nothing more is read from a client that does not read its answers.
 */

#define CLIENTS_MAX 64
#define LINE_MAX_BYTES 255
/* Room for the longest line of an answer is always kept free. */
#define OUTPUT_BYTES 16384
#define ANSWER_LINE_MAX 384

/* Parameters staged for `apply`. */
struct staged {
  struct link *link;
  struct params params;
};

/* A multi-line answer in progress. */
enum listing { LISTING_NONE, LISTING_LINKS, LISTING_STATS };

struct client {
  int fd;
  char input[4096];
  size_t input_length;
  char output[OUTPUT_BYTES];
  size_t output_length;
  /* Set after an error: no more input is read, and the client is closed once the output is written. */
  bool closing;
  enum listing listing;
  uint32_t listed;
  uint32_t lines_listed;
  struct staged *staged;
  size_t staged_count;
  size_t staged_room;
};

/* Counters outside of links. */
struct totals {
  /* Packets that the kernel did not accept back. */
  uint64_t unwritten;
  /* File descriptor of /proc/net/dev, which counts packets that were dropped before we could read them. */
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

/* Fills in the listener and every client for poll. Room for CLIENTS_MAX + 1. Returns the count. */
size_t control_poll(const struct control *control, struct pollfd *polled);
/* Reads, answers and writes without blocking. True if more can be done immediately. */
bool control_work(struct control *control);

/* commands.c: runs a line; the answer goes to the client's output. */
void command_run(struct control *control, struct client *client, char *line);
/* commands.c: appends the next lines of a listing in progress. */
void command_list(struct control *control, struct client *client);
/* Appends a line to the output, which always has room for one when a command runs. */
__attribute__((format(printf, 2, 3))) void client_say(struct client *client, const char *format, ...);

#endif
