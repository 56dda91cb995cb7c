/* Memory for a figure that was written before the clock starts.
 *
 * Fresh pages are cleared by the kernel and, on a virtual machine, taken from its host first; here
 * that was seen to cost between 0.5 and 3.4 seconds a gigabyte, from one run to the next: more than
 * most of what is measured. So a program that includes this takes memory once, writes all of it,
 * and stands in for the system: what the state's tables map, and what a loop by hand asks for with
 * touched_new, comes from there, zeroed and in huge pages, and goes back there. Without
 * touched_open everything comes from the system as it does in the program.
 *
 * What goes back is zeroed there and then, as the kernel would, so give it back off the clock. */
#ifndef BENCH_TOUCHED_MEMORY_H
#define BENCH_TOUCHED_MEMORY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TOUCHED_UNIT  ((size_t)2 << 20)
#define TOUCHED_UNITS 4096

typedef struct Touched {
    char *start; /* NULL: not opened */
    size_t units;
    size_t next; /* where the last search ended */
    bool used[TOUCHED_UNITS];
} Touched;

static Touched touched;

static void *map_from_system(size_t bytes)
{
    long start = syscall(SYS_mmap, NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                         -1, (off_t)0);
    return start == -1 ? MAP_FAILED : (void *)(uintptr_t)start;
}

static inline void touched_open(size_t bytes)
{
    touched.units = bytes / TOUCHED_UNIT < TOUCHED_UNITS ? bytes / TOUCHED_UNIT : TOUCHED_UNITS;
    char *start = map_from_system((touched.units + 1) * TOUCHED_UNIT);
    if (start == MAP_FAILED) {
        fprintf(stderr, "no %zu bytes to be had\n", bytes);
        exit(1);
    }
    start += (TOUCHED_UNIT - (uintptr_t)start % TOUCHED_UNIT) % TOUCHED_UNIT;
    madvise(start, touched.units * TOUCHED_UNIT, MADV_HUGEPAGE);
    memset(start, 1, touched.units * TOUCHED_UNIT);
    memset(start, 0, touched.units * TOUCHED_UNIT);
    touched.start = start;
}

/* The first run of so many free units from `from` on; or how many there are. */
static size_t touched_find(size_t from, size_t count)
{
    for (size_t run = 0; from < touched.units; from++) {
        run = touched.used[from] ? 0 : run + 1;
        if (run == count)
            return from + 1 - count;
    }
    return touched.units;
}

static void *touched_take(size_t bytes)
{
    size_t count = (bytes + TOUCHED_UNIT - 1) / TOUCHED_UNIT;
    size_t first = touched_find(touched.next, count);
    if (first == touched.units)
        first = touched_find(0, count);
    if (first == touched.units) {
        fprintf(stderr, "the memory written beforehand is used up\n");
        exit(1);
    }
    memset(touched.used + first, true, count);
    touched.next = first;
    return touched.start + first * TOUCHED_UNIT;
}

static bool touched_give_back(char *start, size_t bytes)
{
    if (touched.start == NULL || start < touched.start ||
        start >= touched.start + touched.units * TOUCHED_UNIT)
        return false;
    size_t first = (size_t)(start - touched.start) / TOUCHED_UNIT;
    size_t count = (bytes + TOUCHED_UNIT - 1) / TOUCHED_UNIT;
    memset(start, 0, bytes);
    memset(touched.used + first, false, count);
    touched.next = first < touched.next ? first : touched.next;
    return true;
}

/* In the place of the C library's, for all of the program. */
void *mmap(void *address, size_t bytes, int protection, int flags, int file, off_t offset)
{
    if (touched.start != NULL && file == -1 && bytes % TOUCHED_UNIT == 0)
        return touched_take(bytes);
    long start = syscall(SYS_mmap, address, bytes, protection, flags, file, offset);
    return start == -1 ? MAP_FAILED : (void *)(uintptr_t)start;
}

int munmap(void *start, size_t bytes)
{
    if (touched_give_back(start, bytes))
        return 0;
    return (int)syscall(SYS_munmap, start, bytes);
}

/* What a loop by hand works in, zeroed. */
static inline void *touched_new(size_t bytes)
{
    bytes = (bytes + TOUCHED_UNIT - 1) / TOUCHED_UNIT * TOUCHED_UNIT;
    void *start = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED)
        exit(1);
    madvise(start, bytes, MADV_HUGEPAGE);
    return start;
}

static inline void touched_free(void *start, size_t bytes)
{
    munmap(start, (bytes + TOUCHED_UNIT - 1) / TOUCHED_UNIT * TOUCHED_UNIT);
}

#endif
