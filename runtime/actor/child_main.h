// What a child process does instead of its program's main function: it asks its parent what to be, serves, and ends. By
// the thread that called main.
#pragma once

#include "runtime/actor/definitions.h"

namespace tractor {

// Whether this process was started as a child actor.
bool is_child_process();

// To be called early: from now on a child dies at once with its parent, until it serves and has things to end. Nothing
// in a process that is no child.
void die_with_parent_until_served();

// Runs it to its end and ends the process. Exit status 0 when it ended as it was asked to.
[[noreturn]] void run_child(const Definitions& definitions);

}  // namespace tractor
