// What actors did, when, and in which process: lines in a file that all of them append to, one write each.
//
// Actors get the file's path as an argument and call note(); the test reads it through a Trace. Times are the machine's
// monotonic clock, so those of different processes compare.
#pragma once

#include <algorithm>
#include <ctime>
#include <sstream>

#include "harness.h"

namespace tractor::test {

// A limit of the specification as it is checked: a machine whose cores are all busy with something else, or a
// sanitizer, may take longer.
inline constexpr std::chrono::nanoseconds within(std::chrono::nanoseconds limit) {
  return limit * (kSlowness > 1 ? 6 : 3);
}

inline std::chrono::nanoseconds monotonic_now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

// --- in the actors ---

inline void note(const std::string& trace, const std::string& what) {
  const std::string line = std::to_string(monotonic_now().count()) + " " + std::to_string(getpid()) + " " + what + "\n";
  const int file = open(trace.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
  if (file < 0 || write(file, line.data(), line.size()) != static_cast<ssize_t>(line.size())) abort();
  close(file);
}

// Notes it when it is destroyed: the proof that destructors ran.
class NoteAtEnd {
 public:
  NoteAtEnd(std::string trace, std::string what) : trace_(std::move(trace)), what_(std::move(what)) {}
  NoteAtEnd(const NoteAtEnd&) = delete;
  NoteAtEnd& operator=(const NoteAtEnd&) = delete;
  ~NoteAtEnd() { note(trace_, what_); }

 private:
  std::string trace_;
  std::string what_;
};

// --- in the test ---

class Trace {
 public:
  struct Line {
    std::chrono::nanoseconds at{};
    pid_t pid = 0;
    std::string what = {};
  };
  explicit Trace(std::string path) : path_(std::move(path)) {
    std::ofstream create(path_, std::ios::app);
    chmod(path_.c_str(), 0666);  // also for actors of other users
  }

  const std::string& path() const { return path_; }

  std::vector<Line> lines() const {
    std::vector<Line> lines;
    std::ifstream file(path_);
    for (std::string text; std::getline(file, text);) {
      if (file.eof()) break;  // without its end: being written
      std::istringstream words(text);
      std::chrono::nanoseconds::rep at = 0;
      Line line;
      words >> at >> line.pid >> std::ws;
      line.at = std::chrono::nanoseconds(at);
      std::getline(words, line.what);
      lines.push_back(std::move(line));
    }
    return lines;
  }
  // The first that says so.
  std::optional<Line> find(const std::string& what) const {
    for (Line& line : lines()) {
      if (line.what == what) return std::move(line);
    }
    return std::nullopt;
  }
  bool has(const std::string& what) const { return find(what).has_value(); }
  // How many end with that.
  long count(const std::string& end) const {
    const std::vector<Line> all = lines();
    return std::count_if(all.begin(), all.end(), [&](const Line& line) { return line.what.ends_with(end); });
  }
  // The processes that wrote to it.
  std::set<pid_t> pids() const {
    std::set<pid_t> pids;
    for (const Line& line : lines()) pids.insert(line.pid);
    return pids;
  }
  bool comes(const std::string& what, std::chrono::nanoseconds timeout = within(20s)) const {
    return eventually([&] { return has(what); }, timeout);
  }
  // Where it stands among all lines; the number of lines when nowhere.
  std::size_t position(const std::string& what) const {
    const std::vector<Line> all = lines();
    return static_cast<std::size_t>(
        std::find_if(all.begin(), all.end(), [&](const Line& line) { return line.what == what; }) - all.begin());
  }
  // For messages.
  std::string text() const {
    std::ostringstream text;
    text << std::ifstream(path_).rdbuf();
    return text.str();
  }

 private:
  std::string path_;
};

// A test that follows its actors by a trace.
class TracedProcesses : public RealProcesses {
 protected:
  // For files of the test's own.
  ScratchDirectory scratch_;
  Trace trace_{scratch_ / "trace"};
};

}  // namespace tractor::test
