#ifndef NEARSIDE_WAN_TUNNEL_H
#define NEARSIDE_WAN_TUNNEL_H

/*
 * Opens the TUN device, made if it is not there, and sets it up, in the calling process's network namespace. Without
 * offloads: the kernel hands out packets as they would be on a wire, segmented to the MTU and with their checksums, so
 * loss and rate count real packets. The descriptor does not block. Below 0: errno is set, and *what says at what.
 */
int tunnel_open(const char *device, const char **what);

#endif
