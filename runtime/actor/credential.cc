#include "runtime/actor/credential.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "runtime/task/error.h"

namespace tractor {

std::string read_credential(const std::string& path) {
  const auto refuse = [&](const std::string& why) {
    return UsageError(absl::StrCat("the credential file ", path, " ", why));
  };
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) throw refuse(absl::StrCat("cannot be read: ", std::strerror(errno)));
  if (!S_ISREG(status.st_mode)) throw refuse("is no regular file");
  if ((status.st_mode & 077) != 0) throw refuse(absl::StrCat("may be read by others: chmod 600 ", path));
  std::ifstream file(path);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file && !file.eof()) throw refuse("cannot be read");
  absl::StripAsciiWhitespace(&text);
  if (text.empty()) throw refuse("is empty: write a secret token into it, as from `openssl rand -hex 32`");
  for (char c : text) {
    if (!absl::ascii_isgraph(static_cast<unsigned char>(c)))
      throw refuse("holds something else than one printable token");
  }
  return text;
}

}  // namespace tractor
