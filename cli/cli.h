/* What the files of cli/ share. The program is a client of session/weir.h and uses nothing else of
 * the engine. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "core/buffer.h"
#include "session/weir.h"

/* What the command line asked for. */
typedef struct CliOptions {
    const char **files; /* -f */
    uint32_t file_count;
    const char **commands; /* -e */
    uint32_t command_count;
    const char *init_file; /* -i */
    const char **settings; /* -D key=value */
    uint32_t setting_count;
    bool fresh;
    bool quiet; /* no status line */
} CliOptions;

/* print_result.c: prints a result to its end, on standard output. Rows of a query as they come, as
 * Flink's tableau or as a changelog; of a bounded run as one table at the end. False when it ended
 * with an error, which is printed. */
bool print_result(WeirSession *session, WeirResult *result);
/* Writes out what was printed; false with a message when standard output does not take it. */
bool flush_output(void);
/* The session's last error, on standard error. */
void print_error(WeirSession *session);

/* print_table.c: a grid whose columns are as wide as told; text is cut to fit. */
typedef struct TableColumn {
    const char *name;
    uint32_t width;
} TableColumn;
void table_print_rule(const TableColumn *columns, uint32_t count, Buffer *out);
void table_print_header(const TableColumn *columns, uint32_t count, Buffer *out);
void table_print_cell(const char *text, size_t length, uint32_t width, Buffer *out);
/* Columns a terminal needs for the text; wide characters count two. */
uint32_t text_width(const char *text, size_t length);

/* run_script.c: executes every statement of a script in order and follows what it starts; stops at
 * the first that fails. `file` words errors (NULL: none). */
bool run_script(WeirSession *session, const char *script, size_t length, const char *file);
bool run_file(WeirSession *session, const char *path, bool init_only);
/* Waits for the session's jobs with a status line; false when one failed. */
bool wait_for_jobs(WeirSession *session, bool quiet);
/* Reads a whole file, or standard input for "-"; false with a message on standard error. */
bool read_file(const char *path, Buffer *out);

/* status_line.c: one line on standard error, redrawn in place while jobs run on a terminal. */
void status_line_draw(WeirSession *session);
void status_line_clear(void);
bool status_line_wanted(void);

/* interrupt.c: SIGINT and SIGTERM go to this session's running statement. */
void interrupt_install(WeirSession *session, bool interactive);
void interrupt_forget(void); /* before the session is closed */
bool interrupt_pending(void);
bool interrupt_seen(void); /* the same, and forgets it */

/* shell.c, test_runner.c, lists.c: what main dispatches to; each returns the exit status. */
int shell_run(WeirSession *session);
int test_run(int count, char **paths);
int list_functions(void);
int list_connectors(void);
int list_options(void);
void print_help(void);
void print_shell_help(void);

#endif
