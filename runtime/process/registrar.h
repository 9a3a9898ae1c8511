// Where an actor's children, and those below them, are made known: the arbiter's stream in a root, the own parent in a
// child. Loop thread only.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "runtime/wire/actor_info.h"
#include "runtime/wire/ledger_event.h"

namespace tractor {

class Registrar {
 public:
  virtual ~Registrar() = default;
  // Returns when the arbiter has it, or knows that it will have to be told later. A checkpoint.
  virtual void add(const ActorInfo& info) = 0;
  virtual void remove(const std::string& actor_id) = 0;
  // Parks until the arbiter has removed whom it was told to, as far as can be known; for a second at most: who asks it
  // next does not find them.
  virtual void wait_removed() {}
  // Of the claim of an exclusive name; 0: there is none.
  virtual std::uint64_t fencing_token() const { return 0; }
  // How many calls an actor serves.
  virtual void load(const std::string& actor_id, std::uint32_t calls_in_flight) = 0;
  // Processes below this actor, for those above it to wait for should it die.
  virtual void spawned(pid_t pid) = 0;
  virtual void reaped(pid_t pid) = 0;
  // For the arbiter's ledger; not a checkpoint. Some may get lost, when there are very many of them while it is away.
  virtual void record(LedgerEvent event) = 0;
  // Parks until the arbiter has what was recorded here so far, as far as can be known; for a second at most.
  virtual void wait_recorded() {}
};

}  // namespace tractor
