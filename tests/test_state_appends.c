/* MAP tables whose entries only come, against lists: rows one by one and many at once, snapshots
 * taken ahead, folds, restores at another parallelism, with a TTL and back. */
#include "core/str.h"
#include "tests/state_instances.h"
#include "tests/suite.h"

#define KEYS   50
#define ROWS   3000
#define GROUPS 8

static const StateSpec packed = {.name = "rows", .kind = STATE_MAP, .only_appends = true};
/* The same rows in entries that may go; none does within the test. */
static const StateSpec timed = {
    .name = "rows", .kind = STATE_MAP, .only_appends = true, .ttl_ms = 1000000};

typedef struct Model {
    uint32_t counts[KEYS];
    uint32_t rows[KEYS][ROWS]; /* numbers of the rows, which payloads are made of */
    uint32_t next;
} Model;

/* Most are short, a few larger than a block (2 MiB), by less than a page. */
static Str payload_of(uint32_t n)
{
    static char text[5000000];
    size_t length = n % 701 == 700 ? 2096900 + n : n % 97 == 96 ? 100000 + n : n % 61;
    for (size_t i = 0; i < length && i < 64; i++)
        text[i] = (char)('a' + (n + i) % 26);
    return (Str){text, length};
}

static void add_one(const Instances *instances, Model *model, uint32_t k)
{
    Place at;
    instances_place(instances, k, &at);
    StateGroup *group;
    state_map_groups(at.table, &at.key, &at.hash, 1, &group);
    ck_assert_int_eq(group != NULL, model->counts[k] != 0);
    state_map_append(at.table, &group, at.key, at.hash, payload_of(model->next));
    model->rows[k][model->counts[k]++] = model->next++;
}

/* Many rows of one instance at once. */
static void add_many(const Instances *instances, Model *model, uint32_t instance, Random *random)
{
    enum { MANY = 300 };
    static char buffers[MANY][64];
    Str keys[MANY], payloads[MANY];
    uint64_t hashes[MANY];
    uint32_t n = 0, first = model->next;
    for (uint32_t i = 0; i < MANY; i++) {
        uint32_t k = random_below(random, KEYS);
        keys[n] = test_key(buffers[n], k);
        hashes[n] = hash_bytes(keys[n].data, keys[n].length);
        if (instance_of(instances, hashes[n]) != instance)
            continue;
        payloads[n++].length = payload_of(model->next).length;
        model->rows[k][model->counts[k]++] = model->next++;
    }
    state_map_append_rows(instances->tables[instance], keys, hashes, n, payloads, NULL);
    for (uint32_t i = 0; i < n; i++)
        memcpy((char *)(uintptr_t)payloads[i].data, payload_of(first + i).data, payloads[i].length);
}

static void change(const Instances *instances, Model *model, Chunks *ahead, Random *random)
{
    uint32_t steps = random_below(random, 200);
    for (uint32_t step = 0; step < steps; step++) {
        uint32_t i = random_below(random, instances->count);
        if (ahead != NULL)
            chunks_add_ahead(ahead, instances->stores[i], random);
        if (step % 50 == 49 && state_map_is_packed(instances->tables[i]))
            add_many(instances, model, i, random);
        else
            add_one(instances, model, random_below(random, KEYS));
    }
}

static void verify(const Instances *instances, const Model *model)
{
    for (uint32_t k = 0; k < KEYS; k++) {
        Place at;
        instances_place(instances, k, &at);
        StateGroup *group;
        state_map_groups(at.table, &at.key, &at.hash, 1, &group);
        ck_assert_uint_eq(state_map_size(group), model->counts[k]);
        StateEntry *entry = state_map_first(at.table, group);
        for (uint32_t i = 0; i < model->counts[k]; i++, entry = state_map_next(at.table, entry)) {
            Str expected = payload_of(model->rows[k][i]);
            ck_assert_ptr_nonnull(entry);
            Str got = state_entry_payload(at.table, entry);
            ck_assert_uint_eq(got.length, expected.length);
            ck_assert(memcmp(got.data, expected.data, got.length) == 0);
            ck_assert_ptr_eq(state_entry_group(at.table, entry), group);
        }
        ck_assert_ptr_null(entry);
    }
}

/* A base takes the place of all that was there of its key group. */
static void drop_replaced(Chunks *chunks)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < chunks->count; i++) {
        bool replaced = false;
        for (uint32_t later = i + 1; later < chunks->count; later++)
            replaced = replaced ||
                       (chunks->items[later].chunk.is_base &&
                        chunks->items[later].chunk.key_group == chunks->items[i].chunk.key_group);
        if (!replaced)
            chunks->items[kept++] = chunks->items[i];
    }
    chunks->count = kept;
}

START_TEST(appended_rows_survive_snapshot_fold_and_rescaling)
{
    Random random = random_start("appends");
    Model *model = memory_zalloc(sizeof(*model)), *lost = memory_alloc(sizeof(*lost));
    Instances instances = instances_new(1, GROUPS, &packed);
    Chunks chunks = chunks_new();
    for (uint32_t round = 0; round < 25; round++) {
        change(&instances, model, round % 3 == 2 ? NULL : &chunks, &random);
        verify(&instances, model);
        for (uint32_t i = 0; i < instances.count; i++) {
            if (random_below(&random, 8) == 0)
                state_snapshot_restart(instances.stores[i]);
            state_snapshot(instances.stores[i], chunks_add, &chunks);
        }
        if (random_below(&random, 2) == 0) {
            drop_replaced(&chunks);
            chunks_fold(&chunks, GROUPS);
        }
        if (random_below(&random, 2) == 0)
            continue;
        *lost = *model;
        change(&instances, lost, NULL, &random);
        instances_restart(&instances, 1 + random_below(&random, 4),
                          random_below(&random, 4) == 0 ? &timed : &packed, &chunks);
        verify(&instances, model);
    }
    instances_free(&instances);
    chunks_free(&chunks);
    memory_free(lost);
    memory_free(model);
}
END_TEST

START_TEST(what_expired_is_gone_when_rows_stay_from_now_on)
{
    static const StateSpec brief = {
        .name = "rows", .kind = STATE_MAP, .only_appends = true, .ttl_ms = 100};
    Chunks chunks = chunks_new();
    Str key = STR("k");
    uint64_t hash = hash_bytes(key.data, key.length);
    StateGroup *group = NULL;
    StateStore *store = test_store(1, 0, 0);
    StateTable *table = state_table_declare(store, &brief);
    state_store_advance(store, 1000);
    state_map_append(table, &group, key, hash, STR("one"));
    state_map_append(table, &group, key, hash, STR("two"));
    state_snapshot(store, chunks_add, &chunks);
    state_store_advance(store, 1060);
    state_map_append(table, &group, key, hash, STR("three"));
    state_store_advance(store, 1120);
    state_map_groups(table, &key, &hash, 1, &group);
    ck_assert_uint_eq(state_map_size(group), 1);
    state_snapshot(store, chunks_add, &chunks);
    state_store_free(store);
    store = test_store(1, 0, 0);
    table = state_table_declare(store, &packed);
    chunks_restore(&chunks, store);
    state_map_groups(table, &key, &hash, 1, &group);
    ck_assert_uint_eq(state_map_size(group), 1);
    StateEntry *entry = state_map_first(table, group);
    ck_assert(str_equal(state_entry_payload(table, entry), STR("three")));
    ck_assert_ptr_null(state_map_next(table, entry));
    state_store_free(store);
    chunks_free(&chunks);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("appends");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, appended_rows_survive_snapshot_fold_and_rescaling);
    tcase_add_test(cases, what_expired_is_gone_when_rows_stay_from_now_on);
    return test_run("state_appends", cases);
}
