/*
 * segcat: start reading here. Options, one session, an exit status.
 */
#include "segcat/cli/options.h"
#include "segcat/session/demo.h"
#include "segcat/session/session.h"

int main(int argc, char *argv[])
{
    struct options opt;
    const int status = options_parse(argc, argv, &opt);

    if (status != EXIT_OK)
        return status;
    switch (opt.mode) {
    case MODE_HELP:
        options_help();
        return EXIT_OK;
    case MODE_VERSION:
        options_version();
        return EXIT_OK;
    case MODE_LIST_OPTIONS:
        options_list();
        return EXIT_OK;
    case MODE_DEMO:
        return demo_run(&opt);
    default:
        return session_run(&opt, NULL, 0);
    }
}
