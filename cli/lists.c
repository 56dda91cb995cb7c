/* Help texts, and the lists made from the engine's own tables. */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/arena.h"

void print_help(void)
{
    fputs(
        "weir: streaming SQL. Keeps continuous queries up to date over changing tables.\n"
        "\n"
        "Usage:\n"
        "  weir                      interactive shell\n"
        "  weir -f job.sql           run a file and wait for its jobs\n"
        "  weir -e 'SELECT 1'        run statements given here\n"
        "  weir test PATH...         run .test files (folders: all in them)\n"
        "\n"
        "Options:\n"
        "  -f, --file FILE           run FILE (\"-\": standard input); may be repeated\n"
        "  -e, --execute SQL         run SQL; may be repeated\n"
        "  -i, --init FILE           run FILE first: CREATE, SET, …\n"
        "  -D KEY=VALUE              as SET 'KEY' = 'VALUE'\n"
        "      --fresh               forget the checkpoints of the jobs started here\n"
        "  -q, --quiet               no status line\n"
        "      --list-functions      every function, with its signature\n"
        "      --list-connectors     every connector and format, with its options\n"
        "      --list-options        every option of SET\n"
        "      --version             the version\n"
        "  -h, --help                this text\n"
        "\n"
        "A job started with 'execution.checkpointing.dir' set goes on where it was when it is\n"
        "started again. Ctrl-C and SIGTERM stop a file's jobs after a last checkpoint.\n"
        "\n"
        "Example:\n"
        "  weir -e \"CREATE TABLE t (id INT) WITH ('connector'='datagen', 'number-of-rows'='3');\n"
        "           SELECT COUNT(*) FROM t\"\n",
        stdout);
}

void print_shell_help(void)
{
    fputs("Statements end with a semicolon and may span lines. Ctrl-C cancels a statement.\n"
          "\n"
          "  CREATE TABLE … WITH ('connector' = …);   declare a table\n"
          "  CREATE VIEW v AS SELECT …;               name a query\n"
          "  SELECT …;                                run a query; its changes are printed\n"
          "  INSERT INTO t SELECT …;                  run a job in the background\n"
          "  EXECUTE STATEMENT SET BEGIN … END;       several INSERTs as one job\n"
          "  EXPLAIN [CHANGELOG_MODE] SELECT …;       show how it would run\n"
          "  SHOW TABLES | VIEWS | FUNCTIONS | JOBS;  SHOW CREATE TABLE t;  DESCRIBE t;\n"
          "  STOP JOB 'id';                           stop a job\n"
          "  SET 'key' = 'value';  SET;  RESET;       configuration\n"
          "  HELP;  CLEAR;  QUIT;\n",
          stdout);
}

/* ------------------------------------------------------------------- lists */

typedef struct FunctionList {
    WeirEntry *entries;
    uint32_t count;
} FunctionList;

static int compare_entries(const void *a, const void *b)
{
    const WeirEntry *left = a, *right = b;
    int order = strcmp(left->category, right->category);
    return order != 0 ? order : strcmp(left->name, right->name);
}

int list_functions(void)
{
    FunctionList list = {0};
    WeirEntry entry;
    for (uint32_t i = 0; weir_function_at(i, &entry); i++) {
        list.entries = memory_realloc(list.entries, sizeof(entry) * (list.count + 1));
        list.entries[list.count++] = entry;
    }
    qsort(list.entries, list.count, sizeof(entry), compare_entries);
    const char *category = "";
    for (uint32_t i = 0; i < list.count; i++) {
        const WeirEntry *item = &list.entries[i];
        if (strcmp(category, item->category) != 0)
            printf("%s%s\n", i == 0 ? "" : "\n", item->category);
        category = item->category;
        /* "(ANY) -> STRING" stands behind the name; an operator's form says all. */
        printf("  %s%s\n      %s\n", item->signature[0] == '(' ? item->name : "", item->signature,
               item->doc);
    }
    memory_free(list.entries);
    return 0;
}

static void print_options(const char *owner, const char *indent)
{
    WeirEntry option;
    for (uint32_t i = 0; weir_option_at(owner, i, &option); i++) {
        bool has_default = option.category[0] != '\0';
        printf("%s%s (%s%s%s)\n%s    %s\n", indent, option.name, option.signature,
               has_default ? ", " : "", option.category, indent, option.doc);
    }
}

static void print_metadata(const char *connector)
{
    WeirEntry column;
    for (uint32_t i = 0; weir_metadata_at(connector, i, &column); i++)
        printf("    METADATA FROM '%s' %s\n        %s\n", column.name, column.signature,
               column.doc);
}

int list_connectors(void)
{
    WeirEntry entry;
    for (uint32_t i = 0; weir_connector_at(i, &entry); i++) {
        printf("%sconnector %s (%s)\n  %s\n", i == 0 ? "" : "\n", entry.name, entry.signature,
               entry.doc);
        print_options(entry.name, "    ");
        print_metadata(entry.name);
    }
    for (uint32_t i = 0; weir_format_at(i, &entry); i++) {
        printf("\nformat %s\n  %s\n", entry.name, entry.doc);
        print_options(entry.name, "    ");
    }
    return 0;
}

int list_options(void)
{
    print_options(NULL, "");
    return 0;
}
