/* blackhole: takes rows and forgets them; for measuring what comes before a sink. */
#include "connectors/connector.h"

static const OptionSpec options[] = {{.name = NULL}};

struct Sink {
    uint64_t rows;
};

static Sink *blackhole_open(const SinkContext *context, Error *error)
{
    return memory_zalloc(sizeof(Sink));
}

static bool blackhole_write(Sink *sink, const Batch *batch, Error *error)
{
    sink->rows += batch->row_count;
    return true;
}

static bool blackhole_prepare(Sink *sink, uint64_t epoch, Buffer *pending, Error *error)
{
    return true;
}

static bool blackhole_commit(Sink *sink, uint64_t epoch, Error *error)
{
    return true;
}

static bool blackhole_finish(Sink *sink, Error *error)
{
    return true;
}

static void blackhole_close(Sink *sink)
{
    memory_free(sink);
}

static const SinkClass sink_class = {.open = blackhole_open,
                                     .write = blackhole_write,
                                     .prepare = blackhole_prepare,
                                     .commit = blackhole_commit,
                                     .finish = blackhole_finish,
                                     .close = blackhole_close};

/* No -U, as in Flink: what nobody reads need not be made. */
static ChangeKinds blackhole_kinds(const TableInfo *table)
{
    return CHANGES_UPSERT;
}

extern const Connector connector_blackhole;
const Connector connector_blackhole = {.name = "blackhole",
                                       .doc = "Takes every row and forgets it.",
                                       .options = options,
                                       .sink = &sink_class,
                                       .sink_kinds = blackhole_kinds};
