#include "runtime/wire/fault_writer.h"

#include <utility>

#include "runtime/log.h"
#include "runtime/wire/fault_plan.h"

namespace tractor {
namespace {

// How long a link lasts that has lost a message, when nothing follows by which the other end could notice.
constexpr Clock::duration kBreakAfterDrop = std::chrono::milliseconds(100);

}  // namespace

void FaultWriter::write(std::string message) {
  if (broken_) return stream_.skip();
  const Fault fault = dropped_ ? Fault::none : fault_plan()->next_message();
  if (fault != Fault::none) {
    stream_.wake_loop();
    log::warning("fault: " + std::string(name_of(fault)) + ", at a message of " + std::to_string(message.size()) +
                 " bytes");
  }
  switch (fault) {
    case Fault::delay:
      held_ = std::move(message);
      return later_.arm(deadline_after(fault_plan()->delay()));
    case Fault::drop:
      dropped_ = true;
      later_.arm(deadline_after(kBreakAfterDrop));
      return stream_.skip();
    case Fault::break_off:
      break_off();
      return stream_.skip();
    case Fault::duplicate:
      again_ = message;
      break;
    case Fault::kill:
    case Fault::stop:
      suffer(fault, *fault_plan());
      break;
    case Fault::none:
    case Fault::refuse:
      break;
  }
  stream_.write(message);
}

bool FaultWriter::written() {
  if (again_.empty()) return true;
  stream_.write(std::exchange(again_, {}));
  return false;
}

void FaultWriter::on_time() {
  if (dropped_) return break_off();
  stream_.write(std::exchange(held_, {}));
}

void FaultWriter::break_off() {
  broken_ = true;
  stream_.break_off();
}

}  // namespace tractor
