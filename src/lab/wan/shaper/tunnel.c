#define _GNU_SOURCE
#include "tunnel.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Packets queued in the kernel while we are not scheduled: 60 ms at 30,000 per second. */
#define QUEUE_PACKETS 2000

static void set(const char *device, const char *family, const char *name, const char *value) {
  char path[128];
  snprintf(path, sizeof path, "/proc/sys/net/%s/conf/%s/%s", family, device, name);
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  (void)!write(fd, value, strlen(value));
  close(fd);
}

static int bring_up(const char *device) {
  struct ifreq request = {0};
  strcpy(request.ifr_name, device);
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  request.ifr_qlen = QUEUE_PACKETS;
  int failed = ioctl(fd, SIOCSIFTXQLEN, &request);
  if (failed == 0) failed = ioctl(fd, SIOCGIFFLAGS, &request);
  request.ifr_flags |= IFF_UP;
  if (failed == 0) failed = ioctl(fd, SIOCSIFFLAGS, &request);
  int error = errno;
  close(fd);
  errno = error;
  return failed;
}

int tunnel_open(const char *device, const char **what) {
  struct ifreq request = {0};
  *what = "attach";
  if (strlen(device) >= sizeof request.ifr_name) {
    errno = ENAMETOOLONG;
    return -1;
  }
  *what = "open";
  int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return -1;
  *what = "attach";
  strcpy(request.ifr_name, device);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  int failed = ioctl(fd, TUNSETIFF, &request);
  if (failed == 0) failed = ioctl(fd, TUNSETOFFLOAD, 0);
  if (failed == 0) {
    /* No neighbour discovery; and packets from here may have any source address. */
    set(device, "ipv6", "disable_ipv6", "1");
    set(device, "ipv4", "rp_filter", "0");
    *what = "up";
    failed = bring_up(device);
  }
  if (failed == 0) return fd;
  int error = errno;
  close(fd);
  errno = error;
  return -1;
}
