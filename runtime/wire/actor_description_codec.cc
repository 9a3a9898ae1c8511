#include "runtime/wire/actor_description_codec.h"

#include "runtime/wire/error_codec.h"

namespace tractor {
namespace {

v1::FunctionKind encode(FunctionKind kind) {
  switch (kind) {
    case FunctionKind::generator:
      return v1::FUNCTION_KIND_GENERATOR;
    case FunctionKind::dialog:
      return v1::FUNCTION_KIND_CONTEXT;
    case FunctionKind::unary:
      break;
  }
  return v1::FUNCTION_KIND_UNARY;
}

FunctionKind decode(v1::FunctionKind kind) {
  switch (kind) {
    case v1::FUNCTION_KIND_GENERATOR:
      return FunctionKind::generator;
    case v1::FUNCTION_KIND_CONTEXT:
      return FunctionKind::dialog;
    default:
      return FunctionKind::unary;
  }
}

v1::Function encode(const FunctionDescription& from) {
  v1::Function to;
  to.set_name(from.name);
  to.set_kind(encode(from.kind));
  for (const Parameter& parameter : from.parameters) {
    v1::Parameter& added = *to.add_parameters();
    added.set_name(parameter.name);
    added.set_type(parameter.type);
    added.set_optional(parameter.optional);
  }
  to.set_result_type(from.result_type);
  to.set_in_thread(from.in_thread);
  return to;
}

FunctionDescription decode(const v1::Function& from) {
  FunctionDescription to{.name = from.name(),
                         .kind = decode(from.kind()),
                         .result_type = from.result_type(),
                         .in_thread = from.in_thread()};
  for (const v1::Parameter& parameter : from.parameters())
    to.parameters.push_back({.name = parameter.name(), .type = parameter.type(), .optional = parameter.optional()});
  return to;
}

}  // namespace

v1::DescribeResponse encode(const ActorDescription& from) {
  v1::DescribeResponse to;
  encode(from.actor, *to.mutable_actor());
  for (const ModuleDescription& module : from.modules) {
    v1::Module& added = *to.add_modules();
    added.set_name(module.name);
    added.set_enabled(module.enabled);
    for (const FunctionDescription& function : module.functions) *added.add_functions() = encode(function);
  }
  return to;
}

ActorDescription decode(const v1::DescribeResponse& from) {
  ActorDescription to{.actor = decode(from.actor())};
  for (const v1::Module& module : from.modules()) {
    ModuleDescription& added =
        to.modules.emplace_back(ModuleDescription{.name = module.name(), .enabled = module.enabled()});
    for (const v1::Function& function : module.functions()) added.functions.push_back(decode(function));
  }
  return to;
}

}  // namespace tractor
