/* The changes of one epoch: encoded rows, with a key only the last change of it.
 *
 * Invariant: items are in the order of their key's first change; a row that was replaced stays in
 * `rows` as garbage until half of it is. */
#include "connectors/sqlite/internal.h"

#include "core/hash.h"
#include "core/str.h"

#define SLOTS_FIRST     64
#define GARBAGE_MINIMUM ((uint64_t)1 << 20)

void sqlite_changes_clear(SqliteChanges *changes)
{
    changes->count = 0;
    changes->garbage_bytes = 0;
    buffer_clear(&changes->rows);
    buffer_clear(&changes->keys);
    if (changes->slots != NULL)
        memset(changes->slots, 0, changes->slot_count * sizeof(uint32_t));
}

void sqlite_changes_deinit(SqliteChanges *changes)
{
    memory_free(changes->items);
    memory_free(changes->slots);
    buffer_deinit(&changes->rows);
    buffer_deinit(&changes->keys);
    *changes = (SqliteChanges){0};
}

size_t sqlite_changes_bytes(const SqliteChanges *changes)
{
    return changes->rows.length + changes->keys.length + changes->count * sizeof(SqliteChange);
}

static uint32_t *slot_of(const SqliteChanges *changes, Str key, uint64_t hash)
{
    uint32_t mask = changes->slot_count - 1;
    for (uint32_t at = (uint32_t)hash & mask;; at = (at + 1) & mask) {
        uint32_t *slot = &changes->slots[at];
        if (*slot == 0)
            return slot;
        const SqliteChange *item = &changes->items[*slot - 1];
        Str found = {changes->keys.data + item->key_offset, item->key_length};
        if (item->key_hash == hash && str_equal(found, key))
            return slot;
    }
}

static void grow_slots(SqliteChanges *changes)
{
    uint32_t count = changes->slot_count == 0 ? SLOTS_FIRST : changes->slot_count * 2;
    memory_free(changes->slots);
    changes->slots = memory_zalloc(count * sizeof(uint32_t));
    changes->slot_count = count;
    for (uint32_t i = 0; i < changes->count; i++) {
        uint32_t at = (uint32_t)changes->items[i].key_hash & (count - 1);
        while (changes->slots[at] != 0)
            at = (at + 1) & (count - 1);
        changes->slots[at] = i + 1;
    }
}

static void drop_garbage(SqliteChanges *changes)
{
    Buffer rows = {0};
    buffer_reserve(&rows, changes->rows.length - changes->garbage_bytes);
    for (uint32_t i = 0; i < changes->count; i++) {
        SqliteChange *item = &changes->items[i];
        uint64_t offset = rows.length;
        buffer_append(&rows, changes->rows.data + item->offset, item->length);
        item->offset = offset;
    }
    buffer_deinit(&changes->rows);
    changes->rows = rows;
    changes->garbage_bytes = 0;
}

static SqliteChange *new_item(SqliteChanges *changes)
{
    if (changes->count == changes->capacity) {
        changes->capacity = changes->capacity == 0 ? 64 : changes->capacity * 2;
        changes->items = memory_realloc(changes->items, changes->capacity * sizeof(SqliteChange));
    }
    SqliteChange *item = &changes->items[changes->count++];
    *item = (SqliteChange){0};
    return item;
}

static SqliteChange *keyed_item(SqliteChanges *changes, Str key)
{
    if (changes->count >= changes->slot_count / 2)
        grow_slots(changes);
    uint64_t hash = hash_bytes(key.data, key.length);
    uint32_t *slot = slot_of(changes, key, hash);
    if (*slot != 0) {
        SqliteChange *item = &changes->items[*slot - 1];
        changes->garbage_bytes += item->length;
        return item;
    }
    SqliteChange *item = new_item(changes);
    *slot = changes->count;
    item->key_hash = hash;
    item->key_offset = (uint32_t)changes->keys.length;
    item->key_length = (uint32_t)key.length;
    buffer_append_str(&changes->keys, key);
    return item;
}

void sqlite_changes_add(SqliteChanges *changes, bool keyed, Str key, Str row, bool is_delete)
{
    SqliteChange *item = keyed ? keyed_item(changes, key) : new_item(changes);
    item->offset = changes->rows.length;
    item->length = (uint32_t)row.length;
    item->is_delete = is_delete;
    buffer_append_str(&changes->rows, row);
    if (changes->garbage_bytes > GARBAGE_MINIMUM &&
        changes->garbage_bytes > changes->rows.length / 2)
        drop_garbage(changes);
}

void sqlite_changes_append(SqliteChanges *changes, bool keyed, const SqliteChanges *later)
{
    for (uint32_t i = 0; i < later->count; i++) {
        const SqliteChange *item = &later->items[i];
        Str key = {later->keys.data + item->key_offset, item->key_length};
        Str row = {later->rows.data + item->offset, item->length};
        sqlite_changes_add(changes, keyed, keyed ? key : (Str){0}, row, item->is_delete);
    }
}

void sqlite_changes_encode(const SqliteChanges *changes, Buffer *out)
{
    buffer_append_u32(out, changes->count);
    for (uint32_t i = 0; i < changes->count; i++) {
        const SqliteChange *item = &changes->items[i];
        buffer_append_u8(out, item->is_delete);
        buffer_append_bytes(out, (Str){changes->rows.data + item->offset, item->length});
    }
}

bool sqlite_changes_decode(SqliteChanges *changes, Reader *reader)
{
    uint32_t count = reader_u32(reader);
    for (uint32_t i = 0; i < count && !reader->failed; i++) {
        bool is_delete = reader_u8(reader) != 0;
        Str row = reader_bytes(reader);
        if (!reader->failed)
            sqlite_changes_add(changes, false, (Str){0}, row, is_delete);
    }
    return !reader->failed;
}
