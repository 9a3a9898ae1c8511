// Names that one actor of the mesh has, and no other (RunOptions::exclusive_name).
#pragma once

#include "runtime/task/error.h"

namespace tractor {

// Another actor has the name, or may have it by now.
class NameTaken : public Error {
 public:
  using Error::Error;
};

}  // namespace tractor
