#define _GNU_SOURCE
#include "control.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Maximum lines of one client before packets get their turn. */
#define LINES_PER_TURN 32

void client_say(struct client *client, const char *format, ...) {
  size_t room = OUTPUT_BYTES - client->output_length;
  va_list values;
  va_start(values, format);
  int length = vsnprintf(client->output + client->output_length, room, format, values);
  va_end(values);
  if (length < 0 || (size_t)length + 1 > room || length >= ANSWER_LINE_MAX) {
    /* Cannot happen with the limits on names and numbers. */
    client->closing = true;
    return;
  }
  client->output_length += (size_t)length;
  client->output[client->output_length++] = '\n';
}

static bool has_room(const struct client *client) {
  return OUTPUT_BYTES - client->output_length >= 2 * ANSWER_LINE_MAX;
}

static void greet(struct control *control) {
  int fd = accept4(control->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return;
  struct client *client = control->count < CLIENTS_MAX ? calloc(1, sizeof *client) : NULL;
  if (client == NULL) {
    static const char full[] = "error too many clients\n";
    (void)!write(fd, full, sizeof full - 1);
    close(fd);
    return;
  }
  client->fd = fd;
  control->clients[control->count++] = client;
}

static void farewell(struct control *control, size_t at) {
  struct client *client = control->clients[at];
  close(client->fd);
  free(client->staged);
  free(client);
  control->clients[at] = control->clients[--control->count];
}

/* Reads available input; false if the client is gone. */
static bool fill(struct client *client) {
  size_t room = sizeof client->input - client->input_length;
  if (room == 0 || client->closing) return true;
  ssize_t length = recv(client->fd, client->input + client->input_length, room, 0);
  if (length == 0) return false;
  if (length < 0) return errno == EAGAIN || errno == EINTR;
  client->input_length += (size_t)length;
  return true;
}

/* False if the client is gone. */
static bool drain(struct client *client) {
  if (client->output_length == 0) return true;
  ssize_t length = send(client->fd, client->output, client->output_length, MSG_NOSIGNAL);
  if (length < 0) return errno == EAGAIN || errno == EINTR;
  client->output_length -= (size_t)length;
  memmove(client->output, client->output + length, client->output_length);
  return true;
}

static bool printable(const char *bytes, size_t length) {
  for (size_t i = 0; i < length; i += 1)
    if (bytes[i] < ' ' || bytes[i] > '~') return false;
  return true;
}

static void refuse(struct client *client, const char *why) {
  client_say(client, "error %s", why);
  client->closing = true;
  client->input_length = 0;
}

/* Runs the first line of the input; false if there is no complete line. */
static bool do_line(struct control *control, struct client *client) {
  char *end = memchr(client->input, '\n', client->input_length);
  size_t length = end == NULL ? client->input_length : (size_t)(end - client->input);
  /* The start of the next command would be a guess. */
  if (length > LINE_MAX_BYTES) refuse(client, "line too long");
  else if (!printable(client->input, length)) refuse(client, "not printable ASCII");
  if (client->closing || end == NULL) return false;
  char line[LINE_MAX_BYTES + 1];
  memcpy(line, client->input, length);
  line[length] = '\0';
  client->input_length -= length + 1;
  memmove(client->input, end + 1, client->input_length);
  command_run(control, client, line);
  return true;
}

/* Runs a client's pending commands. True if the turn or the output buffer ended first. */
static bool advance(struct control *control, struct client *client) {
  for (int lines = 0; lines < LINES_PER_TURN; lines += 1) {
    if (client->closing) return false;
    if (!has_room(client)) return true;
    if (client->listing != LISTING_NONE) command_list(control, client);
    else if (!do_line(control, client)) return false;
  }
  return true;
}

size_t control_poll(const struct control *control, struct pollfd *polled) {
  size_t count = 0;
  polled[count++] = (struct pollfd){.fd = control->listener, .events = POLLIN};
  for (size_t i = 0; i < control->count; i += 1) {
    const struct client *client = control->clients[i];
    bool reads = !client->closing && client->output_length == 0 && client->listing == LISTING_NONE;
    short events = (short)((reads ? POLLIN : 0) | (client->output_length > 0 ? POLLOUT : 0));
    polled[count++] = (struct pollfd){.fd = client->fd, .events = events};
  }
  return count;
}

bool control_work(struct control *control) {
  bool more = false;
  greet(control);
  for (size_t i = 0; i < control->count;) {
    struct client *client = control->clients[i];
    bool alive = client->output_length > 0 || fill(client);
    if (alive) {
      bool unfinished = advance(control, client);
      alive = drain(client) && !(client->closing && client->output_length == 0);
      /* Without room, it waits until the client has read. */
      more |= unfinished && has_room(client);
    }
    if (alive) i += 1;
    else farewell(control, i);
  }
  return more;
}
