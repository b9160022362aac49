#ifndef NEARSIDE_WAN_TUNNEL_H
#define NEARSIDE_WAN_TUNNEL_H

/*
 * Opens the TUN device in the calling process's network namespace, creating it if missing, and configures it. Without
 * offloads: the kernel delivers packets as on a wire, segmented to the MTU and with checksums, so that loss and rate
 * apply to real packets. The descriptor is non-blocking. On error, returns less than 0 with errno, and *what names the
 * step.
 */
int tunnel_open(const char *device, const char **what);

#endif
