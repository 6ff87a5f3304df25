/* memory.c - see memory.h. */
#include "ipc/memory.h"

#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

bool memory_lock(void)
{
	struct rlimit l;
	/* A finite limit would make later allocations fail instead of staying unlocked. */
	if (getrlimit(RLIMIT_MEMLOCK, &l) != 0 || l.rlim_cur != RLIM_INFINITY)
		return false;
	return mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0;
}

static int shed(struct dl_phdr_info *object, size_t size, void *arg)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	(void)size, (void)arg;
	for (int i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *h = &object->dlpi_phdr[i];
		/* Segments that are never written: nothing in them is ours alone. The vdso has no file behind it. */
		if (h->p_type != PT_LOAD || (h->p_flags & PF_W) != 0 || object->dlpi_addr == 0)
			continue;
		uintptr_t from = (object->dlpi_addr + h->p_vaddr + page - 1) / page * page;
		uintptr_t to = (object->dlpi_addr + h->p_vaddr + h->p_memsz) / page * page;
		if (from >= to)
			continue;
		munlock((void *)from, to - from);
		madvise((void *)from, to - from, MADV_DONTNEED);
	}
	return 0;
}

void memory_trim(void)
{
	malloc_trim(0);
	dl_iterate_phdr(shed, NULL);
}
