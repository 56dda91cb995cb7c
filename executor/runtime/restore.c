/* Filling an attempt from an epoch: which one, and what belongs where.
 *
 * State chunks are read once per operator and offered to every copy of it; each takes the key
 * groups that are its own, so the job may have another parallelism than the one that wrote them. */
#include <stdio.h>
#include <string.h>

#include "executor/runtime/job_internal.h"

/* ------------------------------------------------------------ which epoch */

static bool read_point(Arena *arena, CheckpointStore *store, const Plan *plan, const char *job,
                       RestorePoint *out, Error *error)
{
    CheckpointInfo info;
    *out = (RestorePoint){0};
    if (!checkpoint_newest(store, 0, &info, error))
        return false;
    if (info.epoch == 0)
        return true;
    out->store = store;
    out->epoch = info.epoch;
    out->completed_at_us = info.completed_at_us;
    out->max_parallelism = info.max_parallelism;
    if (!manifest_parse(arena, info.manifest, &out->manifest, error))
        return false;
    if (info.max_parallelism == plan->max_parallelism)
        return true;
    error_set(error, ERROR_STATE,
              "job \"%s\" cannot go on from epoch %llu: it was made with a maximum parallelism of "
              "%u, not %u",
              job, (unsigned long long)info.epoch, info.max_parallelism, plan->max_parallelism);
    return error_hint(error, "Set pipeline.max-parallelism to %u, or start over with --fresh.",
                      info.max_parallelism);
}

/* The newest epoch of the job's own store. */
static bool restore_newest(Job *job, Arena *arena, RestorePoint *out, Error *error)
{
    *out = (RestorePoint){0};
    if (job->store == NULL)
        return true;
    return read_point(arena, job->store, job->plan, job->config.name, out, error);
}

typedef struct Import {
    CheckpointStore *to;
    const char *uid;
    const char *kind;
} Import;

static bool import_chunk(void *to, const StateChunk *chunk, Error *error)
{
    const Import *import = to;
    checkpoint_add_chunk(import->to, import->uid, chunk);
    return true;
}

static bool import_blob(void *to, uint32_t subtask, Str name, Str bytes, Error *error)
{
    const Import *import = to;
    checkpoint_add_blob(import->to, import->uid, import->kind, subtask, name, bytes);
    return true;
}

static bool import_entry(const RestorePoint *from, CheckpointStore *to, const ManifestEntry *entry,
                         Error *error)
{
    bool is_operator = strcmp(entry->kind, "operator") == 0;
    Import import = {to, entry->uid, is_operator ? "ended" : entry->kind};
    if (is_operator &&
        !checkpoint_read_chunks(from->store, from->epoch, entry->uid, import_chunk, &import, error))
        return false;
    if (!checkpoint_read_blobs(from->store, from->epoch, entry->uid, import.kind, import_blob,
                               &import, error))
        return false;
    import.kind = "time";
    return !is_operator || checkpoint_read_blobs(from->store, from->epoch, entry->uid, "time",
                                                 import_blob, &import, error);
}

/* Copies an epoch of another store into the job's own, so that what follows can be deltas to it. */
static bool import_epoch(Job *job, const RestorePoint *from, Error *error)
{
    CheckpointInfo info;
    if (!checkpoint_newest(from->store, 0, &info, error))
        return false;
    char *manifest = arena_strdup(job->arena, info.manifest);
    if (!checkpoint_begin(job->store, from->epoch, error))
        return false;
    bool copied = true;
    for (uint32_t i = 0; i < from->manifest.count && copied; i++)
        copied = import_entry(from, job->store, &from->manifest.entries[i], error);
    if (!copied) {
        checkpoint_abort(job->store);
        return false;
    }
    info.manifest = manifest;
    snprintf(info.job, sizeof(info.job), "%s", job->config.name);
    return checkpoint_commit(job->store, &info, error);
}

bool restore_choose(Job *job, Arena *arena, RestorePoint *out, Error *error)
{
    if (!restore_newest(job, arena, out, error))
        return false;
    if (out->store != NULL || job->config.recovery_path == NULL)
        return true;
    CheckpointStore *other = checkpoint_open_path(job->config.recovery_path, error);
    if (other == NULL)
        return false;
    bool read = read_point(arena, other, job->plan, job->config.name, out, error);
    if (read && out->store == NULL) {
        error_set(error, ERROR_STATE, "there is no epoch to go on from in \"%s\"",
                  job->config.recovery_path);
        error_hint(error, "execution.state-recovery.path names a checkpoint store with at least "
                          "one complete epoch, or a folder that holds exactly one store.");
        read = false;
    }
    if (read && job->store == NULL)
        return true;
    if (read)
        read = import_epoch(job, out, error);
    checkpoint_close(other);
    out->store = read ? job->store : NULL;
    return read;
}

void restore_close(const Job *job, RestorePoint *from)
{
    if (from->store != NULL && from->store != job->store)
        checkpoint_close(from->store);
    from->store = NULL;
}

/* ------------------------------------------------------------------- blobs */

typedef struct Blob {
    uint32_t subtask;
    Str name;
    Str bytes;
} Blob;

typedef struct BlobList {
    Arena *arena;
    Blob *items;
    uint32_t count;
    uint32_t capacity;
} BlobList;

static Str copy_str(Arena *arena, Str text)
{
    return (Str){arena_memdup(arena, text.data, text.length), text.length};
}

static bool collect_blob(void *to, uint32_t subtask, Str name, Str bytes, Error *error)
{
    BlobList *list = to;
    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity == 0 ? 8 : list->capacity * 2;
        Blob *items = arena_new_array(list->arena, Blob, capacity);
        if (list->count > 0)
            memcpy(items, list->items, list->count * sizeof(Blob));
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] =
        (Blob){subtask, copy_str(list->arena, name), copy_str(list->arena, bytes)};
    return true;
}

bool restore_splits(Arena *arena, const RestorePoint *from, const char *uid,
                    const SplitPosition **splits, uint32_t *count, Error *error)
{
    BlobList list = {.arena = arena};
    if (!checkpoint_read_blobs(from->store, from->epoch, uid, "source", collect_blob, &list, error))
        return false;
    SplitPosition *positions = arena_new_array(arena, SplitPosition, list.count);
    for (uint32_t i = 0; i < list.count; i++)
        positions[i] = (SplitPosition){list.items[i].name, list.items[i].bytes};
    *splits = positions;
    *count = list.count;
    return true;
}

bool restore_pending(Arena *arena, const RestorePoint *from, const char *uid, const Str **pending,
                     uint32_t *count, Error *error)
{
    BlobList list = {.arena = arena};
    if (!checkpoint_read_blobs(from->store, from->epoch, uid, "sink", collect_blob, &list, error))
        return false;
    uint32_t copies = 0;
    for (uint32_t i = 0; i < list.count; i++)
        if (list.items[i].subtask >= copies)
            copies = list.items[i].subtask + 1;
    Str *by_subtask = arena_new_array(arena, Str, copies);
    for (uint32_t i = 0; i < list.count; i++)
        by_subtask[list.items[i].subtask] = list.items[i].bytes;
    *pending = by_subtask;
    *count = copies;
    return true;
}

/* ------------------------------------------------------------------- state */

typedef struct Copies {
    const Job *job;
    Attempt *attempt;
    uint32_t node;
    uint32_t count;
} Copies;

static bool offer_chunk(void *to, const StateChunk *chunk, Error *error)
{
    const Copies *copies = to;
    for (uint32_t i = 0; i < copies->count; i++) {
        Stage *stage = attempt_stage(copies->job, copies->attempt, copies->node, i);
        if (!state_restore(stage->context.state, chunk, error))
            return false;
    }
    return true;
}

/* Marks the copies whose `end` had been called before the epoch. */
static bool restore_ends(const Copies *copies, const RestorePoint *from, const ManifestEntry *was,
                         Error *error)
{
    BlobList list = {.arena = copies->attempt->arena};
    if (!checkpoint_read_blobs(from->store, from->epoch, was->uid, "ended", collect_blob, &list,
                               error))
        return false;
    bool all = list.count == was->parallelism;
    if (list.count > 0 && !all && was->parallelism != copies->count) {
        error_set(error, ERROR_STATE,
                  "epoch %llu was made while \"%s\" was ending and cannot be restored at another "
                  "parallelism",
                  (unsigned long long)from->epoch, was->label);
        return error_hint(error, "Restore it with parallelism.default = %u.", was->parallelism);
    }
    for (uint32_t i = 0; i < copies->count; i++) {
        bool ended = all;
        for (uint32_t k = 0; k < list.count && !ended; k++)
            ended = list.items[k].subtask == i;
        attempt_stage(copies->job, copies->attempt, copies->node, i)->end_restored = ended;
    }
    return true;
}

static int64_t least_of(int64_t least, const char *bytes)
{
    int64_t value;
    memcpy(&value, bytes, sizeof(value));
    return value < least ? value : least;
}

/* Where an input was in the slowest of the copies; those in which it had ended, or that nothing
 * ever fed, have no say while there are others. Where it had ended in all, how far it came. */
static int64_t input_was_at(const BlobList *list, uint32_t input, uint32_t input_count)
{
    int64_t least = INT64_MAX, most_ended = INT64_MIN;
    size_t flags = (input_count + 1) * sizeof(int64_t);
    bool goes_on = false;
    for (uint32_t b = 0; b < list->count; b++) {
        Str bytes = list->items[b].bytes;
        bool ended = bytes.length > flags && bytes.data[flags + input] != 0;
        int64_t at = least_of(INT64_MAX, bytes.data + (input + 1) * sizeof(int64_t));
        if (!ended && at < least)
            least = at;
        if (ended && at > most_ended)
            most_ended = at;
        goes_on = goes_on || !ended;
    }
    return goes_on ? least : most_ended;
}

/* Watermarks go on from where the slowest copy was: at another parallelism rows of each copy may
 * be anywhere. */
static bool restore_time(const Copies *copies, const RestorePoint *from, const char *uid,
                         Error *error)
{
    BlobList list = {.arena = copies->attempt->arena};
    if (!checkpoint_read_blobs(from->store, from->epoch, uid, "time", collect_blob, &list, error))
        return false;
    for (uint32_t i = 0; i < copies->count && list.count > 0; i++) {
        Stage *stage = attempt_stage(copies->job, copies->attempt, copies->node, i);
        size_t length = (stage->input_count + 1) * sizeof(int64_t);
        int64_t combined = INT64_MAX;
        stage->time.emitted_us = INT64_MAX;
        for (uint32_t b = 0; b < list.count; b++) {
            Str bytes = list.items[b].bytes;
            /* Older checkpoints do not tell which inputs had ended. */
            if (bytes.length != length && bytes.length != length + stage->input_count)
                return error_set(error, ERROR_STATE,
                                 "the checkpoint's watermarks of \"%s\" are "
                                 "damaged",
                                 uid);
            stage->time.emitted_us = least_of(stage->time.emitted_us, bytes.data);
        }
        for (uint32_t k = 0; k < stage->input_count; k++)
            stage->inputs[k].watermark_us = input_was_at(&list, k, stage->input_count);
        for (uint32_t k = 0; k < stage->input_count; k++)
            if (stage->inputs[k].watermark_us < combined)
                combined = stage->inputs[k].watermark_us;
        stage->time.watermark_us = combined;
        atomic_store_explicit(&stage->stats.watermark_us, combined, memory_order_relaxed);
    }
    return true;
}

static bool restore_stage(Stage *stage, Error *error)
{
    if (!state_restore_end(stage->context.state, error))
        return false;
    if (stage->class->restored != NULL && !stage->class->restored(stage->operator_, error))
        return false;
    uint64_t bytes = state_store_bytes(stage->context.state);
    atomic_store_explicit(&stage->stats.state_bytes, bytes, memory_order_relaxed);
    atomic_store_explicit(&stage->stats.state_keys, state_store_keys(stage->context.state),
                          memory_order_relaxed);
    task_add_state_bytes(stage->task, (int64_t)bytes);
    return true;
}

static bool restore_node(const Copies *copies, const RestorePoint *from, Error *error)
{
    const PlanNode *node = copies->job->plan->nodes[copies->node];
    const ManifestEntry *was = manifest_find(&from->manifest, "operator", node->uid);
    if (was == NULL)
        return true;
    Stage *first = attempt_stage(copies->job, copies->attempt, copies->node, 0);
    bool restored =
        !first->keeps_state || checkpoint_read_chunks(from->store, from->epoch, node->uid,
                                                      offer_chunk, (void *)copies, error);
    restored = restored && restore_time(copies, from, was->uid, error);
    for (uint32_t i = 0; i < copies->count && restored && first->keeps_state; i++)
        restored =
            restore_stage(attempt_stage(copies->job, copies->attempt, copies->node, i), error);
    return restored && restore_ends(copies, from, was, error);
}

bool restore_state(const Job *job, Attempt *attempt, const RestorePoint *from, Error *error)
{
    for (uint32_t i = 0; i < job->plan->node_count; i++) {
        Copies copies = {job, attempt, i,
                         job->graph->fragments[job->graph->fragment_of[i]].parallelism};
        if (!restore_node(&copies, from, error)) {
            error_prefix(error, "could not restore job \"%s\" from epoch %llu: ", job->config.name,
                         (unsigned long long)from->epoch);
            return false;
        }
    }
    return true;
}
