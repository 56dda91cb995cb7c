/* The INSERTs of a job that goes on, against those of the epoch it goes on from.
 *
 * A source that goes on from an epoch is past its beginning: whoever joins it now would miss what
 * has been read. So an INSERT that the epoch does not know gets scans of its own, which begin where
 * their options say, just as in a job of its own; the planner is asked for a plan in which it
 * shares nothing with the others. The manifest keeps with which epoch each INSERT joined, so that
 * later starts find the same plan and, by its identities, the same state.
 *
 * An INSERT is known by its table (and the how many-th into it). One that is there but keeps other
 * state now has been changed: runtime/manifest.c refuses it, unless the user lets what is unclaimed
 * go; then it joins anew as well.
 *
 * Cost: a walk over the plan per INSERT, and planning once or twice more, at the start of a job. */
#include <string.h>

#include "executor/runtime/job_internal.h"

typedef struct Branches {
    Job *job;
    const RestorePoint *from;
    uint64_t *since; /* per INSERT */
    uint32_t count;
} Branches;

static const PlanSink *sink_of(const PlanNode *node)
{
    const PlanSink *spec = strcmp(node->op, "sink") == 0 ? node->spec : NULL;
    return spec != NULL && spec->connector != NULL ? spec : NULL;
}

static void mark_inputs(const PlanNode *node, bool *marked)
{
    if (marked[node->id])
        return;
    marked[node->id] = true;
    for (uint32_t i = 0; i < node->input_count; i++)
        mark_inputs(node->inputs[i].node, marked);
}

/* The first node below the INSERT that keeps something the epoch does not have; NULL: none. */
static const PlanNode *unknown_part(const Branches *branches, const PlanNode *sink)
{
    const Plan *plan = branches->job->plan;
    const Manifest *manifest = &branches->from->manifest;
    bool *marked = memory_zalloc(plan->node_count * sizeof(*marked));
    mark_inputs(sink, marked);
    const PlanNode *unknown = NULL;
    for (uint32_t i = 0; i < plan->node_count && unknown == NULL; i++) {
        const PlanNode *node = plan->nodes[i];
        if (!marked[i] || node == sink)
            continue;
        bool reads = strcmp(node->op, "scan") == 0 && !((const PlanScan *)node->spec)->is_fed;
        if (reads ? manifest_find(manifest, "source",
                                  scan_source_uid(branches->job->arena, node)) == NULL
                  : node->state != NULL && manifest_find(manifest, "operator", node->uid) == NULL)
            unknown = node;
    }
    memory_free(marked);
    return unknown;
}

static bool plan_again(Branches *branches, Error *error)
{
    Job *job = branches->job;
    Plan *plan = job->config.replan(job->config.to, branches->since, branches->count, error);
    if (plan == NULL)
        return false;
    plan_free(job->plan);
    job->plan = plan;
    return true;
}

/* Whether the plan was made with other epochs than those wanted. */
static bool plan_differs(const Branches *branches)
{
    const Plan *plan = branches->job->plan;
    for (uint32_t i = 0; i < plan->node_count; i++) {
        const PlanSink *sink = sink_of(plan->nodes[i]);
        if (sink != NULL && sink->since != branches->since[sink->number])
            return true;
    }
    return false;
}

static void say(Job *job, const PlanSink *sink, bool changed)
{
    Buffer text = {0};
    buffer_printf(&text,
                  "job \"%s\": the INSERT into \"%s\" %s; it reads its tables from where "
                  "their options say, by readers of its own%s",
                  job->config.name, sink->table.name, changed ? "was changed" : "is new",
                  changed ? ", and the table keeps the rows it has" : "");
    job_notice(job, buffer_text(&text));
    buffer_deinit(&text);
}

/* The epoch of every INSERT by the manifest; those it does not know join now. */
static void find_known(Branches *branches)
{
    const Plan *plan = branches->job->plan;
    for (uint32_t i = 0; i < plan->node_count; i++) {
        const PlanSink *sink = sink_of(plan->nodes[i]);
        if (sink == NULL)
            continue;
        const ManifestEntry *was =
            manifest_find(&branches->from->manifest, "sink", plan->nodes[i]->uid);
        branches->since[sink->number] = was != NULL ? was->since : branches->from->epoch + 1;
        if (was == NULL)
            say(branches->job, sink, false);
    }
}

/* INSERTs that are known but keep other state now join anew. */
static void find_changed(Branches *branches)
{
    const Plan *plan = branches->job->plan;
    for (uint32_t i = 0; i < plan->node_count; i++) {
        const PlanSink *sink = sink_of(plan->nodes[i]);
        if (sink == NULL || sink->since == branches->from->epoch + 1 ||
            unknown_part(branches, plan->nodes[i]) == NULL)
            continue;
        branches->since[sink->number] = branches->from->epoch + 1;
        say(branches->job, sink, true);
    }
}

static void mark_new(const Branches *branches)
{
    Job *job = branches->job;
    const Plan *plan = job->plan;
    job->is_new = arena_new_array(job->arena, bool, plan->node_count);
    for (uint32_t i = 0; i < plan->node_count; i++) {
        const PlanSink *sink = sink_of(plan->nodes[i]);
        if (sink != NULL && sink->since == branches->from->epoch + 1)
            mark_inputs(plan->nodes[i], job->is_new);
    }
}

bool branches_settle(Job *job, const RestorePoint *from, Error *error)
{
    if (from->store == NULL || job->config.replan == NULL)
        return true;
    uint32_t count = 0;
    for (uint32_t i = 0; i < job->plan->node_count; i++)
        count += sink_of(job->plan->nodes[i]) != NULL;
    Branches branches = {job, from, arena_new_array(job->arena, uint64_t, count + 1), count};
    find_known(&branches);
    if (plan_differs(&branches) && !plan_again(&branches, error))
        return false;
    if (job->config.ignore_unclaimed) {
        find_changed(&branches);
        if (plan_differs(&branches) && !plan_again(&branches, error))
            return false;
    }
    mark_new(&branches);
    return true;
}
