/* Hand-written loops: what the machine allows for the work that Weir does, measured beside it.
 *
 *   limits aggregate KEYS ROWS   BIGINT key to (sum, count) in an open-addressing table, batched
 *                                with prefetch: rows per second
 *   limits probe KEYS ROWS       values found by BIGINT keys in such a table: rows per second
 *   limits lines FILE            finding line ends and commas of a file in memory: lines per
 *                                second
 *
 * Prints one number. Each loop is what a careful programmer would write for exactly this job and
 * nothing else: no NULLs, no retraction, no output. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define BATCH 256

static double now_s(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* ---------------------------------------------------------------- aggregate */

typedef struct Slot {
    uint64_t key; /* 0: free */
    int64_t sum;
    int64_t count;
} Slot;

static uint64_t mix(uint64_t x)
{
    x ^= x >> 33;
    x *= UINT64_C(0xff51afd7ed558ccd);
    x ^= x >> 33;
    return x;
}

static double aggregate_rate(uint64_t keys, uint64_t rows)
{
    uint64_t capacity = 1024;
    while (capacity < keys * 2)
        capacity *= 2;
    Slot *table = calloc(capacity, sizeof(*table));
    uint64_t key[BATCH], at[BATCH];
    uint64_t state = 1;
    double start = now_s();
    for (uint64_t done = 0; done < rows; done += BATCH) {
        for (uint32_t i = 0; i < BATCH; i++) {
            state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
            key[i] = (state >> 33) % keys + 1;
            at[i] = mix(key[i]) & (capacity - 1);
            __builtin_prefetch(&table[at[i]], 1);
        }
        for (uint32_t i = 0; i < BATCH; i++) {
            uint64_t slot = at[i];
            while (table[slot].key != key[i] && table[slot].key != 0)
                slot = (slot + 1) & (capacity - 1);
            table[slot].key = key[i];
            table[slot].sum += (int64_t)key[i];
            table[slot].count++;
        }
    }
    double seconds = now_s() - start;
    int64_t check = 0;
    for (uint64_t i = 0; i < capacity; i++)
        check += table[i].count;
    free(table);
    return check == (int64_t)((rows + BATCH - 1) / BATCH * BATCH) ? (double)rows / seconds : 0;
}

/* -------------------------------------------------------------------- probe */

static double probe_rate(uint64_t keys, uint64_t rows)
{
    uint64_t capacity = 1024;
    while (capacity < keys * 2)
        capacity *= 2;
    Slot *table = calloc(capacity, sizeof(*table));
    for (uint64_t key = 1; key <= keys; key++) {
        uint64_t slot = mix(key) & (capacity - 1);
        while (table[slot].key != 0)
            slot = (slot + 1) & (capacity - 1);
        table[slot] = (Slot){.key = key, .sum = (int64_t)key};
    }
    uint64_t key[BATCH], at[BATCH];
    uint64_t state = 1;
    int64_t found[BATCH], check = 0;
    double start = now_s();
    for (uint64_t done = 0; done < rows; done += BATCH) {
        for (uint32_t i = 0; i < BATCH; i++) {
            state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
            key[i] = (state >> 33) % keys + 1;
            at[i] = mix(key[i]) & (capacity - 1);
            __builtin_prefetch(&table[at[i]]);
        }
        for (uint32_t i = 0; i < BATCH; i++) {
            uint64_t slot = at[i];
            while (table[slot].key != key[i])
                slot = (slot + 1) & (capacity - 1);
            found[i] = table[slot].sum;
        }
        for (uint32_t i = 0; i < BATCH; i++)
            check += found[i];
    }
    double seconds = now_s() - start;
    free(table);
    return check > 0 ? (double)rows / seconds : 0;
}

/* -------------------------------------------------------------------- lines */

static double lines_rate(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat status;
    if (file == NULL || fstat(fileno(file), &status) != 0)
        return 0;
    size_t size = (size_t)status.st_size;
    char *data = malloc(size + 1);
    double start = now_s();
    if (fread(data, 1, size, file) != size)
        return 0;
    uint64_t lines = 0, commas = 0;
    const char *end = data + size;
    for (const char *line = data; line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        stop = stop == NULL ? end : stop;
        for (const char *field = line; (field = memchr(field, ',', (size_t)(stop - field))) != NULL;
             field++)
            commas++;
        lines++;
        line = stop + 1;
    }
    double seconds = now_s() - start;
    fclose(file);
    free(data);
    return commas > 0 ? (double)lines / seconds : 0;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "aggregate") == 0)
        printf("%.0f\n", aggregate_rate(strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10)));
    else if (argc == 4 && strcmp(argv[1], "probe") == 0)
        printf("%.0f\n", probe_rate(strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10)));
    else if (argc == 3 && strcmp(argv[1], "lines") == 0)
        printf("%.0f\n", lines_rate(argv[2]));
    else
        return 2;
    return 0;
}
