/* The checkpoint store: epochs, retention, folding, locks, damage, a full disk. */
#include "tests/state_testing.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "state/checkpoint_internal.h"
#include "tests/suite.h"

#define GROUPS 16
/* Few rows make several parts of an epoch. */
#define PART_BYTES 2000

static char directory[64];

static void make_directory(void)
{
    snprintf(directory, sizeof(directory), "/tmp/weir-checkpoint-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void remove_directory(void)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", directory);
    ck_assert_int_eq(system(command), 0);
}

static uint32_t wait_ms; /* of the stores of a test */

static CheckpointStore *open_store(uint32_t retained, bool fresh)
{
    Error error;
    CheckpointStore *store = checkpoint_open(&(CheckpointConfig){.directory = directory,
                                                                 .job = "job",
                                                                 .retained = retained,
                                                                 .fresh = fresh,
                                                                 .wait_ms = wait_ms,
                                                                 .part_bytes = PART_BYTES},
                                             &error);
    ck_assert_msg(store != NULL, "%s %s", error.message, error.detail);
    return store;
}

/* Whether there is an epoch: the newest, or the newest one older than `before`. */
static bool find_epoch(CheckpointStore *store, uint64_t before, CheckpointInfo *out)
{
    Error error;
    ck_assert_msg(checkpoint_newest(store, before, out, &error), "%s", error.message);
    return out->epoch != 0;
}

static const StateSpec spec = {.name = "sums", .kind = STATE_VALUE, .record_bytes = 8};

typedef struct Job {
    StateStore *state;
    StateTable *table;
    CheckpointStore *store;
} Job;

static void job_start(Job *job)
{
    job->state = test_store(GROUPS, 0, GROUPS - 1);
    job->table = state_table_declare(job->state, &spec);
}

static void job_add(Job *job, uint32_t key_number, int64_t value)
{
    char buffer[64];
    Str key = test_key(buffer, key_number);
    uint64_t hash = hash_bytes(key.data, key.length);
    void *record;
    state_value_get_or_create(job->table, &key, &hash, 1, &record, NULL);
    *(int64_t *)record += value;
    state_touch(job->table, record);
}

static void *job_find(const Job *job, uint32_t key_number)
{
    char buffer[64];
    Str key = test_key(buffer, key_number);
    uint64_t hash = hash_bytes(key.data, key.length);
    void *record;
    state_value_get(job->table, &key, &hash, 1, &record);
    return record;
}

static int64_t job_value(Job *job, uint32_t key_number)
{
    const void *record = job_find(job, key_number);
    return record == NULL ? -1 : *(const int64_t *)record;
}

static void add_chunk(void *to, const StateChunk *chunk)
{
    checkpoint_add_chunk(to, "aggregate-1", chunk);
}

static bool job_commit(Job *job, uint64_t epoch, Error *error)
{
    if (!checkpoint_begin(job->store, epoch, error))
        return false;
    state_snapshot(job->state, add_chunk, job->store);
    char position[32];
    snprintf(position, sizeof(position), "at %llu", (unsigned long long)epoch);
    checkpoint_add_blob(job->store, "scan-0", "position", 0, STR("file.csv"),
                        (Str){position, strlen(position)});
    CheckpointInfo info = {.epoch = epoch,
                           .job = "job",
                           .parallelism = 2,
                           .max_parallelism = GROUPS,
                           .manifest = "{\"plan\": 1}"};
    return checkpoint_commit(job->store, &info, error);
}

static bool restore_chunk(void *to, const StateChunk *chunk, Error *error)
{
    return state_restore(to, chunk, error);
}

static bool job_restore(Job *job, uint64_t epoch, Error *error)
{
    job_start(job);
    return checkpoint_read_chunks(job->store, epoch, "aggregate-1", restore_chunk, job->state,
                                  error) &&
           state_restore_end(job->state, error);
}

static bool keep_blob(void *to, uint32_t subtask, Str name, Str bytes, Error *error)
{
    buffer_printf(to, "%u %.*s %.*s", subtask, (int)name.length, name.data, (int)bytes.length,
                  bytes.data);
    return true;
}

/* What SQLite says about the file, read from outside. */
static int64_t ask_file(const char *sql)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/job.weir-state", directory);
    sqlite3 *database;
    sqlite3_stmt *statement;
    ck_assert_int_eq(sqlite3_open(path, &database), SQLITE_OK);
    sqlite3_busy_timeout(database, 10000);
    ck_assert_int_eq(sqlite3_prepare_v2(database, sql, -1, &statement, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return value;
}

/* Writes the file of the job's store with SQLite alone. */
static void make_database(const char *sql)
{
    char path[128];
    sqlite3 *database;
    snprintf(path, sizeof(path), "%s/job.weir-state", directory);
    ck_assert_int_eq(sqlite3_open(path, &database), SQLITE_OK);
    sqlite3_busy_timeout(database, 10000);
    ck_assert_int_eq(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(database);
}

/* A new job in a new store whose first epoch has one key with the value. */
static void job_begin(Job *job, int64_t value)
{
    Error error;
    job_start(job);
    job->store = open_store(1, false);
    job_add(job, 1, value);
    ck_assert_msg(job_commit(job, 1, &error), "%s", error.message);
}

START_TEST(epochs_come_back)
{
    Error error;
    Job job;
    job_start(&job);
    job.store = open_store(3, false);
    CheckpointInfo info;
    ck_assert(!find_epoch(job.store, 0, &info));
    for (uint64_t epoch = 1; epoch <= 5; epoch++) {
        for (uint32_t key = 0; key < 100; key++)
            if (key % epoch == 0)
                job_add(&job, key, 1);
        ck_assert_msg(job_commit(&job, epoch, &error), "%s", error.message);
    }
    checkpoint_close(job.store);
    state_store_free(job.state);

    job.store = open_store(3, false);
    ck_assert(find_epoch(job.store, 0, &info));
    ck_assert_uint_eq(info.epoch, 5);
    ck_assert_str_eq(info.job, "job");
    ck_assert_str_eq(info.manifest, "{\"plan\": 1}");
    ck_assert_uint_eq(info.parallelism, 2);
    ck_assert_uint_eq(info.max_parallelism, GROUPS);
    ck_assert_uint_gt(info.bytes, 0);
    for (uint64_t epoch = 5; epoch >= 3; epoch--) {
        ck_assert_msg(job_restore(&job, epoch, &error), "%s", error.message);
        for (uint32_t key = 0; key < 100; key++) {
            int64_t expected = 0;
            for (uint64_t e = 1; e <= epoch; e++)
                expected += key % e == 0;
            ck_assert(job_value(&job, key) == expected);
        }
        state_store_free(job.state);
        Buffer blobs = {0};
        ck_assert(checkpoint_read_blobs(job.store, epoch, "scan-0", "position", keep_blob, &blobs,
                                        &error));
        char expected[64];
        snprintf(expected, sizeof(expected), "0 file.csv at %llu", (unsigned long long)epoch);
        ck_assert_str_eq(buffer_text(&blobs), expected);
        buffer_deinit(&blobs);
    }
    /* Epochs 1 and 2 are beyond the retained ones. */
    ck_assert(!find_epoch(job.store, 3, &info));
    checkpoint_close(job.store);
}
END_TEST

START_TEST(an_aborted_epoch_leaves_nothing)
{
    Error error;
    Job job;
    job_begin(&job, 10);
    ck_assert(checkpoint_begin(job.store, 2, &error));
    job_add(&job, 1, 10);
    state_snapshot(job.state, add_chunk, job.store);
    checkpoint_abort(job.store);
    ck_assert(!checkpoint_begin(job.store, 1, &error));
    ck_assert_int_eq(error.code, ERROR_INTERNAL);
    state_store_free(job.state);
    CheckpointInfo info;
    ck_assert(find_epoch(job.store, 0, &info));
    ck_assert_uint_eq(info.epoch, 1);
    ck_assert(job_restore(&job, 1, &error));
    ck_assert(job_value(&job, 1) == 10);
    job_add(&job, 1, 5);
    ck_assert(job_commit(&job, 2, &error));
    state_store_free(job.state);
    checkpoint_close(job.store);
}
END_TEST

/* Its parts were in the file: neither the next epoch under its number has them, nor one after the
 * process went. */
START_TEST(parts_of_an_aborted_epoch_are_removed)
{
    Error error;
    Job job;
    job_begin(&job, 10);
    ck_assert(checkpoint_begin(job.store, 2, &error));
    for (uint32_t key = 2; key < 5000; key++)
        job_add(&job, key, 1);
    state_snapshot(job.state, add_chunk, job.store);
    while (ask_file("SELECT count(*) FROM chunk WHERE epoch = 2") < 2)
        usleep(1000);
    checkpoint_abort(job.store);
    ck_assert_int_eq(ask_file("SELECT count(*) FROM chunk WHERE epoch = 2"), 0);
    state_store_free(job.state);
    ck_assert(job_restore(&job, 1, &error));
    job_add(&job, 1, 5);
    ck_assert(job_commit(&job, 2, &error));
    ck_assert_int_eq(ask_file("SELECT count(*) FROM chunk WHERE epoch = 2"), 1);
    state_store_free(job.state);
    checkpoint_close(job.store);
}
END_TEST

START_TEST(what_a_killed_process_left_is_removed)
{
    Error error;
    Job job;
    job_begin(&job, 10);
    state_store_free(job.state);
    checkpoint_close(job.store);
    make_database("INSERT INTO chunk SELECT NULL, operator_table, 3, 2, 0, 2, x'0102' FROM chunk;"
                  "INSERT INTO blob VALUES(2, 'scan-0', 'position', 0, '', 0, '')");
    job.store = open_store(1, false);
    ck_assert_int_eq(ask_file("SELECT count(*) FROM chunk WHERE epoch = 2"), 0);
    ck_assert_int_eq(ask_file("SELECT count(*) FROM blob WHERE epoch = 2"), 0);
    ck_assert(job_restore(&job, 1, &error));
    ck_assert(job_value(&job, 1) == 10);
    state_store_free(job.state);
    checkpoint_close(job.store);
}
END_TEST

START_TEST(rewinding_builds_on_the_older_epoch)
{
    Error error;
    Job job;
    job_start(&job);
    job.store = open_store(5, false);
    for (uint64_t epoch = 1; epoch <= 3; epoch++) {
        job_add(&job, 7, 100);
        ck_assert(job_commit(&job, epoch, &error));
    }
    state_store_free(job.state);
    ck_assert(job_restore(&job, 1, &error));
    ck_assert(checkpoint_rewind(job.store, 1, &error));
    job_add(&job, 8, 1);
    ck_assert(job_commit(&job, 2, &error));
    state_store_free(job.state);
    ck_assert(job_restore(&job, 2, &error));
    ck_assert(job_value(&job, 7) == 100);
    ck_assert(job_value(&job, 8) == 1);
    state_store_free(job.state);
    checkpoint_close(job.store);
}
END_TEST

START_TEST(deltas_are_folded_in_the_background)
{
    Error error;
    Job job;
    job_start(&job);
    job.store = open_store(2, false);
    for (uint64_t epoch = 1; epoch <= 300; epoch++) {
        for (uint32_t key = 0; key < 40; key++)
            job_add(&job, key, 1);
        ck_assert(job_commit(&job, epoch, &error));
    }
    state_store_free(job.state);
    checkpoint_close(job.store);
    /* 16 key groups, at most 64 deltas and a base each; without folding it would be 4,800. */
    ck_assert_int_le(ask_file("SELECT count(*) FROM chunk"), GROUPS * 140);
    ck_assert_int_eq(ask_file("SELECT count(*) FROM epoch"), 2);
    ck_assert_int_eq(ask_file("SELECT count(*) FROM blob"), 2);
    job.store = open_store(2, false);
    for (uint64_t epoch = 299; epoch <= 300; epoch++) {
        ck_assert(job_restore(&job, epoch, &error));
        for (uint32_t key = 0; key < 40; key++)
            ck_assert(job_value(&job, key) == (int64_t)epoch);
        state_store_free(job.state);
    }
    checkpoint_close(job.store);
}
END_TEST

/* An epoch that copies ahead while keys are added. */
static void grow_ahead(Job *job, uint64_t epoch, uint32_t from, uint32_t count)
{
    Error error;
    ck_assert(checkpoint_begin(job->store, epoch, &error));
    for (uint32_t key = from; key < from + count; key++) {
        job_add(job, key, (int64_t)epoch);
        if (key % 50 == 0)
            state_snapshot_ahead(job->state, 40, true, add_chunk, job->store);
    }
    state_snapshot(job->state, add_chunk, job->store);
    CheckpointInfo info = {.epoch = epoch, .job = "job", .manifest = ""};
    ck_assert_msg(checkpoint_commit(job->store, &info, &error), "%s", error.message);
}

START_TEST(state_that_only_grows_is_written_once)
{
    enum { KEYS = 2000, EPOCHS = 20 };
    Error error;
    Job job;
    job_start(&job);
    job.store = open_store(1, false);
    for (uint32_t epoch = 1; epoch <= EPOCHS; epoch++)
        grow_ahead(&job, epoch, epoch * KEYS, KEYS);
    ck_assert_int_eq(ask_file("SELECT sum(is_base) FROM chunk"), GROUPS);
    ck_assert_int_ge(ask_file("SELECT count(*) FROM chunk"), EPOCHS * GROUPS);
    int64_t bytes = ask_file("SELECT sum(size) FROM chunk");
    /* What changes again is: when half is out of date, it goes. */
    uint32_t epoch = EPOCHS;
    for (uint32_t tries = 0; tries < 40; tries++) {
        epoch++;
        for (uint32_t key = KEYS; key < KEYS * 4; key++)
            job_add(&job, key, 1);
        ck_assert(job_commit(&job, epoch, &error));
    }
    state_store_free(job.state);
    checkpoint_close(job.store);
    ck_assert_int_le(ask_file("SELECT sum(size) FROM chunk"), bytes * 4);
    job.store = open_store(1, false);
    ck_assert(job_restore(&job, epoch, &error));
    for (uint32_t key = KEYS; key < KEYS * (EPOCHS + 1); key++)
        ck_assert(job_value(&job, key) == key / KEYS + (key < KEYS * 4 ? 40 : 0));
    state_store_free(job.state);
    checkpoint_close(job.store);
}
END_TEST

START_TEST(a_store_in_use_is_refused_with_the_process)
{
    Error error;
    CheckpointStore *store = open_store(1, false);
    ck_assert_ptr_null(checkpoint_open(
        &(CheckpointConfig){.directory = directory, .job = "job", .fresh = true}, &error));
    ck_assert_int_eq(error.code, ERROR_STATE);
    char expected[64];
    snprintf(expected, sizeof(expected), "in use by the process with id %ld", (long)getpid());
    ck_assert_ptr_nonnull(strstr(error.message, expected));
    CheckpointStore *other =
        checkpoint_open(&(CheckpointConfig){.directory = directory, .job = "other job/2"}, &error);
    ck_assert_ptr_nonnull(other);
    ck_assert_ptr_nonnull(strstr(checkpoint_path(other), "/other_job_2-"));
    checkpoint_close(other);
    ck_assert_ptr_null(checkpoint_open_path(directory, &error));
    ck_assert_ptr_nonnull(strstr(error.message, "holds 2 checkpoint stores"));
    checkpoint_close(store);
    checkpoint_close(open_store(1, false));
}
END_TEST

static void *commit_two(void *opaque)
{
    Error error;
    Job *job = opaque;
    for (uint32_t key = 0; key < 5000; key++)
        job_add(job, key, 1);
    ck_assert_msg(job_commit(job, 2, &error), "%s", error.message);
    return NULL;
}

/* However many parts the next epoch has: it waits with its end. */
START_TEST(reading_only_shows_one_moment)
{
    pthread_t committing;
    Error error;
    Job job;
    job_begin(&job, 1);
    CheckpointStore *looking = checkpoint_open_path(directory, &error);
    ck_assert_msg(looking != NULL, "%s", error.message);
    CheckpointInfo info;
    ck_assert(find_epoch(looking, 0, &info));
    ck_assert_int_eq(pthread_create(&committing, NULL, commit_two, &job), 0);
    usleep(50000);
    ck_assert(find_epoch(looking, 0, &info));
    ck_assert_uint_eq(info.epoch, 1);
    ck_assert(!checkpoint_begin(looking, 9, &error));
    checkpoint_close(looking);
    ck_assert_int_eq(pthread_join(committing, NULL), 0);
    ck_assert(find_epoch(job.store, 0, &info));
    ck_assert_uint_eq(info.epoch, 2);
    state_store_free(job.state);
    checkpoint_close(job.store);
    /* --fresh forgets. */
    job.store = open_store(1, true);
    ck_assert(!find_epoch(job.store, 0, &info));
    checkpoint_close(job.store);
}
END_TEST

/* Writes noise over the file, `from` bytes behind each place where `mark` stands: some are what
 * pages have left over. */
static void damage(const char *mark, long from)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/job.weir-state", directory);
    int file = open(path, O_RDWR);
    ck_assert_int_ge(file, 0);
    size_t size = (size_t)lseek(file, 0, SEEK_END);
    char *bytes = memory_alloc(size);
    ck_assert(pread(file, bytes, size, 0) == (ssize_t)size);
    char noise[100];
    memset(noise, 0x5A, sizeof(noise));
    uint32_t places = 0;
    for (char *at = bytes; (at = memmem(at, size - (size_t)(at - bytes), mark, strlen(mark)));
         at++) {
        ck_assert(pwrite(file, noise, sizeof(noise), at - bytes + from) == sizeof(noise));
        places++;
    }
    ck_assert_uint_gt(places, 0);
    memory_free(bytes);
    close(file);
}

START_TEST(a_damaged_file_is_named)
{
    Error error;
    Job job;
    job_start(&job);
    job.store = open_store(1, false);
    for (uint32_t key = 0; key < 20000; key++)
        job_add(&job, key, 1);
    ck_assert(job_commit(&job, 1, &error));
    state_store_free(job.state);
    checkpoint_close(job.store);
    damage("WSTC", 60);
    job.store = open_store(1, false);
    ck_assert(!job_restore(&job, 1, &error));
    ck_assert_int_eq(error.code, ERROR_STATE);
    ck_assert_ptr_nonnull(strstr(error.message, "state \"sums\", key group"));
    ck_assert_ptr_nonnull(strstr(error.place, "job.weir-state, epoch 1"));
    ck_assert_ptr_nonnull(strstr(error.hint, "--fresh"));
    state_store_free(job.state);
    checkpoint_close(job.store);
    damage("SQLite format 3", 0);
    ck_assert_ptr_null(
        checkpoint_open(&(CheckpointConfig){.directory = directory, .job = "job"}, &error));
    ck_assert_int_eq(error.code, ERROR_STATE);
    ck_assert_ptr_nonnull(strstr(error.message, "job.weir-state\" is corrupt"));
    ck_assert_ptr_nonnull(strstr(error.hint, "--fresh"));
    checkpoint_close(open_store(1, true));
}
END_TEST

/* Killed after the file got its header and before its tables were committed. */
START_TEST(a_creation_cut_short_is_taken_up)
{
    make_database("PRAGMA page_size = 16384; PRAGMA journal_mode = WAL");
    CheckpointStore *store = open_store(1, false);
    CheckpointInfo info;
    ck_assert(!find_epoch(store, 0, &info));
    checkpoint_close(store);
}
END_TEST

START_TEST(another_programs_database_is_refused)
{
    Error error;
    make_database("CREATE TABLE precious (a)");
    for (uint32_t fresh = 0; fresh < 2; fresh++) {
        ck_assert_ptr_null(checkpoint_open(
            &(CheckpointConfig){.directory = directory, .job = "job", .fresh = fresh}, &error));
        ck_assert_int_eq(error.code, ERROR_STATE);
        ck_assert_ptr_nonnull(strstr(error.message, "is not a checkpoint store"));
    }
    ck_assert_int_eq(ask_file("SELECT count(*) FROM precious"), 0);
}
END_TEST

/* A store that cannot be read is not one without epochs: a job would start over. */
START_TEST(a_store_held_by_another_program_says_so)
{
    Error error;
    CheckpointInfo info;
    Job job;
    job_begin(&job, 1);
    sqlite3 *other;
    char path[128];
    snprintf(path, sizeof(path), "%s/job.weir-state", directory);
    ck_assert_int_eq(sqlite3_open(path, &other), SQLITE_OK);
    sqlite3_busy_timeout(other, 10000); /* folding and purging of epoch 1 end */
    sqlite3_busy_timeout(job.store->reading, 10);
    ck_assert_int_eq(sqlite3_exec(other, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
    ck_assert(!checkpoint_newest(job.store, 0, &info, &error));
    ck_assert_int_eq(error.code, ERROR_BUSY);
    ck_assert_ptr_nonnull(strstr(error.message, "is held by another program"));
    sqlite3_close(other);
    ck_assert(find_epoch(job.store, 0, &info));
    ck_assert_uint_eq(info.epoch, 1);
    state_store_free(job.state);
    checkpoint_close(job.store);
}
END_TEST

static void job_remove(Job *job, uint32_t key_number)
{
    state_value_remove(job->table, job_find(job, key_number));
}

/* Holds up the writer of a job; checkpoint_close lets it go on. */
static CheckpointStore *job_hold(Job *job)
{
    Error error;
    CheckpointInfo info;
    CheckpointStore *looking = checkpoint_open_path(directory, &error);
    ck_assert_msg(looking != NULL, "%s", error.message);
    ck_assert(find_epoch(looking, 0, &info));
    return looking;
}

static void job_decline(Job *job, uint64_t epoch)
{
    Error error;
    ck_assert(!job_commit(job, epoch, &error));
    ck_assert_int_eq(error.code, ERROR_BUSY);
}

/* Where a reader does not end, the epoch is given up; the same number may be written again by who
 * goes back to the one before. */
START_TEST(a_declined_epoch_can_be_forgotten)
{
    Error error;
    Job job;
    wait_ms = 10;
    job_begin(&job, 1);
    CheckpointStore *looking = job_hold(&job);
    for (uint32_t key = 0; key < 5000; key++)
        job_add(&job, key, 1);
    job_decline(&job, 2);
    checkpoint_abort(job.store);
    state_store_free(job.state);
    ck_assert(job_restore(&job, 1, &error));
    job_add(&job, 2, 5);
    job_decline(&job, 2);
    checkpoint_abort(job.store);
    state_store_free(job.state);
    checkpoint_close(looking);
    ck_assert(job_restore(&job, 1, &error));
    job_add(&job, 2, 7);
    ck_assert_msg(job_commit(&job, 2, &error), "%s", error.message);
    state_store_free(job.state);
    ck_assert(job_restore(&job, 2, &error));
    ck_assert(job_value(&job, 1) == 1 && job_value(&job, 2) == 7 && job_value(&job, 3) == -1);
    state_store_free(job.state);
    checkpoint_close(job.store);
}
END_TEST

/* Changes before epoch 2 and none after that: keys that came, changed and went, in key groups that
 * are new, that stay and that become empty. */
static void job_change_much(Job *job, uint32_t keys)
{
    for (uint32_t key = 0; key < keys; key++)
        job_add(job, key + 10, key);
    job_add(job, 1, 41);
    job_remove(job, 2);
}

static void check_much(Job *job, uint32_t keys)
{
    ck_assert(job_value(job, 1) == 42);
    ck_assert(job_value(job, 2) == -1);
    for (uint32_t key = 0; key < keys; key++)
        ck_assert(job_value(job, key + 10) == key);
}

/* What a declined epoch was to have is in the next one, whether all of it waited in memory or parts
 * of it were written; a restore in a new process says so. */
START_TEST(a_declined_epoch_goes_with_the_next)
{
    uint32_t keys = _i == 0 ? 20 : 5000;
    Error error;
    CheckpointInfo info;
    Job job;
    wait_ms = 10;
    job_begin(&job, 1);
    job_add(&job, 2, 2);
    ck_assert_msg(job_commit(&job, 2, &error), "%s", error.message);
    job_change_much(&job, keys);
    if (_i == 2) {
        /* The parts of the epoch are written when the reader comes. */
        ck_assert(checkpoint_begin(job.store, 3, &error));
        state_snapshot(job.state, add_chunk, job.store);
        while (ask_file("SELECT count(*) FROM chunk WHERE epoch = 3") < 10)
            usleep(1000);
        CheckpointStore *looking = job_hold(&job);
        info = (CheckpointInfo){.epoch = 3, .job = "job", .manifest = ""};
        ck_assert(!checkpoint_commit(job.store, &info, &error));
        ck_assert(info.declined);
        checkpoint_close(looking);
    } else {
        CheckpointStore *looking = job_hold(&job);
        job_decline(&job, 3);
        job_decline(&job, 4);
        checkpoint_close(looking);
    }
    ck_assert(find_epoch(job.store, 0, &info));
    ck_assert_uint_eq(info.epoch, 2);
    job_add(&job, 3, 33);
    ck_assert_msg(job_commit(&job, 5, &error), "%s", error.message);
    state_store_free(job.state);
    checkpoint_close(job.store);

    job.store = open_store(1, false);
    ck_assert(find_epoch(job.store, 0, &info));
    ck_assert_uint_eq(info.epoch, 5);
    ck_assert_msg(job_restore(&job, 5, &error), "%s", error.message);
    check_much(&job, keys);
    ck_assert(job_value(&job, 3) == 33);
    Buffer blobs = {0};
    ck_assert(checkpoint_read_blobs(job.store, 5, "scan-0", "position", keep_blob, &blobs, &error));
    ck_assert_str_eq(buffer_text(&blobs), "0 file.csv at 5");
    buffer_deinit(&blobs);
    state_store_free(job.state);
    checkpoint_close(job.store);
    ck_assert_int_eq(ask_file("SELECT count(*) FROM blob WHERE epoch < 5"), 0);
}
END_TEST

/* A full disk is no other: the epoch goes with the next when there is room. */
START_TEST(an_epoch_that_finds_the_disk_full_goes_with_the_next)
{
    Error error;
    Job job;
    job_begin(&job, 1);
    job_add(&job, 2, 2);
    ck_assert_msg(job_commit(&job, 2, &error), "%s", error.message);
    while (ask_file("SELECT count(*) FROM epoch") != 1)
        usleep(1000);
    /* When this is done the writer's connection is at rest. */
    ck_assert_msg(checkpoint_rewind(job.store, 2, &error), "%s", error.message);
    ck_assert_int_eq(
        sqlite3_exec(job.store->writing, "PRAGMA max_page_count = 12", NULL, NULL, NULL),
        SQLITE_OK);
    job_change_much(&job, 20000);
    ck_assert(!job_commit(&job, 3, &error));
    ck_assert_msg(strstr(error.message, "no space left on disk") != NULL, "%s", error.message);
    ck_assert_int_eq(
        sqlite3_exec(job.store->writing, "PRAGMA max_page_count = 1000000", NULL, NULL, NULL),
        SQLITE_OK);
    job_add(&job, 3, 33);
    ck_assert_msg(job_commit(&job, 4, &error), "%s", error.message);
    state_store_free(job.state);
    ck_assert_msg(job_restore(&job, 4, &error), "%s", error.message);
    check_much(&job, 20000);
    ck_assert(job_value(&job, 3) == 33);
    state_store_free(job.state);
    checkpoint_close(job.store);
}
END_TEST

/* A limit on the size of files stands for a full disk. */
START_TEST(a_full_disk_leaves_the_epoch_before)
{
    Error error;
    Job job;
    job_begin(&job, 1);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {.rlim_cur = 1 << 20, .rlim_max = RLIM_INFINITY};
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    for (uint32_t key = 0; key < 200000; key++)
        job_add(&job, key, 1);
    ck_assert(!job_commit(&job, 2, &error));
    ck_assert_int_eq(error.code, ERROR_IO);
    ck_assert_ptr_nonnull(strstr(error.message, "checkpoint store"));
    limit.rlim_cur = RLIM_INFINITY;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    state_store_free(job.state);
    ck_assert(job_restore(&job, 1, &error));
    ck_assert(job_value(&job, 1) == 1);
    ck_assert(job_value(&job, 2) == -1);
    job_add(&job, 2, 5);
    ck_assert_msg(job_commit(&job, 2, &error), "%s", error.message);
    state_store_free(job.state);
    checkpoint_close(job.store);
}
END_TEST

START_TEST(a_bad_directory_is_named)
{
    Error error;
    char path[128];
    snprintf(path, sizeof(path), "%s/file", directory);
    close(open(path, O_CREAT | O_WRONLY, 0600));
    ck_assert_ptr_null(
        checkpoint_open(&(CheckpointConfig){.directory = path, .job = "job"}, &error));
    ck_assert_int_eq(error.code, ERROR_IO);
    ck_assert_ptr_nonnull(strstr(error.message, "could not create checkpoint directory"));
    snprintf(path, sizeof(path), "%s/a/b/c", directory);
    CheckpointStore *store =
        checkpoint_open(&(CheckpointConfig){.directory = path, .job = "job"}, &error);
    ck_assert_ptr_nonnull(store);
    checkpoint_close(store);
    ck_assert_ptr_null(checkpoint_open(
        &(CheckpointConfig){.directory = path, .job = "none", .read_only = true}, &error));
    ck_assert_int_eq(error.code, ERROR_IO);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("checkpoint");
    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, make_directory, remove_directory);
    tcase_add_test(cases, epochs_come_back);
    tcase_add_test(cases, an_aborted_epoch_leaves_nothing);
    tcase_add_test(cases, parts_of_an_aborted_epoch_are_removed);
    tcase_add_test(cases, what_a_killed_process_left_is_removed);
    tcase_add_test(cases, rewinding_builds_on_the_older_epoch);
    tcase_add_test(cases, deltas_are_folded_in_the_background);
    tcase_add_test(cases, state_that_only_grows_is_written_once);
    tcase_add_test(cases, a_store_in_use_is_refused_with_the_process);
    tcase_add_test(cases, reading_only_shows_one_moment);
    tcase_add_test(cases, a_store_held_by_another_program_says_so);
    tcase_add_test(cases, a_declined_epoch_can_be_forgotten);
    tcase_add_loop_test(cases, a_declined_epoch_goes_with_the_next, 0, 3);
    tcase_add_test(cases, an_epoch_that_finds_the_disk_full_goes_with_the_next);
    tcase_add_test(cases, a_damaged_file_is_named);
    tcase_add_test(cases, a_creation_cut_short_is_taken_up);
    tcase_add_test(cases, another_programs_database_is_refused);
    tcase_add_test(cases, a_full_disk_leaves_the_epoch_before);
    tcase_add_test(cases, a_bad_directory_is_named);
    return test_run("checkpoint", cases);
}
