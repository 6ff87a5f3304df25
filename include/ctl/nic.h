/*
 * nic.h - what this machine has that makes ESP fast: kernel modules, the network card's features and queues. Read only, by anybody.
 */
#ifndef CTL_NIC_H
#define CTL_NIC_H

#include <stdbool.h>

#define NIC_UNKNOWN (-1)

enum module_state {
	MODULE_UNKNOWN, /* the list of modules cannot be read */
	MODULE_LOADED,  /* or part of the kernel */
	MODULE_WAITS,   /* this kernel has it, and nobody loaded it */
	MODULE_NONE
};
/* root: "" or a folder that stands in for / (sys, lib). */
enum module_state module_state(const char *root, const char *name);

struct nic {
	bool hardware;          /* a device of a bus: a card, or what a hypervisor shows as one */
	int gro, esp_offload;   /* features: 1 on, 0 off, NIC_UNKNOWN */
	int queues, queues_max; /* for receiving, with which packets are spread over processors (RSS); NIC_UNKNOWN */
};
/* The features are those of the machine, whatever root is. */
void nic_read(const char *root, const char *name, struct nic *n);

#endif
