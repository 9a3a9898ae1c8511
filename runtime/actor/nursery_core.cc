#include "runtime/actor/nursery_core.h"

#include <algorithm>

#include "runtime/actor/runtime.h"
#include "runtime/process/child.h"

namespace tractor {

void check_child_spec(const ChildSpec& spec) {
  check_actor_name(spec.name);
  check_labels(spec.labels);
  if (spec.budget < Clock::duration::zero())
    throw UsageError("the budget of actor \"" + spec.name + "\" is negative: zero kills it at once");
  const FunctionTable& functions = Runtime::current().actor().functions();
  for (const std::string& module : spec.modules) functions.check_module_name(module);
  for (const auto& [key, value] : spec.statespace) {
    if (!is_utf8(key))
      throw UsageError("the names in a statespace must be valid UTF-8: one of actor \"" + spec.name + "\" is not");
  }
}

std::shared_ptr<Child> NurseryCore::start(ChildSpec spec) {
  Runtime& runtime = Runtime::current();
  checkpoint_if_cancelled();
  check_child_spec(spec);
  const auto child =
      std::make_shared<Child>(runtime.supervision(), std::move(spec), [this](Child& c) { child_changed(c); });
  tasks_.start_named("actor " + child->actor().name, [child] { child->run(); });
  children_.push_back(child);
  try {
    child->wait_started();
  } catch (const Cancelled&) {
    child->release("its start was cancelled");
    throw;
  }
  return child;
}

void NurseryCore::body_ended() {
  body_ended_ = true;
  release_if_done();
}

void NurseryCore::child_changed(Child& child) {
  if (child.failure() != nullptr) {
    cancel();
  } else {
    release_if_done();
  }
  if (child.ended()) std::erase_if(children_, [&](const auto& c) { return c.get() == &child; });
}

void NurseryCore::release_if_done() {
  if (!body_ended_) return;
  if (!std::ranges::all_of(children_, [](const auto& child) { return !child->one_shot() || child->settled(); })) return;
  for (const auto& child : children_) {
    if (child->one_shot()) child->release("its work is done");
  }
}

}  // namespace tractor
