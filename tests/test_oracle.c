/* Random continuous queries over random changes, held against SQLite after every step.
 *
 *   test_oracle [--cases=N | --seconds=N] [--seed=S] [--replay=CHOICES] [--verbose]
 *
 * A case (oracle_case.h) is some queries, a way to run them (batch size, workers, kill and restore,
 * mini-batch, a bounded run, …) and some feeds of random changes: tables with and without primary
 * keys, updates with and without the old row, NULL and changed keys, duplicates. A case that fails
 * shrinks itself: settings, queries, operators, columns, feeds and rows go for as long as it still
 * fails (random_choices.h). What is left is printed as a `.test` file with the rows that SQLite
 * expects, and as the choices that make it again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/arena.h"
#include "tests/oracle_case.h"
#include "tests/oracle_statement.h"

#define SHRINK_TRIES 1200

static bool case_fails(Random *random)
{
    return !oracle_case_run(random, NULL);
}

/* Runs it again, to tell what is wrong; true when nothing is any more. */
static bool tell(const Random *random, Buffer *out)
{
    Random again;
    random_replay(&again, random->taken, random->taken_count);
    bool good = oracle_case_run(&again, out);
    random_close(&again);
    return good;
}

static void tell_choices(const Random *random)
{
    fprintf(stderr, "again: test_oracle --replay=");
    for (uint32_t i = 0; i < random->taken_count; i++)
        fprintf(stderr, "%s%u", i == 0 ? "" : ",", random->taken[i]);
    fprintf(stderr, "\n");
}

/* `good`: whether the case passed the first time. */
static bool judge(Random *random, bool good, uint64_t seed)
{
    Buffer out = {0};
    if (!good) {
        random_shrink(random, case_fails, SHRINK_TRIES);
        /* What fails by chance of threads may not fail again. */
        bool gone = true;
        for (uint32_t again = 0; gone && again < 3; again++)
            gone = tell(random, &out);
        fprintf(stderr, "FAILED%s: seed %llu\n%s", gone ? " and then not again" : "",
                (unsigned long long)seed, buffer_text(&out));
        tell_choices(random);
    }
    buffer_deinit(&out);
    return good;
}

static bool case_run(uint64_t seed)
{
    Random random;
    random_open(&random, seed);
    bool good = judge(&random, oracle_case_run(&random, NULL), seed);
    random_close(&random);
    return good;
}

/* A case of given choices: "3,0,12". */
static bool case_replay(const char *text)
{
    uint32_t *choices = memory_alloc((strlen(text) + 1) * sizeof(*choices)), count = 0;
    for (const char *at = text; *at != '\0'; at += strspn(at, ",")) {
        char *end;
        choices[count++] = (uint32_t)strtoul(at, &end, 10);
        if (end == at)
            oracle_stop("unexpected choice", at);
        at = end;
    }
    Random random;
    random_replay(&random, choices, count);
    bool good = judge(&random, oracle_case_run(&random, NULL), 0);
    random_close(&random);
    memory_free(choices);
    return good;
}

typedef struct Arguments {
    uint64_t cases, seed;
    uint64_t seconds; /* 0: as many as `cases` says */
    const char *replay;
    bool verbose;
} Arguments;

static Arguments read_arguments(int argc, char **argv)
{
    Arguments arguments = {.cases = 300, .seed = 1};
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--cases=", 8) == 0)
            arguments.cases = strtoull(argv[i] + 8, NULL, 10);
        else if (strncmp(argv[i], "--seconds=", 10) == 0)
            arguments.seconds = strtoull(argv[i] + 10, NULL, 10);
        else if (strncmp(argv[i], "--seed=", 7) == 0)
            arguments.seed = strtoull(argv[i] + 7, NULL, 10);
        else if (strncmp(argv[i], "--replay=", 9) == 0)
            arguments.replay = argv[i] + 9;
        else if (strcmp(argv[i], "--verbose") == 0)
            arguments.verbose = true;
        else
            oracle_stop("unexpected argument", argv[i]);
    }
    return arguments;
}

static bool goes_on(const Arguments *arguments, uint64_t done, time_t since)
{
    return arguments->seconds == 0 ? done < arguments->cases
                                   : (uint64_t)(time(NULL) - since) < arguments->seconds;
}

int main(int argc, char **argv)
{
    Arguments arguments = read_arguments(argc, argv);
    if (arguments.replay != NULL)
        return case_replay(arguments.replay) ? 0 : 1;
    uint64_t done = 0, failed = 0;
    time_t since = time(NULL);
    for (; goes_on(&arguments, done, since) && failed < 5; done++) {
        if (arguments.verbose)
            fprintf(stderr, "seed %llu\n", (unsigned long long)(arguments.seed + done));
        failed += case_run(arguments.seed + done) ? 0 : 1;
    }
    printf("seed %llu: %llu cases\n", (unsigned long long)arguments.seed, (unsigned long long)done);
    printf("%llu passed, %llu failed\n", (unsigned long long)(done - failed),
           (unsigned long long)failed);
    return failed == 0 ? 0 : 1;
}
