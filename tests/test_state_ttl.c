/* State that expires: never found again, given back in small steps, kept with its times by a
 * checkpoint; tables whose TTL was set or taken away between two runs. */
#include <check.h>
#include <stdio.h>

#include "core/hash.h"
#include "state/state.h"
#include "tests/state_testing.h"
#include "tests/suite.h"

#define GROUPS 16

typedef struct Fixture {
    StateStore *store;
    StateTable *table;
} Fixture;

static Fixture open_table(StateKind kind, int64_t ttl_ms, int64_t now_ms)
{
    static const uint32_t string_offset = 8;
    Fixture fixture = {.store = test_store(GROUPS, 0, GROUPS - 1)};
    state_store_advance(fixture.store, now_ms);
    StateSpec spec = {.name = "t",
                      .kind = kind,
                      .record_bytes = 24,
                      .string_offsets = &string_offset,
                      .string_count = 1,
                      .ttl_ms = ttl_ms};
    fixture.table = state_table_declare(fixture.store, &spec);
    state_store_advance(fixture.store, now_ms);
    return fixture;
}

static Str key_of(uint32_t key, char text[16])
{
    return (Str){text, (size_t)snprintf(text, 16, "key%u", key)};
}

/* Writes the number into the record of (key, subkey), with a long text beside it. */
static void write_number(const Fixture *fixture, StateKind kind, uint32_t key, uint32_t subkey,
                         int64_t number)
{
    char text[16], sub[16];
    Str k = key_of(key, text), s = key_of(subkey, sub);
    uint64_t hash = hash_bytes(k.data, k.length);
    void *record = NULL;
    if (kind == STATE_VALUE) {
        state_value_get_or_create(fixture->table, &k, &hash, 1, &record, NULL);
    } else if (kind == STATE_MAP) {
        StateGroup *group = NULL;
        record = state_entry_record(
            state_map_put(fixture->table, &group, k, hash, s, (Str){"payload", 7}, NULL));
    } else {
        record = state_ordered_put(fixture->table, k, hash, s, NULL);
    }
    *(int64_t *)record = number;
    static const char long_text[] = "a text that does not fit into the view itself";
    state_string_assign(fixture->table, (StringView *)(void *)((char *)record + 8),
                        (Str){long_text, sizeof(long_text) - 1});
    state_touch(fixture->table, record);
}

/* The number of (key, subkey), or -1. */
static int64_t read_number(const Fixture *fixture, StateKind kind, uint32_t key, uint32_t subkey)
{
    char text[16], sub[16];
    Str k = key_of(key, text), s = key_of(subkey, sub);
    uint64_t hash = hash_bytes(k.data, k.length);
    void *record = NULL;
    if (kind == STATE_VALUE) {
        state_value_get(fixture->table, &k, &hash, 1, &record);
    } else if (kind == STATE_MAP) {
        StateGroup *group;
        state_map_groups(fixture->table, &k, &hash, 1, &group);
        StateEntry *entry = state_map_find(fixture->table, group, s);
        record = entry == NULL ? NULL : state_entry_record(entry);
    } else {
        record = state_ordered_find(fixture->table, k, hash, s);
    }
    return record == NULL ? -1 : *(const int64_t *)record;
}

static const StateKind kinds[] = {STATE_VALUE, STATE_MAP, STATE_ORDERED};

START_TEST(test_found_until_it_expires)
{
    StateKind kind = kinds[_i];
    Fixture fixture = open_table(kind, 1000, 50000);
    write_number(&fixture, kind, 1, 1, 11);
    write_number(&fixture, kind, 2, 1, 21);
    state_store_advance(fixture.store, 50600);
    write_number(&fixture, kind, 2, 1, 22);
    state_store_advance(fixture.store, 50999);
    ck_assert_int_eq(read_number(&fixture, kind, 1, 1), 11);
    state_store_advance(fixture.store, 51000);
    ck_assert_int_eq(read_number(&fixture, kind, 1, 1), -1);
    ck_assert_int_eq(read_number(&fixture, kind, 2, 1), 22);
    state_store_advance(fixture.store, 51600);
    ck_assert_int_eq(read_number(&fixture, kind, 2, 1), -1);
    write_number(&fixture, kind, 1, 1, 12);
    ck_assert_int_eq(read_number(&fixture, kind, 1, 1), 12);
    state_store_free(fixture.store);
}
END_TEST

/* What is made again in the place of something expired begins empty. */
START_TEST(test_begins_anew)
{
    Fixture fixture = open_table(STATE_VALUE, 1000, 0);
    write_number(&fixture, STATE_VALUE, 1, 0, 7);
    state_store_advance(fixture.store, 1000);
    Str keys[2] = {{"key1", 4}, {"key1", 4}};
    uint64_t hashes[2];
    uint8_t created[2];
    int64_t *records[2];
    hash_many(keys, 2, hashes);
    state_value_get_or_create(fixture.table, keys, hashes, 2, (void **)records, created);
    ck_assert_ptr_eq(records[0], records[1]);
    ck_assert_uint_eq(created[0], 1);
    ck_assert_uint_eq(created[1], 0);
    ck_assert_int_eq(records[0][0], 0);
    ck_assert_uint_eq(((const StringView *)(void *)(records[0] + 1))->length, 0);
    state_store_free(fixture.store);
}
END_TEST

/* Entries of a MAP expire one by one, and who walks them passes over those that have. */
START_TEST(test_map_walks_over_expired)
{
    Fixture fixture = open_table(STATE_MAP, 100, 0);
    for (uint32_t i = 0; i < 5; i++)
        write_number(&fixture, STATE_MAP, 1, i, i);
    state_store_advance(fixture.store, 50);
    write_number(&fixture, STATE_MAP, 1, 1, 10);
    write_number(&fixture, STATE_MAP, 1, 3, 30);
    state_store_advance(fixture.store, 100);
    Str key = {"key1", 4};
    uint64_t hash = hash_bytes(key.data, key.length);
    StateGroup *groups[2];
    state_map_groups(fixture.table, (Str[]){key, key}, (uint64_t[]){hash, hash}, 2, groups);
    ck_assert_ptr_nonnull(groups[0]);
    ck_assert_ptr_eq(groups[0], groups[1]);
    const StateEntry *entry = state_map_first(fixture.table, groups[0]);
    ck_assert_int_eq(*(const int64_t *)state_entry_record(entry), 10);
    entry = state_map_next(fixture.table, entry);
    ck_assert_int_eq(*(const int64_t *)state_entry_record(entry), 30);
    ck_assert_ptr_null(state_map_next(fixture.table, entry));
    ck_assert_ptr_eq(state_map_last(fixture.table, groups[0]), entry);
    state_store_advance(fixture.store, 150);
    state_map_groups(fixture.table, (Str[]){key, key}, (uint64_t[]){hash, hash}, 2, groups);
    ck_assert_ptr_null(groups[0]);
    ck_assert_ptr_null(groups[1]);
    state_store_free(fixture.store);
}
END_TEST

/* Memory goes back to the system, a little with each step. */
START_TEST(test_memory_returns)
{
    StateKind kind = kinds[_i];
    Fixture fixture = open_table(kind, 1000, 0);
    for (uint32_t i = 0; i < 200000; i++)
        write_number(&fixture, kind, kind == STATE_VALUE ? i : i / 10, i % 10, i);
    uint64_t before = state_store_reserved_bytes(fixture.store);
    ck_assert_uint_gt(before, 20000000);
    state_store_advance(fixture.store, 900);
    write_number(&fixture, kind, 7, 7, 7);
    uint64_t keys = state_store_keys(fixture.store), largest = 0;
    int64_t now = 1000;
    for (uint32_t i = 0; i < 10000 && state_store_keys(fixture.store) > 1; i++) {
        int64_t next = state_store_advance(fixture.store, now);
        ck_assert_int_ne(next, INT64_MAX);
        now = next < 1890 ? next : 1890;
        uint64_t gone = keys - state_store_keys(fixture.store);
        largest = gone > largest ? gone : largest;
        keys -= gone;
    }
    ck_assert_uint_eq(state_store_keys(fixture.store), 1);
    ck_assert_uint_lt(largest, 6000);
    for (uint32_t i = 0; i < 1000; i++) {
        write_number(&fixture, kind, 7, 7, 7);
        state_store_advance(fixture.store, 1890 + i);
    }
    ck_assert_uint_lt(state_store_bytes(fixture.store), 20000);
    ck_assert_uint_lt(state_store_reserved_bytes(fixture.store), 22000000);
    ck_assert_uint_lt(state_store_reserved_bytes(fixture.store), before * 9 / 10);
    ck_assert_int_eq(read_number(&fixture, kind, 7, 7), 7);
    state_store_free(fixture.store);
}
END_TEST

static Chunks snapshot(const Fixture *fixture)
{
    Chunks chunks = chunks_new();
    state_snapshot(fixture->store, chunks_add, &chunks);
    return chunks;
}

/* Times are absolute: what was old before the checkpoint is old after it. */
START_TEST(test_survives_a_checkpoint)
{
    StateKind kind = kinds[_i];
    Fixture fixture = open_table(kind, 1000, 5000);
    write_number(&fixture, kind, 1, 1, 11);
    state_store_advance(fixture.store, 5500);
    write_number(&fixture, kind, 2, 2, 22);
    Chunks chunks = snapshot(&fixture);
    state_store_free(fixture.store);
    Fixture later = open_table(kind, 1000, 6000);
    chunks_restore(&chunks, later.store);
    state_store_advance(later.store, 6000);
    ck_assert_int_eq(read_number(&later, kind, 1, 1), -1);
    ck_assert_int_eq(read_number(&later, kind, 2, 2), 22);
    state_store_advance(later.store, 6500);
    ck_assert_int_eq(read_number(&later, kind, 2, 2), -1);
    chunks_free(&chunks);
    state_store_free(later.store);
}
END_TEST

/* Records without times count as written when they are read; with times that nobody wants any more
 * they stay for ever. Either way the next checkpoint is of the new form as a whole. */
START_TEST(test_ttl_comes_and_goes)
{
    StateKind kind = kinds[_i / 2];
    bool comes = _i % 2 == 0;
    Fixture fixture = open_table(kind, comes ? 0 : 1000, 5000);
    write_number(&fixture, kind, 1, 1, 11);
    write_number(&fixture, kind, 1, 2, 12);
    write_number(&fixture, kind, 3, 3, 33);
    Chunks chunks = snapshot(&fixture);
    state_store_free(fixture.store);
    Fixture later = open_table(kind, comes ? 1000 : 0, 9000);
    chunks_restore(&chunks, later.store);
    chunks_free(&chunks);
    ck_assert_int_eq(read_number(&later, kind, 3, 3), 33);
    write_number(&later, kind, 2, 2, 22);
    Chunks bases = snapshot(&later);
    for (uint32_t i = 0; i < bases.count; i++)
        ck_assert(bases.items[i].chunk.is_base);
    state_store_free(later.store);
    Fixture last = open_table(kind, comes ? 1000 : 0, 9500);
    chunks_restore(&bases, last.store);
    chunks_free(&bases);
    state_store_advance(last.store, 9999);
    ck_assert_int_eq(read_number(&last, kind, 3, 3), 33);
    ck_assert_int_eq(read_number(&last, kind, 2, 2), 22);
    state_store_advance(last.store, 10000);
    ck_assert_int_eq(read_number(&last, kind, 3, 3), comes ? -1 : 33);
    state_store_free(last.store);
}
END_TEST

/* Random writes at random times, against the time of the last write of each. */
/* A tree whose newest entry comes last in the checkpoint is not taken for expired before. */
START_TEST(test_a_tree_outlives_the_removal_before_its_newest_entry)
{
    Fixture fixture = open_table(STATE_ORDERED, 1000, 100);
    Chunks chunks = chunks_new();
    Str key = STR("k");
    uint64_t hash = hash_bytes(key.data, key.length);
    state_ordered_put(fixture.table, key, hash, STR("a"), NULL);
    state_ordered_put(fixture.table, key, hash, STR("c"), NULL);
    state_snapshot(fixture.store, chunks_add, &chunks);
    state_store_advance(fixture.store, 1000);
    state_ordered_remove(fixture.table, key, hash, STR("c"));
    state_ordered_put(fixture.table, key, hash, STR("b"), NULL);
    state_snapshot(fixture.store, chunks_add, &chunks);
    state_store_free(fixture.store);
    Fixture later = open_table(STATE_ORDERED, 1000, 1500);
    chunks_restore(&chunks, later.store);
    state_store_advance(later.store, 1500);
    ck_assert_ptr_nonnull(state_ordered_find(later.table, key, hash, STR("a")));
    ck_assert_ptr_nonnull(state_ordered_find(later.table, key, hash, STR("b")));
    ck_assert_ptr_null(state_ordered_find(later.table, key, hash, STR("c")));
    chunks_free(&chunks);
    state_store_free(later.store);
}
END_TEST

START_TEST(test_against_a_model)
{
    enum { KEYS = 200, SUBKEYS = 4 };
    StateKind kind = kinds[_i];
    uint32_t subkeys = kind == STATE_MAP ? SUBKEYS : 1;
    int64_t written[KEYS][SUBKEYS], numbers[KEYS][SUBKEYS];
    memset(written, 0, sizeof(written));
    Fixture fixture = open_table(kind, 500, 1000);
    Chunks chunks = chunks_new();
    uint64_t seed = 42;
    int64_t now = 1000;
    for (uint32_t step = 0; step < 20000; step++) {
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
        uint32_t key = (uint32_t)(seed >> 33) % KEYS, subkey = (uint32_t)(seed >> 50) % subkeys;
        now += (int64_t)(seed >> 60);
        state_store_advance(fixture.store, now);
        bool lives = written[key][subkey] != 0 && written[key][subkey] + 500 > now;
        ck_assert_int_eq(read_number(&fixture, kind, key, subkey),
                         lives ? numbers[key][subkey] : -1);
        if ((seed >> 40 & 1) != 0) {
            numbers[key][subkey] = step;
            written[key][subkey] = now;
            write_number(&fixture, kind, key, subkey, step);
        }
        if (seed >> 56 < 20)
            state_snapshot_ahead(fixture.store, 1 + (uint32_t)(seed >> 35) % 4, true, chunks_add,
                                 &chunks);
        if (step % 2500 != 2499)
            continue;
        state_snapshot(fixture.store, chunks_add, &chunks);
        chunks_fold(&chunks, GROUPS);
        state_store_free(fixture.store);
        fixture = open_table(kind, 500, now);
        chunks_restore(&chunks, fixture.store);
        state_store_advance(fixture.store, now);
    }
    chunks_free(&chunks);
    state_store_free(fixture.store);
}
END_TEST

int main(void)
{
    TCase *ttl = tcase_create("ttl");
    tcase_set_timeout(ttl, 60);
    tcase_add_loop_test(ttl, test_found_until_it_expires, 0, 3);
    tcase_add_test(ttl, test_begins_anew);
    tcase_add_test(ttl, test_a_tree_outlives_the_removal_before_its_newest_entry);
    tcase_add_test(ttl, test_map_walks_over_expired);
    tcase_add_loop_test(ttl, test_memory_returns, 0, 3);
    tcase_add_loop_test(ttl, test_survives_a_checkpoint, 0, 3);
    tcase_add_loop_test(ttl, test_ttl_comes_and_goes, 0, 6);
    tcase_add_loop_test(ttl, test_against_a_model, 0, 3);
    return test_run("state_ttl", ttl);
}
