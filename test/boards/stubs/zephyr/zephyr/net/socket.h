#ifndef STUB_SOCKET_H
#define STUB_SOCKET_H
#include <sys/types.h>
#include <zephyr/net/net_ip.h>
#define IPV6_MULTICAST_HOPS 18
#define IPV6_MULTICAST_LOOP 19
#define IPV6_RECVPKTINFO 49
#define IPV6_PKTINFO 50
#define ZSOCK_POLLIN 1
#define ZSOCK_MSG_TRUNC 0x20
#define ZSOCK_MSG_DONTWAIT 0x40
struct zsock_pollfd {
  int fd;
  short events, revents;
};
int zsock_socket(int family, int type, int protocol);
int zsock_close(int s);
int zsock_bind(int s, const struct sockaddr *address, socklen_t size);
int zsock_setsockopt(int s, int level, int option, const void *value, socklen_t size);
int zsock_poll(struct zsock_pollfd *sockets, int count, int timeout_ms);
ssize_t zsock_recvmsg(int s, struct msghdr *message, int flags);
ssize_t zsock_sendto(int s, const void *bytes, size_t size, int flags, const struct sockaddr *to,
    socklen_t to_size);
#endif
