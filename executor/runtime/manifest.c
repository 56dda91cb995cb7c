/* The manifest of an epoch: which operators, sources and sinks it has something for, and in what
 * form; and the check that a job may go on from it.
 *
 * Lines of fields between tabs, so that it reads well in sqlite3:
 *
 *     weir manifest 1
 *     operator  uid  parallelism  label
 *     table     name  description            (of the operator above)
 *     source    uid  parallelism  label
 *     sink      uid  parallelism  label
 *     since     epoch                      (with which the sink's INSERT joined the job)
 *     plan
 *     {the plan as JSON, to the end}
 *
 * Invariant: a job goes on only if every part that remembers something is on both sides with the
 * same form; anything else would silently lose or invent rows. Two exceptions: what belongs to an
 * INSERT that is new (runtime/branches.c) begins empty and reads its tables from their beginning;
 * what the job no longer has is dropped when the user says so. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "executor/runtime/job_internal.h"

#define MANIFEST_HEAD "weir manifest 1"

/* A copy of the text that fits a field. */
static const char *field(Arena *arena, const char *text)
{
    char *copy = arena_strdup(arena, text == NULL ? "" : text);
    for (char *c = copy; *c != '\0'; c++)
        if (*c == '\t' || *c == '\n' || *c == '\r')
            *c = ' ';
    return copy;
}

static void add_entry(Manifest *manifest, Arena *arena, const char *kind, const char *uid,
                      const Stage *stage)
{
    const PlanNode *node = stage->node;
    manifest->entries[manifest->count++] = (ManifestEntry){
        .kind = kind,
        .uid = field(arena, uid),
        .parallelism = stage->context.parallelism,
        .label = field(arena, node->label == NULL ? node->op : node->label),
        .tables = "",
        .is_new = stage->task->job->is_new != NULL && stage->task->job->is_new[node->id],
    };
}

static void add_stage(Manifest *manifest, Arena *arena, const Stage *stage)
{
    const PlanNode *node = stage->node;
    const TaskSource *source = stage->task->source;
    bool leads = source != NULL && source->scans[0] == stage;
    if (leads)
        add_entry(manifest, arena, "source", source->uid, stage);
    if (strcmp(node->op, "sink") == 0 && ((const PlanSink *)node->spec)->connector != NULL) {
        add_entry(manifest, arena, "sink", node->uid, stage);
        manifest->entries[manifest->count - 1].since = ((const PlanSink *)node->spec)->since;
    }
    bool ends = stage->class->end != NULL;
    if (!stage->keeps_state && !ends && !stage_keeps_time(stage))
        return;
    add_entry(manifest, arena, "operator", node->uid, stage);
    Buffer tables = {0};
    state_describe(stage->context.state, &tables);
    manifest->entries[manifest->count - 1].tables = arena_strdup(arena, buffer_text(&tables));
    buffer_deinit(&tables);
}

bool manifest_of_attempt(const Job *job, Attempt *attempt, Error *error)
{
    Manifest *manifest = &attempt->manifest;
    uint32_t room = job->plan->node_count * 2;
    manifest->entries = arena_new_array(attempt->arena, ManifestEntry, room);
    for (uint32_t i = 0; i < job->plan->node_count; i++)
        add_stage(manifest, attempt->arena, attempt_stage(job, attempt, i, 0));
    for (uint32_t i = 0; i < manifest->count; i++) {
        const ManifestEntry *entry = &manifest->entries[i];
        if (manifest_find(manifest, entry->kind, entry->uid) != entry)
            return error_set(error, ERROR_INTERNAL, "two parts of the plan are %s \"%s\"",
                             entry->kind, entry->uid);
    }
    return true;
}

/* Appends each line of `tables` ("name\tdescription\n") as a line of the manifest. */
static void print_tables(const char *tables, Buffer *out)
{
    while (*tables != '\0') {
        size_t length = strcspn(tables, "\n");
        buffer_printf(out, "table\t%.*s\n", (int)length, tables);
        tables += length + (tables[length] == '\n');
    }
}

void manifest_print(const Manifest *manifest, const Plan *plan, Buffer *out)
{
    buffer_append_text(out, MANIFEST_HEAD "\n");
    for (uint32_t i = 0; i < manifest->count; i++) {
        const ManifestEntry *entry = &manifest->entries[i];
        buffer_printf(out, "%s\t%s\t%u\t%s\n", entry->kind, entry->uid, entry->parallelism,
                      entry->label);
        if (entry->since != 0)
            buffer_printf(out, "since\t%llu\n", (unsigned long long)entry->since);
        print_tables(entry->tables, out);
    }
    buffer_append_text(out, "plan\n");
    plan_print_json(plan, out);
}

/* ------------------------------------------------------------------ reading */

static bool damaged(Error *error, const char *line)
{
    error_set(error, ERROR_STATE, "the checkpoint's manifest is damaged");
    return error_detail(error, "Its line \"%.80s\" makes no sense.", line);
}

/* Cuts the line at tabs into exactly `count` fields; the last one may hold tabs. */
static bool split_fields(char *line, char **fields, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        fields[i] = line;
        if (i + 1 == count)
            return true;
        line = strchr(line, '\t');
        if (line == NULL)
            return false;
        *line++ = '\0';
    }
    return true;
}

static bool parse_line(Arena *arena, char *line, Manifest *out, Error *error)
{
    const char *whole = arena_strdup(arena, line);
    char *fields[4];
    if (strncmp(line, "table\t", 6) == 0) {
        if (out->count == 0)
            return damaged(error, whole);
        ManifestEntry *last = &out->entries[out->count - 1];
        last->tables = arena_printf(arena, "%s%s\n", last->tables, line + 6);
        return true;
    }
    if (strncmp(line, "since\t", 6) == 0) {
        if (out->count == 0)
            return damaged(error, whole);
        out->entries[out->count - 1].since = strtoull(line + 6, NULL, 10);
        return true;
    }
    if (!split_fields(line, fields, 4))
        return damaged(error, whole);
    char *end = NULL;
    unsigned long parallelism = strtoul(fields[2], &end, 10);
    if (*end != '\0' || parallelism == 0 || parallelism > UINT32_MAX)
        return damaged(error, whole);
    static const char *const kinds[] = {"operator", "source", "sink"};
    for (size_t i = 0; i < array_count(kinds); i++)
        if (strcmp(fields[0], kinds[i]) == 0) {
            out->entries[out->count++] = (ManifestEntry){.kind = kinds[i],
                                                         .uid = fields[1],
                                                         .parallelism = (uint32_t)parallelism,
                                                         .label = fields[3],
                                                         .tables = ""};
            return true;
        }
    return damaged(error, whole);
}

bool manifest_parse(Arena *arena, const char *text, Manifest *out, Error *error)
{
    *out = (Manifest){0};
    char *line = arena_strdup(arena, text == NULL ? "" : text);
    size_t lines = 1;
    for (const char *c = line; *c != '\0'; c++)
        lines += *c == '\n';
    out->entries = arena_new_array(arena, ManifestEntry, lines);
    for (uint32_t number = 0; *line != '\0'; number++) {
        char *next = line + strcspn(line, "\n");
        if (*next == '\n')
            *next++ = '\0';
        if (number == 0 && strcmp(line, MANIFEST_HEAD) != 0)
            return damaged(error, line);
        if (strcmp(line, "plan") == 0) {
            out->plan = next;
            return true;
        }
        if (number > 0 && !parse_line(arena, line, out, error))
            return false;
        line = next;
    }
    return damaged(error, "(end)");
}

/* ----------------------------------------------------------------- checking */

const ManifestEntry *manifest_find(const Manifest *manifest, const char *kind, const char *uid)
{
    for (uint32_t i = 0; i < manifest->count; i++) {
        const ManifestEntry *entry = &manifest->entries[i];
        if (strcmp(entry->kind, kind) == 0 && strcmp(entry->uid, uid) == 0)
            return entry;
    }
    return NULL;
}

/* An operator entry without tables only tells how far it was in time, and whether it had ended. */
static bool entry_matters(const ManifestEntry *entry)
{
    return strcmp(entry->kind, "operator") != 0 || entry->tables[0] != '\0';
}

static bool refuse(Error *error, const char *job, const RestorePoint *from, const char *what,
                   const ManifestEntry *entry)
{
    error_set(error, ERROR_STATE, "job \"%s\" cannot go on from epoch %llu: %s %s \"%s\"", job,
              (unsigned long long)from->epoch, what, entry->kind, entry->label);
    return error_hint(error, "The statement was changed since. Undo that, start over with --fresh, "
                             "or SET 'execution.state-recovery.ignore-unclaimed-state' = 'true', "
                             "which drops the old state and begins changed INSERTs anew.");
}

/* What the job no longer has and the user has said may go. */
static void say_dropped(Job *job, const RestorePoint *from, const Manifest *now)
{
    for (uint32_t i = 0; i < from->manifest.count; i++) {
        const ManifestEntry *was = &from->manifest.entries[i];
        if (!entry_matters(was) || manifest_find(now, was->kind, was->uid) != NULL)
            continue;
        Buffer text = {0};
        buffer_printf(&text, "job \"%s\" drops what epoch %llu has for the %s \"%s\"",
                      job->config.name, (unsigned long long)from->epoch, was->kind, was->label);
        job_notice(job, buffer_text(&text));
        buffer_deinit(&text);
    }
}

static bool parts_fit(const Job *settings, const RestorePoint *from, const Manifest *now,
                      Error *error)
{
    const char *job = settings->config.name;
    for (uint32_t i = 0; i < now->count; i++) {
        const ManifestEntry *entry = &now->entries[i];
        const ManifestEntry *was = manifest_find(&from->manifest, entry->kind, entry->uid);
        if (was == NULL && entry_matters(entry) && !entry->is_new)
            return refuse(error, job, from, "it has nothing for the new", entry);
        if (was == NULL || strcmp(was->tables, entry->tables) == 0)
            continue;
        refuse(error, job, from, "its state has another form for the", entry);
        return error_detail(error, "It is:\n%sIt was:\n%s", entry->tables, was->tables);
    }
    for (uint32_t i = 0; i < from->manifest.count && !settings->config.ignore_unclaimed; i++) {
        const ManifestEntry *was = &from->manifest.entries[i];
        if (entry_matters(was) && manifest_find(now, was->kind, was->uid) == NULL)
            return refuse(error, job, from, "the job no longer has the", was);
    }
    return true;
}

/* Names the first node of the plan that the checkpoint's plan does not have: an operator's own
 * label may be the same as before when what it reads has changed. */
static void tell_changed_node(const Plan *plan, const char *was, Error *error)
{
    static const char key[] = "\"label\": \"";
    Buffer json = {0}, line = {0};
    plan_print_json(plan, &json);
    bool told = false;
    for (const char *at = buffer_text(&json); !told && (at = strstr(at, key)) != NULL; at++) {
        size_t length = strcspn(at, "\n");
        buffer_clear(&line);
        buffer_append(&line, at, length + 1);
        if (strstr(was, buffer_text(&line)) != NULL)
            continue;
        at += sizeof(key) - 1;
        length -= sizeof(key) - 1;
        while (length > 0 && strchr("\",", at[length - 1]) != NULL)
            length--;
        told = true;
        error_detail(error, "The checkpoint's plan does not have %.*s.", (int)length, at);
    }
    buffer_deinit(&line);
    buffer_deinit(&json);
}

bool manifest_check(Job *job, const RestorePoint *from, const Manifest *now, Error *error)
{
    if (parts_fit(job, from, now, error)) {
        say_dropped(job, from, now);
        return true;
    }
    if (error->detail[0] == '\0')
        tell_changed_node(job->plan, from->manifest.plan, error);
    return false;
}
