/* VALUE tables against an array of what they should hold: random changes, snapshots, folds,
 * restores at another parallelism; and the cost that is promised for them. */
#include "tests/state_instances.h"

#include "core/clock.h"
#include "state/state_internal.h"
#include "tests/suite.h"

#define KEYS   3000
#define GROUPS 24

typedef struct Record {
    int64_t sum;
    StringView text;
    StringView other;
} Record;

static const uint32_t string_offsets[] = {offsetof(Record, text), offsetof(Record, other)};
static const StateSpec spec = {.name = "groups",
                               .kind = STATE_VALUE,
                               .record_bytes = sizeof(Record),
                               .string_offsets = string_offsets,
                               .string_count = 2,
                               .description = "k STRING -> sum BIGINT"};

typedef struct Model {
    bool there[KEYS];
    int64_t sum[KEYS];
    uint32_t text_length[KEYS];
} Model;

/* One store per instance, as a job of that parallelism has them. */
static void fill_text(char *text, uint32_t n, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++)
        text[i] = (char)('a' + (n + i) % 26);
}

static void set_record(StateTable *table, Record *record, Model *model, uint32_t n, int64_t sum,
                       uint32_t length)
{
    static char text[400000];
    fill_text(text, n, length);
    record->sum = sum;
    state_string_assign(table, &record->text, (Str){text, length});
    state_string_assign(table, &record->other, string_view_str(&record->text));
    state_touch(table, record);
    model->sum[n] = sum;
    model->text_length[n] = length;
    model->there[n] = true;
}

static uint32_t text_length(Random *random)
{
    uint32_t kind = random_below(random, 1000);
    return kind == 0 ? 300000 : kind < 300 ? random_below(random, 13) : random_below(random, 90);
}

static void change(Instances *instances, Model *model, Random *random, uint32_t steps)
{
    for (uint32_t step = 0; step < steps; step++) {
        if (instances->ahead != NULL)
            chunks_add_ahead(instances->ahead,
                             instances->stores[random_below(random, instances->count)], random);
        uint32_t n = random_below(random, KEYS);
        Place at;
        instances_place(instances, n, &at);
        void *record;
        if (random_below(random, 3) == 0) {
            state_value_get(at.table, &at.key, &at.hash, 1, &record);
            ck_assert_int_eq(record != NULL, model->there[n]);
            if (record != NULL)
                state_value_remove(at.table, record);
            model->there[n] = false;
            continue;
        }
        uint8_t created;
        state_value_get_or_create(at.table, &at.key, &at.hash, 1, &record, &created);
        ck_assert_int_eq(created, !model->there[n]);
        if (created)
            ck_assert_int_eq(((Record *)record)->sum, 0);
        set_record(at.table, record, model, n, (int64_t)random_next(random), text_length(random));
    }
}

static void verify(const Instances *instances, const Model *model)
{
    static char text[400000];
    uint64_t keys = 0;
    for (uint32_t n = 0; n < KEYS; n++) {
        Place at;
        instances_place(instances, n, &at);
        void *found;
        state_value_get(at.table, &at.key, &at.hash, 1, &found);
        ck_assert_int_eq(found != NULL, model->there[n]);
        if (found == NULL)
            continue;
        keys++;
        const Record *record = found;
        ck_assert(record->sum == model->sum[n]);
        fill_text(text, n, model->text_length[n]);
        Str got = string_view_str(&record->text);
        ck_assert_uint_eq(got.length, model->text_length[n]);
        ck_assert(memcmp(got.data, text, got.length) == 0);
        ck_assert(string_view_equal(&record->text, &record->other));
        Str stored = state_value_key(at.table, found);
        ck_assert_uint_eq(stored.length, at.key.length);
        ck_assert(memcmp(stored.data, at.key.data, at.key.length) == 0);
    }
    uint64_t counted = 0;
    for (uint32_t i = 0; i < instances->count; i++)
        counted += state_table_keys(instances->tables[i]);
    ck_assert_uint_eq(counted, keys);
}

START_TEST(random_changes_survive_snapshot_fold_and_rescaling)
{
    Random random = random_start("value");
    Model *model = memory_zalloc(sizeof(*model));
    Instances instances = instances_new(1, GROUPS, &spec);
    Chunks chunks = chunks_new();
    for (uint32_t round = 0; round < 12; round++) {
        instances.ahead = round % 5 == 4 ? NULL : &chunks;
        change(&instances, model, &random, 1 + random_below(&random, 3000));
        verify(&instances, model);
        instances_snapshot(&instances, &chunks);
        if (random_below(&random, 2) == 0)
            chunks_fold(&chunks, GROUPS);
        if (random_below(&random, 2) == 0)
            continue;
        /* What was not in the snapshot is lost with the process. */
        Model *lost = memory_alloc(sizeof(*lost));
        *lost = *model;
        instances.ahead = NULL;
        change(&instances, lost, &random, 200);
        memory_free(lost);
        instances_restart(&instances, 1 + random_below(&random, 4), &spec, &chunks);
        verify(&instances, model);
    }
    instances_free(&instances);
    chunks_free(&chunks);
    memory_free(model);
}
END_TEST

START_TEST(equal_keys_of_one_call_share_a_record)
{
    StateStore *store = test_store(128, 0, 127);
    StateTable *table = state_table_declare(store, &spec);
    char buffers[600][64];
    Str keys[600];
    uint64_t hashes[600];
    void *records[600];
    uint8_t created[600];
    for (uint32_t i = 0; i < 600; i++)
        keys[i] = test_key(buffers[i], i % 150);
    hash_many(keys, 600, hashes);
    state_value_get_or_create(table, keys, hashes, 600, records, created);
    for (uint32_t i = 0; i < 600; i++) {
        ck_assert_int_eq(created[i], i < 150);
        ck_assert_ptr_eq(records[i], records[i % 150]);
    }
    ck_assert_uint_eq(state_table_keys(table), 150);
    state_store_free(store);
}
END_TEST

START_TEST(snapshot_holds_only_what_changed)
{
    StateStore *store = test_store(128, 0, 127);
    StateTable *table = state_table_declare(store, &spec);
    Chunks chunks = chunks_new();
    char buffer[64];
    void *record;
    for (uint32_t i = 0; i < 1000; i++) {
        Str key = test_key(buffer, i);
        uint64_t hash = hash_bytes(key.data, key.length);
        state_value_get_or_create(table, &key, &hash, 1, &record, NULL);
    }
    state_snapshot(store, chunks_add, &chunks);
    uint32_t bases = chunks.count;
    for (uint32_t i = 0; i < bases; i++)
        ck_assert(chunks.items[i].chunk.is_base);
    state_snapshot(store, chunks_add, &chunks);
    ck_assert_uint_eq(chunks.count, bases);
    state_touch(table, record);
    state_snapshot(store, chunks_add, &chunks);
    ck_assert_uint_eq(chunks.count, bases + 1);
    ck_assert(!chunks.items[bases].chunk.is_base);
    /* A key that came and went between two snapshots leaves nothing behind. */
    Str key = STR("never stored");
    uint64_t hash = hash_bytes(key.data, key.length);
    state_value_get_or_create(table, &key, &hash, 1, &record, NULL);
    state_value_remove(table, record);
    state_snapshot(store, chunks_add, &chunks);
    ck_assert_uint_eq(chunks.count, bases + 1);
    /* After a restart of the chain everything is a base again. */
    state_snapshot_restart(store);
    state_snapshot(store, chunks_add, &chunks);
    ck_assert_uint_eq(chunks.count, bases * 2 + 1);
    ck_assert(chunks.items[bases + 1].chunk.is_base);
    chunks_free(&chunks);
    state_store_free(store);
}
END_TEST

static void *find_or_make(StateTable *table, uint32_t n)
{
    char bytes[16];
    snprintf(bytes, sizeof(bytes), "k%07u", n);
    Str key = {bytes, 8};
    uint64_t hash = hash_bytes(key.data, key.length);
    void *record;
    state_value_get_or_create(table, &key, &hash, 1, &record, NULL);
    return record;
}

/* Pieces of records that changed and went: of a whole block, taken by texts, taken by records. */
START_TEST(what_went_leaves_its_place_to_anything)
{
    enum { ALL = 100000, LEFT = 100 };
    StateStore *store = test_store(1, 0, 0);
    StateTable *table = state_table_declare(store, &spec);
    Chunks chunks = chunks_new();
    for (uint32_t n = 0; n < ALL; n++)
        find_or_make(table, n);
    for (uint32_t n = 0; n < ALL; n++)
        state_value_remove(table, find_or_make(table, n));
    uint64_t block_pieces = STATE_BLOCK_BYTES / (sizeof(StateHeader) + sizeof(Record) + 8);
    ck_assert_uint_le(state_store_changed(store, true), 2 * block_pieces);
    state_snapshot(store, chunks_add, &chunks);
    ck_assert_uint_eq(chunks.count, 0);
    ck_assert_uint_eq(state_store_changed(store, true), 0);
    char text[sizeof(StateHeader) + sizeof(Record) + 8]; /* as long as a record */
    memset(text, 0xFF, sizeof(text));                    /* a header that says it has changed */
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t n = 0; n < 1000; n++)
            find_or_make(table, n);
        for (uint32_t n = LEFT; n < 1000; n++)
            state_value_remove(table, find_or_make(table, n));
        for (uint32_t n = 0; n < LEFT; n++) {
            Record *record = find_or_make(table, n);
            record->sum = n + round;
            state_string_assign(table, &record->text, (Str){text, sizeof(text)});
            state_touch(table, record);
        }
        ck_assert_uint_le(state_store_changed(store, true), 1000);
        state_snapshot(store, chunks_add, &chunks);
        ck_assert_uint_eq(chunks.count, round + 1);
        ck_assert_uint_eq(state_store_changed(store, true), 0);
    }
    StateStore *other = test_store(1, 0, 0);
    StateTable *restored = state_table_declare(other, &spec);
    chunks_restore(&chunks, other);
    ck_assert_uint_eq(state_table_keys(restored), LEFT);
    for (uint32_t n = 0; n < LEFT; n++)
        ck_assert_int_eq(((Record *)find_or_make(restored, n))->sum, n + 1);
    chunks_free(&chunks);
    state_store_free(other);
    state_store_free(store);
}
END_TEST

START_TEST(damage_is_noticed)
{
    Random random = random_start("damage");
    StateStore *store = test_store(1, 0, 0);
    StateTable *table = state_table_declare(store, &spec);
    char buffer[64];
    for (uint32_t i = 0; i < 50; i++) {
        Str key = test_key(buffer, i);
        uint64_t hash = hash_bytes(key.data, key.length);
        void *record;
        state_value_get_or_create(table, &key, &hash, 1, &record, NULL);
    }
    Chunks chunks = chunks_new();
    state_snapshot(store, chunks_add, &chunks);
    ck_assert_uint_eq(chunks.count, 1);
    StateChunk *chunk = &chunks.items[0].chunk;
    Error error;
    Buffer base = {0};
    for (uint32_t i = 0; i < 300; i++) {
        char *copy = memory_alloc(chunk->bytes.length);
        memcpy(copy, chunk->bytes.data, chunk->bytes.length);
        StateChunk bad = *chunk;
        bad.bytes.data = copy;
        if (i % 2 == 0)
            copy[random_below(&random, (uint32_t)bad.bytes.length)] ^= 0x10;
        else
            bad.bytes.length = random_below(&random, (uint32_t)bad.bytes.length);
        StateStore *other = test_store(1, 0, 0);
        state_table_declare(other, &spec);
        ck_assert(!state_restore(other, &bad, &error));
        ck_assert_int_eq(error.code, ERROR_STATE);
        ck_assert(!state_fold_chunks(&bad.bytes, 1, &base, &error));
        state_store_free(other);
        memory_free(copy);
    }
    StateSpec changed = spec;
    changed.record_bytes += 8;
    StateStore *other = test_store(1, 0, 0);
    state_table_declare(other, &changed);
    ck_assert(!state_restore(other, chunk, &error));
    ck_assert_str_eq(error.message,
                     "state \"groups\" of operator \"test\" does not fit: its record has another "
                     "form now");
    state_store_free(other);
    buffer_deinit(&base);
    chunks_free(&chunks);
    state_store_free(store);
}
END_TEST

START_TEST(memory_limit_names_the_operator)
{
    StateStore *store = state_store_new(&(StateConfig){
        .owner = "GroupAggregate", .max_parallelism = 1, .memory_limit_bytes = 100000});
    StateTable *table = state_table_declare(store, &spec);
    Error error;
    ck_assert(state_store_check(store, &error));
    char buffer[64];
    for (uint32_t i = 0; i < 3000; i++) {
        Str key = test_key(buffer, i);
        uint64_t hash = hash_bytes(key.data, key.length);
        void *record;
        state_value_get_or_create(table, &key, &hash, 1, &record, NULL);
    }
    ck_assert(!state_store_check(store, &error));
    ck_assert_int_eq(error.code, ERROR_LIMIT);
    ck_assert_ptr_nonnull(strstr(error.message, "\"GroupAggregate\""));
    state_store_free(store);
}
END_TEST

/* A BIGINT key as core/row.h encodes it, and a count. */
#define MANY 1000000
START_TEST(a_bigint_count_group_is_small)
{
    StateStore *store = test_store(128, 0, 127);
    StateTable *table = state_table_declare(
        store, &(StateSpec){.name = "counts", .kind = STATE_VALUE, .record_bytes = 8});
    enum { ROWS = 2048 };
    char bytes[ROWS][9] = {{0}};
    Str keys[ROWS];
    uint64_t hashes[ROWS];
    void *records[ROWS];
    Random random = {42};
    int64_t lookup_us = 0;
    for (uint32_t round = 0; round < 2 * (MANY / ROWS); round++) {
        bool is_fill = round < MANY / ROWS;
        for (uint32_t i = 0; i < ROWS; i++) {
            uint64_t k = is_fill ? round * ROWS + i : random_next(&random) % (MANY / ROWS * ROWS);
            memcpy(bytes[i] + 1, &k, 8);
            keys[i] = (Str){bytes[i], 9};
        }
        hash_many(keys, ROWS, hashes);
        int64_t start = clock_monotonic_us();
        state_value_get_or_create(table, keys, hashes, ROWS, records, NULL);
        if (!is_fill)
            lookup_us += clock_monotonic_us() - start;
        for (uint32_t i = 0; i < ROWS; i++)
            ++*(int64_t *)records[i];
    }
    double per_key = (double)state_store_bytes(store) / (double)state_table_keys(table);
    printf("%.1f bytes a key, %.1f M lookups/s\n", per_key, MANY / (double)lookup_us);
    ck_assert_uint_eq(state_table_keys(table), MANY / ROWS * ROWS);
    ck_assert(per_key < 48);
    Chunks chunks = chunks_new();
    int64_t start = clock_monotonic_us();
    state_snapshot(store, chunks_add, &chunks);
    int64_t first = clock_monotonic_us();
    for (uint32_t i = 0; i < ROWS; i++)
        state_touch(table, records[i]);
    state_snapshot(store, chunks_add, &chunks);
    int64_t second = clock_monotonic_us();
    StateStore *other = test_store(128, 0, 127);
    state_table_declare(other,
                        &(StateSpec){.name = "counts", .kind = STATE_VALUE, .record_bytes = 8});
    chunks_restore(&chunks, other);
    printf("base %.1f ms, delta of 2,048 %.2f ms, restore %.1f ms, %.1f MB\n",
           (double)(first - start) / 1000, (double)(second - first) / 1000,
           (double)(clock_monotonic_us() - second) / 1000, (double)chunks.bytes / 1e6);
    chunks_free(&chunks);
    state_store_free(other);
    state_store_free(store);
}
END_TEST

/* ---------------------------------------------------------------- a large index */

#define INDEXED 300000
#define CROWDED 10000

/* Keys of one key group, enough that tags are chosen anew twice. With `crowded` all have their
 * homes at the end of the index: most wait while it grows, and go round its end. */
static uint32_t make_keys(char (*room)[8], Str *keys, uint64_t *hashes, bool crowded)
{
    uint32_t count = 0, wanted = crowded ? CROWDED : INDEXED;
    for (uint64_t n = 0; count < wanted; n++) {
        memcpy(room[count], &n, 8);
        uint64_t hash = hash_bytes(room[count], 8);
        if (crowded && (uint32_t)hash < UINT32_MAX - (UINT32_MAX >> 7))
            continue;
        keys[count] = (Str){room[count], 8};
        hashes[count++] = hash;
    }
    return count;
}

static void check_many(StateTable *table, const Str *keys, const uint64_t *hashes, uint32_t count,
                       uint32_t made, uint32_t removed)
{
    void **records = memory_alloc(sizeof(void *) * count);
    state_value_get(table, keys, hashes, count, records);
    for (uint32_t i = 0; i < count; i++) {
        bool there = i < made && (i >= removed || i % 5 == 0);
        ck_assert_msg((records[i] != NULL) == there, "key %u of %u", i, made);
        if (there)
            ck_assert_uint_eq(*(uint64_t *)records[i], i);
    }
    memory_free(records);
}

START_TEST(a_large_index_grows_where_it_lies)
{
    bool crowded = _i == 1;
    static char room[INDEXED + 1][8];
    static Str keys[INDEXED];
    static uint64_t hashes[INDEXED];
    uint32_t count = make_keys(room, keys, hashes, crowded);
    StateStore *store = test_store(1, 0, 0);
    StateTable *table = state_table_declare(
        store, &(StateSpec){.name = "counts", .kind = STATE_VALUE, .record_bytes = 8});
    for (uint32_t from = 0; from < count; from += 500) {
        void *records[500];
        state_value_get_or_create(table, keys + from, hashes + from, 500, records, NULL);
        for (uint32_t i = 0; i < 500; i++)
            *(uint64_t *)records[i] = from + i;
        if (from % (count / 16 / 500 * 500) == 0)
            check_many(table, keys, hashes, count, from + 500, 0);
    }
    uint64_t full = state_store_bytes(store);
    for (uint32_t i = 0; i < count; i++) {
        void *record;
        state_value_get(table, &keys[i], &hashes[i], 1, &record);
        if (i % 5 != 0)
            state_value_remove(table, record);
    }
    check_many(table, keys, hashes, count, count, count);
    state_keys_shrink(table, 0);
    check_many(table, keys, hashes, count, count, count);
    ck_assert_uint_lt(state_store_bytes(store), full / 2);
    state_store_free(store);
}
END_TEST

static void count_one(void *to, void *record)
{
    (void)record;
    ++*(uint32_t *)to;
}

/* Keys come and go while what was there before is still being moved; a search, a walk and an index
 * that shrinks meet any state of that. */
START_TEST(an_index_that_grows_is_whole_at_any_time)
{
    static char room[INDEXED + 1][8];
    static Str keys[INDEXED];
    static uint64_t hashes[INDEXED];
    static uint8_t there[INDEXED];
    uint32_t count = make_keys(room, keys, hashes, false) / 3, in = 0;
    StateStore *store = test_store(1, 0, 0);
    StateTable *table = state_table_declare(
        store, &(StateSpec){.name = "counts", .kind = STATE_VALUE, .record_bytes = 8});
    Random random = {7};
    for (uint32_t round = 0; round < 12 * count; round++) {
        uint32_t i = (uint32_t)(random_next(&random) % count);
        void *record;
        state_value_get(table, &keys[i], &hashes[i], 1, &record);
        ck_assert_msg((record != NULL) == there[i], "key %u in round %u", i, round);
        /* First most come, in the end most go. */
        if (record != NULL && random_next(&random) % (round < 8 * count ? 16 : 1) == 0) {
            ck_assert_uint_eq(*(uint64_t *)record, i);
            state_value_remove(table, record);
            there[i] = 0;
            in--;
        } else if (record == NULL && round < 8 * count) {
            state_value_get_or_create(table, &keys[i], &hashes[i], 1, &record, NULL);
            *(uint64_t *)record = i;
            there[i] = 1;
            in++;
        }
        if (round % (count / 32) == 0) {
            uint32_t seen = 0;
            state_value_each(table, count_one, &seen);
            ck_assert_uint_eq(seen, in);
            state_keys_shrink(table, 0);
        }
    }
    ck_assert_uint_lt(in, count / 4);
    state_store_free(store);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("value");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, random_changes_survive_snapshot_fold_and_rescaling);
    tcase_add_test(cases, equal_keys_of_one_call_share_a_record);
    tcase_add_test(cases, snapshot_holds_only_what_changed);
    tcase_add_test(cases, what_went_leaves_its_place_to_anything);
    tcase_add_test(cases, damage_is_noticed);
    tcase_add_test(cases, memory_limit_names_the_operator);
    tcase_add_test(cases, a_bigint_count_group_is_small);
    tcase_add_loop_test(cases, a_large_index_grows_where_it_lies, 0, 2);
    tcase_add_test(cases, an_index_that_grows_is_whole_at_any_time);
    return test_run("state_value", cases);
}
