/* PARTIAL: the rows of keys that were asked for, the one not used longest at the end of a list.
 *
 * Invariant: an entry is in its bucket's chain and in the list. Expired entries go when they are
 * met or stand at the end of the list. Cost: a probe a key; an entry is one piece of memory beside
 * its rows. */
#include <string.h>

#include "executor/lookup/join.h"

typedef struct CacheEntry CacheEntry;
struct CacheEntry {
    CacheEntry *chain;
    CacheEntry *newer, *older;
    LookupRows *rows;
    uint64_t hash;
    int64_t written_ms;
    int64_t used_ms;
    size_t key_length;
    char key[];
};

struct LookupCache {
    int64_t max_rows; /* 0: no bound */
    int64_t expire_after_write_ms;
    int64_t expire_after_access_ms;
    CacheEntry **buckets;
    uint64_t mask;
    uint32_t count;
    CacheEntry *newest, *oldest;
};

static void list_take(LookupCache *cache, CacheEntry *entry)
{
    if (entry->newer != NULL)
        entry->newer->older = entry->older;
    else
        cache->newest = entry->older;
    if (entry->older != NULL)
        entry->older->newer = entry->newer;
    else
        cache->oldest = entry->newer;
}

static void list_add(LookupCache *cache, CacheEntry *entry)
{
    entry->newer = NULL;
    entry->older = cache->newest;
    if (cache->newest != NULL)
        cache->newest->newer = entry;
    else
        cache->oldest = entry;
    cache->newest = entry;
}

static CacheEntry **find(const LookupCache *cache, Str key, uint64_t hash)
{
    CacheEntry **at = &cache->buckets[hash & cache->mask];
    while (*at != NULL && ((*at)->hash != hash || (*at)->key_length != key.length ||
                           memcmp((*at)->key, key.data, key.length) != 0))
        at = &(*at)->chain;
    return at;
}

static bool has_expired(const LookupCache *cache, const CacheEntry *entry, int64_t now_ms)
{
    return (cache->expire_after_write_ms != 0 &&
            now_ms - entry->written_ms >= cache->expire_after_write_ms) ||
           (cache->expire_after_access_ms != 0 &&
            now_ms - entry->used_ms >= cache->expire_after_access_ms);
}

static void forget(LookupCache *cache, CacheEntry **at)
{
    CacheEntry *entry = *at;
    *at = entry->chain;
    list_take(cache, entry);
    lookup_rows_release(entry->rows);
    memory_free(entry);
    cache->count--;
}

static void forget_oldest(LookupCache *cache)
{
    CacheEntry *oldest = cache->oldest;
    forget(cache, find(cache, (Str){oldest->key, oldest->key_length}, oldest->hash));
}

static void grow(LookupCache *cache)
{
    uint64_t count = (cache->mask + 1) * 2;
    CacheEntry **old = cache->buckets;
    cache->buckets = memory_zalloc(count * sizeof(*cache->buckets));
    for (uint64_t b = 0; b <= cache->mask; b++)
        while (old[b] != NULL) {
            CacheEntry *entry = old[b];
            old[b] = entry->chain;
            CacheEntry **to = &cache->buckets[entry->hash & (count - 1)];
            entry->chain = *to;
            *to = entry;
        }
    cache->mask = count - 1;
    memory_free(old);
}

void lookup_cache_prefetch(const LookupCache *cache, uint64_t hash)
{
    __builtin_prefetch(&cache->buckets[hash & cache->mask]);
}

void lookup_cache_prefetch_entry(const LookupCache *cache, uint64_t hash)
{
    __builtin_prefetch(cache->buckets[hash & cache->mask], 1);
}

LookupRows *lookup_cache_get(LookupCache *cache, Str key, uint64_t hash, int64_t now_ms)
{
    CacheEntry **at = find(cache, key, hash);
    CacheEntry *entry = *at;
    if (entry == NULL)
        return NULL;
    if (has_expired(cache, entry, now_ms)) {
        forget(cache, at);
        return NULL;
    }
    entry->used_ms = now_ms;
    list_take(cache, entry);
    list_add(cache, entry);
    return entry->rows;
}

void lookup_cache_put(LookupCache *cache, Str key, uint64_t hash, LookupRows *rows, int64_t now_ms)
{
    CacheEntry **at = find(cache, key, hash);
    if (*at != NULL)
        forget(cache, at);
    while (cache->oldest != NULL && has_expired(cache, cache->oldest, now_ms))
        forget_oldest(cache);
    if (cache->max_rows != 0 && cache->count >= cache->max_rows)
        forget_oldest(cache);
    if (cache->count > cache->mask)
        grow(cache);
    CacheEntry *entry = memory_alloc(sizeof(*entry) + key.length);
    *entry = (CacheEntry){.rows = rows,
                          .hash = hash,
                          .written_ms = now_ms,
                          .used_ms = now_ms,
                          .key_length = key.length};
    if (key.length != 0)
        memcpy(entry->key, key.data, key.length);
    rows->references++;
    CacheEntry **bucket = &cache->buckets[hash & cache->mask];
    entry->chain = *bucket;
    *bucket = entry;
    list_add(cache, entry);
    cache->count++;
}

uint32_t lookup_cache_size(const LookupCache *cache)
{
    return cache->count;
}

LookupCache *lookup_cache_new(const PlanLookupJoin *plan)
{
    LookupCache *cache = memory_zalloc(sizeof(*cache));
    cache->max_rows = plan->max_rows;
    cache->expire_after_write_ms = plan->expire_after_write_ms;
    cache->expire_after_access_ms = plan->expire_after_access_ms;
    cache->mask = 255;
    cache->buckets = memory_zalloc((cache->mask + 1) * sizeof(*cache->buckets));
    return cache;
}

void lookup_cache_free(LookupCache *cache)
{
    if (cache == NULL)
        return;
    while (cache->oldest != NULL)
        forget_oldest(cache);
    memory_free(cache->buckets);
    memory_free(cache);
}
