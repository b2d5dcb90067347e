#ifndef STUB_NET_IP_H
#define STUB_NET_IP_H
/* The names without net_ in front: CONFIG_NET_NAMESPACE_COMPAT_MODE, on by default in 4.4; before
   4.4 there were no others. */
#include <stddef.h>
#include <stdint.h>
#define AF_INET6 2
#define IPPROTO_UDP 17
#define IPPROTO_IPV6 41
#define SOCK_DGRAM 2
#define htons(x) __builtin_bswap16(x)
#define ntohs(x) __builtin_bswap16(x)
typedef unsigned short sa_family_t;
typedef size_t socklen_t;
struct in6_addr {
  uint8_t s6_addr[16];
};
struct sockaddr {
  sa_family_t sa_family;
  char data[26];
};
struct sockaddr_in6 {
  sa_family_t sin6_family;
  uint16_t sin6_port;
  struct in6_addr sin6_addr;
  uint8_t sin6_scope_id;
};
struct iovec {
  void *iov_base;
  size_t iov_len;
};
struct msghdr {
  void *msg_name;
  socklen_t msg_namelen;
  struct iovec *msg_iov;
  size_t msg_iovlen;
  void *msg_control;
  size_t msg_controllen;
  int msg_flags;
};
struct cmsghdr {
  socklen_t cmsg_len;
  int cmsg_level, cmsg_type;
};
struct in6_pktinfo {
  struct in6_addr ipi6_addr;
  unsigned ipi6_ifindex;
};
#define CMSG_LEN(size) (sizeof(struct cmsghdr) + (size))
#define CMSG_SPACE(size) (sizeof(struct cmsghdr) + ((size) + 3) / 4 * 4)
#define CMSG_DATA(message) ((uint8_t *)((message) + 1))
#define CMSG_FIRSTHDR(message) \
  ((message)->msg_controllen >= sizeof(struct cmsghdr) ? (struct cmsghdr *)(message)->msg_control \
                                                       : NULL)
#endif
