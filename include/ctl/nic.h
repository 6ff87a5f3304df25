/* nic.h - what this machine has that makes ESP fast, beside the features of base/nic.h: kernel modules, real network cards. */
#ifndef CTL_NIC_H
#define CTL_NIC_H

#include <stdbool.h>

enum module_state {
	MODULE_UNKNOWN, /* the list of modules cannot be read */
	MODULE_LOADED,  /* or part of the kernel */
	MODULE_WAITS,   /* this kernel has it, and nobody loaded it */
	MODULE_NONE
};
/* root: "" or a folder that stands in for / (sys, lib). */
enum module_state module_state(const char *root, const char *name);
bool nic_is_hardware(const char *root, const char *name); /* a device of a bus: a card, or what a hypervisor shows as one */

#endif
