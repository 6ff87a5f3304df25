/* s2sctl.c - the command line of s2sd; everything is in command.c and beyond. */
#include "ctl/ctl.h"

int main(int argc, char **argv) { return ctl_main(argc, argv); }
