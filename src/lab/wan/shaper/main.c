#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"
#include "control.h"
#include "network.h"
#include "tunnel.h"

/*
 * The wide-area network of a lab: reads packets from a TUN device, holds each as its link requires, and writes it back.
 *
 *     nearside-wan NAMESPACE DEVICE FOLDER SEED
 *
 * NAMESPACE is the path of a network namespace, FOLDER the place of the control socket. Reports `ready` or `failed STEP
 * ERRNO-NAME` on file descriptor 3. Exits on SIGTERM, when the device is gone, and when the namespace's name or the
 * folder was removed, so that a lab deleted by hand leaves no shaper behind.
 */

#define REPORT_FD 3
#define NOBODY 65534
/* Packets read, or written, before the other direction gets its turn. */
#define PACKETS_PER_TURN 32
/* How often everything else is checked, even if there is always a packet to read. */
#define LOOK_EVERY_NS NS_PER_MS
/*
 * Minimum time between two wake-ups, which are the main cost: at 30,000 packets per second this halves CPU use, and
 * delays a packet by at most this much. The first packet after a pause wakes us immediately.
 */
#define REST_NS (100 * NS_PER_US)
#define LIFELINE_EVERY_NS (2 * NS_PER_S)

static _Noreturn void fail(const char *step) {
  const char *name = strerrorname_np(errno);
  dprintf(REPORT_FD, "failed %s %s\n", step, name == NULL ? "?" : name);
  fprintf(stderr, "nearside-wan: %s: %s\n", step, strerror(errno));
  exit(1);
}

struct lifeline {
  int folder_fd;
  const char *namespace_path;
  struct stat namespace_stat;
};

static bool still_wanted(const struct lifeline *lifeline) {
  struct stat now;
  if (fstat(lifeline->folder_fd, &now) == 0 && now.st_nlink == 0) return false;
  if (stat(lifeline->namespace_path, &now) != 0) return errno != ENOENT;
  return now.st_ino == lifeline->namespace_stat.st_ino && now.st_dev == lifeline->namespace_stat.st_dev;
}

static void enter_namespace(const char *path, struct lifeline *lifeline) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || setns(fd, CLONE_NEWNET) != 0 || fstat(fd, &lifeline->namespace_stat) != 0) fail("namespace");
  lifeline->namespace_path = path;
  close(fd);
}

/* By a relative name: a socket's path is limited to 107 bytes, and a folder's may be longer. */
static int listen_in(const char *folder, struct lifeline *lifeline) {
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "control.sock"};
  lifeline->folder_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (lifeline->folder_fd < 0 || fchdir(lifeline->folder_fd) != 0) fail("folder");
  umask(0177);
  if (unlink(address.sun_path) != 0 && errno != ENOENT) fail("socket");
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, CLIENTS_MAX) != 0)
    fail("socket");
  if (chdir("/") != 0) fail("folder");
  return fd;
}

/*
 * Late packets falsify measurements, so the shaper runs with real-time priority where permitted, and sleeps are exact
 * to the hardware's clock. The kernel's limit for real-time processes would stop a shaper that never sleeps.
 */
static void hurry(void) {
  struct sched_param first = {.sched_priority = 1};
  if (sched_setscheduler(0, SCHED_FIFO, &first) != 0) setpriority(PRIO_PROCESS, 0, -20);
  prctl(PR_SET_TIMERSLACK, 1);
}

static void drop_privileges(void) {
  if (setgroups(0, NULL) != 0 || setresgid(NOBODY, NOBODY, NOBODY) != 0 || setresuid(NOBODY, NOBODY, NOBODY) != 0 ||
      prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0) != 0)
    fail("drop-privileges");
}

static int catch_signals(void) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  sigprocmask(SIG_BLOCK, &signals, NULL);
  signal(SIGPIPE, SIG_IGN);
  int fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd < 0) fail("signals");
  return fd;
}

/* Reads incoming packets, at most a turn's worth; returns how many, or less than 0 if the device is gone. */
static int read_packets(int tunnel, struct network *network) {
  static uint8_t bytes[65536];
  int count = 0;
  while (count < PACKETS_PER_TURN) {
    ssize_t length = read(tunnel, bytes, sizeof bytes);
    if (length > 0) {
      network_offer(network, bytes, (uint32_t)length, clock_ns());
      count += 1;
    } else if (length < 0 && errno == EINTR) {
      continue;
    } else {
      return length < 0 && errno != EAGAIN ? -1 : count;
    }
  }
  return count;
}

/* Writes due packets, at most a turn's worth. */
static void write_packets(int tunnel, struct network *network, struct totals *totals) {
  for (int count = 0; count < PACKETS_PER_TURN; count += 1) {
    struct packet *packet = network_take(network, clock_ns());
    if (packet == NULL) return;
    if (write(tunnel, packet->bytes, packet->length) < 0) totals->unwritten += 1;
    packet_free(packet);
  }
}

static void rest_until(int64_t until_ns) {
  if (until_ns <= clock_ns()) return;
  struct timespec until = {.tv_sec = until_ns / NS_PER_S, .tv_nsec = until_ns % NS_PER_S};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

/* Waits for an event or the timeout. */
static void wait_until(struct pollfd *polled, size_t count, int64_t until_ns) {
  int64_t left_ns = until_ns - clock_ns();
  if (left_ns < 0) left_ns = 0;
  struct timespec left = {.tv_sec = left_ns / NS_PER_S, .tv_nsec = left_ns % NS_PER_S};
  ppoll(polled, count, &left, NULL);
}

static int64_t earlier(int64_t a, int64_t b) { return a < b ? a : b; }

static const char *run(int tunnel, int signals, struct control *control, const struct lifeline *lifeline) {
  enum { TUNNEL, SIGNALS, CONTROL };
  struct pollfd polled[CONTROL + 1 + CLIENTS_MAX];
  bool readable = true;
  bool more = false;
  int64_t look_at_ns = 0;
  int64_t woke_ns = 0;
  int64_t lifeline_at_ns = clock_ns() + LIFELINE_EVERY_NS;
  for (;;) {
    write_packets(tunnel, control->network, control->totals);
    if (readable) {
      int count = read_packets(tunnel, control->network);
      if (count < 0) return "the device is gone";
      readable = count == PACKETS_PER_TURN;
    }
    int64_t now_ns = clock_ns();
    if (readable && now_ns < look_at_ns) continue;

    if (now_ns >= lifeline_at_ns) {
      if (!still_wanted(lifeline)) return "the lab is gone";
      lifeline_at_ns = now_ns + LIFELINE_EVERY_NS;
    }
    polled[TUNNEL] = (struct pollfd){.fd = tunnel, .events = POLLIN};
    polled[SIGNALS] = (struct pollfd){.fd = signals, .events = POLLIN};
    size_t clients = control_poll(control, polled + CONTROL);
    int64_t due_ns = earlier(lifeline_at_ns, network_due_ns(control->network));
    if (!readable && !more) rest_until(woke_ns + REST_NS);
    wait_until(polled, CONTROL + clients, readable || more ? now_ns : due_ns);
    woke_ns = clock_ns();
    if (polled[SIGNALS].revents != 0) return "received a signal";
    readable |= polled[TUNNEL].revents != 0;
    bool asked = more;
    for (size_t i = 0; i < clients; i += 1) asked |= polled[CONTROL + i].revents != 0;
    if (asked) more = control_work(control);
    look_at_ns = clock_ns() + LOOK_EVERY_NS;
  }
}

int main(int argc, char **argv) {
  char *end = "";
  uint64_t seed = argc == 5 ? strtoull(argv[4], &end, 10) : 0;
  if (argc != 5 || *end != '\0') {
    fprintf(stderr, "usage: nearside-wan NAMESPACE DEVICE FOLDER SEED\n");
    return 2;
  }
  fcntl(REPORT_FD, F_SETFD, FD_CLOEXEC);
  const char *device = argv[2];
  struct lifeline lifeline;
  struct network network;
  const char *what;
  int signals = catch_signals();
  if (!network_init(&network, seed)) fail("memory");
  enter_namespace(argv[1], &lifeline);
  int tunnel = tunnel_open(device, &what);
  if (tunnel < 0) fail(what);
  struct totals totals = {.devices_fd = open("/proc/self/net/dev", O_RDONLY | O_CLOEXEC), .device = device};
  struct control control = {.listener = listen_in(argv[3], &lifeline), .network = &network, .totals = &totals};
  hurry();
  drop_privileges();

  dprintf(REPORT_FD, "ready\n");
  close(REPORT_FD);
  const char *why = run(tunnel, signals, &control, &lifeline);
  fprintf(stderr, "nearside-wan: exiting: %s\n", why);
  return 0;
}
