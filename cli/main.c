/* weir: arguments, and which way to go. */
#include "cli/cli.h"

#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/str.h"

enum { OPTION_FRESH = 256, OPTION_FUNCTIONS, OPTION_CONNECTORS, OPTION_OPTIONS, OPTION_VERSION };

static const struct option long_options[] = {
    {"file", required_argument, NULL, 'f'},
    {"execute", required_argument, NULL, 'e'},
    {"init", required_argument, NULL, 'i'},
    {"define", required_argument, NULL, 'D'},
    {"fresh", no_argument, NULL, OPTION_FRESH},
    {"quiet", no_argument, NULL, 'q'},
    {"list-functions", no_argument, NULL, OPTION_FUNCTIONS},
    {"list-connectors", no_argument, NULL, OPTION_CONNECTORS},
    {"list-options", no_argument, NULL, OPTION_OPTIONS},
    {"version", no_argument, NULL, OPTION_VERSION},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static void append_value(const char ***list, uint32_t *count, const char *value)
{
    *list = memory_realloc(*list, sizeof(**list) * (*count + 1));
    (*list)[(*count)++] = value;
}

/* An option that getopt has stopped at. */
static int refuse_option(int letter, char **argv)
{
    const char *given = argv[optind - 1];
    const char *names[array_count(long_options)];
    size_t count = 0;
    for (const struct option *option = long_options; option->name != NULL; option++)
        names[count++] = option->name;
    const char *near = strncmp(given, "--", 2) == 0 ? str_nearest(given + 2, names, count) : NULL;
    if (letter == ':')
        fprintf(stderr, "error: option \"%s\" lacks its value\n", given);
    else
        fprintf(stderr, "error: option \"%s\" is not known\n", given);
    if (near != NULL && letter != ':')
        fprintf(stderr, "hint: Did you mean --%s?\n", near);
    else
        fputs("hint: weir --help lists the options.\n", stderr);
    return 2;
}

/* Exit status, or -1 to go on. */
static int parse_arguments(int argc, char **argv, CliOptions *options)
{
    int letter;
    opterr = 0;
    while ((letter = getopt_long(argc, argv, ":f:e:i:D:qh", long_options, NULL)) != -1) {
        switch (letter) {
        case 'f':
            append_value(&options->files, &options->file_count, optarg);
            break;
        case 'e':
            append_value(&options->commands, &options->command_count, optarg);
            break;
        case 'i':
            options->init_file = optarg;
            break;
        case 'D':
            append_value(&options->settings, &options->setting_count, optarg);
            break;
        case 'q':
            options->quiet = true;
            break;
        case OPTION_FRESH:
            options->fresh = true;
            break;
        case OPTION_FUNCTIONS:
            return list_functions();
        case OPTION_CONNECTORS:
            return list_connectors();
        case OPTION_OPTIONS:
            return list_options();
        case OPTION_VERSION:
            printf("weir %s\n", weir_version());
            return 0;
        case 'h':
            print_help();
            return 0;
        default:
            return refuse_option(letter, argv);
        }
    }
    if (optind < argc) {
        const char *argument = argv[optind];
        fprintf(stderr, "error: argument \"%s\" is not expected\n", argument);
        if (access(argument, F_OK) == 0 || strchr(argument, '.') != NULL)
            fprintf(stderr, "hint: weir -f %s runs a file.\n", argument);
        else
            fputs("hint: weir --help says what there is.\n", stderr);
        return 2;
    }
    return -1;
}

static bool apply_setting(WeirSession *session, const char *setting)
{
    const char *equals = strchr(setting, '=');
    if (equals == NULL) {
        fprintf(stderr, "error: -D %s has no value\nhint: Write -D key=value.\n", setting);
        return false;
    }
    char *key = memory_strdup(setting);
    key[equals - setting] = '\0';
    bool ok = weir_set(session, key, equals + 1) == WEIR_OK;
    memory_free(key);
    if (!ok)
        print_error(session);
    return ok;
}

/* "dir/shop.sql" is the job "shop". */
static void name_jobs_after(WeirSession *session, const char *path)
{
    const char *slash = strrchr(path, '/');
    char *name = memory_strdup(slash == NULL ? path : slash + 1);
    char *dot = strrchr(name, '.');
    if (dot != NULL && dot != name)
        *dot = '\0';
    weir_default_name(session, name);
    memory_free(name);
}

static bool prepare(WeirSession *session, const CliOptions *options)
{
    weir_start_fresh(session, options->fresh);
    for (uint32_t i = 0; i < options->setting_count; i++) {
        if (!apply_setting(session, options->settings[i]))
            return false;
    }
    return options->init_file == NULL || run_file(session, options->init_file, true);
}

static bool run_batch(WeirSession *session, const CliOptions *options)
{
    interrupt_install(session, false);
    for (uint32_t i = 0; i < options->file_count && !interrupt_pending(); i++) {
        if (strcmp(options->files[i], "-") != 0)
            name_jobs_after(session, options->files[i]);
        if (!run_file(session, options->files[i], false))
            return false;
    }
    for (uint32_t i = 0; i < options->command_count && !interrupt_pending(); i++) {
        const char *text = options->commands[i];
        if (!run_script(session, text, strlen(text), NULL))
            return false;
    }
    return wait_for_jobs(session, options->quiet);
}

static int run_session(const CliOptions *options)
{
    memory_keep_freed();
    WeirSession *session = weir_open();
    int status = 1;
    if (prepare(session, options)) {
        if (options->file_count + options->command_count > 0)
            status = run_batch(session, options) ? 0 : 1;
        else
            status = shell_run(session);
    }
    interrupt_forget();
    weir_close(session);
    return status;
}

int main(int argc, char **argv)
{
    setlocale(LC_CTYPE, "");
    if (argc > 1 && strcmp(argv[1], "test") == 0)
        return test_run(argc - 2, argv + 2);
    CliOptions options = {0};
    int status = parse_arguments(argc, argv, &options);
    if (status < 0)
        status = run_session(&options);
    if (status == 0 && !flush_output()) /* after an error there is nothing more to tell */
        status = 1;
    memory_free(options.files);
    memory_free(options.commands);
    memory_free(options.settings);
    return status;
}
