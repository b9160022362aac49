#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/*
 * Measures one way: sends numbered UDP packets from one network namespace to another, and prints what came.
 *
 *     nearside-probe FROM-NAMESPACE FROM-ADDRESS TO-NAMESPACE TO-ADDRESS COUNT INTERVAL_NS BYTES WAIT_MS
 *
 * For each packet that arrived, in order of arrival: its number, when it was sent and when it arrived, both in ns of the
 * same clock. The arrival is the kernel's time stamp: our own sleep does not count. It ends when all have arrived, or
 * after WAIT_MS without one. INTERVAL_NS 0 sends as fast as it goes.
 */

#define HEADERS 28 /* of IP and UDP: BYTES counts them. */

struct arrival {
  uint64_t number;
  int64_t sent_ns;
  int64_t arrived_ns;
};

static struct {
  int fd;
  uint64_t expected;
  struct arrival *arrivals;
  uint64_t arrived;
  int64_t last_ns;
  bool done;
} receiver;

static int64_t now_ns(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static _Noreturn void fail(const char *what) {
  perror(what);
  exit(1);
}

/* A socket stays in the namespace in which it was made. */
static int open_in(const char *namespace, const char *address) {
  int namespace_fd = open(namespace, O_RDONLY | O_CLOEXEC);
  if (namespace_fd < 0 || setns(namespace_fd, CLONE_NEWNET) != 0) fail(namespace);
  close(namespace_fd);
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in own = {.sin_family = AF_INET};
  int one = 1, bytes = 256 << 20;
  if (inet_pton(AF_INET, address, &own.sin_addr) != 1) fail(address);
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0) fail("SO_RCVBUFFORCE");
  if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) != 0) fail("SO_SNDBUFFORCE");
  if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one) != 0) fail("SO_TIMESTAMPNS");
  if (bind(fd, (struct sockaddr *)&own, sizeof own) != 0) fail(address);
  return fd;
}

static int64_t stamp_of(struct msghdr *message) {
  for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part != NULL; part = CMSG_NXTHDR(message, part))
    if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_TIMESTAMPNS) {
      struct timespec stamp;
      memcpy(&stamp, CMSG_DATA(part), sizeof stamp);
      return (int64_t)stamp.tv_sec * 1000000000 + stamp.tv_nsec;
    }
  return 0;
}

static void *receive(void *unused) {
  (void)unused;
  while (receiver.arrived < receiver.expected && !__atomic_load_n(&receiver.done, __ATOMIC_RELAXED)) {
    uint64_t words[2];
    char control[128];
    struct iovec part = {.iov_base = words, .iov_len = sizeof words};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    if (recvmsg(receiver.fd, &message, 0) < 0) {
      if (errno == EAGAIN || errno == EINTR) continue;
      fail("recvmsg");
    }
    receiver.arrivals[receiver.arrived++] = (struct arrival){words[0], (int64_t)words[1], stamp_of(&message)};
    __atomic_store_n(&receiver.last_ns, now_ns(CLOCK_MONOTONIC), __ATOMIC_RELAXED);
  }
  __atomic_store_n(&receiver.done, true, __ATOMIC_RELAXED);
  return NULL;
}

/* Without sleep for less than this: falling asleep and waking up again takes longer on some machines. */
#define SPIN_NS 200000

static void sleep_until(int64_t time_ns) {
  if (time_ns - now_ns(CLOCK_MONOTONIC) < SPIN_NS) {
    while (now_ns(CLOCK_MONOTONIC) < time_ns) continue;
    return;
  }
  struct timespec until = {.tv_sec = time_ns / 1000000000, .tv_nsec = time_ns % 1000000000};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

int main(int argc, char **argv) {
  if (argc != 9) return 2;
  uint64_t count = strtoull(argv[5], NULL, 10);
  int64_t interval_ns = strtoll(argv[6], NULL, 10);
  size_t bytes = strtoull(argv[7], NULL, 10) - HEADERS;
  int64_t wait_ns = strtoll(argv[8], NULL, 10) * 1000000;
  static uint64_t packet[65536 / sizeof(uint64_t)];
  if (bytes < 16 || bytes > sizeof packet || count == 0) return 2;

  int sender = open_in(argv[1], argv[2]);
  receiver.fd = open_in(argv[3], argv[4]);
  receiver.expected = count;
  receiver.arrivals = calloc(count, sizeof *receiver.arrivals);
  struct timeval poll_every = {.tv_usec = 20000};
  setsockopt(receiver.fd, SOL_SOCKET, SO_RCVTIMEO, &poll_every, sizeof poll_every);
  prctl(PR_SET_TIMERSLACK, 1);
  struct sockaddr_in to;
  socklen_t to_length = sizeof to;
  getsockname(receiver.fd, (struct sockaddr *)&to, &to_length);
  pthread_t thread;
  if (receiver.arrivals == NULL || pthread_create(&thread, NULL, receive, NULL) != 0) fail("receiver");

  int64_t begun_ns = now_ns(CLOCK_MONOTONIC);
  for (uint64_t number = 0; number < count; number += 1) {
    if (interval_ns > 0) sleep_until(begun_ns + (int64_t)number * interval_ns);
    packet[0] = number;
    packet[1] = (uint64_t)now_ns(CLOCK_REALTIME);
    if (sendto(sender, packet, bytes, 0, (struct sockaddr *)&to, sizeof to) < 0) fail("sendto");
  }
  int64_t sent_ns = now_ns(CLOCK_MONOTONIC);
  while (!__atomic_load_n(&receiver.done, __ATOMIC_RELAXED)) {
    int64_t last_ns = __atomic_load_n(&receiver.last_ns, __ATOMIC_RELAXED);
    int64_t quiet_since_ns = last_ns > sent_ns ? last_ns : sent_ns;
    if (now_ns(CLOCK_MONOTONIC) > quiet_since_ns + wait_ns) __atomic_store_n(&receiver.done, true, __ATOMIC_RELAXED);
    sleep_until(now_ns(CLOCK_MONOTONIC) + 1000000);
  }
  pthread_join(thread, NULL);
  for (uint64_t i = 0; i < receiver.arrived; i += 1) {
    const struct arrival *one = &receiver.arrivals[i];
    printf("%" PRIu64 " %" PRId64 " %" PRId64 "\n", one->number, one->sent_ns, one->arrived_ns);
  }
  return 0;
}
