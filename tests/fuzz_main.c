/* Drives a fuzzer without libFuzzer: `fuzz_x [--runs=N | --seconds=N] [--seed=S] [FILE…]`.
 *
 * Strategy: every run takes a seed, applies a few random edits (bytes changed, put in, taken out,
 * pieces of other seeds spliced in) and hands it over. The input of the run is a function of seed
 * and run number, so that a failure is repeated by `--seed=S --first=RUN --runs=1`. FILEs are run
 * as they are. */
#include "tests/fuzz_main.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define INPUT_MAX 65536

typedef struct Fuzz {
    uint64_t state;
    size_t length;
    unsigned char data[INPUT_MAX];
} Fuzz;

/* splitmix64 */
static uint64_t fuzz_random(Fuzz *fuzz)
{
    uint64_t z = (fuzz->state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static size_t fuzz_below(Fuzz *fuzz, size_t bound)
{
    return bound == 0 ? 0 : (size_t)(fuzz_random(fuzz) % bound);
}

static void fuzz_insert(Fuzz *fuzz, size_t at, const void *bytes, size_t count)
{
    if (fuzz->length + count > INPUT_MAX)
        return;
    memmove(fuzz->data + at + count, fuzz->data + at, fuzz->length - at);
    memmove(fuzz->data + at, bytes, count);
    fuzz->length += count;
}

static const char *fuzz_pick_seed(Fuzz *fuzz)
{
    size_t count = 0;
    while (fuzz_seeds[count] != NULL)
        count++;
    return fuzz_seeds[fuzz_below(fuzz, count)];
}

static void fuzz_edit(Fuzz *fuzz)
{
    size_t at = fuzz_below(fuzz, fuzz->length + 1);
    size_t rest = fuzz->length - at;
    size_t count = 1 + fuzz_below(fuzz, rest < 16 ? rest : 16);
    unsigned char byte = (unsigned char)fuzz_random(fuzz);
    unsigned char copy[64];
    const char *other;
    switch (fuzz_below(fuzz, 7)) {
    case 0: /* another byte */
        if (rest != 0)
            fuzz->data[at] = byte;
        break;
    case 1: /* another bit */
        if (rest != 0)
            fuzz->data[at] = (unsigned char)(fuzz->data[at] ^ (1u << (byte & 7)));
        break;
    case 2: /* a byte more */
        fuzz_insert(fuzz, at, &byte, 1);
        break;
    case 3: /* some bytes less */
        if (count <= rest) {
            memmove(fuzz->data + at, fuzz->data + at + count, rest - count);
            fuzz->length -= count;
        }
        break;
    case 4: /* a piece twice */
        if (count <= rest) {
            memcpy(copy, fuzz->data + at, count);
            fuzz_insert(fuzz, fuzz_below(fuzz, fuzz->length + 1), copy, count);
        }
        break;
    case 5: /* a piece of another seed */
        other = fuzz_pick_seed(fuzz);
        rest = strlen(other);
        count = fuzz_below(fuzz, rest + 1);
        fuzz_insert(fuzz, at, other + count, fuzz_below(fuzz, rest - count + 1));
        break;
    default: /* cut off */
        if (fuzz_below(fuzz, 4) == 0)
            fuzz->length = at;
    }
}

static void fuzz_one(Fuzz *fuzz, uint64_t seed, uint64_t run)
{
    fuzz->state = seed * UINT64_C(0x2545f4914f6cdd1d) + run;
    const char *start = fuzz_pick_seed(fuzz);
    fuzz->length = 0;
    size_t length = strlen(start);
    fuzz_insert(fuzz, 0, start, length < INPUT_MAX ? length : INPUT_MAX);
    for (size_t edits = fuzz_below(fuzz, 6); edits != 0; edits--)
        fuzz_edit(fuzz);
    /* A copy of the exact size lets the address sanitizer see reads behind the end. */
    uint8_t *input = malloc(fuzz->length == 0 ? 1 : fuzz->length);
    if (input == NULL)
        exit(EXIT_FAILURE);
    memcpy(input, fuzz->data, fuzz->length);
    LLVMFuzzerTestOneInput(input, fuzz->length);
    free(input);
}

static void fuzz_file(Fuzz *fuzz, const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    fuzz->length = fread(fuzz->data, 1, INPUT_MAX, file);
    fclose(file);
    LLVMFuzzerTestOneInput(fuzz->data, fuzz->length);
}

typedef struct FuzzOptions {
    unsigned long long runs, seed, first, seconds;
} FuzzOptions;

static void fuzz_loop(Fuzz *fuzz, const FuzzOptions *options)
{
    time_t end = time(NULL) + (time_t)options->seconds;
    unsigned long long run = options->first;
    bool trace = getenv("FUZZ_TRACE") != NULL; /* names the run before it crashes */
    while (options->seconds != 0 ? time(NULL) < end : run < options->first + options->runs) {
        if (trace)
            fprintf(stderr, "--first=%llu\n", run);
        fuzz_one(fuzz, options->seed, run++);
    }
    printf("%llu runs with --seed=%llu from run %llu on\n", run - options->first, options->seed,
           options->first);
}

int main(int argc, char **argv)
{
    FuzzOptions options = {.runs = 1000, .seed = 1};
    Fuzz *fuzz = malloc(sizeof(Fuzz));
    int files = 0;
    if (fuzz == NULL)
        return EXIT_FAILURE;
    for (int i = 1; i < argc; i++) {
        if (sscanf(argv[i], "--runs=%llu", &options.runs) == 1 ||
            sscanf(argv[i], "--seconds=%llu", &options.seconds) == 1 ||
            sscanf(argv[i], "--seed=%llu", &options.seed) == 1 ||
            sscanf(argv[i], "--first=%llu", &options.first) == 1)
            continue;
        fuzz_file(fuzz, argv[i]);
        files++;
    }
    if (files == 0)
        fuzz_loop(fuzz, &options);
    free(fuzz);
    return EXIT_SUCCESS;
}
