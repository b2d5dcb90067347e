/* As far as ESP-IDF's options (components/lwip/port/include/lwipopts.h) change what is declared. */
#define NO_SYS 0
#define LWIP_IPV6 1
#define LWIP_IPV6_MLD 1
#define LWIP_UDP 1
#define LWIP_IPV6_NUM_ADDRESSES 8
#define LWIP_TCPIP_CORE_LOCKING 0
#define SYS_LIGHTWEIGHT_PROT 1
