// The tree of this actor's tasks as text, for people who want to know what it is doing, or what it waits for.
//
//   tasks of donny@7f3a, process 4711:
//   main#1 waits for the tasks of a nursery, for 12.034 s
//     scene.say_hello#12 waits for a call, for 0.250 s
//       at scene::say_hello()
//
// SIGUSR1 writes it to stderr: in children, and in a root that handles signals (Program::run), unless the program does
// something else with that signal. When a task keeps the loop busy for a second, the stack of that is written first.
#pragma once

#include <span>
#include <string>

namespace tractor {

class Scheduler;
struct ActorRef;

// A line for each task, below the one that opened its nursery: what it waits for and since when; then its stack,
// functions innermost first. In a task, UsageError elsewhere; not a checkpoint. Takes some microseconds a task, and
// longer when a function is seen first: names are read from the program's file.
std::string dump_tasks();

// The same for the library, also in posted functions.
std::string describe_tasks(const ActorRef& self, const Scheduler& scheduler);
// What is said of a loop that does not get to that, whose stack this is.
std::string describe_busy_loop(std::span<void* const> stack);

}  // namespace tractor
