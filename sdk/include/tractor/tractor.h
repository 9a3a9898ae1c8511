// Everything: #include <tractor/tractor.h>.
#pragma once

#include "runtime/log.h"
#include "runtime/task/cancel_scope.h"
#include "runtime/task/clock.h"
#include "runtime/task/error.h"
#include "runtime/task/scheduler.h"
#include "runtime/task/sync.h"
#include "runtime/task/task_nursery.h"
#include "runtime/task/worker_threads.h"
#include "runtime/wire/remote_error.h"
#include "runtime/wire/value.h"
#include "tractor/actor_nursery.h"
#include "tractor/actors.h"
#include "tractor/codec.h"
#include "tractor/function.h"
#include "tractor/portal.h"
#include "tractor/program.h"
