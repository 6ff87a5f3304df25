/* nic.h - features of network interfaces, as ethtool(8) shows them; asking needs no privilege. */
#ifndef BASE_NIC_H
#define BASE_NIC_H

#include <stdbool.h>

#define NIC_UNKNOWN (-1)

struct nic_features { /* 1 on, 0 off, NIC_UNKNOWN */
	int gro;
	int esp; /* it encrypts ("esp-hw-offload") */
};
void nic_features(const char *name, struct nic_features *f);
/* Queues for received packets, which spread them over processors (RSS), and how many there may be; NIC_UNKNOWN. */
void nic_queues(const char *name, int *now, int *most);

#endif
