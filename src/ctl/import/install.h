/* install.h - the files of an import into a folder, all of them or none. */
#ifndef CTL_INSTALL_H
#define CTL_INSTALL_H

#include "set.h"

#define INSTALL_WHY 512

/* Makes DIR, DIR/conf.d and DIR/keys where they are missing. force: files that exist are replaced. false with a sentence in why; then
 * everything is as it was. */
bool install_files(const char *dir, const struct import_file *files, bool force, char why[INSTALL_WHY]);

#endif
