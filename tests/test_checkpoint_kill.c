/* kill -9 at random moments while epochs are written part by part, folded and purged: after each,
 * the newest epoch is whole, and it is the one the killed process said it had made or was making.
 */
#include "tests/state_testing.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "state/checkpoint.h"
#include "tests/suite.h"

#define KILLS 60
/* Some parts an epoch. */
#define PART_BYTES 8000
#define GROUPS     8
#define KEYS       500

static const StateSpec values_spec = {.name = "values", .kind = STATE_VALUE, .record_bytes = 8};
static const StateSpec map_spec = {.name = "map", .kind = STATE_MAP, .record_bytes = 0};

typedef struct Job {
    StateStore *state;
    StateTable *values;
    StateTable *map;
} Job;

static Job job_new(void)
{
    Job job = {.state = test_store(GROUPS, 0, GROUPS - 1)};
    job.values = state_table_declare(job.state, &values_spec);
    job.map = state_table_declare(job.state, &map_spec);
    return job;
}

/* Whether there is an epoch: the newest, or the newest one older than `before`. */
static bool find_epoch(CheckpointStore *store, uint64_t before, CheckpointInfo *out)
{
    Error error;
    ck_assert_msg(checkpoint_newest(store, before, out, &error), "%s", error.message);
    return out->epoch != 0;
}

static bool restore_chunk(void *to, const StateChunk *chunk, Error *error)
{
    return state_restore(to, chunk, error);
}

static void job_restore(Job *job, CheckpointStore *store, uint64_t epoch)
{
    Error error;
    ck_assert_msg(checkpoint_read_chunks(store, epoch, "op", restore_chunk, job->state, &error) &&
                      state_restore_end(job->state, &error),
                  "%s", error.message);
}

static void job_change(Job *job, Random *random)
{
    uint32_t steps = 1 + random_below(random, 400);
    for (uint32_t step = 0; step < steps; step++) {
        char buffer[64], sub_buffer[64];
        Str key = test_key(buffer, random_below(random, KEYS));
        uint64_t hash = hash_bytes(key.data, key.length);
        void *record;
        if (random_below(random, 4) == 0) {
            state_value_get(job->values, &key, &hash, 1, &record);
            if (record != NULL)
                state_value_remove(job->values, record);
        } else {
            state_value_get_or_create(job->values, &key, &hash, 1, &record, NULL);
            *(uint64_t *)record = random_next(random);
            state_touch(job->values, record);
        }
        StateGroup *group;
        state_map_groups(job->map, &key, &hash, 1, &group);
        Str subkey = test_key(sub_buffer, random_below(random, 30));
        StateEntry *entry = state_map_find(job->map, group, subkey);
        if (entry != NULL && random_below(random, 2) == 0)
            state_map_remove(job->map, entry);
        else
            state_map_put(job->map, &group, key, hash, subkey, key, NULL);
    }
}

/* One number for all the state, whatever order its memory is in. */
static uint64_t job_digest(Job *job)
{
    uint64_t digest = 0;
    for (uint32_t k = 0; k < KEYS; k++) {
        char buffer[64];
        Str key = test_key(buffer, k);
        uint64_t hash = hash_bytes(key.data, key.length);
        void *record;
        state_value_get(job->values, &key, &hash, 1, &record);
        if (record != NULL)
            digest = digest * 31 + *(uint64_t *)record + k;
        StateGroup *group;
        state_map_groups(job->map, &key, &hash, 1, &group);
        for (StateEntry *entry = state_map_first(job->map, group); entry;
             entry = state_map_next(job->map, entry)) {
            Str subkey = state_entry_subkey(job->map, entry);
            digest = digest * 31 + hash_bytes(subkey.data, subkey.length);
        }
    }
    return digest;
}

static void add_chunk(void *to, const StateChunk *chunk)
{
    checkpoint_add_chunk(to, "op", chunk);
}

typedef struct Report {
    uint64_t epoch;
    uint64_t digest;
    uint64_t committed; /* 0: about to commit */
} Report;

static void report(int to, uint64_t epoch, uint64_t digest, uint64_t committed)
{
    Report line = {epoch, digest, committed};
    if (write(to, &line, sizeof(line)) != sizeof(line))
        _exit(3);
}

static void child(const char *directory, Random *random, int to)
{
    Error error;
    CheckpointStore *store = checkpoint_open(
        &(CheckpointConfig){
            .directory = directory, .job = "k", .retained = 2, .part_bytes = PART_BYTES},
        &error);
    if (store == NULL) {
        fprintf(stderr, "%s\n", error.message);
        _exit(2);
    }
    Job job = job_new();
    CheckpointInfo info;
    uint64_t epoch = 0;
    if (find_epoch(store, 0, &info)) {
        epoch = info.epoch;
        job_restore(&job, store, epoch);
    }
    for (;;) {
        epoch++;
        job_change(&job, random);
        if (!checkpoint_begin(store, epoch, &error))
            _exit(4);
        state_snapshot(job.state, add_chunk, store);
        uint64_t digest = job_digest(&job);
        Str text = {(const char *)&digest, sizeof(digest)};
        checkpoint_add_blob(store, "op", "digest", 0, STR(""), text);
        info = (CheckpointInfo){.epoch = epoch, .job = "k", .manifest = ""};
        report(to, epoch, digest, 0);
        if (!checkpoint_commit(store, &info, &error))
            _exit(5);
        report(to, epoch, digest, 1);
    }
}

static bool take_digest(void *to, uint32_t subtask, Str name, Str bytes, Error *error)
{
    memcpy(to, bytes.data, sizeof(uint64_t));
    return true;
}

/* Every retained epoch must be whole; the newest must be what was reported. Returns that. */
static Report verify(const char *directory, Report committed, Report begun)
{
    Report newest = committed;
    Error error;
    CheckpointStore *store = checkpoint_open(
        &(CheckpointConfig){.directory = directory, .job = "k", .retained = 2}, &error);
    ck_assert_msg(store != NULL, "%s", error.message);
    CheckpointInfo info = {0};
    bool is_newest = true;
    for (uint64_t before = 0; find_epoch(store, before, &info); before = info.epoch) {
        Job job = job_new();
        job_restore(&job, store, info.epoch);
        uint64_t stored = 0;
        ck_assert(
            checkpoint_read_blobs(store, info.epoch, "op", "digest", take_digest, &stored, &error));
        uint64_t digest = job_digest(&job);
        ck_assert_msg(digest == stored, "epoch %llu", (unsigned long long)info.epoch);
        if (is_newest) {
            ck_assert_uint_ge(info.epoch, committed.epoch);
            ck_assert_uint_le(info.epoch, begun.epoch);
            ck_assert(digest == (info.epoch == begun.epoch ? begun.digest : committed.digest));
        }
        if (is_newest)
            newest = (Report){info.epoch, digest, 1};
        is_newest = false;
        state_store_free(job.state);
    }
    ck_assert(!is_newest || committed.epoch == 0);
    checkpoint_close(store);
    return newest;
}

START_TEST(every_kill_leaves_a_whole_epoch)
{
    char directory[] = "/tmp/weir-kill-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(directory));
    Random random = random_start("kill");
    Report committed = {0}, begun = {0};
    for (uint32_t kill_number = 0; kill_number < KILLS; kill_number++) {
        int ends[2];
        ck_assert_int_eq(pipe(ends), 0);
        random_next(&random);
        fflush(stdout);
        pid_t process = fork();
        if (process == 0) {
            close(ends[0]);
            child(directory, &random, ends[1]);
        }
        close(ends[1]);
        clock_sleep_us(5000 + random_below(&random, 120000));
        kill(process, SIGKILL);
        int status;
        waitpid(process, &status, 0);
        ck_assert_msg(WIFSIGNALED(status), "the child ended by itself: %d", WEXITSTATUS(status));
        Report line;
        while (read(ends[0], &line, sizeof(line)) == sizeof(line)) {
            if (line.committed)
                committed = line;
            begun = line;
        }
        close(ends[0]);
        committed = verify(directory, committed, begun);
    }
    printf("%u kills, %llu epochs\n", KILLS, (unsigned long long)committed.epoch);
    ck_assert_uint_gt(committed.epoch, KILLS / 4);
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", directory);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("kill");
    tcase_set_timeout(cases, 100);
    tcase_add_test(cases, every_kill_leaves_a_whole_epoch);
    return test_run("checkpoint_kill", cases);
}
