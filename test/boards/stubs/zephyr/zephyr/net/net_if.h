#ifndef STUB_NET_IF_H
#define STUB_NET_IF_H
#include <stdbool.h>
#include <zephyr/net/net_ip.h>
struct net_if;
struct net_if_mcast_addr;
struct net_if *net_if_get_default(void);
int net_if_get_by_iface(struct net_if *interface);
struct net_if_mcast_addr *net_if_ipv6_maddr_add(struct net_if *interface,
    const struct in6_addr *address);
bool net_if_ipv6_maddr_rm(struct net_if *interface, const struct in6_addr *address);
struct net_if_mcast_addr *net_if_ipv6_maddr_lookup(const struct in6_addr *address,
    struct net_if **interface);
void net_if_ipv6_maddr_join(struct net_if *interface, struct net_if_mcast_addr *address);
bool net_if_ipv6_maddr_is_joined(struct net_if_mcast_addr *address);
#endif
