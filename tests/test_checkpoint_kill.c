/* kill -9 at random moments while epochs are written part by part, declined, folded and purged, and
 * at each kind of write, from the making of the file to a savepoint: after each, the newest epoch
 * is whole, and it is the one the killed process said it had made or was making. The same with a
 * disk that is full for a while. */
#include "tests/state_testing.h"

#include <errno.h>
#include <glob.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "state/checkpoint.h"
#include "tests/suite.h"

#define KILLS  60
#define FAULTS 40
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
    uint64_t outcome; /* ABOUT_TO_COMMIT, … */
} Report;

enum { ABOUT_TO_COMMIT, COMMITTED, DECLINED };

static void report(int to, uint64_t epoch, uint64_t digest, uint64_t outcome)
{
    Report line = {epoch, digest, outcome};
    if (write(to, &line, sizeof(line)) != sizeof(line))
        _exit(3);
}

/* Reads the store, or no longer: while it does, epochs are declined. */
static void look_at_times(CheckpointStore **looking, const char *directory, Random *random)
{
    Error error;
    CheckpointInfo info;
    if (random_below(random, *looking == NULL ? 6 : 2) != 0)
        return;
    if (*looking != NULL) {
        checkpoint_close(*looking);
        *looking = NULL;
        return;
    }
    *looking = checkpoint_open_path(directory, &error);
    if (*looking == NULL || !checkpoint_newest(*looking, 0, &info, &error)) {
        fprintf(stderr, "%s\n", error.message);
        _exit(6);
    }
}

/* Writes the state as an epoch, telling of it before and after; whether it is committed. */
static bool write_epoch(CheckpointStore *store, Job *job, uint64_t epoch, CheckpointInfo *info,
                        int to)
{
    Error error;
    if (!checkpoint_begin(store, epoch, &error))
        _exit(4);
    state_snapshot(job->state, add_chunk, store);
    uint64_t digest = job_digest(job);
    Str text = {(const char *)&digest, sizeof(digest)};
    checkpoint_add_blob(store, "op", "digest", 0, STR(""), text);
    *info = (CheckpointInfo){.epoch = epoch, .job = "k", .manifest = ""};
    report(to, epoch, digest, ABOUT_TO_COMMIT);
    bool committed = checkpoint_commit(store, info, &error);
    report(to, epoch, digest, committed ? COMMITTED : DECLINED);
    return committed;
}

static void child(const char *directory, Random *random, int to)
{
    Error error;
    CheckpointStore *store = checkpoint_open(&(CheckpointConfig){.directory = directory,
                                                                 .job = "k",
                                                                 .retained = 2,
                                                                 .part_bytes = PART_BYTES,
                                                                 .wait_ms = 1},
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
    CheckpointStore *looking = NULL;
    for (;;) {
        epoch++;
        job_change(&job, random);
        look_at_times(&looking, directory, random);
        if (!write_epoch(store, &job, epoch, &info, to) && !info.declined)
            _exit(5);
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
            newest = (Report){info.epoch, digest, COMMITTED};
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
    uint32_t declined = 0;
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
            if (line.outcome == COMMITTED)
                committed = line;
            begun = line.outcome == DECLINED ? committed : line;
            declined += line.outcome == DECLINED;
        }
        close(ends[0]);
        committed = verify(directory, committed, begun);
    }
    printf("%u kills, %llu epochs, %u declined\n", KILLS, (unsigned long long)committed.epoch,
           declined);
    ck_assert_uint_gt(committed.epoch, KILLS / 4);
    ck_assert_uint_gt(declined, 0);
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", directory);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

/* ------------------------------------------------------- at every write */

/* SQLite's calls that change a file; the one that is due fails, with so many after it, or is the
 * last: half of it is done then. */
static struct {
    ssize_t (*pwrite)(int, const void *, size_t, off_t);
    int (*truncate)(int, off_t);
    int (*unlink)(const char *);
    atomic_int calls;
    int due;      /* 0: never */
    int failures; /* 0: the process is killed */
} disk;

typedef enum Fault { FAULT_NONE, FAULT_FAILS, FAULT_DIES } Fault;

static Fault fault_now(void)
{
    int call = ++disk.calls;
    if (disk.due == 0 || call < disk.due)
        return FAULT_NONE;
    if (disk.failures == 0)
        return FAULT_DIES;
    return call < disk.due + disk.failures ? FAULT_FAILS : FAULT_NONE;
}

static void die(void)
{
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

static ssize_t faulty_pwrite(int file, const void *bytes, size_t length, off_t at)
{
    Fault fault = fault_now();
    if (fault == FAULT_DIES) {
        (void)!disk.pwrite(file, bytes, length / 2, at);
        die();
    }
    if (fault == FAULT_NONE)
        return disk.pwrite(file, bytes, length, at);
    errno = ENOSPC;
    return -1;
}

/* Takes no room, so it does not fail. */
static int faulty_truncate(int file, off_t length)
{
    if (fault_now() == FAULT_DIES)
        die();
    return disk.truncate(file, length);
}

static int faulty_unlink(const char *path)
{
    if (fault_now() == FAULT_DIES)
        die();
    return disk.unlink(path);
}

static void make_disk_faulty(int due, int failures)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    disk.due = due;
    disk.failures = failures;
    disk.pwrite = pwrite;
    disk.truncate = ftruncate;
    disk.unlink = unlink;
    ck_assert_int_eq(vfs->xSetSystemCall(vfs, "pwrite", (sqlite3_syscall_ptr)faulty_pwrite),
                     SQLITE_OK);
    (void)vfs->xSetSystemCall(vfs, "pwrite64", (sqlite3_syscall_ptr)faulty_pwrite);
    ck_assert_int_eq(vfs->xSetSystemCall(vfs, "ftruncate", (sqlite3_syscall_ptr)faulty_truncate),
                     SQLITE_OK);
    ck_assert_int_eq(vfs->xSetSystemCall(vfs, "unlink", (sqlite3_syscall_ptr)faulty_unlink),
                     SQLITE_OK);
}

/* Opens the store, which may take more than one try while the disk is full. */
static CheckpointStore *open_again(const char *directory, bool patient)
{
    Error error;
    for (uint32_t tries = 0; tries < 200; tries++) {
        CheckpointStore *store = checkpoint_open(
            &(CheckpointConfig){
                .directory = directory, .job = "k", .retained = 2, .part_bytes = PART_BYTES},
            &error);
        if (store != NULL || !patient)
            return store;
    }
    fprintf(stderr, "%s\n", error.message);
    _exit(2);
}

#define EPOCHS 14

/* Makes epochs, with deltas that are folded, and a savepoint at the end; what is declined goes
 * along, what fails otherwise is done again. The outcome of each is reported. */
static void work(const char *directory, Random *random, int to)
{
    Error error;
    CheckpointInfo info;
    CheckpointStore *store = open_again(directory, disk.failures != 0);
    Job job = job_new();
    if (find_epoch(store, 0, &info))
        job_restore(&job, store, info.epoch);
    uint64_t epoch = info.epoch;
    for (uint32_t done = 0; done < EPOCHS;) {
        epoch++;
        job_change(&job, random);
        bool committed = write_epoch(store, &job, epoch, &info, to);
        done += committed;
        if (committed || info.declined)
            continue;
        if (disk.failures == 0)
            _exit(5);
        checkpoint_abort(store);
        state_store_free(job.state);
        job = job_new();
        while (!checkpoint_newest(store, 0, &info, &error))
            clock_sleep_us(1000);
        job_restore(&job, store, info.epoch);
    }
    Arena *arena = arena_new(1024);
    const char *path;
    while (!checkpoint_copy(store, directory, arena, &path, &error))
        if (disk.failures == 0) {
            fprintf(stderr, "%s\n", error.message);
            _exit(6);
        }
    arena_free(arena);
    state_store_free(job.state);
    checkpoint_close(store);
    int calls = disk.calls;
    if (write(to, &(Report){.epoch = 0, .digest = (uint64_t)calls}, sizeof(Report)) < 0)
        _exit(3);
    _exit(0);
}

/* A savepoint is whole or not there. */
static void verify_savepoints(const char *directory)
{
    glob_t found;
    char pattern[128];
    snprintf(pattern, sizeof(pattern), "%s/*-savepoint-*.weir-state", directory);
    if (glob(pattern, 0, NULL, &found) != 0)
        return;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        Error error;
        CheckpointInfo info;
        CheckpointStore *store = checkpoint_open_path(found.gl_pathv[i], &error);
        ck_assert_msg(store != NULL, "%s", error.message);
        ck_assert(find_epoch(store, 0, &info));
        Job job = job_new();
        job_restore(&job, store, info.epoch);
        uint64_t stored = 0;
        ck_assert(
            checkpoint_read_blobs(store, info.epoch, "op", "digest", take_digest, &stored, &error));
        ck_assert(job_digest(&job) == stored);
        state_store_free(job.state);
        checkpoint_close(store);
        unlink(found.gl_pathv[i]);
    }
    globfree(&found);
}

/* One process that works with a disk that fails at that call; returns how many there were. */
static int work_once(const char *directory, Random *random, int due, int failures)
{
    Report committed = {0}, begun = {0}, line;
    int ends[2], status, calls = 0;
    ck_assert_int_eq(pipe(ends), 0);
    random_next(random);
    fflush(stdout);
    pid_t process = fork();
    if (process == 0) {
        close(ends[0]);
        make_disk_faulty(due, failures);
        work(directory, random, ends[1]);
    }
    close(ends[1]);
    while (read(ends[0], &line, sizeof(line)) == sizeof(line)) {
        if (line.epoch == 0)
            calls = (int)line.digest;
        else if (line.outcome == COMMITTED)
            committed = line;
        if (line.epoch != 0)
            begun = line.outcome == DECLINED ? committed : line;
    }
    close(ends[0]);
    waitpid(process, &status, 0);
    ck_assert_msg(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0,
                  "call %d, %d failures: the child ended with %d, signal %d", due, failures,
                  WEXITSTATUS(status), WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    verify(directory, committed, begun);
    verify_savepoints(directory);
    return calls;
}

static void remove_all(const char *directory)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", directory);
    ck_assert_int_eq(system(command), 0);
}

/* In a new store each time, so that its making is among the writes. */
static int work_anew(Random *random, int due, int failures)
{
    char directory[] = "/tmp/weir-fault-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(directory));
    int calls = work_once(directory, random, due, failures);
    remove_all(directory);
    return calls;
}

START_TEST(any_write_may_be_the_last)
{
    Random random = random_start("faults");
    int calls = work_anew(&random, 0, 0);
    printf("%d writes\n", calls);
    uint32_t stride = (uint32_t)calls / FAULTS + 1;
    for (int due = 1; due <= calls; due += 1 + (int)random_below(&random, 2 * stride - 1))
        work_anew(&random, due, 0);
}
END_TEST

START_TEST(the_disk_may_be_full_at_any_write)
{
    Random random = random_start("faults");
    int calls = work_anew(&random, 0, 0);
    uint32_t stride = (uint32_t)calls / FAULTS + 1;
    for (int due = 1; due <= calls; due += 1 + (int)random_below(&random, 2 * stride - 1))
        work_anew(&random, due, 1 + (int)random_below(&random, 40));
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("kill");
    tcase_set_timeout(cases, 100);
    tcase_add_test(cases, every_kill_leaves_a_whole_epoch);
    tcase_add_test(cases, any_write_may_be_the_last);
    tcase_add_test(cases, the_disk_may_be_full_at_any_write);
    return test_run("checkpoint_kill", cases);
}
